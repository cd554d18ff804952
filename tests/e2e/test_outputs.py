"""What leaves the published file in other shapes holds the same numbers: footnotes, a workbook, Parquet, dbt's page."""

import json
import re
import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest
from conftest import run_aigap

from support.workbook import sheet_rows
from warehouse.formats import plain
from warehouse.readers.cite import STYLES, footnote, text
from warehouse.readers.explain import explain
from warehouse.readers.read import open_published, query
from warehouse.readers.xlsx import _sheet_names, write_xlsx
from warehouse.store.home import Home

# --- footnotes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("quarter", "scenario"), [("2026Q2", "measured"), ("2024Q4", "cahn_2024"), ("2025Q2", "high")])
def test_every_accession_of_the_tree_is_in_the_footnote(refreshed, quarter, scenario):
    with open_published(refreshed.home) as connection:
        tree = explain(connection, quarter, scenario)
        said = text(footnote(connection, quarter, scenario), "plain")
    cited = {citation["accession"] for component in tree["components"] for citation in component["citations"]}
    assert all(accession in said for accession in cited - {None})
    assert f"({tree['gap_usd']:,} USD)" in said


def test_one_document_cited_for_several_periods_is_one_source(refreshed):
    with open_published(refreshed.home) as connection:
        sources = footnote(connection, "2025Q2", "trailing").sources
    accessions = [source.accession for source in sources if source.accession]
    assert len(accessions) == len(set(accessions)) == 4
    assert accessions[-1] == "0001045810-25-000209"


