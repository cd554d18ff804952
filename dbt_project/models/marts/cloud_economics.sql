{#- What the large clouds earn, owe and spend, by quarter: segment revenue, obligations to come, capital expenditure and cash
    flow. Ratios are of four quarters together (a quarter's is noise), and of one definition of the segment only. -#}
with quarters as (
    select * from {{ ref('int_metric_quarters') }}
    where known_to is null and calendar_quarter >= '2018Q1'
),

clouds as (
    select distinct cik from quarters
    where metric = 'cloud_segment_revenue'
),

companies as (
    select * from {{ ref('stg_watch_list__companies') }}
    where cik in (select clouds.cik from clouds)
),

levels as (
    select * from {{ ref('int_metric_levels') }}
    where known_to is null and series = ''
),

-- A quarter in which a segment began to mean something else: what was before is another series, or the same with something in it.
breaks as (
    select marked.* from (
        values
        ('MSFT', '2024Q3', true, 'Intelligent Cloud was redefined with fiscal 2025'),
        ('ORCL', '2025Q3', true, 'the cloud alone from fiscal 2026; with licence support before'),
        ('ORCL', '2026Q3', true, 'Oracle Cloud Infrastructure alone, from a release'),
        ('GOOGL', '2026Q2', false, 'sales of TPU systems are in it from here on; no amount is stated')
    ) as marked (ticker, calendar_quarter, is_redefined, note)
),

-- Everything a company says of a quarter, one row.
said as (
    select
        quarters.ticker,
        quarters.calendar_quarter,
        max(case when quarters.metric = 'cloud_segment_revenue' then quarters.value_usd end) as cloud_revenue_usd,
        max(case when quarters.metric = 'capex_cash_gross' then quarters.value_usd end) as capex_usd,
        max(case when quarters.metric = 'operating_cash_flow' then quarters.value_usd end) as operating_cash_flow_usd,
        max(case when quarters.metric = 'cloud_segment_revenue' then quarters.source_kind end) as source_kind,
        max(quarters.known_from) as known_from,
        {{ agg_array_union('quarters.fact_ids') }} as fact_ids
    from quarters
    inner join companies on quarters.cik = companies.cik
    where quarters.metric in ('cloud_segment_revenue', 'capex_cash_gross', 'operating_cash_flow')
    group by quarters.ticker, quarters.calendar_quarter
),

stood as (
    select
        levels.ticker,
        levels.calendar_quarter,
        max(case when levels.metric = 'remaining_performance_obligation' then levels.value_usd end)
            as remaining_performance_obligation_usd,
        max(case when levels.metric = 'leases_not_yet_commenced' then levels.value_usd end) as leases_not_yet_commenced_usd,
        max(levels.known_from) as known_from,
        {{ agg_array_union('levels.fact_ids') }} as fact_ids
    from levels
    inner join companies on levels.cik = companies.cik
    where
        levels.metric in ('remaining_performance_obligation', 'leases_not_yet_commenced')
        and levels.calendar_quarter >= '2018Q1'
    group by levels.ticker, levels.calendar_quarter
),

named as (
    select ticker, calendar_quarter from said
    union
    select ticker, calendar_quarter from stood
),

by_quarter as (
    select
        named.ticker,
        named.calendar_quarter,
        {{ quarter_number('named.calendar_quarter') }} as number,
        said.cloud_revenue_usd,
        said.capex_usd,
        said.operating_cash_flow_usd,
        said.source_kind,
        stood.remaining_performance_obligation_usd,
        stood.leases_not_yet_commenced_usd,
        case when breaks.is_redefined then 1 else 0 end as is_redefined,
        breaks.note as break_note,
        greatest(coalesce(said.known_from, stood.known_from), coalesce(stood.known_from, said.known_from)) as known_from,
        {{ array_union_sorted(
            'coalesce(said.fact_ids, ' ~ no_ids() ~ ')', 'coalesce(stood.fact_ids, ' ~ no_ids() ~ ')'
        ) }} as fact_ids
    from named
    left join said on named.ticker = said.ticker and named.calendar_quarter = said.calendar_quarter
    left join stood on named.ticker = stood.ticker and named.calendar_quarter = stood.calendar_quarter
    left join breaks on named.ticker = breaks.ticker and named.calendar_quarter = breaks.calendar_quarter
),

four_quarters as (
    select
        *,
        case
            when count(cloud_revenue_usd) over four = 4 and max(is_redefined) over last_three = 0
                then cast(sum(cloud_revenue_usd) over four as bigint)
        end as trailing_cloud_revenue_usd,
        case when count(capex_usd) over four = 4 then cast(sum(capex_usd) over four as bigint) end as trailing_capex_usd,
        case when count(operating_cash_flow_usd) over four = 4 then cast(sum(operating_cash_flow_usd) over four as bigint) end
            as trailing_operating_cash_flow_usd,
        max(known_from) over four as trailing_known_from,
        {{ collect_array_union_over('fact_ids', 'four') }} as trailing_fact_ids
    from by_quarter
    window
        four as (partition by ticker order by number range between 3 preceding and current row),
        last_three as (partition by ticker order by number range between 2 preceding and current row)
),

final as (
    select
        ticker,
        calendar_quarter,
        cloud_revenue_usd,
        source_kind,
        trailing_cloud_revenue_usd,
        capex_usd,
        trailing_capex_usd,
        {{ share_of('trailing_capex_usd', 'trailing_cloud_revenue_usd') }} as capex_to_cloud_revenue_share,
        operating_cash_flow_usd,
        trailing_operating_cash_flow_usd,
        trailing_operating_cash_flow_usd - trailing_capex_usd as trailing_free_cash_flow_usd,
        remaining_performance_obligation_usd,
        leases_not_yet_commenced_usd,
        break_note is not null as is_break,
        break_note,
        trailing_known_from as known_from,
        trailing_fact_ids as fact_ids
    from four_quarters
)

select * from final
order by ticker, calendar_quarter
