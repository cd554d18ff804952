"""One model at a time over a few rows of its own: rules that the shipped facts alone would not show broken.

These are what dbt's unit tests are, but a refresh does not wait for them. tests/faults/test_sql_mutation.py breaks the
SQL and sees them fail.
"""

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from orchestration.history import compiled_models
from support.rebuild import RunModel


@pytest.fixture(scope="module")
def run(refreshed, manifest):
    with duckdb.connect(str(refreshed.home.build), read_only=True) as shapes:
        yield RunModel(compiled_models(manifest, None), shapes)


def _day(text):
    return date.fromisoformat(text)


# --- filings to quarters ----------------------------------------------------------------------------

FACT = {
    "cik": "1",
    "accession": "a1",
    "form": "10-Q",
    "filed_on": "2024-04-30",
    "concept": "us-gaap:Capex",
    "dimensions": "",
    "unit": "USD",
    "period_start": "2024-01-01",
    "period_end": "2024-03-31",
    "value": 100,
}


def test_a_filing_is_known_from_its_acceptance(run):
    """Accepted after hours on the day it was filed, public the next; a filing that no list names, from that day."""
    rows = run(
        "stg_edgar__facts",
        xbrl_facts=[FACT | {"fact_id": "late"}, FACT | {"fact_id": "unlisted", "accession": "a2"}],
        filings=[{"cik": "1", "accession": "a1", "filed_on": "2024-04-30", "known_from": "2024-05-01"}],
    )
    known = {row["fact_id"]: row["known_from"] for row in rows}
    assert known == {"late": _day("2024-05-01"), "unlisted": _day("2024-04-30")}


CONCEPT = {
    "cik": "1",
    "metric": "capex_cash_gross",
    "concept": "us-gaap:Capex",
    "dimensions": "",
    "priority": 1,
    "same_as": "us-gaap:Capex",
    "valid_from": "1990-01-01",
    "valid_to": "2024-06-30",
    "filed_from": "1990-01-01",
    "filed_to": "2024-12-31",
}
PROCEEDS = {"metric": "ppe_sale_proceeds", "concept": "us-gaap:Proceeds", "same_as": "us-gaap:Proceeds"}
FIGURE = {
    "ticker": "AMZN",
    "company": "Amazon",
    "metric": "capex_cash_gross",
    "value": 99,
    "unit": "USD",
    "period_type": "quarter",
    "period_start": "2024-01-01",
    "period_end": "2024-03-31",
    "known_on": "2024-04-20",
    "is_headline_grade": True,
}


def test_t21_an_observation_is_its_exact_line_in_dollars(run):
    """Same filing, same period: another unit, dimension, concept, span or time of validity is another thing."""
    stated = FACT | {"known_from": "2024-04-30", "span": "quarter"}
    others = {
        "taiwan dollars": {"unit": "TWD"},
        "per share": {"unit": "USD/shares"},
        "a segment": {"dimensions": "us-gaap:StatementBusinessSegmentsAxis=amzn:AWSMember"},
        "another concept": {"concept": "us-gaap:CapexAndMore"},
        "61 days": {"span": "odd"},
        "after the tag changed": {"period_end": "2024-09-30"},
        "a filing after the tag changed": {"filed_on": "2025-01-31"},
        "another company": {"cik": "2"},
    }
    rows = run(
        "int_metric_observations",
        stg_watch_list__companies=[{"cik": "1", "ticker": "AMZN"}],
        stg_watch_list__metric_concepts=[CONCEPT, CONCEPT | PROCEEDS],
        stg_edgar__facts=[
            stated | {"fact_id": "line"},
            stated | {"fact_id": "proceeds", "concept": "us-gaap:Proceeds", "value": 30},
            stated | {"fact_id": "elsewhere", "concept": "us-gaap:Proceeds", "value": 7, "accession": "a2"},
            *(stated | {"fact_id": name} | change for name, change in others.items()),
        ],
        stg_curated__figures=[
            FIGURE | {"fact_id": "press"},
            FIGURE | {"fact_id": "yuan", "unit": "CNY"},
            FIGURE | {"fact_id": "rumour", "is_headline_grade": False},
        ],
    )
    found = {(row["metric"], *row["fact_ids"]): row["value_usd"] for row in rows}
    assert len(found) == len(rows)
    assert found == {
        ("capex_cash_gross", "line"): 100,
        ("capex_cash_gross", "press"): 99,
        ("ppe_sale_proceeds", "proceeds"): 30,
        ("ppe_sale_proceeds", "elsewhere"): 7,
        ("capex_cash_net_of_proceeds", "line", "proceeds"): 70,
    }


