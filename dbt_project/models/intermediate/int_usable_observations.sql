{#- Statements, and from when to when each is used: sound ones from the day they were filed, others from the day an operator
    accepted them, none from the day one was rejected. -#}
with observations as (
    select * from {{ ref('int_metric_observations') }}
),

screens as (
    select * from {{ ref('int_observation_screens') }}
),

decisions as (
    select * from {{ ref('stg_operator__decisions') }}
),

judged as (
    select
        observations.observation_id as row_id,
        observations.decided_as as accession,
        observations.metric,
        observations.period_end,
        observations.known_from,
        screens.reason is null as is_sound
    from observations
    inner join screens on observations.observation_id = screens.observation_id
),

used as (
    {{ used_when('judged') }}
),

final as (
    select
        observations.observation_id,
        observations.cik,
        observations.metric,
        observations.concept,
        observations.line,
        observations.priority,
        observations.source_kind,
        observations.span,
        observations.period_start,
        observations.period_end,
        observations.value_usd,
        observations.known_from,
        observations.known_at,
        observations.report_date,
        observations.form,
        observations.withdrawn_on,
        observations.accession,
        observations.is_implied,
        observations.value_kind,
        observations.formula,
        observations.fact_ids,
        used.used_from,
        least(used.used_to, observations.withdrawn_on) as used_to
    from observations
    inner join used on observations.observation_id = used.row_id
    where
        observations.value_usd is not null
        and (observations.withdrawn_on is null or used.used_from < observations.withdrawn_on)
)

select * from final
