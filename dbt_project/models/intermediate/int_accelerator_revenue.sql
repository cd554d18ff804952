{#- What vendors of AI accelerators say they sold in a quarter, each by its own definition, in every knowledge interval: filings
    and typed quarters of the watch list, typed ones of others, and a stated run rate as a quarter of itself. -#}
with companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

figures as (
    select * from {{ ref('int_usable_figures') }}
    where unit = 'USD' and is_headline_grade and value > 0
),

watched as (
    select
        companies.company as vendor,
        quarters.calendar_quarter,
        case quarters.metric
            when 'data_center_revenue' then 'data center, networking included'
            else 'data center segment, server processors included'
        end as basis,
        quarters.value_usd as revenue_usd,
        quarters.value_kind,
        quarters.known_from,
        quarters.known_to,
        quarters.fact_ids
    from {{ ref('int_metric_quarters') }} as quarters
    inner join companies on quarters.cik = companies.cik
    where
        (quarters.metric = 'data_center_revenue' and companies.role = 'accelerator_vendor')
        or quarters.metric = 'accelerator_segment_revenue'
),

typed as (
    select
        figures.company as vendor,
        {{ calendar_quarter_of(
            'case when figures.period_start is null then figures.period_end else '
            ~ period_midpoint('figures.period_start', 'figures.period_end') ~ ' end'
        ) }} as calendar_quarter,
        case figures.metric
            when 'ai_semiconductor_revenue' then 'AI semiconductors'
            else 'own chips, a stated run rate / 4, at least'
        end as basis,
        case figures.metric
            when 'annualized_run_rate' then {{ divide_usd('cast(figures.value as bigint)', 'cast(4 as decimal(9, 6))') }}
            else cast(figures.value as bigint)
        end as revenue_usd,
        case when figures.qualifier = 'derived' or figures.metric = 'annualized_run_rate' then 'derived' else 'reported' end
            as value_kind,
        figures.known_on as known_from,
        figures.withdrawn_on,
        {{ array_of('figures.fact_id') }} as fact_ids
    from figures
    where
        (figures.metric = 'ai_semiconductor_revenue' and figures.period_type = 'quarter')
        or (figures.metric = 'annualized_run_rate' and figures.company like '%(chips business)')
),

final as (
    select * from watched
    union all
    select
        vendor,
        calendar_quarter,
        basis,
        revenue_usd,
        value_kind,
        known_from,
        least(withdrawn_on, lead(known_from) over (partition by vendor, calendar_quarter order by known_from)) as known_to,
        fact_ids
    from typed
)

select * from final
