with final as (
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
        known_to,
        fact_ids,
        trailing_fact_ids
    from {{ ref('int_ai_revenue_versions') }}
)

select * from final
order by company, calendar_quarter, known_from
