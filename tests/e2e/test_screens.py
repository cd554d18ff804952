"""From the lines of a few filings to quarters: legs of one vintage, what is set aside, and what an operator decides.

The rules are those of docs and of the models' own heads; the amounts are invented, in whole dollars.
"""

import pytest

from orchestration.history import compiled_models
from support.chain import raw_shapes
from support.small_filings import CAPEX, CONCEPTS, PART, REVENUE, customer_share, decision, fact, filing, runner

WANTED = (
    "coverage",
    "int_quarter_candidates",
    "int_metric_quarters",
    "int_customer_shares",
    "reconciliation",
    "review",
)


@pytest.fixture(scope="module")
def run(refreshed, manifest):
    return runner(compiled_models(manifest, WANTED), raw_shapes(refreshed.home.build))


QUARTERS = (
    "select calendar_quarter, value_usd, known_from, known_to from intermediate.int_metric_quarters "
    "where metric = 'capex_cash_gross' order by calendar_quarter, known_from"
)
REVIEW = "select target, state, reason from marts.review order by target"


def current(rows):
    return {quarter: value for quarter, value, _, known_to in rows if known_to is None}


# --- what is read, and what is known and not counted -------------------------------------------------


def test_the_quarter_of_a_transition_report_counts(run):
    """Filed on a 10-QT it is in the facts, in the series and in coverage, as any quarter is."""
    facts = [fact("t-26-1", "2026-04-30", "2026-01-01", "2026-03-31", 11_000, form="10-QT")]
    assert current(run(QUARTERS, facts)) == {"2026Q1": 11_000}
    coverage = "select is_present, reason_missing from marts.coverage where metric = 'capex_cash_gross'"
    assert run(coverage, facts) == [(True, None)]


@pytest.mark.parametrize(("end", "days"), [("2026-02-28", 59), ("2026-04-19", 109)])
def test_a_period_that_is_no_quarter_is_said(run, end, days):
    """No number is made of it, and coverage says which filing states what."""
    revenue = fact("q-26-1", "2026-04-30", "2026-01-01", "2026-03-31", 90_000, concept=REVENUE)
    odd = fact("t-26-1", "2026-04-30", "2026-01-01", end, 11_000, form="10-KT")
    assert run(QUARTERS, [revenue, odd]) == []
    coverage = (
        "select is_present, reason_missing from marts.coverage "
        "where metric = 'capex_cash_gross' and calendar_quarter = '2026Q1'"
    )
    ((is_present, reason),) = run(coverage, [revenue, odd])
    assert not is_present
    assert reason == (
        f"stated for 2026-01-01 to {end} by t-26-1: {days} days are no quarter, half, nine months or year"
    )


# --- legs of one vintage ----------------------------------------------------------------------------

YEAR = [
    fact("a-25-1", "2025-04-30", "2025-01-01", "2025-03-31", 10_000),
    fact("a-25-2", "2025-07-30", "2025-01-01", "2025-06-30", 22_000),
    fact("a-25-3", "2025-10-30", "2025-01-01", "2025-09-30", 36_000),
    fact("a-26-1", "2026-01-30", "2025-01-01", "2025-12-31", 52_000, form="10-K"),
]
QUARTERS_OF_IT = {"2025Q1": 10_000, "2025Q2": 12_000, "2025Q3": 14_000, "2025Q4": 16_000}


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([], {}),
        # the year alone is recast: no difference of two vintages
        ([fact("a-27-1", "2027-01-29", "2025-01-01", "2025-12-31", 60_000, form="10-K")], {}),
        # the half year alone: the third quarter stays, and so does the second
        ([fact("a-26-2", "2026-07-30", "2025-01-01", "2025-06-30", 25_000)], {}),
        # the half year again, before the nine months are filed: those are of the new vintage
        ([fact("a-25-2a", "2025-09-15", "2025-01-01", "2025-06-30", 23_000)], {"2025Q3": 13_000}),
        # the half year, and the first quarter unrestated beside it
        (
            [
                fact("a-26-2", "2026-07-30", "2025-01-01", "2025-06-30", 25_000),
                fact("a-26-2", "2026-07-30", "2025-01-01", "2025-03-31", 10_000),
            ],
            {"2025Q2": 15_000},
        ),
        # nine months first, then the year: both are recast, and the fourth quarter follows on the second day
        (
            [
                fact("a-26-3", "2026-10-30", "2025-01-01", "2025-09-30", 37_000),
                fact("a-27-1", "2027-01-29", "2025-01-01", "2025-12-31", 60_000, form="10-K"),
            ],
            {"2025Q4": 23_000},
        ),
    ],
)
def test_a_difference_is_of_one_vintage(run, later, expected):
    assert current(run(QUARTERS, YEAR + later)) == QUARTERS_OF_IT | expected


