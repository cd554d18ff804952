{#- What an hour of a GPU costs, by month and kind of contract: the median of what public price lists and reports say. Monthly
    rate cards whose licence is not established are left out. -#}
with figures as (
    select
        *,
        case
            when series like '%B300%' then 'B300'
            when series like '%B200%' then 'B200'
            when series like '%H200%' then 'H200'
            when series like '%H100%' then 'H100'
            when series like '%A100%' then 'A100'
        end as gpu,
        case
            when basis like '%spot%' or basis like '%preemptible%' then 'interruptible'
            when basis like '%reserved%' or basis like '%contract%' then 'reserved'
            else 'on demand'
        end as contract,
        concat(cast(year(period_end) as string), '-', right(concat('0', cast(month(period_end) as string)), 2)) as month,
        -- In millionths of a dollar, so that a median is a whole number.
        case
            when value is not null then cast(value * 1000000 as bigint)
            else cast((low_value + high_value) * 500000 as bigint)
        end as price
    from {{ ref('int_usable_figures') }}
    where
        metric in ('gpu_rental_price', 'gpu_list_price') and unit = 'USD/hour'
        and is_citable and not is_own and withdrawn_on is null
),

placed as (
    select
        *,
        row_number() over (partition by gpu, month, contract order by price, fact_id) as place,
        count(*) over (partition by gpu, month, contract) as prices
    from figures
    where gpu is not null
),

final as (
    select
        gpu,
        month,
        contract,
        {{ share_of(
            'cast(sum(case when 2 * place between prices and prices + 2 then price else 0 end) as bigint)',
            'cast(case when mod(prices, 2) = 0 then 2000000 else 1000000 end as bigint)'
        ) }} as median_usd_per_hour,
        {{ share_of('min(price)', 'cast(1000000 as bigint)') }} as lowest_usd_per_hour,
        {{ share_of('max(price)', 'cast(1000000 as bigint)') }} as highest_usd_per_hour,
        prices,
        max(known_on) as known_from,
        {{ agg_array_union(array_of('fact_id')) }} as fact_ids
    from placed
    group by gpu, month, contract, prices
)

select * from final
order by gpu, month, contract
