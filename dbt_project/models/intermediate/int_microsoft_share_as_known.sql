{#- Every point and bound on Microsoft's share of NVIDIA's revenue of a quarter, on each day the evidence changed. NVIDIA names
    nobody: each row is an estimate, and says of what kind. -#}
with nvidia as (
    select
        calendar_quarter,
        period_start,
        period_end,
        value_usd as total_revenue_usd,
        known_from,
        known_to,
        fact_ids
    from {{ ref('int_metric_quarters') }}
    where ticker = 'NVDA' and metric = 'total_revenue' and calendar_quarter >= '2023Q1'
),

capex as (
    select
        calendar_quarter,
        case metric when 'capex_cash_gross' then 'cash_gross' else 'including_finance_leases' end as capex_basis,
        value_usd as capex_usd,
        known_from,
        known_to,
        fact_ids
    from {{ ref('int_metric_quarters') }}
    where ticker = 'MSFT' and metric in ('capex_cash_gross', 'capex_including_finance_leases')
),

shares as (
    select * from {{ ref('int_customer_shares') }}
    where basis = 'revenue' and customer_kind = 'indirect' and share is not null
),

estimates as (
    select * from {{ ref('stg_curated__figures') }}
    where
        metric = 'share_of_nvidia_revenue' and company = 'Microsoft' and value is not null
        and is_headline_grade and source_kind <> 'company_filing'
),

-- The sourced ends of accelerators' share of data-center cost: the widest for the ceiling, the narrowest for the floor.
silicon_shares as (
    select
        case scenario when 'low' then 'capex_ceiling' else 'capex_floor' end as method,
        cast(value as decimal(9, 6)) as silicon_share,
        known_on,
        fact_id
    from {{ ref('stg_curated__scenario_parameters') }}
    where parameter = 'gpu_share_of_tco' and scenario in ('low', 'high')
),

quarters as (
    select calendar_quarter, min(known_from) as first_known_on
    from nvidia
    group by calendar_quarter
),

changes as (
    select calendar_quarter, known_from from nvidia
    union
    select calendar_quarter, known_from from capex
    union
    select quarters.calendar_quarter, shares.known_from
    from quarters cross join shares
    union
    select quarters.calendar_quarter, estimates.known_on
    from quarters cross join estimates
    union
    select quarters.calendar_quarter, silicon_shares.known_on
    from quarters cross join silicon_shares
),

days as (
    select
        changes.calendar_quarter,
        changes.known_from,
        nvidia.period_start,
        nvidia.period_end,
        nvidia.total_revenue_usd,
        nvidia.fact_ids as nvidia_fact_ids
    from changes
    inner join nvidia
        on
            changes.calendar_quarter = nvidia.calendar_quarter
            and changes.known_from >= nvidia.known_from
            and (nvidia.known_to is null or changes.known_from < nvidia.known_to)
),

-- (a) The largest cloud or indirect customer that NVIDIA quantifies, of the quarter itself or of the year around it.
disclosed_ranked as (
    select
        days.calendar_quarter,
        days.known_from,
        case when shares.span = 'quarter' then 'nvidia_disclosure_quarter' else 'nvidia_disclosure_year' end as method,
        'NVIDIA (customer unnamed)' as estimator,
        shares.share,
        0 as staleness_days,
        {{ array_of('shares.fact_id') }} as fact_ids,
        row_number() over (
            partition by days.calendar_quarter, days.known_from, shares.span
            order by shares.share desc, shares.known_from, shares.fact_id
        ) as place
    from days
    inner join shares
        on
            shares.known_from <= days.known_from
            and (
                (shares.span = 'quarter' and shares.period_end = days.period_end)
                or (
                    shares.span = 'year'
                    and days.period_end <= shares.period_end
                    and {{ days_between('days.period_end', 'shares.period_end') }} < 350
                )
            )
),

-- (b) Published estimates of Microsoft's share: of a period that covers the quarter, else the latest one before it.
published_ranked as (
    select
        days.calendar_quarter,
        days.known_from,
        case
            when estimates.period_end >= days.period_end and estimates.period_start <= days.period_start then 'third_party'
            else 'third_party_carried_forward'
        end as method,
        estimates.estimator,
        cast(estimates.value as decimal(9, 6)) as share,
        greatest(0, {{ days_between('estimates.period_end', 'days.period_end') }}) as staleness_days,
        {{ array_of('estimates.fact_id') }} as fact_ids,
        row_number() over (
            partition by days.calendar_quarter, days.known_from
            order by
                case
                    when estimates.period_end >= days.period_end and estimates.period_start <= days.period_start then 0
                    else 1
                end,
                estimates.period_end desc, estimates.known_on desc, estimates.fact_id
        ) as place
    from days
    inner join estimates
        on
            estimates.known_on <= days.known_from
            and (
                estimates.period_end <= days.period_end
                or (estimates.period_end >= days.period_end and estimates.period_start <= days.period_start)
            )
),

-- (c) What Microsoft spends bounds what it can buy: capex x the share of capex that is accelerators / NVIDIA's revenue. The
-- ceiling takes the widest definition of capex at hand, the floor the narrowest.
from_capex_ranked as (
    select
        days.calendar_quarter,
        days.known_from,
        silicon_shares.method,
        concat(
            'capex (', capex.capex_basis, ') x ',
            cast(cast(silicon_shares.silicon_share as decimal(4, 2)) as string), ' accelerators'
        ) as estimator,
        {{ share_of(multiply_usd('capex.capex_usd', 'silicon_shares.silicon_share'), 'days.total_revenue_usd') }} as share,
        0 as staleness_days,
        {{ array_union_sorted(
            array_union_sorted('capex.fact_ids', 'days.nvidia_fact_ids'), array_of('silicon_shares.fact_id')
        ) }} as fact_ids,
        row_number() over (
            partition by days.calendar_quarter, days.known_from, silicon_shares.method
            order by
                case capex.capex_basis when 'including_finance_leases' then 1 else 2 end
                * case silicon_shares.method when 'capex_ceiling' then 1 else -1 end,
                silicon_shares.known_on desc, silicon_shares.fact_id
        ) as place
    from days
    inner join capex
        on
            days.calendar_quarter = capex.calendar_quarter
            and days.known_from >= capex.known_from
            and (capex.known_to is null or days.known_from < capex.known_to)
    inner join silicon_shares on silicon_shares.known_on <= days.known_from
),

final as (
    select calendar_quarter, known_from, method, estimator, share, staleness_days, fact_ids
    from disclosed_ranked
    where place = 1
    union all
    select calendar_quarter, known_from, method, estimator, share, staleness_days, fact_ids
    from published_ranked
    where place = 1
    union all
    select calendar_quarter, known_from, method, estimator, share, staleness_days, fact_ids
    from from_capex_ranked
    where place = 1
)

select * from final