def test_a_difference_that_is_no_quarter_long_is_none(run):
    """A half of 200 days less a quarter of 80 would be a third of a year."""
    version = {
        "cik": "1",
        "metric": "m",
        "line": "l",
        "source_kind": "xbrl",
        "priority": 1,
        "period_start": "2024-01-01",
        "known_from": "2024-08-01",
        "value_kind": "reported",
        "formula": "as reported",
    }
    rows = run(
        "int_quarter_candidates",
        stg_watch_list__metric_concepts=[{"cik": "1", "metric": "m", "max_step": 5}],
        stg_watch_list__companies=[{"cik": "1", "ticker": "AAA", "fiscal_year_end_month": 12}],
        int_observation_versions=[
            version
            | {"span": "quarter", "period_end": "2024-03-20", "value_usd": 10, "fact_ids": ["q"], "version_id": "q"},
            version
            | {"span": "half", "period_end": "2024-07-18", "value_usd": 30, "fact_ids": ["h"], "version_id": "h"},
        ],
    )
    assert [row["fact_ids"] for row in rows] == [["q"]]


def test_which_candidate_is_the_quarter(run):
    """A filing before a press figure, a reported quarter before a derived one, the preferred concept, then the newest;
    and a candidate counts from its first day until the day before it was replaced."""
    candidate = {
        "cik": "1",
        "ticker": "AAA",
        "metric": "m",
        "calendar_quarter": "2024Q1",
        "priority": 1,
        "source_kind": "xbrl",
        "value_kind": "reported",
        "known_from": "2024-05-01",
        "is_used": True,
    }
    candidates = {
        "press": (1, {"source_kind": "press_release", "priority": 90, "known_from": "2024-04-20"}),
        "derived": (2, {"value_kind": "derived", "known_from": "2024-04-25"}),
        "second": (3, {"priority": 2, "known_from": "2024-05-01"}),
        "first": (4, {"known_to": "2024-08-01"}),
        "newer": (5, {"known_from": "2024-09-01"}),
        "newest": (6, {"known_from": "2024-10-01"}),
    }
    rows = run(
        "int_metric_quarters",
        int_quarter_candidates=[
            candidate | {"fact_ids": [name], "value_usd": value} | change
            for name, (value, change) in candidates.items()
        ],
    )
    versions = [(*row["fact_ids"], row["known_from"], row["known_to"]) for row in rows]
    days = [_day(f"2024-{day}") for day in ("04-20", "04-25", "05-01", "08-01", "09-01", "10-01")]
    names = ["press", "derived", "first", "second", "newer", "newest"]
    assert sorted(versions, key=lambda row: row[1]) == list(zip(names, days, [*days[1:], None], strict=True))


# --- the chain of the gap ---------------------------------------------------------------------------


def test_twelve_months_need_all_four_quarters(run):
    quarter = {"ticker": "NVDA", "metric": "data_center_revenue", "value_kind": "reported", "formula": "as reported"}
    values = {"2023Q1": 1, "2023Q2": 10, "2023Q4": 100, "2024Q1": 1_000, "2024Q2": 10_000, "2024Q3": 100_000}
    rows = run(
        "int_run_rates",
        int_metric_quarters=[
            quarter | {"calendar_quarter": name, "value_usd": value, "known_from": "2025-01-01", "fact_ids": [name]}
            for name, value in values.items()
        ],
    )
    found = {(row["run_rate_basis"], row["calendar_quarter"]): row["run_rate_usd"] for row in rows}
    assert found == {
        **{("actual_run_rate", name): 4 * value for name, value in values.items()},
        ("trailing_12m", "2024Q3"): 111_100,
    }


