{% test cited(model) %}
-- Every row names its statements, and each of them can be looked up in marts.citations.
with used as (
    select fact_ids from {{ model }}
),

ids as (
    select distinct exploded.fact_id
    from used {{ explode_ids('used.fact_ids', 'fact_id') }}
)

select 'a row without any fact id' as problem from used
where fact_ids is null or fact_ids = {{ no_ids() }}
union all
select concat('fact id without citation: ', ids.fact_id) as problem
from ids
left join {{ ref('citations') }} as citations on ids.fact_id = citations.fact_id
where citations.fact_id is null
{% endtest %}
