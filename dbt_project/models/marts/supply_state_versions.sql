{#- Is what NVIDIA sells short, in balance, or piling up? By quarter and knowledge interval: what it had in stock and on order,
    each in days of the quarter's sales, against the mean of the eight quarters before as then known.
    The rule: shortage where the stock is below 0.8 of its usual; stock-piling where stock or orders are above 1.25 of theirs;
    balance between. Sales and not cost of sales, because a write-down of one quarter is in its cost. -#}
with inputs as (
    select
        calendar_quarter,
        metric,
        fiscal_quarter,
        period_end,
        value_usd,
        {{ days_between('period_start', 'period_end') }} + 1 as days,
        known_from,
        known_to,
        fact_ids
    from {{ ref('int_metric_quarters') }}
    where ticker = 'NVDA' and metric in ('total_revenue', 'cost_of_revenue') and calendar_quarter >= '2016Q1'
    union all
    select
        calendar_quarter,
        metric,
        fiscal_quarter,
        period_end,
        value_usd,
        cast(null as bigint),
        known_from,
        known_to,
        fact_ids
    from {{ ref('int_metric_levels') }}
    where
        ticker = 'NVDA' and metric in ('inventory', 'supply_commitments', 'total_purchase_commitments')
        and calendar_quarter >= '2016Q1'
),

changes as (
    select calendar_quarter, known_from from inputs
    union
    select calendar_quarter, known_to from inputs
    where known_to is not null
),

targets as (
    select
        calendar_quarter,
        min(known_from) as opened_on
    from inputs
    where metric = 'total_revenue' and calendar_quarter >= '2018Q1'
    group by calendar_quarter
),

-- Every day on which the quarter, or one of the eight before it, changed.
days as (
    select distinct
        targets.calendar_quarter,
        greatest(changes.known_from, targets.opened_on) as known_from
    from targets
    inner join changes
        on {{ quarter_number('targets.calendar_quarter') }} - {{ quarter_number('changes.calendar_quarter') }} between 0 and 8
),

of_quarters as (
    select
        days.calendar_quarter,
        days.known_from,
        {{ quarter_number('days.calendar_quarter') }} - {{ quarter_number('inputs.calendar_quarter') }} as quarters_ago,
        max(case when inputs.metric = 'total_revenue' then inputs.fiscal_quarter end) as fiscal_quarter,
        max(case when inputs.metric = 'total_revenue' then inputs.period_end end) as period_end,
        max(inputs.days) as days,
        max(case when inputs.metric = 'total_revenue' then inputs.value_usd end) as revenue_usd,
        max(case when inputs.metric = 'cost_of_revenue' then inputs.value_usd end) as cost_usd,
        max(case when inputs.metric = 'inventory' then inputs.value_usd end) as inventory_usd,
        max(case when inputs.metric = 'supply_commitments' then inputs.value_usd end) as supply_commitments_usd,
        max(case when inputs.metric = 'total_purchase_commitments' then inputs.value_usd end) as total_purchase_commitments_usd,
        {{ agg_array_union('inputs.fact_ids') }} as fact_ids
    from days
    inner join inputs
        on
            {{ quarter_number('days.calendar_quarter') }} - {{ quarter_number('inputs.calendar_quarter') }} between 0 and 8
            and {{ in_force('inputs', 'days.known_from') }}
    group by
        days.calendar_quarter,
        days.known_from,
        {{ quarter_number('days.calendar_quarter') }} - {{ quarter_number('inputs.calendar_quarter') }}
),

in_days as (
    select
        *,
        {{ share_of('inventory_usd * days', 'revenue_usd') }} as inventory_days,
        {{ share_of('supply_commitments_usd * days', 'revenue_usd') }} as commitment_days
    from of_quarters
),

-- Means of what was stated in the eight quarters before, of four at least; in millionths of a day, so that no float divides.
usual as (
    select
        calendar_quarter,
        known_from,
        case
            when count(inventory_days) >= 4
                then {{ share_of('cast(sum(inventory_days) * 1000000 as bigint)', 'count(inventory_days) * 1000000') }}
        end as inventory_days,
        case
            when count(commitment_days) >= 4
                then {{ share_of('cast(sum(commitment_days) * 1000000 as bigint)', 'count(commitment_days) * 1000000') }}
        end as commitment_days,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from in_days
    where quarters_ago > 0
    group by calendar_quarter, known_from
),

-- What Cahn's essay of June 2024 says of a quarter.
essay as (
    select
        said.calendar_quarter,
        said.essay_says,
        parameters.known_on,
        parameters.fact_id
    from (
        values
        ('2023Q4', 'shortage (late 2023 was its peak)'),
        ('2024Q2', 'stock-piling (the shortage has subsided, stocks of GPUs grow)')
    ) as said (calendar_quarter, essay_says)
    cross join {{ ref('stg_curated__scenario_parameters') }} as parameters
    where parameters.scenario = 'cahn_2024' and parameters.parameter = 'gpu_share_of_tco'
),

as_known as (
    select
        days.calendar_quarter,
        days.known_from,
        own.fiscal_quarter,
        own.period_end,
        own.inventory_usd,
        {{ share_of('own.inventory_usd * own.days', 'own.cost_usd') }} as days_of_inventory,
        own.inventory_days,
        usual.inventory_days as usual_inventory_days,
        own.supply_commitments_usd,
        own.total_purchase_commitments_usd,
        own.commitment_days,
        usual.commitment_days as usual_commitment_days,
        case
            when own.inventory_days is null or usual.inventory_days is null then null
            when own.inventory_days < usual.inventory_days * cast(0.8 as decimal(3, 2)) then 'shortage'
            when
                own.inventory_days > usual.inventory_days * cast(1.25 as decimal(3, 2))
                or own.commitment_days > usual.commitment_days * cast(1.25 as decimal(3, 2))
                then 'stock-piling'
            else 'balance'
        end as state,
        essay.essay_says,
        {{ array_union_sorted(
            array_union_sorted('coalesce(own.fact_ids, ' ~ no_ids() ~ ')', 'coalesce(usual.fact_ids, ' ~ no_ids() ~ ')'),
            'case when essay.fact_id is null then ' ~ no_ids() ~ ' else ' ~ array_of('essay.fact_id') ~ ' end'
        ) }} as fact_ids
    from days
    -- A day on which nothing is known of the quarter any more (its filing was rejected) ends the version before it.
    left join in_days as own
        on days.calendar_quarter = own.calendar_quarter and days.known_from = own.known_from and own.quarters_ago = 0
    left join usual on days.calendar_quarter = usual.calendar_quarter and days.known_from = usual.known_from
    left join essay on days.calendar_quarter = essay.calendar_quarter and days.known_from >= essay.known_on
),

{%- set columns = [
    'calendar_quarter', 'fiscal_quarter', 'period_end', 'inventory_usd', 'days_of_inventory', 'inventory_days',
    'usual_inventory_days', 'supply_commitments_usd', 'total_purchase_commitments_usd', 'commitment_days',
    'usual_commitment_days', 'state', 'essay_says', 'fact_ids',
] %}

final as (
    {{ versions_of('as_known', key=['calendar_quarter'], state=columns[1:], columns=columns, present='period_end is not null') }}
)

select * from final
order by calendar_quarter, known_from
