{#- int_ai_revenue_as_known, with days on which nothing changed folded into the interval before. -#}
with as_known as (
    select
        *,
        {{ state_of([
            'run_rate_usd', 'overlap_usd', 'trailing_12m_usd', 'trailing_counted_usd', 'fact_ids', 'trailing_fact_ids'
        ]) }} as state
    from {{ ref('int_ai_revenue_as_known') }}
),

compared as (
    select
        *,
        lag(state) over (partition by company, calendar_quarter order by known_from) as previous_state
    from as_known
),

final as (
    select
        company,
        calendar_quarter,
        layer,
        observed_metric,
        speaks_on,
        source_kind,
        confidence,
        run_rate_usd,
        trailing_12m_usd,
        trailing_quarters_observed,
        overlap_usd,
        overlap_method,
        counted_usd,
        trailing_counted_usd,
        staleness_days,
        known_from,
        lead(known_from) over (partition by company, calendar_quarter order by known_from) as known_to,
        fact_ids,
        trailing_fact_ids
    from compared
    where previous_state is null or previous_state <> state
)

select * from final
