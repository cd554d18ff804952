"""Dagster's history of runs: three SQLite files and one a run, which hold nothing that is needed; or a PostgreSQL
database, whose keeping is its administrator's, all but how many runs there are.

Belongs here: how they are opened, what happens to one that cannot be used, and how much is kept. Does not belong here:
the instance's settings (instance.py), anything that knows what a run does.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageMetadata
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import URL, MetaData, create_engine, event
from sqlalchemy.engine import Connection, Engine

#: How long another program's lock on one of the files is waited for.
WAIT_SECONDS = 30
#: Finished runs that are kept, besides the newest one that succeeded: ten years of quarters, or a month of failures.
RUNS_KEPT = 40
#: The tag of a run that `aigap refresh` made in its own process.
OURS = {"aigap/started_by": "aigap refresh"}
#: What was set aside is kept this many times over, for whoever wants to know why.
_SET_ASIDE_KEPT = 3
#: A file goes with what SQLite keeps beside it.
_BESIDE = ("", "-wal", "-shm", "-journal")
_FILES = {
    "history/runs.db": RunStorageSqlMetadata,
    "history/runs/index.db": SqlEventLogStorageMetadata,
    "schedules/schedules.db": ScheduleStorageSqlMetadata,
}


def _address(base_dir: str, db_name: str) -> str:
    """The address of a file whatever its folder is called, and patience with whoever else writes to it."""
    path = os.path.join(os.path.abspath(base_dir), f"{db_name}.db")
    return URL.create("sqlite", database=path, query={"timeout": str(WAIT_SECONDS)}).render_as_string()


# Dagster puts the path into an address as it is: `?` and `%` in it mean something else there.
for _module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
    vars(_module)["create_db_conn_string"] = _address


class KeptOpenEventLog(sqlite_event_log.SqliteEventLogStorage):
    """Dagster's event log, with one open connection per database file instead of a new one per event.

    The stock class makes an engine and opens the file two to four times for each event. A refresh
    writes some 700: 30 ms an event became 6 (2 cores), 10 of 36 seconds.
    """

    #: Files of runs kept open besides the index, so that a long-lived webserver does not gather handles.
    KEPT_RUNS = 4

    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir)

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            runs = [name for name in self._engines if name != "index"]
            if len(runs) >= self.KEPT_RUNS:
                self._engines.pop(runs[0]).dispose()
            engine = create_engine(
                self.conn_string_for_shard(shard),
                # One is kept, used by one thread at a time (_connect holds the lock around it); making a
                # new file takes a second and third for a moment.
                pool_size=1,
                max_overflow=2,
                connect_args={"check_same_thread": False},
            )
            # With a write-ahead log this keeps the file whole through a power cut; at most the last
            # events of the log are missing then. It saves a disk flush per event.
            event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
            self._engines[shard] = engine
        return self._engines[shard]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._initialized_dbs:
                # Only damage, no tables: another process may be making the file at this moment.
                _mend(Path(self.path_for_shard(shard)), None, lambda _: None)
                self._initdb(self._engine(shard))
                self._initialized_dbs.add(shard)
            with self._engine(shard).connect() as connection, connection.begin():
                yield connection

    def get_all_run_ids(self) -> list[str]:
        # The stock class globs, and a folder's name may hold what a pattern is made of.
        return [path.stem for path in Path(self._base_dir).glob("?*.db") if path.stem != "index"]

    def delete_events(self, run_id: str) -> None:
        """The file of the run goes whole, damaged or not; of the index what is this run's."""
        if engine := self._engines.pop(run_id, None):
            engine.dispose()
        self._initialized_dbs.discard(run_id)
        with self.index_connection() as index:
            self.delete_events_for_run(index, run_id)
            _forget_checks(index, run_id)
        for end in _BESIDE:
            Path(self.path_for_shard(run_id) + end).unlink(missing_ok=True)

    def dispose(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


class KeptOpenStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage around KeptOpenEventLog; same files, readable by the stock class."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptOpenEventLog(os.path.join(base_dir, "history", "runs", ""))

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> KeptOpenStorage:
        return cls.from_local(inst_data=inst_data, **config_value)


# --- what cannot be used --------------------------------------------------------------------------


def mend(directory: Path, say: Callable[[str], None]) -> None:
    """Set aside every file of the store that cannot be used; Dagster makes it anew.

    One that another program holds locked is waited for. Call it before the store is opened, in one process at a time.

    :param directory: DAGSTER_HOME. :param say: told one line for each.
    """
    for folder in (directory / "history" / "runs", directory / "history", directory / "schedules"):
        if folder.exists() and not folder.is_dir():
            _set_aside(folder, "it is no folder", say)
    for name, tables in _FILES.items():
        _mend(directory / name, tables, say)


def _mend(path: Path, tables: MetaData | None, say: Callable[[str], None]) -> None:
    if path.exists() and (reason := _why_unusable(path, tables)):
        _set_aside(path, reason, say)


def _why_unusable(path: Path, tables: MetaData | None) -> str | None:
    """:param tables: what must be in it; None where it may still be made."""
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            (damage,) = connection.execute("pragma quick_check(1)").fetchone()
            if damage != "ok":
                return str(damage)
            for table in tables.sorted_tables if tables else ():
                columns = ", ".join(f'"{column.name}"' for column in table.columns)
                connection.execute(f'select {columns} from "{table.name}" limit 0')
            if tables and connection.execute("select count(*) from alembic_version").fetchone() != (1,):
                return "it does not say which version it is"
    except sqlite3.Error as error:
        code = error.sqlite_errorcode & 0xFF if hasattr(error, "sqlite_errorcode") else None
        if code == sqlite3.SQLITE_BUSY:
            return f"another program has kept it locked for {WAIT_SECONDS} s"
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM):
            raise  # not the file's fault: a new one would not mend that
        if code == sqlite3.SQLITE_CANTOPEN and path.is_file():
            os.close(os.open(path, os.O_RDWR))  # says why, where that is not the file's fault either
        return str(error)
    return None