def _parameters(scenario, run_rate_basis, ai_revenue_basis, gpu_share="0.6", margin="0.4", known_on="2023-09-20"):
    row = {"scenario": scenario, "known_on": known_on}
    return [
        row | {"fact_id": f"{scenario}1", "parameter": "gpu_share_of_tco", "value": Decimal(gpu_share)},
        row | {"fact_id": f"{scenario}2", "parameter": "end_user_gross_margin", "value": Decimal(margin)},
        row | {"fact_id": f"{scenario}3", "parameter": "run_rate_basis", "text_value": run_rate_basis},
        row | {"fact_id": f"{scenario}4", "parameter": "ai_revenue_basis", "text_value": ai_revenue_basis},
    ]


def test_the_chain_rounds_half_up_and_compares_like_with_like(run):
    """100 / 0.6 is 166.67, rounded 167; 167 / 0.6 is 278.33, rounded 278; 50 of it is 0.179856."""
    assumption = {
        "scenario": "assumed",
        "parameter": "ai_revenue_usd",
        "value": 70,
        "fact_id": "a",
        "known_on": "2023-09-20",
    }
    rate = {"known_from": "2024-05-22", "value_kind": "reported", "fact_ids": ["x"], "run_rate_usd": 100}
    total = {"known_from": "2024-05-22", "companies_counted": 1, "fact_ids": ["c"], "ai_revenue_usd": 50}
    rows = run(
        "ai_revenue_gap_versions",
        stg_curated__scenario_parameters=[
            *_parameters("like", "actual_run_rate", "measured_run_rate"),
            *_parameters("trailing", "trailing_12m", "measured_trailing_12m"),
            *_parameters("mixed", "trailing_12m", "measured_run_rate"),
            *_parameters("assumed", "actual_run_rate", "assumed"),
            assumption,
        ],
        int_run_rates=[
            rate | {"calendar_quarter": quarter, "run_rate_basis": basis}
            for quarter in ("2023Q1", "2023Q2", "2024Q1")
            for basis in ("actual_run_rate", "trailing_12m")
        ],
        int_ai_revenue_totals=[
            total | {"calendar_quarter": "2024Q1", "ai_revenue_basis": basis}
            for basis in ("measured_run_rate", "measured_trailing_12m")
        ],
    )
    assert {(row["data_center_spend_usd"], row["required_revenue_usd"]) for row in rows} == {(167, 278)}
    found = {(row["scenario"], row["calendar_quarter"]): row for row in rows}
    assert {scenario: found[scenario, "2024Q1"]["is_like_for_like"] for scenario, _ in found} == {
        "like": True,
        "trailing": True,
        "mixed": False,
        "assumed": False,
    }
    like = found["like", "2024Q1"]
    assert (like["gap_usd"], like["coverage_share"]) == (228, Decimal("0.179856"))
    # What was assumed in September 2023 speaks of the quarter reported last then, and of those after it.
    assumed = {quarter: row["ai_revenue_usd"] for (scenario, quarter), row in found.items() if scenario == "assumed"}
    assert assumed == {"2023Q1": None, "2023Q2": 70, "2024Q1": 70}


def test_a_scenario_is_what_its_parameters_were_that_day(run):
    rows = run(
        "ai_revenue_gap_versions",
        stg_curated__scenario_parameters=[
            *_parameters("s", "actual_run_rate", "measured_run_rate", gpu_share="0.5", margin="0.5"),
            {
                "scenario": "s",
                "parameter": "gpu_share_of_tco",
                "value": Decimal("0.4"),
                "known_on": "2025-01-01",
                "fact_id": "n",
            },
        ],
        int_run_rates=[
            {
                "calendar_quarter": "2024Q1",
                "run_rate_basis": "actual_run_rate",
                "run_rate_usd": 100,
                "known_from": "2024-05-22",
                "fact_ids": ["x"],
            },
        ],
    )
    versions = sorted((row["known_from"], row["known_to"] or date.max, row["required_revenue_usd"]) for row in rows)
    assert versions == [
        (_day("2024-05-22"), _day("2025-01-01"), 400),
        (_day("2025-01-01"), date.max, 500),
    ]


