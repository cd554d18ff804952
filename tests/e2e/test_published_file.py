"""The published file of a real refresh, read as a stranger would: DuckDB alone, then the reading commands."""

import csv
import io
import json
import re
import subprocess
import sys
from datetime import date

import duckdb
import pytest
from conftest import run_aigap as aigap

from warehouse.readers.doctor import FAIL, OK, WARN
from warehouse.readers.explain import calendar_quarter, explain, text
from warehouse.report.charts import VIEWS

_COMMENTED = "select table_name || '.' || column_name from duckdb_columns() where schema_name in ('marts', 'meta')"


@pytest.fixture(scope="module")
def con(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        yield connection


# --- the file --------------------------------------------------------------------------------------


def test_every_mart_is_published_and_has_rows(con, manifest):
    nodes = json.loads(manifest.read_text("utf-8"))["nodes"].values()
    marts = {n["name"] for n in nodes if n["resource_type"] == "model" and n["schema"] == "marts"}
    found = con.sql("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    assert {name for (name,) in found} == marts
    empty = [n for n in sorted(marts) if con.sql(f"select count(*) from marts.{n}").fetchone()[0] == 0]
    assert empty == ["review"], "nothing of what ships waits for a person"


def test_every_view_of_the_site_has_rows(con):
    charts = [view.chart(con) for view in VIEWS]
    assert [chart.id for chart in charts if not chart.rows.values] == []


def test_nothing_but_marts_and_meta_is_published(con):
    schemas = con.sql("select distinct schema_name from duckdb_tables() order by all").fetchall()
    assert schemas == [("marts",), ("meta",)]


def test_a_plain_shell_shows_the_marts_and_what_they_mean(con):
    marts = con.sql(
        "select table_name, comment from duckdb_tables() where schema_name = 'marts' order by all"
    ).fetchall()
    views = "select view_name, comment from duckdb_views() where schema_name = 'main' and not internal order by all"
    assert con.sql(views).fetchall() == marts
    assert [name for (name,) in con.sql("show tables").fetchall()] == [name for name, _ in marts]
    assert con.sql("from ai_revenue_gap").fetchall() == con.sql("from marts.ai_revenue_gap").fetchall()
    comments = "select table_name, column_name, comment from duckdb_columns() where not internal and schema_name = '{}'"
    assert (
        con.sql(comments.format("main")).order("all").fetchall()
        == con.sql(comments.format("marts")).order("all").fetchall()
    )
    assert con.sql("select what from columns_of('ai_revenue_gap') where column_name = 'gap_usd'").fetchone()[0]


def test_help_names_everything_with_an_example_that_runs(con):
    rows = con.sql("select kind, name, what, example from help()").fetchall()
    assert all(what and example for _, _, what, example in rows)
    for kind, _, _, example in rows:
        assert con.execute(example).fetchall() or kind == "table", example
    versions = con.sql("select table_name from duckdb_tables() where suffix(table_name, '_versions')").fetchall()
    as_of = {f"{name.removesuffix('_versions')}_as_of(as_of_date)" for (name,) in versions}
    assert as_of <= {name for kind, name, _, _ in rows if kind == "macro"}


def test_the_sources_of_any_mart_are_one_call_away(con):
    named = "select table_name from duckdb_columns() where schema_name = 'marts' and column_name = 'fact_ids'"
    marts = [name for (name,) in con.sql(named).fetchall()]
    assert {"cahn_scoreboard", "gap_sensitivity", "supply_state", "cloud_economics"} <= set(marts)
    for mart in marts:
        ids = con.sql(f"select coalesce(sum(len(fact_ids)), 0) from marts.{mart}").fetchone()
        assert con.sql(f"select count(*) from sources_of('{mart}')").fetchone() == ids, mart


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("gap_with(40, 50)", "a GPU share is above 0 and at most 1, such as 0.5; not 40"),
        ("gap_with(0, 0.5)", "GPU share"),
        ("gap_with(0.5, 1)", "end-user margin is at least 0 and below 1, such as 0.5; not 1"),
        ("gap_with(0.5, -0.1)", "an end-user margin"),
        ("gap_changes(date '2026-06-30', date '2026-04-01')", "from 2026-06-30 to 2026-04-01 runs backwards"),
        ("gap_changes(date '2026-06-30', date '2999-04-01')", "2999-04-01 is in the future"),
        ("capex_as_of(date '2999-01-01')", "2999-01-01 is in the future"),
        ("explain_gap('second quarter')", "second quarter is no quarter at hand: write 2026Q2"),
        ("explain_gap('2099Q1')", "no gap of 2099Q1 is published; marts.coverage says why"),
        ("explain_gap_as_of('2026Q2', date '2999-01-01')", "in the future"),
    ],
)
def test_a_macro_refuses_what_cannot_be_and_says_what_can(con, call, said):
    with pytest.raises(duckdb.Error, match=re.escape(said)):
        con.sql(f"from {call}").fetchall()


