{#- Every company x metric x calendar quarter that a reader may expect, present or with the reason why not. -#}
with companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

concepts as (
    select * from {{ ref('stg_watch_list__metric_concepts') }}
),

quarters_known as (
    select * from {{ ref('int_metric_quarters') }}
    where known_to is null
),

observations as (
    select * from {{ ref('int_metric_observations') }}
),

figures as (
    select * from {{ ref('stg_curated__figures') }}
),

roles as (
    select * from {{ ref('stg_curated__ai_revenue_roles') }}
    where role = 'counted'
),

ai_revenue as (
    select * from {{ ref('ai_revenue') }}
),

microsoft_share as (
    select * from {{ ref('microsoft_share_of_nvidia') }}
),

gap as (
    select * from {{ ref('ai_revenue_gap') }}
    where scenario = 'measured'
),

all_quarters as (
    select distinct calendar_quarter from quarters_known
    where calendar_quarter >= '2018Q1'
),

stated_or_watched as (
    select cik, metric, valid_from from concepts
    where metric like 'capex%' or metric like '%revenue'
    union all
    select cik, metric, cast(null as date) from observations
    where metric like 'capex%' or metric like '%revenue'
),

-- Before the first day that the watch list names for a metric nobody expects it.
watched as (
    select cik, metric, min(valid_from) as expected_from
    from stated_or_watched
    group by cik, metric
),

filers as (
    select distinct cik from observations
    where source_kind = 'xbrl'
),

newest as (
    select cik, max(period_end) as newest_period_end
    from observations
    group by cik
),

year_to_date as (
    select distinct
        cik,
        metric,
        {{ calendar_quarter_of(period_midpoint(add_days('period_end', -90), 'period_end')) }} as calendar_quarter
    from observations
    where span in ('half', 'nine_months', 'year')
),

-- What is stated for a length that is no quarter, half, nine months or year (a change of fiscal year) is known and not counted.
odd_statements as (
    select
        facts.cik,
        concepts.metric,
        {{ calendar_quarter_of(period_midpoint('facts.period_start', 'facts.period_end')) }} as calendar_quarter,
        concat(
            'stated for ', cast(facts.period_start as string), ' to ', cast(facts.period_end as string), ' by ',
            facts.accession, ': ', cast(facts.span_days as string), ' days are no quarter, half, nine months or year'
        ) as reason
    from {{ ref('stg_edgar__facts') }} as facts
    inner join concepts on {{ is_line('facts', 'concepts') }}
    where facts.span = 'odd' and facts.unit = 'USD'
),

odd_periods as (
    select cik, metric, calendar_quarter, min(reason) as reason from odd_statements
    group by cik, metric, calendar_quarter
),

first_stated as (
    select cik, metric, min(calendar_quarter) as first_quarter
    from quarters_known
    group by cik, metric
),

weak_figures as (
    select distinct
        companies.cik,
        figures.metric,
        {{ calendar_quarter_of(period_midpoint(add_days('figures.period_end', -90), 'figures.period_end')) }} as calendar_quarter
    from figures
    inner join companies on figures.ticker = companies.ticker
    where not figures.is_headline_grade
),

review as (
    select
        ticker,
        metric,
        calendar_quarter,
        max(case
            when state = 'rejected' then concat('rejected by ', decided_by, ' on ', cast(decided_on as string), ': ', why)
            else concat('set aside: ', reason, ' (aigap review)')
        end) as reason
    from {{ ref('review') }}
    where state in ('set_aside', 'rejected') and metric is not null and calendar_quarter is not null
    group by ticker, metric, calendar_quarter
),

from_statements as (
    select
        companies.company,
        watched.metric,
        all_quarters.calendar_quarter,
        quarters_known.value_usd is not null as is_present,
        case
            when quarters_known.value_usd is not null then null
            when review.reason is not null then review.reason
            when odd_periods.reason is not null then odd_periods.reason
            when filers.cik is null then 'expected and missing: no filing of this company at hand, run aigap fetch'
            when {{ calendar_quarter_end('all_quarters.calendar_quarter') }} > {{ add_days('newest.newest_period_end', 45) }}
                then 'not yet filed, or not fetched: run aigap fetch'
            when first_stated.first_quarter is null then 'stated for whole years only'
            when all_quarters.calendar_quarter < first_stated.first_quarter and watched.metric like '%_revenue'
                then concat('not stated by the company for quarters before ', first_stated.first_quarter)
            when year_to_date.cik is not null
                then 'missing leg: a year-to-date figure is at hand, the one to subtract from it is not'
            when weak_figures.cik is not null then 'only a low-confidence or uncitable figure is at hand'
            else 'no filing or citable figure of this quarter at hand'
        end as reason_missing
    from watched
    inner join companies on watched.cik = companies.cik
    inner join all_quarters
        on
            watched.expected_from is null
            or {{ calendar_quarter_end('all_quarters.calendar_quarter') }} >= watched.expected_from
    left join filers on watched.cik = filers.cik
    left join newest on watched.cik = newest.cik
    left join first_stated on watched.cik = first_stated.cik and watched.metric = first_stated.metric
    left join quarters_known
        on
            watched.cik = quarters_known.cik
            and watched.metric = quarters_known.metric
            and all_quarters.calendar_quarter = quarters_known.calendar_quarter
    left join review
        on
            companies.ticker = review.ticker
            and watched.metric = review.metric
            and all_quarters.calendar_quarter = review.calendar_quarter
    left join odd_periods
        on
            watched.cik = odd_periods.cik
            and watched.metric = odd_periods.metric
            and all_quarters.calendar_quarter = odd_periods.calendar_quarter
    left join year_to_date
        on
            watched.cik = year_to_date.cik
            and watched.metric = year_to_date.metric
            and all_quarters.calendar_quarter = year_to_date.calendar_quarter
    left join weak_figures
        on
            watched.cik = weak_figures.cik
            and watched.metric = weak_figures.metric
            and all_quarters.calendar_quarter = weak_figures.calendar_quarter
),

citable_companies as (
    select distinct company from figures
    where is_headline_grade and value is not null
),

from_ai_revenue as (
    select
        roles.company,
        'ai_revenue' as metric,
        all_quarters.calendar_quarter,
        ai_revenue.company is not null as is_present,
        case
            when ai_revenue.company is not null then null
            when citable_companies.company is null then 'only low-confidence or uncitable figures are at hand'
            else 'no observation of this quarter or an earlier one is at hand'
        end as reason_missing
    from roles
    cross join all_quarters
    left join citable_companies on roles.company = citable_companies.company
    left join ai_revenue
        on roles.company = ai_revenue.company and all_quarters.calendar_quarter = ai_revenue.calendar_quarter
    where all_quarters.calendar_quarter >= '2023Q1'
),

from_microsoft_share as (
    select
        'Microsoft' as company,
        'share_of_nvidia_revenue' as metric,
        all_quarters.calendar_quarter,
        microsoft_share.calendar_quarter is not null as is_present,
        case
            when microsoft_share.calendar_quarter is null then {{ quoted("needs NVIDIA's revenue of the quarter") }}
        end as reason_missing
    from all_quarters
    left join microsoft_share on all_quarters.calendar_quarter = microsoft_share.calendar_quarter
    where all_quarters.calendar_quarter >= '2023Q1'
),

from_gap as (
    select
        'All' as company,
        'ai_revenue_gap' as metric,
        all_quarters.calendar_quarter,
        gap.gap_usd is not null as is_present,
        case
            when gap.gap_usd is not null then null
            when gap.calendar_quarter is null
                then {{ quoted("needs NVIDIA's data-center revenue of the quarter: not yet filed, or not fetched") }}
            else 'no AI revenue observation of this quarter or an earlier one is at hand'
        end as reason_missing
    from all_quarters
    left join gap on all_quarters.calendar_quarter = gap.calendar_quarter
),

levels as (
    select distinct
        companies.company,
        stood.metric,
        stood.calendar_quarter
    from {{ ref('int_metric_levels') }} as stood
    inner join companies on stood.cik = companies.cik
    where
        stood.known_to is null and stood.series = '' and stood.calendar_quarter >= '2018Q1'
        and stood.metric in (
            'inventory', 'supply_commitments', 'total_purchase_commitments', 'remaining_performance_obligation',
            'leases_not_yet_commenced'
        )
),

-- From the first quarter of which somebody said what stood at its end.
from_levels as (
    select
        firsts.company,
        firsts.metric,
        all_quarters.calendar_quarter,
        levels.company is not null as is_present,
        case when levels.company is null then 'no statement of what stood at its end that can be cited' end as reason_missing
    from (
        select said.company, said.metric, min(said.calendar_quarter) as first_quarter from levels as said
        group by said.company, said.metric
    ) as firsts
    inner join all_quarters on firsts.first_quarter <= all_quarters.calendar_quarter
    left join levels
        on
            firsts.company = levels.company
            and firsts.metric = levels.metric
            and all_quarters.calendar_quarter = levels.calendar_quarter
),

vendors as (
    select * from {{ ref('accelerator_revenue') }}
),

from_accelerators as (
    select
        firsts.vendor as company,
        'accelerator_revenue' as metric,
        all_quarters.calendar_quarter,
        vendors.vendor is not null as is_present,
        case when vendors.vendor is null then 'states no amount of the quarter that can be cited' end as reason_missing
    from (
        select said.vendor, min(said.calendar_quarter) as first_quarter from vendors as said
        group by said.vendor
    ) as firsts
    inner join all_quarters on firsts.first_quarter <= all_quarters.calendar_quarter
    left join vendors
        on firsts.vendor = vendors.vendor and all_quarters.calendar_quarter = vendors.calendar_quarter
),

-- What NVIDIA says of its large buyers: in words until it reported Hyperscale.
buyers as (
    select distinct calendar_quarter from {{ ref('buyer_share_of_nvidia') }}
    where measure = 'share of data-center revenue'
),

from_buyers as (
    select
        'NVIDIA' as company,
        'large_cloud_share_of_data_center_revenue' as metric,
        all_quarters.calendar_quarter,
        buyers.calendar_quarter is not null as is_present,
        case when buyers.calendar_quarter is null then 'no words on the large clouds of the quarter that can be cited' end
            as reason_missing
    from all_quarters
    left join buyers on all_quarters.calendar_quarter = buyers.calendar_quarter
    where all_quarters.calendar_quarter >= '2023Q1'
),

final as (
    select * from from_statements
    union all
    select * from from_levels
    union all
    select * from from_accelerators
    union all
    select * from from_buyers
    union all
    select * from from_ai_revenue
    union all
    select * from from_microsoft_share
    union all
    select * from from_gap
)

select * from final
order by company, metric, calendar_quarter
