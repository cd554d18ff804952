with parameters as (
    select * from {{ ref('stg_curated__scenario_parameters') }}
),

named as (
    select
        scenario,
        -- The members of Cahn's list are one parameter each, so that scenario x parameter stays the key.
        case when parameter = 'assumed_member_revenue_usd' then concat(parameter, ':', note) else parameter end as parameter,
        value,
        text_value,
        known_on as known_from,
        source_title,
        source_url,
        note,
        fact_id
    from parameters
),

-- Of two statements of one day the first by id counts, as in the gap.
one_a_day as (
    {{ latest_of('named', key=['scenario', 'parameter', 'known_from'], order=['fact_id']) }}
),

{%- set columns = ['scenario', 'parameter', 'value', 'text_value', 'source_title', 'source_url', 'note', 'fact_id'] %}

final as (
    {{ versions_of('one_a_day', key=['scenario', 'parameter'], state=columns[2:], columns=columns) }}
)

select * from final
order by scenario, parameter, known_from
