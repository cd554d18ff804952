{#- What the counted labs are said to pay for compute in a year, against what is netted at the counted clouds for it: payments
    that are known, and all of it with the stated default. A lab buys at clouds that state no AI revenue too, so a sum that
    netting falls short of is expected; one that it exceeds would take out revenue that nobody paid. -#}
with costs as (
    select * from {{ ref('int_usable_figures') }}
    where metric = 'compute_cost' and period_type = 'year' and unit = 'USD' and is_headline_grade and withdrawn_on is null
),

latest_costs as (
    {{ latest_of('costs', key=['company', 'period_end'], order=['known_on desc', 'fact_id']) }}
),

series as (
    select *
    from {{ ref('int_ai_revenue_versions') }}
    where ai_revenue_basis = 'estimated_run_rate' and known_to is null and not is_superseded
),

pairs as (
    select * from {{ ref('int_ai_revenue_edge_shares') }}
    where is_headline_grade and not counts_own
),

newest as (
    select max(known_from) as known_from from pairs
),

newest_pairs as (
    select pairs.*
    from pairs
    inner join newest on pairs.known_from = newest.known_from
),

by_payer as (
    select
        substr(newest_pairs.calendar_quarter, 1, 4) as calendar_year,
        newest_pairs.payer,
        cast(sum({{ divide_usd(
            multiply_usd('newest_pairs.payee_usd', 'newest_pairs.share'), 'cast(4 as decimal(9, 6))'
        ) }}) as bigint) as netted_usd,
        {{ agg_array_union('newest_pairs.fact_ids') }} as fact_ids
    from newest_pairs
    inner join series
        on newest_pairs.payee = series.company and newest_pairs.calendar_quarter = series.calendar_quarter
    where series.layer = 'cloud_infrastructure'
    group by substr(newest_pairs.calendar_quarter, 1, 4), newest_pairs.payer
),

all_clouds as (
    select
        substr(calendar_quarter, 1, 4) as calendar_year,
        cast(sum({{ divide_usd('overlap_usd', 'cast(4 as decimal(9, 6))') }}) as bigint) as netted_usd,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from series
    where layer = 'cloud_infrastructure' and overlap_usd is not null
    group by substr(calendar_quarter, 1, 4)
),

by_lab as (
    select
        cast(year(latest_costs.period_end) as string) as calendar_year,
        latest_costs.company as payer,
        cast(latest_costs.value as bigint) as compute_cost_usd,
        coalesce(by_payer.netted_usd, 0) as netted_usd,
        {{ array_union_sorted(array_of('latest_costs.fact_id'), 'coalesce(by_payer.fact_ids, ' ~ no_ids() ~ ')') }} as fact_ids
    from latest_costs
    left join by_payer
        on cast(year(latest_costs.period_end) as string) = by_payer.calendar_year and latest_costs.company = by_payer.payer
),

all_labs as (
    select
        by_lab.calendar_year,
        'All labs, with the default' as payer,
        cast(sum(by_lab.compute_cost_usd) as bigint) as compute_cost_usd,
        max(all_clouds.netted_usd) as netted_usd,
        {{ array_union_sorted(agg_array_union('by_lab.fact_ids'), agg_array_union('all_clouds.fact_ids')) }} as fact_ids
    from by_lab
    inner join all_clouds on by_lab.calendar_year = all_clouds.calendar_year
    group by by_lab.calendar_year
),

compared as (
    select * from by_lab
    union all
    select * from all_labs
),

final as (
    select
        calendar_year,
        payer,
        compute_cost_usd,
        netted_usd,
        compute_cost_usd - netted_usd as not_netted_usd,
        fact_ids
    from compared
)

select * from final
order by calendar_year, payer
