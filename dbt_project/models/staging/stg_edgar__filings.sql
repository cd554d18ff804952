with source as (
    select * from {{ source('raw', 'filings') }}
),

final as (
    select
        cik,
        accession,
        form,
        filed_on,
        report_date,
        primary_document,
        source_url
    from source
)

select * from final
