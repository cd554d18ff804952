"""The history of the curated figures: what was said once stays said.

Belongs here: corrections (a changed figure is a new version from the day it was corrected, the old one stays on
record) and the ledger (a fingerprint of every row ever shipped, so that a silent edit is seen). Does not belong here:
reading or checking the figures themselves.

To change a figure's value: edit its row, and add a line to corrections.csv with the row's figure id, the value it had,
today, and why. Anything else about it (its day, its source): leave the row, add the right one, and add a line with both
ids. To take a figure back: a line with its id alone. A scenario's parameter and a payment change by a new row with its
own known_on. To add figures: add rows, then `python -m ingest.ledger seal`. Removing or re-dating a row that was
shipped is refused.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from ingest.records import CuratedError

CORRECTIONS_FILE = "corrections.csv"
LEDGER_FILE = "ledger.txt"
_HEADER = ["figure_id", "previous_value", "replaced_by", "corrected_on", "reason"]

#: What a reader relies on in a row; a change in any of it is a change of history.
_SEALED = (
    "value", "low_value", "high_value", "unit", "qualifier", "period_type", "period_start", "period_end", "known_on",
    "series",
    "basis", "source_kind", "layer", "overlaps_with", "source_url", "confidence",
)  # fmt: skip


class Correction(NamedTuple):
    """What was wrong with a figure until `corrected_on`: its value was `previous_value`, or, where that is None, all of
    it, and the figure `replaced_by` ("" for none) is said instead."""

    figure_id: str
    previous_value: Decimal | None
    replaced_by: str
    corrected_on: date
    reason: str


def parse_corrections(data: bytes) -> list[Correction]:
    """Read corrections.csv.

    :raises CuratedError: a row cannot be right; names the line.
    """
    try:
        rows = list(csv.reader(data.decode("utf-8").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CuratedError(f"{CORRECTIONS_FILE}: not readable as CSV in UTF-8: {error}") from None
    if not rows or rows[0] != _HEADER:
        raise CuratedError(f"{CORRECTIONS_FILE}: the header must be {','.join(_HEADER)}")
    corrections = []
    for line, cells in enumerate(rows[1:], start=2):
        try:
            figure_id, previous, replaced_by, day, reason = cells
            if not reason.strip():
                raise ValueError("a correction needs its reason")
            if previous and replaced_by:
                raise ValueError("previous_value is for an edited row, replaced_by for one that stays: not both")
            value = Decimal(previous) if previous else None
            if value is not None and not value.is_finite():
                raise ValueError(f"previous_value {previous} is not a number")
            corrections.append(Correction(figure_id, value, replaced_by, date.fromisoformat(day), reason))
        except (ValueError, InvalidOperation) as error:
            raise CuratedError(f"{CORRECTIONS_FILE}, line {line}: {error}") from None
    return corrections


def apply_corrections(rows: list[dict], corrections: Iterable[Correction]) -> list[dict]:
    """Put each correction on record: what was said before it is withdrawn on its day, what is right is said from then.

    The old version keeps the id it was cited by; an edited row gets an id of its own. `stated_on` of the right figure
    stays the day its statement was public: only what the tables showed is history.

    :param rows: rows of FIGURES.
    :raises CuratedError: a correction names no row, is not later than the figure, or changes nothing.
    """
    by_id = {row["figure_id"]: row for row in rows}
    result = list(rows)

    def named(figure_id: str) -> dict:
        if figure_id not in by_id:
            raise CuratedError(f"{CORRECTIONS_FILE}: no figure has the id {figure_id}; the row must stay")
        return by_id[figure_id]

    for figure_id, previous, replaced_by, day, _ in sorted(corrections, key=lambda c: c.corrected_on):
        row = named(figure_id)
        if day <= row["known_on"] or previous == row["value"] or replaced_by == figure_id or row["withdrawn_on"]:
            raise CuratedError(f"{CORRECTIONS_FILE}: the correction of {figure_id} is not later or changes nothing")
        if previous is None:
            row["withdrawn_on"] = day
            right = named(replaced_by) if replaced_by else None
        else:
            result.append(row | {"value": previous, "withdrawn_on": day})
            row["figure_id"] = "c" + hashlib.sha256(f"{figure_id}|{day}".encode()).hexdigest()[:20]
            right = row
        if right:
            right["known_on"] = max(day, right["known_on"])
    return result


def fingerprint(row: dict) -> str:
    """16 hex digits over what a reader relies on in a row of FIGURES."""
    said = "|".join("" if row[column] is None else str(row[column]) for column in _SEALED)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def parse_ledger(data: bytes) -> dict[str, str]:
    """Figure id -> fingerprint of every row ever shipped."""
    return dict(line.split() for line in data.decode("utf-8").splitlines() if line)


def breaches(rows: Iterable[dict], ledger: dict[str, str]) -> list[str]:
    """What the rows have that the ledger forbids: one sentence each, empty when history is whole.

    :param rows: rows of FIGURES and SCENARIOS, as :func:`sealed_rows` gives them.
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
    found += [
        f"{row['file']}, line {row['line']}, {figure_id}: not in the ledger yet; run python -m ingest.ledger seal"
        for figure_id, row in now.items()
        if figure_id not in ledger
    ]
    return found


def sealed_rows(folder: Path | None = None) -> list[dict]:
    """All rows that the ledger covers: figures, and in the same shape scenario parameters, payments and corrections."""
    from ingest.edges import read_ai_revenue_edges
    from ingest.figures import EDGES_FILE, SCENARIO_FILE, curated_dir, read_figures, read_scenarios

    parameters = [
        dict.fromkeys(_SEALED)
        | {"figure_id": row["fact_id"], "file": SCENARIO_FILE, "line": None, "series": row["text_value"]}
        | {"value": row["value"], "known_on": row["known_on"], "source_url": row["source_url"]}
        for row in read_scenarios(folder).to_pylist()
    ]
    edges = [
        dict.fromkeys(_SEALED)
        | {"figure_id": row["edge_id"], "file": EDGES_FILE, "line": None}
        | {column: row[column] for column in _SEALED if column in row}
        for row in read_ai_revenue_edges(folder).to_pylist()
    ]
    corrections = [
        dict.fromkeys(_SEALED)
        | {"figure_id": f"k{c.figure_id[1:]}-{c.corrected_on}", "file": CORRECTIONS_FILE, "line": None}
        | {"value": c.previous_value, "known_on": c.corrected_on, "series": c.replaced_by}
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
    problems = [b for b in breaches(rows, ledger) if "not in the ledger yet" not in b]
    if problems:
        raise CuratedError("\n".join(problems))
    new = {row["figure_id"]: fingerprint(row) for row in rows if row["figure_id"] not in ledger}
    entries = sorted((ledger | new).items())
    path.write_text("".join(f"{figure_id} {digest}\n" for figure_id, digest in entries), "utf-8")
    return len(new)


if __name__ == "__main__":
    if sys.argv[1:] != ["seal"]:
        sys.exit("usage: python -m ingest.ledger seal")
    try:
        print(f"{seal(Path(__file__).parent / 'curated')} new figures sealed")
    except CuratedError as error:
        sys.exit(str(error))