def test_a_leg_that_comes_late_is_not_used_where_its_year_was_recast_meanwhile(run):
    """The half year is first seen as a comparative, after the first quarter was recast: nine months less that half
    is of two vintages. The quarters known with the nine months give the third."""
    facts = [
        YEAR[0],
        fact("a-25-2", "2025-07-30", "2025-04-01", "2025-06-30", 12_000),
        YEAR[2],
        fact("a-26-1", "2026-04-30", "2025-01-01", "2025-03-31", 10_400),
        fact("a-26-2", "2026-07-30", "2025-01-01", "2025-06-30", 22_600),
    ]
    assert current(run(QUARTERS, facts))["2025Q3"] == 14_000
    without_second = [f for f in facts if f["accession"] != "a-25-2"]
    assert "2025Q3" not in current(run(QUARTERS, without_second))
    undisturbed = [f for f in without_second if f["accession"] != "a-26-1"]
    assert current(run(QUARTERS, undisturbed))["2025Q3"] == 13_400


def test_a_first_quarter_is_recast_by_the_half_year_and_its_second_quarter(run):
    """NVIDIA's Hyperscale: 37,869 as filed in May, 43,051 by the two columns of the filing of August."""
    first = fact("a-26-1", "2026-05-20", "2026-01-26", "2026-04-26", 37_869 * 10**6)
    second = [
        fact("a-26-2", "2026-08-26", "2026-04-27", "2026-07-26", 48_710 * 10**6),
        fact("a-26-2", "2026-08-26", "2026-01-26", "2026-07-26", 91_761 * 10**6),
    ]
    rows = run(QUARTERS, [first, *second])
    assert versions(rows, "2026Q1") == [
        (37_869 * 10**6, "2026-05-20", "2026-08-26"),
        (43_051 * 10**6, "2026-08-26", ""),
    ]
    assert versions(rows, "2026Q2") == [(48_710 * 10**6, "2026-08-26", "")]
    rounded = [row | {"value": row["value"] - 5_181 * 10**6} for row in second if row["period_start"] == "2026-01-26"]
    rows = run(QUARTERS, [first, second[0], *rounded])
    assert versions(rows, "2026Q1") == [(37_869 * 10**6, "2026-05-20", "")], "a million apart is rounding"
    assert "2026Q1" not in current(run(QUARTERS, second)), "what nobody stated is not implied"


def test_the_dates_of_a_half_year_on_a_quarter_are_noticed(run):
    """12,000 is the second quarter; dated as the half year it would leave 2,000 for it."""
    facts = [*YEAR, fact("a-26-1", "2026-04-30", "2026-01-01", "2026-03-31", 17_000)]
    wrong = fact("a-26-2", "2026-07-30", "2026-01-01", "2026-06-30", 18_000)
    rows = run(QUARTERS, [*facts, wrong])
    assert "2026Q2" not in current(rows)
    ((target, state, reason),) = run(REVIEW, [*facts, wrong])
    assert (target, state) == ("a-26-2/capex_cash_gross/2026-06-30", "set_aside")
    assert "half year - first quarter" in reason


