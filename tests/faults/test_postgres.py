"""Dagster's history in PostgreSQL, by one setting: nothing of a run is lost, whoever is killed."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import pytest
from conftest import run_aigap, start_refresh
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from sqlalchemy import select

from orchestration.alerts import without_secrets
from orchestration.instance import POSTGRES, instance_of
from orchestration.store import prune
from support.postgres import Server
from warehouse.errors import Mistake
from warehouse.store.home import Home, read_last_refresh

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    # pytest's own folders are closed to other users, and the server runs as one.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        running = Server(Path(folder))
        running.start()
        yield running
        running.stop()


@pytest.fixture
def postgres(server, monkeypatch) -> Server:
    monkeypatch.setenv(POSTGRES, server.url)
    return server


def runs(home: Home) -> dict[str, str]:
    """Run -> how it ended, oldest first."""
    with instance_of(home) as instance:
        return {run.run_id: run.status.value for run in reversed(instance.get_runs())}


def test_two_processes_a_kill_of_each_side_between_them_and_no_run_is_lost(refreshed, postgres, tmp_path):
    home = Home(shutil.copytree(refreshed.home.root, tmp_path / "home", symlinks=True))
    shutil.rmtree(home.dagster)
    first = run_aigap(home, "refresh")
    assert first.returncode == 0, first.stderr
    (one,) = runs(home).items()
    assert one[1] == "SUCCESS"

    killed = start_refresh(home)
    deadline = time.monotonic() + 120
    with instance_of(home) as instance:
        while instance.get_runs_count() < 2:
            assert killed.poll() is None, killed.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.2)
    killed.kill()
    killed.communicate()
    assert next(iter(runs(home).items())) == one
    postgres.stop("immediate")  # the database is killed too
    postgres.start()
    assert next(iter(runs(home))) == one[0]
    assert len(runs(home)) == 2

    second = run_aigap(home, "refresh")
    assert second.returncode == 0, second.stderr
    ended = runs(home)
    assert list(ended.values()) == ["SUCCESS", "FAILURE", "SUCCESS"], "what was killed is closed as failed"
    with instance_of(home) as instance:
        logs = [instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION) for run_id in ended]
    assert len(logs[0]) == len(logs[2]) > 100, "every check of either run is on record"
    assert not list(home.dagster.rglob("*.db")), "nothing in SQLite beside it"
    assert postgres.PASSWORD not in (home.dagster / "dagster.yaml").read_text(), "the secret is in no file"
    assert POSTGRES in (home.dagster / "dagster.yaml").read_text()


def test_a_database_that_is_away_fails_the_refresh_in_one_line_and_readers_keep_their_numbers(
    refreshed, server, tmp_path
):
    home = Home(shutil.copytree(refreshed.home.root, tmp_path / "home", symlinks=True))
    before = os.readlink(home.published)
    nobody = re.sub(r":\d+/", ":1/", server.url)
    done = run_aigap(home, "refresh", **{POSTGRES: nobody})
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("aigap: ")]
    assert f"PostgreSQL ({POSTGRES})" in line
    assert "Connection refused" in line
    assert server.PASSWORD not in done.stderr
    assert os.readlink(home.published) == before
    assert read_last_refresh(home)["outcome"] == "failed"
    assert run_aigap(home, "show", "--last", "1", **{POSTGRES: nobody}).returncode == 0, "no number depends on it"


def test_without_the_setting_the_history_is_in_the_home_as_before(tmp_path, monkeypatch):
    monkeypatch.delenv(POSTGRES, raising=False)
    home = Home(tmp_path / "home")
    assert runs(home) == {}
    assert (home.dagster / "history" / "runs.db").is_file()
    assert "postgres" not in (home.dagster / "dagster.yaml").read_text()


@pytest.mark.parametrize("address", ["sqlite:///x.db", "localhost", "http://127.0.0.1"])
def test_an_address_that_is_none_is_said_before_anything_is_made(tmp_path, monkeypatch, address):
    monkeypatch.setenv(POSTGRES, address)
    with pytest.raises(Mistake, match="must be written as postgresql://"), instance_of(Home(tmp_path / "home")):
        pass
    assert not (tmp_path / "home").exists()


def test_without_the_package_the_message_says_which_extra(tmp_path, monkeypatch):
    monkeypatch.setenv(POSTGRES, "postgresql://a:b@127.0.0.1/c")
    monkeypatch.setattr("orchestration.instance.find_spec", lambda _: None)
    with pytest.raises(Mistake, match=r"pip install 'ai-revenue-gap\[postgres\]'"), instance_of(Home(tmp_path)):
        pass


def test_the_password_leaves_in_no_alert(postgres):
    assert without_secrets(f"could not connect to {postgres.url}") == f"could not connect to [{POSTGRES}]"


@dg.asset(key=["marts", "gap"], check_specs=[dg.AssetCheckSpec("adds_up", asset=["marts", "gap"])])
def gap():
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


def test_old_runs_are_forgotten_here_too_with_their_checks(postgres, tmp_path):
    job = dg.Definitions([gap], jobs=[dg.define_asset_job("pruned", [gap])]).resolve_job_def("pruned")
    with instance_of(Home(tmp_path)) as instance:
        for run in instance.get_runs():
            instance.delete_run(run.run_id)
        made = [job.execute_in_process(instance=instance).run_id for _ in range(5)]
        assert sorted(prune(instance, keep=2)) == sorted(made[:3])
        assert [run.run_id for run in instance.get_runs()] == made[:2:-1]
        with instance.event_log_storage.index_connection() as index:
            rows = index.execute(select(AssetCheckExecutionsTable.c.run_id)).fetchall()
        assert {row[0] for row in rows} & set(made) == set(made[3:])


def test_daemon_and_webserver_are_given_the_name_of_the_setting_not_its_value(postgres, tmp_path):
    from dagster import serialize_value

    with instance_of(Home(tmp_path)) as instance:
        handed_over = serialize_value(instance.get_ref())
    assert postgres.PASSWORD not in handed_over
    code = (
        "import sys; from dagster import DagsterInstance, deserialize_value\n"
        "instance = DagsterInstance.from_ref(deserialize_value(sys.argv[1]))\n"
        "print(type(instance.run_storage).__name__, instance.get_runs_count())"
    )
    done = subprocess.run([sys.executable, "-c", code, handed_over], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("PostgresRunStorage "), done.stderr
