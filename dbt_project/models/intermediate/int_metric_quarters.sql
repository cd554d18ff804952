{#- The number for a company, metric and calendar quarter as known on each day something changed: a filing before a press
    figure, a reported quarter before a derived one, the concept order of the watch list, then the newest. -#}
with candidates as (
    select * from {{ ref('int_quarter_candidates') }}
    where is_used
),

days as (
    select cik, metric, calendar_quarter, known_from as known_on
    from candidates
    union
    select cik, metric, calendar_quarter, known_to as known_on
    from candidates
    where known_to is not null
),

-- A day on which nothing holds any more (an operator rejected the last statement) ends the version before it.
valid as (
    select
        days.cik,
        days.metric,
        days.calendar_quarter,
        days.known_on,
        candidates.ticker,
        candidates.fiscal_quarter,
        candidates.period_start,
        candidates.period_end,
        candidates.value_usd,
        candidates.value_kind,
        candidates.source_kind,
        candidates.concept,
        candidates.priority,
        candidates.formula,
        candidates.known_from,
        candidates.fact_ids
    from days
    left join candidates
        on
            days.cik = candidates.cik
            and days.metric = candidates.metric
            and days.calendar_quarter = candidates.calendar_quarter
            and days.known_on >= candidates.known_from
            and (candidates.known_to is null or days.known_on < candidates.known_to)
),

ranked as (
    select
        *,
        row_number() over (
            partition by cik, metric, calendar_quarter, known_on
            order by
                case source_kind when 'xbrl' then 1 else 2 end,
                case value_kind when 'reported' then 1 else 2 end,
                priority,
                known_from desc,
                cast(fact_ids as string)
        ) as place
    from valid
),

best as (
    select * from ranked
    where place = 1
),

compared as (
    select
        *,
        lag({{ state_of(['value_usd', 'value_kind', 'fact_ids']) }}) over (
            partition by cik, metric, calendar_quarter
            order by known_on
        ) as previous_state
    from best
),

changes as (
    select *
    from compared
    where
        previous_state is null
        or previous_state <> {{ state_of(['value_usd', 'value_kind', 'fact_ids']) }}
),

versions as (
    select
        cik,
        ticker,
        metric,
        calendar_quarter,
        fiscal_quarter,
        period_start,
        period_end,
        value_usd,
        value_kind,
        source_kind,
        concept,
        formula,
        known_on as known_from,
        lead(known_on) over (partition by cik, metric, calendar_quarter order by known_on) as known_to,
        min(known_on) over (partition by cik, metric, calendar_quarter, value_usd) as first_known_on,
        fact_ids
    from changes
),

final as (
    select * from versions
    where value_usd is not null
)

select * from final