@pytest.mark.parametrize("first", ["0001628280-26-000010", "0000045810-26-000010"])
def test_an_amendment_of_the_same_day_is_the_later_word(run, first):
    """Accession numbers of different filer agents have no order."""
    other = "0000045810-26-000011" if first.startswith("0001") else "0001628280-26-000011"
    facts = [
        fact(first, "2026-01-30", "2025-10-01", "2025-12-31", 16, form="10-K"),
        fact(other, "2026-01-30", "2025-10-01", "2025-12-31", 17, form="10-K/A"),
    ]
    assert current(run(QUARTERS, facts)) == {"2025Q4": 17}


def test_of_two_reports_of_a_day_the_one_accepted_later_is_the_last_word(run):
    facts = [fact(a, "2026-01-30", "2025-10-01", "2025-12-31", v) for a, v in (("b-1", 16), ("a-1", 17))]
    filings = [
        filing("b-1", "2026-01-30", "2025-12-31", "2026-01-30T09:00:00-05:00"),
        filing("a-1", "2026-01-30", "2025-12-31", "2026-01-30T16:00:00-05:00"),
    ]
    assert current(run(QUARTERS, facts, filings=filings)) == {"2025Q4": 17}


# --- what cannot be right -----------------------------------------------------------------------------

ENDS = {1: "03-31", 2: "06-30", 3: "09-30", 4: "12-31"}
STARTS = {1: "01-01", 2: "04-01", 3: "07-01", 4: "10-01"}
FILED = {1: "04-30", 2: "07-30", 3: "10-30", 4: "12-31"}


def report(year, quarter, capex=None, part=None, total=None, accession=None):
    """One quarter of discrete lines, filed a month after it."""
    accession = accession or f"a-{year}-{quarter}"
    lines = [(CAPEX, "", capex), (REVENUE, PART, part), (REVENUE, "", total)]
    return [
        fact(accession, f"{year}-{FILED[quarter]}", f"{year}-{STARTS[quarter]}", f"{year}-{ENDS[quarter]}", value, c, d)
        for c, d, value in lines
        if value is not None
    ]


SOUND = [
    row
    for number, quarter in enumerate([(2024, 1), (2024, 2), (2024, 3), (2024, 4), (2025, 1)])
    for row in report(*quarter, capex=1000 * 10**6 + number, part=5000 * 10**6 + number, total=9000 * 10**6 + number)
]


@pytest.mark.parametrize(
    ("wrong", "metrics", "words"),
    [
        (dict(capex=10**12, part=6 * 10**9, total=9 * 10**9), {"capex_cash_gross"}, "times a day of the nearest"),
        (dict(capex=10**10, part=6 * 10**9, total=9 * 10**9), {"capex_cash_gross"}, "times a day of the nearest"),
        (dict(capex=10**6, part=6 * 10**9, total=9 * 10**9), {"capex_cash_gross"}, "nearest other statement is 10"),
        (dict(capex=0, part=6 * 10**9, total=9 * 10**9), {"capex_cash_gross"}, "nearest other statement is 10"),
        (dict(capex=-(10**9), part=6 * 10**9, total=9 * 10**9), {"capex_cash_gross"}, "negative"),
        (dict(capex=10**9, part=-6 * 10**9, total=9 * 10**9), {"data_center_revenue"}, "negative"),
        (dict(capex=10**9, part=10 * 10**9, total=9 * 10**9), {"data_center_revenue"}, "larger than total_revenue"),
        (dict(capex=10**19, part=6 * 10**9, total=9 * 10**9), {"capex_cash_gross"}, "no company can state"),
        (dict(capex=5 * 10**18, part=6 * 10**9, total=9 * 10**9), {"capex_cash_gross"}, "no company can state"),
        # the total is wrong, and its part is not blamed for it
        (dict(capex=10**9, part=6 * 10**9, total=9 * 10**6), {"total_revenue"}, "nearest other statement is 10"),
        (
            dict(capex=10**12, part=6 * 10**12, total=9 * 10**12),
            {"capex_cash_gross", "data_center_revenue", "total_revenue"},
            "times a day of the nearest",
        ),
    ],
)
def test_what_cannot_be_right_is_set_aside_by_name_and_the_rest_is_published(run, wrong, metrics, words):
    facts = SOUND + report(2025, 2, **wrong)
    found = run(REVIEW, facts)
    assert [target for target, _, _ in found] == sorted(f"a-2025-2/{metric}/2025-06-30" for metric in metrics)
    assert all(state == "set_aside" and words in reason for _, state, reason in found)
    published = run(
        "select metric from intermediate.int_metric_quarters where calendar_quarter = '2025Q2' and known_to is null",
        facts,
    )
    assert {metric for (metric,) in published} == {m["metric"] for m in CONCEPTS} - metrics


