"""Epoch AI's vintages beside the curated figures, in one table.

Belongs here: putting the two together. Does not belong here: reading either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from ingest.archive import Archive
from ingest.curated.epoch import SERIES, statements
from ingest.curated.epoch_fetch import is_on, vintages
from ingest.curated.figures import FigureSet
from ingest.curated.files import RefusedRow
from ingest.records import FIGURES

#: Where Epoch's companies sit if no curated row of theirs says it.
_LAYER = "model"


def with_epoch(figures: FigureSet, roles: pa.Table, archive: Archive) -> FigureSet:
    """The curated figures, and what Epoch's archived vintages state beyond them; the figures alone while it is off.

    A row that repeats a curated statement is that statement: it adds nothing. A vintage or a row that cannot be used is
    among the refused.
    """
    if not is_on():
        return figures
    read, problems = vintages(archive)
    curated = figures.table.to_pylist()
    found = statements(read, curated, _layers(curated, roles))
    refused = [*figures.refused, *found.refused, *(RefusedRow(SERIES, 0, problem) for problem in problems)]
    table = pa.concat_tables([figures.table, pa.Table.from_pylist(found.figures, FIGURES)])
    return replace(figures, table=table, refused=sorted(refused, key=lambda row: (row.file, row.line, row.reason)))


def _layers(curated: list[dict], roles: pa.Table) -> Mapping[str, str | None]:
    """Every company with a role; its layer if it is counted."""
    own = {row["company"]: row["layer"] for row in curated if row["layer"]}
    return {
        company: own.get(company, _LAYER) if role == "counted" else None
        for company, role in zip(roles["company"].to_pylist(), roles["role"].to_pylist(), strict=True)
    }
