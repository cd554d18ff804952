"""The history of the curated figures: what was said once stays said.

Belongs here: the ledger, a fingerprint of every row ever shipped, so that a silent edit is seen. Does not belong here:
what a correction makes of a row (corrections.py), reading or checking the figures themselves.

To change a figure's value: edit its row, and add a line to corrections.csv with the row's figure id, the value it had,
today, and why. Anything else about it (its day, its source): leave the row, add the right one, and add a line with both
ids. To take a figure back: a line with its id alone. A scenario's parameter and a payment change by a new row with its
own known_on. To add figures: add rows, then `python -m ingest.curated.ledger seal`. Removing or re-dating a row that
was shipped is refused.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ingest.curated.corrections import parse_corrections
from ingest.curated.edges import read_ai_revenue_edges
from ingest.curated.figures import read_figures
from ingest.curated.files import CORRECTIONS_FILE, EDGES_FILE, SCENARIO_FILE, curated_dir
from ingest.curated.scenarios import read_scenarios
from ingest.records import CuratedError

LEDGER_FILE = "ledger.txt"

#: What a reader relies on in a row; a change in any of it is a change of history.
_SEALED = (
    "value", "low_value", "high_value", "unit", "qualifier", "period_type", "period_start", "period_end", "known_on",
    "series",
    "basis", "source_kind", "layer", "overlaps_with", "source_url", "confidence",
)  # fmt: skip


def fingerprint(row: dict) -> str:
    """16 hex digits over what a reader relies on in a row of FIGURES."""
    said = "|".join("" if row[column] is None else str(row[column]) for column in _SEALED)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def parse_ledger(data: bytes) -> dict[str, str]:
    """Figure id -> fingerprint of every row ever shipped."""
    return dict(line.split() for line in data.decode("utf-8").splitlines() if line)


def breaches(rows: Iterable[dict], ledger: dict[str, str], may_be_new: bool = False) -> list[str]:
    """What the rows have that the ledger forbids: one sentence each, empty when history is whole.

    :param rows: rows of FIGURES and SCENARIOS, as :func:`sealed_rows` gives them.
    :param may_be_new: rows that the ledger has no entry for are fine.
    """
    now = {row["figure_id"]: row for row in rows}
    found = []
    for figure_id, sealed in ledger.items():
        row = now.get(figure_id)
        if row is None:
            found.append(
                f"{figure_id}: a shipped figure is gone or was re-dated; put it back, and add the new statement as a "
                f"row of its own"
            )
        elif fingerprint(row) != sealed:
            found.append(
                f"{row['file']}, line {row['line']}, {figure_id}: a shipped figure was edited; add its old value to "
                f"{CORRECTIONS_FILE}"
            )
    return found + [
        f"{row['file']}, line {row['line']}, {figure_id}: not in the ledger; run python -m ingest.curated.ledger seal"
        for figure_id, row in now.items()
        if figure_id not in ledger and not may_be_new
    ]


def sealed_rows(folder: Path | None = None) -> list[dict]:
    """All rows that the ledger covers: figures, and in the same shape scenario parameters, payments and corrections."""

    def in_shape(file: str, figure_id: str, said: Mapping) -> dict:
        return {"figure_id": figure_id, "file": file, "line": None} | {name: said.get(name) for name in _SEALED}

    parameters = [
        in_shape(
            SCENARIO_FILE,
            row["fact_id"],
            {name: row[name] for name in ("value", "known_on", "source_url")} | {"series": row["text_value"]},
        )
        for row in read_scenarios(folder).to_pylist()
    ]
    edges = [in_shape(EDGES_FILE, row["edge_id"], row) for row in read_ai_revenue_edges(folder).to_pylist()]
    corrections = [
        in_shape(
            CORRECTIONS_FILE,
            f"k{c.figure_id[1:]}-{c.corrected_on}",
            {"value": c.previous_value, "known_on": c.corrected_on, "series": c.replaced_by},
        )
        for c in parse_corrections(((folder or curated_dir()) / CORRECTIONS_FILE).read_bytes())
    ]
    return read_figures(folder).table.to_pylist() + parameters + edges + corrections


def seal(folder: Path) -> int:
    """Enter new rows of the shipped figures into the ledger; returns how many.

    :raises CuratedError: a row that was shipped before has changed or is gone.
    """
    path = folder / LEDGER_FILE
    ledger = parse_ledger(path.read_bytes()) if path.exists() else {}
    rows = sealed_rows(folder)
    if problems := breaches(rows, ledger, may_be_new=True):
        raise CuratedError("\n".join(problems))
    new = {row["figure_id"]: fingerprint(row) for row in rows if row["figure_id"] not in ledger}
    entries = sorted((ledger | new).items())
    path.write_text("".join(f"{figure_id} {digest}\n" for figure_id, digest in entries), "utf-8")
    return len(new)


if __name__ == "__main__":
    if sys.argv[1:] != ["seal"]:
        sys.exit("usage: python -m ingest.curated.ledger seal")
    try:
        print(f"{seal(Path(__file__).parent)} new figures sealed")
    except CuratedError as error:
        sys.exit(str(error))