def test_one_wrong_filing_vouches_for_no_other_and_a_right_one_is_not_blamed(run):
    wrong = [row for quarter in (2, 3, 4) for row in report(2025, quarter, capex=10**12)]
    found = run(REVIEW, SOUND + wrong + report(2026, 1, capex=1200 * 10**6))
    assert [target for target, _, _ in found] == [
        f"a-2025-{quarter}/capex_cash_gross/2025-{ENDS[quarter]}" for quarter in (2, 3, 4)
    ]


def test_growth_that_others_had_is_no_fault(run):
    """2.4 times the quarter before, then again: NVIDIA's data center in 2023 and 2024."""
    facts = SOUND + [row for q, v in ((2, 2400), (3, 5760), (4, 13824)) for row in report(2025, q, capex=v * 10**6)]
    assert run(REVIEW, facts) == []


def test_a_period_that_the_filing_cannot_report_on(run):
    """Dated a year ahead of the filing's own quarter; and a required line for every quarter but the filing's own."""
    ahead = [fact("a-2025-2", "2026-07-30", "2026-04-01", "2026-06-30", 10**9)]
    listed = [filing("a-2025-2", "2026-07-30", "2025-06-30")]
    ((_, _, reason),) = run(REVIEW, SOUND + ahead, filings=listed)
    assert "ends after the one the filing reports on" in reason
    behind = [fact("a-2025-2", "2025-07-30", "2024-04-01", "2024-06-30", 2 * 10**9)]
    listed = [filing("a-2025-2", "2025-07-30", "2025-06-30")]
    required = [c | {"is_required": c["metric"] == "capex_cash_gross"} for c in CONCEPTS]
    ((_, _, reason),) = run(REVIEW, SOUND + behind, filings=listed, metric_concepts=required)
    assert "not for the one the filing reports on" in reason


def test_a_capex_beyond_revenue(run):
    first = report(2024, 1, capex=40 * 10**9, total=9 * 10**9)
    assert [target for target, _, _ in run(REVIEW, first)] == ["a-2024-1/capex_cash_gross/2024-03-31"]


@pytest.mark.parametrize("share", ["2.30", "-0.14", "1000000"])
def test_a_share_beyond_the_whole_is_set_aside(run, share):
    wrong = customer_share("a-2025-2", share)
    found = run("select target, state, reason from marts.review", [wrong])
    assert found == [("a-2025-2", "set_aside", "a share beyond 0 to 1")]
    assert run("select * from intermediate.int_customer_shares", [wrong]) == []


# --- decisions ------------------------------------------------------------------------------------------


def versions(rows, quarter):
    return [(value, str(start), str(end or "")) for q, value, start, end in rows if q == quarter]


WRONG = report(2025, 2, capex=7 * 10**9)


@pytest.mark.parametrize("target", ["a-2025-2", "a-2025-2/capex_cash_gross", "a-2025-2/capex_cash_gross/2025-06-30"])
def test_an_accepted_statement_counts_from_the_day_it_was_accepted(run, target):
    rows = run(QUARTERS, SOUND + WRONG, decisions=[decision(1, target, "accept", "2025-08-15")])
    assert versions(rows, "2025Q2") == [(7 * 10**9, "2025-08-15", "")]
    ((_, state, _),) = run(REVIEW, SOUND + WRONG, decisions=[decision(1, target, "accept", "2025-08-15")])
    assert state == "accepted"


