"""Publishing: write a new generation, audit it, flip the link.

Belongs here: the one path by which numbers reach readers, and what a published file must contain. Does not belong
here: derivation and its checks (dbt_project), reading (read.py).

Not a rename over the published file: DuckDB finds a write-ahead log by the file's name, and a stale one is replayed
into whatever lies under that name. Each publish makes a new file under a new name; readers follow a link, and
keep what they have open.

Longer than 400 lines because a publish is one path, and what a kill leaves behind is understood by reading it whole.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from warehouse.errors import PublishError
from warehouse.store import verify
from warehouse.store.faults import crash_point
from warehouse.store.home import SCHEMA_VERSION, Home, refresh_lock, sync
from warehouse.store.load import SETTINGS, SPILL_LIMIT
from warehouse.store.macros import macros_in, reader_macros, surroundings
from warehouse.store.verify import literal

#: Storage of DuckDB 1.0. With primary keys, table macros and comments in it, DuckDB 1.1 and later open it (1.0
#: cannot read a primary key that 1.5 wrote). A file in DuckDB 2's own format is closed to every 1.x.
STORAGE_VERSION = "v1.0.0"
GENERATIONS_KEPT = 3
#: A home with a refresh an hour gets here in a century; a larger number would leave none for those to come.
LAST_ADOPTED = 999_999

_UNTOUCHED = "the published numbers are unchanged"


class BuildInfo(NamedTuple):
    """What the caller knows about the build and the file cannot say by itself.

    `warnings` names the checks that warned; `checks_passed` counts those that passed.
    """

    bundle_hash: str
    curated_hash: str
    checks_passed: int
    warnings: tuple[str, ...] = ()


class Published(NamedTuple):
    """What is live after a publish. `is_new` is false where nothing differed from what was.

    :ivar warning: what is not certain about a publish that readers see; empty where nothing is.
    """

    generation: int
    path: Path
    content_hash: str
    is_new: bool
    rows: dict[str, int]
    warning: str = ""


def publish(home: Home, info: BuildInfo, *, force: bool = False, macros: str | None = None) -> Published:
    """Publish the marts of the build file as a new generation, if they say anything new.

    The build file must be closed: no connection of this process, no other process. Call it only after every
    check has passed.

    :param force: publish even if nothing changed, or if a table or column that readers have is gone.
    :param macros: SQL of the macros, each `create or replace macro marts.<name>(...)`; default reader_macros().
    :raises Busy: another process refreshes.
    :raises PublishError: the marts are incomplete, the new file cannot be written, or it failed its audit.
        Readers keep the generation they had.
    """
    with refresh_lock(home):
        crash_point("publish.locked")
        try:
            home.generations.mkdir(parents=True, exist_ok=True)
            _clear_leftovers(home)
            crash_point("publish.cleaned")
            return _publish(home, info, force, macros)
        except duckdb.Error as error:
            raise PublishError(f"publishing stopped: {str(error).splitlines()[0]}; {_UNTOUCHED}") from error
        except OSError as error:
            raise PublishError(f"publishing stopped: {error}; {_UNTOUCHED}") from error


def _publish(home: Home, info: BuildInfo, force: bool, macros: str | None) -> Published:
    # A name that nobody can know before: DuckDB would write through a link that lies there.
    new = home.generations / f".new-{os.urandom(8).hex()}.duckdb"
    with _workbench(home, spill=new.with_suffix(".spill")) as connection:
        _check_contract(connection, {} if force else _read_now(home))
        macros = reader_macros(connection, "build") if macros is None else macros
        build = _describe(connection, home, info, macros)
        if not force and (same := _same_as_live(home, build)):
            return same
        try:
            _write(connection, new, build, macros)
        except BaseException:
            connection.close()
            _clear_leftovers(home)
            raise
    # From here on the file never changes again.
    sync(new)
    new.chmod(0o444)
    crash_point("publish.synced")
    try:
        rows = _audit(new, build, macros)
    except PublishError:
        _clear_leftovers(home)
        raise
    crash_point("publish.verified")
    path, warning = _make_live(home, new, build["generation"])
    return Published(build["generation"], path, build["content_hash"], True, rows, warning)


def inspect_foreign(file: Path) -> dict[str, Any]:
    """inspect_apart of a published file from elsewhere (a backup's), held against what it says of itself.

    :raises PublishError: it is no published file, or does not hold what it says.
    """
    found = inspect_apart(file)
    if [content_hash for content_hash, _ in found["stated"]] != [found["content_hash"]]:
        raise PublishError(f"{file.name} does not hold the rows that it states; {_UNTOUCHED}")
    return found


def adopt(home: Home, file: Path, found: dict[str, Any]) -> Published:
    """Publish a published file from elsewhere as it is; it is moved into the generations.

    It keeps the generation number it states, unless this home has used that number or no home gets that far.

    :param file: on the file system of `home`, and nobody else's.
    :param found: what inspect_foreign said of it.
    :raises Busy: another process refreshes.
    """
    with refresh_lock(home):
        ((content_hash, generation),) = found["stated"]
        home.generations.mkdir(parents=True, exist_ok=True)
        file.chmod(0o444)
        sync(file)
        number = home.next_generation()
        if isinstance(generation, int) and generation <= LAST_ADOPTED:
            number = max(generation, number)
        path, warning = _make_live(home, file, number)
        return Published(number, path, content_hash, True, found["marts"], warning)


def _make_live(home: Home, new: Path, number: int) -> tuple[Path, str]:
    """The generation that readers now see, and what is not certain about that."""
    path = home.generation(number)
    os.rename(new, path)
    sync(home.generations)
    crash_point("publish.named")
    warning = _flip(home, path)
    with suppress(OSError):  # readers see the new one: what fails from here on takes nothing back
        _collect(home)
    crash_point("publish.collected")
    return path, warning


def _clear_leftovers(home: Home) -> None:
    """Remove what a killed publish or import left. The lock is held, so nobody else's."""
    left = [
        (home.generations, ".new-*"),
        (home.root, ".link-*"),
        (home.root, ".import-*"),
        (home.root, ".last_refresh*"),
    ]
    for path in [path for folder, pattern in left for path in folder.glob(pattern)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# --- reading the build file -----------------------------------------------------------------------


@contextmanager
def _workbench(home: Home, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the build file attached, read-only, as `build`.

    :param spill: folder for what does not fit into memory.
    """
    wal = home.build.with_name(home.build.name + ".wal")
    if not home.build.is_file():
        raise PublishError(f"there is no {home.build}; run aigap refresh")
    if wal.exists() and wal.stat().st_size:
        raise PublishError(f"{home.build} is still open, or its writer was killed; run aigap refresh")
    connection = duckdb.connect(config={**SETTINGS, "temp_directory": str(spill)})
    try:
        connection.execute(SPILL_LIMIT)
        connection.execute(f"attach {literal(str(home.build))} as build (read_only)")
        yield connection
    finally:
        connection.close()


_COLUMNS = """
    select table_name, list(column_name order by column_index)
    from duckdb_columns()
    where database_name = {database} and schema_name = 'marts'
    group by all
"""


def _read_now(home: Home) -> dict[str, list[str]]:
    """Table -> columns of what readers see and may rely on; none where it is of another version or cannot be read."""
    live = home.live()
    try:
        with duckdb.connect(str(live), read_only=True) if live and live.is_file() else nullcontext() as connection:
            if (
                connection
                and connection.execute("select 1 from meta.build where schema_version = ?", [SCHEMA_VERSION]).fetchone()
            ):
                return dict(connection.execute(_COLUMNS.format(database="current_database()")).fetchall())
    except duckdb.Error:
        pass
    return {}


def _check_contract(connection: duckdb.DuckDBPyConnection, promised: dict[str, list[str]]) -> None:
    """What readers have is a promise: within one SCHEMA_VERSION no table and no column of theirs goes."""
    present = dict(connection.execute(_COLUMNS.format(database="'build'")).fetchall())
    meant = "raise SCHEMA_VERSION (warehouse/store/home.py) where it is meant to go, or publish with --full"
    for table, columns in promised.items():
        if table not in present:
            raise PublishError(f"marts.{table} was not built, and readers have it; {meant}; {_UNTOUCHED}")
        if missing := [c for c in columns if c not in present[table]]:
            raise PublishError(f"marts.{table} lacks {', '.join(missing)}, which readers have; {meant}; {_UNTOUCHED}")
    views = connection.execute(
        "select view_name from duckdb_views() where database_name = 'build' and schema_name = 'marts'"
    ).fetchall()
    if views:
        raise PublishError(f"marts.{views[0][0]} is a view: readers would see it empty; make it a table")
    if "ai_revenue_gap" not in present:
        raise PublishError(f"marts.ai_revenue_gap was not built; {_UNTOUCHED}")
    if connection.execute("select 1 from build.marts.ai_revenue_gap limit 1").fetchone() is None:
        raise PublishError(f"marts.ai_revenue_gap has no rows; {_UNTOUCHED}")


def _describe(connection: duckdb.DuckDBPyConnection, home: Home, info: BuildInfo, macros: str) -> dict[str, Any]:
    """The row of meta.build, with meta.processed_accessions made ready as temp.processed_accessions."""
    connection.execute(
        """
        create temp table processed_accessions as
        select accession, sha256, max(status) as status
        from (
            select accession, sha256, status from build.raw.payloads
            where accession is not null and status in ('parsed', 'quarantined')
            union
            select distinct accession, sha256, 'parsed' from build.raw.xbrl_facts where sha256 is not null
        )
        group by accession, sha256
        order by accession, sha256
        """
    )
    newest = connection.execute(
        "select filed_on, accession from build.marts.citations where accession is not null order by all desc limit 1"
    ).fetchone() or (None, None)
    return {
        "generation": home.next_generation(),
        "schema_version": SCHEMA_VERSION,
        "aigap_version": _version("ai-revenue-gap") or "unknown",
        "dagster_version": _version("dagster"),
        "dbt_version": _version("dbt-core"),
        "duckdb_version": duckdb.__version__,
        "built_at": _moment(),
        "newest_filing_on": newest[0],
        "newest_accession": newest[1],
        "bundle_hash": info.bundle_hash,
        "curated_hash": info.curated_hash,
        "content_hash": verify.schema_hash(connection, "marts", "build")[1],
        "structure_hash": verify.structure_hash(connection, macros, "build"),
        "accessions_hash": verify.table_hash(connection, "main", "processed_accessions", "temp")[1],
        "checks_passed": info.checks_passed,
        "warnings": list(info.warnings),
    }


def _moment() -> datetime:
    """Now, or what a reproducible build says now is (SOURCE_DATE_EPOCH, seconds; see deploy/release.py)."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(said), UTC) if said.isascii() and said.isdigit() else datetime.now(UTC)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _same_as_live(home: Home, build: dict[str, Any]) -> Published | None:
    """The live generation, if it is whole and says what `build` says; a damaged one is replaced, not kept."""
    live = home.live()
    if live is None or not live.is_file():
        return None
    told_apart = [c for c in build if c not in ("generation", "built_at")]
    try:
        with duckdb.connect(str(live), read_only=True) as connection:
            rows = connection.execute(f"select {', '.join(told_apart)}, generation from meta.build").fetchall()
        if len(rows) != 1 or rows[0][:-1] != tuple(build[c] for c in told_apart):
            return None
        found = inspect_apart(live)
    except (duckdb.Error, PublishError):
        return None
    if found["content_hash"] != build["content_hash"] or found["accessions_hash"] != build["accessions_hash"]:
        return None
    return Published(rows[0][-1], live, build["content_hash"], False, found["marts"])


# --- writing the new generation -------------------------------------------------------------------


def _write(connection: duckdb.DuckDBPyConnection, new: Path, build: dict[str, Any], macros: str) -> None:
    connection.execute(f"attach {literal(str(new))} as pub (storage_version '{STORAGE_VERSION}')")
    connection.execute("use pub")
    crash_point("publish.created")
    # One transaction: a commit for each of 300 statements would cost a second.
    connection.begin()
    for schema in ("marts", "meta"):
        connection.execute(f"create schema {schema}")
        copy_definitions(connection, schema, "build")
    tables = verify.tables_of(connection, "marts", "build")
    for place, table in enumerate(tables):
        name = verify.quoted(table)
        connection.execute(f"insert into pub.marts.{name} select * from build.marts.{name}")
        if place == len(tables) // 2:
            crash_point("publish.half_copied")
    connection.execute("insert into pub.meta.processed_accessions by name from temp.processed_accessions")
    values = ", ".join(_value(value) for value in build.values())
    connection.execute(f"insert into pub.meta.build ({', '.join(build)}) values ({values})")
    connection.execute(macros)
    for statement in surroundings(connection, macros, "build"):
        connection.execute(statement)
    connection.commit()
    crash_point("publish.copied")
    connection.execute("checkpoint pub")
    connection.execute("use memory")
    connection.execute("detach pub")
    crash_point("publish.checkpointed")


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]::varchar[]"
    return "null" if value is None else literal(str(value))


def copy_definitions(connection: duckdb.DuckDBPyConnection, schema: str, database: str) -> None:
    """Make the tables of a schema of `database` in the current one: types, NOT NULL, keys and comments."""
    tables = connection.execute(
        "select table_name, sql, comment from duckdb_tables() "
        f"where database_name = '{database}' and schema_name = '{schema}' order by table_name"
    ).fetchall()
    columns = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        f"where database_name = '{database}' and schema_name = '{schema}' and comment is not null order by all"
    ).fetchall()
    for table, sql, comment in tables:
        connection.execute(sql)
        if comment is not None:
            connection.execute(f"comment on table {schema}.{verify.quoted(table)} is {literal(comment)}")
    for table, column, comment in columns:
        where = f"{schema}.{verify.quoted(table)}.{verify.quoted(column)}"
        connection.execute(f"comment on column {where} is {literal(comment)}")


# --- auditing it ------------------------------------------------------------------------------------


def inspect_apart(path: Path) -> dict[str, Any]:
    """verify.inspect in a new, isolated process: nothing that this one has cached can vouch for the file.

    :raises PublishError: it cannot be opened, or a block of it is damaged.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", verify.__file__, str(path)], capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        raise PublishError(f"{path.name} could not be read back within 300 s; {_UNTOUCHED}") from None
    if done.returncode != 0:
        raise PublishError(f"{path.name} cannot be read back: {(done.stderr.strip() or 'killed').splitlines()[-1]}")
    return json.loads(done.stdout)


def _audit(path: Path, build: dict[str, Any], macros: str) -> dict[str, int]:
    """Row counts by mart, after holding the new file against what was to be written."""
    found = inspect_apart(path)
    expected = {
        "schemas": ["marts", "meta"],
        "content_hash": build["content_hash"],
        "accessions_hash": build["accessions_hash"],
        "stated": [[build["content_hash"], build["generation"]]],
        "macros": sorted(macro.name for macro in macros_in(macros)),
    }
    for what, value in expected.items():
        if found[what] != value:
            raise PublishError(
                f"the new generation failed its audit: {what} is {found[what]}, not {value}; {_UNTOUCHED}"
            )
    return found["marts"]


# --- making it the one readers see ------------------------------------------------------------------


def _flip(home: Home, path: Path) -> str:
    link = home.root / f".link-{os.urandom(8).hex()}"
    # Relative, so that the folder can be moved or copied whole.
    os.symlink(path.relative_to(home.root), link)
    crash_point("publish.link_made")
    os.replace(link, home.published)
    warning = ""
    try:
        sync(home.root)
    except OSError as error:
        warning = (
            f"readers see {path.name}, but whether that outlives a power cut is not known: {home.root} could not be "
            f"synced ({error.strerror}); run aigap refresh --full once the disk is sound"
        )
    crash_point("publish.flipped")
    return warning


def _collect(home: Home) -> None:
    """Keep the newest generations; a reader that still has an older one open keeps its data until it closes."""
    for number in home.generation_numbers()[:-GENERATIONS_KEPT]:
        path = home.generation(number)
        for old in (path, path.with_name(path.name + ".wal")):
            with suppress(OSError):
                old.unlink(missing_ok=True)
