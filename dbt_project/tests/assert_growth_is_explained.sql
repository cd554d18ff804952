{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'ai_revenue_bridge'}}}) }}
-- A quarter whose AI revenue grew by more than 15 points beyond what the companies fresh at both ends did, entrants and what
-- was counted within another taken out: catch-up or netting made it, not growth. Quote the panel's rate for it.
with totals as (
    select
        calendar_quarter,
        ai_revenue_basis,
        sum(before_usd) as before_usd,
        sum(growth_usd) as growth_usd,
        sum(catch_up_usd) as catch_up_usd,
        sum(netting_usd) as netting_usd
    from {{ ref('ai_revenue_bridge') }}
    group by calendar_quarter, ai_revenue_basis
)

select
    totals.calendar_quarter,
    totals.ai_revenue_basis,
    totals.before_usd,
    totals.growth_usd,
    totals.catch_up_usd,
    totals.netting_usd,
    panel.growth_share as panel_growth_share
from totals
left join {{ ref('ai_revenue_panel') }} as panel
    on totals.calendar_quarter = panel.calendar_quarter and totals.ai_revenue_basis = panel.ai_revenue_basis
where
    totals.before_usd > 0
    and totals.growth_usd + totals.catch_up_usd + totals.netting_usd
    > (coalesce(panel.growth_share, 0) + 0.15) * totals.before_usd
