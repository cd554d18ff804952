"""Curated figures: the hand-entered CSV files of `ingest/curated/` as one checked table.

Belongs here: what a figure may say, reading those files, refusing what cannot be right (named by file and line). Does
not belong here: deriving anything from the figures, choosing between two sources, DuckDB.

Every rule below answers a mistake a hand makes: millions typed for dollars, a day and a month
swapped, a row pasted twice, a source left out, a figure dated before it could be known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import ValidationInfo, model_validator

from ingest.cells import Text
from ingest.curated.corrections import apply_corrections, parse_corrections
from ingest.curated.files import (
    CORRECTIONS_FILE,
    OTHER_FILES,
    Cells,
    RefusedRow,
    checked,
    curated_dir,
    read_rows,
    row_id,
)
from ingest.curated.metrics import METRICS
from ingest.curated.rows import Statement, check_span
from ingest.curated.screens import doubtful_dates, out_of_scale
from ingest.records import FIGURES, CuratedError

#: The files that ship; reading the shipped folder without one of them is an error, not a smaller table.
FIGURE_FILES = (
    "accelerators.csv",
    "ai_revenue.csv",
    "capex_guidance.csv",
    "clouds.csv",
    "commitments.csv",
    "customer_concentration.csv",
    "depreciation_lives.csv",
    "funding_rounds.csv",
    "fx_rates.csv",
    "golden_cases.csv",
    "gpu_hardware.csv",
    "gpu_list_prices.csv",
    "gpu_rental_h100.csv",
    "gross_margins.csv",
    "hyperscaler_capex.csv",
    "lab_costs.csv",
    "memo_claims.csv",
    "microsoft_share.csv",
    "nvidia_forecasts.csv",
    "nvidia_revenue.csv",
    "nvidia_supply.csv",
    "requirement_benchmarks.csv",
    "tco_share.csv",
)
#: Qualifiers under which a figure may lack a number.
_WITHOUT_VALUE = ("at_or_above_10_not_quantified", "none_at_or_above_10")

_FIRST_KNOWN = date(2016, 1, 1)  # nothing here is older; catches a year typed with a digit off
_LAST_KNOWN = date(2050, 1, 1)

#: What makes a row that row: two rows alike in these are one figure entered twice. The value is
#: not among them, so a figure keeps its id when a typing mistake in it is put right.
_KEY = (
    "company",
    "metric",
    "series",
    "basis",
    "estimator",
    "unit",
    "period_type",
    "period_start",
    "period_end",
    "period_label",
    "known_on",
    "source_url",
)


class _Figure(Statement):
    """One figure; the context is the last believable known_on."""

    table = FIGURES

    company: Text
    ticker: str
    metric: str
    period_label: str
    series: str
    basis: str
    estimator: str
    layer: Literal["", "application", "model", "cloud_infrastructure", "all", "overlap"]
    overlaps_with: str
    source_url_2: str

    @model_validator(mode="after")
    def _may_be(self, info: ValidationInfo) -> _Figure:
        rule = METRICS.get(self.metric)
        if rule is None:
            raise ValueError(f"metric {self.metric!r} is not known; add it to metrics.csv")
        if self.unit not in rule.units:
            raise ValueError(f"unit {self.unit!r} does not fit {self.metric}: {', '.join(rule.units)}")
        if not self.amounts and self.qualifier not in _WITHOUT_VALUE:
            raise ValueError("no value, low_value or high_value")
        if self.amounts and self.qualifier in _WITHOUT_VALUE:
            raise ValueError(f"qualifier {self.qualifier} goes with an empty value")
        self.check_amounts(self.metric, *rule.units[self.unit])
        check_span(self.period_type, self.period_start, self.period_end)
        known, end, not_after = self.known_on, self.period_end, info.context or _LAST_KNOWN
        if not rule.is_forward and known < end:
            raise ValueError(f"known_on {known} is before period_end {end}: an actual cannot be known in advance")
        if not _FIRST_KNOWN <= known <= not_after:
            raise ValueError(f"known_on {known} is outside {_FIRST_KNOWN} to {not_after}")
        self.check_source(may_lack_address=self.qualifier == "unverified")
        return self


#: The one header of every figures file: FIGURES without what the loader adds.
COLUMNS = _Figure.header()


@dataclass(frozen=True)
class FigureSet:
    """What a folder of figures gave: `table` with schema FIGURES, the rows refused, and the rows it holds whose day is
    in doubt (see :func:`doubtful_dates`)."""

    table: pa.Table
    refused: list[RefusedRow] = field(default_factory=list)
    doubtful: list[RefusedRow] = field(default_factory=list)


#: Figure id -> file and line where it stands.
Places = dict[str, tuple[str, int]]


def parse_figures(
    file: str, data: bytes, not_after: date = _LAST_KNOWN, seen: Places | None = None
) -> tuple[list[dict], list[RefusedRow]]:
    """Read one figures file.

    :param file: its name, for messages and the `file` column.
    :param data: UTF-8 CSV with the header COLUMNS.
    :param not_after: the last believable known_on; pass today to catch a date in the future.
    :param seen: what other files state: that again is refused, and this file's own figures are added.
    :return: rows of FIGURES, and the rows refused. Of two rows with one key the first stays.
    :raises CuratedError: the file as a whole cannot be read.
    """
    rows: list[dict] = []
    refused: list[RefusedRow] = []
    places = {} if seen is None else seen
    for line, cells, row in read_rows(file, data, _Figure, not_after):
        if isinstance(row, RefusedRow):
            refused.append(row)
            continue
        figure_id = _identity(cells)
        before = places.setdefault(figure_id, (file, line))
        if before != (file, line):
            reason = (
                f"the same figure stands in {before[0]}, line {before[1]}: company, metric, period and source are one"
            )
            refused.append(RefusedRow(file, line, reason))
            continue
        rows.append(_as_figure(row, figure_id, file, line))
    return rows, refused


def parse_figure(file: str, line: int, cells: Cells) -> dict | RefusedRow:
    """One figure by itself, of the columns COLUMNS: a row of FIGURES."""
    row = checked(_Figure, file, line, cells, _LAST_KNOWN)
    return row if isinstance(row, RefusedRow) else _as_figure(row, _identity(cells), file, line)


def _identity(cells: Cells) -> str:
    return row_id("c", (cells[c] for c in _KEY))


def _as_figure(row: _Figure, figure_id: str, file: str, line: int) -> dict:
    added = {"figure_id": figure_id, "is_citable": row.is_citable, "file": file, "line": line}
    return dict(row) | added | {"stated_on": row.known_on, "withdrawn_on": None}


def read_figures(directory: Path | Traversable | None = None, not_after: date = _LAST_KNOWN) -> FigureSet:
    """Read every figures file of a folder, in file and line order.

    A row that cannot be right is left out and named in `refused`; the others stay. The figure ids
    depend on a row's content only, not on its place.

    :param directory: the folder; None for the one that ships, which must then be complete.
    :param not_after: see :func:`parse_figures`.
    :raises CuratedError: no figures there, a shipped file missing, or a file that cannot be read.
    """
    folder: Path | Traversable = curated_dir() if directory is None else directory
    sources = {p.name: p for p in folder.iterdir() if p.name.endswith(".csv")} if folder.is_dir() else {}
    names = sorted(n for n in sources if n not in OTHER_FILES)
    missing = [n for n in FIGURE_FILES if n not in names] if directory is None else []
    if missing or not names:
        raise CuratedError(f"{folder}: no {', '.join(missing) or 'figures'} there; restore from version control")
    rows: list[dict] = []
    refused: list[RefusedRow] = []
    seen: Places = {}
    for name in names:
        parsed, bad = parse_figures(name, sources[name].read_bytes(), not_after, seen)
        rows += parsed
        refused += bad
    outliers = out_of_scale(rows)
    refused += outliers
    left_out = {(r.file, r.line) for r in outliers}
    rows = [row for row in rows if (row["file"], row["line"]) not in left_out]
    refused.sort(key=lambda r: (r.file, r.line))
    if CORRECTIONS_FILE in sources:
        rows = apply_corrections(rows, parse_corrections(sources[CORRECTIONS_FILE].read_bytes()))
    return FigureSet(pa.Table.from_pylist(rows, FIGURES), refused, doubtful_dates(rows))
