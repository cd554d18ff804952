{% test no_look_ahead(model) %}
-- No version rests on a statement that was made after the version began.
with used as (
    select known_from, fact_ids from {{ model }}
),

ids as (
    select used.known_from, exploded.fact_id
    from used {{ explode_ids('used.fact_ids', 'fact_id') }}
)

select distinct ids.known_from, citations.fact_id, citations.filed_on
from ids
inner join {{ ref('citations') }} as citations on ids.fact_id = citations.fact_id
where citations.filed_on > ids.known_from
{% endtest %}
