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
        observations.*,
        observations.observation_id as row_id,
        screens.reason is null as is_sound
    from observations
    inner join screens on observations.observation_id = screens.observation_id
),

used as (
    {{ used_when('judged') }}
),

final as (
    select
        observations.*,
        used.used_from,
        used.used_to
    from observations
    inner join used on observations.observation_id = used.row_id
    where observations.value_usd is not null
)

select * from final
