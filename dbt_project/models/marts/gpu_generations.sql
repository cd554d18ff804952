{#- Accelerators by generation: what each does and costs, measured against the H100, beside what was claimed of it. -#}
with figures as (
    select
        *,
        series as gpu
    from {{ ref('int_usable_figures') }}
    where
        is_citable and not is_own and withdrawn_on is null
        and metric in (
            'dense_bf16_performance', 'memory_bandwidth', 'board_power', 'unit_price', 'performance_claim', 'price_claim'
        )
),

by_gpu as (
    select
        company as vendor,
        gpu,
        min(period_end) as released_on,
        max(case when metric = 'dense_bf16_performance' then cast(value as decimal(18, 6)) end) as dense_bf16_tflops,
        max(case when metric = 'memory_bandwidth' then cast(value as decimal(18, 6)) end) as memory_tb_per_second,
        max(case when metric = 'board_power' then cast(value as decimal(18, 6)) end) as board_power_watts,
        cast(max(case when metric = 'unit_price' then coalesce(value, low_value) end) as bigint) as low_price_usd,
        cast(max(case when metric = 'unit_price' then coalesce(value, high_value) end) as bigint) as high_price_usd,
        max(case when metric = 'performance_claim' and basis = 'claim' then cast(value as decimal(18, 6)) end)
            as claimed_performance_ratio,
        max(case when metric = 'price_claim' and basis = 'claim' then cast(value as decimal(18, 6)) end) as claimed_price_ratio,
        max(known_on) as known_from,
        {{ agg_array_union(array_of('fact_id')) }} as fact_ids
    from figures
    group by company, gpu
),

-- What a claim compares with is the generation before: the H100, and of the H100 the A100.
reference as (
    select * from by_gpu
    where gpu in ('H100 SXM5 80GB', 'A100 SXM4 40GB')
),

final as (
    select
        by_gpu.vendor,
        by_gpu.gpu,
        by_gpu.released_on,
        by_gpu.dense_bf16_tflops,
        by_gpu.memory_tb_per_second,
        by_gpu.board_power_watts,
        by_gpu.low_price_usd,
        by_gpu.high_price_usd,
        reference.gpu as compared_with,
        {{ share_of('cast(by_gpu.dense_bf16_tflops * 1000 as bigint)', 'cast(reference.dense_bf16_tflops * 1000 as bigint)') }}
            as performance_ratio,
        {{ share_of('by_gpu.low_price_usd', 'reference.low_price_usd') }} as low_price_ratio,
        by_gpu.claimed_performance_ratio,
        by_gpu.claimed_price_ratio,
        greatest(by_gpu.known_from, reference.known_from) as known_from,
        {{ array_union_sorted('by_gpu.fact_ids', 'reference.fact_ids') }} as fact_ids
    from by_gpu
    inner join reference
        on case when by_gpu.gpu like 'H100%' then 'A100 SXM4 40GB' else 'H100 SXM5 80GB' end = reference.gpu
    where by_gpu.dense_bf16_tflops is not null
)

select * from final
order by released_on, gpu
