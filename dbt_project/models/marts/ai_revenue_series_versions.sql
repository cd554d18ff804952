with final as (
    select
        company,
        calendar_quarter,
        ai_revenue_basis,
        layer,
        observed_metric,
        speaks_on,
        gross_usd,
        overlap_share,
        overlap_usd,
        overlap_method,
        low_usd,
        counted_usd as central_usd,
        high_usd,
        staleness_days,
        is_carried,
        is_partial,
        quarters_observed,
        source_kind,
        confidence,
        known_from,
        known_to,
        fact_ids,
        range_fact_ids
    from {{ ref('int_ai_revenue_versions') }}
)

select * from final
order by company, calendar_quarter, ai_revenue_basis, known_from
