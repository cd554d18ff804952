{#- What the counted companies were said to earn with AI: one row a statement, with the day it speaks of, the day whose pace it
    is, and the days from and until which it stood. The user's own may speak of any company that is not part of a counted one:
    of those that state nothing usable above all. -#}
with figures as (
    select * from {{ ref('int_usable_figures') }}
),

roles as (
    select * from {{ ref('stg_curated__ai_revenue_roles') }}
),

final as (
    select
        figures.company,
        figures.fact_id,
        figures.metric,
        cast(figures.value as bigint) as stated_usd,
        case figures.metric
            when 'quarterly_revenue' then 4
            when 'half_year_revenue' then 2
            else 1
        end * cast(figures.value as bigint) as run_rate_usd,
        figures.period_start,
        figures.period_end as speaks_on,
        -- What a period brought in is the pace of its middle.
        case
            when figures.metric = 'annualized_run_rate' then figures.period_end
            else {{ period_midpoint('figures.period_start', 'figures.period_end') }}
        end as paced_on,
        case
            when figures.metric = 'annualized_run_rate' then 0
            else {{ days_between('figures.period_start', 'figures.period_end') }}
        end as span_days,
        -- A quarter x 4 is the like of NVIDIA's quarter x 4, so of two statements of one day it comes first.
        case figures.metric
            when 'quarterly_revenue' then 1
            when 'annualized_run_rate' then 2
            when 'half_year_revenue' then 3
            else 4
        end as metric_rank,
        figures.layer,
        coalesce(figures.overlaps_with, '') <> '' and figures.layer in ('application', 'cloud_infrastructure') as has_overlap,
        figures.source_kind,
        figures.confidence,
        case figures.confidence when 'high' then 1 when 'medium' then 2 else 3 end as confidence_rank,
        figures.known_on,
        figures.withdrawn_on,
        figures.is_own
    from figures
    left join roles on figures.company = roles.company
    where
        (roles.role = 'counted' or (figures.is_own and coalesce(roles.role, 'not_disclosed') = 'not_disclosed'))
        -- A total of many is no company's.
        and coalesce(figures.layer, '') not in ('all', 'overlap')
        and figures.unit = 'USD'
        and figures.value > 0
        and figures.is_citable
        and figures.metric in (
            'annualized_run_rate', 'quarterly_revenue', 'half_year_revenue', 'annual_revenue', 'trailing_12m_revenue'
        )
)

select * from final
