"""What follows the numbers by machine: the feed of changes, and the tables as files.

Belongs here: Atom, CSV, Parquet. Does not belong here: what moved (warehouse/readers/changes.py), columns and types
(warehouse/readers/datapackage.py).
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import duckdb

from warehouse.formats import harmless
from warehouse.readers import datapackage, words
from warehouse.report.spec import query


def atom(connection: duckdb.DuckDBPyConnection) -> str:
    """One entry for each day on which the newest quarter of the headline moved, newest day first."""
    days = query(
        connection,
        """
        with days as (select distinct known_from as day from marts.ai_revenue_gap_versions where scenario = 'measured'),
        headlines as (
            select day, arg_max(calendar_quarter, calendar_quarter) as calendar_quarter,
                arg_max(gap_usd, calendar_quarter) as gap_usd
            from days join marts.ai_revenue_gap_versions as gap
                on gap.known_from <= day and (gap.known_to is null or gap.known_to > day)
            where scenario = 'measured' and gap_usd is not null group by day
        )
        select day, calendar_quarter from headlines
        qualify (calendar_quarter, gap_usd) is distinct from lag((calendar_quarter, gap_usd)) over (order by day)
        order by day desc
        """,
    ).values
    entries = "".join(_entry(connection, day, quarter) for day, quarter in days)
    updated = f"{days[0][0]}T00:00:00Z" if days else "1970-01-01T00:00:00Z"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        "<title>The AI revenue gap: what moved</title>\n<id>urn:ai-revenue-gap:changes</id>\n"
        f'<updated>{updated}</updated>\n<author><name>ai-revenue-gap</name></author>\n<link href="changes.html"/>\n'
        f"{entries}</feed>\n"
    )


def _entry(connection: duckdb.DuckDBPyConnection, day: object, quarter: str) -> str:
    (row,) = query(
        connection,
        f"from marts.ai_revenue_gap_versions where scenario = 'measured' and calendar_quarter = '{quarter}' "
        f"and known_from <= date '{day}' and (known_to is null or known_to > date '{day}')",
    ).dicts()
    return (
        f"<entry>\n<title>{escape(f'{quarter}: the gap as of {day}')}</title>\n"
        f"<id>urn:ai-revenue-gap:headline:{day}:{quarter}</id>\n<updated>{day}T00:00:00Z</updated>\n"
        f'<link href="changes.html#day={day}&amp;quarter={quarter}"/>\n'
        f"<summary>{escape(harmless(words.finding(row)))}</summary>\n</entry>\n"
    )


def tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Every mart as CSV and Parquet with datapackage.json, in `folder`."""
    datapackage.write_folder(connection, folder)
