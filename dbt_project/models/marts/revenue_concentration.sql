{#- How much of the counted AI revenue is one company's, by quarter: what the total would lose with it. -#}
with series as (
    select * from {{ ref('ai_revenue_series') }}
    where ai_revenue_basis = 'estimated_run_rate' and central_usd > 0
),

ranked as (
    select
        *,
        row_number() over (partition by calendar_quarter order by central_usd desc, company) as place
    from series
),

final as (
    select
        calendar_quarter,
        max(case when place = 1 then company end) as largest_company,
        max(case when place = 1 then central_usd end) as largest_usd,
        cast(sum(central_usd) as bigint) as total_usd,
        {{ share_of('max(case when place = 1 then central_usd end)', 'cast(sum(central_usd) as bigint)') }} as largest_share,
        {{ share_of(
            'cast(sum(case when place <= 2 then central_usd else 0 end) as bigint)', 'cast(sum(central_usd) as bigint)'
        ) }} as two_largest_share,
        count(*) as companies,
        max(known_from) as known_from,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from ranked
    group by calendar_quarter
)

select * from final
order by calendar_quarter
