with versions as (
    select * from {{ ref('ai_revenue_gap_versions') }}
),

final as (
    select
        calendar_quarter,
        scenario,
        run_rate_basis,
        ai_revenue_basis,
        is_like_for_like,
        run_rate_usd,
        gpu_share_of_tco,
        data_center_spend_usd,
        end_user_gross_margin,
        required_revenue_usd,
        ai_revenue_usd,
        gap_usd,
        coverage_share,
        companies_counted,
        max_staleness_days,
        known_from,
        fact_ids
    from versions
    where known_to is null
)

select * from final
order by calendar_quarter, scenario
