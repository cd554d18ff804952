"""The SQL of models and data tests is Spark's as well as DuckDB's: rendered with Spark's macros, every file parses
as Spark SQL and calls only functions that mean there what they mean in DuckDB.

Belongs here: what can be seen without Spark. Does not belong here: what the numbers are.
"""

import re
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
from sqlfluff.core import FluffConfig, Linter

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
FILES = sorted([*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "tests").glob("*.sql")])
#: One name, one meaning in both engines, as the models use it. A new one belongs here after a look into both manuals.
#: concat() is the one to mind: given a NULL it is NULL in Spark, so no model gives it one.
IN_BOTH = {
    *(
        "abs",
        "cast",
        "coalesce",
        "concat",
        "count",
        "exp",
        "floor",
        "greatest",
        "lag",
        "last_day",
        "lead",
        "least",
        "ln",
    ),
    *(
        "max",
        "min",
        "mod",
        "month",
        "nullif",
        "quarter",
        "regexp_extract",
        "regexp_replace",
        "replace",
        "right",
        "round",
    ),
    *("row_number", "split", "split_part", "substr", "sum", "try_cast", "year"),
}
#: What the Spark side of macros/dialect.sql calls.
IN_SPARK = {
    *("array", "array_distinct", "array_join", "array_sort", "array_union", "collect_list", "date_add", "datediff"),
    *("explode", "flatten", "sequence"),
}
LINTER = Linter(config=FluffConfig(overrides={"dialect": "sparksql", "templater": "raw"}))


class SparkAdapter:
    """What `adapter` is to a macro in a Spark build, as far as this project asks it."""

    def __init__(self, macros: dict[str, Any]) -> None:
        self.macros = macros

    def dispatch(self, name: str, package: str) -> Callable[..., str]:
        return self.macros.get(f"spark__{name}") or self.macros[f"default__{name}"]


@pytest.fixture(scope="module")
def render() -> Callable[[str], str]:
    """Turns a model's file into the SQL that Spark would be given."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    macros = environment.globals
    macros.update(
        adapter=SparkAdapter(macros),
        config=lambda **settings: "",
        ref=lambda name: f"anywhere.{name}",
        source=lambda schema, name: f"{schema}.{name}",
        model={"columns": {"calendar_quarter": {}}},
    )
    macros["return"] = lambda value: value
    # Twice: a macro sees the macros that were there when its own file was loaded.
    for path in sorted((PROJECT / "macros").glob("*.sql")) * 2:
        module = environment.from_string(path.read_text("utf-8")).module
        macros.update({name: value for name, value in vars(module).items() if isinstance(value, jinja2.runtime.Macro)})
    return lambda text: environment.from_string(text).render()


def not_spark(sql: str) -> list[str]:
    """What Spark would not take, or would take to mean something else; empty for portable SQL."""
    parsed = LINTER.parse_string(sql)
    tree = parsed.root_variant().tree
    names = {name.raw.lower() for name in tree.recursive_crawl("function_name")}
    return [
        *(violation.desc() for violation in parsed.violations),
        *(f"{name}() is not known to mean the same in Spark" for name in sorted(names - IN_BOTH - IN_SPARK)),
        *(f"{literal.raw} is no array in Spark: use array_of()" for literal in tree.recursive_crawl("array_literal")),
        *(
            f"{text.raw} loses its apostrophe before Spark 4: use quoted()"
            for text in tree.recursive_crawl("quoted_literal")
            if "''" in text.raw[1:-1]
        ),
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_spark_reads_it_as_duckdb_does(path, render, request):
    sql = render(path.read_text("utf-8"))
    # Parsing one takes half a second: what passed is not read again until it, or this file, says something else.
    rule = Path(__file__).read_text("utf-8")
    key = f"spark/{path.stem}-{sha256((version('sqlfluff') + rule + sql).encode()).hexdigest()}"
    if request.config.cache.get(key, None) is None:
        assert not_spark(sql) == []
        request.config.cache.set(key, "passed")


@pytest.mark.parametrize(
    "sql",
    [
        "select a // b as c from t",
        "select [a] as ids from t",
        "select cast(a as varchar []) as ids from t",
        "select array_length(ids) as n from t",
        "select list_sort(ids) as ids from t",
        "select u.id from t cross join unnest(t.ids) as u (id)",
        "select * exclude (a) from t",
        "select 'a lab''s cloud' as reason from t",
    ],
)
def test_sql_that_only_duckdb_takes_is_found(sql):
    assert not_spark(sql)


@pytest.mark.parametrize("sql", ["select cast(a as string) as a, '' as b from t where c = 'x' and d <> ''"])
def test_portable_sql_is_not_accused(sql):
    assert not_spark(sql) == []


def test_a_row_with_a_null_has_a_state(render):
    """Spark's concat of a NULL is NULL, as || is in both; and nothing differs from NULL."""
    state = render("{{ state_of(['a', 'b', 'c']) }}")
    parts = re.split(r",(?=\s*(?:coalesce|'\|'))", state.removeprefix("concat(").removesuffix(")"))
    assert len(parts) == 5
    as_spark = " || ".join(parts)
    one, other = (
        duckdb.sql(f"select {as_spark} from (select 1 as a, {b} as b, ['x'] as c)").fetchone()[0]
        for b in ("null::bigint", "2::bigint")
    )
    assert (one, other) == ("1||[x]", "1|2|[x]")


def test_rows_are_compared_by_their_state_alone():
    """A text of its own would be NULL where one of its columns is."""
    comparing = [
        path for path in [*FILES, *(PROJECT / "macros").glob("*.sql")] if "previous_state" in path.read_text("utf-8")
    ]
    assert "knowledge.sql" in [path.name for path in comparing]
    for path in comparing:
        text = path.read_text("utf-8")
        assert "state_of(" in text, path.name
        assert not re.search(r"concat\([^;]{0,200}fact_ids", text), path.name
