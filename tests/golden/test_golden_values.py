"""Numbers read by hand from documents, asserted from the published file. $ are whole US dollars; (M) stands for
millions.
"""

from datetime import date

import pytest

M = 1_000_000

#: Quarter -> run rate and required revenue at 0.5 / 0.5 (M), docs/method.md, "The chain".
REQUIRED = {"2025Q3": (204_860, 819_440), "2025Q4": (249_256, 997_024), "2026Q2": (356_092, 1_424_368)}

#: All 34 NVIDIA quarters: last day, Data Center revenue (M) as NVIDIA stated it.
DATA_CENTER = [
    ("2018Q1", "2018-04-29", 701), ("2018Q2", "2018-07-29", 760), ("2018Q3", "2018-10-28", 792),
    ("2018Q4", "2019-01-27", 679), ("2019Q1", "2019-04-28", 634), ("2019Q2", "2019-07-28", 655),
    ("2019Q3", "2019-10-27", 726), ("2019Q4", "2020-01-26", 968), ("2020Q1", "2020-04-26", 1_141),
    ("2020Q2", "2020-07-26", 1_752), ("2020Q3", "2020-10-25", 1_900), ("2020Q4", "2021-01-31", 1_903),
    ("2021Q1", "2021-05-02", 2_048), ("2021Q2", "2021-08-01", 2_366), ("2021Q3", "2021-10-31", 2_936),
    ("2021Q4", "2022-01-30", 3_263), ("2022Q1", "2022-05-01", 3_750), ("2022Q2", "2022-07-31", 3_806),
    ("2022Q3", "2022-10-30", 3_833), ("2022Q4", "2023-01-29", 3_616), ("2023Q1", "2023-04-30", 4_284),
    ("2023Q2", "2023-07-30", 10_323), ("2023Q3", "2023-10-29", 14_514), ("2023Q4", "2024-01-28", 18_404),
    ("2024Q1", "2024-04-28", 22_563), ("2024Q2", "2024-07-28", 26_272), ("2024Q3", "2024-10-27", 30_771),
    ("2024Q4", "2025-01-26", 35_580), ("2025Q1", "2025-04-27", 39_112), ("2025Q2", "2025-07-27", 41_096),
    ("2025Q3", "2025-10-26", 51_215), ("2025Q4", "2026-01-25", 62_314), ("2026Q1", "2026-04-26", 75_246),
    ("2026Q2", "2026-07-26", 89_023),
]  # fmt: skip

#: Capital expenditure read in the cash-flow statements of the filings named (M): a quarter as printed, or the
# difference of
#: the two printed year-to-date columns.
CAPEX = [
    ("AMZN", "2023Q2", "cash_gross", 11_455, "10-Q 0001018724-23-000012: three months, 11,455"),
    ("AMZN", "2022Q2", "cash_gross", 15_724, "10-Q 0001018724-23-000012: three months of the year before, 15,724"),
    ("AMZN", "2021Q1", "cash_gross", 12_082, "10-Q 0001018724-21-000010: 12,082"),
    ("AMZN", "2020Q1", "cash_net_of_proceeds", 6_795 - 1_367, "10-Q 0001018724-21-000010: 6,795 less proceeds 1,367"),
    ("GOOGL", "2024Q1", "cash_gross", 12_012, "10-Q 0001652044-24-000053: 12,012"),
    ("GOOGL", "2024Q4", "cash_gross", 52_535 - 38_259, "10-K 0001652044-25-000014 less 10-Q 0001652044-24-000118"),
    ("META", "2023Q1", "cash_gross", 6_842, "10-Q 0001326801-23-000067 (company facts): 6,842"),
    ("META", "2023Q2", "cash_gross", 13_058 - 6_842, "10-Q 0001326801-23-000093: six months 13,058"),
    (
        "META",
        "2023Q2",
        "cash_net_of_proceeds",
        13_058 - 101 - 6_823,
        "the same, less proceeds of 101 (H1) and net 6,823 (Q1)",
    ),
    ("MSFT", "2022Q3", "cash_gross", 6_283, "10-Q 0001564590-22-035087: 6,283"),
    ("MSFT", "2021Q3", "cash_gross", 5_810, "10-Q 0001564590-21-051992: 5,810"),
    ("ORCL", "2023Q3", "cash_gross", 1_314, "10-Q 0000950170-23-047713: 1,314"),
    ("AAPL", "2024Q4", "cash_gross", 2_940, "10-Q 0000320193-25-000008: 2,940"),
    (
        "NVDA",
        "2022Q3",
        "cash_gross",
        1_324 - 794,
        "10-Q 0001045810-22-000166 nine months less 10-Q 0001045810-22-000147",
    ),
    ("NVDA", "2020Q4", "cash_gross", 1_128 - 845, "10-K 0001045810-21-000010 less 10-Q 0001045810-20-000189"),
]