def test_a_forecast_is_held_against_the_quarter_as_first_reported(run):
    rate = {"calendar_quarter": "2023Q4", "run_rate_basis": "actual_run_rate", "fact_ids": ["x"]}
    (row,) = run(
        "forecast_errors",
        ai_revenue_gap_versions=[
            {"scenario": "s", "calendar_quarter": "2023Q4", "run_rate_basis": "forecast_run_rate", "run_rate_usd": 50}
            | {"known_from": "2023-09-20", "fact_ids": ["s"]}
        ],
        int_run_rates=[
            rate | {"run_rate_usd": 70, "known_from": "2024-02-21", "known_to": "2025-02-26"},
            rate | {"run_rate_usd": 71, "known_from": "2025-02-26"},
        ],
    )
    assert (row["actual_run_rate_usd"], row["actual_known_from"], row["error_usd"]) == (70, _day("2024-02-21"), 20)


# --- AI revenue -------------------------------------------------------------------------------------

STATEMENT = {
    "company": "Lab",
    "metric": "annualized_run_rate",
    "unit": "USD",
    "layer": "model",
    "source_kind": "press_report",
    "confidence": "high",
    "is_citable": True,
    "is_headline_grade": True,
    "overlaps_with": "",
}


def test_a_quarter_rests_on_what_was_said_of_it_or_before(run):
    """Statements of March, June and September, known a month later; the weak one of June counts for nothing, and the
    last quarter carries September's on."""
    said = {"2024-03-31": 100, "2024-06-30": 200, "2024-09-30": 400}
    rows = run(
        "int_ai_revenue_as_known",
        stg_curated__ai_revenue_roles=[{"company": "Lab", "role": "counted"}],
        int_metric_quarters=[
            {"metric": "data_center_revenue", "calendar_quarter": "2024Q4", "known_from": "2025-02-26"},
        ],
        stg_curated__figures=[
            *(
                STATEMENT | {"fact_id": day, "value": value, "period_end": day, "known_on": f"2024-{month}-31"}
                for (day, value), month in zip(said.items(), ("05", "07", "10"), strict=True)
            ),
            STATEMENT
            | {"fact_id": "weak", "value": 9999, "period_end": "2024-06-30", "known_on": "2024-08-01"}
            | {"is_headline_grade": False, "confidence": "low"},
        ],
    )
    last = {row["calendar_quarter"]: row for row in rows if row["known_from"] == _day("2025-02-26")}
    assert {quarter: (row["run_rate_usd"], row["staleness_days"]) for quarter, row in last.items()} == {
        "2024Q1": (100, 0),
        "2024Q2": (200, 0),
        "2024Q3": (400, 0),
        "2024Q4": (400, 92),
    }
    assert {quarter: row["trailing_quarters_observed"] for quarter, row in last.items()} == {
        "2024Q1": 1,
        "2024Q2": 2,
        "2024Q3": 3,
        "2024Q4": 4,
    }
    assert last["2024Q4"]["trailing_12m_usd"] == 275
    # A day before September's figure was known, the third quarter was June's.
    before = [row for row in rows if row["calendar_quarter"] == "2024Q3" and row["known_from"] < _day("2024-10-31")]
    assert before == []


