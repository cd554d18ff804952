"""The one law: data moves left to right, imports point right to left, nothing skips a room.

The contracts stand in pyproject.toml under [tool.importlinter]; here they are held, and shown to bite.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What a reading command must not pay for.
HEAVY = ("dagster", "dbt", "pyarrow", "pandas", "pydantic", "requests", "lxml")


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
    assert (
        f"{(ROOT / 'pyproject.toml').read_text().count('[[tool.importlinter.contracts]]')} kept, 0 broken"
        in done.stdout
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("ingest/urls.py", "import warehouse.store.home", "ingest knows bytes and records"),
        ("ingest/urls.py", "def later():\n    from ingest import records", "no import goes in a circle"),
        ("ingest/urls.py", "import duckdb", "ingest knows bytes and records"),
        ("warehouse/store/load.py", "from ingest import records", "warehouse knows DuckDB"),
        ("warehouse/store/load.py", "import dagster", "warehouse knows DuckDB"),
        ("orchestration/run.py", "import requests", "one module asks EDGAR"),
        ("warehouse/store/load.py", "from warehouse.readers import words", "what writes knows no reader"),
        ("ingest/parsers/__init__.py", "import ingest.edgar.client", "parsers know no address"),
        ("aigap/__init__.py", "from ingest import urls", "what others import reads"),
    ],
)
def test_a_wrong_import_is_found(tmp_path, module, line, contract):
    rooms = ("parsers", "edgar", "curated"), ("store", "readers", "report")
    beneath = [f"{room}/{name}" for room, names in zip(("ingest", "warehouse"), rooms, strict=True) for name in names]
    for room in ("aigap", "ingest", "warehouse", "orchestration", *beneath, "orchestration/commands"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    for name in (
        "ingest/urls.py",
        "ingest/records.py",
        "warehouse/store/load.py",
        "warehouse/store/home.py",
        "warehouse/readers/words.py",
        "orchestration/run.py",
        "orchestration/commands/main.py",
    ):
        (tmp_path / name).touch()
    (tmp_path / "ingest/records.py").write_text("from ingest import urls\n")
    (tmp_path / "ingest/edgar/client.py").write_text("import requests, urllib3\n")
    (tmp_path / "aigap" / "__main__.py").write_text("import orchestration.commands.main\n")
    (tmp_path / module).write_text(line + "\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout
    assert contract in done.stdout.split("Broken contracts")[1]


@pytest.mark.parametrize(
    "module",
    ["warehouse.readers.read", "warehouse.readers.show", "warehouse.readers.explain", "orchestration.commands.main"],
)
def test_reading_imports_nothing_heavy(module):
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
