"""From NVIDIA's revenue to the gap, for one quarter and scenario."""

from __future__ import annotations

import duckdb

from warehouse.readers.words import LIFETIME, PACE
from warehouse.report.spec import Chart, by, fill, fits, key, query, usd

TOPIC, ORDER = "gap", 20


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        with addends as (
            select *, component like 'ai_revenue%' as is_ai_revenue,
                row_number() over (partition by calendar_quarter, scenario, component like 'ai_revenue%'
                    order by abs(signed_usd) desc, component) as size_order
            from marts.ai_revenue_gap_components
        ),
        steps as (  -- five companies by name, the rest together
            select calendar_quarter, scenario,
                case when not is_ai_revenue then component_order else 10 + least(size_order, 6) end as step,
                case when not is_ai_revenue then component when size_order > 5 then 'others'
                    else replace(component, 'ai_revenue:', '') end as name,
                sum(signed_usd)::bigint as signed_usd, count(*) as addends,
                string_agg(distinct value_kind, ', ' order by value_kind) as value_kind,
                min(formula) as formula, flatten(list(fact_ids order by component)) as fact_ids
            from addends
            group by all
        ),
        placed as (
            select *, sum(signed_usd) over (partition by calendar_quarter, scenario order by step)::bigint as end_usd
            from steps
        ),
        bars as (
            select calendar_quarter, scenario, step, name, signed_usd as chart_usd, end_usd - signed_usd as start_usd,
                end_usd, case when signed_usd < 0 then 'earned' else 'needed' end as bar, value_kind,
                case when addends = 1 then formula else addends || ' smaller companies; the table names them' end
                    as chart_note, fact_ids
            from placed
            union all by name
            select calendar_quarter, scenario, 9 as step, 'required' as name, required_revenue_usd as chart_usd,
                0 as start_usd, required_revenue_usd as end_usd, 'total' as bar, 'derived' as value_kind,
                'sum of the steps above' as chart_note, fact_ids
            from marts.ai_revenue_gap
            union all by name
            select calendar_quarter, scenario, 99 as step, 'gap' as name, gap_usd as chart_usd, 0 as start_usd,
                gap_usd as end_usd, 'total' as bar, 'derived' as value_kind,
                'required revenue − AI revenue' as chart_note, fact_ids
            from marts.ai_revenue_gap where gap_usd is not null
        )
        select bars.* exclude (name),
            case name when 'nvidia_data_center_run_rate' then 'NVIDIA data center, at a year’s pace'
                when 'rest_of_data_center' then '+ rest of the data center'
                when 'end_user_gross_margin' then '+ margin of the users'
                when 'required' then '= required revenue' when 'gap' then '= the gap'
                when 'assumed' then '− assumed AI revenue' when 'others' then '− other companies'
                else '− ' || name end as chart_label,
            gap.known_from
        from bars join marts.ai_revenue_gap as gap using (calendar_quarter, scenario)
        order by calendar_quarter, scenario, step, chart_label
        """,
    )
    fills = {"needed": "var(--required)", "earned": "url(#hatch-measured)", "total": "var(--total)"}
    strokes = {"needed": "var(--required)", "earned": "var(--measured)", "total": "var(--ink)"}
    axis = {"title": None, "grid": False, "labelLimit": fits(150, 260)}
    return Chart(
        id="chain",
        title="The chain, step by step",
        lede="From NVIDIA’s data-center revenue, at a year’s pace, to what the users of those chips must earn over "
        "their life, and what is left once the AI revenue that can be seen is taken off.",
        description="Waterfall chart of one quarter and scenario: the addends of the gap in the order of the chain.",
        key=key(
            (fill("var(--required)"), "square", "adds"),
            ("fill:url(#hatch-measured);stroke:var(--measured);stroke-width:1.2", "square", "subtracts"),
            ("fill:var(--total);stroke:var(--ink);stroke-width:1.2", "square", "sum"),
        ),
        rows=rows,
        spec={
            "height": 11 * 26,
            "padding": {"left": 4, "top": 4, "bottom": 4, "right": 64},
            "encoding": {"y": {"field": "chart_label", "type": "ordinal", "sort": {"field": "step"}, "axis": axis}},
            "layer": [
                {
                    "mark": {"type": "bar", "height": 22, "strokeWidth": 1.2},
                    "encoding": {
                        "x": {**usd("start_usd", scale={"domainMin": 0, "nice": False}), "axis": None},
                        "x2": {"field": "end_usd"},
                        "fill": by("bar", fills),
                        "stroke": by("bar", strokes),
                    },
                },
                {
                    "transform": [{"calculate": "max(datum.start_usd, datum.end_usd)", "as": "chart_right"}],
                    "mark": {"type": "text", "align": "left", "dx": 6},
                    "encoding": {
                        "x": {"field": "chart_right", "type": "quantitative"},
                        "text": {"field": "chart_text"},
                    },
                },
            ],
        },
        caveat=f"{LIFETIME} {PACE}",
        first=("component", "signed_usd", "value_kind", "formula"),
        table=query(
            connection,
            "from marts.ai_revenue_gap_components order by calendar_quarter, scenario, component_order, component",
        ),
        where={"calendar_quarter": "quarter", "scenario": "scenario"},
    )
