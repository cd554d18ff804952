{#- estimated_run_rate of each company and quarter on each day of knowledge: 4 x the quarter where it was reported, else the
    mean over the quarter's days of the run rate on the log-linear line between the two statements around each day. After
    the last statement it stays flat (at the high end of the range it grows at its own last pace); before the first there is
    none. -#}
with known as (
    select * from {{ ref('int_ai_revenue_statements_known') }}
),

points as (
    select * from {{ ref('int_ai_revenue_points') }}
),

quarters as (
    select * from {{ ref('int_ai_revenue_quarters') }}
),

quarterly as (
    select
        known.*,
        quarters.calendar_quarter
    from known
    inner join quarters on {{ calendar_quarter_of('known.paced_on') }} = quarters.calendar_quarter
    where known.metric = 'quarterly_revenue'
),

latest_quarterly as (
    {{ latest_of(
        'quarterly',
        key=['company', 'known_from', 'range_end', 'calendar_quarter'],
        order=['speaks_on desc', 'known_on desc', 'fact_id'],
    ) }}
),

reported as (
    select
        company,
        known_from,
        range_end,
        calendar_quarter,
        run_rate_usd as gross_usd,
        metric as observed_metric,
        speaks_on,
        cast(0 as bigint) as staleness_days,
        cast(0 as bigint) as days_carried,
        cast(0 as bigint) as days_missing,
        layer,
        source_kind,
        confidence_rank,
        {{ array_of('fact_id') }} as fact_ids
    from latest_quarterly
),

calendar as (
    select
        quarters.calendar_quarter,
        quarters.quarter_end,
        {{ days_between('quarters.quarter_start', 'quarters.quarter_end') }} + 1 as quarter_days,
        {{ add_days('quarters.quarter_start', 'exploded.passed') }} as day
    from quarters {{ explode_ids(counted_to(days_between('quarters.quarter_start', 'quarters.quarter_end')), 'passed') }}
),

daily as (
    select
        points.company,
        points.known_from,
        points.range_end,
        calendar.calendar_quarter,
        calendar.quarter_end,
        calendar.quarter_days,
        case
            when points.next_paced_on is not null then {{ log_linear_usd(
                'points.run_rate_usd',
                'points.next_run_rate_usd',
                days_between('points.paced_on', 'calendar.day'),
                days_between('points.paced_on', 'points.next_paced_on'),
            ) }}
            when points.range_end like '%high' then {{ grown_usd(
                'points.run_rate_usd',
                'points.previous_run_rate_usd',
                days_between('points.paced_on', 'calendar.day'),
                'points.days_since_previous',
            ) }}
            else points.run_rate_usd
        end as run_rate_usd,
        case when points.next_paced_on is null and calendar.day > points.paced_on then 1 else 0 end as is_carried,
        points.paced_on,
        points.next_paced_on,
        points.fact_id,
        points.next_fact_id,
        points.layer,
        points.source_kind,
        greatest(points.confidence_rank, coalesce(points.next_confidence_rank, points.confidence_rank)) as confidence_rank
    from points
    inner join calendar
        on points.paced_on <= calendar.day and (points.next_paced_on is null or calendar.day < points.next_paced_on)
),

averaged as (
    select
        company,
        known_from,
        range_end,
        calendar_quarter,
        {{ divide_usd('cast(sum(run_rate_usd) as bigint)', 'cast(count(*) as decimal(9, 6))') }} as gross_usd,
        'interpolated' as observed_metric,
        max(paced_on) as speaks_on,
        -- How far the nearest statement is from the quarter's end, before it or after.
        least(
            min({{ days_between('paced_on', 'quarter_end') }}),
            coalesce(
                min({{ days_between('quarter_end', 'case when next_paced_on >= quarter_end then next_paced_on end') }}), 99999
            )
        ) as staleness_days,
        cast(sum(is_carried) as bigint) as days_carried,
        max(quarter_days) - count(*) as days_missing,
        max(layer) as layer,
        max(source_kind) as source_kind,
        max(confidence_rank) as confidence_rank,
        {{ agg_array_union(array_union_sorted(array_of('fact_id'), array_of('coalesce(next_fact_id, fact_id)'))) }} as fact_ids
    from daily
    group by company, known_from, range_end, calendar_quarter
),

final as (
    select * from reported
    union all
    select averaged.*
    from averaged
    left join reported
        on
            averaged.company = reported.company
            and averaged.known_from = reported.known_from
            and averaged.range_end = reported.range_end
            and averaged.calendar_quarter = reported.calendar_quarter
    where reported.company is null
)

select * from final
