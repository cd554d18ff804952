"""What an hour of a GPU costs, and what it must bring."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import SHAPES, Chart, fill, key, listed, query, stroke

TOPIC, ORDER = "hardware", 30


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select price.*, breakeven_usd_per_hour, needed_utilisation_share, implied_life_years,
            price.gpu || ', ' || price.month as chart_label, price.gpu || ', ' || price.contract as chart_row,
            price.contract || ', median of ' || prices || ': ' || round(price.median_usd_per_hour, 2) || ' USD an hour'
                || coalesce('; must bring ' || round(breakeven_usd_per_hour, 2), '') as chart_note,
            'derived' as value_kind
        from marts.gpu_rental_price as price
        left join marts.gpu_breakeven as must on must.gpu = price.gpu and must.month = price.month
            and must.contract = price.contract
        order by price.gpu, price.contract, price.month desc
        """,
    )
    y = {
        "field": "chart_row",
        "type": "ordinal",
        "scale": {"domain": listed(rows, "chart_row")},
        "axis": {"title": None, "grid": False, "labelLimit": 200},
    }
    x = {
        "field": "median_usd_per_hour",
        "type": "quantitative",
        "axis": {"title": "USD for an hour of a GPU", "tickCount": 5},
        "scale": {"domainMin": 0},
    }
    marks = {"price": "var(--required)", "breakeven": "var(--cahn)"}
    return Chart(
        id="gpu-rental",
        title="What an hour of a GPU costs, and must bring",
        shows="every month at hand",
        lede="Median of public prices by kind of contract, beside the price at which GPU and data center pay for "
        "themselves if let all the time, on the terms of scenario amortized.",
        description="Points of rental prices by GPU and contract, with the price that pays.",
        key=key(
            (fill(marks["price"]), "circle", "median price, a month each"),
            (stroke(marks["breakeven"], 3), "line", "must bring"),
        ),
        rows=rows,
        spec={
            "height": 24 * max(1, len({row["chart_row"] for row in rows.dicts()})),
            "encoding": {"y": y},
            "layer": [
                {
                    "mark": {"type": "point", "size": 60, "fill": marks["price"], "strokeWidth": 0, "opacity": 0.8}
                    | {"shape": SHAPES["circle"]},
                    "encoding": {"x": x},
                },
                {
                    "transform": [{"filter": "isValid(datum.breakeven_usd_per_hour)"}],
                    "mark": {"type": "tick", "stroke": marks["breakeven"], "thickness": 3, "size": 20},
                    "encoding": {"x": {**x, "field": "breakeven_usd_per_hour"}},
                },
            ],
        },
        first=("gpu", "month", "contract", "median_usd_per_hour", "breakeven_usd_per_hour", "needed_utilisation_share"),
    )
