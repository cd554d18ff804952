"""A health report on one home, for people and for monitoring.

Belongs here: looking, and saying what to do. Does not belong here: repairing; aigap refresh repairs what can be.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import duckdb

from warehouse.errors import WarehouseError
from warehouse.readers.read import open_published, query
from warehouse.readers.review import DECIDED, is_there, review, waiting
from warehouse.store import verify
from warehouse.store.decisions import Decision, load, overlap
from warehouse.store.home import SCHEMA_VERSION, Home, generation_number, lock_holder, read_last_refresh

OK, WARN, FAIL = "ok", "warn", "fail"

#: A company on the watch list files four times a year; past this many days something was missed.
STALE_FILING_DAYS = 130
#: Of many of one kind so many are named.
_NAMED = 3
_GIB = 1 << 30


class Finding(NamedTuple):
    """One line of the report. `status` is ok, warn or fail."""

    check: str
    status: str
    detail: str


def examine(home: Home, today: date) -> list[Finding]:
    """Look at everything that can go wrong around the published file.

    :param today: what ages are counted to.
    """
    return [*_versions(), *_machine(home), *_refreshing(home), *_published(home, today)]


def _versions() -> Iterator[Finding]:
    found = []
    for package in ("ai-revenue-gap", "duckdb", "dbt-core", "dbt-duckdb", "dagster"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            yield Finding("versions", FAIL, f"{package} is not installed: install from requirements.lock")
    yield Finding("versions", OK, f"python {platform.python_version()}, {', '.join(found)}")


def _machine(home: Home) -> Iterator[Finding]:
    yield Finding("home", OK if home.root.is_dir() else WARN, str(home.root))
    existing = next(path for path in (home.root, *home.root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    status = FAIL if free < _GIB // 4 else WARN if free < _GIB else OK
    yield Finding("disk", status, f"{free / _GIB:.1f} GiB free; a refresh needs about 0.1")
    if home.root.is_dir() and not os.access(home.root, os.W_OK):
        yield Finding(
            "permissions", WARN, f"{home.root} is read-only for this user: reading works, refreshing does not"
        )


def _refreshing(home: Home) -> Iterator[Finding]:
    holder = lock_holder(home)
    yield Finding("refresh running", OK, holder or "no")
    last = read_last_refresh(home)
    if last is None:
        said = f"{home.last_refresh} cannot be read" if home.last_refresh.exists() else "none is on record"
        yield Finding("last refresh", WARN, f"{said}; run aigap refresh")
    else:
        status = FAIL if last["outcome"] == "failed" else OK
        yield Finding("last refresh", status, f"{last['outcome']} {last['at']}: {last['message']}")
    if holder is None:
        wal = home.build.with_name(home.build.name + ".wal")
        left = [p for p in (wal, *home.generations.glob(".new-*"), *home.root.glob(".import-*")) if p.exists()]
        if left:
            yield Finding("leftovers", WARN, f"{left[0]}: a run was killed; the next refresh clears it")


def _published(home: Home, today: date) -> Iterator[Finding]:
    try:
        yield from _live(home, today)
    except WarehouseError as error:
        yield Finding("published", FAIL, str(error))


def _live(home: Home, today: date) -> Iterator[Finding]:
    with open_published(home) as connection:
        build = query(
            connection,
            "select generation, schema_version, strftime(built_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') "
            "as built_at, content_hash, newest_filing_on, newest_accession, checks_passed, warnings from meta.build",
        ).as_dicts()[0]
        yield Finding(
            "published",
            OK,
            f"generation {build['generation']}, {build['built_at']}, {build['checks_passed']} checks passed, "
            f"content {build['content_hash'][:12]}",
        )
        yield Finding("tables", OK, f"version {build['schema_version']} (this aigap reads {SCHEMA_VERSION})")
        if build["warnings"]:
            yield Finding("reservations", WARN, ", ".join(build["warnings"]))
        yield from _files(home, build)
        yield from _inputs(connection, today)
        yield from _waiting(home, connection)


def _waiting(home: Home, connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """What was received and is not in the numbers, and what was decided about it."""
    found = query(
        connection,
        "select accession from meta.processed_accessions group by accession having bool_and(status = 'quarantined') "
        "order by accession desc",
    ).rows
    named = ", ".join(accession for (accession,) in found[:_NAMED])
    yield Finding(
        "quarantined",
        WARN if found else OK,
        f"{len(found)} ({named}); a filing that cannot be read is tried again at every refresh" if found else "0",
    )
    made, damaged = load(home)
    later = waiting(home, connection)
    if not is_there(connection):
        yield Finding("review", WARN, "what is published has no list of what is set aside: run aigap refresh")
        rows = []
    else:
        rows = review(connection, decided=True).as_dicts()
        for state in sorted({"set_aside", "pending"} | {row["state"] for row in rows} - {*DECIDED}):
            yield _of_state(state, [row for row in rows if row["state"] == state], later)
    for line in damaged:
        yield Finding("decisions", WARN, line)
    if not damaged:
        said = f"{sum(row['state'] in DECIDED for row in rows)} in what is published"
        if later:
            said = f"{len(later)} of them after the last refresh: run aigap refresh"
        yield Finding("decisions", WARN if later else OK, f"{len(made)} made, {said}")


def _of_state(state: str, rows: list[dict[str, Any]], later: list[Decision]) -> Finding:
    undecided = [row for row in rows if not any(overlap(row["target"], decision.target) for decision in later)]
    named = "; ".join(f"{row['target']}: {row['reason']}" for row in undecided[:_NAMED])
    if undecided:
        return Finding(state.replace("_", " "), WARN, f"{len(undecided)} ({named}); run aigap review")
    return Finding(state.replace("_", " "), OK, f"{len(rows)}" + ", all decided since" * bool(rows))


def _files(home: Home, build: dict[str, Any]) -> Iterator[Finding]:
    live = home.live()
    assert live is not None
    done = subprocess.run(
        [sys.executable, "-I", verify.__file__, str(live)], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip() or "killed").splitlines()[-1]
        yield Finding("integrity", FAIL, f"{live.name} is damaged ({reason}); run aigap refresh to publish it anew")
    elif f'"content_hash": "{build["content_hash"]}"' not in done.stdout:
        yield Finding("integrity", FAIL, f"{live.name} does not hold what was published; run aigap refresh --full")
    else:
        yield Finding("integrity", OK, "every block read, content hash matches")
    if live.stat().st_mode & 0o222:
        yield Finding("file mode", WARN, f"{live} can be written; chmod 0444 keeps a shell from changing it")
    last = read_last_refresh(home)
    if generation_number(live) != build["generation"] and not (last and last["outcome"] == "imported"):
        yield Finding("generation", WARN, f"{live.name} says it is generation {build['generation']}")
    for path in (live, home.published):
        wal = path.with_name(path.name + ".wal")
        if wal.exists():
            yield Finding("stale log", WARN, f"{wal}: someone opened the file for writing; delete it")


class FilingAge(NamedTuple):
    """A company's newest filing that numbers rest on, and how many days it is old."""

    company: str
    filed_on: date
    accession: str
    days: int

    @property
    def is_stale(self) -> bool:
        return self.days > STALE_FILING_DAYS

    def __str__(self) -> str:
        return f"{self.filed_on} ({self.accession}), {self.days} days ago"


def filing_ages(connection: duckdb.DuckDBPyConnection, today: date) -> list[FilingAge]:
    """How old what is published is, by company: the numbers are as old as their filings, whenever they were built."""
    newest = query(
        connection,
        "select company, max(filed_on) as filed_on, arg_max(accession, filed_on) as accession from marts.citations "
        "where accession is not null and source_kind = 'xbrl' group by company order by company",
    ).rows
    return [FilingAge(company, day, accession, (today - day).days) for company, day, accession in newest]


def _inputs(connection: duckdb.DuckDBPyConnection, today: date) -> Iterator[Finding]:
    for age in filing_ages(connection, today):
        hint = "; run aigap fetch" if age.is_stale else ""
        yield Finding(f"newest filing: {age.company}", WARN if age.is_stale else OK, f"{age}{hint}")


def worst(findings: list[Finding]) -> str:
    """The report in one word: ok, warn or fail."""
    return max((finding.status for finding in findings), key=[OK, WARN, FAIL].index)
