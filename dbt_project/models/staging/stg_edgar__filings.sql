with source as (
    select * from {{ source('raw', 'filings') }}
),

final as (
    select
        cik,
        accession,
        form,
        filed_on,
        known_at,
        known_from,
        known_from_basis,
        report_date,
        primary_document,
        source_url
    from source
)

select * from final
