{#- The end customer's dollar, counted once: the sum over companies of what is left after netting, per basis. -#}
with versions as (
    select * from {{ ref('int_ai_revenue_versions') }}
),

days as (
    select distinct calendar_quarter, known_from from versions
),

summed as (
    select
        days.calendar_quarter,
        days.known_from,
        cast(sum(versions.counted_usd) as bigint) as run_rate_usd,
        cast(sum(versions.trailing_counted_usd) as bigint) as trailing_usd,
        count(*) as companies_counted,
        max(versions.staleness_days) as max_staleness_days,
        {{ agg_array_union('versions.fact_ids') }} as fact_ids,
        {{ agg_array_union('versions.trailing_fact_ids') }} as trailing_fact_ids
    from days
    inner join versions
        on
            days.calendar_quarter = versions.calendar_quarter
            and days.known_from >= versions.known_from
            and (versions.known_to is null or days.known_from < versions.known_to)
    group by days.calendar_quarter, days.known_from
),

by_basis as (
    select
        calendar_quarter,
        'measured_run_rate' as ai_revenue_basis,
        run_rate_usd as ai_revenue_usd,
        companies_counted,
        max_staleness_days,
        known_from,
        fact_ids
    from summed
    union all
    select
        calendar_quarter,
        'measured_trailing_12m',
        trailing_usd,
        companies_counted,
        max_staleness_days,
        known_from,
        trailing_fact_ids
    from summed
),

final as (
    select
        *,
        lead(known_from) over (partition by calendar_quarter, ai_revenue_basis order by known_from) as known_to
    from by_basis
)

select * from final
