"""The user's own figures and scenarios: files of the home with the header and the rules of ingest/curated.

Belongs here: reading and marking them, explaining every refusal. Does not belong here: the rules
themselves (figures.py), what an own figure may move (dbt_project: nothing of the headline).

A file of the user's never stops a refresh: what cannot be right is left out and named.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ingest.curated.figures import FigureSet, Places, parse_figures
from ingest.curated.files import OTHER_FILES, SCENARIO_FILE, RefusedRow
from ingest.curated.scenarios import OWN, SCENARIOS, read_scenarios
from ingest.curated.screens import doubtful_dates
from ingest.records import FIGURES, CuratedError

_TITLE = "Own figure: "  # the title stands wherever a source is named


def with_own_figures(shipped: FigureSet, folder: Path) -> FigureSet:
    """The shipped figures and the user's own of `folder`, which need not be there.

    :return: own rows say so in `file` and `source_title`, with ids of their own; one that says what a shipped one
        says is refused, and so is a file that cannot be read.
    """
    names = sorted(path for path in folder.glob("*.csv") if path.name not in OTHER_FILES)
    rows: list[dict] = []
    refused: list[RefusedRow] = []
    seen = _places(shipped)
    for path in names:
        try:
            good, bad = parse_figures(OWN + path.name, path.read_bytes(), seen=seen)
        except (CuratedError, OSError) as error:
            good, bad = [], [RefusedRow(OWN + path.name, 0, str(error))]
        rows += good
        refused += bad
    if not names:
        return shipped
    own = [
        row | {"figure_id": "o" + row["figure_id"][1:], "source_title": _TITLE + row["source_title"]} for row in rows
    ]
    table = pa.concat_tables([shipped.table, pa.Table.from_pylist(own, FIGURES)])
    return replace(shipped, table=table, refused=[*shipped.refused, *refused])


def with_own_scenarios(shipped: pa.Table, folder: Path) -> tuple[pa.Table, list[RefusedRow]]:
    """The shipped scenarios and those of the user's scenarios.csv in `folder`, named "own:...".

    Half a scenario is none, so one bad row refuses the file.
    """
    if not (folder / SCENARIO_FILE).is_file():
        return shipped, []
    try:
        own = read_scenarios(folder, is_own=True)
    except CuratedError as error:
        return shipped, [RefusedRow(OWN + SCENARIO_FILE, 0, str(error))]
    marked = [row | {"scenario": OWN + row["scenario"], "fact_id": "t" + row["fact_id"][1:]} for row in own.to_pylist()]
    return pa.concat_tables([shipped, pa.Table.from_pylist(marked, SCENARIOS)]), []


def explain(path: Path, shipped: FigureSet, today: date) -> tuple[int, list[RefusedRow], list[RefusedRow]]:
    """What a file of figures, or a scenarios.csv, would give: rows that are good, rows refused, rows whose day is in
    doubt.

    :raises CuratedError: the file as a whole cannot be read.
    """
    if path.name == SCENARIO_FILE:
        return read_scenarios(path.parent, is_own=True).num_rows, [], []
    beside = {name: place for name, place in _places(shipped).items() if place[0] != path.name}
    try:
        rows, refused = parse_figures(OWN + path.name, path.read_bytes(), today, beside)
    except OSError as error:
        raise CuratedError(str(error)) from error
    return len(rows), refused, doubtful_dates(rows)


def _places(figures: FigureSet) -> Places:
    current = figures.table.filter(pc.is_null(figures.table["withdrawn_on"]))
    columns = (current[name].to_pylist() for name in ("figure_id", "file", "line"))
    return {figure: (file, line) for figure, file, line in zip(*columns, strict=True)}
