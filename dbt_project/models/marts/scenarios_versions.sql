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
ranked as (
    select
        *,
        row_number() over (partition by scenario, parameter, known_from order by fact_id) as place
    from named
),

final as (
    select
        scenario,
        parameter,
        value,
        text_value,
        known_from,
        lead(known_from) over (partition by scenario, parameter order by known_from) as known_to,
        source_title,
        source_url,
        note,
        fact_id
    from ranked
    where place = 1
)

select * from final
order by scenario, parameter, known_from
