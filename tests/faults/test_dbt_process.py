"""dbt's own process: it outlives nobody, obeys nobody but its caller, and what becomes of it is said."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration import child, dbt_process, models
from orchestration.commands import main as cli
from orchestration.dbt_process import Dbt, DbtFailed
from warehouse.settings import DEFAULT_MEMORY, memory_limit
from warehouse.store.home import Home
from warehouse.store.load import SETTINGS

CALLER = """
import sys, time
from pathlib import Path
from orchestration.dbt_process import Dbt
from warehouse.store.home import Home
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


# --- what it inherits -----------------------------------------------------------------------------

#: What a person may have set for projects of their own, or for Python.
HOSTILE = {
    "DBT_EXCLUDE_RESOURCE_TYPES": "test",
    "DBT_TARGET": "prod",
    "DBT_PROFILE": "mine",
    "DBT_ENGINE_FAIL_FAST": "true",
    "DAGSTER_HOME": "/nowhere",
    "DAGSTER_PROJECT_ENV_FILE_PATHS": '{"orchestration.definitions": "."}',
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONHOME": "/nowhere",
    "SEC_USER_AGENT": "Jane Doe jane@example.org",
    "MOTHERDUCK_TOKEN": "x",
}


def test_dbt_sees_nothing_that_it_or_python_takes_for_a_setting(tmp_path, monkeypatch):
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIGAP_MEMORY_LIMIT", "500MB")
    seen = dbt_process._environment(Home(tmp_path))
    assert not HOSTILE.keys() & seen.keys()
    assert {name for name in seen if name.startswith(("DBT", "DAGSTER"))} == set()
    assert seen["PYTHONSAFEPATH"] == "1"
    assert (seen["AIGAP_MEMORY_LIMIT"], seen["PATH"]) == ("500MB", os.environ["PATH"])
    monkeypatch.setenv("AIGAP_MEMORY_LIMIT", "")
    assert dbt_process._environment(Home(tmp_path))["AIGAP_MEMORY_LIMIT"] == DEFAULT_MEMORY, "an empty one is none"


def test_the_memory_of_the_engine_has_one_default():
    """This process, dbt's and the help say the same; dbt's profile has none of its own."""
    profile = (dbt_process.PROJECT / "profiles.yml").read_text("utf-8")
    assert """memory_limit: "{{ env_var('AIGAP_MEMORY_LIMIT') }}\"""" in profile
    assert SETTINGS["memory_limit"] == DEFAULT_MEMORY == memory_limit({"AIGAP_MEMORY_LIMIT": ""}) == memory_limit({})
    assert f"(default: {DEFAULT_MEMORY})" in cli._ENVIRONMENT


def test_other_children_keep_what_is_not_a_setting_of_dagster_dbt_or_python(monkeypatch):
    given = HOSTILE | {"HTTPS_PROXY": "http://p", "AIGAP_POLL_MINUTES": "5", "PYTHONDONTWRITEBYTECODE": "1"}
    seen = child.environment(given)
    assert seen == {
        "SEC_USER_AGENT": HOSTILE["SEC_USER_AGENT"], "MOTHERDUCK_TOKEN": "x", "HTTPS_PROXY": "http://p",
        "AIGAP_POLL_MINUTES": "5", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1", "DO_NOT_TRACK": "1",
    }  # fmt: skip


@pytest.mark.parametrize(("given", "kept"), [(":/a", "/a"), ("/a::/b", "/a:/b"), (".:x:/a:", "/a"), (":", None)])
def test_no_entry_of_the_path_means_the_current_folder(given, kept):
    assert child.environment({"PYTHONPATH": given}).get("PYTHONPATH") == kept


def test_a_child_runs_no_code_of_the_current_folder(tmp_path):
    for module in ("json", "random", "orchestration", "this"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('run from the current folder')")
    for command in (child.command("this"), child.command("orchestration.child", "this")):
        done = subprocess.run(
            command, cwd=tmp_path, env=child.environment(), stdin=subprocess.PIPE, capture_output=True, text=True
        )
        assert "The Zen of Python" in done.stdout, done.stderr


# --- a test that may only warn --------------------------------------------------------------------

_MODELS = {
    "models/a.sql": "select 'x' as text",
    "models/b.sql": "select text from {{ ref('a') }}",
    "models/c.sql": "select text from {{ ref('b') }}",
    "tests/cannot_run.sql": "{{ config(severity='warn') }} select 1 from {{ ref('a') }} where text::integer = 1",
    "tests/warns.sql": "{{ config(severity='warn') }} select 1 from {{ ref('b') }}",
    "tests/holds.sql": "select 1 from {{ ref('c') }} where text <> 'x'",
}


def test_a_test_that_may_only_warn_blocks_nothing_even_if_it_cannot_run(tmp_path):
    """dbt itself skips everything that comes after a test which could not run, whatever its severity."""
    project = tmp_path / "dbt_project"
    for name, text in _MODELS.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    (project / "dbt_project.yml").write_text("name: tiny\nversion: '1.0'\nprofile: ai_revenue_gap\n")
    shutil.copy(dbt_process.PROJECT / "profiles.yml", project)
    # Told by its process, as the real one would be: PROJECT is a constant of the module.
    code = Path(dbt_process.__file__).read_text("utf-8")
    assert code.count('Path(__file__).resolve().parents[1] / "dbt_project"') == 1
    module = tmp_path / "tiny_dbt_process.py"
    module.write_text(code.replace('Path(__file__).resolve().parents[1] / "dbt_project"', f"Path({str(project)!r})"))
    run = (
        "import json, sys; from pathlib import Path; from warehouse.store.home import Home\n"
        "from tiny_dbt_process import Dbt\n"
        "home = Home(Path(sys.argv[1])); home.root.mkdir()\n"
        "with Dbt(home) as dbt: print(json.dumps(list(dbt.build())))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", run, str(tmp_path / "home # 100% {x}")],
        env={**os.environ, **HOSTILE, "PYTHONPATH": str(tmp_path), "PYTHONHOME": ""} | {"PYTHONWARNINGS": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcomes = [dbt_process.Outcome(*row) for row in json.loads(done.stdout.splitlines()[-1])]
    assert {(o.name, o.status) for o in outcomes} == {
        ("a", "success"), ("b", "success"), ("c", "success"), ("cannot_run", "warn"), ("warns", "warn"),
        ("holds", "pass"),
    }  # fmt: skip
    assert len(outcomes) == len(_MODELS), "each is told of once"
    assert "Conversion Error" in next(o.message for o in outcomes if o.name == "cannot_run")
    assert models.verdict(outcomes) is None
    with duckdb.connect(str(tmp_path / "home # 100% {x}" / "build.duckdb"), read_only=True) as build:
        assert build.execute("select count(*) from duckdb_views() where view_name in ('a', 'b', 'c')").fetchone() == (
            3,
        )


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
