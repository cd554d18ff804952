"""Capital expenditure by company, a line each, one basis at a time."""

from __future__ import annotations

from html import escape

import duckdb

from warehouse.report.spec import OPEN, Chart, by, key, quarters, query, span, stroke, usd

TOPIC, ORDER, START = "buyers", 10, True

_BASES = {
    "cash_gross": "Cash, gross",
    "cash_net_of_proceeds": "Cash, net of proceeds",
    "including_finance_leases": "Including finance leases",
}


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        f"""
        select *, ticker || ', ' || calendar_quarter as chart_label, capex_usd as chart_usd, {OPEN} as chart_open
        from marts.hyperscaler_capex
        order by calendar_quarter desc, ticker, capex_basis
        """,
    )
    # The largest first, by all quarters: a colour never changes with the basis.
    totals: dict[str, int] = {}
    for row in rows.dicts():
        totals[row["ticker"]] = totals.get(row["ticker"], 0) + row["capex_usd"]
    tickers = sorted(totals, key=lambda ticker: (-totals[ticker], ticker))
    radios = "".join(
        f'<label><input type="radio" name="basis" data-state="basis" value="{escape(basis)}"> '
        f"{escape(_BASES.get(basis, basis))}</label>"
        for basis in sorted({row["capex_basis"] for row in rows.dicts()})
    )
    colors = {ticker: f"var(--c{number % 9})" for number, ticker in enumerate(tickers)}
    return Chart(
        id="capex",
        title="Capital expenditure, by company",
        shows="every quarter that is filed",
        lede="US dollars a quarter, a line for each company. The bases are different numbers and never share a chart. "
        "Hollow points: other companies have not reported that quarter yet.",
        description=f"Line chart, {span(rows)}, of {', '.join(tickers) or 'no company'}.",
        key=key(*((stroke(color), "line", ticker) for ticker, color in colors.items())),
        rows=rows,
        spec={
            "height": 340,
            "encoding": {"x": quarters(rows), "y": usd("capex_usd")},
            "layer": [
                {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"stroke": by("ticker", colors)}},
                {
                    "mark": {"type": "point", "size": 24, "opacity": 1, "strokeWidth": 1.5},
                    "encoding": {
                        "stroke": by("ticker", colors),
                        "fill": {
                            "condition": {"test": "datum.chart_open", "value": "var(--paper)"},
                            **by("ticker", colors),
                        },
                    },
                },
            ],
        },
        where={"capex_basis": "basis"},
        controls=f'<fieldset><legend class="hidden">Basis</legend>{radios}</fieldset>',
        first=("calendar_quarter", "ticker", "capex_usd", "capex_basis", "value_kind"),
    )
