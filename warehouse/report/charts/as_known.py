"""The chart of the gap as any past day saw it."""

from __future__ import annotations

import duckdb

from warehouse.readers.words import LIFETIME, PACE
from warehouse.report.charts.gap import KEY, gap_rows, gap_spec
from warehouse.report.spec import Chart, quarters, query

TOPIC, ORDER = "changes", 10


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = gap_rows(connection, versions=True)
    known = query(connection, "select distinct known_from from marts.ai_revenue_gap_versions order by 1").values
    first, last = (known[0][0], known[-1][0]) if known else ("", "")
    x = quarters(rows)
    x["scale"] = {"domain": {"expr": "known"}}  # as far as that day saw
    return Chart(
        id="as-known",
        title="The gap, as a past day saw it",
        lede="Only what had been published by that day: no later filing, no restatement, no hindsight. It opens on the "
        "day of Cahn’s second essay.",
        caveat=f"{LIFETIME} {PACE}",
        description=f"The line chart of the gap, of what was public on a chosen day between {first} and {last}.",
        key=KEY,
        rows=rows,
        spec=gap_spec(x),
        table=query(
            connection, "from marts.ai_revenue_gap_versions order by calendar_quarter desc, scenario, known_from"
        ),
        as_of=True,
        derive="asKnown",
        signals=("quarter", "scenario", "known"),
        first=("calendar_quarter", "scenario", "required_revenue_usd", "ai_revenue_usd", "gap_usd", "known_from"),
        controls=f"""
        <label class="wide">As known on <span data-show="day"></span>
          <input type="range" data-state="day" data-first="{first}" data-last="{last}"></label>
        <button type="button" data-step="day" data-by="-1">Previous change</button>
        <button type="button" data-step="day" data-by="1">Next change</button>""",
    )