def test_every_gap_there_is_can_be_cited_in_every_style(refreshed):
    with open_published(refreshed.home) as connection:
        gaps = query(connection, "select calendar_quarter, scenario from marts.ai_revenue_gap order by all").rows
        for quarter, scenario in gaps[:: max(1, len(gaps) // 40)]:
            note = footnote(connection, quarter, scenario)
            for style in STYLES:
                assert quarter in text(note, style)


# --- the workbook --------------------------------------------------------------------------------------------------


def _in_a_cell(value):
    """What a spreadsheet has for a value of DuckDB's."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return plain(value)


def _of_a_cell(value):
    return Decimal(str(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def test_the_workbook_has_every_row_of_every_table_to_the_digit(refreshed, tmp_path):
    path = tmp_path / "gap.xlsx"
    done = run_aigap(refreshed.home, "export", "--xlsx", str(path))
    assert done.returncode == 0, done.stderr
    assert re.search(r"gap\.xlsx: \d+ tables, [\d,]+ rows", done.stderr)
    book = openpyxl.load_workbook(path)
    with open_published(refreshed.home) as connection:
        tables = query(connection, "select table_name from duckdb_tables() where schema_name = 'marts' order by 1").rows
        sheets = _sheet_names([table for (table,) in tables])
        for (table,) in tables:
            found = query(connection, f"from marts.{table} order by all")
            columns, rows = sheet_rows(book, sheets[table])
            assert columns[: len(found.columns)] == found.columns
            expected = [[_in_a_cell(value) for value in row] for row in found.rows]
            assert [[_of_a_cell(value) for value in row[: len(found.columns)]] for row in rows] == expected, table
            # Every amount is a number to calculate with, none fell back to text.
            for place, column in enumerate(found.columns):
                if column.endswith(("_usd", "_share")):
                    assert not any(isinstance(row[place], str) for row in rows), f"{table}.{column}"


def test_every_source_in_the_workbook_is_a_link_to_its_address(refreshed, tmp_path):
    with open_published(refreshed.home) as connection:
        write_xlsx(connection, tmp_path / "gap.xlsx")
        addresses = query(connection, "select source_url from marts.citations order by all").rows
    sheet = openpyxl.load_workbook(tmp_path / "gap.xlsx")["citations"]
    place = [cell.value for cell in sheet[1]].index("source_url")
    links = []
    for row in sheet.iter_rows(min_row=2):
        link = row[place].hyperlink
        links.append(link and link.target + (f"#{link.location}" if link.location else ""))
        assert row[place].value == (links[-1] or row[place].value)
    assert sorted(filter(None, links)) == sorted(url for (url,) in addresses if url and url.startswith("http"))


# --- Parquet -------------------------------------------------------------------------------------------------------


def test_parquet_keeps_types_and_rows(refreshed, tmp_path):
    path = tmp_path / "it's a gap.parquet"
    done = run_aigap(refreshed.home, "sql", "from marts.citations; -- all", "--format", "parquet", "--out", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with duckdb.connect(str(refreshed.home.published), read_only=True) as connection:
        name = str(path).replace("'", "''")
        connection.execute(f"create temp view saved as from '{name}'")
        shape = "select column_name, column_type from (describe {})"
        assert (
            connection.execute(shape.format("saved")).fetchall()
            == connection.execute(shape.format("marts.citations")).fetchall()
        )
        assert connection.execute("(from saved except from marts.citations)").fetchall() == []
        assert connection.execute("(from marts.citations except from saved)").fetchall() == []
        generation = connection.execute("select generation from meta.build").fetchone()[0]
        ((key, value),) = connection.execute(
            f"select decode(key), decode(value) from parquet_kv_metadata('{name}')"
        ).fetchall()
    assert key == "ai_revenue_gap"
    assert value.startswith(f"generation {generation}, content hash ")


def test_parquet_of_show_is_the_rows_of_its_csv(refreshed, tmp_path):
    path = tmp_path / "gap.parquet"
    arguments = ["show", "--all", "--scenario", "all"]
    assert run_aigap(refreshed.home, *arguments, "--format", "parquet", "--out", str(path)).returncode == 0
    shown = json.loads(run_aigap(refreshed.home, *arguments, "--format", "json").stdout)
    with duckdb.connect() as connection:
        saved = connection.execute(f"select calendar_quarter, scenario, gap_usd from '{path}'").fetchall()
    assert saved == [(row["calendar_quarter"], row["scenario"], row["gap_usd"]) for row in shown]


# --- dbt's page ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def documented(refreshed, tmp_path_factory) -> Home:
    """A home of its own: the shared one is for reading only."""
    home = Home(tmp_path_factory.mktemp("docs") / "home with späce")
    home.root.mkdir()
    shutil.copyfile(refreshed.home.build, home.build)
    done = run_aigap(home, "docs", HTTPS_PROXY="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (0, f"{home.docs / 'index.html'}\n"), done.stderr
    return home


def test_the_page_has_every_table_and_column_with_its_meaning_and_type(documented, manifest):
    page = (documented.docs / "index.html").read_text("utf-8")
    start = page.index('{"metadata"', page.index("manifest"))
    shown, _ = json.JSONDecoder().raw_decode(page[start:])
    catalog, _ = json.JSONDecoder().raw_decode(page[page.index('{"metadata"', start + 1) :])
    models = {n: m for n, m in json.loads(manifest.read_bytes())["nodes"].items() if m["resource_type"] == "model"}
    assert models
    for name, model in models.items():
        assert shown["nodes"][name]["description"] == model["description"] != ""
        described = {column: about["description"] for column, about in shown["nodes"][name]["columns"].items()}
        assert all(described.values())
        # dbt read the types off the build file.
        typed = catalog["nodes"][name]["columns"]
        assert set(typed) == set(described), name
        assert all(column["type"] for column in typed.values())
    for source in shown["sources"].values():
        assert source["description"]
    assert shown["docs"]["doc.ai_revenue_gap.__overview__"]["block_contents"].startswith("# Where every number")


def test_the_page_phones_nobody_and_tells_no_path_of_this_machine(documented):
    page = (documented.docs / "index.html").read_text("utf-8")
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?https?:", page)
    # Without this dbt's page would report to its maker's collector.
    assert '"send_anonymous_usage_stats": false' in page
    assert str(documented.root) not in page
    assert json.dumps(str(documented.root))[1:-1] not in page
    assert str(Path(__file__).resolve().parents[2]) not in page


def test_documenting_changes_no_other_file_of_the_home_and_needs_a_build(documented, tmp_path):
    assert not (documented.root / "dbt" / "target").exists()
    done = run_aigap(Home(tmp_path / "none"), "docs")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing is built in" in done.stderr
    assert not (tmp_path / "none").exists()
