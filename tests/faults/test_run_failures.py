"""What ends a refresh before or around its run: one line with the cause and what to do, an exit code, and a note of it.

What fails inside a run is in tests/e2e/test_refresh.py and tests/faults/test_memory.py; Dagster's own files are in
tests/faults/test_dagster_store.py.
"""

import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import ingest.companies
from orchestration import fetching, run
from orchestration.resources import Edgar
from support import fake_edgar, tiny
from support.fake_edgar import FakeEdgar
from support.replay import ASKED_BY
from support.small_warehouse import publish_small, small_home, steps_read
from warehouse.errors import WarehouseError
from warehouse.readers.doctor import examine
from warehouse.store.home import Home, read_last_refresh, record_refresh

AIGAP = Path(sys.executable).with_name("aigap")


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Home:
    home = small_home(tmp_path_factory.mktemp("failures"))
    publish_small(home)
    record_refresh(home, "published", "generation 1", "2026-11-22T07:00:00Z")
    return home


@pytest.fixture
def home(template, tmp_path) -> Home:
    """Something is published, and the last refresh went well."""
    return Home(shutil.copytree(template.root, tmp_path / "a home", symlinks=True))


def refresh(home: Home, *, before: str = "", arguments: str = "", **environment: str) -> subprocess.CompletedProcess:
    """`aigap refresh` after `before` in a shell."""
    return subprocess.run(
        ["bash", "-c", f'{before}\n"$0" refresh {arguments}', str(AIGAP)],
        env={**os.environ, "AIGAP_HOME": str(home.root), **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def assert_told_and_noted(done: subprocess.CompletedProcess, home: Home, cause: str, code: int = 1) -> None:
    assert done.returncode == code, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("aigap: ")]
    assert line == done.stderr.splitlines()[-1]
    assert re.search(cause, line), line
    assert line.endswith("; readers keep ai_revenue_gap-000001.duckdb")
    assert not re.search(r"Traceback|sqlalche\.me|\[SQL", done.stderr)
    note = read_last_refresh(home)
    assert note["outcome"] == "failed"
    assert f"aigap: {note['message']}; readers keep" in line
    (found,) = [f for f in examine(home, date(2026, 11, 22)) if f.check == "last refresh"]
    assert (found.status, note["message"] in found.detail) == ("fail", True)
    assert steps_read(home) == [0, 0]


@pytest.mark.parametrize("size", ["lots", "1 parsec", "GB", "1", "-1", " -5GB"])
def test_t50_a_memory_limit_that_is_no_size(home, size):
    done = refresh(home, AIGAP_MEMORY_LIMIT=size)
    assert_told_and_noted(done, home, re.escape(f"AIGAP_MEMORY_LIMIT is '{size}', which is no size; write one such"), 2)


def test_who_asks_edgar_is_not_said(home):
    done = refresh(home, arguments="--fetch", SEC_USER_AGENT="")
    assert_told_and_noted(done, home, "SEC_USER_AGENT is not set.*set it to a name and an e-mail address")


@pytest.mark.parametrize(("limit", "remedy"), [("-f 64", r"ulimit -f"), ("-n 12", r"ulimit -n")])
def test_a_limit_of_the_shell(home, limit, remedy):
    assert_told_and_noted(refresh(home, before=f"ulimit {limit}"), home, remedy)


_SMALL_DISK = """
mount -t tmpfs -o size=100m,nr_inodes=5000 none "$DISK" && cp -a "$AIGAP_HOME"/. "$DISK" || exit 99
room=$(df -k --output=used "$DISK" | tail -1) inodes=$(df --output=iused "$DISK" | tail -1)
mount -o remount,size=$((room + ROOM))k,nr_inodes=$((inodes + INODES)) "$DISK" || exit 99
AIGAP_HOME="$DISK" "$0" refresh
code=$?
cp "$DISK"/last_refresh.json "$AIGAP_HOME"
exit $code
"""


@pytest.mark.parametrize(("room", "inodes"), [(0, 100), (200, 100), (50_000, 0), (50_000, 9)])
def test_t46_a_disk_without_room_or_inodes(home, tmp_path, room, inodes):
    """The note is written over the one before, which needs neither."""
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), "bash", "-c", _SMALL_DISK, str(AIGAP)],
        env={
            **os.environ, "AIGAP_HOME": str(home.root), "DISK": str(tmp_path / "disk"), "ROOM": str(room),
            "INODES": str(inodes),
        },
        capture_output=True, text=True, timeout=300, check=False,
    ) if shutil.which("unshare") else None  # fmt: skip
    if done is None or done.returncode == 99 or "unshare:" in done.stderr:
        pytest.skip("no disk of one's own can be made here")
    assert_told_and_noted(done, home, "the disk is full")


