"""NVIDIA's data-center revenue before it is reported, and what it came to."""

from __future__ import annotations

from html import escape

import duckdb

from warehouse.report.spec import Chart, fill, key, quarters, query, span, stroke, usd

TOPIC, ORDER, START = "supply", 10, True


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select *, nowcast_usd as chart_usd, 'Expected, ' || calendar_quarter as chart_label,
            'interval ' || coalesce(round(low_usd / 1e9, 1) || ' to ' || round(high_usd / 1e9, 1) || ' billion', '?')
                as chart_note, 'estimated' as value_kind
        from marts.nvidia_nowcast order by calendar_quarter desc, method
        """,
    )
    methods = sorted({row["method"] for row in rows.dicts()}, key=lambda name: (not name.startswith("guidance"), name))
    radios = "".join(
        f'<label><input type="radio" name="method" data-state="method" value="{escape(method)}"> '
        f"{escape(method.replace('_', ' '))}</label>"
        for method in methods
    )
    y = usd("nowcast_usd")
    return Chart(
        id="nowcast",
        title="NVIDIA’s next quarter",
        shows="each quarter as expected before it was reported",
        lede="Data-center revenue of the quarter, from guidance alone, with the interval that the method’s last errors "
        "give. A hollow point is a quarter that is not reported yet: the filing takes its place.",
        description=f"Points with intervals and a line of what was reported, {span(rows)}.",
        key=key(
            (fill("var(--required)"), "circle", "expected, reported since"),
            (stroke("var(--required)"), "circle", "expected, not reported yet"),
            (stroke("var(--measured)"), "line", "reported"),
        ),
        rows=rows,
        spec={
            "height": 300,
            "encoding": {"x": quarters(rows)},
            "layer": [
                {
                    "mark": {"type": "rule", "stroke": "var(--required)", "strokeWidth": 3, "opacity": 0.35},
                    "encoding": {"y": {**y, "field": "low_usd"}, "y2": {"field": "high_usd"}},
                },
                {
                    "transform": [{"filter": "isValid(datum.actual_usd)"}],
                    "mark": {"type": "line", "stroke": "var(--measured)", "strokeWidth": 2},
                    "encoding": {"y": {**y, "field": "actual_usd"}},
                },
                {
                    "mark": {
                        "type": "point",
                        "size": 44,
                        "stroke": "var(--required)",
                        "strokeWidth": 1.5,
                        "opacity": 1,
                    },
                    "encoding": {
                        "y": y,
                        "fill": {
                            "condition": {"test": "isValid(datum.actual_usd)", "value": "var(--required)"},
                            "value": "var(--paper)",
                        },
                    },
                },
            ],
        },
        where={"method": "method"},
        controls=f'<fieldset><legend class="hidden">Method</legend>{radios}</fieldset>',
        first=("calendar_quarter", "method", "nowcast_usd", "low_usd", "high_usd", "actual_usd", "error_share"),
    )