@pytest.mark.parametrize("typed", ["2026Q2", "2026-q2", " Q2 2026", "2Q26", "2q2026", "FY27Q2", "fy2027-q2", "latest"])
def test_a_quarter_is_taken_as_a_person_types_it(con, typed):
    assert con.execute(f"select calendar_quarter_of('{typed}')").fetchone() == ("2026Q2",)
    assert con.execute(f"select distinct calendar_quarter from explain_gap('{typed}')").fetchall() == [("2026Q2",)]
    assert calendar_quarter(con, typed) == "2026Q2"


def test_a_past_gap_comes_apart_as_it_was_then(con):
    day = "date '2026-06-30'"
    addends = con.sql(
        "select calendar_quarter, scenario, sum(signed_usd)::bigint "
        f"from ai_revenue_gap_components_as_of({day}) group by all order by all"
    ).fetchall()
    whole = "select calendar_quarter, scenario, coalesce(gap_usd, required_revenue_usd)"
    assert addends == con.sql(f"{whole} from gap_as_of({day}) order by all").fetchall() != []
    one = "select distinct scenario, component, signed_usd from"
    components = f"ai_revenue_gap_components_as_of({day}) where calendar_quarter = '2026Q1'"
    explained = con.sql(f"{one} explain_gap_as_of('2026Q1', {day}) order by all").fetchall()
    assert explained == con.sql(f"{one} {components} order by all").fetchall()
    filed_later = con.sql(f"select count(*) from explain_gap_as_of('2026Q1', {day}) where filed_on > {day}").fetchone()
    assert filed_later == (0,)


def test_every_table_and_column_explains_itself(con):
    tables = "select table_name from duckdb_tables() where schema_name in ('marts', 'meta') and comment is null"
    assert con.sql(tables).fetchall() == []
    assert con.sql(f"{_COMMENTED} and comment is null").fetchall() == []


def test_no_number_is_a_float_and_none_is_not_a_number(con):
    floats = con.sql(f"{_COMMENTED} and data_type in ('DOUBLE', 'FLOAT')").fetchall()
    assert floats == []


def test_money_is_whole_dollars_and_shares_are_exact(con):
    odd = con.sql(
        f"{_COMMENTED} and schema_name = 'marts' and ("
        "(column_name like '%\\_usd' escape '\\' and data_type not in ('BIGINT', 'INTEGER')) "
        "or (column_name like '%\\_share' escape '\\' and data_type not like 'DECIMAL%'))"
    ).fetchall()
    assert odd == []


def test_meta_says_how_it_was_made(con):
    rows = con.sql("select * exclude (built_at) from meta.build").fetchall()
    names = [name for (name,) in con.sql("select column_name from (describe meta.build)").fetchall()]
    assert len(rows) == 1
    build = dict(zip([n for n in names if n != "built_at"], rows[0], strict=True))
    assert build["generation"] == 1
    assert build["duckdb_version"] == duckdb.__version__
    assert build["checks_passed"] > 50
    assert build["newest_accession"]
    for name in ("bundle_hash", "curated_hash", "content_hash", "structure_hash", "accessions_hash"):
        assert len(build[name]) == 64, name
    assert con.sql("select count(*) from meta.processed_accessions where accession is null").fetchone() == (0,)


def test_every_addend_reaches_a_document(con):
    assert (
        con.sql(
            "select component.calendar_quarter, component.scenario, component.component "
            "from marts.ai_revenue_gap_components as component, unnest(component.fact_ids) as u (fact_id) "
            "left join marts.citations as citation on u.fact_id = citation.fact_id "
            "where citation.source_url is null or citation.source_url not like 'http%'"
        ).fetchall()
        == []
    )


def test_macros_answer_from_the_schema_a_shell_opens_in(con):
    names = con.sql(
        "select function_name from duckdb_functions() where schema_name = 'main' and not internal"
    ).fetchall()
    assert {"explain_gap", "gap_as_of", "gap_with"} <= {name for (name,) in names}
    total = con.sql("select required_revenue_usd from gap_with(0.5, 0.5) where calendar_quarter = '2026Q2'").fetchone()
    assert total == (1424368000000,)
    rows = con.sql("select count(*) filter (accession is not null) from explain_gap('2025Q3')").fetchone()
    assert rows[0] > 0


# --- the commands -----------------------------------------------------------------------------------


