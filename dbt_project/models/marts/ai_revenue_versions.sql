{#- The bases of a company and quarter side by side, for a reader who wants one row. -#}
with series as (
    select * from {{ ref('int_ai_revenue_versions') }}
),

days as (
    select company, calendar_quarter, known_from from series
    union
    select company, calendar_quarter, known_to from series
    where known_to is not null
),

as_known as (
    select
        days.company,
        days.calendar_quarter,
        days.known_from,
        measured.layer,
        measured.observed_metric,
        measured.speaks_on,
        measured.gross_usd as run_rate_usd,
        estimated.gross_usd as estimated_run_rate_usd,
        twelve_months.gross_usd as trailing_12m_usd,
        coalesce(twelve_months.quarters_observed, 0) as trailing_quarters_observed,
        measured.overlap_usd,
        measured.overlap_method,
        measured.counted_usd,
        estimated.counted_usd as estimated_counted_usd,
        twelve_months.counted_usd as trailing_counted_usd,
        measured.staleness_days,
        measured.source_kind,
        measured.confidence,
        measured.fact_ids,
        coalesce(estimated.fact_ids, {{ no_ids() }}) as estimated_fact_ids,
        coalesce(twelve_months.fact_ids, {{ no_ids() }}) as trailing_fact_ids
    from days
    {% for name, basis in [
        ('measured', 'measured_run_rate'), ('estimated', 'estimated_run_rate'), ('twelve_months', 'measured_trailing_12m')
    ] %}
        left join series as {{ name }}
            on
                days.company = {{ name }}.company
                and days.calendar_quarter = {{ name }}.calendar_quarter
                and {{ name }}.ai_revenue_basis = '{{ basis }}'
                and {{ in_force(name, 'days.known_from') }}
    {% endfor %}
),

{%- set columns = [
    'company', 'calendar_quarter', 'layer', 'observed_metric', 'speaks_on', 'run_rate_usd', 'estimated_run_rate_usd',
    'trailing_12m_usd', 'trailing_quarters_observed', 'overlap_usd', 'overlap_method', 'counted_usd', 'estimated_counted_usd',
    'trailing_counted_usd', 'staleness_days', 'source_kind', 'confidence', 'fact_ids', 'estimated_fact_ids', 'trailing_fact_ids',
] %}

final as (
    {{ versions_of(
        'as_known',
        key=['company', 'calendar_quarter'],
        state=columns[2:],
        columns=columns,
        present='counted_usd is not null',
    ) }}
)

select * from final
order by company, calendar_quarter, known_from
