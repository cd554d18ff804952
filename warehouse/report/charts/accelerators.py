"""Accelerator revenue of every vendor that states any."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import OPEN, Chart, above, by, fill, fits, key, quarters, query, span, stroke, usd

TOPIC, ORDER = "hardware", 10


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        f"""
        select *, revenue_usd as chart_usd, vendor || ', ' || calendar_quarter as chart_label, basis as chart_note,
            {OPEN} as chart_open
        from marts.accelerator_revenue order by calendar_quarter desc, vendor
        """,
    )
    vendors = sorted({row["vendor"] for row in rows.dicts()}, key=lambda name: (name != "NVIDIA", name))
    colors = {name: f"var(--c{number % 9})" for number, name in enumerate(vendors)}
    sums = [("tracked_usd", "total"), ("vendors_stated", "vendors")]
    total = {
        "aggregate": [{"op": "max", "field": field, "as": name} for field, name in sums],
        "groupby": ["calendar_quarter"],
    }
    sparse = {"filter": fits("indexof(['2', '4'], slice(datum.calendar_quarter, 5)) >= 0", "true")}
    texts = [
        {
            **above(row, text),
            "transform": [sparse, total, {"calculate": "format(datum.total / 1e9, '.0f')", "as": "sum"}],
        }
        for row, text in enumerate(("vendors", "sum"))
    ]
    return Chart(
        id="accelerators",
        title="Accelerators sold, by vendor",
        shows="every vendor that states any",
        lede="US dollars a quarter. Above the bars the total in billions and the number of vendors in it: bars with "
        "different numbers are not comparable, and no two vendors define their figure alike.",
        description=f"Stacked bar chart, {span(rows)}, of {', '.join(vendors) or 'no vendor'}.",
        key=key(
            *((fill(color), "square", name) for name, color in colors.items()),
            (stroke("var(--muted)", 1.5, "stroke-dasharray:3 2"), "square", "quarter not reported in full"),
        ),
        rows=rows,
        spec={
            "height": 300,
            "padding": {"left": 4, "top": 6, "bottom": 4, "right": 4},
            "encoding": {"x": quarters(rows, paddingInner=0.18)},
            "layer": [
                {
                    "mark": {"type": "bar", "strokeWidth": 0.8},
                    "encoding": {
                        "y": usd("revenue_usd", stack="zero"),
                        "fill": by("vendor", colors),
                        "fillOpacity": {"condition": {"test": "datum.chart_open", "value": 0.4}, "value": 1},
                        "stroke": {
                            "condition": {"test": "datum.chart_open", "value": "var(--muted)"},
                            "value": "var(--paper)",
                        },
                        "strokeDash": {"condition": {"test": "datum.chart_open", "value": [3, 2]}, "value": [1, 0]},
                    },
                },
                *texts,
            ],
        },
        first=("calendar_quarter", "vendor", "revenue_usd", "share_of_tracked", "vendors_stated", "basis"),
    )
