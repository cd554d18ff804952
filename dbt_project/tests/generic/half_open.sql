{% test half_open(model, key, may_end=false) %}
-- Per key: intervals touch, never overlap, and exactly one is open; where the mart's rows may end (they rest on statements that can
-- be withdrawn, or on a company counted within another) they may, and come back later; any may on the day of a decision.
with ordered as (
    select
        {{ key | join(', ') }},
        known_from,
        known_to,
        lead(known_from) over (partition by {{ key | join(', ') }} order by known_from) as next_from
    from {{ model }}
)

select * from ordered
where
    known_from >= known_to
    or (next_from is not null and (known_to is null or known_to > next_from))
    {% if not may_end %}
    or (
        known_to is not null
        and (next_from is null or known_to < next_from)
        and known_to not in (select decisions.decided_on from {{ ref('stg_operator__decisions') }} as decisions)
    )
    {% endif %}
{% endtest %}
