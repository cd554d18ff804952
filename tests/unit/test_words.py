"""What is said of a gap: one wording, whose figures add up as they are written."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.report_marts import write_marts
from support.small_warehouse import published_home
from warehouse.readers import words
from warehouse.readers.cite import footnote
from warehouse.readers.explain import explain, text
from warehouse.readers.read import open_published, query
from warehouse.readers.show import gap_rows, headline
from warehouse.report import render

NOTHING = words.Evidence({}, {}, {})


def row(**more: Any) -> dict[str, Any]:
    return {
        "calendar_quarter": "2026Q2",
        "scenario": "measured",
        "run_rate_basis": "actual_run_rate",
        "ai_revenue_basis": "measured_run_rate",
        "is_like_for_like": True,
        "run_rate_usd": 356_092_000_000,
        "gpu_share_of_tco": Decimal("0.5"),
        "end_user_gross_margin": Decimal("0.5"),
        "required_revenue_usd": 1_424_368_000_000,
        "ai_revenue_usd": 110_796_300_000,
        "gap_usd": 1_313_571_700_000,
        "coverage_share": Decimal("0.077786"),
        "companies_counted": 19,
    } | more


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = published_home(tmp_path_factory.mktemp("words"))
    return home


@pytest.fixture(scope="module")
def evidence(home) -> words.Evidence:
    with open_published(home) as connection:
        return words.read_evidence(connection)


# --- sentences --------------------------------------------------------------------------------------------------------


def test_the_finding_says_what_is_missing():
    assert words.finding(row()) == (
        "2026Q2: NVIDIA's data-center revenue runs at $356.1B a year. To pay that back takes $1,424.4B of AI revenue; "
        "the $110.8B a year measured covers 7.8%. The gap: $1,313.6B."
    )


def test_the_finding_of_an_assumption_and_of_nothing_known():
    cahn = words.finding(row(run_rate_basis="forecast_run_rate", ai_revenue_basis="assumed"))
    assert "was forecast to run at" in cahn
    assert "the $110.8B a year assumed covers" in cahn
    assert words.finding(row(ai_revenue_usd=None, gap_usd=None)).endswith("what there was of it is not known.")


def test_the_change_is_a_bridge_in_one_line(evidence):
    """60 growth of which netting took a little, 9 of a company first stated, some late: 61 before, 100 after."""
    assert words.change(row(), evidence) == (
        "AI revenue since 2026Q1: +$39.0B = +$30.0B from companies seen at both ends, +$9.0B first statements."
    )


def test_range_age_and_published_totals_are_said(evidence):
    said = "\n".join(words.sentences(row(max_staleness_days=120, companies_counted=3), evidence))
    assert "Range: AI revenue $90.0B to $120.0B." in said
    assert (
        "(3 companies, $7.0B of it stated over 100 days from the quarter's end, oldest figure 120 days old at the "
        "quarter's end)" in said
    )
    assert "Published totals of the same quarter: $63.0B to $175.0B." in said


def test_the_range_of_the_headline_names_that_of_the_gap():
    evidence = words.Evidence(
        {("2026Q2", "measured_run_rate"): {"low_usd": 76 * 10**9, "high_usd": 104 * 10**9}},
        {"2026Q2": [946 * 10**9, 1514 * 10**9]},
        {},
    )
    assert words.span(row(), evidence).endswith("the gap, at the ends of the sourced shares too, $946.0B to $1,514.0B.")
    assert "gap" not in words.span(row(scenario="own:mine"), evidence)


def test_of_an_end_of_the_range_no_bridge_is_told(evidence):
    assert words.change(row(ai_revenue_end="low"), evidence) == ""


def test_what_is_assumed_has_no_bridge_no_range_and_no_age(evidence):
    said = words.sentences(row(ai_revenue_basis="assumed", companies_counted=None), evidence)
    assert [line.partition(":")[0] for line in said] == ["2026Q2", "Stands on", words.LIFETIME]
    assert "AI revenue is assumed, not measured; assumed:" in said[1]


def test_a_basis_that_counts_the_users_own_figures_says_so():
    assert "your own figures counted" in words.stands_on(row(ai_revenue_basis="own:estimated_run_rate"), NOTHING)
    assert "your own" not in words.stands_on(row(ai_revenue_basis="estimated_run_rate"), NOTHING)


def test_as_of_a_day_nothing_later_is_told(home):
    with open_published(home) as connection:
        then = words.read_evidence(connection, date(2026, 6, 1))
    assert then.totals == {}
    assert then.benchmarks == {("2026Q2", "measured_run_rate"): (63 * 10**9, 63 * 10**9)}


# --- what is written adds up ------------------------------------------------------------------------------------------


def _read(written: str) -> int:
    sign, billions, tenth, millions = re.fullmatch(r"([+-])\$(?:([\d,]+)\.(\d)B|([\d,]+)M)|", written).groups()
    if sign is None:
        return 0
    size = int(millions.replace(",", "")) if millions else 1000 * int(billions.replace(",", "")) + 100 * int(tenth)
    return -size if sign == "-" else size


@given(st.lists(st.integers(-(10**12), 10**12) | st.integers(-(10**7), 10**7), min_size=1, max_size=9))
def test_the_parts_add_up_as_they_are_written(parts):
    whole, *written = words.apportioned(sum(parts), parts)
    assert sum(map(_read, written)) == _read(whole)
    units = {text[-1] for text in (whole, *written) if text}
    assert len(units) <= 1
    unit = 100 if units == {"B"} else 1
    for shown, part in zip(written, parts, strict=True):
        assert abs(_read(shown) * 10**6 - part) < unit * 10**6
        assert part != 0 or shown == ""


# --- one wording everywhere -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_surface_says_the_same(home, tmp_path):
    """Shell, tree, footnote and page: the same sentences, those of words.py."""
    with open_published(home) as connection:
        (gap,) = query(connection, "from marts.ai_revenue_gap where scenario = 'measured' and gap_usd > 0").as_dicts()
        found, *rest = words.sentences(gap, words.read_evidence(connection))
        assert headline(connection, gap_rows(connection, "measured", None)).splitlines() == [found, *rest]
        assert text(explain(connection, "2026Q2")).splitlines()[2 : 2 + len(rest)] == rest
        assert footnote(connection, "2026Q2").doubt == " ".join(rest)
    with duckdb.connect(str(write_marts(tmp_path / "page.duckdb"))) as connection:
        (gap,) = query(connection, "from marts.ai_revenue_gap where scenario = 'measured' and gap_usd > 0 "
                       "order by calendar_quarter desc limit 1").as_dicts()  # fmt: skip
        found, *rest = words.sentences(gap, words.read_evidence(connection))
        page = render(connection)
    assert "AI revenue since 2026Q1: +$70.0B = +$60.0B from companies seen at both ends, +$10.0B first" in rest[0]
    assert found.replace("'", "&#x27;") in page
    assert " ".join(rest).replace("'", "&#x27;") in page
