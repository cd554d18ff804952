{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_gap_components_versions'}}}) }}
-- The signed addends of each version of a gap sum to it to the dollar.
select
    gap.calendar_quarter,
    gap.scenario,
    gap.known_from,
    max(gap.gap_usd) as gap_usd,
    sum(addends.signed_usd) as components_usd
from {{ ref('ai_revenue_gap_versions') }} as gap
left join {{ ref('ai_revenue_gap_components_versions') }} as addends
    on
        gap.calendar_quarter = addends.calendar_quarter
        and gap.scenario = addends.scenario
        and {{ in_force('addends', 'gap.known_from') }}
group by gap.calendar_quarter, gap.scenario, gap.known_from
having
    sum(addends.signed_usd) is null
    or sum(addends.signed_usd) <> max(coalesce(gap.gap_usd, gap.required_revenue_usd))
