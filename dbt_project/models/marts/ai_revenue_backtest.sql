{#- What each basis would have said of a statement it was not shown: every statement of a company with four or more is left out
    and predicted from the others, as known when its quarter was first published and as known today. Below them, how far the
    first published total of each quarter was revised since. The headline's basis is chosen by these figures. -#}
with statements as (
    select * from {{ ref('int_ai_revenue_statements') }}
    where not is_own and confidence_rank <= 2 and withdrawn_on is null and metric in ('annualized_run_rate', 'quarterly_revenue')
),

totals as (
    select * from {{ ref('int_ai_revenue_totals') }}
    where ai_revenue_basis in ('measured_run_rate', 'estimated_run_rate')
),

-- A restated figure is one statement, in its last word.
last_word as (
    {{ latest_of(
        'statements', key=['company', 'paced_on'], order=['metric_rank', 'known_on desc', 'confidence_rank', 'fact_id']
    ) }}
),

companies as (
    select company from last_word
    group by company
    having count(*) >= 4
),

published as (
    select calendar_quarter, min(known_from) as published_on
    from {{ ref('int_metric_quarters') }}
    where ticker = 'NVDA' and metric = 'data_center_revenue'
    group by calendar_quarter
),

left_out as (
    select
        last_word.*,
        {{ calendar_quarter_of('last_word.paced_on') }} as calendar_quarter,
        'as known then' as knowledge,
        greatest(last_word.known_on, coalesce(published.published_on, last_word.known_on)) as known_from
    from last_word
    inner join companies on last_word.company = companies.company
    left join published on {{ calendar_quarter_of('last_word.paced_on') }} = published.calendar_quarter
    union all
    select
        last_word.*,
        {{ calendar_quarter_of('last_word.paced_on') }},
        'in hindsight',
        cast('9999-12-31' as date)
    from last_word
    inner join companies on last_word.company = companies.company
),

others as (
    select
        left_out.fact_id,
        left_out.knowledge,
        statements.fact_id as other_fact_id,
        statements.paced_on,
        statements.run_rate_usd,
        statements.known_on,
        statements.metric_rank,
        statements.paced_on <= left_out.paced_on as is_before,
        case
            when statements.paced_on <= left_out.paced_on then {{ days_between('statements.paced_on', 'left_out.paced_on') }}
            else {{ days_between('left_out.paced_on', 'statements.paced_on') }}
        end as days_away
    from left_out
    inner join statements
        on
            left_out.company = statements.company
            and left_out.paced_on <> statements.paced_on
            and statements.known_on <= left_out.known_from
),

neighbours as (
    {{ latest_of(
        'others', key=['fact_id', 'knowledge', 'is_before'], order=['days_away', 'metric_rank', 'known_on desc', 'other_fact_id']
    ) }}
),

predicted as (
    select
        left_out.company,
        left_out.calendar_quarter,
        left_out.knowledge,
        left_out.paced_on,
        left_out.fact_id,
        left_out.run_rate_usd as actual_usd,
        earlier.run_rate_usd as carried_usd,
        case
            when later.fact_id is null then earlier.run_rate_usd
            else {{ log_linear_usd(
                'earlier.run_rate_usd',
                'later.run_rate_usd',
                'earlier.days_away',
                '(earlier.days_away + later.days_away)',
            ) }}
        end as interpolated_usd,
        {{ array_of('left_out.fact_id') }} as own_id,
        {{ array_of('earlier.other_fact_id') }} as earlier_id,
        {{ array_of('coalesce(later.other_fact_id, earlier.other_fact_id)') }} as later_id
    from left_out
    inner join neighbours as earlier
        on left_out.fact_id = earlier.fact_id and left_out.knowledge = earlier.knowledge and earlier.is_before
    left join neighbours as later
        on left_out.fact_id = later.fact_id and left_out.knowledge = later.knowledge and not later.is_before
),

from_statements as (
    select
        'statement left out' as test,
        company,
        calendar_quarter,
        paced_on as speaks_on,
        knowledge,
        'measured_run_rate' as ai_revenue_basis,
        actual_usd,
        carried_usd as predicted_usd,
        {{ array_union_sorted('own_id', 'earlier_id') }} as fact_ids
    from predicted
    union all
    select
        'statement left out',
        company,
        calendar_quarter,
        paced_on,
        knowledge,
        'estimated_run_rate',
        actual_usd,
        interpolated_usd,
        {{ array_union_sorted(array_union_sorted('own_id', 'earlier_id'), 'later_id') }}
    from predicted
),

-- What was first published of a quarter stands against what is known of it now.
from_totals as (
    select
        'first published total' as test,
        'All' as company,
        first.calendar_quarter,
        {{ calendar_quarter_end('first.calendar_quarter') }} as speaks_on,
        'as known then' as knowledge,
        first.ai_revenue_basis,
        latest.ai_revenue_usd as actual_usd,
        first.ai_revenue_usd as predicted_usd,
        {{ array_union_sorted('first.fact_ids', 'latest.fact_ids') }} as fact_ids
    from published
    inner join totals as first
        on published.calendar_quarter = first.calendar_quarter and {{ in_force('first', 'published.published_on') }}
    inner join totals as latest
        on
            first.calendar_quarter = latest.calendar_quarter
            and first.ai_revenue_basis = latest.ai_revenue_basis
            and latest.known_to is null
),

tested as (
    select * from from_statements
    union all
    select * from from_totals
),

final as (
    select
        test,
        company,
        calendar_quarter,
        speaks_on,
        knowledge,
        ai_revenue_basis,
        actual_usd,
        predicted_usd,
        predicted_usd - actual_usd as error_usd,
        {{ share_of('abs(predicted_usd - actual_usd)', 'actual_usd') }} as error_share,
        fact_ids
    from tested
)

select * from final
order by test, company, speaks_on, knowledge, ai_revenue_basis
