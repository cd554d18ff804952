{#- NVIDIA's customer concentration: what its filings tag, and curated rows for what they state in prose only or for
    filings not at hand. Labels name a customer within one filing; they are no identity across filings, so nothing but
    a correction or an operator's rejection ends a statement. -#}
with facts as (
    select * from {{ ref('stg_edgar__facts') }}
    where
        cik = '0001045810'
        -- Beyond 0 to 1 it is no share: set aside (marts.review).
        and value between 0 and 1
        and concept in ('us-gaap:ConcentrationRiskPercentage1', 'us-gaap:ConcentrationRiskPercentage')
),

figures as (
    select * from {{ ref('int_usable_figures') }}
    where
        ticker = 'NVDA' and is_headline_grade
        and metric in ('customer_share_of_revenue', 'customer_share_of_accounts_receivable')
),

decisions as (
    select * from {{ ref('stg_operator__decisions') }}
),

-- Contexts that NVIDIA dated wrongly; the text of the same filing and the next filings give the right period.
context_corrections as (
    select
        '0001045810-20-000065' as accession,
        cast('2019-04-28' as date) as stated_end,
        cast('2020-01-26' as date) as true_end,
        'accounts_receivable' as basis
    union all
    select '0001045810-21-000064', cast('2020-01-26' as date), cast('2021-01-31' as date), 'accounts_receivable'
),

members as (
    select
        *,
        {{ member_of('dimensions', 'srt:MajorCustomersAxis') }} as customer_member,
        {{ member_of('dimensions', 'us-gaap:ConcentrationRiskByBenchmarkAxis') }} as benchmark_member,
        {{ member_of('dimensions', 'us-gaap:ConcentrationRiskByTypeAxis') }} as type_member,
        {{ member_of('dimensions', 'us-gaap:StatementBusinessSegmentsAxis') }} as segment_member
    from facts
),

-- One customer's share of a total, and nothing else: no region, product or acquired business on any other axis.
tagged as (
    select
        *,
        case benchmark_member
            when 'us-gaap:SalesRevenueNetMember' then 'revenue'
            when 'us-gaap:AccountsReceivableMember' then 'accounts_receivable'
        end as basis,
        regexp_replace(regexp_replace(customer_member, '^nvda:', ''), 'Member$', '') as customer_label
    from members
    where
        type_member = 'us-gaap:CustomerConcentrationRiskMember'
        and customer_member like 'nvda:%Customer%'
        and customer_member not like '%EndCustomers%'
        and benchmark_member in ('us-gaap:SalesRevenueNetMember', 'us-gaap:AccountsReceivableMember')
        and dimensions not like '%StatementGeographicalAxis%'
        and dimensions not like '%ProductOrServiceAxis%'
        and dimensions not like '%BusinessAcquisitionAxis%'
),

cloud_provider as (
    select
        *,
        'revenue' as basis,
        'CloudServiceProvider' as customer_label
    from members
    where
        customer_member = 'nvda:CloudServiceProviderMember'
        and type_member = 'us-gaap:CustomerConcentrationRiskMember'
        and benchmark_member = 'us-gaap:SalesRevenueNetMember'
),

eligible as (
    select * from tagged
    union all
    select * from cloud_provider
),

judged as (
    select
        fact_id as row_id,
        accession,
        'customer_share' as metric,
        period_end,
        known_from,
        true as is_sound
    from eligible
),

used as (
    {{ used_when('judged') }}
),

from_filings as (
    select
        case when eligible.basis = 'revenue' then eligible.period_start end as period_start,
        coalesce(context_corrections.true_end, eligible.period_end) as period_end,
        case when eligible.basis = 'revenue' then eligible.span else 'instant' end as span,
        eligible.customer_label,
        case
            when eligible.customer_label = 'CloudServiceProvider' then 'indirect'
            when eligible.customer_label like '%Distributor%' then 'direct'
            -- From the 10-K for the year ended 2024-01-28 on the tagged customers are stated to be direct customers.
            when eligible.filed_on >= cast('2024-02-21' as date) then 'direct'
            else 'unstated'
        end as customer_kind,
        eligible.basis,
        cast(eligible.value as decimal(9, 6)) as share,
        case
            when eligible.customer_label in ('CloudServiceProvider') then 'approximate'
            when eligible.customer_label like '%TwoCustomers%' then 'two customers combined'
            else 'exact'
        end as qualifier,
        'xbrl' as source_kind,
        eligible.accession,
        used.used_from as known_from,
        used.used_to as known_to,
        context_corrections.accession is not null as is_period_corrected,
        eligible.fact_id
    from eligible
    inner join used on eligible.fact_id = used.row_id
    left join context_corrections
        on
            eligible.accession = context_corrections.accession
            and eligible.basis = context_corrections.basis
            and eligible.period_end = context_corrections.stated_end
),

curated as (
    select
        case when figures.metric = 'customer_share_of_revenue' then figures.period_start end as period_start,
        figures.period_end,
        case
            when figures.metric <> 'customer_share_of_revenue' then 'instant'
            when figures.period_type in ('quarter', 'year', 'half') then figures.period_type
            else 'year_to_date'
        end as span,
        figures.series as customer_label,
        coalesce(figures.basis, 'unstated') as customer_kind,
        case figures.metric when 'customer_share_of_revenue' then 'revenue' else 'accounts_receivable' end as basis,
        cast(figures.value as decimal(9, 6)) as share,
        figures.qualifier,
        'press_release' as source_kind,
        cast(null as string) as accession,
        figures.known_on as known_from,
        figures.withdrawn_on as known_to,
        false as is_period_corrected,
        figures.fact_id
    from figures
),

tagged_periods as (
    select
        basis,
        period_end,
        coalesce(period_start, period_end) as start_key,
        max(coalesce(known_to, cast('9999-12-31' as date))) as tagged_until
    from from_filings
    group by basis, period_end, coalesce(period_start, period_end)
),

-- Prose-only rows (indirect, "at or above 10 %", "none") always stay; exact ones where, and from when, no filing in use tags
-- the period.
missing_from_filings as (
    select
        curated.period_start,
        curated.period_end,
        curated.span,
        curated.customer_label,
        curated.customer_kind,
        curated.basis,
        curated.share,
        curated.qualifier,
        curated.source_kind,
        curated.accession,
        case
            when curated.qualifier = 'exact'
                then greatest(curated.known_from, coalesce(tagged_periods.tagged_until, curated.known_from))
            else curated.known_from
        end as known_from,
        curated.known_to,
        curated.is_period_corrected,
        curated.fact_id
    from curated
    left join tagged_periods
        on
            curated.basis = tagged_periods.basis
            and curated.period_end = tagged_periods.period_end
            and coalesce(curated.period_start, curated.period_end) = tagged_periods.start_key
    where
        tagged_periods.basis is null
        or curated.qualifier <> 'exact'
        or (
            tagged_periods.tagged_until < cast('9999-12-31' as date)
            and (curated.known_to is null or tagged_periods.tagged_until < curated.known_to)
        )
),

final as (
    select * from from_filings
    union all
    select * from missing_from_filings
)

select * from final
