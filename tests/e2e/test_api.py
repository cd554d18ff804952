"""`import aigap`: what a person in Python gets, against the published file itself."""

import inspect
import json
import re
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import aigap
from warehouse.formats import usd

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("pandas", "numpy", "pyarrow", "duckdb", "dagster", "dbt", "vl_convert")


@pytest.fixture(scope="module")
def home(refreshed) -> Path:
    return refreshed.home.root


@pytest.fixture(scope="module")
def rows(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


# --- importing ------------------------------------------------------------------------------------


def test_importing_costs_under_a_third_of_a_second_and_loads_nothing_heavy():
    code = (
        "import time; before = time.process_time(); import sys, aigap\n"
        f"print(time.process_time() - before, [m for m in {HEAVY} if m in sys.modules])"
    )
    said = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    seconds, loaded = zip(*(done.stdout.split(" ", 1) for done in said), strict=True)
    assert min(map(float, seconds)) < 0.3
    assert {text.strip() for text in loaded} == {"[]"}


def test_asking_what_is_wrong_loads_no_pandas_either(tmp_path):
    code = (
        f"import sys, aigap\ntry: aigap.gap(home={str(tmp_path)!r})\n"
        "except aigap.NotPublished as error: print('pandas' in sys.modules, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"False nothing is published in {tmp_path} yet; run aigap refresh")


def test_every_name_says_what_it_gives():
    for name in aigap.__all__:
        found = getattr(aigap, name)
        assert inspect.getdoc(found), name
        if inspect.isfunction(found):
            assert ":raises" in found.__doc__, name
            given = set(inspect.signature(found).parameters) - {"home", "_"}
            said = set(re.findall(r":param (\w+):|`(\w+)`", found.__doc__))
            assert given <= {word for pair in said for word in pair}, f"{name}: {given}"


# --- types ----------------------------------------------------------------------------------------


def test_types_are_real_and_whole_dollars_exact(home, rows):
    frame = aigap.gap("all", home=home)
    assert str(frame["calendar_quarter"].dtype) == "period[Q-DEC]"
    assert {str(frame[name].dtype) for name in frame if name.endswith("_usd")} == {"Int64"}
    assert {str(frame[name].dtype) for name in ("gpu_share_of_tco", "coverage_share")} == {"Float64"}
    assert str(frame["known_from"].dtype) == "datetime64[s]"
    assert str(frame["is_like_for_like"].dtype) == "boolean"
    assert str(frame["scenario"].dtype) == "str"
    theirs = rows(
        "select calendar_quarter, scenario, gap_usd, coverage_share, known_from, is_like_for_like, fact_ids "
        "from marts.ai_revenue_gap order by 1, 2"
    )
    assert len(frame) == len(theirs) > 100
    for mine, (quarter, scenario, gap, share, known, alike, ids) in zip(
        frame.itertuples(index=False), theirs, strict=True
    ):
        assert (str(mine.calendar_quarter), mine.scenario, mine.fact_ids) == (quarter, scenario, ids)
        assert mine.gap_usd is pd.NA if gap is None else mine.gap_usd == gap
        assert mine.coverage_share is pd.NA if share is None else round(Decimal(mine.coverage_share), 6) == share
        assert (mine.known_from.date(), bool(mine.is_like_for_like)) == (known, alike)


def test_what_is_wider_than_64_bits_keeps_every_digit(home, rows):
    frame = aigap.sources(home=home)
    stated = dict(zip(frame["fact_id"], frame["value"], strict=True))
    for fact_id, value in rows("select fact_id, value from marts.citations"):
        assert stated[fact_id] is pd.NA if value is None else stated[fact_id] == value
    assert isinstance(next(v for v in stated.values() if v is not pd.NA), Decimal)
    assert frame["value"].dtype.pyarrow_dtype.precision == 38


@pytest.mark.parametrize("name", ["coverage", "ai_revenue_totals_versions", "customer_concentration", "review"])
def test_any_table_comes_whole_with_units_meanings_and_how_to_cite_it(home, rows, name):
    frame = aigap.table(name, home=home)
    ((count, columns),) = rows(
        f"select (select count(*) from marts.{name}), (select count(*) from duckdb_columns() "
        f"where schema_name = 'marts' and table_name = '{name}')"
    )
    assert frame.shape == (count, columns)
    assert set(frame.attrs["columns"]) == set(frame.columns)
    ((hashed,),) = rows("select content_hash from meta.build")
    assert f"marts.{name}" in frame.attrs["citation"]
    assert hashed in frame.attrs["citation"]
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs, "parquet and copies carry it"


def test_units_are_said_of_every_amount_share_and_day(home):
    units = aigap.gap(home=home).attrs["units"]
    assert units["gap_usd"] == "USD, whole dollars"
    assert units["gpu_share_of_tco"] == units["end_user_gross_margin"] == "share, 0 to 1"
    assert (units["known_from"], units["max_staleness_days"]) == ("day", "days")
    assert "scenario" not in units


# --- answers --------------------------------------------------------------------------------------


def test_the_headline_is_what_the_shell_shows_and_explains_itself(home, rows):
    frame = aigap.gap(home=home)
    assert set(frame["scenario"]) == {"measured"}
    assert frame["calendar_quarter"].is_monotonic_increasing
    assert (frame["required_revenue_usd"] - frame["ai_revenue_usd"] - frame["gap_usd"]).fillna(0).eq(0).all()
    newest = frame.iloc[-1]
    why = aigap.explain(str(newest["calendar_quarter"]), home=home)
    assert why.drop_duplicates("component")["signed_usd"].sum() == newest["gap_usd"]
    assert set(why["fact_id"].dropna()) == set(aigap.sources(why, home=home)["fact_id"])
    assert set(aigap.sources(frame.tail(1), home=home)["fact_id"]) == set(newest["fact_ids"])
    note = aigap.cite(str(newest["calendar_quarter"]), home=home)
    assert usd(int(newest["gap_usd"])) in note
    assert note != aigap.cite(str(newest["calendar_quarter"]), style="bibtex", home=home)


def test_nothing_is_known_early_and_days_may_be_dates(home, rows):
    for day in ("2024-06-20", date(2024, 6, 20), datetime(2024, 6, 20, 23, 59)):
        frame = aigap.as_of(day, home=home)
        assert frame["known_from"].max() <= pd.Timestamp("2024-06-20")
        assert len(frame) == rows("select count(*) from marts.gap_as_of(date '2024-06-20')")[0][0]
    measured = aigap.gap(as_of="2024-06-20", home=home)
    assert len(measured) == (frame["scenario"] == "measured").sum()
    assert aigap.revenue(as_of="2024-06-20", home=home)["known_from"].max() <= pd.Timestamp("2024-06-20")
    capex = aigap.as_of("2024-06-20", "hyperscaler_capex", home=home)
    assert len(capex) == len(aigap.capex(as_of="2024-06-20", home=home)) < len(aigap.capex(home=home))


def test_every_table_with_versions_and_a_macro_can_be_had_as_of_a_day(home, rows):
    marts = rows("from duckdb_tables() where schema_name = 'marts' and table_name like '%_versions'")
    with pytest.raises(aigap.Mistake) as refused:
        aigap.as_of("2024-06-20", "coverage", home=home)
    named = str(refused.value).split("these can: ")[1].split(", ")
    assert len(named) == len(marts) > 8
    for table in named:
        assert aigap.as_of("2025-06-20", table, home=home).attrs["table"] == f"marts.{table}"


def test_shares_of_ones_own_are_exact_decimals(home, rows):
    frame = aigap.gap(gpu_share=0.4, margin="0.55", home=home)
    theirs = rows("select gap_usd from marts.gap_with(0.4, 0.55) order by calendar_quarter")
    assert [None if gap is pd.NA else gap for gap in frame["gap_usd"]] == [gap for (gap,) in theirs]
    half = aigap.gap(margin=0.5, home=home)
    assert half["gap_usd"].equals(aigap.gap(home=home)["gap_usd"]), "what is left out is Cahn's"


def test_companies_are_chosen_by_ticker(home):
    frame = aigap.capex("msft", "GOOGL", home=home)
    assert set(frame["ticker"]) == {"MSFT", "GOOGL"}
    assert len(aigap.capex(home=home)) > len(frame)


def test_a_file_that_a_notebook_has_open_already_is_no_hindrance(home, published):
    with duckdb.connect(str(published), read_only=True) as theirs, aigap.connect(home) as ours:
        again = aigap.gap(home=home)
        assert ours.sql("from marts.scenarios").fetchall() == theirs.sql("from marts.scenarios").fetchall()
    assert aigap.gap(home=home).equals(again)


def test_the_connection_reads_has_the_macros_and_writes_nothing(home):
    with aigap.connect(home) as connection:
        assert connection.sql("from gap_as_of(date '2024-06-20')").fetchall()
        with pytest.raises(duckdb.Error, match="read-only"):
            connection.execute("create table marts.mine as select 1")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda home: aigap.gap("hgih", home=home), "there is no scenario 'hgih'; there are: all_accelerators"),
        (lambda home: aigap.gap(as_of="2024-13-01", home=home), "'2024-13-01' is no day; write it as 2024-06-20"),
        (lambda home: aigap.gap(as_of=20240620, home=home), "20240620 is no day"),
        (lambda home: aigap.gap(gpu_share=40, home=home), "gpu_share is 40, and must be a share between 0 and 1"),
        (lambda home: aigap.gap(gpu_share=0, home=home), "gpu_share is 0"),
        (lambda home: aigap.gap(margin=1, home=home), "margin is 1"),
        (lambda home: aigap.gap(margin="half", home=home), "'half', which is no number"),
        (lambda home: aigap.gap(margin=float("nan"), home=home), "margin is nan"),
        (lambda home: aigap.gap("low", margin=0.5, home=home), "leave scenario and as_of out"),
        (lambda home: aigap.capex("MSFT", "XYZ", home=home), "there is no capex of XYZ; there is: AAPL"),
        (lambda home: aigap.explain("2026", home=home), "'2026' is no quarter: write 2026Q2"),
        (lambda home: aigap.explain("2001Q1", home=home), "2001Q1 is not at hand"),
        (lambda home: aigap.table("gap; drop table x", home=home), "there is no table 'gap; drop table x'"),
        (lambda home: aigap.as_of("2024-06-20", "coverage", home=home), "cannot be had as of a day; these can: "),
        (lambda home: aigap.sources(["f'1"], home=home), "1 ids are of no statement"),
        (lambda home: aigap.sources(pd.DataFrame({"a": [1]}), home=home), "no fact_ids"),
        (lambda home: aigap.cite("2026Q2", style="apa", home=home), "there is no style 'apa'"),
        (lambda home: aigap.plot(aigap.table("coverage", home=home)), "say y="),
        (lambda home: aigap.plot(aigap.gap(home=home), kind="pie"), "there are: line, bar"),
    ],
)
def test_what_cannot_be_is_a_mistake_that_says_what_can(home, call, words):
    with pytest.raises(aigap.Mistake) as refused:
        call(home)
    assert words in str(refused.value)
    assert isinstance(refused.value, aigap.Error)


