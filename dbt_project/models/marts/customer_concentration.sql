with final as (
    select
        period_start,
        period_end,
        span,
        customer_label,
        customer_kind,
        basis,
        share,
        qualifier,
        source_kind,
        accession,
        is_period_corrected,
        known_from,
        known_to,
        fact_id
    from {{ ref('int_customer_shares') }}
)

select * from final
order by period_end, span, basis, known_from, customer_label, fact_id
