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

from ingest.curated.figures import (
    OTHER_FILES,
    OWN,
    SCENARIO_FILE,
    SCENARIOS,
    FigureSet,
    RefusedRow,
    doubtful_dates,
    parse_figures,
    read_scenarios,
)
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
        good, bad = _checked(path, seen)
        rows += good
        refused += bad
    if not names:
        return shipped
    own = [_marked(row) for row in rows]
    table = pa.concat_tables([shipped.table, pa.Table.from_pylist(own, FIGURES)])
    return replace(shipped, table=table, refused=[*shipped.refused, *refused])


def _marked(row: dict) -> dict:
    return row | {"figure_id": "o" + row["figure_id"][1:], "source_title": _TITLE + row["source_title"]}


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
    marked = {
        "scenario": [OWN + name for name in own["scenario"].to_pylist()],
        "fact_id": ["t" + fact[1:] for fact in own["fact_id"].to_pylist()],
    }
    for name, values in marked.items():
        own = own.set_column(own.schema.get_field_index(name), SCENARIOS.field(name), pa.array(values, pa.string()))
    return pa.concat_tables([shipped, own]), []


def explain(path: Path, shipped: FigureSet, today: date) -> tuple[int, list[RefusedRow], list[RefusedRow]]:
    """What a file of figures, or a scenarios.csv, would give: rows that are good, rows refused, rows whose day is in
    doubt.

    :raises CuratedError: the file as a whole cannot be read.
    """
    if path.name == SCENARIO_FILE:
        return read_scenarios(path.parent, is_own=True).num_rows, [], []
    beside = {name: place for name, place in _places(shipped).items() if place[0] != path.name}
    rows, refused = _checked(path, beside, today, raises=True)
    return len(rows), refused, doubtful_dates(rows)


def _places(figures: FigureSet) -> dict[str, tuple[str, int]]:
    """Figure id -> file and line."""
    current = figures.table.filter(pc.is_null(figures.table["withdrawn_on"]))
    columns = (current[name].to_pylist() for name in ("figure_id", "file", "line"))
    return {figure: (file, line) for figure, file, line in zip(*columns, strict=True)}


def _checked(
    path: Path, seen: dict[str, tuple[str, int]], not_after: date | None = None, *, raises: bool = False
) -> tuple[list[dict], list[RefusedRow]]:
    """The rows of a file that are figures and nobody stated before; adds them to `seen`."""
    file = OWN + path.name
    try:
        parsed, refused = parse_figures(file, path.read_bytes(), *([not_after] if not_after else []))
    except (CuratedError, OSError) as error:
        if raises:
            raise CuratedError(str(error)) from error
        return [], [RefusedRow(file, 0, str(error))]
    rows: list[dict] = []
    for row in parsed:
        before = seen.setdefault(row["figure_id"], (file, row["line"]))
        if before == (file, row["line"]):
            rows.append(row)
        else:
            reason = (
                f"the same figure stands in {before[0]}, line {before[1]}: company, metric, period and source are one"
            )
            refused.append(RefusedRow(file, row["line"], reason))
    return rows, sorted(refused, key=lambda r: r.line)
