"""What the examples print, as examples/README.md shows it.

Belongs here: running each example. `python -m support.examples HOME` (from tests/) writes the outputs anew from what is
published there; with --universe in its place those of examples/universe. Does not belong here: words, assertions.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from support.readme import _fence, filled
from warehouse.formats import render
from warehouse.readers.read import open_published, run_select
from warehouse.store.home import Home

FOLDER = Path(__file__).resolve().parents[2] / "examples"
README = FOLDER / "README.md"
#: A table cuts long cells; an address has to be whole.
FORMATS = {"cite_this_number.sql": "json"}


def files() -> list[Path]:
    """Every example."""
    return sorted(path for path in FOLDER.iterdir() if path.suffix in (".sql", ".py"))


def output(home: Home, path: Path) -> str:
    """What the command above the block prints."""
    if path.suffix == ".py":
        command = [sys.executable, str(path), str(home.published)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    with open_published(home) as connection:
        found = run_select(connection, path.read_text("utf-8"))
    return render(found.columns, found.rows, FORMATS.get(path.name, "table"))


def blocks(home: Home) -> dict[str, str]:
    """File name -> fenced output."""
    return {path.name: _fence(output(home, path)) for path in files()}


def universe_blocks(home: Home) -> dict[str, str]:
    """The same of examples/universe, on the file of every filer in `home`."""
    made = {}
    with duckdb.connect(str(home.universe), read_only=True) as connection:
        for path in sorted((FOLDER / "universe").glob("*.sql")):
            found = run_select(connection, path.read_text("utf-8"))
            made[path.name] = _fence(render(found.columns, found.rows, "table"))
    return made


def _write_universe() -> None:
    from orchestration.bulk import bulk_build, bulk_load
    from support.bulk import bundle_zip, sic_data_set

    with tempfile.TemporaryDirectory() as folder:
        home, path = Home(Path(folder) / "home"), FOLDER / "universe" / "README.md"
        bulk_load(bundle_zip(Path(folder) / "companyfacts.zip"), home, lambda *_: None, 1)
        bulk_load(sic_data_set(Path(folder) / "2026q1.zip"), home, lambda *_: None, 1)
        bulk_build(home, lambda *_: None)
        path.write_text(filled(path.read_text("utf-8"), universe_blocks(home)), "utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "--universe":
        _write_universe()
        sys.exit()
    README.write_text(filled(README.read_text("utf-8"), blocks(Home(Path(sys.argv[1])))), "utf-8")
