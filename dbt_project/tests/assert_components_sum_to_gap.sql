{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_gap_components_versions'}}}) }}
-- The signed addends of each version of a gap sum to it to the dollar.
with summed as (
    select
        calendar_quarter,
        scenario,
        known_from,
        sum(signed_usd) as components_usd
    from {{ ref('ai_revenue_gap_components_versions') }}
    group by calendar_quarter, scenario, known_from
)

select
    gap.calendar_quarter,
    gap.scenario,
    gap.known_from,
    gap.gap_usd,
    summed.components_usd
from {{ ref('ai_revenue_gap_versions') }} as gap
left join summed
    on
        gap.calendar_quarter = summed.calendar_quarter
        and gap.scenario = summed.scenario
        and gap.known_from = summed.known_from
where
    summed.components_usd is null
    or summed.components_usd <> coalesce(gap.gap_usd, gap.required_revenue_usd)
