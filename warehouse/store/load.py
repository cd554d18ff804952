"""The build file: opening it, its raw tables, loading what ingest hands over.

Belongs here: everything that writes schema raw. Does not belong here: parsing (ingest), derivation (dbt_project), the
published file (publish.py).

Each load is one transaction and may be repeated: the same rows again change nothing. The caller holds the home's
refresh lock and has one connection to the build file at a time.

Longer than 400 lines because the SQL of every load stands here: which of two statements holds is one rule for all.
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
from warehouse.settings import memory_limit
from warehouse.store.home import Home

if TYPE_CHECKING:
    import pyarrow as pa

_log = logging.getLogger(__name__)
_SCHEMA = Path(__file__).with_name("schema.sql")

#: Bounded, offline and independent of the machine's clock zone. Two threads: the data is small.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": memory_limit(),
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

#: How much of the disk the engine may spill to, for a limit holds only once the connection stands (duckdb 1.5.5).
SPILL_LIMIT = "set max_temp_directory_size = '2GB'"

#: Tables of schema raw that mirror configuration: each load replaces them whole.
REPLACED = (
    "companies",
    "metric_concepts",
    "forms",
    "spans",
    "ai_revenue_roles",
    "ai_revenue_edges",
    "curated_figures",
    "refused_rows",
    "doubtful_rows",
    "scenario_parameters",
    "pending_filings",
    "held_back",
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
        except duckdb.OutOfMemoryException as error:
            raise _too_little_memory(home, error) from error
        except (duckdb.Error, OSError) as error:
            if isinstance(error, OSError) or not home.build.is_file() or not os.access(home.build, os.W_OK):
                raise WarehouseError(
                    f"{home.build} cannot be written: {_first_line(error)}; set AIGAP_HOME to a folder of your own"
                ) from error
            _discard(home, _first_line(error), say)
            continue
        try:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(SPILL_LIMIT)
            problem = _problem_of(connection)
        except duckdb.OutOfMemoryException as error:
            connection.close()
            raise _too_little_memory(home, error) from error
        except duckdb.Error as error:
            problem = _first_line(error)
        if problem is None:
            return connection
        connection.close()
        _discard(home, problem, say)
    raise WarehouseError(f"{home.build} cannot be made: check the disk that {home.root} is on")


def _too_little_memory(home: Home, error: duckdb.Error) -> WarehouseError:
    """No fault of the file, which stays."""
    return WarehouseError(f"{home.build} cannot be opened: {_first_line(error)}")


def _discard(home: Home, reason: str, say: Callable[[str], None]) -> None:
    discard_build(home)
    say(f"made the build file anew ({reason}); it is rebuilt from the archive, the bundle and the curated figures")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


# --- loading --------------------------------------------------------------------------------------


@contextmanager
def _incoming(
    connection: duckdb.DuckDBPyConnection, target: str, table: pa.Table, payloads: pa.Table | None = None
) -> Iterator[None]:
    """`table` as the relation `incoming`, and what it was read from as `incoming_payloads`, inside one transaction that
    ends with the block."""
    connection.register("incoming", table)
    if payloads is None:
        connection.execute("create or replace temp view incoming_payloads as select * from raw.payloads limit 0")
    else:
        connection.register("incoming_payloads", payloads)
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
        connection.execute("drop view if exists incoming_payloads")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from raw.{table}").fetchone()
    assert row is not None
    return int(row[0])


#: The payloads that facts come from, in the order in which their statements of one fact hold. It is told by what a
#: payload says, never by which run read it: a filing's own document before company facts, the extracted instance before
#: the inline document; of company facts the one retrieved first, of a filing's documents the one whose address comes
#: first.
_RANKS = """
    create or replace temp table ranks as
    with sources as (
        select source_kind, coalesce(source_url, '') as source_url, coalesce(sha256, '') as sha256 from incoming
        union
        select source_kind, coalesce(source_url, ''), coalesce(sha256, '') from raw.xbrl_facts
    ),
    times as (
        select url, sha256, min(retrieved_at) as retrieved_at
        from (
            select url, sha256, retrieved_at from raw.payloads
            union
            select url, sha256, retrieved_at from incoming_payloads
        )
        group by all
    )
    select sources.*, row_number() over (
        order by
            case source_kind when 'xbrl_instance' then 1 when 'inline_xbrl' then 2 else 3 end,
            case when source_kind <> 'companyfacts' then source_url end,
            times.retrieved_at nulls first, sources.sha256, source_url, source_kind
    ) as rank
    from sources left join times on sources.source_url = times.url and sources.sha256 = times.sha256
"""
_BY_PAYLOAD = """
    f.source_kind = ranks.source_kind
    and coalesce(f.source_url, '') = ranks.source_url
    and coalesce(f.sha256, '') = ranks.sha256