# --- charts and the notebook ----------------------------------------------------------------------


def test_a_chart_has_every_point_and_can_be_kept(home, tmp_path):
    frame = aigap.capex("MSFT", home=home)
    chart = frame.plot(backend="aigap", y="capex_usd")
    values = chart.spec["data"]["values"]
    assert [point["y"] for point in values] == [amount / 1e9 for amount in frame["capex_usd"]]
    assert {point["by"] for point in values} == {"MSFT"}
    for ending, start in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".html", b"<")):
        path = aigap.plot(aigap.gap(home=home)).save(tmp_path / f"chart{ending}")
        assert path.read_bytes().lstrip().startswith(start)
    assert b"https://cdn" not in (tmp_path / "chart.html").read_bytes(), "the page loads nothing"
    with pytest.raises(aigap.Mistake, match=r"must end in \.svg"):
        chart.save(tmp_path / "chart.pdf")


def test_a_quarter_without_a_number_is_a_hole_in_the_chart_not_a_zero(home):
    frame = aigap.gap("all", home=home)
    assert frame["gap_usd"].isna().any()
    values = aigap.plot(frame).spec["data"]["values"]
    assert sum(point["y"] is None for point in values) == frame["gap_usd"].isna().sum()


def test_the_notebook_runs_from_top_to_bottom(home, monkeypatch, tmp_path):
    path = ROOT / "examples" / "notebook.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code), "kept without outputs: they would age"
    monkeypatch.setenv("AIGAP_HOME", str(home))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    done = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    cells = [cell for cell in done.execute().cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in cells), "every cell shows something"
    assert not [output for cell in cells for output in cell.outputs if output.get("name") == "stderr"]
    assert any("image/svg+xml" in output.get("data", {}) for cell in cells for output in cell.outputs)
    newest = str(aigap.gap(home=home)["gap_usd"].iloc[-1])
    assert any(newest in str(output.get("data", {})) for cell in cells for output in cell.outputs)
