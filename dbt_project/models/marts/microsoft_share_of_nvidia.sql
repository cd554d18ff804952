with versions as (
    select * from {{ ref('microsoft_share_of_nvidia_versions') }}
),

final as (
    select
        calendar_quarter,
        low_share,
        central_share,
        high_share,
        method,
        value_kind,
        staleness_days,
        known_from,
        fact_ids
    from versions
    where known_to is null
)

select * from final
order by calendar_quarter