def test_trailing_revenue_is_of_four_quarters_and_no_more(run):
    days = ("2023-09-30", "2023-12-31", "2024-03-31", "2024-06-30", "2024-09-30")
    rows = run(
        "int_ai_revenue_as_known",
        stg_curated__ai_revenue_roles=[{"company": "Lab", "role": "counted"}],
        stg_curated__figures=[
            STATEMENT | {"fact_id": day, "value": 10**place, "period_end": day, "known_on": day}
            for place, day in enumerate(days, 3)
        ],
    )
    (newest,) = (row for row in rows if row["known_from"] == _day(days[-1]) and row["calendar_quarter"] == "2024Q3")
    assert newest["trailing_12m_usd"] == (10**4 + 10**5 + 10**6 + 10**7) // 4
    assert newest["trailing_quarters_observed"] == 4


# --- customers --------------------------------------------------------------------------------------


def test_t19_a_share_that_is_no_single_customers_is_left_out(run):
    """NVIDIA states other shares under the same risk type: a region's, all end customers', a product's."""
    customer = "srt:MajorCustomersAxis"
    benchmark, risk = "us-gaap:ConcentrationRiskByBenchmarkAxis", "us-gaap:ConcentrationRiskByTypeAxis"

    def members(who, *more, of="us-gaap:SalesRevenueNetMember", kind="us-gaap:CustomerConcentrationRiskMember"):
        return ";".join(sorted([f"{customer}={who}", f"{benchmark}={of}", f"{risk}={kind}", *more]))

    stated = {
        "right": members("nvda:CustomerAMember"),
        "a region": members("country:US"),
        "all end customers": members("nvda:EndCustomersMember"),
        "through one country": members("nvda:CustomerBMember", "srt:StatementGeographicalAxis=country:SG"),
        "of one product": members("nvda:CustomerBMember", "srt:ProductOrServiceAxis=nvda:ComputeMember"),
        "of an acquisition": members("nvda:CustomerBMember", "us-gaap:BusinessAcquisitionAxis=nvda:MellanoxMember"),
        "of cost": members("nvda:CustomerBMember", of="us-gaap:CostOfGoodsTotalMember"),
        "a supplier": members("nvda:CustomerBMember", kind="us-gaap:SupplierConcentrationRiskMember"),
    }
    share = FACT | {"cik": "0001045810", "concept": "us-gaap:ConcentrationRiskPercentage", "value": Decimal("0.23")}
    rows = run(
        "int_customer_shares",
        stg_edgar__facts=[
            share | {"fact_id": name, "dimensions": dimensions, "span": "quarter", "known_from": "2024-04-30"}
            for name, dimensions in stated.items()
        ],
    )
    assert [(row["fact_id"], row["customer_label"], row["share"]) for row in rows] == [
        ("right", "CustomerA", Decimal("0.23"))
    ]


def test_a_years_disclosure_speaks_of_that_years_quarters(run):
    """A customer's share of the year to January 2025 says something of its four quarters, nothing of the one before."""
    quarters = {
        "2023Q4": ("2023-10-30", "2024-01-28"),
        "2024Q1": ("2024-01-29", "2024-04-28"),
        "2024Q2": ("2024-04-29", "2024-07-28"),
        "2024Q3": ("2024-07-29", "2024-10-27"),
        "2024Q4": ("2024-10-28", "2025-01-26"),
        "2025Q1": ("2025-01-27", "2025-04-27"),
    }
    rows = run(
        "int_microsoft_share_as_known",
        int_metric_quarters=[
            {
                "ticker": "NVDA",
                "metric": "total_revenue",
                "calendar_quarter": name,
                "period_start": start,
                "period_end": end,
                "value_usd": 100,
                "known_from": "2025-05-28",
                "fact_ids": [name],
            }
            for name, (start, end) in quarters.items()
        ],
        int_customer_shares=[
            {
                "basis": "revenue",
                "customer_kind": "indirect",
                "share": Decimal("0.19"),
                "span": "year",
                "fact_id": "y",
                "period_end": "2025-01-26",
                "known_from": "2025-02-26",
            },
        ],
    )
    assert sorted(row["calendar_quarter"] for row in rows) == ["2024Q1", "2024Q2", "2024Q3", "2024Q4"]
