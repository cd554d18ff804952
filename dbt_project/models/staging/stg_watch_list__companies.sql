with source as (
    select * from {{ source('raw', 'companies') }}
),

final as (
    select
        cik,
        ticker,
        company,
        role,
        fiscal_year_end_month
    from source
)

select * from final
