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

watched as (
    select distinct cik, metric from concepts
    where metric like 'capex%' or metric like '%revenue'
    union
    select distinct cik, metric from observations
    where metric like 'capex%' or metric like '%revenue'
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
    inner join concepts
        on
            facts.cik = concepts.cik
            and facts.concept = concepts.concept
            and facts.dimensions = concepts.dimensions
            and facts.period_end between concepts.valid_from and concepts.valid_to
            and facts.filed_on between concepts.filed_from and concepts.filed_to
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
    cross join all_quarters
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

final as (
    select * from from_statements
    union all
    select * from from_ai_revenue
    union all
    select * from from_microsoft_share
    union all
    select * from from_gap
)

select * from final
order by company, metric, calendar_quarter
