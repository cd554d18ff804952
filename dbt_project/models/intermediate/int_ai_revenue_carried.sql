{#- measured_run_rate of each company and quarter on each day of knowledge: the latest statement about a day up to the quarter's
    end, carried with its age. Nothing is interpolated; at the high end of the range a carried value grows at its own last
    pace. -#}
with known as (
    select * from {{ ref('int_ai_revenue_statements_known') }}
),

points as (
    select * from {{ ref('int_ai_revenue_points') }}
),

quarters as (
    select * from {{ ref('int_ai_revenue_quarters') }}
),

candidates as (
    select
        known.*,
        quarters.calendar_quarter,
        quarters.quarter_end,
        -- Half a year or a year is the pace of its middle; an in-quarter statement is nearer to the quarter's end.
        case when known.metric = 'quarterly_revenue' then known.speaks_on else known.paced_on end as carried_from
    from known
    inner join quarters on known.speaks_on <= quarters.quarter_end
),

latest as (
    {{ latest_of(
        'candidates',
        key=['company', 'known_from', 'range_end', 'calendar_quarter'],
        order=['carried_from desc', 'metric_rank', 'known_on desc', 'confidence_rank', 'fact_id'],
    ) }}
),

final as (
    select
        latest.company,
        latest.known_from,
        latest.range_end,
        latest.calendar_quarter,
        case
            when latest.range_end like '%high' then {{ grown_usd(
                'latest.run_rate_usd',
                'points.previous_run_rate_usd',
                days_between('latest.speaks_on', 'latest.quarter_end'),
                'points.days_since_previous',
            ) }}
            else latest.run_rate_usd
        end as gross_usd,
        latest.metric as observed_metric,
        latest.speaks_on,
        {{ days_between('latest.speaks_on', 'latest.quarter_end') }} as staleness_days,
        {{ days_between('latest.speaks_on', 'latest.quarter_end') }} > 0 as is_carried,
        latest.layer,
        latest.source_kind,
        latest.confidence_rank,
        {{ array_of('latest.fact_id') }} as fact_ids
    from latest
    left join points
        on
            latest.company = points.company
            and latest.known_from = points.known_from
            and latest.range_end = points.range_end
            and latest.fact_id = points.fact_id
)

select * from final
