"""What a year must earn, as algebra: any spending, any lives, through the compiled model.

Belongs here: what must hold whatever was spent (docs/method.md, "What a year must earn"). Does not belong here:
what the shipped figures come to.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.history import compiled_models
from support.rebuild import RunModel

M = 1_000_000
SETTINGS = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SHARES = st.sampled_from([Decimal("0.35"), Decimal("0.5"), Decimal("0.77"), Decimal(1)])


class Terms(NamedTuple):
    """Assumptions; lives in quarters, the return a year."""

    chips: int
    buildings: int
    gpu_share: Decimal = Decimal("0.5")
    margin: Decimal = Decimal("0.5")
    required_return: Decimal = Decimal(0)
    lag: int = 0
    price: Decimal = Decimal("0.0977")


MARGINS = st.sampled_from([Decimal(0), Decimal("0.5"), Decimal("0.65")])
TERMS = st.tuples(st.integers(1, 12), st.integers(1, 16), SHARES, MARGINS).map(lambda terms: Terms(*terms))


@pytest.fixture(scope="module")
def required(refreshed, manifest):
    """required(spending of each quarter, terms) -> the quarters' rows, the first one first."""
    with duckdb.connect(str(refreshed.home.build), read_only=True) as shapes:
        run = RunModel(compiled_models(manifest, None), shapes)

        def rows(spending: list[int], terms: Terms) -> list[dict]:
            said = {"scenario": "amortized", "known_on": date(2020, 1, 1)}
            values = {
                "gpu_share_of_tco": terms.gpu_share,
                "end_user_gross_margin": terms.margin,
                "accelerator_life_years": Decimal(terms.chips) / 4,
                "building_life_years": Decimal(terms.buildings) / 4,
                "required_return": terms.required_return,
                "revenue_lag_quarters": Decimal(terms.lag),
                "electricity_usd_per_kwh": terms.price,
                "accelerator_usd_per_gw": Decimal(18_200_000_000),
            }
            quarter = {"ticker": "NVDA", "metric": "data_center_revenue", "known_from": date(2020, 1, 1)}
            return run(
                "amortized_requirement",
                stg_curated__scenario_parameters=[
                    said | {"fact_id": f"s{name}", "parameter": name, "value": value} for name, value in values.items()
                ],
                int_metric_quarters=[
                    quarter
                    | {"calendar_quarter": f"{2020 + n // 4}Q{n % 4 + 1}", "value_usd": usd, "fact_ids": [f"x{n}"]}
                    | {"period_end": date(2020, 3, 31) + timedelta(91 * n)}
                    for n, usd in enumerate(spending)
                ],
            )

        yield rows


def _chain(usd: int, terms: Terms) -> int:
    """Cahn's: spending / GPU share / (1 - margin), each rounded half up to the dollar."""
    spend = int(usd / terms.gpu_share + Decimal("0.5"))
    return int(spend / (1 - terms.margin) + Decimal("0.5"))


@SETTINGS
@given(usd=st.integers(1, 90_000).map(lambda millions: millions * M + 1), terms=TERMS)
def test_constant_spending_without_a_return_needs_what_cahns_chain_says(required, usd, terms):
    whole_life = max(terms.chips, terms.buildings)
    last = required([usd] * (whole_life + 1), terms)[-1]
    assert last["required_quarter_usd"] == _chain(usd, terms)
    assert last["required_year_usd"] == 4 * last["required_quarter_usd"]
    assert last["is_complete"]


@SETTINGS
@given(spending=st.lists(st.integers(0, 90_000).map(lambda m: m * M + 7), min_size=1, max_size=6), terms=TERMS)
def test_all_that_is_spent_is_written_off_once(required, spending, terms):
    idle = [0] * (max(terms.chips, terms.buildings) + 2)
    rows = required(spending + idle, terms)
    assert sum(row["accelerator_depreciation_usd"] for row in rows) == sum(spending)
    used = sum(
        row["accelerator_depreciation_usd"] + row["building_depreciation_usd"] + row["energy_usd"] for row in rows
    )
    assert used == sum(int(usd / terms.gpu_share + Decimal("0.5")) for usd in spending)
    assert rows[-1]["net_book_value_usd"] == 0
    assert all(row["net_book_value_usd"] >= 0 for row in rows)
    # Nothing is used up in the quarter it was sold.
    assert rows[0]["required_quarter_usd"] == 0


@SETTINGS
@given(usd=st.integers(1, 90_000).map(lambda millions: millions * M), terms=TERMS, longer=st.integers(1, 8))
def test_longer_lives_never_raise_the_steady_state(required, usd, terms, longer):
    """Of spending that goes on as it is, without a return: that is asked on what is not written off, and grows."""
    patient = terms._replace(chips=terms.chips + longer, buildings=terms.buildings + longer)
    quarters = [usd] * (max(patient.chips, patient.buildings) + 1)
    shorter, later = required(quarters, terms), required(quarters, patient)
    assert later[-1]["required_quarter_usd"] <= shorter[-1]["required_quarter_usd"]
    for one, other in zip(shorter, later, strict=True):
        assert other["accelerator_depreciation_usd"] <= one["accelerator_depreciation_usd"] + 1


@SETTINGS
@given(usd=st.integers(100, 90_000).map(lambda millions: millions * M), terms=TERMS)
def test_a_return_a_price_and_a_lag_move_it_the_way_they_must(required, usd, terms):
    quarters = [usd] * 8
    plain = required(quarters, terms)
    asked = required(quarters, terms._replace(required_return=Decimal("0.1")))
    mean = (plain[-2]["net_book_value_usd"] + plain[-1]["net_book_value_usd"]) / 2
    assert asked[-1]["return_usd"] == pytest.approx(mean * 0.1 / 4, abs=2)
    lagging = required(quarters, terms._replace(lag=2))
    assert [row["energy_usd"] for row in lagging[2:]] == [row["energy_usd"] for row in plain[:-2]]
    dear = required(quarters, terms._replace(price=Decimal("0.1954")))
    assert dear[-1]["energy_usd"] >= plain[-1]["energy_usd"]
