-- Table macros of the published file, for any DuckDB shell. DuckDB only, by design: they stand at the
-- edge, after the marts. Same integer arithmetic as the models (whole dollars, rounded half up).

-- Every addend of every scenario of a quarter, with the statement each one rests on.
create or replace macro marts.explain_gap(quarter) as table
    select
        component.calendar_quarter,
        component.scenario,
        component.component,
        component.signed_usd,
        component.value_kind,
        component.formula,
        citation.fact_id,
        citation.company,
        citation.metric,
        citation.value,
        citation.unit,
        citation.accession,
        citation.form,
        citation.concept,
        citation.dimensions,
        citation.period_start,
        citation.period_end,
        citation.filed_on,
        citation.source_kind,
        citation.source_title,
        citation.source_url,
        citation.confidence
    from (
        select *, unnest(case when len(fact_ids) = 0 then [null] else fact_ids end) as fact_id
        from marts.ai_revenue_gap_components
        where calendar_quarter = quarter
    ) as component
    left join marts.citations as citation on component.fact_id = citation.fact_id
    order by component.scenario, component.component_order, component.component, citation.period_end, citation.fact_id;

-- The gap with any other two parameters, measured AI revenue, without rebuilding.
create or replace macro marts.gap_with(gpu_share_of_tco, end_user_gross_margin) as table
    with input as (
        select
            calendar_quarter,
            run_rate_usd,
            cast(gpu_share_of_tco as decimal(9, 6)) as gpu_share,
            cast(end_user_gross_margin as decimal(9, 6)) as margin,
            ai_revenue_usd,
            known_from
        from marts.ai_revenue_gap
        where scenario = 'measured'
    ),
    spend as (
        select
            *,
            cast(
                (2 * cast(run_rate_usd as hugeint) * 1000000 + cast(gpu_share * 1000000 as hugeint))
                // nullif(2 * cast(gpu_share * 1000000 as hugeint), 0) as bigint
            ) as spend_usd
        from input
    ),
    required as (
        select
            *,
            cast(
                (2 * cast(spend_usd as hugeint) * 1000000 + cast((1 - margin) * 1000000 as hugeint))
                // nullif(2 * cast((1 - margin) * 1000000 as hugeint), 0) as bigint
            ) as required_usd
        from spend
    )
    select
        calendar_quarter,
        run_rate_usd,
        gpu_share as gpu_share_of_tco,
        spend_usd as data_center_spend_usd,
        margin as end_user_gross_margin,
        required_usd as required_revenue_usd,
        ai_revenue_usd,
        required_usd - ai_revenue_usd as gap_usd,
        known_from
    from required
    order by calendar_quarter;
