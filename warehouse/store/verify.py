"""What a DuckDB file holds, as hashes and counts; run as a script, the audit of one file in a process of its own.

Belongs here: reading a file the way a stranger would. Does not belong here: any import from the rest of the
project (the script runs by its path, isolated), any write.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import duckdb


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string.

    Statements here carry their values as text: the first bound parameter makes DuckDB's Python client import pandas and
    pyarrow (0.9 s, measured), many times what the query takes.
    """
    return "'" + text.replace("'", "''") + "'"


def _database(name: str | None) -> str:
    return literal(name) if name else "current_database()"


def tables_of(connection: duckdb.DuckDBPyConnection, schema: str, database: str | None = None) -> list[str]:
    """Names of the tables of `schema` (of the attached `database`, else the current one), sorted."""
    rows = connection.execute(
        f"select table_name from duckdb_tables() where schema_name = {literal(schema)} "
        f"and database_name = {_database(database)} order by table_name"
    ).fetchall()
    return [row[0] for row in rows]


def table_hash(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, database: str | None = None
) -> tuple[int, str]:
    """Row count of a table, and SHA-256 over its column names, types and rows, whatever order they lie in."""
    columns = connection.execute(
        f"select column_name, data_type from duckdb_columns() where schema_name = {literal(schema)} "
        f"and table_name = {literal(table)} and database_name = {_database(database)} order by column_index"
    ).fetchall()
    # Each cell with its length in front, so that no two rows share a text; NULL apart from ''. Not one long chain of
    # ||: that takes twice as long to plan.
    cells = ", ".join(
        f"coalesce(length({quoted(c)}::varchar) || ':' || {quoted(c)}::varchar, 'N'), ','" for c, _ in columns
    )
    where = ".".join(quoted(part) for part in (database, schema, table) if part)
    row = connection.execute(
        "select count(*), sha256(coalesce(string_agg(line, '' order by line), '')) "
        f"from (select sha256(concat({cells})) as line from {where})"
    ).fetchone()
    assert row is not None
    text = json.dumps([table, columns, row[1]])
    return row[0], hashlib.sha256(text.encode()).hexdigest()


def schema_hash(
    connection: duckdb.DuckDBPyConnection, schema: str, database: str | None = None
) -> tuple[dict[str, int], str]:
    """Row count of each table of `schema`, and one SHA-256 over all of them: the content hash.

    The same rows give the same hash whatever the machine, clock zone, thread count or row order; the bytes
    of a DuckDB file do not.
    """
    connection.execute("set TimeZone = 'UTC'")
    counts, digest = {}, hashlib.sha256()
    for table in tables_of(connection, schema, database):
        counts[table], one = table_hash(connection, schema, table, database)
        digest.update(one.encode())
    return counts, digest.hexdigest()


def structure_hash(connection: duckdb.DuckDBPyConnection, macros: str, database: str | None = None) -> str:
    """SHA-256 over the definitions and comments of schema marts, and the text of the macros."""
    tables = connection.execute(
        "select table_name, sql, comment from duckdb_tables() "
        f"where schema_name = 'marts' and database_name = {_database(database)} order by all"
    ).fetchall()
    columns = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        f"where schema_name = 'marts' and database_name = {_database(database)} order by all"
    ).fetchall()
    return hashlib.sha256(json.dumps([tables, columns, macros]).encode()).hexdigest()


def _bound_macros(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the macros of schema marts, each proved to bind by planning a call with NULLs."""
    rows = connection.execute(
        "select function_name, len(parameters), function_type = 'table_macro' from duckdb_functions() "
        "where schema_name = 'marts' and function_type in ('macro', 'table_macro') order by all"
    ).fetchall()
    for name, parameters, is_table in rows:
        for schema in ("marts", "main"):
            call = f"{schema}.{quoted(name)}({', '.join(['null'] * parameters)})"
            connection.execute(f"explain select {'* from ' * is_table}{call}")
    return [row[0] for row in rows]


def inspect(path: str) -> dict[str, Any]:
    """Everything the audit compares, read from every block of the file.

    :raises duckdb.Error: the file cannot be opened, or a block of it is damaged.
    """
    config: dict[str, Any] = {"threads": 2, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    with duckdb.connect(path, read_only=True, config=config) as connection:
        marts, content = schema_hash(connection, "marts")
        meta = {table: table_hash(connection, "meta", table) for table in tables_of(connection, "meta")}
        stated = connection.execute("select content_hash, generation from meta.build").fetchall()
        schemas = connection.execute(
            "select distinct schema_name from duckdb_tables() where not internal order by all"
        ).fetchall()
        return {
            "schemas": [row[0] for row in schemas],
            "marts": marts,
            "meta": {table: count for table, (count, _) in meta.items()},
            "content_hash": content,
            "accessions_hash": meta["processed_accessions"][1],
            "stated": [list(row) for row in stated],
            "macros": _bound_macros(connection),
        }


if __name__ == "__main__":
    try:
        print(json.dumps(inspect(sys.argv[1])))
    except duckdb.Error as error:
        sys.exit(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")
