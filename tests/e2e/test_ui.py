"""`aigap ui`: what it shows, and what it refuses. It has no login, so it must not need one."""

import base64
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import duckdb
import pytest
from conftest import meta, run_aigap, start_refresh

from support.network_guard import guarded, reached
from warehouse.store.home import Home, read_last_refresh

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
            [sys.executable, "-m", "aigap", "ui", "--port", str(self.port)],
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
    told = ui.ask("{runsOrError{... on Runs{results{repositoryOrigin{repositoryName repositoryLocationName}}}}}")
    origin = {"repositoryName": "__repository__", "repositoryLocationName": "orchestration.definitions"}
    assert told["data"]["runsOrError"]["results"] == [{"repositoryOrigin": origin}]  # else no overview shows it


def test_every_asset_is_loaded_and_materialized(ui):
    nodes = ui.ask("{assetNodes{assetKey{path} assetMaterializations(limit: 1){runId}}}")["data"]["assetNodes"]
    assert len(nodes) > 40
    assert [n["assetKey"]["path"] for n in nodes if not n["assetMaterializations"]] == []


def test_every_asset_has_an_owner_and_a_link_to_its_code_and_the_published_file_says_the_gap(ui, home):
    nodes = ui.ask(
        "{assetNodes{assetKey{path} groupName owners{... on TeamAssetOwner{team}} tags{key} metadataEntries{__typename}"
        " assetMaterializations(limit: 1){metadataEntries{label ... on IntMetadataEntry{intRepr}"
        " ... on TextMetadataEntry{text}}}}}"
    )["data"]["assetNodes"]
    assert all(node["owners"] for node in nodes)
    without = [node for node in nodes if "CodeReferencesMetadataEntry" not in str(node["metadataEntries"])]
    assert {node["groupName"] for node in without} <= {"sources"}  # what somebody else makes has no code here
    tags = {node["assetKey"]["path"][-1]: {tag["key"] for tag in node["tags"]} for node in nodes}
    assert {"published", "as-of"} <= tags["ai_revenue_gap_versions"]
    assert "as-of" not in tags["ai_revenue_gap"]
    (build,) = (node for node in nodes if node["assetKey"]["path"] == ["meta", "build"])
    said = {e["label"]: e.get("intRepr", e.get("text")) for e in build["assetMaterializations"][0]["metadataEntries"]}
    newest = "from ai_revenue_gap where scenario = 'measured' order by calendar_quarter desc limit 1"
    with duckdb.connect(str(home.published), read_only=True) as con:
        row = con.execute(f"select calendar_quarter, gap_usd::varchar {newest}").fetchone()
    assert (said["quarter"], said["gap, USD"]) == row
    assert said["change"].startswith("AI revenue since ")


def test_the_schedules_are_on(ui):
    schedules = ui.ask("{schedulesOrError(repositorySelector: {repositoryName: \"__repository__\", "
                       "repositoryLocationName: \"orchestration.definitions\"}) "
                       "{... on Schedules {results {name scheduleState {status}}}}}")  # fmt: skip
    assert schedules["data"]["schedulesOrError"]["results"] == [
        {"name": name, "scheduleState": {"status": "RUNNING"}}
        for name in ("look_at_filing_ages_schedule", "quarterly_refresh_schedule")
    ]


# --- T73: nothing changes through it, T74: nobody else reaches it ------------------------------------------------

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
def test_t73_no_web_page_can_start_a_run(ui, headers):
    answer = ui.ask(LAUNCH, **headers)
    assert answer["data"]["launchRun"]["__typename"] == "UnauthorizedError"
    runs = ui.ask("{runsOrError{... on Runs{count}}}")["data"]["runsOrError"]["count"]
    assert runs == 1


