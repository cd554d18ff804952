{#- Our sum over companies, with its range, its age and what it cannot see. -#}
with final as (
    select
        calendar_quarter,
        ai_revenue_basis,
        low_usd,
        ai_revenue_usd as central_usd,
        high_usd,
        companies_counted,
        companies_listed,
        max_staleness_days,
        stale_usd,
        is_partial,
        known_from,
        known_to,
        range_fact_ids as fact_ids
    from {{ ref('int_ai_revenue_totals') }}
)

select * from final
order by calendar_quarter, ai_revenue_basis, known_from
