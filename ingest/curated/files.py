"""The CSV files of `ingest/curated/`: where they are, and how any of them is read into the rows of its model.

Belongs here: the folder, the files' names, header and shape, what becomes of a bad row, the identity of a row. Does not
belong here: what a row may say (a model in the module of its file).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
from pydantic import ValidationError

from ingest.cells import Model, Row, refusal
from ingest.records import DECIMAL, CuratedError

METRICS_FILE = "metrics.csv"
SCENARIO_FILE = "scenarios.csv"
ROLES_FILE = "ai_revenue_roles.csv"
EDGES_FILE = "ai_revenue_edges.csv"
CORRECTIONS_FILE = "corrections.csv"

#: Files of the folder that have columns of their own; every other one holds figures.
OTHER_FILES = (METRICS_FILE, SCENARIO_FILE, ROLES_FILE, EDGES_FILE, CORRECTIONS_FILE)

REFUSED = pa.schema([("file", pa.string()), ("line", pa.int32()), ("reason", pa.string())])


@dataclass(frozen=True)
class RefusedRow:
    """A row that was left out: where it stands and why. `line` counts from 1, the header included."""

    file: str
    line: int
    reason: str


def refused_table(refused: Iterable[RefusedRow]) -> pa.Table:
    """Refused or doubtful rows as a table, schema REFUSED."""
    return pa.Table.from_pylist([vars(row) for row in refused], REFUSED)


def curated_dir() -> Traversable:
    """The folder of curated files that ships with the package."""
    return files(__package__)


def row_id(prefix: str, parts: Iterable[str]) -> str:
    """The identity of a row: the prefix and 20 hex digits over the cells that say which row it is."""
    # A unit separator cannot stand in a cell (see Row), so no two keys run together.
    return prefix + sha256("\x1f".join(parts).encode()).hexdigest()[:20]


def schema_of(model: type[Row], row_ids: tuple[str, ...] = ()) -> pa.Schema:
    """What the rows of a file become: its columns, after the ids that reading adds."""

    def kind(annotation: Any) -> pa.DataType:
        said = (annotation, *get_args(annotation))
        return DECIMAL if Decimal in said else pa.date32() if date in said else pa.string()

    columns = [(name, kind(field.annotation)) for name, field in model.model_fields.items()]
    return pa.schema([(name, pa.string()) for name in row_ids] + columns)


Cells = dict[str, str]


def checked(model: type[Model], file: str, line: int, cells: Cells, context: Any = None) -> Model | RefusedRow:
    """What the model makes of one row."""
    try:
        return model.model_validate(cells, context=context)
    except ValidationError as error:
        return RefusedRow(file, line, refusal(error))


def read_rows(
    file: str, data: bytes, model: type[Model], context: Any = None
) -> Iterator[tuple[int, Cells, Model | RefusedRow]]:
    """The rows of one CSV: first line, cells as written, and what the model makes of them, or why it refuses them.

    :param context: what the model is told beside the row.
    :raises CuratedError: the file as a whole cannot be read: not UTF-8, an open quote, another header.
    """
    columns = model.header()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CuratedError(f"{file}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        if tuple(header) != columns:
            missing, extra = [c for c in columns if c not in header], [c for c in header if c not in columns]
            raise CuratedError(
                f"{file}, line 1: the header must be {','.join(columns)}"
                f" (missing: {', '.join(missing) or 'none'}; not known: {', '.join(extra) or 'none'})"
            )
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                row = dict(zip(columns, cells, strict=False))
                if len(cells) == len(columns):
                    yield line, row, checked(model, file, line, row, context)
                else:
                    why = f"{len(cells)} cells, the header has {len(columns)}: a comma too many or too few?"
                    yield line, row, RefusedRow(file, line, why)
            line = reader.line_num + 1
    except csv.Error as error:
        raise CuratedError(f"{file}, line {line}: not readable as CSV: {error}") from None


def read_whole(
    name: str,
    directory: Path | Traversable | None,
    model: type[Model],
    identity: Callable[[Cells], str],
    context: Any = None,
) -> dict[str, Model]:
    """The rows of a file in which one bad row spoils the rest (half a scenario is no scenario), by their identity.

    :param directory: None for the shipped folder.
    :raises CuratedError: the file is not there, or a row cannot be right or stands twice; names file and line.
    """
    source = (curated_dir() if directory is None else directory) / name
    if not source.is_file():
        raise CuratedError(f"{source}: not there; restore it from version control")
    found: dict[str, Model] = {}
    lines: dict[str, int] = {}
    for line, cells, row in read_rows(name, source.read_bytes(), model, context):
        if isinstance(row, RefusedRow):
            raise CuratedError(f"{name}, line {line}: {row.reason}")
        key = identity(cells)
        if key in found:
            raise CuratedError(f"{name}, line {line}: the same stands twice, first in line {lines[key]}")
        found[key], lines[key] = row, line
    return found
