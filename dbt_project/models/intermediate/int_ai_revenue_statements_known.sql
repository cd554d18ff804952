{#- The statements in force on each day one of the company's own came or went, for each end of the range: low rests on those of
    high confidence alone, central on those a headline may use, high on all. Of two about the same period the newer holds. Where
    the user has figures of their own, the three stand a second time with those among them, as own:low, own:central and
    own:high: nothing of these reaches the first three. -#}
with statements as (
    select * from {{ ref('int_ai_revenue_statements') }}
),

ends as (
    select 'low' as range_end, 1 as weakest_rank
    union all
    select 'central', 2
    union all
    select 'high', 3
),

-- One row, or none.
of_the_user as (
    select distinct is_own from statements
    where is_own
),

range_ends as (
    select range_end, weakest_rank, false as counts_own from ends
    union all
    select concat('own:', ends.range_end), ends.weakest_rank, true
    from ends
    cross join of_the_user
),

days as (
    select company, known_on as known_from from statements
    union
    select company, withdrawn_on from statements
    where withdrawn_on is not null
),

known as (
    select
        days.known_from,
        range_ends.range_end,
        statements.*
    from days
    inner join statements
        on days.company = statements.company and {{ in_force('statements', 'days.known_from', 'known_on', 'withdrawn_on') }}
    inner join range_ends
        on
            statements.confidence_rank <= range_ends.weakest_rank
            and (range_ends.counts_own or not statements.is_own)
),

newest as (
    {{ latest_of(
        'known',
        key=['company', 'known_from', 'range_end', 'metric', 'speaks_on'],
        order=['known_on desc', 'confidence_rank', 'fact_id'],
    ) }}
),

final as (
    select
        company,
        known_from,
        range_end,
        fact_id,
        metric,
        stated_usd,
        run_rate_usd,
        period_start,
        speaks_on,
        paced_on,
        span_days,
        metric_rank,
        layer,
        source_kind,
        confidence_rank,
        known_on
    from newest
)

select * from final