def test_a_folder_whose_name_duckdb_cannot_write_under_is_refused_before_anything_is_loaded(template, tmp_path):
    home = Home(shutil.copytree(template.root, tmp_path / "what?", symlinks=True))
    done = refresh(home)
    assert_told_and_noted(done, home, r"what\? has a \? in its name.*set AIGAP_HOME to another folder", 2)
    assert not home.dagster.exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_standard_stream_that_is_closed_or_full_changes_nothing(home, closed):
    """The reason is noted also where nobody can be told; nothing is written into a file that took a stream's number."""
    done = refresh(home, arguments=closed, AIGAP_MEMORY_LIMIT="lots")
    assert done.returncode == 2
    assert "AIGAP_MEMORY_LIMIT is 'lots'" in read_last_refresh(home)["message"]
    assert "Traceback" not in done.stderr
    assert (done.stderr == "") is ("2>" in closed)
    assert home.lock.read_bytes() == b""


def test_a_failure_that_cannot_be_noted_says_so(tmp_path):
    """A folder that is a file: there is no place for a note."""
    (tmp_path / "home").touch()
    done = refresh(Home(tmp_path / "home"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "cannot be written" in line
    assert "could not be noted" in line


_CHARTS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
from warehouse.errors import reason
from warehouse.report.pages import vega
try: print(len(vega()))
except Exception as error: print(reason(error))
"""


@pytest.mark.parametrize("files", [7, 9])
def test_the_renderer_of_charts_without_files_fails_and_does_not_panic(files):
    done = subprocess.run([sys.executable, "-c", _CHARTS, str(files)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r".*(Too many open files|PanicException).*ulimit -n.*\n", done.stdout), done.stdout


# --- fetch alone ------------------------------------------------------------------------------------------


def test_a_fetch_that_fails_is_noted_until_one_goes_through(home, monkeypatch, tmp_path):
    monkeypatch.setenv("SEC_USER_AGENT", ASKED_BY)
    for module in (fetching, ingest.companies):
        monkeypatch.setattr(module, "watch_list", lambda: (tiny.COMPANY,))
    with FakeEdgar(pages=tiny.site([tiny.Q1])) as server:
        edgar = Edgar(is_live=True, data_host=server.hosts.data, www_host=server.hosts.www)
        server.fault(tiny.list_path(), fake_edgar.status(404), times=1)
        with pytest.raises(WarehouseError, match="not everything could be fetched"):
            run.fetch(home, edgar=edgar)
        note = read_last_refresh(home)
        assert note["outcome"] == "failed"
        assert note["message"].startswith("fetch: not everything could be fetched")
        assert "TINY" in note["message"]
        (found,) = [f for f in examine(home, date(2026, 11, 22)) if f.check == "last refresh"]
        assert (found.status, note["message"] in found.detail) == ("fail", True)
        assert run.fetch(home, edgar=edgar) == 0
    assert read_last_refresh(home)["outcome"] == "fetched"
    (found,) = [f for f in examine(home, date(2026, 11, 22)) if f.check == "last refresh"]
    assert found.status == "ok"


def test_a_fetch_that_goes_through_leaves_the_note_of_a_refresh_alone(home, monkeypatch):
    monkeypatch.setenv("SEC_USER_AGENT", ASKED_BY)
    monkeypatch.setattr(fetching, "watch_list", lambda: (tiny.COMPANY,))
    with FakeEdgar(pages=tiny.site([tiny.Q1])) as server:
        edgar = Edgar(is_live=True, data_host=server.hosts.data, www_host=server.hosts.www)
        for before in ("published", "failed"):
            record_refresh(home, before, "check x", "2026-11-22T07:00:00Z")
            assert run.fetch(home, edgar=edgar) == 0
            assert (read_last_refresh(home)["outcome"], read_last_refresh(home)["message"]) == (before, "check x")


def test_a_fetch_without_a_name_is_noted(home):
    done = subprocess.run(
        [str(AIGAP), "fetch"], env={**os.environ, "AIGAP_HOME": str(home.root), "SEC_USER_AGENT": ""},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, "SEC_USER_AGENT is not set" in done.stderr) == (1, True)
    assert read_last_refresh(home)["outcome"] == "failed"
    assert "fetch: SEC_USER_AGENT is not set" in read_last_refresh(home)["message"]


def test_t50_python_without_docstrings_loads_the_job(tmp_path):
    """PYTHONOPTIMIZE=2 of a caller's environment takes every docstring away."""
    code = "from orchestration.definitions import defs"
    environment = {**os.environ, "PYTHONOPTIMIZE": "2", "AIGAP_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
