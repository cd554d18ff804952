"""Runs that meet each other, instances that are born twice, and what a run must never write down."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import dagster as dg
import pytest

from orchestration import resources
from orchestration.instance import instance_of
from orchestration.resources import Warehouse
from orchestration.store import close_left_over_runs
from warehouse.errors import Busy
from warehouse.store.home import Home, lock_holder

ROOT = Path(__file__).resolve().parents[2]


def python(code: str, *arguments: object, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


HOLD = """
import sys, time
from pathlib import Path
from warehouse.store.home import Home, refresh_lock
with refresh_lock(Home(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def impatient(monkeypatch):
    """A run looks for the lock every 50 ms instead of every 5 s."""
    sleep = time.sleep
    monkeypatch.setattr(resources.time, "sleep", lambda _: sleep(0.05))


def acquire(home: Home) -> None:
    warehouse = Warehouse(root=str(home.root))
    with warehouse.yield_for_execution(dg.build_init_resource_context()):
        assert lock_holder(home) == f"process {os.getpid()}"


def test_t55_a_scheduled_run_waits_for_the_refresh_that_a_person_started(tmp_path, impatient):
    home = Home(tmp_path)
    other = python(HOLD, home.root, 1.5)
    assert other.stdout.readline() == "held\n"
    started = time.monotonic()
    acquire(home)
    assert time.monotonic() - started > 1
    assert other.wait(10) == 0


def test_t55_a_run_that_waits_too_long_gives_up_and_says_for_whom(tmp_path, impatient, monkeypatch):
    monkeypatch.setattr(resources, "WAIT_SECONDS", 0.2)
    other = python(HOLD, tmp_path, 60)
    assert other.stdout.readline() == "held\n"
    try:
        with pytest.raises(Busy, match=rf"still running \(process {other.pid} since "):
            acquire(Home(tmp_path))
    finally:
        other.kill()
        other.wait()


def test_a_process_whose_number_begins_like_ours_is_another(tmp_path, impatient, monkeypatch):
    """19424 meeting 194240 waits for it, as for any other."""
    monkeypatch.setattr(resources, "WAIT_SECONDS", 0.2)
    other = python(HOLD, tmp_path, 60)
    assert other.stdout.readline() == "held\n"
    monkeypatch.setattr(resources.os, "getpid", lambda: other.pid // 10)
    try:
        with pytest.raises(Busy, match=r"gave up after 0.2 s: a refresh is still running"):
            acquire(Home(tmp_path))
    finally:
        other.kill()
        other.wait()


def test_t58_the_lock_of_a_killed_process_is_free_at_once(tmp_path):
    other = python(HOLD, tmp_path, 60)
    assert other.stdout.readline() == "held\n"
    other.kill()
    other.wait()
    acquire(Home(tmp_path))


def test_t59_only_the_dead_runs_of_the_refresh_are_closed(tmp_path):
    with instance_of(Home(tmp_path)) as instance:
        ours = instance.add_run(dg.DagsterRun("quarterly_refresh", status=dg.DagsterRunStatus.STARTED))
        waiting = instance.add_run(dg.DagsterRun("quarterly_refresh", status=dg.DagsterRunStatus.NOT_STARTED))
        done = instance.add_run(dg.DagsterRun("quarterly_refresh", status=dg.DagsterRunStatus.SUCCESS))
        assert close_left_over_runs(instance, "quarterly_refresh") == [ours.run_id]
        statuses = [instance.get_run_by_id(r.run_id).status.value for r in (ours, waiting, done)]
    assert statuses == ["FAILURE", "NOT_STARTED", "SUCCESS"]


OPEN = """
import sys
from pathlib import Path
from orchestration.instance import instance_of
from warehouse.store.home import Home
with instance_of(Home(Path(sys.argv[1]))) as instance:
    print(instance.get_runs_count())
"""


def test_t60_six_first_starts_at_once_make_one_instance(tmp_path):
    home = Home(tmp_path / "home")
    started = [python(OPEN, home.root) for _ in range(6)]
    said = [process.communicate(timeout=300)[0] for process in started]
    assert said == ["0\n"] * 6
    databases = [*home.dagster.rglob("*.db")]
    assert len(databases) == 3
    for path in databases:
        with sqlite3.connect(path) as connection:
            assert connection.execute("select count(*) from alembic_version").fetchone() == (1,), path


def test_many_threads_write_events_through_one_connection(tmp_path):
    with instance_of(Home(tmp_path)) as instance:
        runs = [instance.add_run(dg.DagsterRun("quarterly_refresh")) for _ in range(8)]

        def write(run: dg.DagsterRun) -> None:
            for number in range(20):
                instance.report_engine_event(f"event {number}", run)

        threads = [threading.Thread(target=write, args=(run,)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [len(instance.all_logs(run.run_id)) for run in runs] == [20] * 8
        # No more files stay open than the index and the newest few.
        assert len(instance.event_log_storage._engines) <= 1 + instance.event_log_storage.KEPT_RUNS
