{{ config(severity='warn') }}
-- Where our sum stands: of the benchmarks of one quarter and basis it should neither exceed the highest nor fall short of half
-- the lowest. A warning, because scopes differ (see the notes of each benchmark).
with ranges as (
    select
        calendar_quarter,
        ai_revenue_basis,
        max(measured_usd) as measured_usd,
        min(benchmark_usd) as lowest_usd,
        max(benchmark_usd) as highest_usd
    from {{ ref('ai_revenue_benchmarks') }}
    where measured_usd is not null
    group by calendar_quarter, ai_revenue_basis
)

select * from ranges
where measured_usd > highest_usd or 2 * measured_usd < lowest_usd
