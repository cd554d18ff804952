with source as (
    select * from {{ source('raw', 'pending_filings') }}
),

final as (
    select
        cik,
        accession,
        form,
        filed_on,
        reason
    from source
)

select * from final
