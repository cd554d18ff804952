"""Statements that stand, as a table."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, query

TOPIC, ORDER = "method", 10


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    return Chart(
        id="statements",
        title="Statements that stand",
        shows="until a number makes them false",
        lede="Each with the condition that would make it false, and the day its number last changed.",
        rows=query(connection, "from marts.standing_statements order by place"),
        first=("sentence", "false_when", "holds", "known_from", "calendar_quarter"),
    )
