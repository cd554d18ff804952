from decimal import Decimal

import pytest

from support.small_warehouse import published_home
from warehouse.errors import Mistake
from warehouse.readers.explain import calendar_quarter, explain, flat, text
from warehouse.readers.read import open_published
from warehouse.readers.show import footer, gap_rows, gap_table, headline


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    home = published_home(tmp_path_factory.mktemp("explain"))
    with open_published(home) as connection:
        yield connection


# --- explain ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["2026Q2", "2026q2", " 2026-Q2 ", "FY27Q2", "fy2027-q2"])
def test_a_quarter_is_understood_however_it_is_typed(connection, typed):
    assert calendar_quarter(connection, typed) == "2026Q2"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("Q2", "'Q2' is no quarter: write 2026Q2"),
        ("2026Q5", "is no quarter"),
        ("FY99Q1", "NVIDIA's FY99Q1 is not at hand; at hand: 2026Q2, 2026Q1"),
        ("２０２６Q2", "is no quarter"),
        ("2026Q2' or 1=1 --", "is no quarter"),
        ("\x1b[31m", "x1b.* is no quarter"),
    ],
)
def test_no_quarter_is_a_mistake_that_says_what_is(connection, typed, message):
    with pytest.raises(Mistake, match=message):
        explain(connection, typed)


def test_an_unknown_quarter_lists_those_at_hand(connection):
    with pytest.raises(Mistake, match="2031Q1 is not at hand; at hand: 2026Q2, 2026Q1"):
        explain(connection, "2031Q1")


def test_an_unknown_scenario_lists_those_of_the_quarter(connection):
    with pytest.raises(Mistake, match="has no scenario .*; it has: cahn_method, measured"):
        explain(connection, "2026Q2", "x'; drop")


def test_the_tree_goes_from_the_gap_to_the_filing(connection):
    tree = explain(connection, "2026Q2")
    assert tree["gap_usd"] == sum(c["signed_usd"] for c in tree["components"]) == 1324368000000
    assert [c["component"] for c in tree["components"]] == [
        "nvidia_data_center_run_rate",
        "rest_of_data_center",
        "end_user_margin",
        "ai_revenue:Example",
    ]
    (filing,) = tree["components"][0]["citations"]
    assert (filing["accession"], filing["form"], filing["value"]) == (
        "0001045810-26-000081",
        "10-Q",
        Decimal(89023000000),
    )
    assert filing["source_url"] == "https://www.sec.gov/x2"


def test_the_text_shows_accession_concept_period_day_and_address(connection):
    shown = text(explain(connection, "2026Q2"))
    assert "2026Q2  measured  gap $1,324.4B" in shown
    assert "+$356.1B  nvidia_data_center_run_rate  [derived]  4 x quarter" in shown
    assert (
        "    NVIDIA 10-Q 0001045810-26-000081 filed 2026-08-26: us-gaap:Revenues "
        "[srt:ProductOrServiceAxis=nvda:DataCenterMember] = 89,023,000,000 USD, 2026-04-27 to 2026-07-26\n"
        "    https://www.sec.gov/x2\n"
    ) in shown
    assert "-$100.0B  ai_revenue:Example  [reported]" in shown
    assert shown.endswith("= $1,324.4B, to the dollar\n")
    assert "\x1b" not in shown


def test_a_quarter_without_ai_revenue_has_no_gap_and_says_why(connection):
    shown = text(explain(connection, "2026Q1"))
    assert "gap -" in shown
    assert "no AI revenue of this quarter is known on the basis measured_run_rate" in shown


def test_addends_that_do_not_sum_are_not_passed_over(connection):
    tree = explain(connection, "2026Q2")
    tree["components"][0]["signed_usd"] += 1
    assert "do NOT sum to the gap" in text(tree)


def test_flat_has_one_row_a_statement_and_keeps_uncited_components(connection):
    tree = explain(connection, "2026Q2")
    tree["components"][3]["citations"] = []
    columns, rows = flat(tree)
    assert len(rows) == 4
    assert dict(zip(columns, rows[0], strict=True))["accession"] == "0001045810-26-000081"
    assert dict(zip(columns, rows[3], strict=True))["fact_id"] is None


# --- show ---------------------------------------------------------------------------------------------------


def test_the_gap_is_shown_newest_first(connection):
    found = gap_rows(connection, "measured", None)
    assert [row["calendar_quarter"] for row in found.as_dicts()] == ["2026Q2", "2026Q1"]
    assert gap_table(found, with_scenario=False).splitlines()[2:] == [
        "2026Q2    $356.1B  $712.2B  $1,424.4B     $100.0B  $1,324.4B     7.0%  yes            2026-08-26",
        "2026Q1    $301.0B  $602.0B  $1,203.9B           -          -        -  yes            2026-05-20",
    ]


def test_last_counts_quarters_not_rows(connection):
    found = gap_rows(connection, "all", 1)
    assert [(r["calendar_quarter"], r["scenario"]) for r in found.as_dicts()] == [
        ("2026Q2", "cahn_method"),
        ("2026Q2", "measured"),
    ]
    assert "cahn_method" in gap_table(found, with_scenario=True)


def test_an_unknown_scenario_lists_those_there_are(connection):
    with pytest.raises(Mistake, match="there is no scenario 'nope'; there are: cahn_method, measured, or all"):
        gap_rows(connection, "nope", 3)


def test_the_headline_states_the_number_and_its_doubt(connection):
    said = headline(connection, gap_rows(connection, "measured", None))
    assert "2026Q2: NVIDIA's data-center revenue runs at $356.1B a year" in said
    assert "The gap: $1,324.4B." in said
    assert "4 x the quarter NVIDIA reported; AI revenue adds up companies' latest run rates" in said
    assert "assumed: GPU share 50.0%, end-user margin 50.0%" in said
    assert "Not like for like" not in said
    assumed = headline(connection, gap_rows(connection, "cahn_method", None))
    assert "AI revenue is assumed, not measured" in assumed
    assert "Not like for like" in assumed


def test_the_headline_is_about_a_quarter_that_has_a_gap(connection):
    found = gap_rows(connection, "measured", None)
    assert "No quarter of scenario measured has a gap" in headline(connection, found._replace(rows=found.rows[1:]))


def test_the_footer_says_which_publish_this_is(connection):
    said = footer(connection, "2026Q2")
    assert "Generation 1, published 20" in said
    assert "newest filing 2026-08-26 (0001045810-26-000081); 3 checks passed." in said
    assert "aigap explain 2026Q2" in said
