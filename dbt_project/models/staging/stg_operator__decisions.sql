with source as (
    select * from {{ source('raw', 'decisions') }}
),

final as (
    select
        number,
        target,
        split_part(target, '/', 1) as accession,
        nullif(split_part(target, '/', 2), '') as metric,
        try_cast(nullif(split_part(target, '/', 3), '') as date) as period_end,
        verdict,
        why,
        decided_by,
        decided_on
    from source
)

select * from final
