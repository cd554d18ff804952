"""What waits for a person, what a person decided, and what either speaks of: the rows of marts.review.

Belongs here: reading that mart, its text, and whether a target names anything. Does not belong here: why something is
set aside (dbt_project, ingest), writing a decision down (decisions.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import duckdb

from warehouse.errors import Busy, WarehouseError
from warehouse.formats import one_line, plain
from warehouse.readers.read import Rows, literal, open_published, query
from warehouse.store.decisions import Decision, is_target, load
from warehouse.store.home import Home, read_last_refresh, refresh_lock

#: States of a row on which a person has spoken; every other one waits.
DECIDED = ("accepted", "rejected")
_DECIDED_SQL = ", ".join(map(literal, DECIDED))
_MISSING = "has no marts.review (an older aigap made it): run aigap refresh"
#: What the gap rests on: a decision on anything else moves no gap.
_BEHIND_GAPS = (
    "metric in (select metric from {0}marts.citations where fact_id in "
    "(select unnest(fact_ids) from {0}marts.ai_revenue_gap))"
)


def is_there(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> bool:
    """Whether the published file has the mart; one that an older version published has not."""
    where = f"database_name = {literal(database)}" if database else "database_name = current_database()"
    found = query(
        connection,
        f"select 1 from duckdb_tables() where schema_name = 'marts' and table_name = 'review' and {where}",
    )
    return bool(found.rows)


def review(connection: duckdb.DuckDBPyConnection, *, decided: bool = False) -> Rows:
    """Rows of marts.review, what waits first.

    :param decided: also what is decided.
    :raises WarehouseError: the file has none.
    """
    if not is_there(connection):
        raise WarehouseError(f"the published file {_MISSING}")
    wanted = "true" if decided else f"state not in ({_DECIDED_SQL})"
    return query(
        connection,
        f"from marts.review where {wanted} order by state in ({_DECIDED_SQL}), state desc, company, metric, "
        "calendar_quarter desc, target",
    )


def of_quarter(connection: duckdb.DuckDBPyConnection, quarter: str) -> list[dict[str, Any]]:
    """Rows that speak of a calendar quarter, of metrics that gaps rest on; none where the file has no such mart."""
    if not is_there(connection):
        return []
    wanted = f"calendar_quarter = {literal(quarter)} and {_BEHIND_GAPS.format('')}"
    return query(connection, f"from marts.review where {wanted} order by state, target").as_dicts()


def decisions_on(
    connection: duckdb.DuckDBPyConnection, citations: Iterable[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Fact id -> the decided row of marts.review that speaks of that statement, the narrowest one."""
    if not is_there(connection):
        return {}
    rows = query(
        connection, f"from marts.review where state in ({_DECIDED_SQL}) order by length(target) desc, target"
    ).as_dicts()
    found = {}
    for citation in citations:
        parts = (citation["accession"], citation["metric"], str(citation["period_end"]))
        for row in rows:
            said = row["target"].split("/")
            if tuple(said) == parts[: len(said)]:
                found[citation["fact_id"]] = row
                break
    return found


def decided_by_quarter(
    connection: duckdb.DuckDBPyConnection, where: str = "true", database: str | None = None
) -> dict[str, set[str]]:
    """Calendar quarter -> what was decided on values that its gaps rest on, a phrase each.

    :param where: SQL on the rows of marts.review.
    :param database: an attached one; default the current.
    """
    if not is_there(connection, database):
        return {}
    prefix = f"{database}." if database else ""
    rows = query(
        connection,
        f"from {prefix}marts.review where state in ({_DECIDED_SQL}) and {_BEHIND_GAPS.format(prefix)} and {where}",
    ).as_dicts()
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["calendar_quarter"], set()).add(f"{row['target']} {decided(row)}")
    return found


def waiting(home: Home, connection: duckdb.DuckDBPyConnection) -> list[Decision]:
    """Decisions that were made after what is published was last made or confirmed."""
    last = read_last_refresh(home) or {}
    since = query(connection, "select built_at from meta.build").rows[0][0]
    if last.get("outcome") in ("published", "unchanged"):
        with suppress(ValueError, TypeError, OverflowError):  # the note is a courtesy
            since = max(since, datetime.fromisoformat(last["at"]).astimezone(UTC))
    return [decision for decision in load(home).made if decision.decided_at > since]


# --- text -----------------------------------------------------------------------------------------


