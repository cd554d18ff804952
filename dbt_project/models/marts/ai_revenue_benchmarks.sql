{#- Published totals beside ours, never added to it: where does the measured sum stand? -#}
with figures as (
    select * from {{ ref('int_usable_figures') }}
),

roles as (
    select * from {{ ref('stg_curated__ai_revenue_roles') }}
    where role = 'benchmark'
),

totals as (
    select * from {{ ref('int_ai_revenue_totals') }}
    where known_to is null
),

benchmarks as (
    select
        figures.*,
        coalesce(roles.region, '') as region,
        {{ calendar_quarter_of('figures.period_end') }} as calendar_quarter,
        -- A pace is held against the pace, what a year brought in against the twelve months.
        case figures.metric
            when 'annualized_run_rate' then 'measured_run_rate'
            else 'measured_trailing_12m'
        end as ai_revenue_basis
    from figures
    inner join roles on figures.company = roles.company
    where
        figures.metric in ('annualized_run_rate', 'trailing_12m_revenue', 'annual_revenue')
        and figures.is_citable
        and not figures.is_own
        and figures.withdrawn_on is null
        and figures.layer = 'all'
),

final as (
    select
        benchmarks.calendar_quarter,
        benchmarks.company as benchmark,
        benchmarks.ai_revenue_basis,
        cast(benchmarks.value as bigint) as benchmark_usd,
        totals.ai_revenue_usd as measured_usd,
        {{ share_of('totals.ai_revenue_usd', 'cast(benchmarks.value as bigint)') }} as measured_to_benchmark_share,
        benchmarks.confidence,
        benchmarks.note,
        benchmarks.known_on as known_from,
        {{ array_of('benchmarks.fact_id') }} as fact_ids
    from benchmarks
    left join totals
        on
            benchmarks.calendar_quarter = totals.calendar_quarter
            -- A total of one country is not ours to be held against.
            and benchmarks.region = ''
            and benchmarks.ai_revenue_basis = totals.ai_revenue_basis
)

select * from final
order by calendar_quarter, benchmark, ai_revenue_basis, cast(fact_ids as string)
