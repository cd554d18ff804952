"""What was said of a figure until it was put right: a changed figure is a new version from the day it was corrected,
the old one stays on record.

Belongs here: corrections.csv, and what it makes of rows. Does not belong here: reading or checking the figures
themselves, the seal on what was shipped (ledger.py, which says how to correct).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pydantic import model_validator

from ingest.cells import Day, NumberOrNone, Row, Text
from ingest.curated.files import CORRECTIONS_FILE, RefusedRow, read_rows
from ingest.records import CuratedError


class Correction(Row):
    """What was wrong with a figure until `corrected_on`: its value was `previous_value`, or, where that is None, all of
    it, and the figure `replaced_by` ("" for none) is said instead."""

    figure_id: Text
    previous_value: NumberOrNone
    replaced_by: str
    corrected_on: Day
    reason: Text

    @model_validator(mode="after")
    def _edited_or_replaced(self) -> Correction:
        if self.previous_value is not None and self.replaced_by:
            raise ValueError("previous_value is for an edited row, replaced_by for one that stays: not both")
        return self


def parse_corrections(data: bytes) -> list[Correction]:
    """Read corrections.csv.

    :raises CuratedError: a row cannot be right; names the line.
    """
    corrections = []
    for line, _, row in read_rows(CORRECTIONS_FILE, data, Correction):
        if isinstance(row, RefusedRow):
            raise CuratedError(f"{CORRECTIONS_FILE}, line {line}: {row.reason}")
        corrections.append(row)
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

    for correction in sorted(corrections, key=lambda c: c.corrected_on):
        figure_id, previous, replaced_by = correction.figure_id, correction.previous_value, correction.replaced_by
        day = correction.corrected_on
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