"""
_KEY = """
    concat_ws('|', cik, accession, concept, dimensions, unit, coalesce(period_start::varchar, ''), period_end::varchar)
"""
_FACT_ID = f"'x' || left(md5({_KEY}), 20)"
#: A view: the facts are read three times rather than held once more. `key` only says which cannot be the same.
_KEYED = f"""
    create or replace temp view keyed as
    select f.*, hash({_KEY}) as key, ranks.rank
    from incoming as f left join ranks on {_BY_PAYLOAD}
"""

#: What stands twice in this load, or is known: all other facts are taken as they come. Ranking every key took three
#: quarters of the time and a sort of all that is loaded.
_CONTESTED = f"""
    create or replace temp table contested as
    with named as (
        select {_FACT_ID} as fact_id, * from keyed
        where
            key in (select key from keyed group by key having count(*) > 1)
            or key in (select hash({_KEY}) from raw.xbrl_facts)
    )
    select *, row_number() over (partition by fact_id order by rank, value, decimals) as place from named
"""

#: raw.xbrl_facts has no index: keeping one cost 1.1 of 2.4 s for the shipped 160,000 facts. These two statements are
#: the only ones that write the table, and they make fact_id unique.
_NEW_FACTS = f"""
    insert into raw.xbrl_facts by name
    select {_FACT_ID} as fact_id, * exclude (key, rank) from keyed
    where not exists (select 1 from contested where contested.key = keyed.key)
"""
_BEST_OF_CONTESTED = """
    insert into raw.xbrl_facts by name
    select * exclude (key, rank, place)
    from contested
    where
        place = 1
        and not exists (select 1 from raw.xbrl_facts as old where old.fact_id = contested.fact_id)
"""

#: A fact that comes after one of lower rank takes its place, as it does when both come at once.
_OVERRULED = f"""
    create or replace temp table overruled as
    select f.fact_id, f.value, f.source_kind, f.sha256
    from raw.xbrl_facts as f
    inner join ranks on {_BY_PAYLOAD}
    inner join contested on f.fact_id = contested.fact_id
    where contested.place = 1 and contested.rank < ranks.rank
"""
_WITHOUT_OVERRULED = "delete from raw.xbrl_facts where fact_id in (select fact_id from overruled)"
_OTHER_VALUES = """
    create or replace temp table other_values as
    with doubtful as (
        select fact_id from overruled
        union
        select contested.fact_id
        from contested inner join raw.xbrl_facts as kept on contested.fact_id = kept.fact_id
        where contested.value is distinct from kept.value
    )
    select * from (
        select fact_id, other_value as value, other_source_kind as source_kind, other_sha256 as sha256
        from raw.fact_conflicts
        union
        select fact_id, value, source_kind, sha256 from overruled
        union
        select fact_id, value, source_kind, sha256 from contested
    ) where fact_id in (select fact_id from doubtful)
"""
_WITHOUT_OLD_CONFLICTS = "delete from raw.fact_conflicts where fact_id in (select fact_id from other_values)"
#: Each value that was not taken once, whoever else gave it.
_CONFLICTS = """
    insert into raw.fact_conflicts by name
    select
        kept.fact_id,
        kept.value as kept_value,
        other_values.value as other_value,
        kept.source_kind as kept_source_kind,
        other_values.source_kind as other_source_kind,
        other_values.sha256 as other_sha256
    from other_values
    inner join raw.xbrl_facts as kept on other_values.fact_id = kept.fact_id
    where other_values.value is distinct from kept.value
    qualify row_number() over (
        partition by kept.fact_id, other_values.value order by other_values.source_kind desc, other_values.sha256
    ) = 1
    order by kept.fact_id, other_value
