{{ config(meta={'dagster': {'ref': {'name': 'microsoft_share_of_nvidia_versions'}}}) }}
-- No version of Microsoft's range says what NVIDIA had excluded by then: more than the largest end customer it quantified for
-- the quarter or could have had of a longer period, more than 10 % where nobody reached it (unless the method names the
-- clash), or a low end whose dollars no longer period could hold. Printed shares are rounded: half a point either way.
with versions as (
    select * from {{ ref('microsoft_share_of_nvidia_versions') }}
),

nvidia as (
    select * from {{ ref('int_metric_quarters') }}
    where ticker = 'NVDA' and metric = 'total_revenue'
),

disclosed as (
    select
        period_start,
        period_end,
        known_from,
        known_to,
        max(case when qualifier = 'none_at_or_above_10' then 0.1 else share + 0.005 end) as most_share,
        max(case when qualifier = 'none_at_or_above_10' then 1 else 0 end) as is_nobody
    from {{ ref('int_customer_shares') }}
    where
        basis = 'revenue' and period_start is not null
        and (
            (qualifier = 'none_at_or_above_10' and customer_kind <> 'direct')
            or (customer_kind = 'indirect' and share is not null)
        )
    group by period_start, period_end, known_from, known_to
),

in_dollars as (
    select
        versions.calendar_quarter,
        versions.known_from,
        versions.method,
        versions.low_share,
        versions.central_share,
        versions.high_share,
        disclosed.is_nobody,
        disclosed.period_start,
        disclosed.period_end,
        disclosed.most_share * sum(within.value_usd) as most_usd,
        max(case when within.calendar_quarter = versions.calendar_quarter then within.value_usd end) as quarter_usd,
        min(within.period_start) as covered_from,
        max(within.period_end) as covered_to
    from versions
    inner join disclosed on {{ in_force('disclosed', 'versions.known_from') }}
    inner join nvidia as within
        on
            disclosed.period_start <= within.period_start
            and within.period_end <= disclosed.period_end
            and {{ in_force('within', 'versions.known_from') }}
    group by
        versions.calendar_quarter, versions.known_from, versions.method, versions.low_share, versions.central_share,
        versions.high_share, disclosed.is_nobody, disclosed.period_start, disclosed.period_end, disclosed.most_share
)

select calendar_quarter, known_from, low_share, central_share, high_share, period_start, period_end, method
from in_dollars
where
    quarter_usd is not null
    and covered_from = period_start
    and covered_to = period_end
    -- Half a millionth of a share is rounding.
    and high_share * quarter_usd > most_usd + 0.000001 * quarter_usd
    and not (is_nobody = 1 and method like '%clashes with its word%')
union all
select calendar_quarter, known_from, low_share, central_share, high_share, null, null, method
from versions
where low_share > high_share or central_share < low_share or central_share > high_share
