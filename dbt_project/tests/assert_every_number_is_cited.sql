{{ config(meta={'dagster': {'ref': {'name': 'citations'}}}) }}
-- Every row of every mart names its statements, and each of them can be looked up.
{% set marts = [
    'ai_revenue_gap', 'ai_revenue_gap_components', 'nvidia_data_center_revenue', 'hyperscaler_capex',
    'microsoft_share_of_nvidia', 'microsoft_share_estimates', 'ai_revenue', 'ai_revenue_benchmarks', 'reconciliation',
    'forecast_errors', 'ai_revenue_series', 'ai_revenue_totals', 'ai_revenue_bridge', 'ai_revenue_panel', 'ai_revenue_backtest',
    'compute_cost_reconciliation'
] %}
with used as (
    {% for mart in marts %}
        select
            '{{ mart }}' as mart,
            fact_ids
        from {{ ref(mart) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

rows_without as (
    select mart, 'a row without any fact id' as problem from used
    where fact_ids is null or fact_ids = {{ no_ids() }}
),

ids as (
    select used.mart, exploded.fact_id
    from used {{ explode_ids('used.fact_ids', 'fact_id') }}
),

orphans as (
    select ids.mart, concat('fact id without citation: ', ids.fact_id) as problem
    from ids
    left join {{ ref('citations') }} as citations on ids.fact_id = citations.fact_id
    where citations.fact_id is null
)

select * from rows_without
union all
select * from orphans
