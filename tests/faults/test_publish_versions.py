"""T53: other releases of DuckDB, each in an environment of its own, open what is published: 1.1 to 2.0.

Installs wheels from the package index; skips where that cannot be had, fails there with AIGAP_REQUIRE_WHEELS=1 (CI).
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from support.small_warehouse import publish_small, small_home
from warehouse.store import verify

#: The oldest that can read a primary key as 1.5 writes it, the one with long-term support, the newest.
VERSIONS = ("1.1.3", "1.4.4", "2.0.0")

READ = """
import json, sys
import duckdb
c = duckdb.connect(sys.argv[1], read_only=True)
one = lambda sql: c.execute(sql).fetchall()
print(json.dumps({
    "duckdb": duckdb.__version__,
    "gap": one("select gap_usd from marts.ai_revenue_gap order by calendar_quarter, scenario"),
    "comment": one("select comment from duckdb_tables() where table_name = 'ai_revenue_gap'"),
    "column comments": one("select count(*) from duckdb_columns() where comment is not null"),
    "constraints": one("select constraint_type, count(*) from duckdb_constraints() group by all order by all"),
    "macro": one("select component, signed_usd, accession from explain_gap('2026Q2') order by all"),
    "macro in marts": one("select count(*) from marts.explain_gap('2026Q2')"),
    "macro with a CTE": one("select spend_usd from gap_with(0.25, 0.5) where calendar_quarter = '2026Q2'"),
    "meta": one("select generation, schema_version, warnings from meta.build"),
}))
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    home = small_home(tmp_path_factory.mktemp("versions"))
    publish_small(home)
    return home.published


@pytest.fixture(scope="module")
def expected(path):
    return answers(Path(sys.executable), path)


@pytest.fixture(scope="module")
def installer(tmp_path_factory):
    """A command that installs packages: uv, or the pip of a throw-away environment."""
    beside = Path(sys.executable).with_name("uv")
    if uv := str(beside) if beside.exists() else shutil.which("uv"):
        return [uv, "pip"]
    folder = tmp_path_factory.mktemp("installer")
    venv.create(folder, with_pip=True, symlinks=True)
    return [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]


def answers(python: Path, path: Path) -> dict:
    done = subprocess.run([str(python), "-c", READ, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def environment(folder: Path, version: str, installer: list[str]) -> Path:
    """A Python with that duckdb and nothing else."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    target = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    # uv takes --python for granted from the environment it runs in, which is not this one.
    chosen = ["--python", str(python)] if installer[-1] == "pip" and "-m" not in installer else []
    command = [*installer, "install", *chosen, "--quiet", "--no-deps", "--target", target, f"duckdb=={version}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        reason = f"duckdb {version} could not be installed: {done.stderr.strip()[-300:]}"
        if os.environ.get("AIGAP_REQUIRE_WHEELS") == "1":
            pytest.fail(f"{reason} (AIGAP_REQUIRE_WHEELS=1)")
        pytest.skip(reason)
    return python


@pytest.fixture(scope="module", params=VERSIONS)
def other(request, installer, tmp_path_factory):
    """(version, Python that has it)."""
    return request.param, environment(tmp_path_factory.mktemp("env"), request.param, installer)


def test_t53_other_releases_read_rows_keys_comments_and_macros(path, expected, other):
    version, python = other
    found = answers(python, path)
    assert found == expected | {"duckdb": version}
    assert found["macro"][0] == ["ai_revenue:Example", -100000000000, None]
    assert found["constraints"][-1][0] == "PRIMARY KEY"


def test_t53_other_releases_find_the_same_content_in_the_real_file_and_bind_its_macros(published, other):
    """The audit that publishing itself runs: every row of every table hashed, every macro planned."""
    _, python = other
    theirs, ours = (
        subprocess.run([str(p), "-I", verify.__file__, str(published)], capture_output=True, text=True, check=False)
        for p in (python, Path(sys.executable))
    )
    assert theirs.returncode == 0, theirs.stderr
    assert json.loads(theirs.stdout) == json.loads(ours.stdout)
