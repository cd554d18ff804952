{#- What each statement of a period said from when to when: a later filing that states the same value changes nothing, one
    that states another value opens a version. Half-open: [known_from, known_to). -#}
with observations as (
    select * from {{ ref('int_metric_observations') }}
),

-- The last word of a day is the one with the highest accession, then the preferred concept order decides.
ranked as (
    select
        *,
        row_number() over (
            partition by cik, metric, line, source_kind, period_start, period_end, known_from
            order by accession desc, priority, cast(fact_ids as string)
        ) as place
    from observations
),

one_a_day as (
    select * from ranked
    where place = 1
),

compared as (
    select
        *,
        lag(value_usd) over (
            partition by cik, metric, line, source_kind, period_start, period_end
            order by known_from
        ) as previous_value_usd
    from one_a_day
),

changes as (
    select * from compared
    where previous_value_usd is null or previous_value_usd <> value_usd
),

final as (
    select
        cik,
        metric,
        concept,
        line,
        priority,
        source_kind,
        span,
        period_start,
        period_end,
        value_usd,
        known_from,
        lead(known_from) over (
            partition by cik, metric, line, source_kind, period_start, period_end
            order by known_from
        ) as known_to,
        value_kind,
        formula,
        fact_ids
    from changes
)

select * from final
