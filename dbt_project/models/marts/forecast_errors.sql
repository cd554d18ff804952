{#- A published case beside what the quarter turned out to be: the forecast as it was known, the actual once it was reported. -#}
with versions as (
    select * from {{ ref('ai_revenue_gap_versions') }}
),

forecasts as (
    select * from versions
    where run_rate_basis = 'forecast_run_rate' and known_to is null
),

run_rates as (
    select * from {{ ref('int_run_rates') }}
    where run_rate_basis = 'actual_run_rate'
),

in_use as (
    {{ resting_on_used_statements('run_rates') }}
),

actuals as (
    select
        calendar_quarter,
        run_rate_usd,
        known_from,
        fact_ids,
        row_number() over (partition by calendar_quarter order by known_from) as place
    from in_use
),

final as (
    select
        forecasts.scenario,
        forecasts.calendar_quarter,
        forecasts.known_from as forecast_known_from,
        forecasts.run_rate_usd as forecast_run_rate_usd,
        actuals.known_from as actual_known_from,
        actuals.run_rate_usd as actual_run_rate_usd,
        actuals.run_rate_usd - forecasts.run_rate_usd as error_usd,
        {{ share_of('actuals.run_rate_usd', 'forecasts.run_rate_usd') }} as actual_to_forecast_share,
        {{ array_union_sorted('forecasts.fact_ids', 'coalesce(actuals.fact_ids, ' ~ no_ids() ~ ')') }} as fact_ids
    from forecasts
    left join actuals on forecasts.calendar_quarter = actuals.calendar_quarter and actuals.place = 1
)

select * from final
order by scenario
