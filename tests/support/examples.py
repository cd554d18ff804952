"""What the examples print, as examples/README.md shows it.

Belongs here: running each example. `python -m support.examples HOME` (from tests/) writes the outputs anew from what is
published there. Does not belong here: the README's words, assertions.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


if __name__ == "__main__":
    README.write_text(filled(README.read_text("utf-8"), blocks(Home(Path(sys.argv[1])))), "utf-8")
