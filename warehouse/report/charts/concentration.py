"""How much of it is one company’s, as a table."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, query

TOPIC, ORDER = "revenue", 30


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    return Chart(
        id="concentration",
        title="How much of it is one company’s",
        shows="of the counted AI revenue, headline basis",
        lede="The largest company and the two largest, by quarter.",
        rows=query(connection, "from marts.revenue_concentration order by calendar_quarter desc"),
        first=("calendar_quarter", "largest_company", "largest_share", "two_largest_share", "companies"),
    )
