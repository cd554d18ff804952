{#- AI revenue of each company, quarter and basis, netted, in every knowledge interval: what enters the sum, with both ends. The
    low end takes the weakest revenue and the largest netting, the high end the strongest and the smallest. -#}
with gross as (
    select * from {{ ref('int_ai_revenue_gross') }}
),

netting as (
    select * from {{ ref('int_ai_revenue_netting') }}
),

days as (
    select company, calendar_quarter, ai_revenue_basis, known_from from gross
    union
    select company, calendar_quarter, ai_revenue_basis, known_to from gross
    where known_to is not null
    union
    select
        gross.company,
        gross.calendar_quarter,
        gross.ai_revenue_basis,
        netting.known_from
    from gross
    inner join netting
        on
            gross.company = netting.company
            and gross.calendar_quarter = netting.calendar_quarter
            and netting.counts_own = (gross.ai_revenue_basis like 'own:%')
            and {{ in_force('gross', 'netting.known_from') }}
),

as_known as (
    select
        days.company,
        days.calendar_quarter,
        days.ai_revenue_basis,
        days.known_from,
        gross.layer,
        gross.observed_metric,
        gross.speaks_on,
        gross.source_kind,
        gross.confidence,
        gross.gross_usd,
        netting.share as overlap_share,
        {{ multiply_usd('gross.gross_usd', 'netting.share') }} as overlap_usd,
        netting.method as overlap_method,
        gross.low_gross_usd - {{ multiply_usd('gross.low_gross_usd', 'netting.most_share') }} as low_usd,
        gross.gross_usd - {{ multiply_usd('gross.gross_usd', 'netting.share') }} as counted_usd,
        gross.high_gross_usd - {{ multiply_usd('gross.high_gross_usd', 'netting.least_share') }} as high_usd,
        gross.staleness_days,
        gross.is_carried,
        gross.is_partial,
        gross.quarters_observed,
        netting.method like 'counted within %' as is_superseded,
        gross.company is not null as is_known,
        {{ array_union_sorted('gross.fact_ids', 'netting.fact_ids') }} as fact_ids,
        {{ array_union_sorted('gross.range_fact_ids', 'netting.range_fact_ids') }} as range_fact_ids
    from days
    left join gross
        on
            days.company = gross.company
            and days.calendar_quarter = gross.calendar_quarter
            and days.ai_revenue_basis = gross.ai_revenue_basis
            and {{ in_force('gross', 'days.known_from') }}
    left join netting
        on
            days.company = netting.company
            and days.calendar_quarter = netting.calendar_quarter
            and netting.counts_own = (days.ai_revenue_basis like 'own:%')
            and {{ in_force('netting', 'days.known_from') }}
),

{%- set columns = [
    'company', 'calendar_quarter', 'ai_revenue_basis', 'layer', 'observed_metric', 'speaks_on', 'source_kind', 'confidence',
    'gross_usd', 'overlap_share', 'overlap_usd', 'overlap_method', 'low_usd', 'counted_usd', 'high_usd', 'staleness_days',
    'is_carried', 'is_partial', 'quarters_observed', 'is_superseded', 'fact_ids',
    'range_fact_ids',
] %}

final as (
    {{ versions_of(
        'as_known',
        key=['company', 'calendar_quarter', 'ai_revenue_basis'],
        state=columns[3:] + ['is_known'],
        columns=columns + ['is_known'],
        present='is_known',
    ) }}
)

select * from final
