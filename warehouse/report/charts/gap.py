"""Required revenue and AI revenue of the chosen scenario by quarter, with Cahn's points."""

from __future__ import annotations

import duckdb

from warehouse.readers.words import LIFETIME, PACE
from warehouse.report.digits import money
from warehouse.report.spec import (
    SHAPES,
    Chart,
    Rows,
    Spec,
    above,
    by,
    fill,
    fits,
    key,
    only,
    quarters,
    query,
    span,
    stroke,
    usd,
)

TOPIC, ORDER, START = "gap", 10, True

_COLORS = {"required": "var(--required)", "measured": "var(--measured)", "assumed": "var(--assumed)"}
KEY = key(
    (stroke("var(--required)"), "line", "Required revenue"),
    (fill("var(--required)") + ";opacity:.25", "square", "its range"),
    (stroke("var(--measured)"), "line", "Measured AI revenue"),
    (stroke("var(--assumed)", more="stroke-dasharray:4 3"), "line", "Assumed AI revenue (Cahn’s list)"),
    (fill("var(--cahn)"), "diamond", "Required, as Cahn published it (2023, 2024, 2026)"),
)


def gap_rows(connection: duckdb.DuckDBPyConnection, versions: bool) -> Rows:
    """Both sides of every scenario; with `versions`, in every knowledge interval.

    The components of the current rows split sources and kinds into the two sides of the gap. An older version has
    no components: there, what a source states decides on which side it stands.
    """
    sides = (
        """
        select gap.calendar_quarter, gap.scenario, gap.known_from, citation.is_required,
            list(citation.fact_id order by citation.source_kind = 'xbrl' desc, citation.fact_id) as fact_ids,
            string_agg(distinct citation.source_kind, ', ' order by citation.source_kind) as value_kind
        from (select *, unnest(fact_ids) as fact_id from gap) as gap
        join (
            select *, metric in ('data_center_revenue', 'gpu_share_of_tco', 'end_user_gross_margin', 'run_rate_usd',
                'run_rate_basis', 'calendar_quarter') as is_required from marts.citations
        ) as citation using (fact_id)
        group by all
        """
        if versions
        else """
        select calendar_quarter, scenario, component not like 'ai_revenue%' as is_required,
            flatten(list(fact_ids order by component_order, component)) as fact_ids,
            string_agg(distinct value_kind, ', ' order by value_kind) as value_kind
        from marts.ai_revenue_gap_components
        group by all
        """
    )
    return query(
        connection,
        f"""
        with gap as (
            select * from marts.{"ai_revenue_gap_versions" if versions else "ai_revenue_gap"}
            where calendar_quarter >= (  -- a year before the first measurement; the table has the rest
                select (left(min(calendar_quarter), 4)::int - 1) || right(min(calendar_quarter), 2)
                from marts.ai_revenue_gap where scenario = 'measured' and ai_revenue_usd is not null
            )
        ),
        sides as ({sides}),
        points as (
            select *, true as is_required, required_revenue_usd as chart_usd,
                if(scenario in ('cahn_2023', 'cahn_2024', 'cahn_2026'), 'cahn', 'required') as chart_series
            from gap
            union all by name
            select *, false as is_required, ai_revenue_usd as chart_usd,
                if(ai_revenue_basis = 'assumed', 'assumed', 'measured') as chart_series
            from gap
        )
        select calendar_quarter, scenario, chart_series, chart_usd,
            if(is_required, 'Required revenue', 'AI revenue') || ', ' || calendar_quarter as chart_label,
            if(is_required, run_rate_basis || ' / ' || gpu_share_of_tco::decimal(4, 2) || ' GPU share / (1 − '
                || end_user_gross_margin::decimal(4, 2) || ' margin)', ai_revenue_basis) as chart_note,
            sides.value_kind, known_from, {"known_to," if versions else ""}
            coalesce(sides.fact_ids, points.fact_ids) as fact_ids
        from points left join sides using (calendar_quarter, scenario, is_required{", known_from" if versions else ""})
        where chart_usd is not null
        order by is_required, calendar_quarter, scenario, known_from
        """,
    )


