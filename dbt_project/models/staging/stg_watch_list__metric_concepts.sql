with source as (
    select * from {{ source('raw', 'metric_concepts') }}
),

final as (
    select
        cik,
        metric,
        concept,
        dimensions,
        priority,
        is_required,
        same_as,
        coalesce(valid_from, cast('1990-01-01' as date)) as valid_from,
        coalesce(valid_to, cast('2999-12-31' as date)) as valid_to,
        coalesce(filed_from, cast('1990-01-01' as date)) as filed_from,
        coalesce(filed_to, cast('2999-12-31' as date)) as filed_to,
        part_of,
        max_step
    from source
)

select * from final
