"""Other currencies in dollars at ECB rates: which rate, what it gives, what the row says of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.curated.figures import FigureSet, read_figures
from ingest.curated.fx import CURRENCIES, METRIC, Rate, in_dollars, rate_for, with_dollars
from ingest.records import FIGURES
from support.make_fx_rates import rows as made_rows

EMPTY = dict.fromkeys(FIGURES.names)
RATE = EMPTY | {"company": "ECB", "metric": METRIC, "file": "fx_rates.csv", "line": 1}
Q2 = {"period_start": date(2026, 4, 1), "period_end": date(2026, 6, 30), "known_on": date(2026, 6, 30)}
JULY_END = {"period_end": date(2026, 7, 31), "known_on": date(2026, 7, 31)}
RATES = [
    RATE | Q2 | {"figure_id": "cq1", "unit": "CNY/EUR", "value": Decimal("8")},
    RATE | Q2 | {"figure_id": "cq2", "unit": "USD/EUR", "value": Decimal("1.2")},
    RATE | JULY_END | {"figure_id": "cd1", "unit": "CNY/EUR", "value": Decimal("8.1")},
    RATE | JULY_END | {"figure_id": "cd2", "unit": "USD/EUR", "value": Decimal("1.17")},
]
FIGURE = EMPTY | {
    "figure_id": "c1",
    "company": "Exampleton",
    "metric": "quarterly_revenue",
    "value": Decimal(9_000_000_000),
    "unit": "CNY",
    "qualifier": "exact",
    "period_type": "quarter",
    "period_start": date(2026, 4, 1),
    "period_end": date(2026, 6, 30),
    "known_on": date(2026, 8, 29),
    "note": "",
    "file": "ai_revenue.csv",
    "line": 7,
}


def dollars(*figures: dict) -> tuple[list[dict], list[str]]:
    given = [*RATES, *figures]
    found = with_dollars(FigureSet(pa.Table.from_pylist(given, FIGURES)))
    return found.table.to_pylist()[len(given) :], [row.reason for row in found.refused]


def test_what_is_earned_over_a_period_takes_its_mean():
    (made,), refused = dollars(FIGURE)
    assert refused == []
    assert (made["value"], made["unit"], made["qualifier"]) == (1_350_000_000, "USD", "derived")
    assert made["figure_id"] != "c1"
    assert made["known_on"] == date(2026, 8, 29)
    assert made["note"] == "9000000000 CNY at 8 CNY and 1.2 USD a euro (ECB: cq1, cq2)"
    assert made["source_url_2"].startswith("https://www.ecb.europa.eu/")


def test_a_pace_takes_the_last_months_end():
    pace = {"metric": "annualized_run_rate", "period_type": "run_rate", "period_start": None}
    (made,), _ = dollars(FIGURE | pace | {"period_end": date(2026, 8, 15)})
    assert made["value"] == 1_300_000_000
    assert "(ECB: cd1, cd2)" in made["note"]


def test_euros_take_one_rate():
    (made,), _ = dollars(FIGURE | {"unit": "EUR"})
    assert made["value"] == 10_800_000_000
    assert "(ECB: cq2)" in made["note"]


def test_a_range_keeps_its_ends():
    (made,), _ = dollars(FIGURE | {"value": None, "low_value": Decimal(8 * 10**9), "high_value": Decimal(16 * 10**9)})
    assert (made["value"], made["low_value"], made["high_value"]) == (None, 1_200_000_000, 2_400_000_000)


def test_a_fiscal_quarter_near_a_calendar_one_takes_its_rate_and_a_far_one_none():
    near = {"period_start": date(2026, 4, 27), "period_end": date(2026, 7, 26)}
    assert len(dollars(FIGURE | near)[0]) == 1
    made, (reason,) = dollars(FIGURE | {"period_start": date(2025, 10, 1), "period_end": date(2025, 12, 31)})
    assert made == []
    assert "Exampleton: no ECB rate of CNY for 2025-10-01 to 2025-12-31" in reason


def test_no_rate_of_a_later_day_is_used_for_a_pace():
    pace = FIGURE | {"metric": "annualized_run_rate", "period_start": None, "period_end": date(2026, 7, 30)}
    assert rate_for(pace, "CNY", RATES) is None


def test_what_the_company_gave_in_dollars_stays_its_own():
    made, refused = dollars(FIGURE, FIGURE | {"figure_id": "c2", "unit": "USD", "value": Decimal(1_360_000_000)})
    assert (made, refused) == ([], [])


def test_what_is_no_ai_revenue_is_not_converted():
    assert dollars(FIGURE | {"metric": "capex_cash_gross"}) == ([], [])


def test_an_own_figure_stays_an_own_one():
    (made,), _ = dollars(FIGURE | {"figure_id": "o1", "file": "own:mine.csv"})
    assert made["figure_id"].startswith("o")
    assert made["file"] == "own:mine.csv"


def test_a_conversion_is_known_when_its_rates_are():
    late = Rate(Decimal(8), "c9", date(2026, 9, 1))
    assert in_dollars(FIGURE, late, Rate(Decimal(1), "c8", date(2026, 6, 30)))["known_on"] == date(2026, 9, 1)


@given(st.integers(1, 10**13), st.integers(1, 10**6), st.integers(1, 10**6))
def test_there_and_back_is_the_same_to_the_unit(value, theirs, dollar):
    rates = Rate(Decimal(theirs) / 1000, "a", date.min), Rate(Decimal(dollar) / 1000, "b", date.min)
    made = in_dollars(FIGURE | {"value": Decimal(value)}, *rates)
    back = made["value"] / rates[1].value * rates[0].value
    assert abs(back - value) <= rates[0].value / rates[1].value


# --- the rates that ship --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> list[dict]:
    return [row for row in read_figures().table.to_pylist() if row["metric"] == METRIC]


def test_every_period_that_ships_has_a_rate_of_every_currency(shipped):
    periods: dict[tuple, set[str]] = {}
    for row in shipped:
        periods.setdefault((row["period_type"], row["period_end"]), set()).add(row["unit"].removesuffix("/EUR"))
    assert all(units == {"USD", *CURRENCIES} - {"EUR"} for units in periods.values())
    quarters = sorted(end for kind, end in periods if kind == "quarter")
    assert (quarters[0], len(quarters)) == (date(2022, 3, 31), 4 * (quarters[-1].year - 2022) + quarters[-1].month // 3)


def test_rates_that_anybody_can_look_up(shipped):
    """The ECB's own averages: 2023 1.0813 dollars, 7.6600 yuan, 1412.88 won; 2024 1.0824 dollars, 7.7875 yuan."""
    mean = {(r["unit"], r["period_end"].year): r["value"] for r in shipped if r["period_type"] == "year"}
    found = {key: round(value, 4) for key, value in mean.items()}
    assert found["USD/EUR", 2023] == Decimal("1.0813")
    assert found["CNY/EUR", 2023] == Decimal("7.6600")
    assert round(found["KRW/EUR", 2023], 2) == Decimal("1412.88")
    assert found["USD/EUR", 2024] == Decimal("1.0824")
    assert found["CNY/EUR", 2024] == Decimal("7.7875")


def test_a_mean_lies_between_its_months(shipped):
    for row in shipped:
        if row["period_type"] != "quarter":
            continue
        near = [
            other["value"]
            for other in shipped
            if other["unit"] == row["unit"]
            and other["period_type"] == "instant"
            and abs((other["period_end"] - row["period_end"]).days) < 125
        ]
        assert min(near) * Decimal("0.97") < row["value"] < max(near) * Decimal("1.03")


def test_how_the_table_is_made():
    days = {date(2022, 1, 3): Decimal(1), date(2022, 1, 31): Decimal(2), date(2022, 3, 30): Decimal("3.5")}
    found = list(made_rows(dict.fromkeys(("USD", "CNY", "HKD", "KRW"), days), date(2022, 3, 31)))
    dollar = [(r["period_type"], r["period_end"], r["value"], r["note"]) for r in found if r["unit"] == "USD/EUR"]
    assert dollar == [
        ("quarter", "2022-03-31", "2.166667", "mean of 3 daily rates"),
        ("instant", "2022-01-31", "2", "rate of 2022-01-31"),
        ("instant", "2022-02-28", "2", "rate of 2022-01-31"),
        ("instant", "2022-03-31", "3.5", "rate of 2022-03-30"),
    ]
