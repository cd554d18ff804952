{#- What an hour of a GPU must bring in, and how much of the time it must be let, at the rental prices of each month: the terms of
    scenario amortized (lives, return, electricity) on its unit price. Implied life: how long it takes to earn the whole data
    center around it back at that price with nothing for the capital, against the life in the accounts. -#}
with prices as (
    select * from {{ ref('gpu_rental_price') }}
),

units as (
    select
        case
            when gpu like 'B200%' then 'B200'
            when gpu like 'H100%' then 'H100'
            when gpu like 'A100 SXM4 40GB' then 'A100'
        end as gpu,
        low_price_usd,
        high_price_usd,
        known_from,
        fact_ids
    from {{ ref('gpu_generations') }}
    where low_price_usd is not null
),

terms as (
    select
        cast(max(case when parameter = 'gpu_share_of_tco' then value end) as decimal(9, 6)) as gpu_share_of_tco,
        cast(max(case when parameter = 'accelerator_life_years' then value end) as decimal(9, 6)) as life_years,
        cast(max(case when parameter = 'building_life_years' then value end) as decimal(9, 6)) as building_life_years,
        cast(max(case when parameter = 'required_return' then value end) as decimal(9, 6)) as required_return,
        {{ share_of(
            "cast(8760000000 * max(case when parameter = 'electricity_usd_per_kwh' then value end) as bigint)",
            "cast(max(case when parameter = 'accelerator_usd_per_gw' then value end) as bigint)",
        ) }} as yearly_energy_share,
        max(known_from) as known_from,
        {{ agg_array_union(array_of('fact_id')) }} as fact_ids
    from {{ ref('scenarios') }}
    where scenario = 'amortized'
),

costs as (
    select
        units.gpu,
        units.low_price_usd as unit_price_usd,
        terms.life_years,
        {{ multiply_usd('units.low_price_usd', 'cast(terms.yearly_energy_share as decimal(9, 6))') }} as energy_usd,
        {{ divide_usd('units.low_price_usd', 'terms.gpu_share_of_tco') }} - units.low_price_usd as rest_usd,
        terms.building_life_years,
        terms.required_return,
        greatest(units.known_from, terms.known_from) as known_from,
        {{ array_union_sorted('units.fact_ids', 'terms.fact_ids') }} as fact_ids
    from units
    cross join terms
    where units.gpu is not null
),

-- Energy of its life is part of the rest of the data center, as in marts.amortized_requirement.
capital as (
    select
        *,
        greatest(0, rest_usd - {{ multiply_usd('energy_usd', 'life_years') }}) as building_usd
    from costs
),

yearly as (
    select
        *,
        {{ divide_usd('unit_price_usd', 'life_years') }} + {{ divide_usd('building_usd', 'building_life_years') }}
        + energy_usd
        -- On half of it, which is what is not yet written off, taken over its life.
        + {{ multiply_usd(
            'unit_price_usd + building_usd', 'cast(required_return * cast(0.5 as decimal(3, 2)) as decimal(9, 6))'
        ) }} as cost_usd
    from capital
),

final as (
    select
        prices.gpu,
        prices.month,
        prices.contract,
        prices.median_usd_per_hour,
        yearly.unit_price_usd,
        yearly.cost_usd as yearly_cost_usd,
        {{ share_of('yearly.cost_usd', 'cast(8760 as bigint)') }} as breakeven_usd_per_hour,
        {{ share_of(
            'yearly.cost_usd * 1000000', 'cast(8760 * prices.median_usd_per_hour * 1000000 as bigint)'
        ) }} as needed_utilisation_share,
        case
            when 8760 * prices.median_usd_per_hour > yearly.energy_usd
                then {{ share_of(
                    'yearly.unit_price_usd + yearly.building_usd',
                    'cast(8760 * prices.median_usd_per_hour as bigint) - yearly.energy_usd'
                ) }}
        end as implied_life_years,
        yearly.life_years as accounting_life_years,
        greatest(prices.known_from, yearly.known_from) as known_from,
        {{ array_union_sorted('prices.fact_ids', 'yearly.fact_ids') }} as fact_ids
    from prices
    inner join yearly on prices.gpu = yearly.gpu
)

select * from final
order by gpu, month, contract