"""


def load_facts(connection: duckdb.DuckDBPyConnection, facts: pa.Table, payloads: pa.Table | None = None) -> LoadResult:
    """Add facts (schema ingest.records.FACTS); of a key that is known, the better ranked statement holds (_RANKS).

    Another value for a key goes to raw.fact_conflicts and is counted.

    :param payloads: the payloads they were read from (schema PAYLOADS): they say when. Call load_payloads
        after this, so that a payload counts as read when its facts are here.
    :raises LoadError: a key column is null, or a column is missing.
    """
    before, conflicts_before = _count(connection, "xbrl_facts"), _count(connection, "fact_conflicts")
    with _incoming(connection, "xbrl_facts", facts, payloads):
        for statement in (
            _RANKS,
            _KEYED,
            _CONTESTED,
            _OVERRULED,
            _WITHOUT_OVERRULED,
            _NEW_FACTS,
            _BEST_OF_CONTESTED,
            _OTHER_VALUES,
            _WITHOUT_OLD_CONFLICTS,
            _CONFLICTS,
            "drop table ranks",
            "drop view keyed",
            "drop table contested",
            "drop table overruled",
            "drop table other_values",
        ):
            connection.execute(statement)
    inserted = _count(connection, "xbrl_facts") - before
    conflicts = max(0, _count(connection, "fact_conflicts") - conflicts_before)
    return LoadResult("raw.xbrl_facts", facts.num_rows, inserted, facts.num_rows - inserted, conflicts)


#: The rows of a filing from the one to take: one that knows when it was accepted before a bare date, one whose day can
#: be before one dated later than EDGAR could date it when it was received, then the latest day, so that no filing is
#: known too early, then the newest retrieval. Known rows stand beside the incoming ones: the order of runs does not
#: matter.
_FILINGS_BY_KEY = """
    create or replace temp table best_filings as
    with stated as (
        select incoming.*, payloads.retrieved_at
        from incoming
        left join incoming_payloads as payloads
            on incoming.sha256 = payloads.sha256 and incoming.source_url = payloads.url
        union all by name
        select filings.*, payloads.retrieved_at
        from raw.filings as filings
        left join raw.payloads as payloads on filings.sha256 = payloads.sha256 and filings.source_url = payloads.url
        where (filings.cik, filings.accession) in (select (cik, accession) from incoming)
    )
    select * exclude (retrieved_at)
    from stated
    qualify row_number() over (
        partition by cik, accession
        order by
            known_at is null,
            coalesce(filed_on > retrieved_at::date + $days_ahead, false),
            filed_on desc nulls last,
            known_from desc nulls last,
            retrieved_at desc nulls last,
            sha256, source_url, form, known_at
    ) = 1
"""


def load_filings(
    connection: duckdb.DuckDBPyConnection, filings: pa.Table, payloads: pa.Table | None = None, days_ahead: int = 0
) -> LoadResult:
    """Add filings (schema ingest.parsers.acceptance.KNOWN_FILINGS); of a known one the newest word holds, save that no
    day moves back and that a bare filing date never replaces an acceptance time (_FILINGS_BY_KEY).

    :param days_ahead: how many days after it was received a filing may be dated.
    :param payloads: the payloads they were read from, as in load_facts.
    :raises LoadError: cik or accession is null, or a column is missing.
    """
    before = _count(connection, "filings")
    with _incoming(connection, "filings", filings, payloads):
        connection.execute(_FILINGS_BY_KEY, {"days_ahead": days_ahead})
        connection.execute(
            "insert or replace into raw.filings by name select * from best_filings order by cik, accession"
        )
        connection.execute("drop table best_filings")
    inserted = _count(connection, "filings") - before
    return LoadResult("raw.filings", filings.num_rows, inserted, filings.num_rows - inserted)


def load_set_aside(connection: duckdb.DuckDBPyConnection, aside: pa.Table, payloads: pa.Table) -> LoadResult:
    """Add what was set aside (schema ingest.records.SET_ASIDE). A payload that was read anew gives its rows anew, and
    of an address only the newest retrieval that could be read has any.

    :param payloads: the payloads that were read, with rows or without, as in load_facts.
    :raises LoadError: a column is missing, or one that must be stated is null.
    """
    before = _count(connection, "set_aside")
    with _incoming(connection, "set_aside", aside, payloads):
        connection.execute("delete from raw.set_aside where sha256 in (select sha256 from incoming_payloads)")
        connection.execute("insert or ignore into raw.set_aside by name select * from incoming")
        connection.execute(
            """
            delete from raw.set_aside as old
            using (
                select url, max((retrieved_at, sha256)) as newest
                from (
                    select url, retrieved_at, sha256 from raw.payloads where status = 'parsed'
                    union
                    select url, retrieved_at, sha256 from incoming_payloads where status = 'parsed'
                )
                group by url
            ) as parsed
            where
                old.source_url = parsed.url
                and old.sha256 <> parsed.newest[2]
                and old.kind <> 'filing'
            """
        )
    inserted = _count(connection, "set_aside") - before
    return LoadResult("raw.set_aside", aside.num_rows, inserted, aside.num_rows - inserted)


def load_payloads(connection: duckdb.DuckDBPyConnection, payloads: pa.Table) -> LoadResult:
    """Note which payloads were read (schema PAYLOADS of ingest.records); the newest word on one replaces the older.

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


def noted_payloads(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Every payload that runs so far have read or tried to (schema PAYLOADS of ingest.records)."""
    return connection.execute("select * from raw.payloads order by url, sha256").to_arrow_table()


def forget_payloads(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty the tables that are read from payloads: what they were read from has changed, and all is read anew."""
    connection.begin()
    for table in ("xbrl_facts", "fact_conflicts", "filings", "set_aside", "payloads"):
        connection.execute(f"delete from raw.{table}")
    connection.commit()
