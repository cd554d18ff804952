{#- The points and bounds behind the current range, one row each. -#}
with as_known as (
    select * from {{ ref('int_microsoft_share_as_known') }}
),

latest as (
    select calendar_quarter, max(known_from) as known_from
    from as_known
    group by calendar_quarter
),

first_seen as (
    select calendar_quarter, method, estimator, share, cast(fact_ids as string) as ids, min(known_from) as known_from
    from as_known
    group by calendar_quarter, method, estimator, share, cast(fact_ids as string)
),

final as (
    select
        as_known.calendar_quarter,
        as_known.method,
        as_known.estimator,
        as_known.kind,
        as_known.low_share,
        as_known.share,
        as_known.high_share,
        'estimated' as value_kind,
        first_seen.known_from,
        as_known.staleness_days,
        as_known.fact_ids
    from as_known
    inner join latest on as_known.calendar_quarter = latest.calendar_quarter and as_known.known_from = latest.known_from
    inner join first_seen
        on
            as_known.calendar_quarter = first_seen.calendar_quarter
            and as_known.method = first_seen.method
            and as_known.estimator = first_seen.estimator
            and as_known.share = first_seen.share
            and cast(as_known.fact_ids as string) = first_seen.ids
)

select * from final
order by calendar_quarter, method
