"""One model at a time over a few rows of its own: rules that the shipped facts alone would not show broken.

These are what dbt's unit tests are, but a refresh does not wait for them. tests/faults/test_sql_mutation.py breaks the
SQL and sees them fail.
"""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest

from ingest.curated.rows import check_span
from ingest.rules import PERIODIC_FORMS, span_of
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


def test_a_span_is_that_of_the_rules(run):
    """A length of a period is the same span in Python, in SQL, and for a curated figure: 109 days are no quarter."""
    start = _day("2020-01-01")
    ends = {days: start + timedelta(days - 1) for days in range(1, 421)}
    stated = [FACT | dict(fact_id=str(d), period_start=start, period_end=end, filed_on=_day("2024-04-30"))
              for d, end in ends.items()]  # fmt: skip
    found = {row["span_days"]: row["span"] for row in run("stg_edgar__facts", xbrl_facts=stated)}
    assert found == {days: span_of(days) or "odd" for days in ends}
    assert (found[79], found[80], found[98], found[100], found[101], found[109]) == (
        "odd", "quarter", "quarter", "quarter", "odd", "odd"
    )  # fmt: skip
    assert (found[61], found[181], found[214], found[273], found[371]) == ("odd", "half", "odd", "nine_months", "year")
    for curated in ("quarter", "half", "year"):
        accepted = {days for days, end in ends.items() if _is_accepted(curated, start, end)}
        assert accepted == {days for days, span in found.items() if span == curated}


def _is_accepted(*period):
    try:
        check_span(*period)
    except ValueError:
        return False
    return True


def test_the_forms_read_are_those_of_the_rules(run):
    """Whatever is loaded is read; a proxy statement never is."""
    forms = [*PERIODIC_FORMS, "DEF 14A"]
    rows = run("stg_edgar__facts", xbrl_facts=[FACT | {"fact_id": form, "form": form} for form in forms])
    assert {row["fact_id"] for row in rows} == set(PERIODIC_FORMS) >= {"10-QT", "10-QT/A", "6-K/A"}


def test_a_period_ends_before_its_filing(run):
    early = FACT | {"fact_id": "early", "filed_on": "2024-03-01"}
    backwards = FACT | {"fact_id": "backwards", "period_start": "2024-04-01"}
    rows = run("stg_edgar__facts", xbrl_facts=[FACT | {"fact_id": "sound"}, early, backwards])
    assert [row["fact_id"] for row in rows] == ["sound"]


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


@pytest.mark.parametrize(
    ("rejected_on", "expected"), [(None, (70, "2024-02-21", 20)), ("2025-06-01", (71, "2025-02-26", 21))]
)
def test_a_forecast_is_held_against_the_quarter_as_first_reported(run, rejected_on, expected):
    """By a filing that is used."""
    rate = {"calendar_quarter": "2023Q4", "run_rate_basis": "actual_run_rate"}
    (row,) = run(
        "forecast_errors",
        ai_revenue_gap_versions=[
            {"scenario": "s", "calendar_quarter": "2023Q4", "run_rate_basis": "forecast_run_rate", "run_rate_usd": 50}
            | {"known_from": "2023-09-20", "fact_ids": ["s"]}
        ],
        int_run_rates=[
            rate | {"run_rate_usd": 70, "known_from": "2024-02-21", "known_to": "2025-02-26", "fact_ids": ["x"]},
            rate | {"run_rate_usd": 71, "known_from": "2025-02-26", "fact_ids": ["y"]},
        ],
        int_usable_observations=[{"fact_ids": ["x"], "used_to": rejected_on}, {"fact_ids": ["y"]}],
    )
    usd, day, error = expected
    assert (row["actual_run_rate_usd"], row["actual_known_from"], row["error_usd"]) == (usd, _day(day), error)


# --- AI revenue -------------------------------------------------------------------------------------

M = 1_000_000
STATEMENT = {
    "company": "Lab",
    "metric": "annualized_run_rate",
    "unit": "USD",
    "layer": "model",
    "source_kind": "press_report",
    "confidence": "high",
    "is_citable": True,
    "is_own": False,
    "overlaps_with": "",
}


