{#- Every point and bound that speaks to Microsoft's share of NVIDIA's revenue in a quarter. NVIDIA names nobody: each row is
    an estimate, and says of what kind. -#}
with nvidia as (
    select
        calendar_quarter,
        fiscal_quarter,
        period_start,
        period_end,
        total_revenue_usd,
        known_from,
        fact_ids
    from {{ ref('nvidia_data_center_revenue') }}
    where calendar_quarter >= '2023Q1' and total_revenue_usd is not null
),

capex as (
    select * from {{ ref('hyperscaler_capex') }}
    where ticker = 'MSFT'
),

shares as (
    select * from {{ ref('int_customer_shares') }}
    where basis = 'revenue' and customer_kind = 'indirect' and share is not null
),

figures as (
    select * from {{ ref('stg_curated__figures') }}
),

-- (a) The largest cloud or indirect customer that NVIDIA quantifies, of the quarter itself or of the year around it.
disclosed as (
    select
        nvidia.calendar_quarter,
        case when shares.span = 'quarter' then 'nvidia_disclosure_quarter' else 'nvidia_disclosure_year' end as method,
        'NVIDIA (customer unnamed)' as estimator,
        shares.share,
        greatest(nvidia.known_from, shares.known_from) as known_from,
        0 as staleness_days,
        {{ array_of('shares.fact_id') }} as fact_ids
    from nvidia
    inner join shares
        on
            (shares.span = 'quarter' and shares.period_end = nvidia.period_end)
            or (
                shares.span = 'year'
                and nvidia.period_end <= shares.period_end
                and {{ days_between('nvidia.period_end', 'shares.period_end') }} < 350
            )
),

-- (b) Published estimates of Microsoft's share: of a period that covers the quarter, else the latest one before it.
published as (
    select
        nvidia.calendar_quarter,
        case
            when figures.period_end >= nvidia.period_end and figures.period_start <= nvidia.period_start then 'third_party'
            else 'third_party_carried_forward'
        end as method,
        figures.estimator,
        cast(figures.value as decimal(9, 6)) as share,
        greatest(nvidia.known_from, figures.known_on) as known_from,
        greatest(0, {{ days_between('figures.period_end', 'nvidia.period_end') }}) as staleness_days,
        {{ array_of('figures.fact_id') }} as fact_ids,
        row_number() over (
            partition by nvidia.calendar_quarter
            order by
                case when figures.period_end >= nvidia.period_end and figures.period_start <= nvidia.period_start then 0 else 1 end,
                figures.period_end desc, figures.known_on desc, figures.fact_id
        ) as place
    from nvidia
    inner join figures
        on
            figures.metric = 'share_of_nvidia_revenue'
            and figures.company = 'Microsoft'
            and figures.value is not null
            and figures.is_headline_grade
            and figures.source_kind <> 'company_filing'
            and (
                figures.period_end <= nvidia.period_end
                or (figures.period_end >= nvidia.period_end and figures.period_start <= nvidia.period_start)
            )
),

-- (c) What Microsoft spends bounds what it can buy: capex x the share of capex that is accelerators / NVIDIA's revenue.
silicon_shares as (
    select
        scenario,
        cast(value as decimal(9, 6)) as silicon_share,
        known_from,
        fact_id
    from {{ ref('scenarios') }}
    where parameter = 'gpu_share_of_tco' and scenario in ('low', 'high')
),

from_capex as (
    select
        nvidia.calendar_quarter,
        case silicon_shares.scenario when 'high' then 'capex_floor' else 'capex_ceiling' end as method,
        concat('capex (', capex.capex_basis, ') x ', cast(silicon_shares.silicon_share as string), ' accelerators') as estimator,
        {{ share_of(multiply_usd('capex.capex_usd', 'silicon_shares.silicon_share'), 'nvidia.total_revenue_usd') }} as share,
        greatest(nvidia.known_from, capex.known_from, silicon_shares.known_from) as known_from,
        0 as staleness_days,
        {{ array_union_sorted(array_union_sorted('capex.fact_ids', 'nvidia.fact_ids'), array_of('silicon_shares.fact_id')) }} as fact_ids,
        row_number() over (
            partition by nvidia.calendar_quarter, silicon_shares.scenario
            -- The ceiling takes the widest definition of capex at hand, the floor the narrowest.
            order by case capex.capex_basis when 'including_finance_leases' then 1 else 2 end
                * case silicon_shares.scenario when 'low' then 1 else -1 end
        ) as place
    from nvidia
    inner join capex on nvidia.calendar_quarter = capex.calendar_quarter
    cross join silicon_shares
),

unioned as (
    select calendar_quarter, method, estimator, share, known_from, staleness_days, fact_ids
    from disclosed
    union all
    select calendar_quarter, method, estimator, share, known_from, staleness_days, fact_ids
    from published
    where place = 1
    union all
    select calendar_quarter, method, estimator, share, known_from, staleness_days, fact_ids
    from from_capex
    where place = 1
),

final as (
    select
        calendar_quarter,
        method,
        estimator,
        share,
        'estimated' as value_kind,
        known_from,
        staleness_days,
        fact_ids
    from unioned
)

select * from final
order by calendar_quarter, method, estimator, cast(fact_ids as string)