@pytest.mark.parametrize(("quarter", "values"), REQUIRED.items())
def test_required_revenue_at_half_and_half(con, quarter, values):
    row = con.execute(
        "select run_rate_usd, required_revenue_usd from marts.ai_revenue_gap where scenario = 'measured' and "
        "calendar_quarter = ?",
        [quarter],
    ).fetchone()
    assert row == (values[0] * M, values[1] * M)


@pytest.mark.parametrize(
    ("scenario", "quarter", "known_on", "billions"),
    [("cahn_2023", "2023Q4", date(2023, 9, 20), (50, 100, 200, 75, 125)), ("cahn_2024", "2024Q4", date(2024, 6, 20),
    (150, 300, 600, 100, 500))],
)  # fmt: skip
def test_cahns_published_cases(con, scenario, quarter, known_on, billions):
    row = con.execute(
        """select calendar_quarter, known_from, run_rate_basis, is_like_for_like, run_rate_usd, data_center_spend_usd,
                  required_revenue_usd, ai_revenue_usd, gap_usd
           from marts.ai_revenue_gap where scenario = ?""",
        [scenario],
    ).fetchall()
    assert row == [(quarter, known_on, "forecast_run_rate", False, *(b * 1000 * M for b in billions))]


def test_cahns_listed_assumptions_sum_to_seventy_billion(con):
    members = con.execute(
        "select value from marts.scenarios where parameter like 'assumed_member_revenue_usd:%' order by value"
    ).fetchall()
    assert [int(value) // M for (value,) in members] == [5_000] * 6 + [10_000] * 4
    assert sum(int(value) for (value,) in members) == 70_000 * M
    assert con.execute(
        "select distinct ai_revenue_usd from marts.ai_revenue_gap where scenario = 'cahn_method' and ai_revenue_usd "
        "is not null"
    ).fetchall() == [(70_000 * M,)]


def test_every_nvidia_quarter(con):
    rows = con.execute(
        "select calendar_quarter, period_end, data_center_usd from marts.nvidia_data_center_revenue order by 1"
    ).fetchall()
    assert rows == [(quarter, date.fromisoformat(end), value * M) for quarter, end, value in DATA_CENTER]


def test_each_part_of_data_center_stands_in_its_own_column(con):
    """10-Q for the quarter ended 2024-07-28 (0001045810-24-000264); CFO commentary for 2025-10-26."""
    rows = con.execute(
        "select data_center_usd, compute_usd, networking_usd, total_revenue_usd from marts.nvidia_data_center_revenue "
        "where calendar_quarter in ('2024Q2', '2025Q3') order by calendar_quarter"
    ).fetchall()
    assert rows == [
        (26_272 * M, 22_604 * M, 3_668 * M, 30_040 * M),
        (51_215 * M, 43_028 * M, 8_187 * M, 57_006 * M),
    ]


def test_legs_of_one_vintage(con):
    """Tesla 2024Q3: nine months of 8,556 (10-Q of 2024-10-24) less 2,773 and 2,270 as then known, not less the 5,049
    that a later 10-Q recast; the company's own figure is 3.51 billion."""
    assert con.execute(
        "select capex_usd from marts.hyperscaler_capex where ticker = 'TSLA' and calendar_quarter = '2024Q3'"
    ).fetchall() == [(3_513 * M,)]


def test_t01_a_fiscal_quarter_is_named_after_its_dates(con):
    """NVIDIA's 10-Qs of April and July 2020 call themselves fiscal 2020; the quarters belong to fiscal 2021."""
    labels = dict(
        con.execute("select calendar_quarter, fiscal_quarter from marts.nvidia_data_center_revenue").fetchall()
    )
    assert (labels["2020Q1"], labels["2020Q2"]) == ("FY21Q1", "FY21Q2")
    assert (labels["2025Q4"], labels["2026Q2"]) == ("FY26Q4", "FY27Q2")
    assert list(labels.values()) == [f"FY{19 + i // 4}Q{i % 4 + 1}" for i in range(34)]


def test_t05_a_quarter_of_fourteen_weeks_is_a_quarter(con):
    """Apple's quarter ended 2022-12-31 has 98 days; capex as the 10-Q 0000320193-23-000006 prints it: 3,787."""
    row = con.execute(
        """select period_end - period_start + 1, capex_usd from marts.hyperscaler_capex
           where ticker = 'AAPL' and calendar_quarter = '2022Q4'"""
    ).fetchone()
    assert row == (98, 3_787 * M)


def test_t10_no_dollar_series_moves_with_a_share_split(con):
    """NVIDIA split 4:1 in 2021 and 10:1 in 2024; every version of a quarter's revenue is one and the same value."""
    assert (
        con.execute(
            """select calendar_quarter from marts.nvidia_data_center_revenue_versions
           group by 1 having count(distinct data_center_usd) > 1 or count(distinct total_revenue_usd) > 1"""
        ).fetchall()
        == []
    )


def test_t21_amounts_in_another_currency_are_in_no_dollar_series(con):
    """Alibaba's capex is curated in CNY: it is cited, and in no table of dollars."""
    assert con.execute("select count(*) from marts.citations where unit = 'CNY'").fetchone()[0] > 0
    used = con.execute(
        """select count(*) from marts.citations where unit not in ('USD', 'share', 'pure', 'multiple')
           and fact_id in (select unnest(fact_ids) from marts.ai_revenue_gap union
                           select unnest(fact_ids) from marts.hyperscaler_capex)"""
    ).fetchone()
    assert used == (0,)


@pytest.mark.parametrize(
    ("quarter", "year", "nine_months"),
    [
        ("2023Q4", 47_525, 4_284 + 10_323 + 14_514),
        ("2024Q4", 115_186, 22_563 + 26_272 + 30_771),
        ("2022Q4", 15_005, 11_389),
    ],
)
def test_a_fourth_quarter_is_the_year_less_nine_months_of_two_filings(con, quarter, year, nine_months):
    value, kind, source, fact_ids = con.execute(
        "select data_center_usd, value_kind, source_kind, fact_ids from marts.nvidia_data_center_revenue where "
        "calendar_quarter = ?",
        [quarter],
    ).fetchone()
    assert (value, kind, source) == ((year - nine_months) * M, "derived", "xbrl")
    legs = con.execute(
        "select form, value from marts.citations where fact_id in (select unnest(?)) and metric = "
        "'data_center_revenue' order by form",
        [fact_ids],
    ).fetchall()
    assert [(form, int(value)) for form, value in legs] == [("10-K", year * M), ("10-Q", nine_months * M)]


@pytest.mark.parametrize(("ticker", "quarter", "basis", "value", "document"), CAPEX)
def test_capex_as_the_filing_prints_it(con, ticker, quarter, basis, value, document):
    row = con.execute(
        "select capex_usd from marts.hyperscaler_capex where ticker = ? and calendar_quarter = ? and capex_basis = ?",
        [ticker, quarter, basis],
    ).fetchone()
    assert row == (value * M,), document


def test_a_missing_leg_is_no_nine_month_quarter(con):
    """NVIDIA's first halves of fiscal 2023 are in its own filings only; company facts alone would give 1,324 M for a
    quarter.
    """
    assert con.execute(
        "select count(*) from marts.hyperscaler_capex where ticker = 'NVDA' and capex_usd = 1324000000"
    ).fetchone() == (0,)
    missing = con.execute(
        "select reason_missing from marts.coverage where company = 'Oracle' and metric = 'capex_cash_gross' and "
        "calendar_quarter = '2018Q2'"
    ).fetchone()[0]
    assert missing.startswith("missing leg")


def test_microsoft_reports_what_we_derive(con):
    """Three-month and year-to-date columns agree at Microsoft: asserted on every quarter by the dbt check; here that
    it ran on many.
    """
    quarters = con.execute(
        "select count(*) from marts.hyperscaler_capex where ticker = 'MSFT' and capex_basis = 'cash_gross'"
    ).fetchone()[0]
    assert quarters >= 34


def test_the_cloud_customer_and_the_distributor_of_july_2023(con):
    rows = con.execute(
        """select customer_label, customer_kind, share, accession from marts.customer_concentration
           where period_end = date '2023-07-30' and span = 'quarter' and basis = 'revenue' and accession =
           '0001045810-23-000175'
           order by share"""
    ).fetchall()
    assert [(label, kind, float(share)) for label, kind, share, _ in rows] == [
        ("DataCenterDistributorCustomer", "direct", 0.17),
        ("CloudServiceProvider", "indirect", 0.22),
    ]


@pytest.mark.parametrize(
    ("accession", "end", "shares"),
    [
        ("0001045810-25-000023", "2025-01-26", [0.11, 0.11, 0.12]),
        ("0001045810-25-000209", "2025-07-27", [0.16, 0.23]),
    ],
)
def test_concentration_without_its_decoys(con, accession, end, shares):
    """0.99 (controlled products through Singapore) and 0.50 to 0.57 (non-US) stand in the same filings under the same
    risk type.
    """
    rows = con.execute(
        """select share from marts.customer_concentration
           where accession = ? and period_end = ? and basis = 'revenue' and span in ('quarter', 'year') order by
           share""",
        [accession, end],
    ).fetchall()
    assert [float(share) for (share,) in rows] == shares


def test_wrongly_dated_contexts_are_corrected(con):
    rows = con.execute(
        """select accession, period_end, share from marts.customer_concentration where is_period_corrected order by
        accession"""
    ).fetchall()
    assert [(a, end, float(share)) for a, end, share in rows] == [
        ("0001045810-20-000065", date(2020, 1, 26), 0.21),
        ("0001045810-21-000064", date(2021, 1, 31), 0.16),
    ]


def test_microsofts_share_obeys_nvidia(con):
    """2023Q1 by the half-year equation (10-Q for 2023-07-30: 22 % of 13,507, 19 % of 20,699), which clashes with that
    quarter's own 10-Q; 2023Q2 22 % and 2023Q3 15 % in NVIDIA's words; 2026: the last estimate is older than a year.
    """
    rows = {
        quarter: (low, central, high, kind, method)
        for quarter, low, central, high, kind, method in con.execute(
            "select calendar_quarter, low_share, central_share, high_share, value_kind, method from "
            "marts.microsoft_share_of_nvidia"
        ).fetchall()
    }
    assert sorted(rows) == [quarter for quarter, *_ in DATA_CENTER if quarter >= "2023Q1"]
    for quarter, (low, central, high, kind, method) in rows.items():
        assert 0 <= low <= (low if central is None else central) <= high <= 1, quarter
        assert kind == "estimated"
        assert method.startswith("centre: ")
    assert [round(float(v), 3) for v in rows["2023Q1"][:3]] == [0.110, 0.134, 0.157]
    assert "clashes with its word in the 10-Q of the quarter" in rows["2023Q1"][4]
    assert [float(v) for v in rows["2023Q2"][:3]] == [0.19, 0.22, 0.225]
    assert [float(v) for v in rows["2023Q3"][:3]] == [0.145, 0.15, 0.155]
    assert [rows[quarter][1] for quarter in ("2026Q1", "2026Q2")] == [None, None]
    assert "455 days old" in rows["2026Q1"][4]


def test_measured_revenue_counts_the_end_customers_dollar_once(con):
    """2026Q2 by hand: four quarters of Microsoft's AI business bring in 30,156 of which OpenAI paid 24,100 (79.9 %),
    so 7,430 of its 37,000 count; of a cloud without a larger known payment 21 % count (25,000, 4 x 2,575, 4 x 2,194);
    xAI is inside SpaceX; Cursor pays Anthropic all it earns.
    """
    rows = dict(
        con.execute(
            "select company, counted_usd // 1000000 from marts.ai_revenue where calendar_quarter = '2026Q2'"
        ).fetchall()
    )
    assert rows["OpenAI"] == 24_000
    assert rows["Anthropic"] == 4 * 11_500 - 2_000
    assert rows["Cursor (Anysphere)"] == 2_000
    assert rows["Microsoft (AI business)"] == 7_430
    assert rows["Amazon (AWS AI business)"] == 25_000 * 21 // 100
    assert rows["SpaceX (AI solutions & infrastructure)"] == 4 * 2_194 * 21 // 100
    assert rows["CoreWeave"] == 4 * 2_575 * 21 // 100
    assert rows["xAI"] == 0


def test_one_netting_through_the_series(con):
    """One method: 57.6 B in 2026Q1 and 89.5 B in 2026Q2 carried, 53.3 B and 93.1 B interpolated; 23.4 B in 2025Q3."""
    rows = {
        (basis, quarter): round(central / 10**8) / 10
        for basis, quarter, central in con.execute(
            "select ai_revenue_basis, calendar_quarter, central_usd from marts.ai_revenue_totals "
            "where central_usd is not null"
        ).fetchall()
    }
    quarters = ("2025Q3", "2026Q1", "2026Q2")
    assert [rows["measured_run_rate", quarter] for quarter in quarters] == [23.4, 57.6, 89.5]
    assert [rows["estimated_run_rate", quarter] for quarter in quarters] == [25.2, 53.3, 93.1]


def test_the_essays_as_any_reader_saw_them(con):
    for day, frozen, newest, run_rate in [
        ("2023-09-20", "cahn_2023", "2023Q2", 41_292),
        ("2024-06-20", "cahn_2024", "2024Q1", 90_252),
    ]:
        rows = {
            (scenario, quarter): value
            for scenario, quarter, value in con.execute(
                "select scenario, calendar_quarter, run_rate_usd from marts.gap_as_of(cast(? as date))", [day]
            ).fetchall()
        }
        assert any(scenario == frozen for scenario, _ in rows)
        assert rows[("cahn_method", newest)] == run_rate * M
        assert max(q for s, q in rows if s == "cahn_method") == newest


def test_what_became_of_the_forecasts(con):
    rows = con.execute(
        "select scenario, forecast_run_rate_usd // 1000000, actual_run_rate_usd // 1000000, error_usd // 1000000 from "
        "marts.forecast_errors order by 1"
    ).fetchall()
    assert rows == [("cahn_2023", 50_000, 73_616, 23_616), ("cahn_2024", 150_000, 142_320, -7_680)]