def test_a_statement_has_a_pace_and_a_day_of_its_own(run):
    """A quarter x 4 is the pace of its middle; what is no revenue, in no dollars or from no page is no statement."""
    quarter = {"metric": "quarterly_revenue", "period_start": "2024-04-01"}
    others = [{"unit": "CNY"}, {"is_citable": False}, {"metric": "operating_loss"}, {"company": "Nobody"}, {"value": 0}]
    rows = run(
        "int_ai_revenue_statements",
        stg_curated__ai_revenue_roles=[{"company": "Lab", "role": "counted"}, {"company": "Nobody", "role": "memo"}],
        int_usable_figures=[
            STATEMENT | {"fact_id": "rate", "value": 90, "period_end": "2024-06-20", "known_on": "2024-07-01"},
            STATEMENT
            | {"fact_id": "quarter", "value": 20, "period_end": "2024-06-30", "known_on": "2024-07-30"}
            | quarter,
            *(
                STATEMENT
                | {"fact_id": str(n), "value": 1, "period_end": "2024-06-30", "known_on": "2024-07-30"}
                | other
                for n, other in enumerate(others)
            ),
        ],
    )
    found = {row["statement_id"]: (row["run_rate_usd"], row["paced_on"], row["speaks_on"]) for row in rows}
    assert found == {
        "rate": (90, _day("2024-06-20"), _day("2024-06-20")),
        "quarter": (80, _day("2024-05-16"), _day("2024-06-30")),
    }


def test_a_pure_plays_filed_quarter_comes_before_the_typed_one(run):
    """A difference stands on both of its facts; withdrawn, it leaves the typed one; nobody else's revenue counts."""
    quarter = {
        "metric": "total_revenue",
        "source_kind": "xbrl",
        "period_start": "2025-10-01",
        "period_end": "2025-12-31",
    }
    rows = run(
        "int_ai_revenue_statements",
        stg_curated__ai_revenue_roles=[{"company": name, "role": "counted"} for name in ("Cloud", "Lab")],
        stg_watch_list__companies=[
            {"cik": "1", "company": "Cloud", "role": "ai_compute"},
            {"cik": "2", "company": "Lab", "role": "hyperscaler"},
        ],
        int_usable_figures=[
            STATEMENT
            | {
                "company": "Cloud",
                "fact_id": "typed",
                "metric": "quarterly_revenue",
                "value": 20,
                "known_on": "2026-03-10",
            }
            | {"period_start": "2025-10-01", "period_end": "2025-12-31"}
        ],
        int_metric_quarters=[
            quarter
            | {"cik": "1", "value_usd": 21, "fact_ids": ["nine", "year"]}
            | {"known_from": "2026-03-02", "known_to": "2026-04-01"},
            quarter | {"cik": "1", "value_usd": 19, "source_kind": "press_release", "fact_ids": ["press"]},
            quarter | {"cik": "2", "value_usd": 900, "fact_ids": ["whole"], "known_from": "2026-03-02"},
        ],
        int_observation_versions=[
            quarter
            | {"cik": "1", "span": "year", "period_start": "2025-01-01", "value_usd": 80, "fact_ids": ["year"]}
            | {"known_from": "2026-03-02"}
        ],
    )
    found = {row["statement_id"]: (row["run_rate_usd"], row["known_on"], row["withdrawn_on"]) for row in rows}
    assert found == {
        "typed": (80, _day("2026-03-10"), None),
        "nine; year": (84, _day("2026-03-02"), _day("2026-04-01")),
        "year": (80, _day("2026-03-02"), None),
    }
    held = run("int_ai_revenue_statements_known", int_ai_revenue_statements=rows)
    of_quarter = {row["known_from"]: row["statement_id"] for row in held if row["metric"] == "quarterly_revenue"}
    assert of_quarter == {
        _day("2026-03-02"): "nine; year",
        _day("2026-03-10"): "nine; year",
        _day("2026-04-01"): "typed",
    }