_WHERE = 'repositoryName: "__repository__", repositoryLocationName: "orchestration.definitions"'
_ASSET = 'assetKey: {path: ["marts", "ai_revenue_gap"]}'
#: Everything that would start, stop, forge or remove something. RUN, SCHEDULE and SENSOR become ids of real ones.
MUTATIONS = (
    f'launchRun(executionParams: {{selector: {{jobName: "quarterly_refresh", {_WHERE}}}, runConfigData: {{}}}})',
    'terminateRun(runId: "RUN")',
    'deleteRun(runId: "RUN")',
    'stopRunningSchedule(id: "SCHEDULE")',
    'stopSensor(id: "SENSOR")',
    f'setSensorCursor(sensorSelector: {{{_WHERE}, sensorName: "new_filing_sensor"}}, cursor: "x")',
    f'sensorDryRun(selectorData: {{{_WHERE}, sensorName: "new_filing_sensor"}}, cursor: "")',
    f'scheduleDryRun(selectorData: {{{_WHERE}, scheduleName: "quarterly_refresh_schedule"}}, timestamp: 1)',
    f"wipeAssets(assetPartitionRanges: [{{{_ASSET}}}])",
    f"reportRunlessAssetEvents(eventParams: {{eventType: ASSET_MATERIALIZATION, {_ASSET}}})",
    f'reportAssetCheckEvaluations(eventParams: {{{_ASSET}, checkName: "x", passed: true}})',
    "reloadWorkspace",
    'shutdownRepositoryLocation(repositoryLocationName: "orchestration.definitions")',
)
_REFUSAL = re.compile("UnauthorizedError|You do not have permission")
_STATE = f"""{{runsOrError {{... on Runs {{count results {{runId status}}}}}}
schedulesOrError(repositorySelector: {{{_WHERE}}}) {{... on Schedules {{results {{scheduleState {{id status}}}}}}}}
sensorsOrError(repositorySelector: {{{_WHERE}}}) {{... on Sensors {{results {{sensorState {{id status}}}}}}}}}}"""
EVIL = {"Origin": "http://evil.example", "Referer": "http://evil.example/"}


