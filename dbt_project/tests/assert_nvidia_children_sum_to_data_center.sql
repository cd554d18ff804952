{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_usable_observations'}}}) }}
-- In one filing and period, each of the two ways NVIDIA splits Data Center sums to it; rounded press figures of one day within
-- their rounding.
with splits as (
    select 'compute' as split, 'compute_revenue' as metric
    union all
    select 'compute', 'networking_revenue'
    union all
    select 'hyperscale', 'hyperscale_revenue'
    union all
    select 'hyperscale', 'ai_clouds_industrial_enterprise_revenue'
),

observations as (
    select
        *,
        case source_kind when 'xbrl' then accession else cast(known_from as string) end as document
    from {{ ref('int_usable_observations') }}
    where used_to is null
),

parts as (
    select
        observations.cik,
        observations.document,
        observations.period_start,
        observations.period_end,
        splits.split,
        count(*) as parts_known,
        sum(observations.value_usd) as parts_usd
    from observations
    inner join splits on observations.metric = splits.metric
    group by observations.cik, observations.document, observations.period_start, observations.period_end, splits.split
)

select
    parts.document,
    parts.period_end,
    parts.split,
    parts.parts_usd,
    whole.value_usd
from parts
inner join observations as whole
    on
        parts.cik = whole.cik
        and parts.document = whole.document
        and parts.period_start = whole.period_start
        and parts.period_end = whole.period_end
        and whole.metric = 'data_center_revenue'
where
    parts.parts_known = 2
    and abs(parts.parts_usd - whole.value_usd) > case whole.source_kind when 'xbrl' then 0 else 100000000 end
