{#- The points between which a run rate is interpolated, on each day of knowledge: one a day of pace, each with its neighbours.
    A half year or a year is none where something finer is known inside it. -#}
with known as (
    select * from {{ ref('int_ai_revenue_statements_known') }}
),

coarse as (
    select distinct
        known.company,
        known.known_from,
        known.range_end,
        known.statement_id
    from known
    inner join known as finer
        on
            known.company = finer.company
            and known.known_from = finer.known_from
            and known.range_end = finer.range_end
            and finer.span_days < known.span_days
            and finer.paced_on between known.period_start and known.speaks_on
    where known.metric <> 'quarterly_revenue'
),

candidates as (
    select known.*
    from known
    left join coarse
        on
            known.company = coarse.company
            and known.known_from = coarse.known_from
            and known.range_end = coarse.range_end
            and known.statement_id = coarse.statement_id
    where coarse.statement_id is null
),

one_a_day as (
    {{ latest_of(
        'candidates',
        key=['company', 'known_from', 'range_end', 'paced_on'],
        order=['metric_rank', 'known_on desc', 'confidence_rank', 'statement_id'],
    ) }}
),

final as (
    select
        company,
        known_from,
        range_end,
        statement_id,
        metric,
        paced_on,
        run_rate_usd,
        confidence_rank,
        layer,
        source_kind,
        lead(paced_on) over neighbours as next_paced_on,
        lead(run_rate_usd) over neighbours as next_run_rate_usd,
        lead(statement_id) over neighbours as next_statement_id,
        lead(confidence_rank) over neighbours as next_confidence_rank,
        lag(run_rate_usd) over neighbours as previous_run_rate_usd,
        {{ days_between('lag(paced_on) over neighbours', 'paced_on') }} as days_since_previous
    from one_a_day
    window neighbours as (partition by company, known_from, range_end order by paced_on)
)

select * from final
