"""The history of the curated figures: what was said once stays said.

Belongs here: corrections (a changed figure is a new version from the day it was corrected, the old one stays on
record) and the ledger (a fingerprint of every row ever shipped, so that a silent edit is seen). Does not belong here:
reading or checking the figures themselves.

To change a figure: edit its row, and add a line to corrections.csv with the row's figure id, the value it had, today,
and why. A scenario's parameter changes by a new row with its own known_on. To add figures: add rows, then `python -m
ingest.ledger seal`. Removing or re-dating a row that was shipped is refused.
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
_HEADER = ["figure_id", "previous_value", "corrected_on", "reason"]

#: What a reader relies on in a row; a change in any of it is a change of history.
_SEALED = (
    "value", "low_value", "high_value", "unit", "qualifier", "period_type", "period_start", "period_end", "known_on",
    "series",
    "basis", "source_kind", "layer", "overlaps_with", "source_url", "confidence",
)  # fmt: skip


class Correction(NamedTuple):
    """From `corrected_on` on the figure is what its row says; before, it was `previous_value`."""

    figure_id: str
    previous_value: Decimal
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
            figure_id, previous, day, reason = cells
            if not reason.strip():
                raise ValueError("a correction needs its reason")
            value = Decimal(previous)
            if not value.is_finite():
                raise ValueError(f"previous_value {previous} is not a number")
            corrections.append(Correction(figure_id, value, date.fromisoformat(day), reason))
        except (ValueError, InvalidOperation) as error:
            raise CuratedError(f"{CORRECTIONS_FILE}, line {line}: {error}") from None
    return corrections


def apply_corrections(rows: list[dict], corrections: Iterable[Correction]) -> list[dict]:
    """Put back the version before each correction.

    The old version keeps the id it was cited by; the corrected one is known from the day of its correction and has an
    id of its own.

    :param rows: rows of FIGURES.
    :raises CuratedError: a correction names no row, is not later than the figure, or changes nothing.
    """
    by_id = {row["figure_id"]: row for row in rows}
    result = list(rows)
    for correction in sorted(corrections, key=lambda c: c.corrected_on):
        row = by_id.get(correction.figure_id)
        if row is None:
            raise CuratedError(f"{CORRECTIONS_FILE}: no figure has the id {correction.figure_id}; the row must stay")
        if correction.corrected_on <= row["known_on"] or correction.previous_value == row["value"]:
            raise CuratedError(
                f"{CORRECTIONS_FILE}: the correction of {correction.figure_id} is not later or changes nothing"
            )
        result.append(row | {"value": correction.previous_value})
        row["figure_id"] = (
            "c" + hashlib.sha256(f"{correction.figure_id}|{correction.corrected_on}".encode()).hexdigest()[:20]
        )
        row["known_on"], row["known_on_basis"] = correction.corrected_on, "published"
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
    """All rows that the ledger covers: the figures, and the scenario parameters in the same shape."""
    from ingest.figures import SCENARIO_FILE, read_figures, read_scenarios

    parameters = [
        dict.fromkeys(_SEALED)
        | {"figure_id": row["fact_id"], "file": SCENARIO_FILE, "line": None, "series": row["text_value"]}
        | {"value": row["value"], "known_on": row["known_on"], "source_url": row["source_url"]}
        for row in read_scenarios(folder).to_pylist()
    ]
    return read_figures(folder).table.to_pylist() + parameters


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
