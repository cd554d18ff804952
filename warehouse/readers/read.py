"""Reading the published file: opening it, and answering any SELECT safely.

Belongs here: read-only connections, the guard around a user's own SQL, its answer as a Parquet file. Does not belong
here: anything else that writes, and any import that costs time (readers wait for it): no pyarrow, no pandas, and no
bound parameters, the first of which makes DuckDB's client import both (0.9 s).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from warehouse.errors import Mistake, NotPublished, WarehouseError
from warehouse.settings import DEFAULT_MEMORY
from warehouse.store.home import SCHEMA_VERSION, Home

if TYPE_CHECKING:
    import pyarrow as pa

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": DEFAULT_MEMORY,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}
#: From here on a query sees the published file and nothing else of the machine: no other file (not even to
#: spill to) but the one it is to write, no network, no Python variable, and no way to change that.
_LOCK = """
    set TimeZone = 'UTC';
    set temp_directory = '';
    set allowed_paths = [{may_write}];
    set enable_external_access = false;
    set lock_configuration = true;
"""
_ALLOWED = ("SELECT", "EXPLAIN")
_DAMAGE = (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException, duckdb.InternalException)
_TRIES = 5


class Rows(NamedTuple):
    """A query's answer: column names, rows of Python values, and whether there were more rows than asked for."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False

    def as_dicts(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def open_published(home: Home, may_write: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open what is published, read-only. The connection keeps this generation, whatever is published after.

    :param may_write: the one other file that a statement may touch (see copy_parquet).
    :raises NotPublished: there is none, it is gone, or it is damaged; says what to do.
    :raises WarehouseError: its tables are of another version.
    """
    connection = _connect(home)
    try:
        check_version(connection, str(home.published))
        connection.execute(_LOCK.format(may_write=literal(str(may_write)) if may_write else ""))
    except duckdb.Error as error:
        connection.close()
        raise damaged(str(home.published), error) from error
    except WarehouseError:
        connection.close()
        raise
    return connection


def check_version(connection: duckdb.DuckDBPyConnection, path: str, schema: str = "meta") -> None:
    """Refuse tables of another version: what a name in them means may differ.

    :param schema: where table `build` is.
    :raises WarehouseError: the tables are not of SCHEMA_VERSION.
    :raises duckdb.Error: the file is damaged.
    """
    try:
        stated = connection.execute(f"select schema_version from {schema}.build").fetchall()
    except (duckdb.BinderException, duckdb.CatalogException):
        stated = []  # from before versions were stated, or no file of ours
    if stated != [(SCHEMA_VERSION,)]:
        raise WarehouseError(
            f"{path} was made by another version of aigap (tables {stated[0][0] if stated else 'of none'}, "
            f"this one reads {SCHEMA_VERSION}); run aigap refresh, which builds them anew"
        )


def _connect(home: Home) -> duckdb.DuckDBPyConnection:
    for attempt in range(_TRIES):
        live = home.live()
        if live is None:
            raise NotPublished(
                f"nothing is published in {home.root} yet; run aigap refresh (or set AIGAP_HOME to where it is)"
            )
        try:
            return _attached(home.published)
        except duckdb.Error as error:
            # A publish may have moved the link and collected the old generation between the two steps.
            if live.is_file() and home.live() == live:
                if isinstance(error, _DAMAGE):
                    raise damaged(str(home.published), error) from error
                raise NotPublished(f"{home.published} cannot be opened: {_first_line(error)}") from error
            time.sleep(0.02 * attempt)
    raise NotPublished(f"{home.published} names {live}, which is gone; run aigap refresh to publish again")


def _attached(path: Path) -> duckdb.DuckDBPyConnection:
    """A database of this connection's own with the file in it. DuckDB would share the one of a file that this process
    has open already, as a notebook has, and then neither take our settings nor let us lock them a second time."""
    connection = duckdb.connect(config=_CONFIG)
    try:
        connection.execute(f"attach {literal(str(path))} as {path.stem} (read_only)")
        connection.execute(f"use {path.stem}")
    except BaseException:
        connection.close()
        raise
    return connection


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def damaged(path: str, error: Exception) -> NotPublished:
    """The error for a published file that DuckDB cannot read."""
    reason = _first_line(error)
    if "permission denied" in reason.lower():
        return NotPublished(f"{path} may not be read by this user: {reason}")
    if "version number" in reason.lower():
        return NotPublished(f"{path} was written by another DuckDB ({reason}); run aigap refresh to publish it anew")
    return NotPublished(f"{path} is damaged ({reason}); run aigap refresh to publish it anew")


def query(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    """Run one of our own statements.

    :raises NotPublished: a block of the file that the answer needs is damaged.
    """
    try:
        cursor = connection.execute(sql)
        return Rows([column[0] for column in cursor.description or ()], cursor.fetchall())
    except _DAMAGE as error:
        raise damaged("the published file", error) from error


def arrow(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The answer to one of our own statements with DuckDB's own types; imports pyarrow.

    :raises NotPublished: a block of the file that the answer needs is damaged.
    """
    try:
        return connection.execute(sql).to_arrow_table()
    except _DAMAGE as error:
        raise damaged("the published file", error) from error


def run_select(
    connection: duckdb.DuckDBPyConnection, sql: str, *, max_rows: int = 10_000, timeout_seconds: float = 60
) -> Rows:
    """Run one statement of a user's that reads: SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN.

    :param connection: from open_published, whose configuration is locked: no files, no network, no settings.
    :raises Mistake: it is not one such statement, has an error in it, or takes too long or too much memory.
    """
    statement = _one_query(connection, sql)
    with _stopped_after(connection, timeout_seconds):
        cursor = connection.execute(statement)
        rows = cursor.fetchmany(max_rows + 1)
    return Rows([column[0] for column in cursor.description or ()], rows[:max_rows], len(rows) > max_rows)


def copy_parquet(connection: duckdb.DuckDBPyConnection, sql: str, path: Path, *, timeout_seconds: float = 60) -> int:
    """Write the whole answer to one statement that reads as a Parquet file, with DuckDB's own types.

    :param connection: from open_published, which named this very path as the one to be written.
    :return: how many rows.
    :raises Mistake: as run_select does.
    :raises WarehouseError: the file cannot be written.
    """
    statement = _one_query(connection, sql)
    if statement.type.name == "EXPLAIN":
        raise Mistake("a plan is no table: leave EXPLAIN out, or choose another format")
    build = query(connection, "select generation, content_hash from meta.build").rows[0]
    # Line breaks around it: the statement may end in a comment.
    copy = (
        f"copy (from (\n{_without_semicolon(statement.query)}\n)) to {literal(str(path))} (format parquet, "
        "compression zstd, use_tmp_file false, "
        f"kv_metadata {{ai_revenue_gap: 'generation {build[0]}, content hash {build[1]}'}})"
    )
    with _stopped_after(connection, timeout_seconds):
        try:
            return connection.execute(copy).fetchall()[0][0]
        except duckdb.IOException as error:
            raise WarehouseError(f"{path.parent} cannot be written to: {_first_line(error)}") from error


def _one_query(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise Mistake(str(error).strip()) from error
    if not statements:
        raise Mistake("there is no query; try: aigap sql \"from marts.ai_revenue_gap where scenario = 'measured'\"")
    kinds = [statement.type.name for statement in statements]
    if kinds == ["CREATE", "SELECT"]:
        raise Mistake(
            "this PIVOT first has to look its columns up; name them: pivot ... on scenario in ('low', 'high')"
        )
    if len(statements) > 1:
        raise Mistake(f"one statement at a time, please: this is {len(statements)}")
    if kinds[0] not in _ALLOWED:
        raise Mistake(
            f"aigap sql only reads: SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN, not {kinds[0]}; "
            "to write, attach the published file in a DuckDB shell of your own"
        )
    return statements[0]


def _without_semicolon(sql: str) -> str:
    text = sql.encode()
    for offset, _ in reversed(duckdb.tokenize(sql)):
        if text[offset : offset + 1] != b";":
            break
        text = text[:offset]
    return text.decode()


@contextmanager
def _stopped_after(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """What a user's statement runs in: interrupted when it takes too long, and its errors said in his terms."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        raise Mistake(f"the query ran longer than {seconds:g} seconds and was stopped (--timeout)") from None
    except _DAMAGE as error:
        raise damaged("the published file", error) from error
    except duckdb.Error as error:
        raise Mistake(str(error).strip()) from error
    finally:
        timer.cancel()
