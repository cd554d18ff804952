"""`aigap ui`: what it shows, and what it refuses. It has no login, so it must not need one."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from conftest import meta, run_aigap, start_refresh

from support.network_guard import guarded, reached
from warehouse.home import Home, read_last_refresh

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ui:
    """A running `aigap ui`, and GraphQL against it."""

    def __init__(self, home: Home) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "ui", "--port", str(self.port)],
            env={**os.environ, "AIGAP_HOME": str(home.root)},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, query: str, **headers: str) -> dict:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("{version}")["data"]["version"]:
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.5)
        self.process.kill()
        pytest.fail(f"the UI did not start: {self.process.communicate()[0]}")


@pytest.fixture(scope="module")
def home(refreshed, tmp_path_factory) -> Home:
    root = tmp_path_factory.mktemp("ui") / "home"
    shutil.copytree(refreshed.home.root, root, symlinks=True)
    return Home(root)


@pytest.fixture(scope="module")
def ui(home):
    running = Ui(home)
    running.wait()
    yield running
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(30) == 0


def test_a_run_made_by_the_command_line_is_shown_under_its_job(ui):
    runs = ui.ask("{runsOrError{... on Runs{results{jobName status}}}}")["data"]["runsOrError"]["results"]
    assert [(run["jobName"], run["status"]) for run in runs] == [("quarterly_refresh", "SUCCESS")]
    shown = ui.ask(
        """{pipelineOrError(params: {pipelineName: "quarterly_refresh", repositoryName: "__repository__",
        repositoryLocationName: "orchestration.definitions"}) {... on Pipeline {runs {status}}}}"""
    )
    assert shown["data"]["pipelineOrError"]["runs"] == [{"status": "SUCCESS"}]


def test_every_asset_is_loaded_and_materialized(ui):
    nodes = ui.ask("{assetNodes{assetKey{path} assetMaterializations(limit: 1){runId}}}")["data"]["assetNodes"]
    assert len(nodes) > 40
    assert [n["assetKey"]["path"] for n in nodes if not n["assetMaterializations"]] == []


def test_the_schedule_is_on(ui):
    schedules = ui.ask("{schedulesOrError(repositorySelector: {repositoryName: \"__repository__\", "
                       "repositoryLocationName: \"orchestration.definitions\"}) "
                       "{... on Schedules {results {name scheduleState {status}}}}}")  # fmt: skip
    assert schedules["data"]["schedulesOrError"]["results"] == [
        {"name": "quarterly_refresh_schedule", "scheduleState": {"status": "RUNNING"}}
    ]


LAUNCH = """mutation {launchRun(executionParams: {
  selector: {
    jobName: "quarterly_refresh"
    repositoryName: "__repository__"
    repositoryLocationName: "orchestration.definitions"
  }
  runConfigData: {}
}) {__typename}}"""


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Content-Type": "text/plain;application/json"}],
    ids=["plain", "foreign origin", "rebound host", "form content type"],
)
def test_no_web_page_can_start_a_run(ui, headers):
    """T73."""
    answer = ui.ask(LAUNCH, **headers)
    assert answer["data"]["launchRun"]["__typename"] == "UnauthorizedError"
    runs = ui.ask("{runsOrError{... on Runs{count}}}")["data"]["runsOrError"]["count"]
    assert runs == 1


def test_it_listens_on_this_machine_alone(ui):
    """T74."""
    # Every listening TCP socket on the port, from the kernel's own table: local address in hex.
    lines = Path("/proc/net/tcp").read_text().splitlines() + Path("/proc/net/tcp6").read_text().splitlines()
    listening = [line.split()[1] for line in lines if len(line.split()) > 3 and line.split()[3] == "0A"]
    assert [where for where in listening if where.endswith(f":{ui.port:04X}")] == [f"0100007F:{ui.port:04X}"]


def test_a_second_one_for_the_same_folder_is_told_busy(ui, home):
    """T61: a second daemon would do everything twice."""
    done = run_aigap(home, "ui", "--port", str(free_port()))
    assert done.returncode == 75
    assert "already running" in done.stderr


def test_a_taken_port_is_the_users_mistake(refreshed, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_aigap(Home(tmp_path), "ui", "--port", str(port))
    assert done.returncode == 2
    assert f"127.0.0.1:{port} cannot be used" in done.stderr


def test_of_four_refreshes_at_once_one_runs_without_a_network_and_publishes_nothing_new(ui, home, tmp_path):
    """T54, T76, T86. The UI, open all the while, shows that one."""
    runs = "{runsOrError{... on Runs{count}}}"
    shown = ui.ask(runs)["data"]["runsOrError"]["count"]
    before = meta(home)
    page_written = (home.report / "index.html").stat().st_mtime_ns
    watched = guarded(tmp_path)  # the processes that these start too
    started = [start_refresh(home, **watched) for _ in range(4)]
    said = [process.communicate(timeout=600)[0] for process in started]
    assert sorted(process.returncode for process in started) == [0, 75, 75, 75], said
    (done,) = [text for process, text in zip(started, said, strict=True) if process.returncode == 0]
    assert all("a refresh is already running (process " in text for text in said if text is not done)
    assert "nothing new; still ai_revenue_gap-000001.duckdb" in done.splitlines()[-1]
    assert reached(tmp_path) == []
    assert meta(home) == before
    assert read_last_refresh(home)["outcome"] == "unchanged"
    # What is known is not loaded again, and a page of the same numbers is not written again.
    assert "raw.xbrl_facts" not in done
    assert (home.report / "index.html").stat().st_mtime_ns == page_written
    assert ui.ask(runs)["data"]["runsOrError"]["count"] == shown + 1
