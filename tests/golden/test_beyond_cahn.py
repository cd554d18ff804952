"""Numbers beyond the chain, worked out by hand from the documents and figures named, asserted from the published file.
$ are whole US dollars; (M) stands for millions.
"""

from datetime import date
from decimal import Decimal

import pytest

M, B = 1_000_000, 1_000_000_000

#: Data Center revenue of 24 quarters, 2020Q2 to 2026Q1 (M): golden/test_golden_values.py has their documents.
TWENTY_FOUR = [
    1_752, 1_900, 1_903, 2_048, 2_366, 2_936, 3_263, 3_750, 3_806, 3_833, 3_616, 4_284, 10_323, 14_514, 18_404, 22_563,
    26_272, 30_771, 35_580, 39_112, 41_096, 51_215, 62_314, 75_246,
]  # fmt: skip


# --- Cahn's list and his third edition ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "quarter", "given", "stated", "verdict"),
    [
        # 13 billion "exited the quarter" of December 2024, 37 billion of March 2026 (Microsoft's releases).
        ("Microsoft", "2024Q3", 10 * B, 4_730 * M, "not met"),
        ("Microsoft", "2024Q4", 10 * B, 13 * B, "met"),
        ("Microsoft", "2026Q1", 10 * B, 37 * B, "met"),
        # About 900 million of GPU rental in the quarter to August 2025 (The Information, by CNBC): x 4.
        ("Oracle", "2025Q3", 5 * B, 3_600 * M, "not met"),
        ("Google", "2026Q2", 10 * B, None, "states nothing"),
        ("ByteDance", "2026Q2", 5 * B, None, "states nothing"),
        # Its yuan are known from a page nobody can open.
        ("Alibaba", "2026Q2", 5 * B, None, "nothing to cite"),
    ],
)
def test_cahns_list_against_what_was_stated(con, member, quarter, given, stated, verdict):
    row = con.execute(
        "select assumed_usd, stated_usd, verdict from marts.cahn_scoreboard where member = ? and calendar_quarter = ?",
        [member, quarter],
    ).fetchone()
    assert row == (given, stated, verdict)


def test_cahns_list_sums_to_seventy_billion(con):
    rows = con.execute(
        "select count(*), sum(assumed_usd) from marts.cahn_scoreboard where calendar_quarter = '2026Q2'"
    ).fetchone()
    assert rows == (10, 70 * B)


def test_a_member_had_stated_nothing_before_its_first_statement_was_public(con):
    """Microsoft's 4.73 billion was first read by somebody in 2024: as of the essay there was nothing."""
    (verdict,) = con.execute(
        "select verdict from marts.cahn_scoreboard_versions where member = 'Oracle' and calendar_quarter = '2025Q3' "
        "and known_from <= date '2025-10-01' and (known_to is null or known_to > date '2025-10-01')"
    ).fetchone()
    assert verdict == "states nothing"


def test_cahns_third_edition_starts_from_spending(con):
    row = con.execute(
        "select run_rate_usd, gpu_share_of_tco, data_center_spend_usd, required_revenue_usd, ai_revenue_usd, gap_usd, "
        "is_like_for_like, known_from from marts.ai_revenue_gap where scenario = 'cahn_2026'"
    ).fetchone()
    assert row == (None, None, 1_500 * B, 3_000 * B, None, None, False, date(2026, 7, 9))
    implied = con.execute(
        "select our_quarter, our_usd, implied_gpu_share from marts.requirement_benchmarks "
        "where kind = 'spending' and known_from = date '2026-07-09'"
    ).fetchone()
    # 4 x 75,246 / 0.5 of the quarter reported by then; 300,984 / 1,500,000.
    assert implied == ("2026Q1", 601_968 * M, Decimal("0.200656"))


# --- supply ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quarter", "inventory", "commitments", "total", "days", "state"),
    [
        # 10-K 0001045810-24-000029: inventory 5,282; 22,103 of sales in 91 days.
        ("2023Q4", 5_282, 16_107, 20_707, Decimal(5_282 * 91) / 22_103, "shortage"),
        # 10-K 0001045810-23-000017: inventory 5,159; 6,051 of sales in 91 days.
        ("2022Q4", 5_159, 4_920, 8_063, Decimal(5_159 * 91) / 6_051, "stock-piling"),
        # 10-Q 0001045810-26-000075: inventory 31,575, supply 279 billion, in all 366; 96,221 of sales in 91 days.
        ("2026Q2", 31_575, 279_000, 366_000, Decimal(31_575 * 91) / 96_221, "stock-piling"),
    ],
)
def test_supply_by_its_rule(con, quarter, inventory, commitments, total, days, state):
    row = con.execute(
        "select inventory_usd, supply_commitments_usd, total_purchase_commitments_usd, inventory_days, state "
        "from marts.supply_state where calendar_quarter = ?",
        [quarter],
    ).fetchone()
    assert row == (inventory * M, commitments * M, total * M, days.quantize(Decimal("0.000001")), state)


