"""The pencil of the rehearsal: quarters by the method's rules, the same answers that a reader gets."""

from datetime import date

import pytest

from ingest.companies import watch_list
from support.rehearsal_history import quarter_at, quarter_end, quarter_start
from support.rehearsal_oracle import Pencil, by_metric

TESLA, NVIDIA, APPLE = (next(c for c in watch_list() if c.ticker == t) for t in ("TSLA", "NVDA", "AAPL"))
CAPEX = "capex_cash_gross"
Q = [quarter_end(TESLA, 2025 * 4 + n) for n in range(4)]
START = date(2025, 1, 1)


def stated(**to_date):
    """Capex from January to the end of a quarter, as one filing has it."""
    ends = dict(zip(("q1", "half", "nine", "year"), Q, strict=True))
    return {CAPEX: {(START, ends[name]): usd for name, usd in to_date.items()}}


@pytest.fixture
def year():
    """A year in four reports: 10, 12, 14, 16."""
    pencil = Pencil()
    for month, said in ((4, dict(q1=10)), (7, dict(half=22)), (10, dict(nine=36)), (12, dict(year=52))):
        pencil.note(TESLA, stated(**said), date(2025, month, 28))
    return pencil


def value(pencil, quarter, new, filed_on=date(2026, 7, 28)):
    period = (quarter_start(TESLA, 2025 * 4 + quarter - 1), Q[quarter - 1])
    return pencil.quarter(TESLA, CAPEX, period, new, filed_on)


def test_a_year_that_is_restated_alone_gives_no_quarter(year):
    assert value(year, 4, stated(year=60)) == set()
    assert value(year, 4, stated(year=52)) == {16}
    assert value(year, 4, stated(year=60, nine=40)) == {20}


def test_nor_does_a_half(year):
    assert value(year, 2, stated(half=25)) == set()
    assert value(year, 3, stated(half=25)) == set()
    year.note(TESLA, stated(q1=11), date(2026, 4, 28))
    assert value(year, 2, stated(half=25)) == {14}


def test_of_two_words_on_one_day_the_later_counts(year):
    assert value(year, 4, stated(year=53), filed_on=date(2025, 12, 28)) == {17}


def test_a_half_and_its_second_quarter_give_the_first():
    second = (quarter_start(TESLA, 2025 * 4 + 1), Q[1])
    assert value(Pencil(), 1, {CAPEX: {(START, Q[1]): 25, second: 14}}) == {11}


def test_a_quarter_that_is_stated_is_that_whatever_a_difference_of_two_vintages_gives():
    pencil = Pencil()
    pencil.note(TESLA, stated(q1=10), date(2025, 4, 28))
    second = (quarter_start(TESLA, 2025 * 4 + 1), Q[1])
    assert value(pencil, 2, {CAPEX: {(START, Q[1]): 25, second: 14}}) == {14}


def test_what_was_never_stated_gives_nothing():
    assert value(Pencil(), 3, stated(nine=36)) == set()


def test_a_tag_counts_where_the_watch_list_says():
    row = {"unit": "USD", "concept": "us-gaap:Revenues", "dimensions": "", "filed_on": date(2025, 8, 27), "value": 5}
    row |= {"period_start": date(2025, 4, 28), "period_end": date(2025, 7, 27)}
    assert by_metric(NVIDIA, [row])["total_revenue"] == {(date(2025, 4, 28), date(2025, 7, 27)): 5}
    other = row | {"concept": "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax", "value": 6}
    assert by_metric(NVIDIA, [other, row]) == by_metric(NVIDIA, [row])


@pytest.mark.parametrize(
    ("company", "end", "days"),
    [
        (NVIDIA, date(2021, 1, 31), 98),
        (NVIDIA, date(2025, 7, 27), 91),
        (APPLE, date(2022, 12, 31), 98),
        (APPLE, date(2025, 9, 27), 91),
        (TESLA, date(2024, 3, 31), 91),
    ],
)
def test_fiscal_quarters_end_as_they_did(company, end, days):
    number = quarter_at(company, end)
    assert quarter_end(company, number) == end
    assert (end - quarter_start(company, number)).days + 1 == days
