"""Who buys from NVIDIA."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, by, key, quarters, query, shares, span, stroke

TOPIC, ORDER = "buyers", 15


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select *, central_share as chart_share, buyer || ', ' || calendar_quarter as chart_label,
            measure || ': ' || words as chart_note,
            if(central_share is null, 'bound', 'stated') as chart_mark
        from marts.buyer_share_of_nvidia where measure like 'share%'
        order by calendar_quarter desc, buyer, measure
        """,
    )
    names = sorted({row["buyer"] for row in rows.dicts()})
    colors = {name: f"var(--c{number % 9})" for number, name in enumerate(names)}
    y = shares("high_share", scale={"domain": [0, 1]})
    color = by("buyer", colors)
    return Chart(
        id="buyers",
        title="Who buys from NVIDIA",
        shows="shares of data-center revenue or of revenue, never added",
        lede="Large clouds in NVIDIA’s own words, Hyperscale since it is reported, single companies as estimated. A "
        "bar is the range, a point the share stated; a bar without a point is a bound.",
        description=f"Ranges and points, {span(rows)}, of {', '.join(names) or 'nobody'}.",
        key=key(*((stroke(color), "line", name) for name, color in colors.items())),
        rows=rows,
        spec={
            "height": 320,
            "encoding": {
                "x": quarters(rows),
                "xOffset": {"field": "buyer", "type": "nominal", "scale": {"domain": names}},
            },
            "layer": [
                {
                    "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.6},
                    "encoding": {"y": y, "y2": {"field": "low_share"}, "stroke": color},
                },
                {
                    "transform": [{"filter": "isValid(datum.chart_share)"}],
                    "mark": {"type": "point", "size": 40, "opacity": 1, "strokeWidth": 0},
                    "encoding": {"y": {**y, "field": "chart_share"}, "fill": color},
                },
            ],
        },
        first=("calendar_quarter", "buyer", "measure", "low_share", "central_share", "high_share", "words"),
    )
