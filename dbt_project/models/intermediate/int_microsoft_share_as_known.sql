{#- Every point and bound on Microsoft's share of NVIDIA's revenue of a quarter, on each day the evidence changed. NVIDIA names
    nobody: each row is an estimate, and says of what kind. A printed share is rounded, so it stands for half a point either
    way. -#}
{%- set half_a_point = 'cast(0.005 as decimal(9, 6))' %}

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

customers as (
    select * from {{ ref('int_customer_shares') }}
    where basis = 'revenue' and period_start is not null
),

-- Microsoft buys through others: what NVIDIA says of one end customer bounds any of them.
shares as (
    select * from customers
    where customer_kind = 'indirect' and share is not null
),

nobody as (
    select * from customers
    where qualifier = 'none_at_or_above_10' and customer_kind <> 'direct'
),

estimates as (
    select * from {{ ref('int_usable_figures') }}
    where
        metric = 'share_of_nvidia_revenue' and company = 'Microsoft' and value is not null
        and is_headline_grade and source_kind <> 'company_filing'
),

-- The most of a data center's cost that accelerators were said to be.
silicon_shares as (
    select cast(value as decimal(9, 6)) as silicon_share, known_on, withdrawn_on, fact_id
    from {{ ref('int_usable_figures') }}
    where metric = 'gpu_share_of_tco' and is_headline_grade and value is not null
),

evidence_days as (
    select known_from from customers
    union
    select known_to from customers
    where known_to is not null
    union
    select known_on from estimates
    union
    select withdrawn_on from estimates
    where withdrawn_on is not null
    union
    select known_on from silicon_shares
    union
    select withdrawn_on from silicon_shares
    where withdrawn_on is not null
),

changes as (
    select calendar_quarter, known_from from nvidia
    union
    select calendar_quarter, known_from from capex
    union
    select quarters.calendar_quarter, evidence_days.known_from
    from (select distinct calendar_quarter from nvidia) as quarters
    cross join evidence_days
    -- What one quarter's revenue turns out to be moves the equation of its neighbours.
    union
    select quarters.calendar_quarter, others.known_from
    from (select distinct calendar_quarter from nvidia) as quarters
    inner join nvidia as others
        on {{ quarter_number('others.calendar_quarter') }} - {{ quarter_number('quarters.calendar_quarter') }} between -3 and 3
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
    inner join nvidia on changes.calendar_quarter = nvidia.calendar_quarter and {{ in_force('nvidia', 'changes.known_from') }}
),

-- (a) The largest cloud or indirect customer that NVIDIA quantifies for the quarter itself.
of_the_quarter as (
    select
        days.calendar_quarter,
        days.known_from,
        shares.customer_label,
        shares.share,
        shares.known_from as shares_known_from,
        shares.fact_id
    from days
    inner join shares
        on
            {{ in_force('shares', 'days.known_from') }}
            and shares.span = 'quarter'
            and shares.period_end = days.period_end
),

largest_of_the_quarter as (
    {{ latest_of(
        'of_the_quarter',
        key=['calendar_quarter', 'known_from'],
        order=['share desc', 'shares_known_from', 'fact_id'],
    ) }}
),

-- (a) A longer period less its last quarter, of one customer in one filing: an equation for the quarter before, with the
-- rounding of both printed shares carried through.
equations as (
    select
        days.calendar_quarter,
        days.known_from,
        longer.share,
        {% for name, of_longer, of_shorter in [('low', '-', '+'), ('central', none, none), ('high', '+', '-')] %}
            {{ share_of(
                'greatest(0, '
                ~ multiply_usd(
                    '(days.total_revenue_usd + later.total_revenue_usd)',
                    '(longer.share ' ~ of_longer ~ half_a_point ~ ')' if of_longer else 'longer.share',
                )
                ~ ' - '
                ~ multiply_usd(
                    'later.total_revenue_usd',
                    '(shorter.share ' ~ of_shorter ~ half_a_point ~ ')' if of_shorter else 'shorter.share',
                )
                ~ ')',
                'days.total_revenue_usd',
            ) }} as {{ name }}_share,
        {% endfor %}
        {{ array_union_sorted(
            array_union_sorted(array_of('longer.fact_id'), array_of('shorter.fact_id')),
            array_union_sorted('days.nvidia_fact_ids', 'later.fact_ids'),
        ) }} as fact_ids
    from days
    inner join nvidia as later
        on {{ days_between('days.period_end', 'later.period_start') }} = 1 and {{ in_force('later', 'days.known_from') }}
    inner join shares as shorter
        on
            later.period_start = shorter.period_start
            and later.period_end = shorter.period_end
            and {{ in_force('shorter', 'days.known_from') }}
    inner join shares as longer
        on
            shorter.customer_label = longer.customer_label
            and shorter.known_from = longer.known_from
            and {{ in_force('longer', 'days.known_from') }}
            and shorter.period_end = longer.period_end
            and longer.period_start = days.period_start
),

largest_equation as (
    {{ latest_of('equations', key=['calendar_quarter', 'known_from'], order=['share desc', 'cast(fact_ids as string)']) }}
),

-- (a) What nobody reached, and what one customer had of a longer period around the quarter: even if all of it fell on the
-- quarter.
bounds as (
    select
        days.calendar_quarter,
        days.known_from,
        case
            when nobody.period_start = days.period_start then 'nvidia_nobody_at_10'
            else 'nvidia_nobody_at_10_in_longer_period'
        end as method,
        cast(0.1 as decimal(9, 6)) as of_period,
        nobody.period_start,
        nobody.period_end,
        nobody.fact_id
    from days
    inner join nobody
        on
            {{ in_force('nobody', 'days.known_from') }}
            and nobody.period_start <= days.period_start
            and days.period_end <= nobody.period_end
    union all
    select
        days.calendar_quarter,
        days.known_from,
        'nvidia_disclosure_longer_period',
        cast(shares.share + {{ half_a_point }} as decimal(9, 6)),
        shares.period_start,
        shares.period_end,
        shares.fact_id
    from days
    inner join shares
        on
            {{ in_force('shares', 'days.known_from') }}
            and shares.period_start <= days.period_start
            and days.period_end <= shares.period_end
            and shares.span <> 'quarter'
),

bounds_in_dollars as (
    select
        bounds.calendar_quarter,
        bounds.known_from,
        bounds.method,
        bounds.of_period,
        bounds.fact_id,
        bounds.period_start,
        bounds.period_end,
        cast(sum(within.total_revenue_usd) as bigint) as period_usd,
        min(within.period_start) as covered_from,
        max(within.period_end) as covered_to,
        {{ agg_array_union('within.fact_ids') }} as fact_ids
    from bounds
    inner join nvidia as within
        on
            bounds.period_start <= within.period_start
            and within.period_end <= bounds.period_end
            and {{ in_force('within', 'bounds.known_from') }}
    group by
        bounds.calendar_quarter, bounds.known_from, bounds.method, bounds.of_period, bounds.fact_id, bounds.period_start,
        bounds.period_end
),

-- Of one longer period only the largest customer bounds all.
widest_bound as (
    {{ latest_of(
        'bounds_in_dollars',
        key=['calendar_quarter', 'known_from', 'method', 'period_start', 'period_end'],
        order=['of_period desc', 'fact_id'],
    ) }}
),

quarter_bounds as (
    select
        days.calendar_quarter,
        days.known_from,
        widest_bound.method,
        least(
            1, {{ share_of(multiply_usd('widest_bound.period_usd', 'widest_bound.of_period'), 'days.total_revenue_usd') }}
        ) as share,
        {{ array_union_sorted(array_of('widest_bound.fact_id'), 'widest_bound.fact_ids') }} as fact_ids
    from widest_bound
    inner join days on widest_bound.calendar_quarter = days.calendar_quarter and widest_bound.known_from = days.known_from
    where widest_bound.covered_from = widest_bound.period_start and widest_bound.covered_to = widest_bound.period_end
),

tightest_bound as (
    {{ latest_of(
        'quarter_bounds', key=['calendar_quarter', 'known_from', 'method'], order=['share', 'cast(fact_ids as string)']
    ) }}
),

-- (b) Published estimates of Microsoft's share: of a period that covers the quarter, else the latest one before it.
published as (
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
        estimates.period_end,
        estimates.known_on,
        estimates.fact_id
    from days
    inner join estimates
        on
            {{ in_force('estimates', 'days.known_from', 'known_on', 'withdrawn_on') }}
            and (
                estimates.period_end <= days.period_end
                or (estimates.period_end >= days.period_end and estimates.period_start <= days.period_start)
            )
),

latest_published as (
    {{ latest_of(
        'published',
        key=['calendar_quarter', 'known_from'],
        order=[
            "case method when 'third_party' then 1 else 2 end", 'period_end desc', 'known_on desc', 'fact_id',
        ],
    ) }}
),

-- (c) What Microsoft spends bounds what it can buy: its capex by the widest definition at hand x the most that accelerators
-- can be of it, over NVIDIA's revenue. No floor follows from an average.
ceilings as (
    select
        days.calendar_quarter,
        days.known_from,
        concat(
            'capex (', capex.capex_basis, ') x ',
            cast(cast(silicon_shares.silicon_share as decimal(4, 2)) as string), ' accelerators'
        ) as estimator,
        {{ share_of(multiply_usd('capex.capex_usd', 'silicon_shares.silicon_share'), 'days.total_revenue_usd') }} as share,
        capex.capex_basis,
        silicon_shares.silicon_share,
        silicon_shares.fact_id,
        {{ array_union_sorted(
            array_union_sorted('capex.fact_ids', 'days.nvidia_fact_ids'), array_of('silicon_shares.fact_id')
        ) }} as fact_ids
    from days
    inner join capex on days.calendar_quarter = capex.calendar_quarter and {{ in_force('capex', 'days.known_from') }}
    inner join silicon_shares on {{ in_force('silicon_shares', 'days.known_from', 'known_on', 'withdrawn_on') }}
),

widest_ceiling as (
    {{ latest_of(
        'ceilings',
        key=['calendar_quarter', 'known_from'],
        order=["case capex_basis when 'including_finance_leases' then 1 else 2 end", 'silicon_share desc', 'fact_id'],
    ) }}
),

final as (
    select
        calendar_quarter,
        known_from,
        'nvidia_disclosure_quarter' as method,
        'NVIDIA (customer unnamed)' as estimator,
        'point' as kind,
        cast(share - {{ half_a_point }} as decimal(18, 6)) as low_share,
        cast(share as decimal(18, 6)) as share,
        cast(share + {{ half_a_point }} as decimal(18, 6)) as high_share,
        cast(0 as bigint) as staleness_days,
        {{ array_of('fact_id') }} as fact_ids
    from largest_of_the_quarter
    union all
    select
        calendar_quarter,
        known_from,
        'nvidia_equation',
        'NVIDIA (customer unnamed)',
        'point',
        low_share,
        central_share,
        high_share,
        cast(0 as bigint),
        fact_ids
    from largest_equation
    union all
    select
        calendar_quarter,
        known_from,
        method,
        'NVIDIA',
        'bound',
        cast(null as decimal(18, 6)),
        cast(share as decimal(18, 6)),
        cast(share as decimal(18, 6)),
        cast(0 as bigint),
        fact_ids
    from tightest_bound
    union all
    select
        calendar_quarter,
        known_from,
        method,
        estimator,
        'point',
        cast(share as decimal(18, 6)),
        cast(share as decimal(18, 6)),
        cast(share as decimal(18, 6)),
        staleness_days,
        {{ array_of('fact_id') }}
    from latest_published
    union all
    select
        calendar_quarter,
        known_from,
        'capex_ceiling',
        estimator,
        'bound',
        cast(null as decimal(18, 6)),
        cast(share as decimal(18, 6)),
        cast(share as decimal(18, 6)),
        cast(0 as bigint),
        fact_ids
    from widest_ceiling
)

select * from final