def test_a_rejected_statement_counts_until_that_day_and_the_one_before_it_holds_again(run):
    recast = report(2025, 1, capex=1100 * 10**6, accession="a-2025-1a")
    recast = [row | {"filed_on": "2025-06-30"} for row in recast]
    no = [decision(1, "a-2025-1a", "reject", "2025-08-15")]
    assert versions(run(QUARTERS, SOUND + recast, decisions=no), "2025Q1") == [
        (1000 * 10**6 + 4, "2025-04-30", "2025-06-30"),
        (1100 * 10**6, "2025-06-30", "2025-08-15"),
        (1000 * 10**6 + 4, "2025-08-15", ""),
    ]
    only = [decision(1, "a-2025-1/capex_cash_gross", "reject", "2025-08-15")]
    assert versions(run(QUARTERS, SOUND, decisions=only), "2025Q1") == [(1000 * 10**6 + 4, "2025-04-30", "2025-08-15")]


def test_the_newest_word_holds_and_earlier_days_keep_theirs(run):
    said = [
        decision(1, "a-2025-2", "accept", "2025-08-15"),
        decision(2, "a-2025-2/capex_cash_gross", "reject", "2025-08-20"),
        decision(3, "a-2025-2", "accept", "2025-09-01"),
        decision(4, "a-2025-2", "withdraw", "2025-09-10"),
    ]
    assert versions(run(QUARTERS, SOUND + WRONG, decisions=said), "2025Q2") == [
        (7 * 10**9, "2025-08-15", "2025-08-20"),
        (7 * 10**9, "2025-09-01", "2025-09-10"),
    ]


def test_a_rejected_leg_takes_its_difference_with_it(run):
    no = [decision(1, "a-25-2", "reject", "2025-11-15")]
    rows = run(QUARTERS, YEAR, decisions=no)
    assert versions(rows, "2025Q2") == [(12_000, "2025-07-30", "2025-11-15")]
    assert versions(rows, "2025Q3") == [(14_000, "2025-10-30", "2025-11-15")]
    assert current(rows)["2025Q4"] == 16_000


# --- press figures --------------------------------------------------------------------------------------


def press(value, day, start="2025-04-01", end="2025-06-30", period_type="quarter", qualifier="exact", **more):
    return dict(
        figure_id=f"c-{day}-{start}", company="Test", ticker="TEST", metric="capex_cash_gross", value=value, unit="USD",
        qualifier=qualifier, period_type=period_type, period_start=start, period_end=end, known_on=day,
        source_kind="press_release", is_citable=True, file="capex.csv", confidence="high", **more,
    )  # fmt: skip


def test_a_press_figure_meets_the_filing_of_its_own_time(run):
    """A recast a year on is a version, no disagreement; however many press figures there are, a quarter has one row."""
    facts = [
        *report(2025, 1, capex=1000 * 10**6),
        *report(2025, 2, capex=1100 * 10**6),
        *[row | {"filed_on": "2026-07-30"} for row in report(2025, 2, capex=1300 * 10**6, accession="a-2026-2")],
    ]
    figures = [
        press(1000 * 10**6, "2025-04-20", "2025-01-01", "2025-03-31"),
        press(1101 * 10**6, "2025-07-20", qualifier="rounded_10m"),
        press(2100 * 10**6, "2025-07-20", "2025-01-01", period_type="half"),
    ]
    query = "select calendar_quarter, filing_usd, press_usd, tolerance_usd from marts.reconciliation order by 1"
    assert run(query, facts, curated_figures=figures) == [
        ("2025Q1", 1000 * 10**6, 1000 * 10**6, 10**6),
        ("2025Q2", 1100 * 10**6, 1101 * 10**6, 10**7),
    ]
    assert current(run(QUARTERS, facts, curated_figures=figures)) == {"2025Q1": 10**9, "2025Q2": 1300 * 10**6}


def test_a_press_figure_found_wrong_counts_until_that_day(run):
    figures = [
        press(1100 * 10**6, "2025-07-20", withdrawn_on="2025-09-01"),
        press(1110 * 10**6, "2025-09-01"),
    ]
    assert versions(run(QUARTERS, [], curated_figures=figures), "2025Q2") == [
        (1100 * 10**6, "2025-07-20", "2025-09-01"),
        (1110 * 10**6, "2025-09-01", ""),
    ]
