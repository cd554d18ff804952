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
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from orchestration.store import mend
from warehouse.home import Home, replace_file

_log = logging.getLogger(__name__)

#: Longest believable refresh, fetching included; past it the daemon fails the run (a machine that lost
#: its power would otherwise show it as running for ever, and hold back every later one).
MAX_RUNTIME_SECONDS = 3600

SETTINGS: dict[str, Any] = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},  # no dialog that asks for an e-mail address
    "storage": {
        "custom": {
            "module": f"{__package__}.store",
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
    # A sensor that found nothing says so twice a minute.
    "retention": {
        "schedule": {"purge_after_days": 400},
        "sensor": {"purge_after_days": {"skipped": 2, "success": 30, "failure": 30, "started": 30}},
    },
}


def _write_settings(directory: Path) -> None:
    # JSON is YAML; written only when it differs, by rename, so that a running daemon never reads half.
    text = json.dumps(SETTINGS, indent=2).encode() + b"\n"
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
    """
    home.dagster.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    with ExitStack() as opened:
        with (home.dagster / "init.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _write_settings(home.dagster)
            mend(home.dagster, say)
            # Handed over rather than left to be found: Dagster looks for dagster.yaml as for a pattern, and in a folder
            # called `a [b]` finds none, and then keeps telemetry on.
            ref = InstanceRef.from_dir(str(home.dagster), overrides=SETTINGS)
            instance = opened.enter_context(DagsterInstance.from_ref(ref))
            # Touch every database: each is made on first use.
            instance.get_runs_count()
            instance.all_asset_keys()
            instance.all_instigator_state()
        yield instance
