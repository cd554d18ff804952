"""A shipped figure is never edited in silence: the ledger sees it, a correction is a version."""

import shutil
from datetime import date
from decimal import Decimal

import pytest

from ingest.figures import curated_dir, read_figures
from ingest.ledger import LEDGER_FILE, breaches, parse_corrections, parse_ledger, seal, sealed_rows
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
    (folder / "corrections.csv").write_text(HEADER + f"{row['figure_id']},701000000,,2026-12-01,misread\n", "utf-8")
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
        "not in the ledger yet; run python -m ingest.ledger seal"
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
        ("c1,1,,2026-01-01,", "needs its reason"),
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
    (folder / "corrections.csv").write_text(HEADER + "c0,1,,2026-12-01,typo\n", "utf-8")
    with pytest.raises(CuratedError, match="no figure has the id c0"):
        read_figures(folder)
