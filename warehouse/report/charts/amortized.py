"""What a year must earn, beside what one year's chips must earn over their life."""

from __future__ import annotations

import duckdb

from warehouse.readers.words import LIFETIME, PACE
from warehouse.report.spec import Chart, by, fill, key, only, quarters, query, span, stroke, usd

TOPIC, ORDER, START = "gap", 40, True

_LINES = {
    "life": ("var(--cahn)", [5, 4], "Cahn’s figure: over the life of a year’s chips"),
    "year": ("var(--required)", [1, 0], "What a year must earn"),
    "earned": ("var(--measured)", [1, 0], "Measured AI revenue, at a year’s pace"),
}


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        from (
            select *, 'year' as chart_series, required_year_usd as chart_usd from marts.amortized_requirement
            union all by name
            select *, 'life' as chart_series, required_lifetime_usd as chart_usd from marts.amortized_requirement
            where scenario = 'amortized'
            union all by name
            select *, 'earned' as chart_series, ai_revenue_usd as chart_usd from marts.amortized_requirement
            where scenario = 'amortized'
        )
        select calendar_quarter, scenario, chart_series, chart_usd, known_from, fact_ids,
            case chart_series when 'year' then 'What a year must earn' when 'life' then 'Over the life of the chips'
                else 'Measured AI revenue' end || ', ' || calendar_quarter as chart_label,
            scenario as chart_note, 'derived' as value_kind
        where chart_usd is not null
            and calendar_quarter >= (select min(calendar_quarter) from marts.amortized_requirement where is_complete)
        order by chart_series, calendar_quarter, scenario
        """,
    )
    y = usd("chart_usd")
    color = by("chart_series", {name: color for name, (color, _, _) in _LINES.items()})
    dash = by("chart_series", {name: dash for name, (_, dash, _) in _LINES.items()})
    lines = only("datum.scenario == 'amortized'")
    return Chart(
        id="amortized",
        title="What a year must earn",
        shows="terms of scenario amortized; band: lives of 3 to 6 years, returns of 0 to 15 %",
        lede="Depreciation of chips and buildings over their lives, energy and a return on the capital, over one minus "
        "the margin. This is a yearly figure, and may be held against yearly revenue; Cahn’s may not.",
        caveat=f"{LIFETIME} {PACE}",
        description=f"Line chart, {span(rows)}, of what a year must earn, Cahn’s lifetime figure and AI revenue.",
        key=key(
            *((stroke(color), "line", words) for color, _, words in _LINES.values()),
            (fill("var(--required)") + ";opacity:.25", "square", "a year, on other terms"),
        ),
        rows=rows,
        spec={
            "height": 320,
            "encoding": {"x": quarters(rows), "y": y},
            "layer": [
                {
                    "transform": [
                        *only("datum.chart_series == 'year'"),
                        {
                            "aggregate": [
                                {"op": "min", "field": "chart_usd", "as": "low"},
                                {"op": "max", "field": "chart_usd", "as": "high"},
                            ],
                            "groupby": ["calendar_quarter"],
                        },
                    ],
                    "mark": {"type": "area", "color": "var(--required)", "opacity": 0.14},
                    "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
                },
                {
                    "transform": lines,
                    "mark": {"type": "line", "strokeWidth": 2.5},
                    "encoding": {"stroke": color, "strokeDash": dash},
                },
                {
                    "transform": lines,
                    "mark": {"type": "point", "size": 26, "opacity": 1, "strokeWidth": 0},
                    "encoding": {"fill": color},
                },
            ],
        },
        table=query(connection, "from marts.amortized_requirement order by calendar_quarter desc, scenario"),
        first=("calendar_quarter", "scenario", "required_year_usd", "ai_revenue_usd", "coverage_share"),
    )
