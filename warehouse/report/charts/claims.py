"""What the articles claimed, as a table."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, query

TOPIC, ORDER = "method", 30


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    return Chart(
        id="claims",
        title="What the articles claimed",
        shows="and what was found",
        lede="Forecasts are held against our own series.",
        rows=query(connection, "from marts.claims order by speaks_on, claim"),
        first=("claim", "verdict", "finding", "low_value", "high_value", "unit", "outcome_share"),
    )
