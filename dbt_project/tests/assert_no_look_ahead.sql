{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_gap_versions'}}}) }}
-- No version of a number rests on a statement that was made after the version began.
{% set marts = [
    'ai_revenue_gap_versions', 'nvidia_data_center_revenue_versions', 'hyperscaler_capex_versions', 'ai_revenue_versions',
    'microsoft_share_of_nvidia_versions', 'ai_revenue_series_versions', 'ai_revenue_totals_versions', 'ai_revenue_bridge_versions',
    'ai_revenue_panel_versions'
] %}
with used as (
    {% for mart in marts %}
        select
            '{{ mart }}' as mart,
            calendar_quarter,
            known_from,
            fact_ids
        from {{ ref(mart) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

ids as (
    select used.mart, used.calendar_quarter, used.known_from, exploded.fact_id
    from used {{ explode_ids('used.fact_ids', 'fact_id') }}
)

select ids.mart, ids.calendar_quarter, ids.known_from, citations.fact_id, citations.filed_on
from ids
inner join {{ ref('citations') }} as citations on ids.fact_id = citations.fact_id
where citations.filed_on > ids.known_from
