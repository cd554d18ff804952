{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_metric_observations'}}}) }}
-- In one filing and period, the two ways NVIDIA splits Data Center each sum to it, rounded press figures within their rounding.
{% set splits = [['compute_revenue', 'networking_revenue'], ['hyperscale_revenue', 'ai_clouds_industrial_enterprise_revenue']] %}
with observations as (
    select * from {{ ref('int_usable_observations') }}
    where used_to is null
),

{% for first, second in splits %}
split_{{ loop.index }} as (
    select
        whole.accession,
        whole.known_from,
        whole.source_kind,
        whole.period_start,
        whole.period_end,
        whole.value_usd,
        first.value_usd + second.value_usd as parts_usd
    from observations as whole
    inner join observations as first
        on
            whole.cik = first.cik
            and whole.source_kind = first.source_kind
            and whole.period_start = first.period_start
            and whole.period_end = first.period_end
            and case when whole.source_kind = 'xbrl' then whole.accession else cast(whole.known_from as string) end
            = case when first.source_kind = 'xbrl' then first.accession else cast(first.known_from as string) end
            and first.metric = '{{ first }}'
    inner join observations as second
        on
            first.cik = second.cik
            and first.source_kind = second.source_kind
            and first.period_start = second.period_start
            and first.period_end = second.period_end
            and case when first.source_kind = 'xbrl' then first.accession else cast(first.known_from as string) end
            = case when second.source_kind = 'xbrl' then second.accession else cast(second.known_from as string) end
            and second.metric = '{{ second }}'
    where whole.metric = 'data_center_revenue'
){{ ',' if not loop.last }}
{% endfor %}

{% for first, second in splits %}
select * from split_{{ loop.index }}
where abs(parts_usd - value_usd) > case when source_kind = 'xbrl' then 0 else 100000000 end
{{ 'union all' if not loop.last }}
{% endfor %}
