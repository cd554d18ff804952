with source as (
    select * from {{ source('raw', 'payloads') }}
    where status = 'quarantined'
),

final as (
    select
        sha256,
        accession,
        url,
        error
    from source
)

select * from final
