-- Macros of the published file, for any DuckDB shell. DuckDB only, by design: they stand at the edge, after the marts. Same
-- integer arithmetic as the models (whole dollars, rounded half up). The lines above a macro are what help() says of it.

-- What is in this file: its tables, and its macros with an example each.
-- Example: from help()
create or replace macro marts.help() as table
    select
        'macro' as kind,
        function_name || '(' || array_to_string(parameters, ', ') || ')' as name,
        trim(split_part(comment, 'Example:', 1), chr(10) || ' ') as what,
        trim(split_part(comment, 'Example:', 2)) as example
    from duckdb_functions()
    where
        database_name = current_database()
        and schema_name = 'marts'
        and function_type in ('macro', 'table_macro')
    union all
    select
        'table' as kind,
        table_name as name,
        comment as what,
        'from ' || table_name || ' limit 5' as example
    from duckdb_tables()
    where database_name = current_database() and schema_name = 'marts'
    order by kind desc, name;

-- The columns of a mart with their units and meaning, which describe does not show.
-- Example: from columns_of('ai_revenue_gap')
create or replace macro marts.columns_of(mart) as table
    select
        column_name,
        data_type,
        comment as what
    from duckdb_columns()
    where database_name = current_database() and schema_name = 'marts' and table_name = mart
    order by column_index;

-- The rows of any mart with fact_ids, each with every statement it rests on.
-- Example: select mart_row.company, value, source_url from sources_of('cahn_scoreboard') where mart_row.calendar_quarter = '2026Q2'
create or replace macro marts.sources_of(mart) as table
    select
        mart_row,
        citations.*
    from (
        select
            mart_row,
            unnest(mart_row.fact_ids) as fact_id
        -- Its view in schema main: DuckDB 1.1 takes no other name here, and none that is null, as the audit's plan has it.
        from (select * from query_table(coalesce(mart, 'ai_revenue_gap'))) as mart_row
    )
    inner join marts.citations using (fact_id)
    order by all;

-- A calendar quarter as the marts write it, from what a person types: 2026Q2, Q2 2026, 2Q26, NVIDIA's fiscal FY27Q2, latest.
-- Example: select calendar_quarter_of('FY27Q2')
create or replace macro marts.calendar_quarter_of(quarter) as (
    select
        case
            when typed is null then null
            when typed = 'LATEST' then (select max(calendar_quarter) from marts.ai_revenue_gap where scenario = 'measured')
            when found is null
                then error(concat(
                    quarter, ' is no quarter at hand: write 2026Q2 (calendar), FY27Q2 (NVIDIA''s fiscal year) or latest'
                ))
            when found not in (select calendar_quarter from marts.ai_revenue_gap)
                then error(concat('no gap of ', found, ' is published; marts.coverage says why'))
            else found
        end
    from (
        select
            typed,
            case
                when regexp_full_match(typed, '20[0-9]{2}[- ]?Q[1-4]') then concat(left(typed, 4), right(typed, 2))
                when regexp_full_match(typed, 'Q[1-4][- ]?20[0-9]{2}') then concat(right(typed, 4), left(typed, 2))
                when regexp_full_match(typed, '[1-4]Q[- ]?(20)?[0-9]{2}')
                    then concat('20', right(typed, 2), 'Q', left(typed, 1))
                when regexp_full_match(typed, 'FY[- ]?(20)?[0-9]{2}[- ]?Q[1-4]')
                    then (
                        select calendar_quarter from marts.nvidia_data_center_revenue
                        where fiscal_quarter = concat('FY', regexp_extract(typed, '([0-9]{2})[- ]?Q', 1), right(typed, 2))
                    )
            end as found
        from (select upper(trim(cast(quarter as varchar))) as typed)
    )
);

-- A day as of which something can be known: today, or one before it.
-- Example: select known_day(date '2024-06-20')
create or replace macro marts.known_day(as_of_date) as (
    case
        when cast(as_of_date as date) > current_date
            then error(concat(as_of_date, ' is in the future: nothing can be known as of that day yet'))
        else cast(as_of_date as date)
    end
);

-- As of a day
-- (here stands <mart>_as_of of each mart with versions). The rule, once: a statement is known from the New York day it became
-- public, and a table as of a day holds all that was public when that day ended. EDGAR dates a filing accepted after 17:30 to
-- the next business day, so an after-hours filing belongs to the next morning.

