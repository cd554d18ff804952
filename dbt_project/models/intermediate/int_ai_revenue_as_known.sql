{#- What was known of each company's AI revenue for each calendar quarter, on each day its evidence changed. The latest
    observation that speaks of a day up to the quarter's end is carried forward and keeps its age. -#}
with figures as (
    select * from {{ ref('stg_curated__figures') }}
),

roles as (
    select * from {{ ref('stg_curated__ai_revenue_roles') }}
    where role = 'counted'
),

observations as (
    select
        figures.company,
        figures.metric,
        case figures.metric
            when 'quarterly_revenue' then 4
            when 'half_year_revenue' then 2
            else 1
        end * cast(figures.value as bigint) as run_rate_usd,
        cast(figures.value as bigint) as stated_usd,
        -- A quarter x 4 is the like of NVIDIA's quarter x 4, so it wins over a month x 12 of the same day.
        case figures.metric
            when 'quarterly_revenue' then 1
            when 'annualized_run_rate' then 2
            when 'half_year_revenue' then 3
            when 'trailing_12m_revenue' then 4
            else 5
        end as metric_rank,
        coalesce(figures.metric in ('annual_revenue', 'trailing_12m_revenue'), false) as is_twelve_months,
        figures.period_end as speaks_on,
        -- Half a year x 2 is the pace of its middle: an in-quarter statement is nearer to the quarter's end.
        case figures.metric
            when 'half_year_revenue' then {{ add_days('figures.period_end', -91) }}
            when 'annual_revenue' then {{ add_days('figures.period_end', -182) }}
            when 'trailing_12m_revenue' then {{ add_days('figures.period_end', -182) }}
            else figures.period_end
        end as paced_on,
        figures.known_on,
        figures.layer,
        figures.source_kind,
        figures.confidence,
        coalesce(figures.overlaps_with, '') <> '' and figures.layer in ('application', 'cloud_infrastructure') as has_overlap,
        figures.fact_id
    from figures
    inner join roles on figures.company = roles.company
    where
        figures.unit = 'USD'
        and figures.value is not null
        and figures.is_headline_grade
        and figures.metric in (
            'annualized_run_rate', 'quarterly_revenue', 'half_year_revenue', 'annual_revenue', 'trailing_12m_revenue'
        )
),

-- A netting item may be of low confidence (leaving it out would overstate revenue), but never without a public source.
netting as (
    select
        figures.company,
        figures.metric,
        figures.value,
        figures.period_end as speaks_on,
        figures.known_on,
        figures.confidence,
        figures.fact_id
    from figures
    inner join roles on figures.company = roles.company
    where figures.metric in ('overlap_run_rate', 'overlap_annual', 'overlap_share') and figures.is_citable
),

-- Where a layer declares an overlap without an amount: the share of its dollar that is somebody else's revenue.
assumptions as (
    select
        series as layer,
        value as share,
        period_end as speaks_on,
        known_on,
        fact_id
    from figures
    where company = '(assumption)' and metric = 'overlap_share' and is_citable
),

superseding as (
    select
        roles.company,
        roles.superseded_by,
        roles.superseded_from,
        min(observations.known_on) as superseded_known_on
    from roles
    inner join observations on roles.superseded_by = observations.company
    group by roles.company, roles.superseded_by, roles.superseded_from
),

-- A quarter opens when the first statement that speaks of it, or of a later one, is public: before that day nobody could have
-- listed it, and a value carried forward into it would be a look ahead.
quarter_days as (
    select {{ calendar_quarter_of('speaks_on') }} as calendar_quarter, known_on from observations
    union
    select calendar_quarter, known_from
    from {{ ref('int_metric_quarters') }}
    where metric = 'data_center_revenue' and calendar_quarter >= '2022Q4'
),

quarter_names as (
    select distinct calendar_quarter from quarter_days
),

quarters as (
    select
        quarter_names.calendar_quarter,
        {{ calendar_quarter_end('quarter_names.calendar_quarter') }} as quarter_end,
        min(quarter_days.known_on) as opened_on
    from quarter_names
    inner join quarter_days on quarter_names.calendar_quarter <= quarter_days.calendar_quarter
    group by quarter_names.calendar_quarter
),

changes as (
    select company, known_on as known_from from observations
    union
    select company, known_on from netting
    union
    select company, superseded_known_on from superseding
    union
    select distinct observations.company, assumptions.known_on
    from observations
    inner join assumptions on observations.layer = assumptions.layer and observations.has_overlap
    union
    select distinct observations.company, quarters.opened_on
    from observations
    cross join quarters
),

grid as (
    select
        changes.company,
        changes.known_from,
        quarters.calendar_quarter,
        quarters.quarter_end
    from changes
    inner join quarters on changes.known_from >= quarters.opened_on
),

latest_ranked as (
    select
        grid.*,
        observations.metric,
        observations.run_rate_usd,
        observations.speaks_on,
        observations.layer,
        observations.source_kind,
        observations.confidence,
        observations.has_overlap,
        observations.fact_id,
        row_number() over (
            partition by grid.company, grid.known_from, grid.calendar_quarter
            order by
                observations.paced_on desc, observations.metric_rank, observations.known_on desc,
                observations.confidence, observations.fact_id
        ) as place
    from grid
    inner join observations
        on
            grid.company = observations.company
            and observations.known_on <= grid.known_from
            and observations.speaks_on <= grid.quarter_end
),

latest as (
    select * from latest_ranked
    where place = 1
),

latest_overlap_ranked as (
    select
        grid.company,
        grid.known_from,
        grid.calendar_quarter,
        netting.metric as overlap_metric,
        netting.value as overlap_value,
        netting.fact_id as overlap_fact_id,
        row_number() over (
            partition by grid.company, grid.known_from, grid.calendar_quarter
            order by netting.speaks_on desc, netting.known_on desc, netting.fact_id
        ) as place
    from grid
    inner join netting
        on
            grid.company = netting.company
            and netting.known_on <= grid.known_from
            and netting.speaks_on <= grid.quarter_end
),

latest_overlap as (
    select * from latest_overlap_ranked
    where place = 1
),

latest_assumption_ranked as (
    select
        latest.company,
        latest.known_from,
        latest.calendar_quarter,
        assumptions.share as assumed_share,
        assumptions.fact_id as assumption_fact_id,
        row_number() over (
            partition by latest.company, latest.known_from, latest.calendar_quarter
            order by assumptions.speaks_on desc, assumptions.known_on desc, assumptions.fact_id
        ) as place
    from latest
    inner join assumptions
        on
            latest.layer = assumptions.layer
            and assumptions.known_on <= latest.known_from
            and assumptions.speaks_on <= latest.quarter_end
    where latest.has_overlap
),

latest_assumption as (
    select * from latest_assumption_ranked
    where place = 1
),

netted as (
    select
        latest.*,
        case
            when superseding.company is not null then latest.run_rate_usd
            when latest_overlap.overlap_metric = 'overlap_share'
                then {{ multiply_usd('latest.run_rate_usd', 'cast(latest_overlap.overlap_value as decimal(9, 6))') }}
            when latest_overlap.overlap_metric is not null
                then least(latest.run_rate_usd, cast(latest_overlap.overlap_value as bigint))
            when latest_assumption.assumed_share is not null
                then {{ multiply_usd('latest.run_rate_usd', 'cast(latest_assumption.assumed_share as decimal(9, 6))') }}
            else 0
        end as overlap_usd,
        case
            when superseding.company is not null then concat('counted within ', superseding.superseded_by)
            when latest_overlap.overlap_metric = 'overlap_share'
                then {{ quoted("share of revenue that is a counted company's cost (sourced)") }}
            when latest_overlap.overlap_metric is not null then 'amount paid by counted companies (sourced)'
            when latest_assumption.assumed_share is not null
                then {{ quoted("assumed share of the layer's dollar (no amount disclosed)") }}
            when latest.has_overlap then 'overlap declared, no amount or share known yet: nothing netted'
            when latest.layer = 'model' then 'none: what a lab pays its cloud is netted at the cloud'
            else 'none declared'
        end as overlap_method,
        case
            when superseding.company is not null then {{ no_ids() }}
            when latest_overlap.overlap_fact_id is not null then {{ array_of('latest_overlap.overlap_fact_id') }}
            when latest_assumption.assumption_fact_id is not null then {{ array_of('latest_assumption.assumption_fact_id') }}
            else {{ no_ids() }}
        end as overlap_fact_ids
    from latest
    left join latest_overlap
        on
            latest.company = latest_overlap.company
            and latest.known_from = latest_overlap.known_from
            and latest.calendar_quarter = latest_overlap.calendar_quarter
    left join latest_assumption
        on
            latest.company = latest_assumption.company
            and latest.known_from = latest_assumption.known_from
            and latest.calendar_quarter = latest_assumption.calendar_quarter
    left join superseding
        on
            latest.company = superseding.company
            and latest.quarter_end >= superseding.superseded_from
            and latest.known_from >= superseding.superseded_known_on
),

-- A stated twelve months that ends inside the quarter is the trailing figure; else four quarters' run rates / 4.
twelve_months_ranked as (
    select
        grid.company,
        grid.known_from,
        grid.calendar_quarter,
        observations.stated_usd,
        observations.fact_id,
        row_number() over (
            partition by grid.company, grid.known_from, grid.calendar_quarter
            order by observations.speaks_on desc, observations.known_on desc, observations.confidence, observations.fact_id
        ) as place
    from grid
    inner join observations
        on
            grid.company = observations.company
            and observations.is_twelve_months
            and observations.known_on <= grid.known_from
            and {{ calendar_quarter_of('observations.speaks_on') }} = grid.calendar_quarter
),

twelve_months as (
    select * from twelve_months_ranked
    where place = 1
),

windowed as (
    select
        netted.*,
        netted.run_rate_usd - netted.overlap_usd as counted_usd,
        {{ days_between('netted.speaks_on', 'netted.quarter_end') }} as staleness_days,
        {{ array_union_sorted(array_of('netted.fact_id'), 'netted.overlap_fact_ids') }} as fact_ids,
        sum(netted.run_rate_usd) over four_quarters as four_run_rates_usd,
        sum(netted.run_rate_usd - netted.overlap_usd) over four_quarters as four_counted_usd,
        count(*) over four_quarters as trailing_quarters_observed,
        {{ collect_array_union_over(array_union_sorted(array_of('netted.fact_id'), 'netted.overlap_fact_ids'), 'four_quarters') }}
            as four_fact_ids
    from netted
    window four_quarters as (
        partition by netted.company, netted.known_from
        order by {{ quarter_number('netted.calendar_quarter') }}
        range between 3 preceding and current row
    )
),

final as (
    select
        windowed.company,
        windowed.known_from,
        windowed.calendar_quarter,
        windowed.quarter_end,
        windowed.layer,
        windowed.metric as observed_metric,
        windowed.speaks_on,
        windowed.source_kind,
        windowed.confidence,
        windowed.run_rate_usd,
        windowed.overlap_usd,
        windowed.overlap_method,
        windowed.counted_usd,
        windowed.staleness_days,
        windowed.fact_ids,
        coalesce(twelve_months.stated_usd, {{ divide_usd('windowed.four_run_rates_usd', '4') }}) as trailing_12m_usd,
        cast(
            case
                when twelve_months.stated_usd is null then {{ divide_usd('windowed.four_counted_usd', '4') }}
                when windowed.run_rate_usd = 0 then 0
                else {{ multiply_usd('twelve_months.stated_usd', share_of('windowed.counted_usd', 'windowed.run_rate_usd')) }}
            end as bigint
        ) as trailing_counted_usd,
        windowed.trailing_quarters_observed,
        case
            when twelve_months.fact_id is not null
                then {{ array_union_sorted(array_of('twelve_months.fact_id'), 'windowed.fact_ids') }}
            else windowed.four_fact_ids
        end as trailing_fact_ids
    from windowed
    left join twelve_months
        on
            windowed.company = twelve_months.company
            and windowed.known_from = twelve_months.known_from
            and windowed.calendar_quarter = twelve_months.calendar_quarter
)

select * from final
