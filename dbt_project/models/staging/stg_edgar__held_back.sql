with source as (
    select * from {{ source('raw', 'held_back') }}
),

final as (
    select
        target,
        cik,
        since,
        reason
    from source
)

select * from final
