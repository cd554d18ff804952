with source as (
    select * from {{ source('raw', 'ai_revenue_roles') }}
),

final as (
    select
        company,
        role,
        superseded_by,
        superseded_from,
        canonical,
        convention,
        region,
        note
    from source
)

select * from final
