{#- Each version of the gap as signed addends that sum to it exactly: + what NVIDIA's revenue requires, step by step, - the
    AI revenue that exists, company by company. -#}
with gap as (
    select * from {{ ref('ai_revenue_gap_versions') }}
),

run_rates as (
    select * from {{ ref('int_run_rates') }}
),

parameters as (
    select * from {{ ref('scenarios_versions') }}
),

series as (
    select * from {{ ref('ai_revenue_series_versions') }}
),

run_rate as (
    select
        gap.calendar_quarter,
        gap.scenario,
        gap.known_from,
        1 as component_order,
        case
            when gap.run_rate_usd is null then 'data_center_spend'
            when gap.run_rate_basis = 'all_accelerators' then 'accelerator_run_rate'
            else 'nvidia_data_center_run_rate'
        end as component,
        coalesce(gap.run_rate_usd, gap.data_center_spend_usd) as signed_usd,
        coalesce(run_rates.value_kind, 'estimated') as value_kind,
        case
            when gap.run_rate_usd is null then 'spending of the year, as published: no run rate, and no gap without AI revenue'
            else coalesce(run_rates.formula, '4 x a forecast of the quarter, as published')
        end as formula,
        coalesce(run_rates.fact_ids, {{ array_of('parameters.fact_id') }}) as fact_ids
    from gap
    left join run_rates
        on
            gap.calendar_quarter = run_rates.calendar_quarter
            and gap.run_rate_basis = run_rates.run_rate_basis
            and {{ in_force('run_rates', 'gap.known_from') }}
    left join parameters
        on
            gap.scenario = parameters.scenario
            and parameters.parameter in ('run_rate_usd', 'data_center_spend_usd')
            and {{ in_force('parameters', 'gap.known_from') }}
),

rest_of_data_center as (
    select
        gap.calendar_quarter,
        gap.scenario,
        gap.known_from,
        2 as component_order,
        'rest_of_data_center' as component,
        gap.data_center_spend_usd - gap.run_rate_usd as signed_usd,
        'assumed' as value_kind,
        'run rate / GPU share of total cost of ownership - run rate' as formula,
        {{ array_of('parameters.fact_id') }} as fact_ids
    from gap
    inner join parameters
        on
            gap.scenario = parameters.scenario
            and parameters.parameter = 'gpu_share_of_tco'
            and {{ in_force('parameters', 'gap.known_from') }}
    where gap.run_rate_usd is not null
),

end_user_margin as (
    select
        gap.calendar_quarter,
        gap.scenario,
        gap.known_from,
        3 as component_order,
        'end_user_gross_margin' as component,
        gap.required_revenue_usd - gap.data_center_spend_usd as signed_usd,
        'assumed' as value_kind,
        'data-center spend / (1 - end-user gross margin) - data-center spend' as formula,
        {{ array_of('parameters.fact_id') }} as fact_ids
    from gap
    inner join parameters
        on
            gap.scenario = parameters.scenario
            and parameters.parameter = 'end_user_gross_margin'
            and {{ in_force('parameters', 'gap.known_from') }}
),

assumed_revenue as (
    select
        gap.calendar_quarter,
        gap.scenario,
        gap.known_from,
        4 as component_order,
        'ai_revenue:assumed' as component,
        -1 * gap.ai_revenue_usd as signed_usd,
        'assumed' as value_kind,
        coalesce(parameters.note, 'as published') as formula,
        {{ array_of('parameters.fact_id') }} as fact_ids
    from gap
    inner join parameters
        on
            gap.scenario = parameters.scenario
            and parameters.parameter = 'ai_revenue_usd'
            and {{ in_force('parameters', 'gap.known_from') }}
    where gap.ai_revenue_basis = 'assumed' and gap.ai_revenue_usd is not null
),

measured_revenue as (
    select
        gap.calendar_quarter,
        gap.scenario,
        gap.known_from,
        4 as component_order,
        concat('ai_revenue:', series.company) as component,
        -1 * case gap.ai_revenue_end
            when 'low' then series.low_usd
            when 'high' then series.high_usd
            else series.central_usd
        end as signed_usd,
        case
            when
                series.overlap_usd > 0 or series.is_carried or series.observed_metric = 'interpolated'
                or series.source_kind in ('press_report', 'estimate')
                then 'estimated'
            when gap.ai_revenue_basis like '%measured_run_rate' and series.observed_metric = 'annualized_run_rate' then 'reported'
            else 'derived'
        end as value_kind,
        concat(
            case series.observed_metric
                when 'four quarters' then 'a quarter of each of four estimated run rates'
                when 'interpolated'
                    then concat('mean of the run rate between statements, the last of ', cast(series.speaks_on as string))
                when 'quarterly_revenue' then concat('4 x quarter of ', cast(series.speaks_on as string))
                when 'half_year_revenue' then concat('2 x half year of ', cast(series.speaks_on as string))
                when 'annualized_run_rate' then concat('stated run rate of ', cast(series.speaks_on as string))
                else concat('stated twelve months of ', cast(series.speaks_on as string))
            end,
            case when series.is_carried then ', carried' else '' end,
            ' - overlap: ', series.overlap_method,
            case gap.ai_revenue_end when 'central' then '' else concat('; ', gap.ai_revenue_end, ' end of the range') end
        ) as formula,
        case gap.ai_revenue_end when 'central' then series.fact_ids else series.range_fact_ids end as fact_ids
    from gap
    inner join series
        on
            gap.calendar_quarter = series.calendar_quarter
            and gap.ai_revenue_basis = series.ai_revenue_basis
            and {{ in_force('series', 'gap.known_from') }}
    where gap.ai_revenue_end <> 'central' or series.central_usd is not null
),

addends as (
    select * from run_rate
    union all
    select * from rest_of_data_center
    union all
    select * from end_user_margin
    union all
    select * from assumed_revenue
    union all
    select * from measured_revenue
),

-- Every day on which a gap became another, or ended; an addend may be the same through many of them, or be gone.
days as (
    select calendar_quarter, scenario, known_from from gap
    union
    select calendar_quarter, scenario, known_to as known_from from gap
    where known_to is not null
),

named as (
    select distinct calendar_quarter, scenario, component_order, component from addends
),

as_known as (
    select
        named.calendar_quarter,
        named.scenario,
        named.component_order,
        named.component,
        days.known_from,
        addends.signed_usd,
        addends.value_kind,
        addends.formula,
        coalesce(addends.fact_ids, {{ no_ids() }}) as fact_ids
    from named
    inner join days on named.calendar_quarter = days.calendar_quarter and named.scenario = days.scenario
    left join addends
        on
            named.calendar_quarter = addends.calendar_quarter
            and named.scenario = addends.scenario
            and named.component = addends.component
            and days.known_from = addends.known_from
),

{%- set columns = [
    'calendar_quarter', 'scenario', 'component_order', 'component', 'signed_usd', 'value_kind', 'formula', 'fact_ids',
] %}

final as (
    {{ versions_of(
        'as_known',
        key=['calendar_quarter', 'scenario', 'component'],
        state=columns[4:],
        columns=columns,
        present='signed_usd is not null',
    ) }}
)

select
    calendar_quarter,
    scenario,
    component_order,
    component,
    signed_usd,
    value_kind,
    formula,
    known_from,
    known_to,
    fact_ids
from final
order by calendar_quarter, scenario, component_order, component, known_from
