"""Capital expenditure to cloud revenue, on four quarters."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import SHAPES, Chart, by, fill, key, quarters, query, shares, span, stroke

TOPIC, ORDER = "buyers", 30


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select *, capex_to_cloud_revenue_share as chart_share, ticker || ', ' || calendar_quarter as chart_label,
            coalesce(break_note, 'capex of the whole company to revenue of its cloud, four quarters') as chart_note,
            'derived' as value_kind
        from marts.cloud_economics order by calendar_quarter desc, ticker
        """,
    )
    tickers = sorted({row["ticker"] for row in rows.dicts()})
    colors = {ticker: f"var(--c{number % 9})" for number, ticker in enumerate(tickers)}
    color = by("ticker", colors)
    drawn = [{"filter": "isValid(datum.chart_share)"}]
    broken = {"condition": {"test": "datum.is_break", "value": SHAPES["diamond"]}, "value": SHAPES["circle"]}
    size = {"condition": {"test": "datum.is_break", "value": 130}, "value": 24}
    return Chart(
        id="cloud",
        title="Capex to cloud revenue",
        shows="four quarters to each",
        lede="Capital expenditure of the company, whatever it serves, over the revenue of its cloud by its own "
        "definition. Where the segment was redefined, a line ends. The table has cash flow, backlog and leases.",
        description=f"Line chart, {span(rows)}, of {', '.join(tickers) or 'no company'}.",
        key=key(
            *((stroke(color), "line", ticker) for ticker, color in colors.items()),
            (fill("var(--muted)"), "diamond", "segment redefined"),
        ),
        rows=rows,
        spec={
            "height": 300,
            "encoding": {"x": quarters(rows), "y": shares("chart_share")},
            "layer": [
                {
                    "mark": {"type": "line", "strokeWidth": 2, "invalid": "break-paths-show-domains"},
                    "encoding": {"stroke": color},
                },
                {
                    "transform": drawn,
                    "mark": {"type": "point", "opacity": 1, "strokeWidth": 0},
                    "encoding": {"fill": color, "shape": broken, "size": size},
                },
            ],
        },
        first=("calendar_quarter", "ticker", "capex_to_cloud_revenue_share", "cloud_revenue_usd", "capex_usd"),
    )
