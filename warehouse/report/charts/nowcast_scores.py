"""How the methods have done, as a table."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, query

TOPIC, ORDER = "supply", 15


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    return Chart(
        id="nowcast-scores",
        title="How the methods have done",
        shows="each on the same quarters",
        lede="Only within one sample are methods comparable.",
        rows=query(connection, "from marts.nvidia_nowcast_scores order by sample, mean_error_share"),
        first=("sample", "method", "quarters", "mean_error_share", "median_error_share", "quarters_within"),
    )
