with source as (
    select * from {{ source('raw', 'fact_conflicts') }}
),

final as (
    select
        fact_id,
        kept_value,
        other_value,
        kept_source_kind,
        other_source_kind
    from source
)

select * from final
