{#- Why a statement of a filing cannot be right as it stands; null for one that can. It is set aside then, one statement at
    a time, until an operator says otherwise. Judged by what was known when it was filed: what comes later takes no
    number away. -#}
with observations as (
    select * from {{ ref('int_metric_observations') }}
),

concepts as (
    select * from {{ ref('stg_watch_list__metric_concepts') }}
),

decisions as (
    select * from {{ ref('stg_operator__decisions') }}
    where verdict = 'accept'
),

whole_reports as (
    select form from {{ ref('stg_rules__forms') }}
    where is_whole_report
),

metrics as (
    select
        cik,
        metric,
        max(part_of) as part_of,
        max(max_step) as max_step,
        max(case when is_required then 1 else 0 end) as is_required
    from concepts
    group by cik, metric
),

usual as (
    select min(max_step) as max_step from concepts
    where max_step > 0
),

accepted as (
    select distinct observations.observation_id
    from observations
    inner join decisions on {{ decided('observations', 'decisions') }}
),

statements as (
    select
        observations.*,
        observations.observation_id as row_id,
        observations.accession as document,
        metrics.part_of,
        coalesce(metrics.max_step, usual.max_step) as max_step,
        metrics.is_required,
        accepted.observation_id is not null as is_accepted,
        true as may_vouch
    from observations
    cross join usual
    left join metrics on observations.cik = metrics.cik and observations.metric = metrics.metric
    left join accepted on observations.observation_id = accepted.observation_id
),

first_look as (
    {{ steps('statements') }}
),

-- What stands apart at one look vouches for nobody at the next: a second and a third wrong filing in a row are seen as well.
second_witnesses as (
    {{ witnesses('statements', 'first_look') }}
),

second_look as (
    {{ steps('second_witnesses') }}
),

third_witnesses as (
    {{ witnesses('statements', 'second_look') }}
),

last_look as (
    {{ steps('third_witnesses') }}
),

-- The period a filing reports on: as EDGAR lists it, else the last that any of its watched lines ends with.
reported_periods as (
    select cik, accession, coalesce(max(report_date), max(period_end)) as report_end
    from observations
    where source_kind = 'xbrl'
    group by cik, accession
),

own_periods as (
    select
        statements.cik,
        statements.accession,
        statements.metric,
        max(
            case when abs({{ days_between('statements.period_end', 'reported_periods.report_end') }}) <= 10 then 1 else 0 end
        ) as has_own_period
    from statements
    inner join reported_periods
        on statements.cik = reported_periods.cik and statements.accession = reported_periods.accession
    inner join whole_reports on statements.form = whole_reports.form
    where statements.is_required = 1
    group by statements.cik, statements.accession, statements.metric
),

-- What a line is measured against: the larger line of the same filing and period, where that one does not stand apart.
totals as (
    select
        statements.cik,
        statements.accession,
        statements.metric,
        statements.period_start,
        statements.period_end,
        max(statements.value_usd) as value_usd
    from statements
    left join last_look on statements.row_id = last_look.row_id
    where statements.source_kind = 'xbrl' and statements.value_usd > 0 and not coalesce({{ is_apart('last_look') }}, false)
    group by statements.cik, statements.accession, statements.metric, statements.period_start, statements.period_end
),

final as (
    select
        statements.observation_id,
        case
            when statements.source_kind <> 'xbrl' then null
            when statements.value_usd is null then 'a quadrillion dollars or more, which no company can state'
            when statements.value_usd < 0 then 'negative, and the line is positive by its definition'
            when {{ days_between('reported_periods.report_end', 'statements.period_end') }} > 10
                then concat(
                    'its period ends after the one the filing reports on, to ', cast(reported_periods.report_end as string)
                )
            when own_periods.has_own_period = 0
                then concat(
                    'stated for other periods, and not for the one the filing reports on, to ',
                    cast(reported_periods.report_end as string)
                )
            when {{ is_apart('last_look') }} then {{ how_apart('last_look') }}
            when statements.value_usd > whole.value_usd + 1000000
                then concat(
                    'larger than ', statements.part_of, ', which it is a part of: ', cast(whole.value_usd as string), ' USD'
                )
            when statements.metric like 'capex%' and statements.value_usd > 3 * revenue.value_usd
                then concat('more than three times the revenue of its period, ', cast(revenue.value_usd as string), ' USD')
        end as reason
    from statements
    left join last_look on statements.row_id = last_look.row_id
    left join reported_periods
        on statements.cik = reported_periods.cik and statements.accession = reported_periods.accession
    left join own_periods
        on
            statements.cik = own_periods.cik
            and statements.accession = own_periods.accession
            and statements.metric = own_periods.metric
    left join totals as whole
        on
            statements.cik = whole.cik
            and statements.accession = whole.accession
            and statements.part_of = whole.metric
            and statements.period_start = whole.period_start
            and statements.period_end = whole.period_end
    left join totals as revenue
        on
            statements.cik = revenue.cik
            and statements.accession = revenue.accession
            and revenue.metric = 'total_revenue'
            and statements.period_start = revenue.period_start
            and statements.period_end = revenue.period_end
)

select * from final
