{#- What a *year* must earn, which Cahn's figure is not: his is what one year's chips must earn over their life.
    The accelerators sold in a quarter, and the part of buildings and energy that goes with them (their total cost of ownership is
    spend / GPU share), are used up straight-line, each over its own life, from the quarter after. A quarter must earn what is used
    up, and a return on what is not yet written off, over one minus the margin of whoever sells the end product.
    Scenario `amortized` has all parameters; the others change one. A quarter's chips live as long as was disclosed when they were
    bought. -#}
with parameters as (
    select * from {{ ref('stg_curated__scenario_parameters') }}
    where scenario = 'amortized' or scenario like 'amortized_%'
),

scenarios as (
    select distinct scenario from parameters
),

-- A scenario's own parameter, else that of the base.
filled as (
    select
        scenarios.scenario,
        parameters.parameter,
        parameters.value,
        parameters.known_on,
        parameters.fact_id
    from scenarios
    inner join parameters on scenarios.scenario = parameters.scenario
    union all
    select
        scenarios.scenario,
        parameters.parameter,
        parameters.value,
        parameters.known_on,
        parameters.fact_id
    from scenarios
    cross join parameters
    left join parameters as own on scenarios.scenario = own.scenario and parameters.parameter = own.parameter
    where parameters.scenario = 'amortized' and own.scenario is null
),

spend as (
    select
        calendar_quarter,
        {{ quarter_number('calendar_quarter') }} as number,
        period_end,
        value_usd as accelerator_usd,
        known_from,
        fact_ids
    from {{ ref('int_metric_quarters') }}
    where ticker = 'NVDA' and metric = 'data_center_revenue' and known_to is null
),

by_cohort as (
    select
        filled.*,
        spend.number,
        spend.period_end
    from filled
    cross join spend
),

-- What was said last when they were bought; before anything was said, what was said first.
of_cohort as (
    {{ latest_of(
        'by_cohort',
        key=['scenario', 'number', 'parameter'],
        order=[
            'case when known_on <= period_end then 1 else 2 end',
            'abs(' ~ days_between('known_on', 'period_end') ~ ')',
            'fact_id',
        ],
    ) }}
),

-- Assumptions of the whole chain hold for every quarter; the lives are those of the day.
cohorts as (
    select
        of_cohort.scenario,
        of_cohort.number,
        spend.accelerator_usd,
        cast(max(case when of_cohort.parameter = 'accelerator_life_years' then of_cohort.value end) * 4 as bigint)
            as accelerator_quarters,
        cast(max(case when of_cohort.parameter = 'building_life_years' then of_cohort.value end) * 4 as bigint)
            as building_quarters,
        cast(max(case when of_cohort.parameter = 'revenue_lag_quarters' then of_cohort.value end) as bigint) as lag_quarters,
        {{ divide_usd(
            'spend.accelerator_usd',
            "cast(max(case when of_cohort.parameter = 'gpu_share_of_tco' then of_cohort.value end) as decimal(9, 6))",
        ) }} - spend.accelerator_usd as rest_usd,
        -- A gigawatt for a year, at the price, over the accelerators that a gigawatt feeds.
        {{ share_of(
            "cast(8760000000 * max(case when of_cohort.parameter = 'electricity_usd_per_kwh' then of_cohort.value end) as bigint)",
            "cast(max(case when of_cohort.parameter = 'accelerator_usd_per_gw' then of_cohort.value end) as bigint)",
        ) }} as yearly_energy_share,
        {{ array_union_sorted(agg_array_union(array_of('of_cohort.fact_id')), agg_array_union('spend.fact_ids')) }} as fact_ids,
        greatest(max(of_cohort.known_on), max(spend.known_from)) as known_from
    from of_cohort
    inner join spend on of_cohort.number = spend.number
    group by of_cohort.scenario, of_cohort.number, spend.accelerator_usd
),

split as (
    select
        *,
        least(
            rest_usd,
            {{ multiply_usd(
                'accelerator_usd', 'cast(yearly_energy_share * accelerator_quarters * cast(0.25 as decimal(3, 2)) as decimal(9, 6))'
            ) }}
        ) as energy_usd
    from cohorts
),

first_cohorts as (
    {{ latest_of('split', key=['scenario'], order=['number']) }}
),

items as (
    select scenario, number, 'accelerators' as item, accelerator_usd as usd, accelerator_quarters as quarters, lag_quarters
    from split
    union all
    select scenario, number, 'buildings', rest_usd - energy_usd, building_quarters, lag_quarters
    from split
    union all
    select scenario, number, 'energy', energy_usd, accelerator_quarters, lag_quarters
    from split
),

-- Cumulative, so that the parts of a sum are the sum to the dollar.
used_up as (
    select
        items.scenario,
        items.number as cohort,
        items.number + items.lag_quarters + exploded.passed + 1 as number,
        items.item,
        {{ divide_usd('items.usd * (exploded.passed + 1)', 'cast(items.quarters as decimal(9, 6))') }}
        - {{ divide_usd('items.usd * exploded.passed', 'cast(items.quarters as decimal(9, 6))') }} as usd
    from items {{ explode_ids(counted_to('(items.quarters - 1)'), 'passed') }}
),

flows as (
    select
        used_up.scenario,
        used_up.number,
        cast(sum(case when used_up.item = 'accelerators' then used_up.usd else 0 end) as bigint) as accelerator_usd,
        cast(sum(case when used_up.item = 'buildings' then used_up.usd else 0 end) as bigint) as building_usd,
        cast(sum(case when used_up.item = 'energy' then used_up.usd else 0 end) as bigint) as energy_usd,
        min(used_up.cohort) as first_cohort,
        max(cohorts.known_from) as known_from,
        {{ agg_array_union('cohorts.fact_ids') }} as fact_ids
    from used_up
    inner join cohorts on used_up.scenario = cohorts.scenario and used_up.cohort = cohorts.number
    group by used_up.scenario, used_up.number
),

quarters as (
    select
        split.scenario,
        split.number,
        spend.calendar_quarter,
        coalesce(flows.accelerator_usd, 0) as accelerator_usd,
        coalesce(flows.building_usd, 0) as building_usd,
        coalesce(flows.energy_usd, 0) as energy_usd,
        cast(
            sum(
                split.accelerator_usd + split.rest_usd - split.energy_usd
                - coalesce(flows.accelerator_usd, 0) - coalesce(flows.building_usd, 0)
            ) over (partition by split.scenario order by split.number)
            as bigint
        ) as net_book_value_usd,
        greatest(split.known_from, coalesce(flows.known_from, split.known_from)) as known_from,
        {{ array_union_sorted('split.fact_ids', 'coalesce(flows.fact_ids, ' ~ no_ids() ~ ')') }} as fact_ids
    from split
    inner join spend on split.number = spend.number
    left join flows on split.scenario = flows.scenario and split.number = flows.number
),

returns as (
    select
        quarters.*,
        {{ multiply_usd(
            divide_usd(
                'coalesce(lag(quarters.net_book_value_usd) over earlier, 0) + quarters.net_book_value_usd', 'cast(8 as decimal(9, 6))'
            ),
            'cast(required.value as decimal(9, 6))',
        ) }} as return_usd,
        cast(margin.value as decimal(9, 6)) as end_user_gross_margin
    from quarters
    inner join of_cohort as required
        on quarters.scenario = required.scenario and quarters.number = required.number and required.parameter = 'required_return'
    inner join of_cohort as margin
        on quarters.scenario = margin.scenario and quarters.number = margin.number and margin.parameter = 'end_user_gross_margin'
    window earlier as (partition by quarters.scenario order by quarters.number)
),

gap as (
    select * from {{ ref('ai_revenue_gap') }}
    where scenario = 'measured'
),

earned as (
    select
        returns.*,
        {{ divide_usd(
            'accelerator_usd + building_usd + energy_usd + return_usd', '(1 - end_user_gross_margin)'
        ) }} as required_quarter_usd
    from returns
),

final as (
    select
        earned.calendar_quarter,
        earned.scenario,
        earned.accelerator_usd as accelerator_depreciation_usd,
        earned.building_usd as building_depreciation_usd,
        earned.energy_usd,
        earned.net_book_value_usd,
        earned.return_usd,
        earned.end_user_gross_margin,
        earned.required_quarter_usd,
        4 * earned.required_quarter_usd as required_year_usd,
        gap.required_revenue_usd as required_lifetime_usd,
        gap.ai_revenue_usd,
        {{ share_of('gap.ai_revenue_usd', '4 * earned.required_quarter_usd') }} as coverage_share,
        -- Chips bought before the first quarter at hand are no longer in use.
        earned.number >= first_cohorts.number + first_cohorts.accelerator_quarters + first_cohorts.lag_quarters as is_complete,
        greatest(earned.known_from, coalesce(gap.known_from, earned.known_from)) as known_from,
        {{ array_union_sorted('earned.fact_ids', 'coalesce(gap.fact_ids, ' ~ no_ids() ~ ')') }} as fact_ids
    from earned
    inner join first_cohorts on earned.scenario = first_cohorts.scenario
    left join gap on earned.calendar_quarter = gap.calendar_quarter
)

select * from final
order by calendar_quarter, scenario
