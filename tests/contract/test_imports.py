"""The one law: data moves left to right, imports point right to left, nothing skips a room.

The contracts stand in pyproject.toml under [tool.importlinter]; here they are held, and shown to bite.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What a reading command must not pay for.
HEAVY = ("dagster", "dbt", "pyarrow", "pandas", "requests", "lxml")


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", root / "pyproject.toml", "--no-cache"],
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_every_import_points_the_right_way():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "5 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("ingest/urls.py", "import warehouse.home", "ingest knows bytes and records"),
        ("ingest/urls.py", "def later():\n    from ingest import records", "no import goes in a circle"),
        ("ingest/urls.py", "import duckdb", "ingest knows bytes and records"),
        ("warehouse/load.py", "from ingest import records", "warehouse knows DuckDB"),
        ("warehouse/load.py", "import dagster", "warehouse knows DuckDB"),
        ("orchestration/run.py", "import requests", "one module asks EDGAR"),
        ("aigap/__init__.py", "from ingest import urls", "what others import reads"),
    ],
)
def test_a_wrong_import_is_found(tmp_path, module, line, contract):
    for room in ("aigap", "ingest", "warehouse", "orchestration"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    for name in (
        "ingest/urls.py",
        "ingest/records.py",
        "warehouse/load.py",
        "warehouse/home.py",
        "orchestration/run.py",
        "orchestration/cli.py",
    ):
        (tmp_path / name).touch()
    (tmp_path / "ingest/records.py").write_text("from ingest import urls\n")
    edgar = tmp_path / "ingest" / "edgar"
    edgar.mkdir()
    (edgar / "__init__.py").touch()
    (edgar / "client.py").write_text("import requests, urllib3\n")
    (tmp_path / "aigap" / "__main__.py").write_text("import orchestration.cli\n")
    (tmp_path / module).write_text(line + "\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout
    assert contract in done.stdout.split("Broken contracts")[1]


@pytest.mark.parametrize("module", ["warehouse.read", "warehouse.show", "warehouse.explain", "orchestration.cli"])
def test_reading_imports_nothing_heavy(module):
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
