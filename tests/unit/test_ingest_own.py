"""The user's own figures and scenarios, on small files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from ingest.curated.figures import COLUMNS, FigureSet, parse_figures
from ingest.curated.own import explain, with_own_figures, with_own_scenarios
from ingest.curated.scenarios import SCENARIOS, read_scenarios
from ingest.records import FIGURES, CuratedError
from orchestration.commands.main import main

ROW = dict.fromkeys(COLUMNS, "") | {
    "company": "Exampleton",
    "metric": "annualized_run_rate",
    "value": "5000000",
    "unit": "USD",
    "qualifier": "exact",
    "period_type": "run_rate",
    "period_end": "2026-03-31",
    "known_on": "2026-04-20",
    "known_on_basis": "published",
    "source_kind": "company_statement",
    "source_title": "Annual letter",
    "source_url": "https://example.org/letter/2026",
    "confidence": "medium",
}
TODAY = date(2026, 11, 25)


def text(*rows: Mapping[str, str]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([ROW | dict(row) for row in rows])
    return file.getvalue().encode()


def shipped(*rows: Mapping[str, str]) -> FigureSet:
    parsed, _ = parse_figures("ai_revenue.csv", text(*rows))
    return FigureSet(pa.Table.from_pylist(parsed, FIGURES))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_without_files_nothing_changes(folder):
    one = shipped({})
    assert with_own_figures(one, folder / "absent") is one
    table = SCENARIOS.empty_table()
    assert with_own_scenarios(table, folder) == (table, [])


def test_own_rows_are_marked_and_have_ids_of_their_own(folder):
    (folder / "mine.csv").write_bytes(text({"value": "7000000"}, {"company": "Other"}))
    found = with_own_figures(shipped({"source_url": "https://example.org/other"}), folder)
    assert found.refused == []
    rows = found.table.to_pylist()
    assert [(r["company"], r["file"], r["figure_id"][0]) for r in rows] == [
        ("Exampleton", "ai_revenue.csv", "c"),
        ("Exampleton", "own:mine.csv", "o"),
        ("Other", "own:mine.csv", "o"),
    ]
    assert len({row["figure_id"] for row in rows}) == 3
    assert [row["source_title"] for row in rows] == ["Annual letter", *["Own figure: Annual letter"] * 2]


def test_what_ships_is_not_stated_again_nor_twice(folder):
    (folder / "a.csv").write_bytes(text({}, {"company": "Other"}))
    (folder / "b.csv").write_bytes(text({"company": "Other"}))
    found = with_own_figures(shipped({}), folder)
    assert [row["company"] for row in found.table.to_pylist()] == ["Exampleton", "Other"]
    assert [(r.file, r.line, r.reason.split(":")[0]) for r in found.refused] == [
        ("own:a.csv", 2, "the same figure stands in ai_revenue.csv, line 2"),
        ("own:b.csv", 2, "the same figure stands in own"),
    ]


def test_a_file_that_cannot_be_read_stops_nothing(folder):
    (folder / "bad.csv").write_bytes(b"not,a,figure\n")
    (folder / "good.csv").write_bytes(text({}))
    found = with_own_figures(shipped(), folder)
    assert found.table.num_rows == 1
    ((refused),) = found.refused
    assert (refused.file, refused.line) == ("own:bad.csv", 0)
    assert "the header must be company,ticker" in refused.reason


SCENARIO = (
    "scenario,parameter,value,text_value,known_on,source_title,source_url,note\n"
    "mine,gpu_share_of_tco,0.4,,2026-01-01,My note,https://example.org/n/1,\n"
)


def test_own_scenarios_are_named_so(folder):
    (folder / "scenarios.csv").write_text(SCENARIO)
    table, refused = with_own_scenarios(SCENARIOS.empty_table(), folder)
    assert refused == []
    assert table.schema == SCENARIOS
    assert table["scenario"].to_pylist() == ["own:mine"]
    assert table["fact_id"].to_pylist()[0].startswith("t")


OWN_BASIS = SCENARIO + "mine,ai_revenue_basis,,own:estimated_run_rate,2026-01-01,My note,https://example.org/n/1,\n"


def test_a_scenario_of_the_users_may_count_own_figures_and_no_other_may(folder):
    (folder / "scenarios.csv").write_text(OWN_BASIS)
    table, refused = with_own_scenarios(SCENARIOS.empty_table(), folder)
    assert (table["text_value"].to_pylist(), refused) == ([None, "own:estimated_run_rate"], [])
    assert explain(folder / "scenarios.csv", shipped(), TODAY)[0] == 2
    with pytest.raises(CuratedError, match="line 3: ai_revenue_basis cannot be own:estimated_run_rate"):
        read_scenarios(folder)


def test_there_is_no_own_assumption(folder):
    (folder / "scenarios.csv").write_text(OWN_BASIS.replace("own:estimated_run_rate", "own:assumed"))
    assert (
        "line 3: ai_revenue_basis cannot be own:assumed"
        in with_own_scenarios(SCENARIOS.empty_table(), folder)[1][0].reason
    )


def test_half_a_scenario_is_none(folder):
    (folder / "scenarios.csv").write_text(
        SCENARIO + "mine,end_user_gross_margin,9,,2026-01-01,My note,https://example.org/n/1,\n"
    )
    table, refused = with_own_scenarios(SCENARIOS.empty_table(), folder)
    assert table.num_rows == 0
    assert "scenarios.csv, line 3: end_user_gross_margin cannot be 9" in refused[0].reason


@pytest.mark.parametrize(
    ("row", "field", "allowed"),
    [
        ({"metric": "turnover"}, "metric 'turnover' is not known", "metrics.csv"),
        ({"unit": "GBP"}, "unit 'GBP' does not fit annualized_run_rate", "USD"),
        ({"value": "5,000,000"}, "value '5,000,000' must be a plain number", "no commas"),
        ({"value": "5"}, "value 5 USD is not a plausible annualized_run_rate", "1000000 to"),
        ({"period_end": "31.3.2026"}, "period_end '31.3.2026' must be a day", "YYYY-MM-DD"),
        ({"qualifier": "surely"}, "qualifier 'surely' must be", "'exact'"),
        ({"known_on": "2026-03-01"}, "known_on 2026-03-01 is before period_end", "known in advance"),
        ({"known_on": "2026-12-01"}, "known_on 2026-12-01 is outside", "2026-11-25"),
        ({"source_url": "https://example.org/"}, "cannot be cited", "confidence must be low"),
        ({"confidence": "sure"}, "confidence 'sure' must be", "'medium'"),
        ({"period_type": "quarter"}, "needs a period_start", "quarter"),
    ],
)
def test_every_refusal_says_line_field_and_what_is_allowed(folder, row, field, allowed):
    (folder / "mine.csv").write_bytes(text({"company": "Other"}, row))
    good, refused, _ = explain(folder / "mine.csv", shipped(), TODAY)
    assert good == 1
    ((found),) = refused
    assert found.line == 3
    assert field in found.reason
    assert allowed in found.reason


def test_a_shipped_file_is_not_its_own_double(folder):
    (folder / "ai_revenue.csv").write_bytes(text({}))
    assert explain(folder / "ai_revenue.csv", shipped({}), TODAY)[:2] == (1, [])


def test_a_day_in_doubt_is_said(folder):
    (folder / "mine.csv").write_bytes(text({"period_end": "2026-04-20"}))
    _, refused, doubtful = explain(folder / "mine.csv", shipped(), TODAY)
    assert refused == []
    assert len(doubtful) == 1


def test_a_file_that_is_none(folder):
    with pytest.raises(CuratedError, match=r"No such file|absent\.csv"):
        explain(folder / "absent.csv", shipped(), TODAY)
    (folder / "x.csv").write_bytes(b"\xff")
    with pytest.raises(CuratedError, match="not UTF-8"):
        explain(folder / "x.csv", shipped(), TODAY)


def test_the_command(folder, capsys):
    (folder / "mine.csv").write_bytes(text({"company": "Other"}, {"unit": "GBP"}))
    assert main(["figures", "check", str(folder / "mine.csv")]) == 1
    out = capsys.readouterr()
    assert "unit 'GBP' does not fit annualized_run_rate" in out.out
    assert "1 rows are good, 1 refused" in out.err
    (folder / "mine.csv").write_bytes(text({"company": "Other"}))
    assert main(["figures", "check", str(folder / "mine.csv")]) == 0