def test_days_of_inventory_are_of_cost(con):
    """10-Q 0001045810-25-000209: inventory 14,962 and cost of revenue 12,890 in 91 days."""
    (days,) = con.execute(
        "select days_of_inventory from marts.supply_state where calendar_quarter = '2025Q2'"
    ).fetchone()
    assert days == (Decimal(14_962 * 91) / 12_890).quantize(Decimal("0.000001"))
    (missing,) = con.execute(
        "select days_of_inventory from marts.supply_state where calendar_quarter = '2026Q2'"
    ).fetchone()
    assert missing is None, "the cost of the quarter is in a filing that does not ship"


# --- what a year must earn ---------------------------------------------------------------------------


def test_chips_of_six_years_are_written_off_in_twenty_four_quarters(con):
    (written_off,) = con.execute(
        "select accelerator_depreciation_usd from marts.amortized_requirement "
        "where scenario = 'amortized_6_years' and calendar_quarter = '2026Q2'"
    ).fetchone()
    assert written_off == pytest.approx(sum(TWENTY_FOUR) * M / 24, abs=24)


def test_energy_is_a_gigawatt_year_at_its_price(con):
    """8,760 hours x 1 GW x 9.77 cents over 18.2 billion of chips: 4.7025 % a year, a quarter of it each quarter."""
    (energy,) = con.execute(
        "select energy_usd from marts.amortized_requirement "
        "where scenario = 'amortized_6_years' and calendar_quarter = '2026Q2'"
    ).fetchone()
    assert energy == pytest.approx(sum(TWENTY_FOUR) * M * 8_760_000_000 * 0.0977 / 18.2e9 / 4, rel=1e-5)


def test_the_yearly_figure_adds_up_and_is_not_cahns(con):
    for row in con.execute(
        "select accelerator_depreciation_usd + building_depreciation_usd + energy_usd + "
        "return_usd, required_quarter_usd, "
        "required_year_usd, required_lifetime_usd from marts.amortized_requirement where calendar_quarter >= '2023Q1'"
    ).fetchall():
        assert (2 * row[0], 4 * row[1]) == (row[1], row[2])
        assert row[2] < row[3]
    lifetime = con.execute(
        "select distinct required_lifetime_usd from marts.amortized_requirement where calendar_quarter = '2026Q2'"
    ).fetchall()
    assert lifetime == [(1_424_368 * M,)]


# --- buyers, accelerators, clouds --------------------------------------------------------------------


def test_large_clouds_in_nvidias_words(con):
    """CFO commentaries: "roughly half" (Q3 FY2024), "more than half" (Q4), "just under 50%" (Q1 FY2026)."""
    rows = con.execute(
        "select calendar_quarter, central_share, low_share, high_share from marts.buyer_share_of_nvidia "
        "where buyer = 'Large cloud providers' and calendar_quarter in ('2023Q3', '2023Q4', '2025Q1') order by 1"
    ).fetchall()
    half = Decimal("0.5")
    assert rows == [
        ("2023Q3", half, Decimal("0.47"), Decimal("0.53")),
        ("2023Q4", None, half, None),
        ("2025Q1", None, None, half),
    ]


def test_hyperscale_and_concentration(con):
    """48,710 of 89,023; one customer of 16 % (half a point either way), the others below 10 %."""
    (share,) = con.execute(
        "select central_share from marts.buyer_share_of_nvidia where buyer = "
        "'Hyperscale' and calendar_quarter = '2026Q2'"
    ).fetchone()
    assert share == (Decimal(48_710) / 89_023).quantize(Decimal("0.000001"))
    low, high = con.execute(
        "select low_share, high_share from marts.buyer_share_of_nvidia "
        "where buyer = 'All customers' and calendar_quarter = '2026Q2'"
    ).fetchone()
    assert low == Decimal("0.155") ** 2
    assert high == Decimal("0.165") ** 2 + 8 * Decimal("0.01") + Decimal("0.04") ** 2