def sent(port: int, method: str, query_text: str, kind: str, headers: dict[str, str]) -> str:
    """One request as a web page could cause it; returns the body of the answer, whatever its status."""
    path, body = "/graphql", None
    if method == "GET":
        path += "?" + urllib.parse.urlencode({"query": query_text})
    elif "form" in kind:
        body = urllib.parse.urlencode({"query": query_text}).encode()
    else:
        body = json.dumps({"query": query_text}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": kind, **headers} if body else headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def state(port: int) -> dict:
    """Runs, schedule and sensor as they are now."""
    return json.loads(sent(port, "POST", _STATE, "application/json", {}))["data"]


def _answer(text: str) -> str:
    # That one says no in its own way.
    return "__typename" + " ... on TerminateRunFailure {message}" * text.startswith("terminateRun(")


def mutations(now: dict) -> list[str]:
    ids = {
        "RUN": now["runsOrError"]["results"][0]["runId"],
        "SCHEDULE": now["schedulesOrError"]["results"][0]["scheduleState"]["id"],
        "SENSOR": now["sensorsOrError"]["results"][0]["sensorState"]["id"],
    }
    return [
        f"mutation {{{re.sub('RUN|SCHEDULE|SENSOR', lambda m: ids[m[0]], text)} {{{_answer(text)}}}}}"
        for text in MUTATIONS
    ]


@pytest.mark.parametrize(
    ("method", "kind", "is_understood"),
    [
        ("GET", "", True),
        ("POST", "application/json", True),
        ("POST", "text/plain;application/json", True),
        ("POST", "application/x-www-form-urlencoded", False),
        ("POST", "text/plain", False),
    ],
)
def test_t73_no_web_page_changes_anything_through_the_ui(ui, method, kind, is_understood):
    port = ui.port
    before = state(port)
    for mutation in mutations(before):
        said = sent(port, method, mutation, kind, EVIL)
        assert bool(_REFUSAL.search(said)) is is_understood, f"{mutation}: {said[:300]}"
        assert is_understood or '"data"' not in said, f"{mutation}: {said[:300]}"
    assert state(port) == before


def _frame(payload: dict) -> bytes:
    data = json.dumps(payload).encode()
    head = bytes([0x81]) + (bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big"))
    return head + bytes(4) + data  # a mask of zeros leaves the bytes as they are


def test_t73_nor_through_a_websocket_that_a_foreign_page_opens(ui):
    port = ui.port
    before = state(port)
    key = base64.b64encode(os.urandom(16)).decode()
    with socket.create_connection(("127.0.0.1", port), 30) as wire:
        wire.sendall(
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://evil.example\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-ws\r\n\r\n".encode()
        )
        wire.sendall(_frame({"type": "connection_init", "payload": {}}))
        wire.sendall(_frame({"type": "start", "id": "1", "payload": {"query": mutations(before)[0]}}))
        wire.settimeout(3)
        said = b""
        try:
            while chunk := wire.recv(65536):
                said += chunk
        except TimeoutError:
            pass
    assert b"LaunchRunSuccess" not in said
    assert state(port) == before


def test_t73_files_of_the_machine_are_not_served(ui):
    port = ui.port
    for path in ("/../../../etc/passwd", "/logs/..%2f..%2f..%2fetc%2fpasswd/stdout", "/notebook?path=/etc/passwd",
                 "/download_debug/..%2f..%2fetc", "//etc/passwd"):  # fmt: skip
        with socket.create_connection(("127.0.0.1", port), 30) as wire:
            wire.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            said = b""
            while chunk := wire.recv(65536):
                said += chunk
        assert b"root:" not in said, path


def _children(root: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, grew = {root}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found, grew = found | more, bool(more)
    return found


def _inodes(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link)):
                found.add(match[1])
        except OSError:
            continue
    return found


def test_t74_no_process_of_the_ui_listens_beyond_this_machine(ui):
    family = _children(ui.process.pid)
    assert len(family) >= 5, "the command, the webserver, the daemon, their code servers"
    ours = set().union(*(_inodes(pid) for pid in family))
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in ours:
                listening.append(fields[1])
    assert f"0100007F:{ui.port:04X}" in listening
    assert {where.split(":")[0] for where in listening} <= {"0100007F", "00000000000000000000000001000000"}


# --- what runs beside it ------------------------------------------------------------------------------------------


def test_a_second_one_for_the_same_folder_is_told_busy(ui, home):
    """T61: a second daemon would do everything twice."""
    done = run_aigap(home, "ui", "--port", str(free_port()))
    assert done.returncode == 75
    assert "already running" in done.stderr


_ONE_PART = """
import shlex, subprocess, sys
from pathlib import Path
from orchestration import run
from warehouse.store.home import Home
start = subprocess.Popen
def stand_in(command, **how):
    print(" ".join(command[1:]), flush=True)
    return start(shlex.split(sys.argv[4]), **how)
run._prepare, run.subprocess.Popen = lambda home: "the instance", stand_in
sys.exit(run.ui(Home(Path(sys.argv[1])), port=int(sys.argv[3]), only=sys.argv[2]))
"""


def start_part(home: Path, part: str, program: str = "sleep 60") -> subprocess.Popen[str]:
    """`aigap ui --only part`, with `program` in the place of Dagster's; it prints the command of Dagster's."""
    command = [sys.executable, "-c", _ONE_PART, str(home), part, str(free_port()), program]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("part", "module"), [("webserver", "dagster_webserver"), ("daemon", "dagster._daemon run")])
def test_a_service_manager_runs_one_part_and_ends_it(tmp_path, part, module):
    """And a second one of the same part is told busy, while the other may start."""

    running = start_part(tmp_path, part)
    assert running.stdout.readline().startswith(f"-P -m orchestration.child {module} -m orchestration.definitions")
    second = start_part(tmp_path, part)
    assert f"a {part} for " in second.communicate(timeout=60)[1]
    other = start_part(tmp_path, "daemon" if part == "webserver" else "webserver")
    assert other.stdout.readline().startswith("-P -m orchestration.child dagster")
    for process in (other, running):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.communicate()


def test_a_part_that_was_stopped_with_it_is_none(tmp_path):
    """As a service manager does it: everybody at once."""
    running = start_part(tmp_path, "daemon", "sh -c '(sleep 1; kill -TERM $PPID) & exit 0'")
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert out.startswith("-P -m orchestration.child dagster")


#: A part that answers no request to end, and has a process of its own, as Dagster's have their code servers.
_STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("helper", helper.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_one_takes_its_processes_along_and_until_then_the_lock_is_held(tmp_path):
    """SIGKILL, which nobody can answer: once, two daemons then worked on one home."""
    (tmp_path / "stubborn.py").write_text(_STUBBORN)
    program = shlex.join([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{_RUN_AS_CHILD}"])
    running = start_part(tmp_path / "home", "daemon", program)
    assert running.stdout.readline().startswith("-P -m orchestration.child dagster._daemon")
    _, helper = running.stdout.readline().split()
    (part,) = [pid for pid in _children(running.pid) if pid not in (running.pid, int(helper))]
    running.kill()
    running.wait(30)
    second = start_part(tmp_path / "home", "daemon")
    assert "a daemon for " in second.communicate(timeout=60)[1], "its process lives, and holds the lock"
    deadline = time.monotonic() + 20
    while any(_is_running(pid) for pid in (part, int(helper))):
        assert time.monotonic() < deadline, "a process of the killed one goes on"
        time.sleep(0.1)
    third = start_part(tmp_path / "home", "daemon", "true")
    assert third.stdout.readline().startswith("-P -m orchestration.child"), "and now it is free"
    third.communicate(timeout=60)
    running.communicate()


#: What `python -m orchestration.child stubborn` does, for a module that is not on everybody's path.
_RUN_AS_CHILD = """
import runpy
sys.argv[1:] = ["stubborn"]
runpy.run_module("orchestration.child", run_name="__main__")
"""


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_part_that_ends_by_itself_is_an_error(tmp_path):
    ended = start_part(tmp_path, "webserver", "false")
    assert "webserver ended by itself" in ended.communicate(timeout=60)[1]
    assert ended.returncode == 1


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
    (home.dbt / "unchanged.json").unlink(missing_ok=True)  # without it a whole one runs
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
