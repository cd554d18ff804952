"""The published tables as a data package (frictionlessdata.io, Data Package 1): CSV files and what their columns mean.

Belongs here: files, types and texts of the package. Does not belong here: which numbers, how a cell looks (formats.py).

Same published file, same bytes: rows in a fixed order, and the day of the publish for the day of the files.
"""

from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.formats import csv, json
from warehouse.readers.read import query

#: DuckDB's type, up to its first bracket -> the package's.
_TYPES = {"BIGINT": "integer", "INTEGER": "integer", "DECIMAL": "number", "DATE": "date", "BOOLEAN": "boolean"}
_README = """\
{title}, as published on {day}.

data/*.csv: one file a table, UTF-8, a header, whole US dollars, shares between 0 and 1, days as 2026-07-26. An empty
cell is no value. A list of statements is separated by spaces; each is a row of data/citations.csv, with accession,
form, day filed and address. Text that a spreadsheet would take for a formula starts with an apostrophe.

datapackage.json: what every table and column means, its type, and the SHA-256 of every file.

Before you quote a number: the shares of scenarios are assumptions; Microsoft's share of NVIDIA is an estimate;
required revenue is what one year's chips must earn over their life, not every year. is_like_for_like and value_kind
say the rest.
"""


def write_package(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    """Write every table of schema marts into a zip file; returns table -> rows.

    :param path: written as it is; see outfile.new_file for writing it whole or not at all.
    """
    build = query(connection, "from meta.build").as_dicts()[0]
    built_at = build["built_at"].astimezone(UTC)
    tables = query(connection, "select table_name, comment from duckdb_tables() where schema_name = 'marts' order by 1")
    resources, rows = [], {}
    with zipfile.ZipFile(path, "w") as packed:
        for name, meaning in tables.rows:
            found = query(connection, f"from marts.{name} order by all")
            data = csv(found.columns, found.rows).encode()
            resources.append(_resource(connection, name, meaning or "", data))
            rows[name] = len(found.rows)
            _add(packed, f"data/{name}.csv", data, built_at)
        package = _package(build, built_at, resources)
        _add(packed, "datapackage.json", json(package).encode(), built_at)
        readme = _README.format(title=package["title"], day=built_at.date())
        _add(packed, "README.txt", readme.encode(), built_at)
    return rows


def write_folder(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write every table of schema marts as CSV and as Parquet into `folder`, with a datapackage.json beside them."""
    resources = []
    tables = query(connection, "select table_name, comment from duckdb_tables() where schema_name = 'marts' order by 1")
    for name, meaning in tables.rows:
        found = query(connection, f"from marts.{name} order by all")
        data = csv(found.columns, found.rows).encode()
        (folder / f"{name}.csv").write_bytes(data)
        parquet = str(folder / f"{name}.parquet").replace("'", "''")
        connection.execute(f"copy (from marts.{name} order by all) to '{parquet}' (format parquet)")
        resources.append(_resource(connection, name, meaning or "", data) | {"path": f"{name}.csv"})
    build = query(connection, "from meta.build").as_dicts()[0]
    package = _package(build, build["built_at"].astimezone(UTC), resources)
    (folder / "datapackage.json").write_text(json(package), "utf-8")


def _package(build: dict[str, Any], built_at: datetime, resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "profile": "tabular-data-package",
        "name": "ai-revenue-gap",
        "title": "The AI revenue gap, quarter by quarter, from public filings",
        "version": build["aigap_version"],
        "created": built_at.isoformat(timespec="seconds"),
        "description": f"Generation {build['generation']}; newest filing {build['newest_filing_on']} "
        f"({build['newest_accession']}); content hash {build['content_hash']}.",
        "licenses": [
            {"name": "MIT", "title": "the compilation"},
            {"name": "CC-BY-4.0", "title": "figures whose source is Epoch AI", "path": "https://epoch.ai"},
        ],
        "sources": [{"title": "SEC EDGAR", "path": "https://www.sec.gov"}, {"title": "data/citations.csv, row by row"}],
        "resources": resources,
    }


def _resource(connection: duckdb.DuckDBPyConnection, name: str, meaning: str, data: bytes) -> dict[str, Any]:
    columns = query(
        connection,
        "select column_name, data_type, comment from duckdb_columns() "
        f"where schema_name = 'marts' and table_name = '{name}' order by column_index",
    ).rows
    return {
        "profile": "tabular-data-resource",
        "name": name.replace("_", "-"),
        "title": f"marts.{name}",
        "description": meaning,
        "path": f"data/{name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(data),
        "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "schema": {
            "fields": [
                {"name": column, "type": _TYPES.get(kind.split("(")[0], "string"), "description": comment or ""}
                for column, kind, comment in columns
            ],
            "missingValues": [""],
        },
    }


def _add(packed: zipfile.ZipFile, name: str, data: bytes, at: datetime) -> None:
    about = zipfile.ZipInfo(name, (max(at.year, 1980), *at.timetuple()[1:6]))
    about.compress_type, about.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    about.create_system = 3  # whatever machine it is made on
    packed.writestr(about, data)