def test_accelerators_of_a_quarter(con):
    """89,023 of NVIDIA, 16,700 of Broadcom (8-K of 2026-09-02), 6,700 of AMD, a quarter of Amazon's 25 billion."""
    rows = con.execute(
        "select vendor, revenue_usd, tracked_usd, share_of_tracked from marts.accelerator_revenue "
        "where calendar_quarter = '2026Q2' order by revenue_usd desc"
    ).fetchall()
    tracked = (89_023 + 16_700 + 6_700 + 6_250) * M
    assert [row[:3] for row in rows] == [
        ("NVIDIA", 89_023 * M, tracked),
        ("Broadcom", 16_700 * M, tracked),
        ("AMD", 6_700 * M, tracked),
        ("Amazon (chips business)", 6_250 * M, tracked),
    ]
    assert rows[0][3] == Decimal("0.750154")
    (run_rate,) = con.execute(
        "select run_rate_usd from marts.ai_revenue_gap where scenario = "
        "'all_accelerators' and calendar_quarter = '2026Q2'"
    ).fetchone()
    assert run_rate == 4 * tracked


@pytest.mark.parametrize(
    ("ticker", "quarter", "cloud", "capex"),
    [
        # Google Cloud 15,157 + 17,664 + 20,028 + 24,768; Alphabet's capex 23,953 + 27,851 + 35,674 + 44,924.
        ("GOOGL", "2026Q2", 77_617, 132_402),
        # AWS 33,006 + 35,579 + 37,587 + 42,200; Amazon's capex 35,095 + 39,522 + 44,203 + 54,208.
        ("AMZN", "2026Q2", 148_372, 173_028),
        # Oracle's cloud began with the quarter to August 2025: three quarters are no year of it.
        ("ORCL", "2026Q1", None, 48_250),
    ],
)
def test_clouds_on_four_quarters(con, ticker, quarter, cloud, capex):
    row = con.execute(
        "select trailing_cloud_revenue_usd, trailing_capex_usd, "
        "capex_to_cloud_revenue_share from marts.cloud_economics "
        "where ticker = ? and calendar_quarter = ?",
        [ticker, quarter],
    ).fetchone()
    share = (Decimal(capex) / cloud).quantize(Decimal("0.000001")) if cloud else None
    assert row == (cloud * M if cloud else None, capex * M, share)


def test_no_ratio_crosses_a_redefinition(con):
    rows = con.execute(
        "select calendar_quarter from marts.cloud_economics where ticker = 'MSFT' and "
        "trailing_cloud_revenue_usd is null "
        "and calendar_quarter between '2023Q4' and '2026Q2' order by 1"
    ).fetchall()
    assert rows == [("2024Q3",), ("2024Q4",), ("2025Q1",)]


# --- nowcast -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quarter", "method", "millions"),
    [
        # The prototype's own figures, one decimal.
        ("2021Q1", "guidance_beat", "2098.2"),
        ("2023Q2", "guidance_beat", "6735.9"),
        ("2026Q2", "guidance_beat", "87965.0"),
        ("2023Q2", "guidance_share", "6552.3"),
        ("2026Q2", "last_growth", "90861.8"),
        ("2026Q1", "consensus", "72000.0"),
    ],
)
def test_the_prototypes_nowcasts(con, quarter, method, millions):
    (nowcast,) = con.execute(
        "select nowcast_usd from marts.nvidia_nowcast where calendar_quarter = ? and method = ?", [quarter, method]
    ).fetchone()
    assert (Decimal(nowcast) / M).quantize(Decimal("0.1")) == Decimal(millions)


def test_who_wins_the_nowcast(con):
    """The prototype over 22 quarters: 6.0 % mean, 3.1 % median; on the 13 with a consensus 7.0 against 5.5 %."""
    scores = {
        (method, sample): row
        for method, sample, *row in con.execute(
            "select method, sample, quarters, mean_error_share, median_error_share from marts.nvidia_nowcast_scores"
        ).fetchall()
    }
    mean = scores["guidance_beat", "all quarters"]
    assert (mean[0], round(mean[1], 3), round(mean[2], 3)) == (22, Decimal("0.060"), Decimal("0.031"))
    with_consensus = "quarters with a consensus"
    beat, consensus = (scores[method, with_consensus] for method in ("guidance_beat", "consensus"))
    assert (beat[0], round(beat[1], 3)) == (13, Decimal("0.070"))
    assert (consensus[0], round(consensus[1], 3)) == (13, Decimal("0.055"))


def test_the_next_quarter_stands_until_it_is_reported(con):
    """108,000 x 89,023 / 96,221 = 99,921 M before the beat."""
    rows = con.execute(
        "select nowcast_usd, actual_usd, reported_on from marts.nvidia_nowcast "
        "where calendar_quarter = '2026Q3' and method = 'guidance_share'"
    ).fetchall()
    assert [(round(row[0] / M), *row[1:]) for row in rows] == [(99_921, None, None)]


# --- the rest ----------------------------------------------------------------------------------------


