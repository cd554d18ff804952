with versions as (
    select * from {{ ref('hyperscaler_capex_versions') }}
),

final as (
    select
        ticker,
        calendar_quarter,
        fiscal_quarter,
        period_start,
        period_end,
        capex_basis,
        capex_usd,
        value_kind,
        source_kind,
        formula,
        company_role,
        first_known_on,
        known_from,
        fact_ids
    from versions
    where known_to is null
)

select * from final
order by ticker, calendar_quarter, capex_basis
