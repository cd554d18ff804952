{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_gap_versions'}}}) }}
-- Per key: intervals touch, never overlap, and exactly one is open; or none, where an operator rejected what the last one said:
-- then the gap begins on a day of a decision.
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
    select 'scenarios', concat(scenario, '|', parameter), known_from, known_to
    from {{ ref('scenarios_versions') }}
),

ordered as (
    select
        *,
        lead(known_from) over (partition by mart, version_key order by known_from) as next_from
    from versions
)

select * from ordered
where
    known_from >= known_to
    or (next_from is not null and (known_to is null or known_to > next_from))
    or (
        known_to is not null
        and (next_from is null or known_to < next_from)
        and known_to not in (select decisions.decided_on from {{ ref('stg_operator__decisions') }} as decisions)
    )
