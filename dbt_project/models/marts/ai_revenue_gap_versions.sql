with parameters as (
    select * from {{ ref('stg_curated__scenario_parameters') }}
    where parameter <> 'assumed_member_revenue_usd'
),

run_rates as (
    select * from {{ ref('int_run_rates') }}
),

ai_revenue as (
    select * from {{ ref('int_ai_revenue_totals') }}
),

scenario_days as (
    select distinct scenario, known_on as known_from from parameters
),

-- What each scenario's parameters were on each day one of them changed.
parameters_by_day as (
    select
        scenario_days.known_from,
        parameters.*
    from scenario_days
    inner join parameters
        on scenario_days.scenario = parameters.scenario and parameters.known_on <= scenario_days.known_from
),

parameters_known as (
    {{ latest_of('parameters_by_day', key=['scenario', 'known_from', 'parameter'], order=['known_on desc', 'fact_id']) }}
),

scenarios as (
    select
        scenario,
        known_from,
        lead(known_from) over (partition by scenario order by known_from) as known_to,
        cast(max(case when parameter = 'gpu_share_of_tco' then value end) as decimal(9, 6)) as gpu_share_of_tco,
        cast(max(case when parameter = 'end_user_gross_margin' then value end) as decimal(9, 6)) as end_user_gross_margin,
        max(case when parameter = 'run_rate_basis' then text_value end) as run_rate_basis,
        max(case when parameter = 'ai_revenue_basis' then text_value end) as ai_revenue_basis,
        coalesce(max(case when parameter = 'ai_revenue_end' then text_value end), 'central') as ai_revenue_end,
        max(case when parameter = 'calendar_quarter' then text_value end) as frozen_quarter,
        cast(max(case when parameter = 'run_rate_usd' then value end) as bigint) as frozen_run_rate_usd,
        cast(max(case when parameter = 'ai_revenue_usd' then value end) as bigint) as assumed_ai_revenue_usd,
        max(case when parameter = 'ai_revenue_usd' then known_on end) as assumed_on,
        {{ agg_array_union(array_of('fact_id')) }} as scenario_fact_ids
    from parameters_known
    group by scenario, known_from
),

with_run_rate as (
    select
        scenarios.*,
        coalesce(run_rates.calendar_quarter, scenarios.frozen_quarter) as calendar_quarter,
        coalesce(run_rates.run_rate_usd, scenarios.frozen_run_rate_usd) as run_rate_usd,
        greatest(scenarios.known_from, coalesce(run_rates.known_from, scenarios.known_from)) as pair_from,
        least(
            coalesce(scenarios.known_to, cast('9999-12-31' as date)), coalesce(run_rates.known_to, cast('9999-12-31' as date))
        ) as pair_until,
        coalesce(run_rates.fact_ids, {{ no_ids() }}) as run_rate_fact_ids
    from scenarios
    left join run_rates on scenarios.run_rate_basis = run_rates.run_rate_basis
    where
        coalesce(run_rates.run_rate_usd, scenarios.frozen_run_rate_usd) is not null
        -- A scenario is known once both of its parameters are.
        and scenarios.gpu_share_of_tco is not null
        and scenarios.end_user_gross_margin is not null
),

-- The same pair, cut at every day the measured revenue of the quarter changed.
days as (
    select scenario, calendar_quarter, pair_from as known_from
    from with_run_rate
    where pair_from < pair_until
    union
    select scenario, calendar_quarter, pair_until as known_from
    from with_run_rate
    where pair_from < pair_until and pair_until < cast('9999-12-31' as date)
    union
    select
        with_run_rate.scenario,
        with_run_rate.calendar_quarter,
        ai_revenue.known_from
    from with_run_rate
    inner join ai_revenue
        on
            with_run_rate.calendar_quarter = ai_revenue.calendar_quarter
            and with_run_rate.ai_revenue_basis = ai_revenue.ai_revenue_basis
            and ai_revenue.known_from > with_run_rate.pair_from
            and ai_revenue.known_from < with_run_rate.pair_until
    where with_run_rate.pair_from < with_run_rate.pair_until
    union
    select
        with_run_rate.scenario,
        with_run_rate.calendar_quarter,
        ai_revenue.known_to
    from with_run_rate
    inner join ai_revenue
        on
            with_run_rate.calendar_quarter = ai_revenue.calendar_quarter
            and with_run_rate.ai_revenue_basis = ai_revenue.ai_revenue_basis
            and ai_revenue.known_to > with_run_rate.pair_from
            and ai_revenue.known_to < with_run_rate.pair_until
    where with_run_rate.pair_from < with_run_rate.pair_until
),

