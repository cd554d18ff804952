"""The Dagster instance under AIGAP_HOME: its settings, its storage, and its first start.

Belongs here: what dagster.yaml says, and the one process that makes the instance's databases. Does
not belong here: assets, jobs, anything that knows what a run does.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine

from warehouse.home import Home

#: Longest believable refresh, fetching included; past it the daemon fails the run (a machine that lost
#: its power would otherwise show it as running for ever, and hold back every later one).
MAX_RUNTIME_SECONDS = 3600

SETTINGS: dict[str, Any] = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},  # no dialog that asks for an e-mail address
    "storage": {
        "custom": {
            "module": "orchestration.instance",
            "class": "KeptOpenStorage",
            "config": {"base_dir": {"env": "DAGSTER_HOME"}},
        }
    },
    # Steps log, they print nothing. Capturing output costs two processes a step, and those outlive a killed run.
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
    # Runs wait for each other in the daemon's queue. The pool counts runs, not steps: a step's slot would
    # outlive a killed process and block the next refresh. The refresh lock is what makes it safe.
    "concurrency": {"runs": {"max_concurrent_runs": 1}, "pools": {"granularity": "run", "default_limit": 1}},
    "run_monitoring": {
        "enabled": True,
        "poll_interval_seconds": 30,
        "start_timeout_seconds": 180,
        "max_runtime_seconds": MAX_RUNTIME_SECONDS,
    },
    "freshness": {"enabled": True},
    "retention": {"schedule": {"purge_after_days": 400}, "sensor": {"purge_after_days": 30}},
}


class KeptOpenEventLog(SqliteEventLogStorage):
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
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            # With a write-ahead log this keeps the file whole through a power cut; at most the last
            # events of the log are missing then. It saves a disk flush per event.
            event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
            self._engines[shard] = engine
        return self._engines[shard]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

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


def _write_settings(directory: Path) -> None:
    # JSON is YAML; written only when it differs, by rename, so that a running daemon never reads half.
    text = json.dumps(SETTINGS, indent=2) + "\n"
    path = directory / "dagster.yaml"
    if not path.is_file() or path.read_text("utf-8") != text:
        temporary = directory / f".dagster.yaml.{os.getpid()}"
        temporary.write_text(text, "utf-8")
        os.replace(temporary, path)


@contextmanager
def instance_of(home: Home) -> Iterator[DagsterInstance]:
    """Open the instance under `home`, making it where needed: one process at a time, the others wait.

    Two processes that meet an empty folder at once leave two rows in alembic_version and an instance that never opens
    again (dagster issue 27390).

    DAGSTER_HOME is set for this process and its children.
    """
    home.dagster.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    with ExitStack() as opened:
        with (home.dagster / "init.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _write_settings(home.dagster)
            instance = opened.enter_context(DagsterInstance.from_config(str(home.dagster)))
            # Touch every database: each is made on first use.
            instance.get_runs_count()
            instance.all_asset_keys()
            instance.all_instigator_state()
        yield instance


def close_left_over_runs(instance: DagsterInstance, job_name: str) -> list[str]:
    """Fail the runs of `job_name` that a killed process left as started; returns their ids.

    Only for the holder of the refresh lock: a run that is alive holds it.
    """
    unfinished = RunsFilter(job_name=job_name, statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING])
    left_over = instance.get_runs(unfinished)
    for run in left_over:
        instance.report_run_failed(run, "The process of this run ended without finishing it (killed, or power lost).")
    return [run.run_id for run in left_over]
