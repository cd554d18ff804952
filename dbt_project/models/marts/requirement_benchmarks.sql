{#- What others say the AI build-out costs, must earn, or lacks, each beside what our own chain said on the day it was said, and
    in words why the two are not one number. Cahn's three editions are among them. -#}
with figures as (
    select * from {{ ref('int_usable_figures') }}
    where withdrawn_on is null and is_citable
),

gap as (
    select * from {{ ref('ai_revenue_gap_versions') }}
    where scenario = 'measured'
),

published as (
    select
        estimator as source,
        case metric
            when 'infrastructure_spending_estimate' then 'spending'
            when 'required_revenue_estimate' then 'required revenue'
            else 'shortfall'
        end as kind,
        series,
        period_start,
        period_end,
        coalesce(value, low_value) as low_value,
        coalesce(value, high_value) as high_value,
        known_on,
        confidence,
        note,
        fact_id
    from figures
    where metric in ('infrastructure_spending_estimate', 'required_revenue_estimate', 'revenue_shortfall_estimate')
    union all
    select
        estimator,
        case metric
            when 'case_data_center_spend' then 'spending'
            when 'case_required_revenue' then 'required revenue'
            else 'shortfall'
        end,
        series,
        period_start,
        period_end,
        value as low_value,
        value as high_value,
        known_on,
        confidence,
        note,
        fact_id
    from figures
    where
        metric in ('case_data_center_spend', 'case_required_revenue', 'case_gap')
        and series in ('cahn_2023', 'cahn_2024')
),

-- The newest quarter that the chain had on that day.
ours as (
    select
        published.fact_id as benchmark_id,
        gap.calendar_quarter,
        gap.run_rate_usd,
        gap.data_center_spend_usd,
        gap.required_revenue_usd,
        gap.gap_usd,
        gap.fact_ids
    from published
    inner join gap on {{ in_force('gap', 'published.known_on') }}
),

newest as (
    {{ latest_of('ours', key=['benchmark_id'], order=['calendar_quarter desc']) }}
),

compared as (
    select
        published.*,
        newest.calendar_quarter as our_quarter,
        newest.run_rate_usd as our_run_rate_usd,
        case published.kind
            when 'spending' then newest.data_center_spend_usd
            when 'required revenue' then newest.required_revenue_usd
            else newest.gap_usd
        end as our_usd,
        newest.fact_ids as our_fact_ids
    from published
    left join newest on published.fact_id = newest.benchmark_id
),

final as (
    select
        source,
        kind,
        period_start,
        period_end,
        cast(low_value as bigint) as low_usd,
        cast(high_value as bigint) as high_usd,
        our_quarter,
        our_usd,
        {{ share_of('our_usd', 'cast(low_value as bigint)') }} as ours_to_low_share,
        -- What accelerators would be of such spending, if NVIDIA sold them all.
        case when kind = 'spending' then {{ share_of('our_run_rate_usd', 'cast(low_value as bigint)') }} end
            as implied_gpu_share,
        case
            when our_quarter is null then 'before the first quarter of our chain was known'
            when series in ('cahn_2023', 'cahn_2024')
                then 'starts from a forecast of the year-end quarter; ours from the quarter NVIDIA had reported that day'
            when source = 'Sequoia (Cahn)' and kind = 'spending'
                then concat(
                    'starts from what the world spends on AI infrastructure in the year; ours from what NVIDIA sold in a ',
                    'quarter, x 4, and doubled: other chips, and sites and power built ahead of their chips, are in his alone'
                )
            when source = 'Sequoia (Cahn)'
                then 'his spending over one minus the same margin: all of the difference is in the spending'
            when kind = 'shortfall'
                then 'of a year to come, against the revenue expected then; ours is of the quarter, against what is measured'
            when kind = 'spending'
                then 'of years to come, or of hyperscalers alone; ours is the data center around the chips of a quarter, x 4'
            else 'yearly revenue of a year to come; ours is what the chips of one year must earn over their life'
        end as reconciliation,
        confidence,
        note,
        known_on as known_from,
        {{ array_union_sorted(array_of('fact_id'), 'coalesce(our_fact_ids, ' ~ no_ids() ~ ')') }} as fact_ids
    from compared
)

select * from final
order by known_from, source, kind, period_end, low_usd
