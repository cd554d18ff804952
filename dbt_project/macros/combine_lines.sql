{#- Statements of a metric that a company defines as the sum or difference of two lines of one cash-flow statement, for the
    `formulas` that `which` selects: both lines from the same filing and period. Expects CTEs `formulas`, `companies` and `statements`. -#}
{% macro combine_lines(statements, which) %}
    select
        base.cik,
        formulas.metric,
        base.concept,
        base.line,
        base.priority,
        base.source_kind,
        base.span,
        base.period_start,
        base.period_end,
        base.value_usd + formulas.sign * other.value_usd as value_usd,
        base.known_from,
        base.known_at,
        base.report_date,
        base.form,
        base.withdrawn_on,
        base.accession,
        'derived' as value_kind,
        formulas.formula,
        {{ array_union_sorted('base.fact_ids', 'other.fact_ids') }} as fact_ids
    from formulas
    inner join companies on formulas.ticker = companies.ticker
    inner join {{ statements }} as base on companies.cik = base.cik and formulas.base_metric = base.metric
    inner join {{ statements }} as other
        on
            base.cik = other.cik
            and formulas.other_metric = other.metric
            and base.accession = other.accession
            and base.period_start = other.period_start
            and base.period_end = other.period_end
    where {{ which }}
{% endmacro %}