chained as (
    select
        days.calendar_quarter,
        days.scenario,
        days.known_from,
        with_run_rate.run_rate_basis,
        with_run_rate.ai_revenue_basis,
        with_run_rate.ai_revenue_end,
        with_run_rate.run_rate_usd,
        with_run_rate.gpu_share_of_tco,
        {{ divide_usd('with_run_rate.run_rate_usd', 'with_run_rate.gpu_share_of_tco') }} as data_center_spend_usd,
        with_run_rate.end_user_gross_margin,
        case
            -- An assumption speaks of the quarter last reported when it was made, and of those after it.
            when
                with_run_rate.ai_revenue_basis = 'assumed'
                and {{ calendar_quarter_end('days.calendar_quarter') }} >= {{ add_days('with_run_rate.assumed_on', -92) }}
                then with_run_rate.assumed_ai_revenue_usd
            when with_run_rate.ai_revenue_basis <> 'assumed' and with_run_rate.ai_revenue_end = 'low' then ai_revenue.low_usd
            when with_run_rate.ai_revenue_basis <> 'assumed' and with_run_rate.ai_revenue_end = 'high' then ai_revenue.high_usd
            when with_run_rate.ai_revenue_basis <> 'assumed' then ai_revenue.ai_revenue_usd
        end as ai_revenue_usd,
        ai_revenue.companies_counted,
        ai_revenue.max_staleness_days,
        coalesce(ai_revenue.is_partial, false) as is_partial,
        {{ array_union_sorted(
            array_union_sorted('with_run_rate.run_rate_fact_ids', 'with_run_rate.scenario_fact_ids'),
            "coalesce(case with_run_rate.ai_revenue_end when 'central' then ai_revenue.fact_ids "
            ~ 'else ai_revenue.range_fact_ids end, ' ~ no_ids() ~ ')'
        ) }} as fact_ids
    from days
    -- A day on which there is no run rate any more (its quarter was rejected) ends the version before it.
    left join with_run_rate
        on
            days.scenario = with_run_rate.scenario
            and days.calendar_quarter = with_run_rate.calendar_quarter
            and days.known_from >= with_run_rate.pair_from
            and days.known_from < with_run_rate.pair_until
    left join ai_revenue
        on
            days.calendar_quarter = ai_revenue.calendar_quarter
            and with_run_rate.ai_revenue_basis = ai_revenue.ai_revenue_basis
            and {{ in_force('ai_revenue', 'days.known_from') }}
),

required as (
    select
        *,
        {{ divide_usd('data_center_spend_usd', '(1 - end_user_gross_margin)') }} as required_revenue_usd
    from chained
),

as_known as (
    select
        *,
        required_revenue_usd - ai_revenue_usd as gap_usd,
        {{ share_of('ai_revenue_usd', 'required_revenue_usd') }} as coverage_share,
        -- The same span on both sides, for every company in the sum.
        ai_revenue_usd is not null
        and not is_partial
        and (
            (
                run_rate_basis = 'actual_run_rate'
                and (ai_revenue_basis like '%measured_run_rate' or ai_revenue_basis like '%estimated_run_rate')
            )
            or (run_rate_basis = 'trailing_12m' and ai_revenue_basis like '%measured_trailing_12m')
        ) as is_like_for_like
    from required
),

{%- set columns = [
    'calendar_quarter', 'scenario', 'run_rate_basis', 'ai_revenue_basis', 'ai_revenue_end', 'is_like_for_like', 'run_rate_usd',
    'gpu_share_of_tco', 'data_center_spend_usd', 'end_user_gross_margin', 'required_revenue_usd', 'ai_revenue_usd', 'gap_usd',
    'coverage_share', 'companies_counted', 'max_staleness_days', 'fact_ids',
] %}

final as (
    {{ versions_of(
        'as_known',
        key=['calendar_quarter', 'scenario'],
        state=columns[2:],
        columns=columns,
        present='run_rate_usd is not null',
    ) }}
)

select * from final
order by calendar_quarter, scenario, known_from
