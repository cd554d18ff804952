"""One refresh of the shipped facts, shared by every test that only reads what it made.

Belongs here: fixtures more than one folder uses, and the guard that keeps tests off the network and off
the user's own files. Does not belong here: assertions.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from orchestration.dbt_process import compiled_manifest
from support.network_guard import guarded, reached, without_network
from warehouse.store.home import Home

_numbers = count()
#: What a person may have set, and a test must not meet.
_PERSONAL = (
    *("SEC_USER_AGENT", "DAGSTER_HOME", "AIGAP_BUILD_DUCKDB", "AIGAP_CRASH_AT", "AIGAP_ALERT_WEBHOOK"),
    *("AIGAP_EPOCH", "AIGAP_DAGSTER_POSTGRES", "SOURCE_DATE_EPOCH"),
)


@pytest.fixture(scope="session", autouse=True)
def _nobodys_machine(tmp_path_factory: pytest.TempPathFactory):
    """No identity for EDGAR, and a home of its own for whatever a test forgets to give one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _PERSONAL:
            patch.delenv(name, raising=False)
        patch.setenv("AIGAP_HOME", str(tmp_path_factory.mktemp("nobodys-home")))
        patch.setenv("DO_NOT_TRACK", "1")
        # The queue before EDGAR belongs to the user of the machine, who may be in it.
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("nobodys-state")))
        # nohup and a shell's & have signals ignored, and so would every process we start that a test then stops.
        for stop in (signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(stop) == signal.SIG_IGN:
                signal.signal(stop, lambda *_: None)
        yield


@pytest.fixture(autouse=True)
def _nobody_before_in_the_queue(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own queue before EDGAR: many play on clocks of their own, and some are told to pause."""
    folder = tmp_path_factory.getbasetemp() / f"state-{next(_numbers)}"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes a refresh is marked so, whichever fixture it comes by: `make check` leaves it out.

    Of the two processes of `make test` one is busy with what needs no refresh, while the other makes it.
    """
    for item in items:
        if "refreshed" in getattr(item, "fixturenames", ()):
            item.add_marker("refresh")
    items.sort(key=lambda item: item.path.name not in ("test_publish.py", "test_warehouse_publish.py"))


class Refreshed(NamedTuple):
    """A home after `aigap refresh` from nothing, what the command said, and what it tried to connect to."""

    home: Home
    stdout: str
    stderr: str
    reached: list[str]


def run_aigap(home: Home, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`aigap` as a process of its own over `home`; text output captured, exit code not checked."""
    return subprocess.run(
        [sys.executable, "-m", "aigap", *arguments],
        env={**os.environ, "AIGAP_HOME": str(home.root), **environment},
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def start_refresh(home: Home, **environment: str) -> subprocess.Popen[str]:
    """`aigap refresh` as a process of its own over `home`, to be waited for or stopped; stdout has both streams."""
    return subprocess.Popen(
        [sys.executable, "-m", "aigap", "refresh"],
        env={**os.environ, "AIGAP_HOME": str(home.root), **environment},
        cwd=Path(__file__).resolve().parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def meta(home: Home) -> dict[str, Any]:
    """The row of meta.build of its published file."""
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute("select * from meta.build").to_arrow_table().to_pylist()[0]


#: A name with what a shell, an address, a pattern, SQL and a template take for their own: users have them.
_HOME = """a #1 home's [z]* 100% of %41 "{x}" {{ y }}; $(id) & ünï"""

#: What a user may have set for projects of their own; with the first, numbers were once published unchecked.
_FOREIGN = {
    "DBT_EXCLUDE_RESOURCE_TYPES": "test",
    "DBT_TARGET": "prod",
    "DBT_PROFILE": "mine",
    "DBT_PROJECT_DIR": "/nowhere",
    "DAGSTER_HOME": "/nowhere",
    "PYTHONWARNINGS": "error",
}


def _foreign_folder(root: Path) -> Path:
    """A folder to start from whose files are called like modules that Python, dbt and Dagster import."""
    folder = root / "a folder of the user's"
    folder.mkdir()
    for module in ("random", "json", "logging", "yaml", "dagster", "dbt", "orchestration", "vl_convert"):
        (folder / f"{module}.py").write_text(f"import sys; sys.exit('{module}.py of the current folder was run')\n")
    return folder


def _refresh_from_nothing(root: Path) -> None:
    """`aigap refresh` in a folder of `root`, and what it said; without a network where the kernel allows that."""
    done = subprocess.run(
        [*without_network(), Path(sys.executable).with_name("aigap"), "refresh"],
        env={**os.environ, "AIGAP_HOME": str(root / _HOME), **guarded(root), **_FOREIGN},
        cwd=_foreign_folder(root),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (root / "said.json").write_text(json.dumps([done.stdout, done.stderr]))


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    """The shipped facts, built and published once for all tests. Read only: others look at it too."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "refreshed"
    root.mkdir(exist_ok=True)
    home = Home(tmp_path_factory.mktemp("shared") / "home with space")
    # One refresh for all processes of a run; each works on its own copy.
    with (root / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "said.json").is_file():
            _refresh_from_nothing(root)
        shutil.copytree(root / _HOME, home.root, symlinks=True)
    return Refreshed(home, *json.loads((root / "said.json").read_text()), reached(root))


@pytest.fixture(scope="session")
def published(refreshed: Refreshed) -> Path:
    """The published file of that refresh."""
    return refreshed.home.published


@pytest.fixture(scope="session")
def manifest(refreshed: Refreshed) -> Path:
    """The dbt manifest of that refresh, with the compiled SQL of every model."""
    return compiled_manifest(refreshed.home)
