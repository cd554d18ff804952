"""What an operator decided about values set aside, doubtful or wrong: a file of the home that only grows.

Belongs here: that file's format, reading and adding to it. Does not belong here: what a decision does (dbt_project).
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

from warehouse.home import Home

if TYPE_CHECKING:
    import pyarrow as pa


def read_decisions(home: Home) -> pa.Table:
    """All decisions in the order they were made, with the columns of raw.decisions."""
    import pyarrow as pa

    schema = pa.schema(
        [
            ("number", pa.int32()),
            ("target", pa.string()),
            ("verdict", pa.string()),
            ("why", pa.string()),
            ("decided_by", pa.string()),
            ("decided_at", pa.timestamp("us", "UTC")),
            ("decided_on", pa.date32()),
        ]
    )
    lines = home.decisions.read_text("utf-8").splitlines() if home.decisions.is_file() else []
    rows = []
    for number, line in enumerate(lines, start=1):
        row = json.loads(line)
        at, on = datetime.fromisoformat(row["decided_at"]), date.fromisoformat(row["decided_on"])
        rows.append(row | {"number": number, "decided_at": at, "decided_on": on})
    return pa.Table.from_pylist(rows, schema)
