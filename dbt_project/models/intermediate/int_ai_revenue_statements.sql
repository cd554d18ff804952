{#- What the counted companies were said to earn with AI: one row a statement, with the day it speaks of, the day whose pace it
    is, and the days from and until which it stood. Hand-entered ones, and the filed quarters and years of those that sell AI
    compute and nothing else: of two about one period the filed one comes first (metric_rank). The user's own
    may speak of any company that is not part of a counted one: of those that state nothing usable above all. -#}
with figures as (
    select * from {{ ref('int_usable_figures') }}
),

roles as (
    select * from {{ ref('stg_curated__ai_revenue_roles') }}
),

pure_plays as (
    select * from {{ ref('stg_watch_list__companies') }}
    where role = 'ai_compute'
),

quarters as (
    select * from {{ ref('int_metric_quarters') }}
    where metric = 'total_revenue' and source_kind = 'xbrl'
),

versions as (
    select * from {{ ref('int_observation_versions') }}
    where metric = 'total_revenue' and source_kind = 'xbrl' and span = 'year'
),

hand_entered as (
    select
        company,
        fact_id as statement_id,
        metric,
        cast(value as bigint) as stated_usd,
        period_start,
        period_end,
        layer,
        coalesce(overlaps_with, '') <> '' and layer in ('application', 'cloud_infrastructure') as has_overlap,
        source_kind,
        confidence,
        known_on,
        withdrawn_on,
        is_own
    from figures
    where
        unit = 'USD'
        and value > 0
        and is_citable
        -- A total of many is no company's.
        and coalesce(layer, '') not in ('all', 'overlap')
        and metric in (
            'annualized_run_rate', 'quarterly_revenue', 'half_year_revenue', 'annual_revenue', 'trailing_12m_revenue'
        )
),

filed as (
    select
        cik,
        'quarterly_revenue' as metric,
        period_start,
        period_end,
        value_usd,
        fact_ids,
        known_from,
        known_to
    from quarters
    union all
    select
        cik,
        'annual_revenue',
        period_start,
        period_end,
        value_usd,
        fact_ids,
        known_from,
        known_to
    from versions
),

stated as (
    select * from hand_entered
    union all
    select
        pure_plays.company,
        {{ joined('filed.fact_ids') }} as statement_id,
        filed.metric,
        filed.value_usd as stated_usd,
        filed.period_start,
        filed.period_end,
        'cloud_infrastructure' as layer,
        true as has_overlap,
        'xbrl' as source_kind,
        'high' as confidence,
        filed.known_from as known_on,
        filed.known_to as withdrawn_on,
        false as is_own
    from filed
    inner join pure_plays on filed.cik = pure_plays.cik
    where filed.value_usd > 0
),

final as (
    select
        stated.company,
        stated.statement_id,
        stated.metric,
        stated.stated_usd,
        case stated.metric
            when 'quarterly_revenue' then 4
            when 'half_year_revenue' then 2
            else 1
        end * stated.stated_usd as run_rate_usd,
        stated.period_start,
        stated.period_end as speaks_on,
        -- What a period brought in is the pace of its middle.
        case
            when stated.metric = 'annualized_run_rate' then stated.period_end
            else {{ period_midpoint('stated.period_start', 'stated.period_end') }}
        end as paced_on,
        case
            when stated.metric = 'annualized_run_rate' then 0
            else {{ days_between('stated.period_start', 'stated.period_end') }}
        end as span_days,
        -- A quarter x 4 is the like of NVIDIA's quarter x 4, so of two statements of one day it comes first; what is filed
        -- comes before what was typed.
        2 * case stated.metric
            when 'quarterly_revenue' then 1
            when 'annualized_run_rate' then 2
            when 'half_year_revenue' then 3
            else 4
        end - case stated.source_kind when 'xbrl' then 1 else 0 end as metric_rank,
        stated.layer,
        stated.has_overlap,
        stated.source_kind,
        stated.confidence,
        case stated.confidence when 'high' then 1 when 'medium' then 2 else 3 end as confidence_rank,
        stated.known_on,
        stated.withdrawn_on,
        stated.is_own
    from stated
    left join roles on stated.company = roles.company
    where roles.role = 'counted' or (stated.is_own and coalesce(roles.role, 'not_disclosed') = 'not_disclosed')
)

select * from final
