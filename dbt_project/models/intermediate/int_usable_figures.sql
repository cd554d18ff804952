{#- Curated figures, and from when to when each is used: as long as they are said, and not while an operator rejects the
    filing that they were read from. -#}
with figures as (
    select * from {{ ref('stg_curated__figures') }}
),

decisions as (
    select * from {{ ref('stg_operator__decisions') }}
),

judged as (
    select
        fact_id as row_id,
        accession,
        metric,
        period_end,
        known_on as known_from,
        true as is_sound
    from figures
),

used as (
    {{ used_when('judged') }}
),

final as (
    select
        figures.fact_id,
        figures.company,
        figures.ticker,
        figures.metric,
        figures.value,
        figures.low_value,
        figures.high_value,
        figures.unit,
        figures.qualifier,
        figures.period_type,
        figures.period_start,
        figures.period_end,
        figures.period_label,
        used.used_from as known_on,
        least(used.used_to, figures.withdrawn_on) as withdrawn_on,
        figures.series,
        figures.basis,
        figures.source_kind,
        figures.estimator,
        figures.layer,
        figures.overlaps_with,
        figures.source_title,
        figures.source_url,
        figures.accession,
        figures.confidence,
        figures.is_citable,
        figures.is_own,
        figures.is_headline_grade,
        figures.note
    from figures
    inner join used on figures.fact_id = used.row_id
    where figures.withdrawn_on is null or used.used_from < figures.withdrawn_on
)

select * from final
