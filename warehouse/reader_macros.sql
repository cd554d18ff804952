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

-- As known on a day. The rule, once: a statement is known from the New York day it became public, and a table as of a day
-- holds all that was public when that day ended. EDGAR dates a filing accepted after 17:30 to the next business day, so an
-- after-hours filing belongs to the next morning.
create or replace macro marts.gap_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.ai_revenue_gap_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by calendar_quarter, scenario;

create or replace macro marts.revenue_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.nvidia_data_center_revenue_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by calendar_quarter;

create or replace macro marts.capex_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.hyperscaler_capex_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by ticker, calendar_quarter, capex_basis;

create or replace macro marts.microsoft_share_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.microsoft_share_of_nvidia_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by calendar_quarter;

create or replace macro marts.ai_revenue_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.ai_revenue_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by company, calendar_quarter;

create or replace macro marts.ai_revenue_series_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.ai_revenue_series_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by company, calendar_quarter, ai_revenue_basis;

create or replace macro marts.ai_revenue_totals_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.ai_revenue_totals_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by calendar_quarter, ai_revenue_basis;

create or replace macro marts.ai_revenue_bridge_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.ai_revenue_bridge_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by calendar_quarter, ai_revenue_basis, company;

create or replace macro marts.ai_revenue_panel_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.ai_revenue_panel_versions
    where known_from <= as_of_date and (known_to is null or known_to > as_of_date)
    order by calendar_quarter, ai_revenue_basis;

-- What moved between two days, by how much, at which companies, and which statements became known in between.
create or replace macro marts.gap_changes(from_date, to_date) as table
    with before as (
        select * from marts.ai_revenue_gap_versions
        where known_from <= from_date and (known_to is null or known_to > from_date)
    ),
    after as (
        select * from marts.ai_revenue_gap_versions
        where known_from <= to_date and (known_to is null or known_to > to_date)
    ),
    moved as (
        select
            after.calendar_quarter,
            after.scenario,
            case when before.scenario is null then 'new' else 'moved' end as change,
            before.run_rate_usd as run_rate_before_usd,
            after.run_rate_usd as run_rate_after_usd,
            before.ai_revenue_usd as ai_revenue_before_usd,
            after.ai_revenue_usd as ai_revenue_after_usd,
            before.gap_usd as gap_before_usd,
            after.gap_usd as gap_after_usd,
            after.gap_usd - before.gap_usd as gap_change_usd,
            after.known_from,
            list_filter(after.fact_ids, lambda id : not list_contains(coalesce(before.fact_ids, []), id)) as new_fact_ids
        from after
        left join before on after.calendar_quarter = before.calendar_quarter and after.scenario = before.scenario
        where
            before.scenario is null
            or before.required_revenue_usd <> after.required_revenue_usd
            or before.ai_revenue_usd is distinct from after.ai_revenue_usd
    ),
    sides as (
        select *, -1 as sign, from_date as day from before
        union all
        select *, 1, to_date from after
    ),
    earned as (
        select
            sides.calendar_quarter,
            sides.scenario,
            series.company,
            sides.sign * case sides.ai_revenue_end
                when 'low' then series.low_usd
                when 'high' then series.high_usd
                else series.central_usd
            end as signed_usd
        from sides
        inner join marts.ai_revenue_series_versions as series
            on
                sides.calendar_quarter = series.calendar_quarter
                and sides.ai_revenue_basis = series.ai_revenue_basis
                and series.known_from <= sides.day
                and (series.known_to is null or series.known_to > sides.day)
        union all
        select calendar_quarter, scenario, '(assumed)', sign * ai_revenue_usd
        from sides
        where ai_revenue_basis = 'assumed'
    ),
    by_company as (
        select
            calendar_quarter,
            scenario,
            list({'company': company, 'change_usd': change_usd} order by abs(change_usd) desc, company) as by_company
        from (
            select calendar_quarter, scenario, company, cast(sum(signed_usd) as bigint) as change_usd
            from earned
            group by calendar_quarter, scenario, company
        )
        where change_usd <> 0
        group by calendar_quarter, scenario
    ),
    because as (
        select
            moved.calendar_quarter,
            moved.scenario,
            list_sort(list(distinct citation.source_title || coalesce(' (' || citation.accession || ')', ''))) as because
        from moved
        cross join unnest(moved.new_fact_ids) as new_fact (fact_id)
        inner join marts.citations as citation on new_fact.fact_id = citation.fact_id
        where citation.known_from > from_date and citation.known_from <= to_date
        group by moved.calendar_quarter, moved.scenario
    )
    select moved.*, coalesce(by_company.by_company, []) as by_company, coalesce(because.because, []) as because
    from moved
    left join by_company
        on moved.calendar_quarter = by_company.calendar_quarter and moved.scenario = by_company.scenario
    left join because on moved.calendar_quarter = because.calendar_quarter and moved.scenario = because.scenario
    order by moved.calendar_quarter desc, moved.scenario;