SAID = {
    "company": "Lab",
    "metric": "annualized_run_rate",
    "span_days": 0,
    "metric_rank": 2,
    "layer": "model",
    "source_kind": "press_report",
    "confidence_rank": 1,
}


def test_own_statements_feed_the_ends_of_their_own_alone(run):
    """Without any of the user's there are three ends; with one, three more, and it is in none of the first three."""
    speaks = {"speaks_on": "2024-03-31", "paced_on": "2024-03-31", "known_on": "2024-04-02", "is_own": False}

    def ends(*more):
        rows = run(
            "int_ai_revenue_statements_known", int_ai_revenue_statements=[SAID | speaks | {"statement_id": "a"}, *more]
        )
        return {(row["range_end"], row["statement_id"]) for row in rows}

    three = {"low", "central", "high"}
    assert ends() == {(end, "a") for end in three}
    own = SAID | speaks | {"statement_id": "o", "is_own": True, "speaks_on": "2024-02-29", "confidence_rank": 2}
    assert ends(own) == {(end, "a") for end in three | {f"own:{end}" for end in three}} | {
        ("own:central", "o"),
        ("own:high", "o"),
    }


def test_the_user_may_speak_of_who_states_nothing_usable_and_not_of_a_part(run):
    own = STATEMENT | {"is_own": True, "value": 1, "period_end": "2024-06-30", "known_on": "2024-07-30"}
    roles = {"Lab": "counted", "Silent": "not_disclosed", "Part": "subset", "Sum": "benchmark"}
    companies = [*roles, "Unheard of"]
    rows = run(
        "int_ai_revenue_statements",
        stg_curated__ai_revenue_roles=[{"company": name, "role": role} for name, role in roles.items()],
        int_usable_figures=[
            *(own | {"company": name, "fact_id": name} for name in companies),
            own | {"company": "Everybody", "fact_id": "all", "layer": "all"},
            *(own | {"company": name, "fact_id": f"shipped {name}", "is_own": False} for name in companies),
        ],
    )
    assert {row["statement_id"]: row["is_own"] for row in rows} == {
        "Lab": True,
        "Silent": True,
        "Unheard of": True,
        "shipped Lab": False,
    }


def test_weak_statements_feed_the_high_end_alone_and_the_newer_word_holds(run):
    speaks = {"speaks_on": "2024-03-31", "paced_on": "2024-03-31", "is_own": False}
    rows = run(
        "int_ai_revenue_statements_known",
        int_ai_revenue_statements=[
            SAID | speaks | {"statement_id": "firm", "known_on": "2024-04-10", "run_rate_usd": 1},
            SAID
            | speaks
            | {"statement_id": "newer", "known_on": "2024-05-10", "withdrawn_on": "2024-07-01", "run_rate_usd": 2},
            SAID | speaks | {"statement_id": "weak", "known_on": "2024-06-10", "run_rate_usd": 9, "confidence_rank": 3},
        ],
    )
    held = {(row["known_from"], row["range_end"]): row["statement_id"] for row in rows}
    assert held[_day("2024-04-10"), "central"] == "firm"
    assert held[_day("2024-05-10"), "central"] == "newer"
    assert (held[_day("2024-06-10"), "central"], held[_day("2024-06-10"), "high"]) == ("newer", "weak")
    assert held[_day("2024-07-01"), "central"] == "firm"


QUARTERS = [
    {
        "calendar_quarter": "2024Q1",
        "quarter_start": "2024-01-01",
        "quarter_end": "2024-03-31",
        "opened_on": "2024-01-01",
    },
    {
        "calendar_quarter": "2024Q2",
        "quarter_start": "2024-04-01",
        "quarter_end": "2024-06-30",
        "opened_on": "2024-01-01",
    },
    {
        "calendar_quarter": "2024Q3",
        "quarter_start": "2024-07-01",
        "quarter_end": "2024-09-30",
        "opened_on": "2024-01-01",
    },
    {
        "calendar_quarter": "2024Q4",
        "quarter_start": "2024-10-01",
        "quarter_end": "2024-12-31",
        "opened_on": "2024-01-01",
    },
]
CENTRAL = {"company": "Lab", "known_from": "2025-02-01", "range_end": "central"}


