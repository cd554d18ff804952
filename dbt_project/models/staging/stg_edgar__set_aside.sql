with source as (
    select * from {{ source('raw', 'set_aside') }}
),

final as (
    select
        item_id,
        kind,
        cik,
        accession,
        concept,
        period_end,
        stated,
        reason,
        sha256
    from source
)

select * from final
