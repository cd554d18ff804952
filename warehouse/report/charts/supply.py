"""Whether NVIDIA's supply is short, in balance or piling up."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import SHAPES, Chart, by, key, only, quarters, query, span, stroke

TOPIC, ORDER = "supply", 20


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        from (
            select *, 'inventory' as series, inventory_days as days from marts.supply_state
            union all by name
            select *, 'commitments' as series, commitment_days as days from marts.supply_state
        )
        select *, round(days, 0)::int as chart_days, series || ', ' || calendar_quarter as chart_label,
            'derived' as value_kind,
            coalesce(state, 'no state yet') || ': ' || round(days, 0)::int || ' days of sales'
                || coalesce('; the essay of 2024: ' || essay_says, '') as chart_note
        where days is not null order by calendar_quarter desc, series desc
        """,
    )
    states = {"shortage": "var(--cahn)", "balance": "var(--measured)", "stock-piling": "var(--assumed)"}
    color = by("state", states)
    y = {"field": "days", "type": "quantitative", "axis": {"title": "days of sales", "tickCount": 5}}
    return Chart(
        id="supply",
        title="Short, in balance, or piling up",
        shows="NVIDIA’s stock and orders in days of sales",
        lede="Inventory and obligations to buy supply, in days of the quarter’s sales, each held against its own mean "
        "of the eight quarters before.",
        description=f"Lines with coloured points, {span(rows)}.",
        key=key(
            (stroke("var(--muted)"), "line", "inventory"),
            (stroke("var(--muted)", more="stroke-dasharray:4 3"), "line", "commitments"),
            *((f"fill:{color}", "circle", name) for name, color in states.items()),
        ),
        rows=rows,
        spec={
            "height": 280,
            "encoding": {"x": quarters(rows), "y": y},
            "layer": [
                {
                    "mark": {"type": "line", "stroke": "var(--muted)", "strokeWidth": 1.5},
                    "encoding": {"strokeDash": by("series", {"inventory": [1, 0], "commitments": [4, 3]})},
                },
                {
                    "transform": only("isValid(datum.state)"),
                    "mark": {"type": "point", "shape": SHAPES["circle"], "size": 60, "opacity": 1, "strokeWidth": 0},
                    "encoding": {"fill": color},
                },
            ],
        },
        first=("calendar_quarter", "state", "series", "days", "essay_says"),
    )
