{#- measured_trailing_12m of each company and quarter on each day of knowledge: twelve months as stated, where they end inside
    the quarter, else a quarter of each of the last four estimated run rates. A company with fewer than four whole quarters
    has none. -#}
with known as (
    select * from {{ ref('int_ai_revenue_statements_known') }}
),

estimated as (
    select * from {{ ref('int_ai_revenue_estimated') }}
),

twelve_months as (
    select
        *,
        {{ calendar_quarter_of('speaks_on') }} as calendar_quarter
    from known
    where metric in ('annual_revenue', 'trailing_12m_revenue')
),

stated as (
    {{ latest_of(
        'twelve_months',
        key=['company', 'known_from', 'range_end', 'calendar_quarter'],
        order=['speaks_on desc', 'known_on desc', 'confidence_rank', 'statement_id'],
    ) }}
),

windowed as (
    select
        *,
        sum(gross_usd) over four_quarters as four_run_rates_usd,
        sum(case when days_missing = 0 then 1 else 0 end) over four_quarters as quarters_observed,
        max(confidence_rank) over four_quarters as weakest_rank,
        {{ collect_array_union_over('fact_ids', 'four_quarters') }} as four_fact_ids
    from estimated
    window four_quarters as (
        partition by company, known_from, range_end
        order by {{ quarter_number('calendar_quarter') }}
        range between 3 preceding and current row
    )
),

final as (
    select
        windowed.company,
        windowed.known_from,
        windowed.range_end,
        windowed.calendar_quarter,
        case
            when stated.statement_id is not null then stated.stated_usd
            when windowed.quarters_observed = 4
                then {{ divide_usd('cast(windowed.four_run_rates_usd as bigint)', 'cast(4 as decimal(9, 6))') }}
        end as gross_usd,
        case when stated.statement_id is not null then stated.metric else 'four quarters' end as observed_metric,
        case when stated.statement_id is not null then stated.speaks_on else windowed.speaks_on end as speaks_on,
        case when stated.statement_id is not null then 0 else windowed.staleness_days end as staleness_days,
        stated.statement_id is null and windowed.days_carried > 0 as is_carried,
        cast(case when stated.statement_id is not null then 4 else windowed.quarters_observed end as bigint) as quarters_observed,
        windowed.layer,
        case when stated.statement_id is not null then stated.source_kind else windowed.source_kind end as source_kind,
        case when stated.statement_id is not null then stated.confidence_rank else windowed.weakest_rank end as confidence_rank,
        case
            when stated.statement_id is not null then {{ listed('stated.statement_id') }} else windowed.four_fact_ids
        end as fact_ids
    from windowed
    left join stated
        on
            windowed.company = stated.company
            and windowed.known_from = stated.known_from
            and windowed.range_end = stated.range_end
            and windowed.calendar_quarter = stated.calendar_quarter
)

select * from final
