{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_gap_versions'}}}) }}
-- Per key: intervals touch, never overlap, and exactly one is open; a row that rests on statements which can be withdrawn, or
-- on a company that may be counted within another, may end, and come back later; so may any on the day of a decision.
with versions as (
    select 'ai_revenue_gap' as mart, concat(calendar_quarter, '|', scenario) as version_key, known_from, known_to
    from {{ ref('ai_revenue_gap_versions') }}
    union all
    select 'nvidia_data_center_revenue', calendar_quarter, known_from, known_to
    from {{ ref('nvidia_data_center_revenue_versions') }}
    union all
    select 'hyperscaler_capex', concat(ticker, '|', calendar_quarter, '|', capex_basis), known_from, known_to
    from {{ ref('hyperscaler_capex_versions') }}
    union all
    select 'ai_revenue', concat(company, '|', calendar_quarter), known_from, known_to
    from {{ ref('ai_revenue_versions') }}
    union all
    select 'microsoft_share_of_nvidia', calendar_quarter, known_from, known_to
    from {{ ref('microsoft_share_of_nvidia_versions') }}
    union all
    select 'ai_revenue_series', concat(company, '|', calendar_quarter, '|', ai_revenue_basis), known_from, known_to
    from {{ ref('ai_revenue_series_versions') }}
    union all
    select 'ai_revenue_totals', concat(calendar_quarter, '|', ai_revenue_basis), known_from, known_to
    from {{ ref('ai_revenue_totals_versions') }}
    union all
    select 'ai_revenue_bridge', concat(calendar_quarter, '|', ai_revenue_basis, '|', company), known_from, known_to
    from {{ ref('ai_revenue_bridge_versions') }}
    union all
    select 'ai_revenue_panel', concat(calendar_quarter, '|', ai_revenue_basis), known_from, known_to
    from {{ ref('ai_revenue_panel_versions') }}
    union all
    select 'scenarios', concat(scenario, '|', parameter), known_from, known_to
    from {{ ref('scenarios_versions') }}
),

ordered as (
    select
        *,
        mart in ('ai_revenue', 'ai_revenue_series', 'ai_revenue_totals', 'ai_revenue_bridge', 'ai_revenue_panel') as may_end,
        lead(known_from) over (partition by mart, version_key order by known_from) as next_from
    from versions
)

select * from ordered
where
    known_from >= known_to
    or (next_from is not null and (known_to is null or known_to > next_from))
    or (
        not may_end
        and known_to is not null
        and (next_from is null or known_to < next_from)
        and known_to not in (select decisions.decided_on from {{ ref('stg_operator__decisions') }} as decisions)
    )