def test_a_quarter_rests_on_what_was_said_of_it_or_before(run):
    said = {"2024-03-31": 100, "2024-06-30": 200, "2024-09-30": 400}
    rows = run(
        "int_ai_revenue_carried",
        int_ai_revenue_quarters=QUARTERS,
        int_ai_revenue_statements_known=[
            SAID
            | CENTRAL
            | {"statement_id": day, "speaks_on": day, "paced_on": day, "run_rate_usd": value, "known_on": day}
            for day, value in said.items()
        ],
    )
    assert {row["calendar_quarter"]: (row["gross_usd"], row["staleness_days"]) for row in rows} == {
        "2024Q1": (100, 0),
        "2024Q2": (200, 0),
        "2024Q3": (400, 0),
        "2024Q4": (400, 92),
    }


def test_a_year_is_no_point_where_something_finer_is_known(run):
    year = {"metric": "annual_revenue", "span_days": 365, "metric_rank": 4, "period_start": "2024-01-01"}
    rate = {"statement_id": "rate", "speaks_on": "2024-05-01", "paced_on": "2024-05-01", "run_rate_usd": 1}
    for finer, expected in (([], ["year"]), ([SAID | CENTRAL | rate], ["rate"])):
        rows = run(
            "int_ai_revenue_points",
            int_ai_revenue_statements_known=[
                SAID | CENTRAL | year
                | {"statement_id": "year", "speaks_on": "2024-12-31", "paced_on": "2024-07-01", "run_rate_usd": 9},
                *finer,
            ],
        )  # fmt: skip
        assert [row["statement_id"] for row in rows] == expected


def test_an_estimate_is_the_mean_of_its_days(run):
    """From 100 M on 1 April to 200 M on 30 June: the mean of a geometric line; then flat; nothing before the first."""
    point = CENTRAL | {"metric": "annualized_run_rate", "confidence_rank": 1, "layer": "model", "source_kind": "x"}
    rows = run(
        "int_ai_revenue_estimated",
        int_ai_revenue_quarters=QUARTERS,
        int_ai_revenue_points=[
            point
            | {"statement_id": "a", "paced_on": "2024-04-01", "run_rate_usd": 100 * M}
            | {"next_paced_on": "2024-06-30", "next_run_rate_usd": 200 * M, "next_statement_id": "b"},
            point
            | {"statement_id": "b", "paced_on": "2024-06-30", "run_rate_usd": 200 * M}
            | {"previous_run_rate_usd": 100 * M, "days_since_previous": 90},
        ],
    )
    found = {row["calendar_quarter"]: row for row in rows}
    assert sorted(found) == ["2024Q2", "2024Q3", "2024Q4"]
    by_hand = sum(100 * 2 ** (day / 90) for day in range(91)) / 91
    assert abs(found["2024Q2"]["gross_usd"] - by_hand * M) < 1000
    assert (found["2024Q2"]["days_carried"], found["2024Q2"]["days_missing"]) == (0, 0)
    assert (found["2024Q3"]["gross_usd"], found["2024Q3"]["days_carried"]) == (200 * M, 92)


def test_a_reported_quarter_is_itself(run):
    quarter = {"metric": "quarterly_revenue", "speaks_on": "2024-06-30", "paced_on": "2024-05-16"}
    rows = run(
        "int_ai_revenue_estimated",
        int_ai_revenue_quarters=QUARTERS,
        int_ai_revenue_statements_known=[SAID | CENTRAL | quarter | {"statement_id": "q", "run_rate_usd": 80}],
        int_ai_revenue_points=[
            CENTRAL | {"statement_id": "q", "paced_on": "2024-05-16", "run_rate_usd": 80, "confidence_rank": 1},
        ],
    )
    found = {row["calendar_quarter"]: (row["gross_usd"], row["observed_metric"], row["days_missing"]) for row in rows}
    assert found["2024Q2"] == (80, "quarterly_revenue", 0)
    assert found["2024Q3"] == (80, "interpolated", 0)


