with versions as (
    select * from {{ ref('ai_revenue_versions') }}
),

final as (
    select
        company,
        calendar_quarter,
        layer,
        observed_metric,
        speaks_on,
        run_rate_usd,
        trailing_12m_usd,
        trailing_quarters_observed,
        overlap_usd,
        overlap_method,
        counted_usd,
        trailing_counted_usd,
        staleness_days,
        source_kind,
        confidence,
        known_from,
        fact_ids,
        trailing_fact_ids
    from versions
    where known_to is null
)

select * from final
order by company, calendar_quarter