-- The gap as it was known on a day.
-- Example: from gap_as_of(date '2024-06-20')
create or replace macro marts.gap_as_of(as_of_date) as table
    from marts.ai_revenue_gap_as_of(as_of_date);

-- NVIDIA's data-center revenue as it was known on a day.
-- Example: from revenue_as_of(date '2024-06-20')
create or replace macro marts.revenue_as_of(as_of_date) as table
    from marts.nvidia_data_center_revenue_as_of(as_of_date);

-- Capital expenditure as it was known on a day.
-- Example: from capex_as_of(date '2024-06-20')
create or replace macro marts.capex_as_of(as_of_date) as table
    from marts.hyperscaler_capex_as_of(as_of_date);

-- Microsoft's share of NVIDIA's sales as it was known on a day.
-- Example: from microsoft_share_as_of(date '2024-06-20')
create or replace macro marts.microsoft_share_as_of(as_of_date) as table
    from marts.microsoft_share_of_nvidia_as_of(as_of_date);

-- What explain_gap and explain_gap_as_of give, on any day, one to come included.
-- Example: from explain_gap_on('2026Q2', date '2026-09-30')
create or replace macro marts.explain_gap_on(quarter, as_of_date) as table
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
        from marts.ai_revenue_gap_components_versions
        where
            calendar_quarter = marts.calendar_quarter_of(quarter)
            and known_from <= as_of_date
            and (known_to is null or known_to > as_of_date)
    ) as component
    left join marts.citations as citation on component.fact_id = citation.fact_id
    order by component.scenario, component.component_order, component.component, citation.period_end, citation.fact_id;

-- Every addend of every scenario of a quarter, with the statement each one rests on.
-- Example: from explain_gap('2026Q2')
create or replace macro marts.explain_gap(quarter) as table
    from marts.explain_gap_on(quarter, date '9999-12-31');

-- Every addend of every scenario of a quarter as it was known on a day, with the statement each one rests on.
-- Example: from explain_gap_as_of('2026Q2', date '2026-09-30')
create or replace macro marts.explain_gap_as_of(quarter, as_of_date) as table
    from marts.explain_gap_on(quarter, marts.known_day(as_of_date));

-- The gap with any other two parameters, measured AI revenue, without rebuilding.
-- Example: from gap_with(0.4, 0.55)
create or replace macro marts.gap_with(gpu_share_of_tco, end_user_gross_margin) as table
    with input as (
        select
            calendar_quarter,
            run_rate_usd,
            case
                when gpu_share_of_tco <= 0 or gpu_share_of_tco > 1
                    then error(concat('a GPU share is above 0 and at most 1, such as 0.5; not ', gpu_share_of_tco))
                else cast(gpu_share_of_tco as decimal(9, 6))
            end as gpu_share,
            case
                when end_user_gross_margin < 0 or end_user_gross_margin >= 1
                    then error(concat('an end-user margin is at least 0 and below 1, such as 0.5; not ', end_user_gross_margin))
                else cast(end_user_gross_margin as decimal(9, 6))
            end as margin,
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

-- What moved between two days, by how much, at which companies, and which statements became known in between.
-- Example: from gap_changes(date '2026-04-01', date '2026-06-30')
create or replace macro marts.gap_changes(from_date, to_date) as table
    with before as (
        select *
        from marts.ai_revenue_gap_as_of(
            case
                when cast(from_date as date) > cast(to_date as date)
                    then error(concat('from ', from_date, ' to ', to_date, ' runs backwards: turn the days round'))
                else from_date
            end
        )
    ),
    after as (
        select * from marts.ai_revenue_gap_as_of(to_date)
    ),
    -- gap_moved.sql
    sides as (
        select *, -1 as sign, cast(from_date as date) as day from before
        union all
        select *, 1, cast(to_date as date) from after
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
        where citation.known_from > cast(from_date as date) and citation.known_from <= cast(to_date as date)
        group by moved.calendar_quarter, moved.scenario
    )
    select
        moved.* exclude (dropped_fact_ids),
        coalesce(by_company.by_company, []) as by_company,
        coalesce(because.because, []) as because
    from moved
    left join by_company
        on moved.calendar_quarter = by_company.calendar_quarter and moved.scenario = by_company.scenario
    left join because on moved.calendar_quarter = because.calendar_quarter and moved.scenario = because.scenario
    where moved.change <> 'gone'
    order by moved.calendar_quarter desc, moved.scenario;
