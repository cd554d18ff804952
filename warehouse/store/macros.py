"""The SQL at the reader's edge of a published file: its table macros, views and what a shell is told of them.

Belongs here: the text of the macros, which follows from reader_macros.sql and from which marts have versions, and the
comments and views beside them. Does not belong here: writing the file (publish.py), derivation (dbt_project).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb

from warehouse.store.verify import literal, quoted, tables_of

#: A common table expression, `moved`, over two others, `before` and `after`, with rows of ai_revenue_gap.
GAP_MOVED = Path(__file__).with_name("gap_moved.sql").read_text("utf-8")
#: All macros but those that follow from which marts there are.
SHARED = Path(__file__).with_name("reader_macros.sql").read_text("utf-8").replace("    -- gap_moved.sql\n", GAP_MOVED)
_MACRO = re.compile(
    r"((?:^-- .*\n)*)^create or replace macro marts\.(\w+)\(([^)]*)\) as( table)?", re.MULTILINE | re.IGNORECASE
)
_AS_OF = """
-- marts.{mart} as it was known on a day.
-- Example: from {mart}_as_of(date '2024-06-20')
create or replace macro marts.{mart}_as_of(as_of_date) as table
    select * exclude (known_to)
    from marts.{mart}_versions
    where known_from <= marts.known_day(as_of_date) and (known_to is null or known_to > marts.known_day(as_of_date))
    order by all;
"""


class Macro(NamedTuple):
    """One macro of schema marts. `is_table`: it gives rows, not one value."""

    name: str
    is_table: bool
    comment: str


def reader_macros(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> str:
    """The text of all macros for the marts of a database: those of reader_macros.sql, and `<mart>_as_of` of each mart
    that has versions."""
    shared, rest = SHARED.split("-- As of a day\n")
    versioned = [table for table in tables_of(connection, "marts", database) if table.endswith("_versions")]
    as_of = [_AS_OF.format(mart=table.removesuffix("_versions")) for table in versioned]
    return shared + "".join(as_of) + rest


def macros_in(text: str) -> Iterator[Macro]:
    """The macros that a text makes, each with what the lines above it say."""
    for comment, name, _, is_table in _MACRO.findall(text):
        yield Macro(name, bool(is_table), comment.replace("-- ", "").strip())


def surroundings(connection: duckdb.DuckDBPyConnection, macros: str, database: str) -> Iterator[str]:
    """The statements that make a plain shell at home in the current database: comments on macros, and in its schema
    main the macros and a view of each mart, with the mart's comments.

    :param database: where the tables of schema marts and their comments are read.
    """
    # A shell opens in schema main: there the macros answer without `marts.` in front.
    yield re.sub(r"\b(macro\s+)marts\.", r"\1main.", macros, flags=re.IGNORECASE)
    for macro in macros_in(macros):
        for schema in ("marts", "main"):
            kind = "macro table" if macro.is_table else "macro"
            yield f"comment on {kind} {schema}.{quoted(macro.name)} is {literal(macro.comment)}"
    taken = {macro.name for macro in macros_in(macros)}
    for table in tables_of(connection, "marts", database):
        if table not in taken:
            yield f"create view main.{quoted(table)} as select * from marts.{quoted(table)}"
    comments = connection.execute(
        "select table_name, null as column_name, comment from duckdb_tables() "
        f"where database_name = {literal(database)} and schema_name = 'marts' and comment is not null union all "
        "select table_name, column_name, comment from duckdb_columns() "
        f"where database_name = {literal(database)} and schema_name = 'marts' and comment is not null order by all"
    ).fetchall()
    for table, column, comment in comments:
        if table not in taken:
            what = f"view main.{quoted(table)}" if column is None else f"column main.{quoted(table)}.{quoted(column)}"
            yield f"comment on {what} is {literal(comment)}"
