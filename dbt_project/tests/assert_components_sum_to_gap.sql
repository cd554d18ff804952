{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_gap_components_versions'}}}) }}
-- The signed addends of each version of a gap sum to it to the dollar, and so do those that stand now.
with versions as (
    select
        gap.calendar_quarter,
        gap.scenario,
        gap.known_from,
        coalesce(gap.gap_usd, gap.required_revenue_usd) as gap_usd,
        addends.signed_usd
    from {{ ref('ai_revenue_gap_versions') }} as gap
    left join {{ ref('ai_revenue_gap_components_versions') }} as addends
        on
            gap.calendar_quarter = addends.calendar_quarter
            and gap.scenario = addends.scenario
            and {{ in_force('addends', 'gap.known_from') }}
),

standing as (
    select
        gap.calendar_quarter,
        gap.scenario,
        cast('9999-12-31' as date) as known_from,
        coalesce(gap.gap_usd, gap.required_revenue_usd) as gap_usd,
        addends.signed_usd
    from {{ ref('ai_revenue_gap') }} as gap
    left join {{ ref('ai_revenue_gap_components') }} as addends
        on gap.calendar_quarter = addends.calendar_quarter and gap.scenario = addends.scenario
),

every_gap as (
    select * from versions
    union all
    select * from standing
)

select
    calendar_quarter,
    scenario,
    known_from,
    max(gap_usd) as gap_usd,
    sum(signed_usd) as components_usd
from every_gap
group by calendar_quarter, scenario, known_from
having sum(signed_usd) is null or sum(signed_usd) <> max(gap_usd)
