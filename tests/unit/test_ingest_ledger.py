"""A shipped figure is never edited in silence: the ledger sees it, a correction is a version."""

import csv
import shutil
from datetime import date
from decimal import Decimal

import pytest

from ingest.curated.corrections import parse_corrections
from ingest.curated.figures import COLUMNS, read_figures
from ingest.curated.files import curated_dir
from ingest.curated.ledger import LEDGER_FILE, breaches, parse_ledger, seal, sealed_rows
from ingest.records import CuratedError

HEADER = "figure_id,previous_value,replaced_by,corrected_on,reason\n"


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped figures, sealed."""
    copy = tmp_path / "curated"
    shutil.copytree(str(curated_dir()), copy)
    return copy


def problems(folder):
    return breaches(sealed_rows(folder), parse_ledger((folder / LEDGER_FILE).read_bytes()))


def edit(folder, old, new, file="nvidia_revenue.csv"):
    path = folder / file
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def correct(folder, line):
    with (folder / "corrections.csv").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def row_of(folder, value):
    (row,) = [
        r
        for r in read_figures(folder).table.to_pylist()
        if r["metric"] == "data_center_revenue" and r["value"] == value and r["period_type"] == "quarter"
    ]
    return row


def test_what_ships_is_sealed():
    folder = curated_dir()
    assert breaches(sealed_rows(), parse_ledger((folder / LEDGER_FILE).read_bytes())) == []


def test_a_silent_edit_is_named_with_its_line(folder):
    row = row_of(folder, 701_000_000)
    edit(folder, ",data_center_revenue,701000000,", ",data_center_revenue,702000000,")
    (problem,) = problems(folder)
    assert f"nvidia_revenue.csv, line {row['line']}, {row['figure_id']}" in problem
    assert "edited" in problem


def test_a_silent_edit_of_a_scenario_is_named(folder):
    edit(folder, "cahn_2024,ai_revenue_usd,100000000000,", "cahn_2024,ai_revenue_usd,90000000000,", "scenarios.csv")
    (problem,) = problems(folder)
    assert "scenarios.csv" in problem


def test_a_removed_row_is_named(folder):
    row = row_of(folder, 701_000_000)
    path = folder / "nvidia_revenue.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    del lines[row["line"] - 1]
    path.write_text("".join(lines), "utf-8")
    assert [p for p in problems(folder) if row["figure_id"] in p and "gone" in p]


def test_a_correction_is_a_version(folder):
    row = row_of(folder, 701_000_000)
    edit(folder, ",data_center_revenue,701000000,", ",data_center_revenue,702000000,")
    correct(folder, f"{row['figure_id']},701000000,,2026-12-01,misread")
    rows = [
        r
        for r in read_figures(folder).table.to_pylist()
        if r["metric"] == "data_center_revenue" and str(r["period_end"]) == "2018-04-29"
    ]
    said = sorted((r["known_on"], r["value"], r["figure_id"] == row["figure_id"]) for r in rows)
    assert said == [(row["known_on"], Decimal(701_000_000), True), (date(2026, 12, 1), Decimal(702_000_000), False)]
    # The old version is as it was sealed; the corrected one only awaits its entry.
    assert [(r["stated_on"], r["withdrawn_on"]) for r in sorted(rows, key=lambda r: r["known_on"])] == [
        (row["known_on"], date(2026, 12, 1)),
        (row["known_on"], None),
    ]
    # The old version is as it was sealed; the corrected one and the correction only await their entry.
    assert {p.partition(": ")[2] for p in problems(folder)} == {
        "not in the ledger; run python -m ingest.curated.ledger seal"
    }
    assert seal(folder) == 2
    assert problems(folder) == []


def test_sealing_never_covers_an_edit(folder):
    edit(folder, ",data_center_revenue,701000000,", ",data_center_revenue,702000000,")
    before = (folder / LEDGER_FILE).read_bytes()
    with pytest.raises(CuratedError, match="edited"):
        seal(folder)
    assert (folder / LEDGER_FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("c1,1,,2026-01-01,", "line 2: reason is missing"),
        ("c1,one,,2026-01-01,typo", "line 2"),
        ("c1,1,,1 May,typo", "line 2"),
        ("c1,1,,2026-01-01", "line 2"),
        ("c1,1,c2,2026-01-01,typo", "not both"),
    ],
)
def test_a_bad_correction_is_refused(line, reason):
    with pytest.raises(CuratedError, match=reason):
        parse_corrections((HEADER + line + "\n").encode())


def test_a_correction_of_nothing_is_refused(folder):
    correct(folder, "c0,1,,2026-12-01,typo")
    with pytest.raises(CuratedError, match="no figure has the id c0"):
        read_figures(folder)


FIRST = {"company": "Lab", "metric": "annualized_run_rate", "value": "37000000000", "period_end": "2026-04-29"}
RIGHT = FIRST | {"period_end": "2026-03-31"}
STATED = date(2026, 4, 29)


@pytest.fixture
def small(tmp_path):
    """A folder with one figure of a wrong day and the right one beside it; returns the folder and both ids."""
    shared = dict.fromkeys(COLUMNS, "") | {
        "unit": "USD", "qualifier": "at_least", "period_type": "run_rate", "known_on": "2026-04-29",
        "known_on_basis": "published", "source_kind": "company_filing", "layer": "model", "confidence": "high",
        "source_title": "8-K", "source_url": "https://www.sec.gov/Archives/edgar/data/1/a.htm",
    }  # fmt: skip
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([shared | FIRST, shared | RIGHT])
    (tmp_path / "corrections.csv").write_text(HEADER, "utf-8")
    wrong, right = read_figures(tmp_path).table.to_pylist()
    return tmp_path, wrong["figure_id"], right["figure_id"]


def test_a_figure_of_a_wrong_day_is_said_until_it_is_corrected(small):
    folder, wrong, right = small
    correct(folder, f"{wrong},,{right},2026-11-25,dated to the announcement")
    before, after = read_figures(folder).table.to_pylist()
    assert (before["figure_id"], before["known_on"], before["withdrawn_on"]) == (wrong, STATED, date(2026, 11, 25))
    # The right one is shown from the correction on, and says when its statement was public.
    assert (after["figure_id"], after["known_on"], after["stated_on"], after["withdrawn_on"]) == (
        right, date(2026, 11, 25), STATED, None,
    )  # fmt: skip


def test_a_figure_can_be_taken_back_without_another(small):
    folder, wrong, right = small
    correct(folder, f"{wrong},,,2026-11-25,not found in the source")
    before, other = read_figures(folder).table.to_pylist()
    assert (before["withdrawn_on"], other["withdrawn_on"], other["known_on"]) == (date(2026, 11, 25), None, STATED)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{wrong},,c0,2026-11-25,x", "no figure has the id c0"),
        ("{wrong},,{wrong},2026-11-25,x", "changes nothing"),
        ("{wrong},,{right},2026-04-29,x", "not later"),
        ("{wrong},37000000000,,2026-11-25,x", "changes nothing"),
    ],
)
def test_a_replacement_that_cannot_be_right_is_refused(small, line, reason):
    folder, wrong, right = small
    correct(folder, line.format(wrong=wrong, right=right))
    with pytest.raises(CuratedError, match=reason):
        read_figures(folder)


def test_a_figure_is_not_withdrawn_twice(small):
    folder, wrong, right = small
    correct(folder, f"{wrong},,{right},2026-11-25,x")
    correct(folder, f"{wrong},,,2026-11-26,again")
    with pytest.raises(CuratedError, match="changes nothing"):
        read_figures(folder)


def test_a_correction_that_was_sealed_cannot_vanish(folder):
    path = folder / "corrections.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), "utf-8")
    figure_id = lines[-1].partition(",")[0]
    assert [p for p in problems(folder) if p.startswith(f"k{figure_id[1:]}") and "gone" in p]