def test_show_and_sql_print_the_same_rows(refreshed):
    shown = json.loads(aigap(refreshed.home, "show", "--all", "--format", "json").stdout)
    sql = "from marts.ai_revenue_gap where scenario = 'measured' order by calendar_quarter desc"
    asked = json.loads(aigap(refreshed.home, "sql", sql, "--format", "json").stdout)
    assert shown == asked
    assert len(shown) == 34


def test_every_gap_explains_itself_to_the_dollar(con):
    for quarter, scenario, gap in con.sql(
        "select calendar_quarter, scenario, gap_usd from marts.ai_revenue_gap"
    ).fetchall():
        tree = explain(con, quarter, scenario)
        if gap is not None:
            assert sum(c["signed_usd"] for c in tree["components"]) == gap, (quarter, scenario)
        assert all(c["citations"] for c in tree["components"]), (quarter, scenario)
        assert "do NOT sum" not in text(tree)


def test_a_past_day_explains_itself_and_is_cited_as_it_was_then(con, refreshed):
    day = date(2026, 6, 30)
    tree = explain(con, "1Q26", as_of=day)
    (gap,) = con.sql(
        f"select gap_usd from gap_as_of(date '{day}') where calendar_quarter = '2026Q1' and scenario = 'measured'"
    ).fetchone()
    assert sum(c["signed_usd"] for c in tree["components"]) == tree["gap_usd"] == gap
    assert max(c["filed_on"] for component in tree["components"] for c in component["citations"]) <= day
    told = aigap(refreshed.home, "explain", "Q1 2026", "--as-of", str(day)).stdout
    assert told.startswith("2026Q1  measured  gap $1,154.0B  as of 2026-06-30\n")
    cited = aigap(refreshed.home, "cite", "2026Q1", "--as-of", str(day)).stdout
    assert f"(scenario measured, as known on {day})" in cited
    assert f"all listed by aigap explain 2026Q1 --as-of {day}" in cited
    latest = aigap(refreshed.home, "explain", "latest", "--as-of", str(day)).stdout
    assert latest == told  # the newest quarter of that day
    early = aigap(refreshed.home, "explain", "2026Q2", "--as-of", str(day))
    assert early.returncode == 2
    assert "nothing of 2026Q2 was known as of 2026-06-30" in early.stderr


def test_explain_of_a_filed_quarter_shows_accession_concept_period_day_and_address(refreshed):
    done = aigap(refreshed.home, "explain", "2025Q2")
    assert done.returncode == 0, done.stderr
    assert "NVIDIA 10-Q 0001045810-25-000209 filed 2025-08-27: us-gaap:Revenues" in done.stdout
    assert "nvda:DataCenterMember" in done.stdout
    assert "2025-04-28 to 2025-07-27" in done.stdout
    assert "https://www.sec.gov/Archives/edgar/data/1045810/" in done.stdout
    assert done.stdout.endswith(", to the dollar\n")


def test_a_spreadsheet_gets_exact_numbers_and_inert_text(refreshed):
    done = aigap(refreshed.home, "sql", "from marts.citations order by fact_id", "--format", "csv")
    rows = list(csv.reader(io.StringIO(done.stdout, newline="")))
    value = rows[0].index("value")
    assert len(rows) > 1000
    assert all("e" not in row[value].lower() for row in rows[1:]), "no scientific notation"
    assert not any(
        cell.startswith(("=", "+", "@", "\t")) or (cell.startswith("-") and not cell[1:].replace(".", "").isdigit())
        for row in rows
        for cell in row
    )


def test_doctor_finds_the_file_whole(refreshed):
    done = aigap(refreshed.home, "doctor", "--format", "json")
    findings = {f["check"]: f["status"] for f in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert findings["integrity"] == findings["published"] == findings["last refresh"] == OK
    assert set(findings.values()) <= {OK, WARN}
    assert FAIL not in findings.values()


def test_reading_commands_stay_light(refreshed):
    """The cost is in benchmarks/bench_cli.py; what must not come back is an import of the slow rooms."""
    code = (
        "import sys\nfrom orchestration.commands.main import main\n"
        "commands = 'show', 'explain 2026Q2', 'sql values(1)', 'show --as-of 2024-06-20', "
        "'changes --since 2026-06-01'\n"
        "for a in (command.split() for command in commands):\n"
        "    assert main([*a, '--home', sys.argv[1]]) == 0\n"
        "slow = {'dagster', 'dbt', 'pandas', 'numpy', 'pyarrow', 'lxml', 'requests', 'ingest'} & set(sys.modules)\n"
        "sys.exit(str(slow) if slow else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(refreshed.home.root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
