with source as (
    select * from {{ source('raw', 'forms') }}
),

final as (
    select
        form,
        is_whole_report
    from source
)

select * from final
