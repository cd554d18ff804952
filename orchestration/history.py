"""The marts rebuilt from what was public on a day: as a file (`aigap as-of`), and as the proof that no number looks
ahead (`aigap verify-history`), compared with the as-of tables.

Belongs here: the rebuild at a day and the comparison. Does not belong here: deriving anything; the rebuild runs the
very SQL that dbt compiled.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from warehouse.settings import memory_limit
from warehouse.store.home import Home
from warehouse.store.publish import BuildInfo, Published, copy_definitions, publish
from warehouse.store.verify import literal

#: Raw tables that carry knowledge, and the column that says since when. The rest of raw is configuration, or, like
#: what is set aside, of no number.
_DATED = {
    "xbrl_facts": "filed_on",
    "filings": "filed_on",
    "curated_figures": "known_on",
    "ai_revenue_edges": "known_on",
    "scenario_parameters": "known_on",
    "decisions": "decided_on",
}
#: What was read of filings that were not public yet; the rest of raw has no day.
_BY_FILING = ("payloads",)


@dataclass(frozen=True)
class Model:
    """One dbt model as compiled: schema, name, view or table, and its SELECT."""

    schema: str
    name: str
    materialized: str
    sql: str


@dataclass(frozen=True)
class Difference:
    """A mart that a rebuild at `day` does not reproduce: rows only in the rebuild, rows only in the as-of table."""

    day: date
    mart: str
    only_rebuilt: int
    only_as_of: int
    example: str


def versioned_marts(names: Iterable[str]) -> list[str]:
    """Of these tables those that have versions beside them, whose open ones they must equal on every day."""
    known = set(names)
    return sorted(name for name in known if f"{name}_versions" in known)


def compiled_models(manifest: Path, marts: Collection[str] | None) -> list[Model]:
    """The models of a compiled dbt manifest that `marts` need, in an order that can be run.

    :param manifest: target/manifest.json of a finished `dbt build` or `dbt compile`.
    :param marts: names of models; None for all there are.
    :raises ValueError: a model has not been compiled.
    """
    nodes = {
        key: node
        for key, node in json.loads(manifest.read_text("utf-8"))["nodes"].items()
        if node["resource_type"] == "model"
    }
    wanted = [key for key, node in nodes.items() if marts is None or node["name"] in marts]
    order: list[str] = []

    def visit(key: str) -> None:
        if key in order or key not in nodes:
            return
        for parent in nodes[key]["depends_on"]["nodes"]:
            visit(parent)
        order.append(key)

    for key in sorted(wanted):
        visit(key)
    models = []
    for key in order:
        node = nodes[key]
        if not node.get("compiled_code"):
            raise ValueError(f"{manifest}: model {node['name']} is not compiled; run `aigap refresh` first")
        models.append(Model(node["schema"], node["name"], node["config"]["materialized"], node["compiled_code"]))
    return models


def models_with_history(manifest: Path) -> list[Model]:
    """What `differences_at` compares: the marts that have versions, and all that they need."""
    names = (model.name for model in compiled_models(manifest, None) if model.schema == "marts")
    return compiled_models(manifest, versioned_marts(names))


def knowledge_days(build: Path) -> list[date]:
    """Every day on which something that a versioned mart rests on became public, oldest first."""
    with duckdb.connect(str(build), read_only=True) as con:
        names = con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        marts = versioned_marts(name for (name,) in names)
        unions = " union ".join(f"select known_from as day from marts.{mart}_versions" for mart in marts)
        return [row[0] for row in con.execute(f"select day from ({unions}) order by day").fetchall()]


def differences_at(build: Path, models: Collection[Model], day: date) -> list[Difference]:
    """Rebuild from the facts public on `day` and compare each versioned mart with its as-of rows.

    :param build: the build file of the current state, with raw and marts; opened read-only.
    :param models: of the marts to compare, with their versions' and whatever they need.
    :returns: one Difference per mart that is not the same row for row; empty when the history is honest.
    """
    found = []
    marts = versioned_marts(model.name for model in models if model.schema == "marts")
    with tempfile.TemporaryDirectory() as folder, _rebuilt(build, models, day, Path(folder) / build.name) as con:
        for mart in marts:
            rebuilt = f"select * from marts.{mart}"
            as_of = (
                f"select * exclude (known_to) from everything.marts.{mart}_versions "
                f"where known_from <= date '{day}' and (known_to is null or known_to > date '{day}')"
            )
            only_rebuilt = con.sql(f"({rebuilt}) except all ({as_of})").fetchall()
            only_as_of = con.sql(f"({as_of}) except all ({rebuilt})").fetchall()
            if only_rebuilt or only_as_of:
                example = f"rebuilt {only_rebuilt[:1]}, as of {only_as_of[:1]}"
                found.append(Difference(day, mart, len(only_rebuilt), len(only_as_of), example))
    return found


def published_as_of(build: Path, models: Collection[Model], day: date, folder: Path) -> Published:
    """A published file as it would have been on `day`: every mart, with its types, keys, comments and macros.

    :param build: as of differences_at. :param models: all there are.
    :param folder: an empty one, on the file system the file is to end up on; it becomes a home.
    :raises PublishError: nothing was known by then.
    """
    home = Home(folder)
    with _rebuilt(build, models, day, home.build, is_kept=True):
        pass
    note = f"rebuilt from what was public by {day}; the checks ran on the file of today, not on this one"
    return publish(home, BuildInfo("", "", 0, (note,)))


@contextmanager
def _rebuilt(
    build: Path, models: Collection[Model], day: date, file: Path, *, is_kept: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The models run over what was public on `day`, with the build file attached as `everything`.

    :param file: named as the build file is, for so the compiled SQL names its database.
    :param is_kept: the marts get the definitions they have in the build file, and raw is copied: `file` is then a build
        file of its own.
    """
    con = duckdb.connect(str(file), config={"threads": 2, "memory_limit": memory_limit()})
    try:
        con.execute(f"attach {literal(str(build))} as everything (read_only)")
        con.execute("create schema raw")
        of_raw = "select table_name from duckdb_tables() where database_name = 'everything' and schema_name = 'raw'"
        for (table,) in con.execute(of_raw).fetchall():
            source = f"select {_columns(table, day)} from everything.raw.{table} where {_known(table, day)}"
            con.execute(f"create {'table' if is_kept else 'view'} raw.{table} as {source}")
        for schema in sorted({model.schema for model in models}):
            con.execute(f"create schema if not exists {schema}")
        if is_kept:
            con.execute("create schema meta")
            copy_definitions(con, "meta", "everything")
            copy_definitions(con, "marts", "everything")
        for model in models:
            if is_kept and model.schema == "marts":
                con.execute(f"insert into marts.{model.name} by name {model.sql}")
            else:
                kind = "view" if model.materialized == "view" else "table"
                con.execute(f"create {kind} {model.schema}.{model.name} as {model.sql}")
        yield con
    finally:
        con.close()


def _columns(table: str, day: date) -> str:
    if table == "curated_figures":  # what was corrected later was still said on that day
        return f"* replace (if(withdrawn_on > date '{day}', null, withdrawn_on) as withdrawn_on)"
    return "*"


def _known(table: str, day: date) -> str:
    late = f"accession in (select accession from everything.raw.filings where known_from > date '{day}')"
    known = f"{_DATED[table]} <= date '{day}'" if table in _DATED else "true"
    # A filing whose acceptance time puts it after its filing date.
    return f"{known} and not coalesce({late}, false)" if table in ("xbrl_facts", *_BY_FILING) else known
