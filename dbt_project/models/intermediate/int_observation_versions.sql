{#- What each statement of a period said from when to when: a later filing that states the same value changes nothing, one
    that states another value opens a version, one that is rejected gives way to the one before. Half-open:
    [known_from, known_to). -#}
with observations as (
    select * from {{ ref('int_usable_observations') }}
),

-- The day a statement is withdrawn, the last word is that of another one, or nobody's.
withdrawals as (
    select
        gone.cik,
        gone.metric,
        gone.line,
        gone.source_kind,
        gone.period_start,
        gone.period_end,
        gone.used_to,
        other.observation_id,
        row_number() over (
            partition by gone.cik, gone.metric, gone.line, gone.source_kind, gone.period_start, gone.period_end, gone.used_to
            order by other.used_from desc, {{ later_word_first('other') }}
        ) as place
    from observations as gone
    left join observations as other
        on
            gone.cik = other.cik
            and gone.metric = other.metric
            and gone.line = other.line
            and gone.source_kind = other.source_kind
            and gone.period_start = other.period_start
            and gone.period_end = other.period_end
            and other.used_from <= gone.used_to
            and (other.used_to is null or other.used_to > gone.used_to)
    where gone.used_to is not null
),

words as (
    select
        cik,
        metric,
        line,
        source_kind,
        period_start,
        period_end,
        used_from as said_on,
        observation_id,
        -- it was not used when it was filed, or was rejected for a while
        used_from > known_from as is_fallback
    from observations
    union all
    select
        cik,
        metric,
        line,
        source_kind,
        period_start,
        period_end,
        used_to as said_on,
        observation_id,
        true as is_fallback
    from withdrawals
    where place = 1
),

ranked as (
    select
        words.cik,
        words.metric,
        words.line,
        words.source_kind,
        words.period_start,
        words.period_end,
        words.said_on,
        observations.concept,
        observations.priority,
        observations.span,
        observations.value_usd,
        observations.value_kind,
        observations.is_implied,
        observations.formula,
        observations.accession,
        observations.fact_ids,
        words.observation_id,
        observations.known_from as filed_from,
        observations.used_to,
        words.is_fallback,
        row_number() over (
            partition by
                words.cik, words.metric, words.line, words.source_kind, words.period_start, words.period_end, words.said_on
            order by observations.used_from desc, {{ later_word_first('observations') }}
        ) as place
    from words
    left join observations on words.observation_id = observations.observation_id and words.said_on >= observations.used_from
),

one_a_day as (
    select * from ranked
    where place = 1
),

numbered as (
    select
        *,
        sum(case when is_implied then 0 else 1 end) over (
            partition by cik, metric, line, source_kind, period_start, period_end
            order by said_on
        ) as stated_before
    from one_a_day
),

-- What a filing says by implication recasts what was stated; within rounding it is the same number once more.
against_the_stated as (
    select
        *,
        max(case when is_implied then null else value_usd end) over (
            partition by cik, metric, line, source_kind, period_start, period_end, stated_before
        ) as stated_usd
    from numbered
),

recasts as (
    select * from against_the_stated
    where is_implied is null or not is_implied or abs(value_usd - stated_usd) > 2000000
),

compared as (
    select
        *,
        lag(coalesce(value_usd, -1)) over (
            partition by cik, metric, line, source_kind, period_start, period_end
            order by said_on
        ) as previous_value_usd
    from recasts
),

runs as (
    select
        *,
        sum(case when previous_value_usd = coalesce(value_usd, -1) then 0 else 1 end) over (
            partition by cik, metric, line, source_kind, period_start, period_end
            order by said_on
        ) as run
    from compared
),

-- Of those that say the same one after the other the first to be filed speaks, until it is withdrawn: then the next.
speakers as (
    select
        runs.cik,
        runs.metric,
        runs.line,
        runs.source_kind,
        runs.period_start,
        runs.period_end,
        runs.said_on,
        runs.run,
        runs.is_fallback,
        said.concept,
        said.priority,
        said.span,
        said.value_usd,
        said.value_kind,
        said.formula,
        said.accession,
        said.fact_ids,
        said.observation_id,
        said.used_to,
        row_number() over (
            partition by
                runs.cik, runs.metric, runs.line, runs.source_kind, runs.period_start, runs.period_end, runs.said_on
            order by said.filed_from, said.said_on
        ) as place
    from runs
    inner join runs as said
        on
            runs.cik = said.cik
            and runs.metric = said.metric
            and runs.line = said.line
            and runs.source_kind = said.source_kind
            and runs.period_start = said.period_start
            and runs.period_end = said.period_end
            and runs.run = said.run
            and runs.said_on >= said.said_on
            and (said.used_to is null or said.used_to > runs.said_on)
),

first_of_run as (
    select
        *,
        lag(concat(cast(run as string), '|', coalesce(observation_id, ''))) over (
            partition by cik, metric, line, source_kind, period_start, period_end
            order by said_on
        ) as previous_speaker
    from speakers
    where place = 1
),

changes as (
    select * from first_of_run
    where previous_speaker is null or previous_speaker <> concat(cast(run as string), '|', coalesce(observation_id, ''))
),

versions as (
    select
        concat(observation_id, '|', cast(said_on as string)) as version_id,
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
        said_on as known_from,
        lead(said_on) over said as known_to,
        lag(said_on) over said as previous_from,
        used_to as withdrawn_on,
        is_fallback as follows_withdrawal,
        value_kind,
        formula,
        accession,
        fact_ids
    from changes
    window said as (partition by cik, metric, line, source_kind, period_start, period_end order by said_on)
),

final as (
    select * from versions
    where value_usd is not null
)

select * from final
