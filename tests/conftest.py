"""One refresh of the shipped facts, shared by every test that only reads what it made.

Belongs here: fixtures more than one folder uses, and the guard that keeps tests off the network and off
the user's own files. Does not belong here: assertions.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestration.dbt_process import compiled_manifest
from warehouse.home import Home

#: What a person may have set, and a test must not meet.
_PERSONAL = ("SEC_USER_AGENT", "DAGSTER_HOME", "AIGAP_BUILD_DUCKDB", "AIGAP_CRASH_AT", "AIGAP_ALERT_WEBHOOK")


@pytest.fixture(scope="session", autouse=True)
def _nobodys_machine(tmp_path_factory: pytest.TempPathFactory):
    """No identity for EDGAR, and a home of its own for whatever a test forgets to give one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _PERSONAL:
            patch.delenv(name, raising=False)
        patch.setenv("AIGAP_HOME", str(tmp_path_factory.mktemp("nobodys-home")))
        patch.setenv("DO_NOT_TRACK", "1")
        # A shell that starts this in the background has SIGINT ignored, and so would every process we start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        yield


class Refreshed(NamedTuple):
    """A home after `aigap refresh`, and what the command said."""

    home: Home
    stdout: str
    stderr: str
    seconds: float


def run_aigap(home: Home, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`aigap` as a process of its own over `home`; text output captured, exit code not checked."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env={**os.environ, "AIGAP_HOME": str(home.root), **environment},
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    """The shipped facts, built and published once for all tests. Read only: others look at it too."""
    # A folder name with a space: users have them.
    home = Home(tmp_path_factory.mktemp("shared") / "home with space")
    started = time.monotonic()
    done = run_aigap(home, "refresh")
    assert done.returncode == 0, done.stderr
    return Refreshed(home, done.stdout, done.stderr, time.monotonic() - started)


@pytest.fixture(scope="session")
def published(refreshed: Refreshed) -> Path:
    """The published file of that refresh."""
    return refreshed.home.published


@pytest.fixture(scope="session")
def manifest(refreshed: Refreshed) -> Path:
    """The dbt manifest of that refresh, with the compiled SQL of every model."""
    return compiled_manifest(refreshed.home)
