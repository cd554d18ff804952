"""The build file: opening it, its raw tables, loading what ingest hands over.

Belongs here: everything that writes schema raw. Does not belong here: parsing (ingest), derivation (dbt_project), the
published file (publish.py).

Each load is one transaction and may be repeated: the same rows again change nothing. The caller holds the home's
refresh lock and has one connection to the build file at a time.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from warehouse.errors import Busy, LoadError, WarehouseError
from warehouse.home import Home

if TYPE_CHECKING:
    import pyarrow as pa

_log = logging.getLogger(__name__)
_SCHEMA = Path(__file__).with_name("schema.sql")

#: Bounded, offline and independent of the machine's clock zone. Two threads: the data is small.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": os.environ.get("AIGAP_MEMORY_LIMIT") or "1GB",
    "max_temp_directory_size": "2GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

#: Tables of schema raw that mirror configuration: each load replaces them whole.
REPLACED = (
    "companies",
    "metric_concepts",
    "ai_revenue_roles",
    "ai_revenue_edges",
    "curated_figures",
    "refused_rows",
    "doubtful_rows",
    "scenario_parameters",
    "pending_filings",
    "decisions",
)


class LoadResult(NamedTuple):
    """Row counts of one load. `received` = `inserted` + `known` (there before, or twice in this load)."""

    table: str
    received: int
    inserted: int
    known: int
    conflicts: int = 0


# --- opening --------------------------------------------------------------------------------------


def schema_sql() -> str:
    """The definitions of schemas raw and meta."""
    return _SCHEMA.read_text("utf-8")


def _fingerprint() -> str:
    return hashlib.sha256(schema_sql().encode()).hexdigest()


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _refuse_if_in_use(path: Path) -> None:
    """DuckDB holds a POSIX record lock on a file it has open; asking for it shows whether another process does."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Busy(f"{path} is open in another process; close that one (a shell, or a refresh's leftover)") from None
    finally:
        os.close(handle)


def discard_build(home: Home) -> None:
    """Delete the build file; the next open_build makes an empty one. Published generations are not touched.

    :raises Busy: another process has it open.
    """
    _refuse_if_in_use(home.build)
    for path in (_wal(home.build), home.build):
        path.unlink(missing_ok=True)


def _problem_of(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Why a build file that opens cannot be used, or None. A new, empty one is given its schema."""
    found = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    names = {row[0] for row in found}
    if not names:
        connection.begin()
        connection.execute(schema_sql())
        connection.execute(f"insert into raw.build_file values ('{_fingerprint()}')")
        connection.commit()
        return None
    if "raw.build_file" not in names:
        return "it has no raw.build_file"
    if connection.execute("select schema_fingerprint from raw.build_file").fetchall() != [(_fingerprint(),)]:
        return "another version of aigap made it"
    return None


def open_build(home: Home, say: Callable[[str], None] = _log.warning) -> duckdb.DuckDBPyConnection:
    """Open the build file for writing, making it where needed.

    A build file left by a killed run (it has a write-ahead log), damaged, or made by another version is
    deleted and made anew, and `say` is told why: it holds nothing that the archive, the bundle and the curated
    figures do not.

    :raises Busy: another process has it open.
    :raises WarehouseError: the folder cannot be written.
    """
    for _ in range(2):
        if _wal(home.build).exists():
            _discard(home, "a run was killed while writing it", say)
        try:
            home.root.mkdir(parents=True, exist_ok=True)
            connection = duckdb.connect(str(home.build), config=SETTINGS)
        except (duckdb.Error, OSError) as error:
            if isinstance(error, OSError) or not home.build.is_file() or not os.access(home.build, os.W_OK):
                raise WarehouseError(
                    f"{home.build} cannot be written: {_first_line(error)}; set AIGAP_HOME to a folder of your own"
                ) from error
            _discard(home, _first_line(error), say)
            continue
        try:
            connection.execute("set TimeZone = 'UTC'")
            problem = _problem_of(connection)
        except duckdb.Error as error:
            problem = _first_line(error)
        if problem is None:
            return connection
        connection.close()
        _discard(home, problem, say)
    raise WarehouseError(f"{home.build} cannot be made: check the disk that {home.root} is on")


def _discard(home: Home, reason: str, say: Callable[[str], None]) -> None:
    discard_build(home)
    say(f"made the build file anew ({reason}); it is rebuilt from the archive, the bundle and the curated figures")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


# --- loading --------------------------------------------------------------------------------------


@contextmanager
def _incoming(connection: duckdb.DuckDBPyConnection, target: str, table: pa.Table) -> Iterator[None]:
    """`table` as the relation `incoming`, inside one transaction that ends with the block."""
    connection.register("incoming", table)
    connection.begin()
    try:
        yield
        connection.commit()
    except duckdb.Error as error:
        with suppress(duckdb.Error):  # a commit that failed has rolled back
            connection.rollback()
        raise LoadError(f"raw.{target} refuses the {table.num_rows} rows it was given: {_first_line(error)}") from error
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.unregister("incoming")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from raw.{table}").fetchone()
    assert row is not None
    return int(row[0])


#: Rows of one key numbered from the one to take. A filing's own document goes before company facts; of two company
#: facts that contradict each other the shorter one, which is the earlier, as when they come one by one. The rest of the
#: order only makes the choice independent of the order in which rows arrive.
_FACTS_BY_KEY = """
    create or replace temp table incoming_facts as
    with keyed as (
        select
            'x' || left(md5(concat_ws(
                '|', cik, accession, concept, dimensions, unit, coalesce(period_start::varchar, ''), period_end::varchar
            )), 20) as fact_id,
            count(*) over (partition by sha256, source_url) as payload_rows,
            *
        from incoming
    )
    select
        * exclude (payload_rows),
        row_number() over (
            partition by fact_id
            order by
                case source_kind when 'xbrl_instance' then 1 when 'inline_xbrl' then 2 else 3 end,
                payload_rows, sha256, source_url, value, decimals
        ) as place
    from keyed
"""

#: raw.xbrl_facts has no index: keeping one cost 1.1 of 2.4 s for the shipped 160,000 facts. This statement is the
#: only one that writes the table, and it makes the key unique.
_NEW_FACTS = """
    insert into raw.xbrl_facts by name
    select * exclude (place)
    from incoming_facts
    where
        place = 1
        and not exists (select 1 from raw.xbrl_facts as old where old.fact_id = incoming_facts.fact_id)
"""

#: A filing's own document that comes after company facts takes their place, as it does when both come at once: what the
#: build file holds must not depend on the order of runs. The other value, if it is one, is kept as a conflict.
_OVERRULED = """
    create or replace temp table overruled as
    select old.fact_id, old.value, old.source_kind, old.sha256
    from raw.xbrl_facts as old
    inner join incoming_facts on old.fact_id = incoming_facts.fact_id
    where incoming_facts.place = 1 and old.source_kind = 'companyfacts' and incoming_facts.source_kind <> 'companyfacts'
"""
_WITHOUT_OVERRULED = "delete from raw.xbrl_facts where fact_id in (select fact_id from overruled)"
_OVERRULED_CONFLICTS = """
    insert into raw.fact_conflicts by name
    select
        kept.fact_id,
        kept.value as kept_value,
        overruled.value as other_value,
        kept.source_kind as kept_source_kind,
        overruled.source_kind as other_source_kind,
        overruled.sha256 as other_sha256
    from overruled
    inner join raw.xbrl_facts as kept on overruled.fact_id = kept.fact_id
    where overruled.value is distinct from kept.value
    order by kept.fact_id
"""

_NEW_CONFLICTS = """
    insert into raw.fact_conflicts by name
    select distinct
        incoming_facts.fact_id,
        kept.value as kept_value,
        incoming_facts.value as other_value,
        kept.source_kind as kept_source_kind,
        incoming_facts.source_kind as other_source_kind,
        incoming_facts.sha256 as other_sha256
    from incoming_facts
    inner join raw.xbrl_facts as kept on incoming_facts.fact_id = kept.fact_id
    where
        incoming_facts.value is distinct from kept.value
        and not exists (
            select 1 from raw.fact_conflicts as old
            where
                old.fact_id = incoming_facts.fact_id
                and old.other_value is not distinct from incoming_facts.value
                and old.other_sha256 = incoming_facts.sha256
        )
    order by fact_id, other_value, other_sha256
"""


def load_facts(connection: duckdb.DuckDBPyConnection, facts: pa.Table) -> LoadResult:
    """Add facts (schema ingest.records.FACTS) whose key is new.

    The first value of a key stays, but a filing's own document overrules company facts. Another value for a key goes to
    raw.fact_conflicts and is counted.

    :raises LoadError: a key column is null, or a column is missing.
    """
    before, conflicts_before = _count(connection, "xbrl_facts"), _count(connection, "fact_conflicts")
    with _incoming(connection, "xbrl_facts", facts):
        for statement in (
            _FACTS_BY_KEY,
            _OVERRULED,
            _WITHOUT_OVERRULED,
            _NEW_FACTS,
            _OVERRULED_CONFLICTS,
            _NEW_CONFLICTS,
            "drop table incoming_facts",
            "drop table overruled",
        ):
            connection.execute(statement)
    inserted = _count(connection, "xbrl_facts") - before
    conflicts = _count(connection, "fact_conflicts") - conflicts_before
    return LoadResult("raw.xbrl_facts", facts.num_rows, inserted, facts.num_rows - inserted, conflicts)


def load_filings(connection: duckdb.DuckDBPyConnection, filings: pa.Table) -> LoadResult:
    """Add filings (schema ingest.acceptance.KNOWN_FILINGS); a known one only gains what it lacked.

    When it was public is one statement of three columns: a known acceptance time replaces a bare filing date.

    :raises LoadError: cik or accession is null, or a column is missing.
    """
    public = ("known_at", "known_from", "known_from_basis")
    columns = [name for name in filings.column_names if name not in ("cik", "accession", *public)]
    updates = [f"{c} = coalesce({c}, excluded.{c})" for c in columns]
    updates += [f"{c} = case when known_at is null then excluded.{c} else {c} end" for c in public]
    before = _count(connection, "filings")
    with _incoming(connection, "filings", filings):
        connection.execute(
            "insert into raw.filings by name "
            "select * from incoming "
            "qualify row_number() over (partition by cik, accession order by sha256, source_url) = 1 "
            "on conflict do update set " + ", ".join(updates)
        )
    inserted = _count(connection, "filings") - before
    return LoadResult("raw.filings", filings.num_rows, inserted, filings.num_rows - inserted)


def load_payloads(connection: duckdb.DuckDBPyConnection, payloads: pa.Table) -> LoadResult:
    """Note which payloads were read (schema ingest.bundle.PAYLOADS); the newest word on one replaces the older.

    :raises LoadError: a column is missing, or one that must be stated is null.
    """
    before = _count(connection, "payloads")
    with _incoming(connection, "payloads", payloads):
        connection.execute("insert or replace into raw.payloads by name select * from incoming")
    inserted = _count(connection, "payloads") - before
    return LoadResult("raw.payloads", payloads.num_rows, inserted, payloads.num_rows - inserted)


def replace_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> LoadResult:
    """Make raw.<table> hold exactly `rows`.

    :param table: one of REPLACED.
    :raises LoadError: the rows do not fit, or the table is one that only grows.
    """
    if table not in REPLACED:
        raise LoadError(f"raw.{table} is not replaced as a whole; only {', '.join(REPLACED)} are")
    with _incoming(connection, table, rows):
        connection.execute(f"truncate raw.{table}")
        connection.execute(f"insert into raw.{table} by name select * from incoming")
    return LoadResult(f"raw.{table}", rows.num_rows, rows.num_rows, 0)


def loaded_payloads(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """SHA-256 of every payload read so far: what a replay of the archive may skip. A quarantined one is tried again:
    it may have been fetched anew, or a better parser may read it."""
    found = connection.execute("select distinct sha256 from raw.payloads where status <> 'quarantined'").fetchall()
    return frozenset(row[0] for row in found)