def test_trailing_revenue_is_of_four_whole_quarters_and_no_less(run):
    estimated = CENTRAL | {
        "observed_metric": "interpolated",
        "days_carried": 0,
        "confidence_rank": 1,
        "fact_ids": ["f"],
    }
    quarters = {"2023Q3": 10**3, "2023Q4": 10**4, "2024Q1": 10**5, "2024Q2": 10**6, "2024Q3": 10**7}
    rows = run(
        "int_ai_revenue_trailing",
        int_ai_revenue_estimated=[
            estimated | {"calendar_quarter": name, "gross_usd": value, "days_missing": 1 if name == "2023Q3" else 0}
            for name, value in quarters.items()
        ],
    )
    found = {row["calendar_quarter"]: (row["gross_usd"], row["quarters_observed"]) for row in rows}
    assert found["2024Q3"] == ((10**4 + 10**5 + 10**6 + 10**7) // 4, 4)
    assert found["2024Q2"] == (None, 3)


GROSS = {"ai_revenue_basis": "estimated_run_rate", "known_from": "2025-01-01", "is_partial": False, "fact_ids": ["g"]}
EDGE = {
    "payer": "Lab",
    "payer_layer": "model",
    "payee": "Cloud",
    "payee_layer": "cloud_infrastructure",
    "is_default": False,
    "is_citable": True,
    "is_headline_grade": True,
    "confidence": "high",
    "period_type": "year",
    "period_start": "2024-01-01",
    "period_end": "2024-12-31",
    "known_on": "2025-01-10",
}
DEFAULT = EDGE | {"payer": "(any)", "payee": "(any)", "is_default": True, "share_of": "payee_revenue"}
EARNED = {"2024Q1": 1000, "2024Q2": 2000, "2024Q3": 3000, "2024Q4": 4000}


def _cloud(**more):
    return [
        GROSS
        | {"company": "Cloud", "layer": "cloud_infrastructure", "calendar_quarter": name, "gross_usd": value * M}
        | more
        for name, value in EARNED.items()
    ]


def test_a_years_payment_falls_on_its_quarters_in_the_payees_own_shape(run):
    """1,250 M of a year in which the cloud earned 2,500 M is half of each quarter, never a run rate; and half of the
    first quarter too, which a payment of the last three alone leaves open."""
    for edge, expected in (
        ({"amount_usd": 1250 * M}, Decimal("0.5")),
        ({"amount_usd": 9 * M, "period_type": "run_rate", "period_start": None}, Decimal("0.00225")),
        ({"amount_usd": 1125 * M, "period_start": "2024-04-01"}, Decimal("0.5")),
        ({"amount_usd": 99_000 * M}, Decimal(1)),
    ):
        rows = run(
            "int_ai_revenue_edge_shares",
            int_ai_revenue_quarters=QUARTERS,
            int_ai_revenue_gross=_cloud(),
            int_usable_edges=[EDGE | {"fact_id": "e"} | edge],
        )
        last = [row for row in rows if row["known_from"] == _day("2025-01-10")]
        assert {row["calendar_quarter"]: row["share"] for row in last} == dict.fromkeys(EARNED, expected)


def test_a_weak_payment_moves_the_range_and_not_the_centre(run):
    """A known payment below the layer's default leaves the default; above it, it holds; a weak one only widens."""
    pair = {"known_from": "2025-01-10", "payee": "Cloud", "payer": "Lab", "fact_ids": ["e"], "days_away": 0}
    pair |= {"counts_own": False, "payee_usd": 1000 * M, "payer_usd": 500 * M}

    def netting(share, is_headline_grade):
        shares = dict.fromkeys(("share", "low_share", "high_share"), Decimal(share))
        rows = run(
            "int_ai_revenue_netting",
            int_ai_revenue_quarters=QUARTERS,
            int_ai_revenue_gross=_cloud(),
            int_ai_revenue_statements=[
                SAID
                | {"company": "Cloud", "has_overlap": True, "known_on": "2025-01-01", "speaks_on": "2024-12-31"}
                | {"is_own": False}
            ],
            int_usable_edges=[DEFAULT | {"fact_id": "d", "share": Decimal("0.6")}],
            int_ai_revenue_edge_shares=[
                pair | shares | {"calendar_quarter": name, "is_headline_grade": is_headline_grade} for name in EARNED
            ],
        )
        (row,) = (row for row in rows if row["calendar_quarter"] == "2024Q2" and row["known_to"] is None)
        return [float(row[name]) for name in ("least_share", "share", "most_share")]

    assert netting("0.9", True) == [0.9, 0.9, 0.9]
    assert netting("0.2", True) == [0.2, 0.6, 0.6]
    assert netting("0.9", False) == [0.6, 0.6, 0.9]
    assert netting("0.2", False) == [0.2, 0.6, 0.6]


def test_a_version_opens_only_when_its_own_row_changed(run):
    """The same total said again on a later day, from the same statements, is the same version."""
    rate = {"calendar_quarter": "2024Q1", "run_rate_basis": "actual_run_rate", "run_rate_usd": 100, "fact_ids": ["x"]}
    total = {"calendar_quarter": "2024Q1", "ai_revenue_basis": "measured_run_rate", "companies_counted": 1}
    rows = run(
        "ai_revenue_gap_versions",
        stg_curated__scenario_parameters=_parameters("s", "actual_run_rate", "measured_run_rate"),
        int_run_rates=[rate | {"known_from": "2024-05-22"}],
        int_ai_revenue_totals=[
            total | {"ai_revenue_usd": value, "high_usd": high, "known_from": start, "known_to": end, "fact_ids": ["c"]}
            for value, high, start, end in (
                (50, 60, "2024-05-22", "2024-06-01"),
                (50, 70, "2024-06-01", "2024-07-01"),
                (55, 70, "2024-07-01", None),
            )
        ],
    )
    assert sorted(row["known_from"] for row in rows) == [_day("2024-05-22"), _day("2024-07-01")]


def test_a_scenario_takes_its_end_of_the_range(run):
    end = {
        "scenario": "s",
        "parameter": "ai_revenue_end",
        "text_value": "low",
        "fact_id": "e",
        "known_on": "2023-09-20",
    }
    (row,) = run(
        "ai_revenue_gap_versions",
        stg_curated__scenario_parameters=[*_parameters("s", "actual_run_rate", "measured_run_rate"), end],
        int_run_rates=[
            {"calendar_quarter": "2024Q1", "run_rate_basis": "actual_run_rate", "run_rate_usd": 100, "fact_ids": ["x"]}
            | {"known_from": "2024-05-22"}
        ],
        int_ai_revenue_totals=[
            {"calendar_quarter": "2024Q1", "ai_revenue_basis": "measured_run_rate", "ai_revenue_usd": 50, "low_usd": 30}
            | {"known_from": "2024-05-22", "companies_counted": 1, "is_partial": True, "range_fact_ids": ["c"]}
        ],
    )
    assert (row["ai_revenue_usd"], row["is_like_for_like"]) == (30, False)


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


def _nvidia(quarters, known_from="2025-05-28"):
    return [
        {
            "ticker": "NVDA",
            "metric": "total_revenue",
            "calendar_quarter": name,
            "period_start": start,
            "period_end": end,
            "value_usd": value,
            "known_from": known_from,
            "fact_ids": [name],
        }
        for name, (start, end, value) in quarters.items()
    ]


SHARE = {"basis": "revenue", "customer_kind": "indirect", "qualifier": "approximate", "known_from": "2023-08-28"}


def test_a_years_disclosure_bounds_that_years_quarters(run):
    """A customer's 19 % (at most 19.5) of the year to January 2025 leaves each of its four quarters at most 78 %, and
    says nothing of the quarters around it."""
    days = {
        "2023Q4": ("2023-10-30", "2024-01-28", 100),
        "2024Q1": ("2024-01-29", "2024-04-28", 100),
        "2024Q2": ("2024-04-29", "2024-07-28", 100),
        "2024Q3": ("2024-07-29", "2024-10-27", 100),
        "2024Q4": ("2024-10-28", "2025-01-26", 100),
        "2025Q1": ("2025-01-27", "2025-04-27", 100),
    }
    year = {"span": "year", "fact_id": "y", "period_start": "2024-01-29", "period_end": "2025-01-26"}
    rows = run(
        "int_microsoft_share_as_known",
        int_metric_quarters=_nvidia(days),
        int_customer_shares=[SHARE | year | {"share": Decimal("0.19"), "known_from": "2025-02-26"}],
    )
    assert {row["calendar_quarter"]: row["share"] for row in rows} == dict.fromkeys(
        ("2024Q1", "2024Q2", "2024Q3", "2024Q4"), Decimal("0.78")
    )
    assert {row["kind"] for row in rows} == {"bound"}


def test_half_a_year_less_its_last_quarter_is_the_first(run):
    """22 % of 13,507 and 19 % of the half of 20,699, each printed to a point: 11.0 to 15.7 % of 7,192. Beside it stands
    that nobody reached 10 %, which the range names and does not take."""
    quarters = {
        "2023Q1": ("2023-01-30", "2023-04-30", 7_192 * M),
        "2023Q2": ("2023-05-01", "2023-07-30", 13_507 * M),
    }
    label = SHARE | {"customer_label": "Cloud"}
    nobody = {
        "customer_kind": "unstated",
        "qualifier": "none_at_or_above_10",
        "customer_label": "nobody",
        "span": "quarter",
    }
    known = run(
        "int_microsoft_share_as_known",
        int_metric_quarters=_nvidia(quarters, "2023-08-28"),
        int_customer_shares=[
            label
            | {"span": "quarter", "fact_id": "q", "share": Decimal("0.22")}
            | {"period_start": "2023-05-01", "period_end": "2023-07-30"},
            label
            | {"span": "half", "fact_id": "h", "share": Decimal("0.19")}
            | {"period_start": "2023-01-30", "period_end": "2023-07-30"},
            SHARE | nobody | {"fact_id": "n", "period_start": "2023-01-30", "period_end": "2023-04-30"},
        ],
    )
    found = {(row["calendar_quarter"], row["method"]): row for row in known}
    first = found["2023Q1", "nvidia_equation"]
    assert [float(first[name]) for name in ("low_share", "share", "high_share")] == [0.109878, 0.133658, 0.157439]
    assert found["2023Q1", "nvidia_nobody_at_10"]["share"] == Decimal("0.1")
    ranges = {row["calendar_quarter"]: row for row in run(
        "microsoft_share_of_nvidia_versions", int_microsoft_share_as_known=known
    )}  # fmt: skip
    low, high = (float(ranges["2023Q1"][name]) for name in ("low_share", "high_share"))
    assert (low, high) == (0.109878, 0.157439)
    assert "clashes with its word" in ranges["2023Q1"]["method"]
    assert (float(ranges["2023Q2"]["central_share"]), float(ranges["2023Q2"]["high_share"])) == (0.22, 0.225)


def test_without_a_clash_nobody_at_ten_percent_binds_and_an_old_estimate_is_no_centre(run):
    row = {"calendar_quarter": "2026Q1", "known_from": "2026-05-20", "fact_ids": ["f"]}
    old = row | {"method": "third_party_carried_forward", "estimator": "A", "kind": "point", "staleness_days": 367}
    old |= dict.fromkeys(("low_share", "share", "high_share"), Decimal("0.19"))
    bound = row | {"method": "nvidia_nobody_at_10", "kind": "bound", "staleness_days": 0}
    bound |= {"share": Decimal("0.1"), "high_share": Decimal("0.1"), "estimator": "NVIDIA"}
    (found,) = run("microsoft_share_of_nvidia_versions", int_microsoft_share_as_known=[old, bound])
    assert (found["low_share"], found["central_share"], found["high_share"]) == (0, None, Decimal("0.1"))
    assert "367 days old" in found["method"]
    (fresh,) = run(
        "microsoft_share_of_nvidia_versions", int_microsoft_share_as_known=[old | {"staleness_days": 366}, bound]
    )
    assert fresh["central_share"] == Decimal("0.1")
