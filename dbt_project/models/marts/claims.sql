{#- What the articles behind this project claim besides, each with what could be found out about it: verified, in part, or not. In
    the currency of the claim, and in dollars at the ECB's reference rates of its day or month. -#}
with figures as (
    select * from {{ ref('stg_curated__figures') }}
    where metric = 'claim' and not is_own and withdrawn_on is null
),

rates as (
    select
        unit,
        period_start,
        period_end,
        cast(value as decimal(18, 6)) as rate,
        fact_id
    from {{ ref('stg_curated__figures') }}
    where metric = 'exchange_rate' and withdrawn_on is null
),

-- Against the euro: of the month the day lies in, else the last one before.
candidates as (
    select
        figures.fact_id as claim_id,
        rates.unit as rate_unit,
        rates.rate,
        rates.fact_id as rate_id,
        rates.period_end,
        coalesce(rates.period_start, rates.period_end) as period_start
    from figures
    inner join rates on coalesce(rates.period_start, rates.period_end) <= figures.period_end
),

of_the_day as (
    {{ latest_of('candidates', key=['claim_id', 'rate_unit'], order=['period_start desc', 'period_end', 'rate_id']) }}
),

totals as (
    select * from {{ ref('ai_revenue_totals') }}
    where ai_revenue_basis = 'estimated_run_rate'
),

converted as (
    select
        figures.*,
        case
            when figures.unit in ('KRW', 'KRW/day') then won.rate
            when figures.unit = 'EUR' then cast(1 as decimal(18, 6))
        end as units_per_euro,
        dollar.rate as dollars_per_euro,
        case when figures.unit in ('KRW', 'KRW/day') then won.rate_id end as won_id,
        case when figures.unit in ('KRW', 'KRW/day', 'EUR') then dollar.rate_id end as dollar_id,
        -- What the measured revenue did in the time a forecast speaks of.
        {{ share_of('after.central_usd - before.central_usd', 'before.central_usd') }} as outcome_share
    from figures
    left join of_the_day as won on figures.fact_id = won.claim_id and won.rate_unit = 'KRW/EUR'
    left join of_the_day as dollar on figures.fact_id = dollar.claim_id and dollar.rate_unit = 'USD/EUR'
    left join totals as before
        on
            figures.qualifier = 'as_stated'
            and {{ calendar_quarter_of(add_days('figures.period_start', -1)) }} = before.calendar_quarter
    left join totals as after
        on figures.qualifier = 'as_stated' and {{ calendar_quarter_of('figures.period_end') }} = after.calendar_quarter
),

final as (
    select
        series as claim,
        cast(coalesce(value, low_value) as decimal(38, 6)) as low_value,
        cast(coalesce(value, high_value) as decimal(38, 6)) as high_value,
        unit,
        case
            when unit = 'USD' then cast(coalesce(value, low_value) as bigint)
            when units_per_euro is not null
                then {{ multiply_usd(
                    divide_usd('cast(coalesce(value, low_value) as bigint)', 'units_per_euro'), 'dollars_per_euro'
                ) }}
        end as low_usd,
        case qualifier when 'as_stated' then 'outcome' else qualifier end as verdict,
        outcome_share,
        note as finding,
        period_end as speaks_on,
        known_on as known_from,
        source_title,
        source_url,
        won_id as won_rate_id,
        dollar_id as dollar_rate_id
    from converted
)

select * from final
order by claim
