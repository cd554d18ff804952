{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_bridge_versions'}}}) }}
-- The five kinds add up to the change to the dollar, company by company in every version; and a basis' companies add up to
-- its total.
with bridge as (
    select calendar_quarter, ai_revenue_basis, sum(after_usd) as after_usd
    from {{ ref('ai_revenue_bridge') }}
    group by calendar_quarter, ai_revenue_basis
)

select
    'a company' as what,
    calendar_quarter,
    ai_revenue_basis,
    company,
    after_usd
from {{ ref('ai_revenue_bridge_versions') }}
where before_usd + growth_usd + catch_up_usd + entrant_usd + exit_usd + netting_usd <> after_usd
union all
select
    'a total',
    totals.calendar_quarter,
    totals.ai_revenue_basis,
    null,
    totals.central_usd
from {{ ref('ai_revenue_totals') }} as totals
inner join bridge
    on totals.calendar_quarter = bridge.calendar_quarter and totals.ai_revenue_basis = bridge.ai_revenue_basis
where coalesce(totals.central_usd, 0) <> bridge.after_usd
