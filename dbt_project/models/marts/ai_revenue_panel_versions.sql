{#- Growth that entrants cannot make: of the companies whose figures were fresh at both ends of the quarter, at one netting, and
    chained from quarter to quarter. -#}
with bridge as (
    select * from {{ ref('ai_revenue_bridge_versions') }}
),


days as (
    select distinct ai_revenue_basis, known_from from bridge
    union
    select ai_revenue_basis, known_to from bridge
    where known_to is not null
),

summed as (
    select
        days.ai_revenue_basis,
        days.known_from,
        bridge.calendar_quarter,
        cast(sum(case when bridge.is_fresh then 1 else 0 end) as bigint) as companies,
        cast(sum(case when bridge.is_fresh then bridge.comparable_before_usd else 0 end) as bigint) as before_usd,
        cast(sum(case when bridge.is_fresh then bridge.after_usd else 0 end) as bigint) as after_usd,
        cast(sum(bridge.after_usd) as bigint) as total_usd,
        {{ agg_array_union('case when bridge.is_fresh then bridge.fact_ids else ' ~ no_ids() ~ ' end') }} as panel_fact_ids,
        {{ agg_array_union('bridge.fact_ids') }} as all_fact_ids
    from days
    inner join bridge
        on days.ai_revenue_basis = bridge.ai_revenue_basis and {{ in_force('bridge', 'days.known_from') }}
    group by days.ai_revenue_basis, days.known_from, bridge.calendar_quarter
),

growth as (
    select
        *,
        case when before_usd > 0 then {{ share_of('after_usd', 'before_usd') }} - 1 end as growth_share,
        {{ share_of('after_usd', 'total_usd') }} as covered_share
    from summed
),

chained as (
    select
        *,
        cast(
            round(
                exp(sum(case when before_usd > 0 and after_usd > 0 then ln(after_usd) - ln(before_usd) else 0 end) over chain), 6
            ) as decimal(18, 6)
        ) as chain_index,
        {{ collect_array_union_over('panel_fact_ids', 'chain') }} as fact_ids
    from growth
    window chain as (
        partition by ai_revenue_basis, known_from
        order by {{ quarter_number('calendar_quarter') }}
        range between unbounded preceding and current row
    )
),

{%- set columns = [
    'calendar_quarter', 'ai_revenue_basis', 'companies', 'before_usd', 'after_usd', 'growth_share', 'covered_share',
    'chain_index', 'fact_ids',
] %}

final as (
    {{ versions_of(
        'chained', key=['calendar_quarter', 'ai_revenue_basis'], state=columns[2:], columns=columns, present='companies > 0'
    ) }}
)

select * from final
order by calendar_quarter, ai_revenue_basis, known_from
