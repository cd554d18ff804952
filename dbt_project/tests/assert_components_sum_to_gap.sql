{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_gap_components'}}}) }}
-- The signed addends of a gap sum to it to the dollar.
with summed as (
    select
        calendar_quarter,
        scenario,
        sum(signed_usd) as components_usd
    from {{ ref('ai_revenue_gap_components') }}
    group by calendar_quarter, scenario
)

select
    gap.calendar_quarter,
    gap.scenario,
    gap.gap_usd,
    summed.components_usd
from {{ ref('ai_revenue_gap') }} as gap
left join summed on gap.calendar_quarter = summed.calendar_quarter and gap.scenario = summed.scenario
where
    summed.components_usd is null
    or summed.components_usd <> coalesce(gap.gap_usd, gap.required_revenue_usd)
