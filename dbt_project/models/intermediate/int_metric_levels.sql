{#- What stood on a day (inventory, commitments, backlog), by company, metric and day, in every knowledge interval: a filing's
    word before a typed figure, then the newest. The quarter is the one that ends with that day. -#}
with companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

concepts as (
    select * from {{ ref('stg_watch_list__metric_concepts') }}
),

facts as (
    select * from {{ ref('stg_edgar__facts') }}
    where unit = 'USD' and span = 'instant' and value between 1 and 999999999999999
),

figures as (
    select * from {{ ref('int_usable_figures') }}
    where unit = 'USD' and is_headline_grade and value > 0 and period_type = 'instant' and metric not like '%price'
),

decisions as (
    select * from {{ ref('stg_operator__decisions') }}
),

filed as (
    select
        facts.cik,
        concepts.metric,
        '' as series,
        facts.period_end,
        cast(facts.value as bigint) as value_usd,
        'xbrl' as source_kind,
        1 as source_rank,
        concepts.priority,
        facts.accession,
        facts.known_from as known_on,
        facts.fact_id
    from facts
    inner join concepts on {{ is_line('facts', 'concepts') }}
),

judged as (
    select
        fact_id as row_id,
        accession,
        metric,
        period_end,
        known_on as known_from,
        true as is_sound
    from filed
),

used as (
    {{ used_when('judged') }}
),

-- Not while an operator rejects the filing.
usable as (
    select
        filed.cik,
        filed.metric,
        filed.series,
        filed.period_end,
        filed.value_usd,
        filed.source_kind,
        filed.source_rank,
        filed.priority,
        filed.accession,
        filed.known_on as said_on,
        used.used_from as known_on,
        used.used_to as withdrawn_on,
        filed.fact_id
    from filed
    inner join used on filed.fact_id = used.row_id
),

typed as (
    select
        companies.cik,
        figures.metric,
        case
            when figures.metric in ('supply_commitments', 'total_purchase_commitments') then '' else figures.series
        end as series,
        figures.period_end,
        cast(figures.value as bigint) as value_usd,
        'press_release' as source_kind,
        2 as source_rank,
        90 as priority,
        figures.fact_id as accession,
        figures.known_on as said_on,
        figures.known_on,
        figures.withdrawn_on,
        figures.fact_id
    from figures
    inner join companies on figures.ticker = companies.ticker
),

statements as (
    select * from usable
    union all
    select * from typed
),

days as (
    select cik, metric, series, period_end, known_on as known_from from statements
    union
    select cik, metric, series, period_end, withdrawn_on from statements
    where withdrawn_on is not null
),

known as (
    select
        days.cik,
        days.metric,
        days.series,
        days.period_end,
        days.known_from,
        statements.value_usd,
        statements.source_kind,
        statements.source_rank,
        statements.priority,
        statements.said_on,
        statements.accession,
        statements.fact_id
    from days
    left join statements
        on
            days.cik = statements.cik
            and days.metric = statements.metric
            and days.series = statements.series
            and days.period_end = statements.period_end
            and {{ in_force('statements', 'days.known_from', 'known_on', 'withdrawn_on') }}
),

best as (
    {{ latest_of(
        'known',
        key=['cik', 'metric', 'series', 'period_end', 'known_from'],
        order=['source_rank', 'said_on desc', 'priority', 'accession desc', 'fact_id'],
    ) }}
),

versions as (
    {{ versions_of(
        'best',
        key=['cik', 'metric', 'series', 'period_end'],
        state=['value_usd', 'source_kind', 'fact_id'],
        columns=['cik', 'metric', 'series', 'period_end', 'value_usd', 'source_kind', 'fact_id'],
        present='value_usd is not null',
    ) }}
),

final as (
    select
        versions.cik,
        companies.ticker,
        versions.metric,
        versions.series,
        versions.period_end,
        {{ calendar_quarter_of(period_midpoint(add_days('versions.period_end', -90), 'versions.period_end')) }}
            as calendar_quarter,
        {{ fiscal_quarter_of(
            period_midpoint(add_days('versions.period_end', -90), 'versions.period_end'), 'companies.fiscal_year_end_month'
        ) }} as fiscal_quarter,
        versions.value_usd,
        versions.source_kind,
        versions.known_from,
        versions.known_to,
        {{ array_of('versions.fact_id') }} as fact_ids
    from versions
    inner join companies on versions.cik = companies.cik
)

select * from final
