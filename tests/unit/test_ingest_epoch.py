"""Epoch AI's table, its vintages and its place beside the curated figures, on small tables written for this test."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.archive import Archive
from ingest.curated import epoch_fetch
from ingest.curated.epoch import ATTRIBUTION, PAGE, Report, Vintage, parse_epoch, renamed, repeats, statements, versions
from ingest.curated.epoch_figures import with_epoch
from ingest.curated.figures import FigureSet
from ingest.curated.roles import AI_REVENUE_ROLES
from ingest.edgar.client import Client
from ingest.records import FIGURES, FetchError, IngestError, PayloadError
from support.fake_edgar import FakeEdgar, answer, status

OLD = (
    *("Id", "Company", "Date", "Revenue amount (normalize to annual)", "Annualized revenue (USD)", "Type"),
    *("Revenue info (non-annualized)", "Confidence", "Source 1", "Source 2", "Source 3", "Notes", "Report date"),
    *("Source type", "Graph note"),
)
NEW = (
    *("Id", "Company", "Date", "Annualized revenue (USD)", "Annualized revenue type", "Scope"),
    *("Revenue amount (normalize to annual)", "Period revenue", "Period type", "Other revenue info", "Confidence"),
    *("Source 1", "Source 2", "Source 3", "Notes", "Report date", "Source type", "Graph note"),
)
ROW = {
    "Id": "May 2025 3B",
    "Company": "Exampleton",
    "Date": "2025-05-30",
    "Revenue amount (normalize to annual)": "3000000000.0",
    "Annualized revenue (USD)": "3000000000.0",
    "Type": "Annualized revenue",
    "Annualized revenue type": "Annualized run rate",
    "Scope": "Full company",
    "Confidence": "Likely",
    "Source 1": "https://news.example.org/a",
    "Notes": "SECRET WORDS of the press",
    "Report date": "2025-06-02",
    "Source type": "Media report",
    "Graph note": "SECRET NOTE",
}
JUNE, JULY, AUGUST = date(2025, 6, 10), date(2025, 7, 10), date(2025, 8, 10)
LAYERS = {"Exampleton": "model", "Other": "application", "Memo": None, "Exampleton (New)": "model"}


def table(*rows: Mapping[str, str], columns: tuple[str, ...] = OLD) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows([ROW | dict(row) for row in rows])
    return text.getvalue().encode()


def at(seen_on: date, *rows: Mapping[str, str]) -> Vintage:
    return parse_epoch(table(*rows), seen_on)


def figures(*vintages: Vintage, curated: tuple[dict, ...] = ()) -> list[dict]:
    return statements(vintages, curated, LAYERS).figures


# --- one vintage ----------------------------------------------------------------------------------


def test_both_schemas_state_the_same():
    old, new = parse_epoch(table({}), JUNE), parse_epoch(table({}, columns=NEW), JUNE)
    assert old.reports == new.reports
    (report,) = old.reports
    assert report == Report(
        company="Exampleton",
        metric="annualized_run_rate",
        day=date(2025, 5, 30),
        value=Decimal(3_000_000_000),
        qualifier="approximate",
        source_kind="press_report",
        source_url="https://news.example.org/a",
        confidence="medium",
        report_day=date(2025, 6, 2),
        line=2,
    )


def test_a_renamed_column_is_a_clear_error():
    with pytest.raises(
        PayloadError, match="has no column Annualized revenue \\(USD\\); it has .*Annual pace.* last good"
    ):
        parse_epoch(table({}).replace(b"Annualized revenue (USD)", b"Annual pace"), JUNE)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b'Id,"', b"<html></html>", b"a,b\n1,2\n"])
def test_what_is_no_table(data):
    with pytest.raises(PayloadError, match="2025-06-10"):
        parse_epoch(data, JUNE)


def test_a_table_without_one_usable_row_is_refused():
    with pytest.raises(PayloadError, match="not one row .* line 2: Exampleton: the type 'Yearly pace' is not known"):
        at(JUNE, {"Type": "Yearly pace"})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"Type": "Weekly pace"}, "the type 'Weekly pace' is not known"),
        ({"Date": "2025-13-01"}, "the day '2025-13-01' is none"),
        ({"Date": ""}, "the day '' is none"),
        ({"Date": "2025-06-11"}, "still to come"),
        ({"Annualized revenue (USD)": "3 billion"}, "the amount '3 billion' is no number"),
        ({"Annualized revenue (USD)": "-5"}, "is no number"),
        ({"Annualized revenue (USD)": "nan"}, "is no number"),
        ({"Confidence": "Sure"}, "the confidence 'Sure' is not known"),
        ({"Source type": "Media report,Rumour"}, "the source type 'rumour' is not known"),
        ({"Company": ""}, "names no company"),
    ],
)
def test_words_and_numbers_that_are_not_known_refuse_their_row_alone(row, reason):
    vintage = at(JUNE, {}, row)
    assert len(vintage.reports) == 1
    ((refused),) = vintage.refused
    assert (refused.file, refused.line) == ("epoch:2025-06-10", 3)
    assert reason in refused.reason


@pytest.mark.parametrize(
    "row",
    [
        {"Type": "Product/division revenue"},
        {"Type": "Other"},
        {"Type": "", "Annualized revenue (USD)": "", "Revenue amount (normalize to annual)": ""},
        {"Annualized revenue (USD)": "", "Revenue amount (normalize to annual)": "", "Date": "", "Confidence": ""},
    ],
)
def test_rows_that_state_no_revenue_of_a_company_are_left_out_without_complaint(row):
    vintage = at(JUNE, {}, row)
    assert (len(vintage.reports), len(vintage.left_out), vintage.refused) == (1, 1, [])


def test_a_part_of_a_company_by_its_scope():
    vintage = parse_epoch(table({}, {"Scope": "Product"}, columns=NEW), JUNE)
    assert (len(vintage.reports), len(vintage.left_out)) == (1, 1)


def test_a_value_in_only_one_of_two_amount_columns():
    vintage = at(
        JUNE, {"Annualized revenue (USD)": ""}, {"Revenue amount (normalize to annual)": "", "Company": "Other"}
    )
    assert [report.value for report in vintage.reports] == [3_000_000_000, 3_000_000_000]


def test_a_year_is_a_year():
    row = {"Type": "Yearly revenue", "Annualized revenue (USD)": "", "Date": "2024-12-31"}
    (figure,) = figures(at(JUNE, row))
    assert (figure["metric"], figure["period_type"]) == ("annual_revenue", "year")
    assert (figure["period_start"], figure["period_end"]) == (date(2024, 1, 1), date(2024, 12, 31))


@pytest.mark.parametrize("word", ["Quarterly revenue", "Period interpolation"])
def test_a_period_as_a_yearly_pace_is_derived(word):
    assert at(JUNE, {"Type": word}).reports[0].qualifier == "derived"


def test_of_two_source_kinds_the_weaker_holds():
    kinds = {
        "Company disclosure": "company_statement",
        "Company disclosure,Media report": "press_report",
        "Media report, Company disclosure": "press_report",
        "Company disclosure,Other": "estimate",
        "": "estimate",
    }
    assert {text: at(JUNE, {"Source type": text}).reports[0].source_kind for text in kinds} == kinds


@pytest.mark.parametrize("text", ["0202-06-02", "202-06-02", "2025-07-01", "2025-05-01", "", "June"])
def test_a_report_day_that_cannot_be_is_none(text):
    (report,) = at(JUNE, {"Report date": text}).reports
    assert report.report_day is None
    (figure,) = figures(at(JUNE, {"Report date": text}))
    assert figure["stated_on"] == JUNE


@pytest.mark.parametrize("label", ["", "3", "May 2025 3B"])
def test_the_label_in_id_is_nothing(label):
    assert at(JUNE, {"Id": label}).reports == at(JUNE, {"Id": "other"}).reports


# --- vintages -------------------------------------------------------------------------------------


def seen(*vintages: Vintage) -> list[tuple]:
    return [
        (v.report.company, int(v.report.value / 10**6), v.known_on, v.withdrawn_on) for v in versions(list(vintages))
    ]


def test_a_row_is_known_from_the_day_it_was_first_seen_also_one_filled_in_later():
    older = {"Date": "2023-01-31", "Annualized revenue (USD)": "7000000"}
    assert seen(at(JUNE, {}), at(JULY, {}, older)) == [
        ("Exampleton", 7, JULY, None),
        ("Exampleton", 3000, JUNE, None),
    ]


def test_a_row_that_vanishes_is_withdrawn_and_one_that_returns_is_known_anew():
    other = {"Company": "Other"}
    assert seen(at(JUNE, {}, other), at(JULY, other), at(AUGUST, {}, other)) == [
        ("Exampleton", 3000, JUNE, JULY),
        ("Exampleton", 3000, AUGUST, None),
        ("Other", 3000, JUNE, None),
    ]


def test_an_edited_amount_or_day_is_a_version():
    keep = {"Company": "Other"}
    edited = {"Annualized revenue (USD)": "3200000000"}
    assert seen(at(JUNE, {}, keep), at(JULY, edited, keep))[:2] == [
        ("Exampleton", 3000, JUNE, JULY),
        ("Exampleton", 3200, JULY, None),
    ]
    moved = seen(at(JUNE, {}, keep), at(JULY, {"Date": "2025-05-31"}, keep))
    assert [row[2:] for row in moved[:2]] == [(JUNE, JULY), (JULY, None)]


def test_a_renamed_company_is_one_company():
    rows = [{"Date": f"2025-0{month}-01", "Annualized revenue (USD)": f"{month}000000"} for month in (1, 2, 3)]
    before, after = (
        at(JUNE, *rows),
        at(JULY, *(row | {"Company": "Exampleton (New)"} for row in rows[:2]), {"Company": "Other"}),
    )
    assert renamed(before.reports, after.reports) == {"Exampleton": "Exampleton (New)"}
    assert seen(before, after)[:3] == [
        ("Exampleton (New)", 1, JUNE, None),
        ("Exampleton (New)", 2, JUNE, None),
        ("Exampleton (New)", 3, JUNE, JULY),
    ]


def test_one_company_that_leaves_and_another_that_comes_are_two():
    before, after = at(JUNE, {}), at(JULY, {"Company": "Other", "Annualized revenue (USD)": "5000000"})
    assert renamed(before.reports, after.reports) == {}


def test_two_amounts_of_one_day_both_stay():
    both = at(JUNE, {}, {"Annualized revenue (USD)": "2500000000"})
    assert len(figures(both)) == 2
    assert len({figure["figure_id"] for figure in figures(both)}) == 2


DAYS = st.integers(0, 5).map(lambda n: JUNE + timedelta(days=30 * n))
AMOUNTS = st.sampled_from(("1000000", "2000000", "3000000"))


@given(st.lists(st.lists(AMOUNTS, min_size=1, max_size=3, unique=True), min_size=1, max_size=6))
def test_on_every_day_the_versions_in_force_are_that_days_table(tables):
    vintages = [
        at(JUNE + timedelta(days=30 * n), *({"Annualized revenue (USD)": amount} for amount in amounts))
        for n, amounts in enumerate(tables)
    ]
    found = versions(vintages)
    for vintage in vintages:
        day = vintage.seen_on
        in_force = [v for v in found if v.known_on <= day and (v.withdrawn_on is None or v.withdrawn_on > day)]
        assert sorted(v.report.value for v in in_force) == sorted(r.value for r in vintage.reports)


# --- figures --------------------------------------------------------------------------------------


def test_a_figure_carries_attribution_and_no_word_of_the_notes():
    (figure,) = figures(at(JUNE, {}))
    assert figure["source_title"] == ATTRIBUTION == "Epoch AI, Data on AI Companies (CC BY 4.0)"
    assert (figure["source_url"], figure["source_url_2"]) == (PAGE, "https://news.example.org/a")
    assert (figure["series"], figure["file"], figure["confidence"], figure["layer"]) == (
        "epoch",
        "epoch:2025-06-10",
        "medium",
        "model",
    )
    assert figure["is_citable"]
    assert (figure["known_on"], figure["stated_on"]) == (JUNE, date(2025, 6, 2))
    assert "SECRET" not in str(figure)
    assert set(figure) == set(FIGURES.names)
    pa.Table.from_pylist([figure], FIGURES)


def test_how_a_company_counts_is_for_a_person_to_say():
    found = statements([at(JUNE, {}, {"Company": "Newcomer"}, {"Company": "Memo"})], (), LAYERS)
    assert [figure["company"] for figure in found.figures] == ["Exampleton"]
    assert [row.reason for row in found.refused] == [
        "Newcomer has no line in ai_revenue_roles.csv, so nobody said how it counts"
    ]


def test_an_amount_beyond_belief_is_refused_as_for_every_figure():
    found = statements([at(JUNE, {}, {"Annualized revenue (USD)": "9000000000000"})], (), LAYERS)
    assert "is not a plausible annualized_run_rate" in found.refused[0].reason


CURATED = {
    "figure_id": "c1",
    "company": "Exampleton",
    "metric": "annualized_run_rate",
    "unit": "USD",
    "value": Decimal(3_050_000_000),
    "period_end": date(2025, 6, 30),
}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, "c1"),
        ({"value": Decimal(3_061_224_489)}, "c1"),  # 2 % of the larger
        ({"value": Decimal(3_062_000_000)}, None),
        ({"period_end": date(2025, 7, 14)}, "c1"),
        ({"period_end": date(2025, 7, 15)}, None),
        ({"period_end": date(2025, 4, 15)}, "c1"),
        ({"metric": "quarterly_revenue", "value": Decimal(750_000_000)}, "c1"),
        ({"metric": "half_year_revenue", "value": Decimal(1_500_000_000)}, "c1"),
        ({"company": "Other"}, None),
        ({"metric": "annual_revenue"}, None),
        ({"unit": "CNY"}, None),
        ({"value": None}, None),
    ],
)
def test_what_is_the_same_statement(change, same):
    (report,) = at(JUNE, {}).reports
    assert repeats(report, [CURATED | change]) == same
    found = statements([at(JUNE, {})], [CURATED | change], LAYERS)
    assert (len(found.figures), len(found.repeated)) == ((0, 1) if same else (1, 0))


# --- asking, keeping, using -----------------------------------------------------------------------


@pytest.mark.parametrize(("value", "expected"), [(None, False), ("", False), ("0", False), ("1", True)])
def test_the_setting(value, expected):
    assert epoch_fetch.is_on({} if value is None else {"AIGAP_EPOCH": value}) is expected


def test_a_setting_that_is_none():
    with pytest.raises(IngestError, match="AIGAP_EPOCH='yes'"):
        epoch_fetch.is_on({"AIGAP_EPOCH": "yes"})


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


class Clock:
    """Noon of a day, and later by each wait."""

    def __init__(self, day: date) -> None:
        self.now = (day - date(1970, 1, 1)).days * 86_400.0 + 43_200

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def ask(server: FakeEdgar, archive: Archive, day: date, *, others: bool = True):
    clock = Clock(day)
    hosts = replace(server.hosts, others=(f"{server.url}/epoch.ai",) if others else ())
    with Client("Test test@example.org", archive.root, hosts=hosts, clock=clock, sleep=clock.sleep) as client:
        return epoch_fetch.fetch_epoch(archive, client, f"{server.url}/epoch.ai/data/reports.csv")


def served(*rows: Mapping[str, str]) -> FakeEdgar:
    return FakeEdgar(pages={"epoch.ai/data/reports.csv": table(*rows)})


def test_a_host_that_was_not_allowed_is_not_asked(archive):
    with served({}) as server, pytest.raises(FetchError, match="refused, nothing was sent"):
        ask(server, archive, JUNE, others=False)
    assert not server.log


def test_a_table_is_kept_by_day_also_when_it_comes_back(archive):
    two = {"Company": "Other"}
    for day, rows in ((JUNE, [{}, two]), (JULY, [two]), (AUGUST, [{}, two])):
        with served(*rows) as server:
            assert ask(server, archive, day) is not None
            assert ask(server, archive, day) is None  # the same again is nothing new
    found, problems = epoch_fetch.vintages(archive)
    assert [(v.seen_on, len(v.reports)) for v in found] == [(JUNE, 2), (JULY, 1), (AUGUST, 2)]
    assert problems == []
    entry = next(iter(archive.entries()))
    assert (entry.kind, entry.url[-11:]) == ("epoch_revenue_reports", "#2025-06-10")


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (answer(table({}).replace(b"Company", b"Firm")), PayloadError, "has no column Company"),
        (answer(table({})), PayloadError, "states 1 revenues, the last one stated 3"),
        (answer(b"<!doctype html><html>busy</html>"), FetchError, "an HTML page came where CSV was due"),
        (status(404), FetchError, "no such document"),
    ],
)
def test_the_last_good_table_stays(archive, fault, error, words):
    three = [{}, {"Company": "Other"}, {"Date": "2025-01-01"}]
    with served(*three) as server:
        ask(server, archive, JUNE)
        server.fault("reports.csv", fault, times=9)
        with pytest.raises(error, match=words):
            ask(server, archive, JULY)
    found, _ = epoch_fetch.vintages(archive)
    assert [v.seen_on for v in found] == [JUNE]


def test_a_vintage_that_cannot_be_read_leaves_the_others(archive):
    with served({}) as server:
        entry = ask(server, archive, JUNE)
    with served({}, {"Company": "Other"}) as server:
        ask(server, archive, JULY)
    (archive.root / entry.sha256[:2] / entry.sha256).write_bytes(b"x")
    found, problems = epoch_fetch.vintages(archive)
    assert [v.seen_on for v in found] == [JULY]
    assert "is damaged" in problems[0]


def test_figures_with_and_without(archive, monkeypatch):
    with served({}, {"Company": "Newcomer"}) as server:
        ask(server, archive, JUNE)
    base = dict.fromkeys(AI_REVENUE_ROLES.names, "")
    roles = pa.Table.from_pylist(
        [base | {"company": "Exampleton", "role": "counted", "superseded_from": None}], AI_REVENUE_ROLES
    )
    empty = FigureSet(FIGURES.empty_table())
    monkeypatch.delenv("AIGAP_EPOCH", raising=False)
    assert with_epoch(empty, roles, archive) is empty
    monkeypatch.setenv("AIGAP_EPOCH", "1")
    found = with_epoch(empty, roles, archive)
    assert found.table["company"].to_pylist() == ["Exampleton"]
    assert found.table.schema == FIGURES
    assert [row.reason.split()[0] for row in found.refused] == ["Newcomer"]