def test_each_end_of_a_range_does_what_the_chain_says(con):
    """2026Q2: 356,092 / 0.44 / 0.5 and 356,092 / 0.5 / 0.67 against 1,424,368 (M)."""
    moved = dict(
        con.execute(
            "select varied || ' ' || range_end, difference_usd from marts.gap_sensitivity "
            "where calendar_quarter = '2026Q2'"
        ).fetchall()
    )
    assert moved["gpu_share_of_tco high"] == 1_618_600 * M - 1_424_368 * M
    assert moved["end_user_gross_margin low"] == pytest.approx(356_092 * M / 0.5 / 0.67 - 1_424_368 * M, abs=2)
    assert moved["ai_revenue low"] < 0 < moved["ai_revenue high"]
    one_by_one = [usd for name, usd in moved.items() if name.endswith("low") and not name.startswith("all")]
    assert moved["all together low"] < min(one_by_one)


def test_the_b100_claim_against_the_record(con):
    """1,750 / 989.4 TFLOPS at 35,000 / 33,600 dollars; claimed 2.5 at 1.25."""
    row = con.execute(
        "select performance_ratio, low_price_ratio, claimed_performance_ratio, claimed_price_ratio "
        "from marts.gpu_generations where gpu = 'B100'"
    ).fetchone()
    assert row == (Decimal("1.768749"), Decimal("1.041667"), Decimal("2.5"), Decimal("1.25"))


def test_an_hour_of_an_h100(con):
    """A year: 33,600 / 6, energy 4.7025 % of 33,600, the rest of 33,600 over 25 years, 5 % of GPU and buildings."""
    energy = 33_600 * 8_760_000_000 * 0.0977 / 18.2e9
    buildings = 33_600 - 6 * energy
    cost = 33_600 / 6 + energy + buildings / 25 + 0.05 * (33_600 + buildings)
    row = con.execute(
        "select yearly_cost_usd, needed_utilisation_share, median_usd_per_hour from marts.gpu_breakeven "
        "where gpu = 'H100' and month = '2025-10'"
    ).fetchone()
    assert row[0] == pytest.approx(cost, abs=2)
    assert float(row[1]) == pytest.approx(cost / 8_760 / 1.7, abs=1e-4)
    assert row[2] == Decimal("1.7")


def test_a_claim_in_won_is_converted_at_the_rates_named(con):
    won, dollar, usd = con.execute(
        "select won.value, dollar.value, claims.low_usd from marts.claims as claims "
        "join marts.citations as won on won.fact_id = claims.won_rate_id "
        "join marts.citations as dollar on dollar.fact_id = claims.dollar_rate_id where claim = 'H100 unit price'"
    ).fetchone()
    assert usd == pytest.approx(40_000_000 / float(won) * float(dollar), abs=2)


def test_the_cold_shower_did_not_come(con):
    """CCS Insight for 2024; measured revenue at the ends of 2023 and 2024."""
    verdict, share = con.execute(
        "select verdict, outcome_share from marts.claims where claim like 'CCS Insight%'"
    ).fetchone()
    totals = dict(
        con.execute(
            "select calendar_quarter, central_usd from marts.ai_revenue_totals "
            "where ai_revenue_basis = 'estimated_run_rate' and calendar_quarter in ('2023Q4', '2024Q4')"
        ).fetchall()
    )
    assert verdict == "outcome"
    assert float(share) == pytest.approx(totals["2024Q4"] / totals["2023Q4"] - 1, abs=1e-6)
    assert share > 2


def test_mistrals_seed_round_is_in_both(con):
    """105 million euros, 113 million dollars (claims); the largest company is a part of the total."""
    (usd,) = con.execute("select low_usd from marts.claims where claim = 'Mistral AI seed'").fetchone()
    assert usd == pytest.approx(113 * M, rel=0.02)
    assert con.execute(
        "select equity_usd, post_money_valuation_usd from marts.funding_rounds "
        "where company = 'Anthropic' and closed_on = date '2025-09-02'"
    ).fetchone() == (13 * B, 183 * B)
    shares = con.execute("select largest_share, two_largest_share from marts.revenue_concentration").fetchall()
    assert all(0 < one <= two <= 1 for one, two in shares)


def test_every_statement_holds_and_says_its_number(con):
    rows = {
        name: (sentence, holds)
        for name, sentence, holds in con.execute(
            "select statement, sentence, holds from marts.standing_statements"
        ).fetchall()
    }
    assert 5 <= len(rows) <= 8
    assert all(holds for _, holds in rows.values())
    assert "6.5 %" in rows["coverage"][0]
    assert "75.0 %" in rows["nvidias_part"][0]
    assert "116.6 % and 170.6 %" in rows["capex_over_cloud"][0]
