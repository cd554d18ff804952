"""dbt's own process: it outlives nobody, and what becomes of it is said."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration import dbt_process
from orchestration.dbt_process import Dbt, DbtFailed
from warehouse.home import Home

CALLER = """
import sys, time
from pathlib import Path
from orchestration.dbt_process import Dbt
from warehouse.home import Home
with Dbt(Home(Path(sys.argv[1]))) as dbt:
    dbt.parse()  # from here on it waits to be asked: no write to a broken pipe would end it
    print(dbt._process.pid, flush=True)
    time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def test_t44_it_is_gone_when_its_caller_was_killed(tmp_path):
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    pid = int(caller.stdout.readline())
    assert is_running(pid)
    caller.kill()
    caller.communicate(timeout=30)
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline, "it goes on without anybody to tell"
        time.sleep(0.05)


def test_its_death_is_an_error_with_its_exit_code(tmp_path):
    with Dbt(Home(tmp_path)) as dbt:
        os.kill(dbt._process.pid, signal.SIGKILL)
        with pytest.raises(DbtFailed, match="dbt ended with exit code -9"):
            dbt.parse()


def test_a_project_that_does_not_parse_is_named(tmp_path, monkeypatch):
    code = Path(dbt_process.__file__).read_text("utf-8")
    module = tmp_path / "broken_dbt_process.py"
    module.write_text(code.replace('/ "dbt_project"', '/ "no_such_project"'))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    import broken_dbt_process

    refused = pytest.raises(broken_dbt_process.DbtFailed, match="no_such_project")
    with broken_dbt_process.Dbt(Home(tmp_path / "home")) as dbt, refused:
        dbt.parse()