def text(found: Rows, later: list[Decision]) -> str:
    """The rows for a person: what it is, what is stated, why it waits, what can be done.

    :param later: decisions that the published file does not know.
    """
    rows = found.as_dicts()
    decided = sum(row["state"] in DECIDED for row in rows)
    lines = [f"{len(rows) - decided} waiting for a decision" + f", {decided} decided" * bool(decided)]
    for row in rows:
        lines += ["", *_item(row)]
        lines += [f"    decided since: {d}" for d in later if row["target"] == d.target]
    shown = {row["target"] for row in rows}
    lines += ["", "the next aigap refresh builds with:"] * bool(others := [d for d in later if d.target not in shown])
    lines += [f"    {decision}" for decision in others]
    return "\n".join(map(one_line, lines)) + "\n"


def _item(row: dict[str, Any]) -> Iterator[str]:
    what = (row["company"] or row["ticker"], row["metric"], row["calendar_quarter"])
    yield f"{row['state'].replace('_', ' ')}: {' '.join(map(str, filter(None, what))) or row['kind']}"
    yield f"    {row['target']}"
    filed = f"{row['form'] or 'filing'} filed {row['filed_on']}" if row["filed_on"] else row["form"]
    period = f"period to {row['period_end']}" if row["period_end"] else None
    stated = f"states {plain(row['stated'])}" if row["stated"] is not None else None
    if said := ", ".join(filter(None, (filed, period, stated))):
        yield f"    {said}"
    if row["reason"]:
        yield f"    because: {row['reason']}"
    if row["state"] in DECIDED:
        yield f"    {decided(row)}"
    if row["what_to_do"]:
        yield f"    to do: {row['what_to_do']}"


def decided(row: dict[str, Any]) -> str:
    """Who, when and why, of a decided row, in one phrase."""
    return f"{row['state']} by {row['decided_by']} on {row['decided_on']}: {row['why']}"


# --- does a target name anything? -------------------------------------------------------------------


def nearest(home: Home, target: str) -> list[str] | None:
    """None if `target` (of a filing, not a guard) names something at hand, else what is nearest to it.

    Looked for in the published file, then in the build file: a filing may have come with a refresh that failed.
    """
    from difflib import get_close_matches

    known, accessions = _published_targets(home)
    accession, _, metric = target.partition("/")
    if target in known or (not metric and accession in accessions):
        return None
    accessions |= _built_accessions(home)
    if accession in accessions and not any(one.startswith(f"{accession}/") for one in known):
        return None  # nothing of it is published: what it states is not known here
    if within := sorted(one for one in known if one.startswith(f"{accession}/")):
        return get_close_matches(target, within, 3, 0.6)
    return get_close_matches(accession, sorted(accessions | {one for one in known if "/" not in one}), 3, 0.6)


def _published_targets(home: Home) -> tuple[set[str], set[str]]:
    known: set[str] = set()
    try:
        with open_published(home) as connection:
            # A file that an older version published says of facts alone which filing they stand in.
            filing = "source_accession" if _has_column(connection, "citations", "source_accession") else "accession"
            sql = f"select distinct {filing}, metric, period_end from marts.citations where {filing} is not null"
            if is_there(connection):
                known |= {
                    row[0] for row in query(connection, "select target from marts.review").rows if is_target(row[0])
                }
                sql += " union select accession, metric, period_end from marts.review where accession is not null"
            for accession, metric, period_end in query(connection, sql).rows:
                # Of a line that no metric is made of the mart names the concept: that is nothing to decide on.
                parts = (
                    (accession, metric, str(period_end))
                    if metric and is_target(f"{accession}/{metric}")
                    else (accession,)
                )
                known |= {"/".join(parts[: place + 1]) for place in range(len(parts))}
            found = query(connection, "select accession from meta.processed_accessions").rows
    except WarehouseError:
        return known, set()  # nothing published, or of another version: the build file must do
    return known, {row[0] for row in found}


def _has_column(connection: duckdb.DuckDBPyConnection, mart: str, column: str) -> bool:
    found = query(
        connection,
        "select 1 from duckdb_columns() where database_name = current_database() and schema_name = 'marts' "
        f"and table_name = {literal(mart)} and column_name = {literal(column)}",
    )
    return bool(found.rows)


def _built_accessions(home: Home) -> set[str]:
    if not home.build.is_file() or home.build.with_name(home.build.name + ".wal").exists():
        return set()
    try:
        with refresh_lock(home), duckdb.connect(str(home.build), read_only=True) as connection:
            names = query(
                connection,
                "select distinct table_name from duckdb_columns() "
                "where schema_name = 'raw' and column_name = 'accession'",
            ).rows
            sql = " union ".join(f"select accession from raw.{name} where accession is not null" for (name,) in names)
            return {row[0] for row in query(connection, sql).rows} if sql else set()
    except (duckdb.Error, Busy, WarehouseError):
        return set()
