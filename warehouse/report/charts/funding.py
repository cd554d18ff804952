"""Funding of AI labs, as a table."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, query

TOPIC, ORDER = "revenue", 40


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    return Chart(
        id="funding",
        title="Funding of AI labs",
        shows="round by round",
        lede="Only closed rounds were paid.",
        rows=query(connection, "from marts.funding_rounds order by closed_on desc, company"),
        first=("closed_on", "company", "round", "equity_usd", "debt_usd", "post_money_valuation_usd"),
    )
