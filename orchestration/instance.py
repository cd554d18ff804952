"""The Dagster instance under AIGAP_HOME: its settings and its first start.

Belongs here: what dagster.yaml says, and the one process that makes the instance's databases. Does not belong here: how
those are kept (store.py), assets, jobs, anything that knows what a run does.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from orchestration.store import mend
from warehouse.errors import Mistake, WarehouseError, reason
from warehouse.store.home import Home, replace_file

_log = logging.getLogger(__name__)

#: Longest believable refresh, fetching included; past it the daemon fails the run (a machine that lost
#: its power would otherwise show it as running for ever, and hold back every later one).
MAX_RUNTIME_SECONDS = 3600

#: Names a PostgreSQL database for Dagster's history instead of SQLite files in the home (docs/scaling.md); a secret.
POSTGRES = "AIGAP_DAGSTER_POSTGRES"
_SQLITE_STORAGE = {
    "custom": {
        "module": f"{__package__}.store",
        "class": "KeptOpenStorage",
        "config": {"base_dir": {"env": "DAGSTER_HOME"}},
    }
}
_DRIVER = "postgresql+psycopg2"
#: The variable's name stands here, and so in dagster.yaml and on command lines; never its value.
_POSTGRES_STORAGE = {"postgres": {"postgres_url": {"env": POSTGRES}}}

_SETTINGS: dict[str, Any] = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},  # no dialog that asks for an e-mail address
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
    # A sensor that found nothing says so twice a minute.
    "retention": {
        "schedule": {"purge_after_days": 400},
        "sensor": {"purge_after_days": {"skipped": 2, "success": 30, "failure": 30, "started": 30}},
    },
}


def _settings() -> dict[str, Any]:
    """What dagster.yaml says here and now.

    :raises Mistake: AIGAP_DAGSTER_POSTGRES is no address of a PostgreSQL database, or dagster-postgres is not there.
    """
    if not (address := os.environ.get(POSTGRES)):
        return _SETTINGS | {"storage": _SQLITE_STORAGE}
    kind, is_address, where = address.partition("://")
    if kind not in ("postgres", "postgresql", _DRIVER) or not is_address:
        raise Mistake(f"{POSTGRES} must be written as postgresql://USER:PASSWORD@HOST/DATABASE")
    if find_spec("dagster_postgres") is None:
        raise Mistake(f"{POSTGRES} is set without dagster-postgres: pip install 'ai-revenue-gap[postgres]'")
    # SQLAlchemy would take another driver than the one that dagster-postgres brings.
    os.environ[POSTGRES] = f"{_DRIVER}://{where}"
    return _SETTINGS | {"storage": _POSTGRES_STORAGE}


def history_of(home: Home) -> str:
    """Where Dagster's history is, for a person who reads of its failure."""
    return f"PostgreSQL ({POSTGRES})" if os.environ.get(POSTGRES) else str(home.dagster)


def _write_settings(directory: Path, settings: dict[str, Any]) -> None:
    # JSON is YAML; written only when it differs, by rename, so that a running daemon never reads half.
    text = json.dumps(settings, indent=2).encode() + b"\n"
    path = directory / "dagster.yaml"
    if not path.is_file() or path.read_bytes() != text:
        replace_file(path, text)


@contextmanager
def instance_of(home: Home, say: Callable[[str], None] = _log.warning) -> Iterator[DagsterInstance]:
    """Open the instance under `home`, making it where needed: one process at a time, the others wait.

    Two processes that meet an empty folder at once leave two rows in alembic_version and an instance that never opens
    again (dagster issue 27390).

    DAGSTER_HOME is set for this process and its children.

    :param say: told when a part of it could not be used and was set aside.
    :raises Mistake: AIGAP_DAGSTER_POSTGRES is no address. :raises WarehouseError: that database cannot be used.
    """
    settings = _settings()
    home.dagster.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    with ExitStack() as opened:
        with (home.dagster / "init.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _write_settings(home.dagster, settings)
            if not os.environ.get(POSTGRES):
                mend(home.dagster, say)
            instance = opened.enter_context(_open(home, settings))
        yield instance


def _open(home: Home, settings: dict[str, Any]) -> DagsterInstance:
    # Handed over rather than left to be found: Dagster looks for dagster.yaml as for a pattern, and in a folder
    # called `a [b]` finds none, and then keeps telemetry on.
    ref = InstanceRef.from_dir(str(home.dagster), overrides=settings)
    try:
        instance = DagsterInstance.from_ref(ref)
        if os.environ.get(POSTGRES):
            # Otherwise it connects, and shows its password, anew for each of a refresh's 700 events.
            instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=20)
        # Touch every database: each is made on first use.
        instance.get_runs_count()
        instance.all_asset_keys()
        instance.all_instigator_state()
    except Exception as error:
        if not os.environ.get(POSTGRES):
            raise
        cause = reason(error.__cause__ or error)  # Dagster tries again some times, and then says only that
        raise WarehouseError(f"Dagster's history of runs in {history_of(home)} cannot be opened: {cause}") from error
    return instance
