with source as (
    select * from {{ source('raw', 'decisions') }}
),

taken_apart as (
    select
        *,
        split_part(target, '/', 1) as first_part,
        nullif(split_part(target, '/', 2), '') as second_part,
        nullif(regexp_extract(split_part(target, '/', 2), '^[0-9]{10}$', 0), '') as guard_cik
    from source
),

final as (
    select
        number,
        target,
        case when guard_cik is null then first_part end as accession,
        case when guard_cik is null then second_part end as metric,
        try_cast(nullif(split_part(target, '/', 3), '') as date) as period_end,
        guard_cik,
        verdict,
        why,
        decided_by,
        decided_at,
        decided_on
    from taken_apart
)

select * from final
