with quarters as (
    select * from {{ ref('int_metric_quarters') }}
    where
        ticker = 'NVDA'
        and metric in (
            'data_center_revenue', 'compute_revenue', 'networking_revenue', 'hyperscale_revenue',
            'ai_clouds_industrial_enterprise_revenue', 'total_revenue'
        )
),

days as (
    select calendar_quarter, known_from from quarters
    union
    select calendar_quarter, known_to as known_from from quarters
    where known_to is not null
),

as_known as (
    select
        days.calendar_quarter,
        days.known_from,
        max(case when quarters.metric = 'data_center_revenue' then quarters.value_usd end) as data_center_usd,
        max(case when quarters.metric = 'compute_revenue' then quarters.value_usd end) as compute_usd,
        max(case when quarters.metric = 'networking_revenue' then quarters.value_usd end) as networking_usd,
        max(case when quarters.metric = 'hyperscale_revenue' then quarters.value_usd end) as hyperscale_usd,
        max(case when quarters.metric = 'ai_clouds_industrial_enterprise_revenue' then quarters.value_usd end)
            as ai_clouds_industrial_enterprise_usd,
        max(case when quarters.metric = 'total_revenue' then quarters.value_usd end) as total_revenue_usd,
        max(case when quarters.metric = 'data_center_revenue' then quarters.fiscal_quarter end) as fiscal_quarter,
        max(case when quarters.metric = 'data_center_revenue' then quarters.period_start end) as period_start,
        max(case when quarters.metric = 'data_center_revenue' then quarters.period_end end) as period_end,
        max(case when quarters.metric = 'data_center_revenue' then quarters.value_kind end) as value_kind,
        max(case when quarters.metric = 'data_center_revenue' then quarters.source_kind end) as source_kind,
        max(case when quarters.metric = 'data_center_revenue' then quarters.formula end) as formula,
        max(case when quarters.metric = 'data_center_revenue' then quarters.first_known_on end) as first_known_on,
        {{ agg_array_union('quarters.fact_ids') }} as fact_ids
    from days
    left join quarters
        on
            days.calendar_quarter = quarters.calendar_quarter
            and days.known_from >= quarters.known_from
            and (quarters.known_to is null or days.known_from < quarters.known_to)
    group by days.calendar_quarter, days.known_from
),

-- A day on which nothing is known of the data center any more (a statement was rejected) ends the version before it.
compared as (
    select
        *,
        lead(known_from) over (partition by calendar_quarter order by known_from) as known_to
    from as_known
),

final as (
    select
        calendar_quarter,
        fiscal_quarter,
        period_start,
        period_end,
        data_center_usd,
        compute_usd,
        networking_usd,
        hyperscale_usd,
        ai_clouds_industrial_enterprise_usd,
        total_revenue_usd,
        value_kind,
        source_kind,
        formula,
        first_known_on,
        known_from,
        known_to,
        fact_ids
    from compared
    where data_center_usd is not null
)

select * from final
