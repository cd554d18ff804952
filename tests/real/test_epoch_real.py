"""Epoch AI's real vintages, as others kept them (../shared/epoch)."""

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.curated.epoch import Report, parse_epoch, statements, versions
from ingest.curated.figures import read_figures
from ingest.curated.roles import read_ai_revenue_roles
from ingest.records import PayloadError


@pytest.fixture(scope="module")
def january(shared: Path) -> bytes:
    return (shared / "epoch/vintage-2026-01-16/ai_companies_revenue_reports.csv").read_bytes()


@pytest.fixture(scope="module")
def curated() -> list[dict]:
    return read_figures().table.to_pylist()


def test_the_whole_vintage(january):
    vintage = parse_epoch(january, date(2026, 1, 16))
    assert (len(vintage.reports), len(vintage.left_out), vintage.refused) == (35, 7, [])
    assert Counter(r.metric for r in vintage.reports) == {"annualized_run_rate": 33, "annual_revenue": 2}
    openai = [(r.day, r.value) for r in vintage.reports if (r.company, r.metric) == ("OpenAI", "annual_revenue")]
    assert openai == [(date(2022, 12, 31), Decimal(28_000_000)), (date(2024, 12, 31), Decimal(3_700_000_000))]


def test_a_cut_copy_is_a_clear_error(shared):
    cut = (shared / "epoch/vintage-2025-12-14-trimmed/ai_companies_revenue_reports.csv").read_bytes()
    with pytest.raises(
        PayloadError, match="has no column Annualized revenue .* Source type, Report date; it has Company"
    ):
        parse_epoch(cut, date(2025, 12, 14))


def test_most_rows_are_curated_statements_and_no_note_gets_through(january, curated):
    layers = {row["company"]: row["layer"] for row in curated if row["layer"]}
    found = statements([parse_epoch(january, date(2026, 1, 16))], curated, layers)
    assert len(found.repeated) == 30  # all of the companies that are curated
    assert found.figures == []
    found = statements([parse_epoch(january, date(2026, 1, 16))], [], layers)
    assert len(found.figures) == 30
    assert {figure["confidence"] for figure in found.figures} == {"medium"}
    assert {row.reason.split(" has ")[0] for row in found.refused} == {"Z.ai"}
    with_notes = [row["Notes"] for row in csv.DictReader(january.decode().splitlines(keepends=True)) if row["Notes"]]
    assert len(with_notes) > 30
    assert not any(note in str(figure) for note in with_notes for figure in found.figures)


def test_the_rename_of_a_company_between_two_real_tables(shared, january):
    first = parse_epoch(january, date(2026, 1, 16))
    with (shared / "epoch/derived-2026-08-18/companies_revenue.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    later = first._replace(
        seen_on=date(2026, 8, 18),
        reports=[
            Report(
                company=row["company"],
                metric="annualized_run_rate",
                day=date.fromisoformat(row["date"]),
                value=Decimal(row["revenue_usd"]),
                qualifier="approximate",
                source_kind="press_report",
                source_url="",
                confidence="medium",
                report_day=None,
                line=line,
            )
            for line, row in enumerate(rows, start=2)
        ],
    )
    found = versions([first, later])
    zhipu = [
        (v.known_on, v.withdrawn_on) for v in found if "ai" in v.report.company and v.report.company.startswith("Z")
    ]
    assert zhipu == [(date(2026, 1, 16), None)] * 5 + [(date(2026, 8, 18), None)]
    in_force = [v for v in found if v.withdrawn_on is None]
    assert len(in_force) == len(rows) == 52


def test_how_many_rows_of_august_are_curated(shared, curated):
    from ingest.curated.epoch import repeats

    with (shared / "epoch/derived-2026-08-18/companies_revenue.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    reports = [
        Report(
            *(row["company"], "annualized_run_rate", date.fromisoformat(row["date"]), Decimal(row["revenue_usd"])),
            *("approximate", "press_report", "", "medium", None, 1),
        )
        for row in rows
    ]
    assert sum(repeats(report, curated) is not None for report in reports) >= 36


def test_every_company_that_epoch_lists_has_a_role_or_is_named(january, curated):
    roles = set(read_ai_revenue_roles()["company"].to_pylist())
    listed = {report.company for report in parse_epoch(january, date(2026, 1, 16)).reports}
    assert listed - roles == {"Z.ai"}