def gap_spec(x: Spec) -> Spec:
    """Lines of the chosen scenario; what they come to in the chosen quarter stands above the plot."""
    y = usd("chart_usd", scale={"zero": True, "nice": True})
    mine = "datum.scenario == scenario && datum.chart_series != 'cahn'"
    here = "datum.calendar_quarter == quarter && datum.scenario == scenario"
    color = by("chart_series", {**_COLORS, "cahn": "var(--cahn)"})
    dash = by("chart_series", {"required": [1, 0], "measured": [1, 0], "assumed": [5, 4]})
    labels = []
    for row, side in enumerate(("datum.chart_series == 'measured' || datum.chart_series == 'assumed'",
                                "datum.chart_series == 'required' || datum.chart_series == 'cahn'")):  # fmt: skip
        text = above(row, "chart_says", align="right", fontSize=fits(12, 13), fontWeight=600)
        text["encoding"] |= {"x": {"value": "width"}, "y": {"value": -6 - 18 * row}, "fill": color}
        text["transform"] = only(f"({here}) && ({side})")
        labels.append(text)
    return {
        "height": 340,
        "padding": {"left": 4, "top": 8, "bottom": 4, "right": 12},
        "transform": [{"calculate": "datum.chart_label + ': ' + datum.chart_text", "as": "chart_says"}],
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "transform": [
                    *only("indexof(['low', 'high'], datum.scenario) >= 0 && datum.chart_series == 'required'"),
                    *only("indexof(['measured', 'low', 'high'], scenario) >= 0"),
                    {"pivot": "scenario", "value": "chart_usd", "groupby": ["calendar_quarter"]},
                    *only("datum.low && datum.high"),
                ],
                "mark": {"type": "area", "color": "var(--required)", "opacity": 0.14},
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "transform": only(f"({here}) && datum.chart_series != 'assumed' && datum.chart_series != 'measured'"),
                "mark": {"type": "rule", "color": "var(--muted)", "strokeDash": [2, 3]},
                "encoding": {"y": {"value": 0}, "y2": {"value": "height"}},
            },
            {
                "transform": only(mine),
                "mark": {"type": "line", "strokeWidth": 2.5},
                "encoding": {"stroke": color, "strokeDash": dash},
            },
            {
                "transform": only(mine),
                "mark": {"type": "point", "size": 26, "opacity": 1, "strokeWidth": 0},
                "encoding": {"fill": color},
            },
            {
                "transform": only("datum.chart_series == 'cahn'"),
                "mark": {"type": "point", "shape": SHAPES["diamond"], "size": 150, "fill": "var(--cahn)", "opacity": 1}
                | {"stroke": "var(--paper)", "strokeWidth": 1.5},
            },
            *labels,
        ],
    }


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = gap_rows(connection, versions=False)
    last = {row["chart_series"]: row for row in rows.dicts() if row["scenario"] == "measured"}
    ends = "; ".join(f"{row['chart_label']}: {money(row['chart_usd'])}" for row in last.values())
    return Chart(
        id="gap",
        title="The gap, by quarter",
        lede="What the data centers around one year’s chips must earn over their life, and the AI revenue that is "
        "seen, at a year’s pace. The pale band spans the other sourced values of GPU share and margin.",
        caveat=f"{LIFETIME} {PACE}",
        description=f"Line chart, {span(rows)}. {ends}.",
        key=KEY,
        rows=rows,
        spec=gap_spec(quarters(rows)),
        table=query(connection, "from marts.ai_revenue_gap order by calendar_quarter desc, scenario"),
        signals=("quarter", "scenario"),
        first=("calendar_quarter", "scenario", "required_revenue_usd", "ai_revenue_usd", "gap_usd", "coverage_share"),
    )
