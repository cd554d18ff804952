"""What others say it must earn, as a table."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, query

TOPIC, ORDER = "gap", 50


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    return Chart(
        id="requirement-benchmarks",
        title="What others say it must earn",
        shows="as published",
        lede="Each beside our chain of that day, with why the two are not one number.",
        rows=query(connection, "from marts.requirement_benchmarks order by known_from desc, source, kind"),
        first=("source", "kind", "low_usd", "high_usd", "our_quarter", "our_usd", "reconciliation"),
    )
