"""A chain of compiled models over a few raw rows: from filings to whatever a test asks for.

Belongs here: making the raw tables from rows and running the models in order. Does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from ingest.rules import forms_table, spans_table
from orchestration.history import Model

Rows = Sequence[Mapping[str, Any]]

#: Which forms count and how long a quarter lasts holds for every test that does not say otherwise.
RULES: dict[str, Rows] = {"forms": forms_table().to_pylist(), "spans": spans_table().to_pylist()}


def raw_shapes(build: Path) -> dict[str, list[tuple[str, str]]]:
    """Columns and types of every raw table of a build file."""
    with duckdb.connect(str(build), read_only=True) as con:
        found = con.execute(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where schema_name = 'raw' and not internal order by table_name, column_index"
        ).fetchall()
    shapes: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in found:
        shapes.setdefault(table, []).append((column, kind))
    return shapes


@contextmanager
def chain(
    models: Iterable[Model], shapes: Mapping[str, list[tuple[str, str]]], raw: Mapping[str, Rows]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with `models` (in an order that can be run) made from raw tables that hold just these rows; a column
    that a row leaves out is NULL, a table that is not given is empty, save the rules."""
    con = duckdb.connect(config={"threads": 1})
    try:
        con.execute("attach ':memory:' as build; use build; create schema raw")
        for table, columns in shapes.items():
            con.execute(f"create table raw.{table} ({', '.join(f'{name} {kind}' for name, kind in columns)})")
            for row in raw.get(table, RULES.get(table, ())):
                names, places = ", ".join(row), ", ".join("?" for _ in row)
                con.execute(f"insert into raw.{table} ({names}) values ({places})", list(row.values()))
        for model in models:
            con.execute(f"create schema if not exists {model.schema}")
            kind = "view" if model.materialized == "view" else "table"
            con.execute(f"create {kind} {model.schema}.{model.name} as {model.sql}")
        yield con
    finally:
        con.close()
