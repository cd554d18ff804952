{#- NVIDIA's data-center revenue of a quarter before it is reported, by several methods, strictly as known on the day the guidance
    and the quarter before were public; it stands until the quarter is reported, and beside it what the quarter came to.
    guidance_beat: guidance x data center's part of the last quarter x median of what eight quarters came to over their guidance.
    Interval: the seventh smallest of the method's last eight errors, either way. -#}
with figures as (
    select * from {{ ref('int_usable_figures') }}
    where is_citable and not is_own and withdrawn_on is null and ticker = 'NVDA' and value > 0
),

reported as (
    select
        *,
        {{ quarter_number('calendar_quarter') }} as number
    from {{ ref('int_metric_quarters') }}
    where ticker = 'NVDA' and metric in ('total_revenue', 'data_center_revenue')
),

guidance as (
    select
        {{ calendar_quarter_of(period_midpoint('period_start', 'period_end')) }} as calendar_quarter,
        {{ quarter_number(calendar_quarter_of(period_midpoint('period_start', 'period_end'))) }} as number,
        cast(value as bigint) as guidance_usd,
        known_on,
        fact_id
    from figures
    where metric = 'total_revenue_guidance' and period_type = 'quarter'
),

firsts as (
    select
        number,
        metric,
        min(known_from) as known_from
    from reported
    group by number, metric
),

-- The day on which the quarter before was public, and the guidance.
opened as (
    select
        guidance.calendar_quarter,
        guidance.number,
        guidance.guidance_usd,
        guidance.fact_id,
        greatest(guidance.known_on, max(firsts.known_from)) as known_from
    from guidance
    inner join firsts on guidance.number - 1 = firsts.number
    group by guidance.calendar_quarter, guidance.number, guidance.guidance_usd, guidance.fact_id, guidance.known_on
    having count(*) = 2
),

-- What was known that day of the eight quarters before.
before as (
    select
        opened.number,
        opened.number - reported.number as quarters_ago,
        max(case when reported.metric = 'total_revenue' then reported.value_usd end) as total_usd,
        max(case when reported.metric = 'data_center_revenue' then reported.value_usd end) as data_center_usd,
        {{ agg_array_union('reported.fact_ids') }} as fact_ids
    from opened
    inner join reported
        on opened.number - reported.number between 1 and 8 and {{ in_force('reported', 'opened.known_from') }}
    group by opened.number, opened.number - reported.number
),

beats as (
    select
        before.number,
        before.quarters_ago,
        {{ share_of('before.total_usd', 'guidance.guidance_usd') }} as beat,
        {{ array_union_sorted('before.fact_ids', array_of('guidance.fact_id')) }} as fact_ids,
        row_number() over (
            partition by before.number order by {{ share_of('before.total_usd', 'guidance.guidance_usd') }}, before.quarters_ago
        ) as place
    from before
    inner join guidance on before.number - before.quarters_ago = guidance.number
    where before.total_usd is not null
),

medians as (
    select
        number,
        {{ share_of(
            'cast(sum(case when place in (4, 5) then beat else 0 end) * 1000000 as bigint)', 'cast(2000000 as bigint)'
        ) }} as beat,
        max(case when quarters_ago = 1 then beat end) as last_beat,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from beats
    group by number
    having count(*) = 8
),

inputs as (
    select
        opened.*,
        last_quarter.data_center_usd as last_usd,
        {{ share_of('last_quarter.data_center_usd', 'last_quarter.total_usd') }} as last_share,
        {{ share_of('last_quarter.data_center_usd', 'one_before.data_center_usd') }} as last_growth,
        medians.beat,
        medians.last_beat,
        {{ array_union_sorted('last_quarter.fact_ids', 'one_before.fact_ids') }} as last_fact_ids,
        {{ array_union_sorted(array_of('opened.fact_id'), array_union_sorted('medians.fact_ids', 'last_quarter.fact_ids')) }}
            as fact_ids
    from opened
    inner join before as last_quarter on opened.number = last_quarter.number and last_quarter.quarters_ago = 1
    inner join before as one_before on opened.number = one_before.number and one_before.quarters_ago = 2
    inner join medians on opened.number = medians.number
),

by_method as (
    select
        calendar_quarter, number, known_from, 'guidance_beat' as method,
        {{ multiply_usd(multiply_usd('guidance_usd', 'last_share'), 'beat') }} as nowcast_usd, fact_ids
    from inputs
    union all
    select
        calendar_quarter, number, known_from, 'guidance_last_beat',
        {{ multiply_usd(multiply_usd('guidance_usd', 'last_share'), 'last_beat') }}, fact_ids
    from inputs
    union all
    select
        calendar_quarter, number, known_from, 'guidance_share',
        {{ multiply_usd('guidance_usd', 'last_share') }}, fact_ids
    from inputs
    union all
    select
        calendar_quarter, number, known_from, 'last_growth',
        {{ multiply_usd('last_usd', 'last_growth') }}, last_fact_ids
    from inputs
    union all
    select calendar_quarter, number, known_from, 'last_value', last_usd, last_fact_ids
    from inputs
),

actuals as (
    select
        current_word.number,
        current_word.value_usd as actual_usd,
        current_word.fact_ids,
        min(reported.known_from) as reported_on
    from reported as current_word
    inner join reported on current_word.number = reported.number and current_word.metric = reported.metric
    where current_word.metric = 'data_center_revenue' and current_word.known_to is null
    group by current_word.number, current_word.value_usd, current_word.fact_ids
),

forecasts as (
    select
        inputs.calendar_quarter,
        inputs.number,
        figures.known_on as known_from,
        cast(figures.value as bigint) as nowcast_usd,
        {{ array_of('figures.fact_id') }} as fact_ids
    from figures
    inner join inputs
        on {{ calendar_quarter_of(period_midpoint('figures.period_start', 'figures.period_end')) }} = inputs.calendar_quarter
    left join actuals on inputs.number = actuals.number
    where
        figures.metric = 'data_center_revenue_forecast' and figures.period_type = 'quarter'
        and (actuals.reported_on is null or figures.known_on <= actuals.reported_on)
),

-- The last one before the quarter was reported; of several of one day the highest.
consensus as (
    {{ latest_of('forecasts', key=['number'], order=['known_from desc', 'nowcast_usd desc', 'cast(fact_ids as string)']) }}
),

nowcasts as (
    select * from by_method
    union all
    select calendar_quarter, number, known_from, 'consensus', nowcast_usd, fact_ids
    from consensus
),

errors as (
    select
        nowcasts.*,
        actuals.actual_usd,
        actuals.reported_on,
        actuals.fact_ids as actual_fact_ids,
        {{ share_of('abs(nowcasts.nowcast_usd - actuals.actual_usd)', 'actuals.actual_usd') }} as error_share
    from nowcasts
    left join actuals on nowcasts.number = actuals.number
),

earlier as (
    select
        errors.number,
        errors.method,
        past.error_share,
        row_number() over (partition by errors.number, errors.method order by past.error_share, past.number) as place,
        count(*) over (partition by errors.number, errors.method) as known
    from errors
    inner join errors as past
        on
            errors.method = past.method
            and errors.number - past.number between 1 and 8
            and past.reported_on <= errors.known_from
),

intervals as (
    select number, method, error_share from earlier
    where place = 7 and known = 8
),

gap as (
    select * from {{ ref('scenarios') }}
    where scenario = 'measured'
),

earned as (
    select * from {{ ref('ai_revenue_totals_versions') }}
    where ai_revenue_basis = 'estimated_run_rate'
),

final as (
    select
        errors.calendar_quarter,
        errors.method,
        errors.nowcast_usd,
        errors.nowcast_usd - {{ multiply_usd('errors.nowcast_usd', 'intervals.error_share') }} as low_usd,
        errors.nowcast_usd + {{ multiply_usd('errors.nowcast_usd', 'intervals.error_share') }} as high_usd,
        {{ divide_usd(
            divide_usd('4 * errors.nowcast_usd', 'cast(gpu.value as decimal(9, 6))'), '(1 - cast(margin.value as decimal(9, 6)))'
        ) }} as implied_required_usd,
        {{ divide_usd(
            divide_usd('4 * errors.nowcast_usd', 'cast(gpu.value as decimal(9, 6))'), '(1 - cast(margin.value as decimal(9, 6)))'
        ) }} - earned.central_usd as implied_gap_usd,
        errors.actual_usd,
        errors.error_share,
        abs(errors.nowcast_usd - errors.actual_usd) <= {{ multiply_usd('errors.nowcast_usd', 'intervals.error_share') }}
            as is_within,
        errors.known_from,
        errors.reported_on,
        {{ array_union_sorted('errors.fact_ids', 'coalesce(earned.fact_ids, ' ~ no_ids() ~ ')') }} as fact_ids,
        coalesce(errors.actual_fact_ids, {{ no_ids() }}) as actual_fact_ids
    from errors
    inner join gap as gpu on gpu.parameter = 'gpu_share_of_tco'
    inner join gap as margin on margin.parameter = 'end_user_gross_margin'
    left join intervals on errors.number = intervals.number and errors.method = intervals.method
    left join earned on errors.calendar_quarter = earned.calendar_quarter and {{ in_force('earned', 'errors.known_from') }}
    where errors.calendar_quarter >= '2021Q1'
)

select * from final
order by calendar_quarter, method
