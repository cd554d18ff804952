{#- What each sourced range does to the gap of a quarter, one at a time, the rest as in scenario measured; and all ends together.
    The ends are those of scenarios low and high, and of the range of measured revenue: each is cited. No probability is given:
    nobody has published a distribution of any of them. -#}
with gap as (
    select * from {{ ref('ai_revenue_gap') }}
    where scenario = 'measured' and gap_usd is not null
),

ends as (
    select
        scenario as range_end,
        parameter,
        cast(value as decimal(9, 6)) as value,
        known_from,
        {{ array_of('fact_id') }} as fact_ids
    from {{ ref('scenarios') }}
    where scenario in ('low', 'high') and parameter in ('gpu_share_of_tco', 'end_user_gross_margin')
),

totals as (
    select * from {{ ref('int_ai_revenue_totals') }}
    where known_to is null and ai_revenue_basis = 'estimated_run_rate'
),

assumptions as (
    select
        gap.calendar_quarter,
        ends.parameter as varied,
        ends.range_end,
        ends.value as varied_to,
        gap.run_rate_usd,
        case ends.parameter when 'gpu_share_of_tco' then ends.value else gap.gpu_share_of_tco end as gpu_share_of_tco,
        case ends.parameter when 'end_user_gross_margin' then ends.value else gap.end_user_gross_margin end
            as end_user_gross_margin,
        gap.ai_revenue_usd,
        gap.gap_usd as central_gap_usd,
        greatest(gap.known_from, ends.known_from) as known_from,
        {{ array_union_sorted('gap.fact_ids', 'ends.fact_ids') }} as fact_ids
    from gap
    cross join ends
),

range_ends as (
    select distinct range_end from ends
),

-- Low is the end at which the gap is small: the revenue at its highest.
revenues as (
    select
        gap.calendar_quarter,
        'ai_revenue' as varied,
        range_ends.range_end,
        cast(null as decimal(9, 6)) as varied_to,
        gap.run_rate_usd,
        gap.gpu_share_of_tco,
        gap.end_user_gross_margin,
        case range_ends.range_end when 'low' then totals.high_usd else totals.low_usd end as ai_revenue_usd,
        gap.gap_usd as central_gap_usd,
        greatest(gap.known_from, totals.known_from) as known_from,
        {{ array_union_sorted('gap.fact_ids', 'totals.range_fact_ids') }} as fact_ids
    from gap
    inner join totals on gap.calendar_quarter = totals.calendar_quarter
    cross join range_ends
),

together as (
    select
        revenues.calendar_quarter,
        'all together' as varied,
        revenues.range_end,
        cast(null as decimal(9, 6)) as varied_to,
        revenues.run_rate_usd,
        gpu.value as gpu_share_of_tco,
        margin.value as end_user_gross_margin,
        revenues.ai_revenue_usd,
        revenues.central_gap_usd,
        greatest(revenues.known_from, gpu.known_from, margin.known_from) as known_from,
        {{ array_union_sorted('revenues.fact_ids', array_union_sorted('gpu.fact_ids', 'margin.fact_ids')) }} as fact_ids
    from revenues
    inner join ends as gpu on revenues.range_end = gpu.range_end and gpu.parameter = 'gpu_share_of_tco'
    inner join ends as margin on revenues.range_end = margin.range_end and margin.parameter = 'end_user_gross_margin'
),

varied as (
    select * from assumptions
    union all
    select * from revenues
    union all
    select * from together
),

required as (
    select
        *,
        {{ divide_usd(divide_usd('run_rate_usd', 'gpu_share_of_tco'), '(1 - end_user_gross_margin)') }} as required_revenue_usd
    from varied
),

final as (
    select
        calendar_quarter,
        varied,
        range_end,
        varied_to,
        required_revenue_usd,
        ai_revenue_usd,
        required_revenue_usd - ai_revenue_usd as gap_usd,
        required_revenue_usd - ai_revenue_usd - central_gap_usd as difference_usd,
        known_from,
        fact_ids
    from required
)

select * from final
order by calendar_quarter, varied, range_end
