with source as (
    select * from {{ source('raw', 'spans') }}
),

final as (
    select
        span,
        shortest_days,
        longest_days
    from source
)

select * from final
