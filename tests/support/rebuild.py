"""The compiled models once more, in memory: with their SQL changed, or over other raw tables, and the project's own
checks of them.

Belongs here: rebuilding from a build file and a compiled dbt manifest, and running dbt's data tests, unit tests and
contracts and the golden values against the rebuild. Does not belong here: what to change, or what must come of it.
"""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import duckdb

from orchestration.history import Model, compiled_models
from support.chain import RULES, raw_shapes
from warehouse.store.macros import reader_macros

#: A model as compiled SQL names it. The database is named after the build file, build.duckdb.
_RELATION = re.compile(r'"build"\."\w+"\."(\w+)"')


def _memory() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
    con.execute("attach ':memory:' as build")
    con.execute("use build")
    return con


def _create(con: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    for model in models:
        con.execute(f"create schema if not exists {model.schema}")
        kind = "view" if model.materialized == "view" else "table"
        con.execute(f"create or replace {kind} {model.schema}.{model.name} as {model.sql}")


@contextmanager
def rebuilt(
    build: Path, models: Iterable[Model], raw: Mapping[str, str] | None = None, macros: bool = True
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with every model made from the raw tables of `build`, which is only read.

    :param raw: raw table -> what to select in its place; `origin.raw.<table>` is the table itself.
    :param macros: with the reader macros, which need every mart.
    """
    con = _memory()
    try:
        con.execute(f"attach '{str(build).replace(chr(39), chr(39) * 2)}' as origin (read_only)")
        con.execute("create schema raw")
        for (table,) in con.execute(
            "select table_name from duckdb_tables() where database_name = 'origin' and schema_name = 'raw'"
        ).fetchall():
            select = (raw or {}).get(table, f"select * from origin.raw.{table}")
            con.execute(f"create view raw.{table} as {select}")
        _create(con, models)
        if macros:
            con.execute(reader_macros(con))
        yield con
    finally:
        con.close()


# --- what depends on what -------------------------------------------------------------------------


def read_by(sql: str) -> set[str]:
    """The models and raw tables that compiled SQL names."""
    return set(_RELATION.findall(sql))


def _between(models: list[Model], changed: str, wanted: Collection[str]) -> list[Model]:
    """`changed` and what depends on it, as far as `wanted` needs it; `models` stand in an order that can be run."""
    stale = {changed}
    for model in models:
        if read_by(model.sql) & stale:
            stale.add(model.name)
    needed = set(wanted)
    for model in reversed(models):
        if model.name in needed:
            needed |= read_by(model.sql)
    return [model for model in models if model.name in stale & needed]


# --- checks ---------------------------------------------------------------------------------------


class Check(NamedTuple):
    """One of the project's own checks: what it reads, and whether a rebuild passes it."""

    name: str
    reads: frozenset[str]
    passes: Callable[[duckdb.DuckDBPyConnection], bool]
    #: What selects the rows that fail; empty for a check that is no query.
    sql: str = ""


def _no_rows(sql: str, con: duckdb.DuckDBPyConnection) -> bool:
    return con.execute(f"select 1 from ({sql}\n) limit 1").fetchone() is None


def _data_tests(nodes: Iterable[dict[str, Any]]) -> Iterator[Check]:
    for node in nodes:
        if node["resource_type"] == "test":
            sql = node["compiled_code"]
            yield Check(f"dbt {node['name']}", frozenset(read_by(sql)), partial(_no_rows, sql), sql)


def _contracts(nodes: Iterable[dict[str, Any]]) -> Iterator[Check]:
    """The NOT NULL columns of a contract, which dbt enforces when it makes the table."""
    for node in nodes:
        required = [
            column["name"]
            for column in node["columns"].values()
            if any(constraint["type"] == "not_null" for constraint in column.get("constraints", []))
        ]
        if node["resource_type"] == "model" and required:
            sql = f"from {node['schema']}.{node['name']} where {' is null or '.join(required)} is null"
            yield Check(f"contract {node['name']}", frozenset([node["name"]]), partial(_no_rows, sql))


def blocking_checks(manifest: Path) -> Iterator[Check]:
    """The data tests and contracts of a compiled manifest: what a build must pass before it is published."""
    nodes = json.loads(manifest.read_text("utf-8"))["nodes"].values()
    yield from _data_tests(node for node in nodes if node["config"].get("severity", "error").lower() == "error")
    yield from _contracts(nodes)


def _calls(test: Callable[..., None]) -> list[dict[str, Any]]:
    """The arguments of each case of a test, without fixtures."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        return [{}]
    ((names, values),) = (mark.args for mark in marks)
    names = [names] if isinstance(names, str) else names
    return [dict(zip(names, value if len(names) > 1 else [value], strict=True)) for value in values]


def _asserts_hold(test: Callable[..., None], fixture: Any) -> bool:
    try:
        for arguments in _calls(test):
            test(fixture, **arguments)
    except (
        AssertionError,
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
    ):  # a row or value that is not there
        return False
    return True


def golden_checks(module: ModuleType, marts: Collection[str]) -> Iterator[Check]:
    """Each test of a module whose only fixture is the connection `con`."""
    for name, test in vars(module).items():
        if name.startswith("test_"):
            named = set(re.findall(r"\bmarts\.(\w+)", inspect.getsource(test)))
            # What a macro reads is not in the test.
            reads = named if named <= set(marts) else marts
            yield Check(f"golden {name}", frozenset(reads), partial(_asserts_hold, test))


Rows = list[dict[str, Any]]


def run_alone(model: Model, shapes: duckdb.DuckDBPyConnection, given: Mapping[str, str | Rows]) -> Rows:
    """The rows of a model over nothing but the rows given.

    :param shapes: a connection to a build, whose tables have the columns that a given row may leave out (null).
    :param given: table -> rows, or SQL that selects them; a table that is not given is empty, save the rules.
    """
    relations = {match[1]: match[0] for match in _RELATION.finditer(model.sql)}
    assert given.keys() <= relations.keys(), f"{model.name} does not read {given.keys() - relations.keys()}"
    con = _memory()
    try:
        for name, relation in relations.items():
            columns = shapes.execute(f"select column_name, column_type from (describe {relation})").fetchall()
            con.execute(f"create schema if not exists {relation.rpartition('.')[0]}")
            con.execute(f"create table {relation} ({', '.join(f'{column} {kind}' for column, kind in columns)})")
            rows = given.get(name, RULES.get(name.removeprefix("stg_rules__"), []))
            if isinstance(rows, str):
                con.execute(f"insert into {relation} by name {rows}")
                continue
            for row in rows:
                names, places = ", ".join(row), ", ".join("?" for _ in row)
                con.execute(f"insert into {relation} ({names}) values ({places})", list(row.values()))
        found = con.execute(model.sql)
        return [dict(zip([c[0] for c in found.description], row, strict=True)) for row in found.fetchall()]
    finally:
        con.close()


def _as_text(row: Mapping[str, Any], columns: Iterable[str]) -> tuple[str | None, ...]:
    return tuple(None if row[column] is None else str(row[column]) for column in columns)


def _unit_test_passes(test: dict[str, Any], run: RunModel) -> bool:
    given = {re.findall(r"'(\w+)'", table["input"])[-1]: table["rows"] for table in test["given"]}
    expected = test["expect"]["rows"]
    found = run(test["model"], **given)
    return Counter(_as_text(row, expected[0]) for row in found) == Counter(
        _as_text(row, expected[0]) for row in expected
    )


class RunModel:
    """What a test of single models is given: run(name, table=rows, ...) gives the rows of the model as dicts."""

    def __init__(self, models: Iterable[Model], shapes: duckdb.DuckDBPyConnection) -> None:
        self._models = {model.name: model for model in models}
        self._shapes = shapes

    def __call__(self, name: str, **given: str | Rows) -> Rows:
        return run_alone(self._models[name], self._shapes, given)


class UnitTest(NamedTuple):
    """A test of single models over rows of its own: which models it runs, and whether they pass."""

    name: str
    models: frozenset[str]
    passes: Callable[[RunModel], bool]


def _unit_tests(tests: Iterable[dict[str, Any]]) -> Iterator[UnitTest]:
    for test in tests:
        yield UnitTest(f"unit {test['name']}", frozenset([test["model"]]), partial(_unit_test_passes, test))


def rule_tests(module: ModuleType) -> Iterator[UnitTest]:
    """Each test of a module whose only fixture is `run`."""
    for name, test in vars(module).items():
        if name.startswith("test_"):
            models = frozenset(re.findall(r'\brun\(\s*"(\w+)"', inspect.getsource(test)))
            yield UnitTest(f"rule {name}", models, partial(_asserts_hold, test))


def _chain_tests(module: ModuleType) -> Iterator[tuple[str, Callable[..., None]]]:
    """Each test of a module whose first fixture is the `run` that its `runner` makes of models."""
    for name, test in vars(module).items():
        if name.startswith("test_"):
            yield f"chain {name}", test


class Project:
    """The models of one compiled manifest over one build file, and every check of them.

    A class because the tables are made once and each change of a model is undone: a rebuild of a few tables costs a
    tenth of a rebuild of all.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        build: Path,
        manifest: Path,
        golden: Iterable[ModuleType],
        rules: ModuleType,
        chains: ModuleType,
    ) -> None:
        content = json.loads(manifest.read_text("utf-8"))
        self._con = con
        self._models = compiled_models(manifest, None)
        marts = {model.name for model in self._models if model.schema == "marts"}
        nodes = content["nodes"].values()
        values = (check for module in golden for check in golden_checks(module, marts))
        checks = [*_data_tests(nodes), *_contracts(nodes), *values]
        units = [*_unit_tests(content["unit_tests"].values()), *rule_tests(rules)]
        self._checks = {check.name: check for check in checks}
        self._units = {unit.name: unit for unit in units}
        self._chain = {model.name for model in compiled_models(manifest, chains.WANTED)}
        self._chains, self._chains_of = dict(_chain_tests(chains)), partial(chains.runner, shapes=raw_shapes(build))

    @property
    def checks(self) -> list[str]:
        """The names of all checks, as `failed` gives them."""
        return [*self._checks, *self._units, *self._chains]

    def changed(self, name: str, changes: Iterable[tuple[str, str]]) -> Model:
        """A model with texts in its SQL replaced, every place of each.

        :raises AssertionError: a text is not there.
        """
        (model,) = (model for model in self._models if model.name == name)
        for old, new in changes:
            assert old in model.sql, f"{name} holds no {old!r} any more"
            model = replace(model, sql=model.sql.replace(old, new))
        return model

    def failed(self, mutant: Model | None = None, only: Collection[str] | None = None) -> list[str]:
        """Which checks fail with `mutant` in the place of its original; of all checks, or only of those named."""
        named = set(self.checks if only is None else only)
        assert named <= set(self.checks), f"no such check: {named - set(self.checks)}"
        units = [unit for name, unit in self._units.items() if name in named]
        checks = [check for name, check in self._checks.items() if name in named]
        models = self._models
        if mutant:
            models = [mutant if model.name == mutant.name else model for model in models]
            units = [unit for unit in units if mutant.name in unit.models]
            checks = [check for check in checks if _between(models, mutant.name, check.reads)]
        run = RunModel(models, self._con)
        found = [unit.name for unit in units if not unit.passes(run)]
        if mutant is None or mutant.name in self._chain:
            runner = self._chains_of([model for model in models if model.name in self._chain])
            found += [name for name, test in self._chains.items() if name in named and not _asserts_hold(test, runner)]
        self._con.begin()
        try:
            if mutant:
                reads = {name for check in checks for name in check.reads}
                _create(self._con, _between(models, mutant.name, reads))
            return found + [check.name for check in checks if not check.passes(self._con)]
        finally:
            self._con.rollback()
