{{ config(severity='warn') }}
-- Where our sum stands against each published total of its own quarter and basis: more than a quarter above it, or a fifth
-- below. A warning, because scopes differ (see the note of each benchmark); each row is one to explain, not one to adjust to.
select
    calendar_quarter,
    benchmark,
    ai_revenue_basis,
    benchmark_usd,
    measured_usd,
    measured_to_benchmark_share,
    note
from {{ ref('ai_revenue_benchmarks') }}
where measured_to_benchmark_share > 1.25 or measured_to_benchmark_share < 0.8
