{#- AI revenue of each company, quarter and basis before netting, in every knowledge interval, with both ends of the range. A
    company of which only weak statements are known has no central figure: it enters the high end alone. A basis that counts the
    user's own figures is named so: own:estimated_run_rate beside estimated_run_rate. -#}
{%- set own = "case when range_end like 'own:%' then 'own:' else '' end" %}
with by_range_end as (
    select
        company,
        known_from,
        replace(range_end, 'own:', '') as range_end,
        calendar_quarter,
        concat({{ own }}, 'measured_run_rate') as ai_revenue_basis,
        gross_usd,
        observed_metric,
        speaks_on,
        staleness_days,
        is_carried,
        false as is_partial,
        cast(null as bigint) as quarters_observed,
        layer,
        source_kind,
        confidence_rank,
        fact_ids
    from {{ ref('int_ai_revenue_carried') }}
    union all
    select
        company,
        known_from,
        replace(range_end, 'own:', ''),
        calendar_quarter,
        concat({{ own }}, 'estimated_run_rate'),
        gross_usd,
        observed_metric,
        speaks_on,
        staleness_days,
        days_carried > 0,
        days_missing > 0,
        cast(null as bigint),
        layer,
        source_kind,
        confidence_rank,
        fact_ids
    from {{ ref('int_ai_revenue_estimated') }}
    union all
    select
        company,
        known_from,
        replace(range_end, 'own:', ''),
        calendar_quarter,
        concat({{ own }}, 'measured_trailing_12m'),
        gross_usd,
        observed_metric,
        speaks_on,
        staleness_days,
        is_carried,
        gross_usd is null,
        quarters_observed,
        layer,
        source_kind,
        confidence_rank,
        fact_ids
    from {{ ref('int_ai_revenue_trailing') }}
),

-- Every company, quarter and basis ever known, on every day of the company's: what was withdrawn is there without a value.
ever_known as (
    select distinct company, calendar_quarter, ai_revenue_basis from by_range_end
),

days as (
    select distinct company, known_on as known_from from {{ ref('int_ai_revenue_statements') }}
    union
    select company, withdrawn_on from {{ ref('int_ai_revenue_statements') }}
    where withdrawn_on is not null
),

as_known as (
    select
        ever_known.company,
        ever_known.calendar_quarter,
        ever_known.ai_revenue_basis,
        days.known_from,
        central.gross_usd,
        coalesce(least(low.gross_usd, central.gross_usd), 0) as low_gross_usd,
        greatest(coalesce(high.gross_usd, 0), coalesce(central.gross_usd, 0)) as high_gross_usd,
        coalesce(central.observed_metric, high.observed_metric) as observed_metric,
        coalesce(central.speaks_on, high.speaks_on) as speaks_on,
        coalesce(central.staleness_days, high.staleness_days) as staleness_days,
        coalesce(central.is_carried, high.is_carried) as is_carried,
        coalesce(central.is_partial, high.is_partial) as is_partial,
        coalesce(central.quarters_observed, high.quarters_observed) as quarters_observed,
        coalesce(central.layer, high.layer) as layer,
        coalesce(central.source_kind, high.source_kind) as source_kind,
        coalesce(central.confidence_rank, high.confidence_rank) as confidence_rank,
        central.fact_ids,
        {{ array_union_sorted(
            array_union_sorted('coalesce(low.fact_ids, ' ~ no_ids() ~ ')', 'coalesce(central.fact_ids, ' ~ no_ids() ~ ')'),
            'coalesce(high.fact_ids, ' ~ no_ids() ~ ')',
        ) }} as range_fact_ids,
        high.company is not null as is_known
    from ever_known
    inner join days on ever_known.company = days.company
    {% for range_end in ['low', 'central', 'high'] %}
        left join by_range_end as {{ range_end }}
            on
                ever_known.company = {{ range_end }}.company
                and ever_known.calendar_quarter = {{ range_end }}.calendar_quarter
                and ever_known.ai_revenue_basis = {{ range_end }}.ai_revenue_basis
                and days.known_from = {{ range_end }}.known_from
                and {{ range_end }}.range_end = '{{ range_end }}'
    {% endfor %}
),

versions as (
    {{ versions_of(
        'as_known',
        key=['company', 'calendar_quarter', 'ai_revenue_basis'],
        state=[
            'gross_usd', 'low_gross_usd', 'high_gross_usd', 'observed_metric', 'speaks_on', 'staleness_days', 'is_carried',
            'is_partial', 'quarters_observed', 'layer', 'source_kind', 'confidence_rank', 'fact_ids',
            'range_fact_ids', 'is_known',
        ],
        columns=[
            'company', 'calendar_quarter', 'ai_revenue_basis', 'gross_usd', 'low_gross_usd', 'high_gross_usd', 'observed_metric',
            'speaks_on', 'staleness_days', 'is_carried', 'is_partial', 'quarters_observed', 'layer', 'source_kind',
            'confidence_rank', 'fact_ids', 'range_fact_ids', 'is_known',
        ],
        present='is_known',
    ) }}
),

-- Before a quarter opened nothing can be said of it.
final as (
    select
        versions.company,
        versions.calendar_quarter,
        versions.ai_revenue_basis,
        versions.gross_usd,
        versions.low_gross_usd,
        versions.high_gross_usd,
        versions.observed_metric,
        versions.speaks_on,
        versions.staleness_days,
        versions.is_carried,
        versions.is_partial,
        versions.quarters_observed,
        versions.layer,
        versions.source_kind,
        case versions.confidence_rank when 1 then 'high' when 2 then 'medium' else 'low' end as confidence,
        greatest(versions.known_from, quarters.opened_on) as known_from,
        versions.known_to,
        coalesce(versions.fact_ids, versions.range_fact_ids) as fact_ids,
        versions.range_fact_ids
    from versions
    inner join {{ ref('int_ai_revenue_quarters') }} as quarters on versions.calendar_quarter = quarters.calendar_quarter
    where versions.known_to is null or versions.known_to > quarters.opened_on
)

select * from final