def _set_aside(path: Path, reason: str, say: Callable[[str], None]) -> None:
    to = f"{path.name}.set-aside-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    for end in _BESIDE:
        with suppress(FileNotFoundError):
            os.rename(f"{path}{end}", path.with_name(to + end))
    say(
        f"Dagster's {path.name} could not be used ({reason.splitlines()[0]}): it is set aside as {to} and made anew; "
        "no number depends on it, an open UI must be started again"
    )
    earlier = sorted(name for name in os.listdir(path.parent) if name.startswith(f"{path.name}.set-aside-"))
    for name in [name for name in earlier if name.endswith("Z")][:-_SET_ASIDE_KEPT]:
        for end in _BESIDE:
            with suppress(OSError):
                path.with_name(name + end).unlink()


# --- how much is kept -----------------------------------------------------------------------------


def prune(instance: DagsterInstance, keep: int = RUNS_KEPT) -> list[str]:
    """Forget the oldest finished runs: their files, events and checks. Returns their ids.

    Costs one query where there are no more than `keep`. Kept besides them is the newest run that succeeded, so that the
    UI always knows what the assets were last made by.
    """
    storage = instance.event_log_storage
    on_disk = storage.get_all_run_ids() if isinstance(storage, KeptOpenEventLog) else []
    if max(len(on_disk), instance.get_runs_count()) <= keep:
        return []
    runs = instance.get_runs()  # newest first
    finished = [run for run in runs if run.is_finished]
    succeeded = [run.run_id for run in finished if run.status == DagsterRunStatus.SUCCESS][:1]
    old = {run.run_id for run in finished[keep:]}.difference(succeeded)
    # Files whose run nobody remembers, because the list of runs was set aside.
    old |= set(on_disk) - {run.run_id for run in runs}
    for run_id in sorted(old):
        instance.delete_run(run_id)
        if isinstance(storage, SqlEventLogStorage) and not isinstance(storage, KeptOpenEventLog):
            with storage.index_connection() as index:
                _forget_checks(index, run_id)
    if old and isinstance(storage, KeptOpenEventLog):
        _shrink(Path(storage.path_for_shard("index")))
    return sorted(old)


def _forget_checks(index: Connection, run_id: str) -> None:
    """The stock classes forget a run's events and keep these rows."""
    index.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id))


def _shrink(path: Path) -> None:
    """Give back what is empty, where that is much and nobody else is at it."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=0)) as connection:
        (free,), (pages,) = (connection.execute(f"pragma {what}_count").fetchone() for what in ("freelist", "page"))
        if free > pages / 2:
            connection.execute("vacuum")


def close_left_over_runs(instance: DagsterInstance, job_name: str) -> list[str]:
    """Fail the runs of `job_name` that a killed process left as started; returns their ids.

    Only for the holder of the refresh lock: a run that is alive holds it. One that was killed before it said that it
    started counts too where it carries OURS: the daemon's may be on their way into its queue.
    """
    started = RunsFilter(job_name=job_name, statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING])
    made = RunsFilter(job_name=job_name, statuses=[DagsterRunStatus.NOT_STARTED], tags=OURS)
    left_over = [*instance.get_runs(started), *instance.get_runs(made)]
    why = "The process of this run ended without finishing it (killed, or power lost)."
    for run in left_over:
        try:
            instance.report_run_failed(run, why)
        except Exception:  # its own file is not what it should be
            instance.event_log_storage.delete_events(run.run_id)
            instance.report_run_failed(run, why)
    return [run.run_id for run in left_over]
