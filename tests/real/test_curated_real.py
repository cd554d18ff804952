"""Every value of the collected figures is in the curated files, and they agree with the filings at hand."""

from __future__ import annotations

import csv
import gzip
import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from golden.test_statements import SEC, STATEMENTS

from ingest.curated.figures import read_figures

MILLION, BILLION = 10**6, 10**9


@cache
def rows() -> tuple[dict, ...]:
    return tuple(read_figures().table.to_pylist())


def of(file: str, *metrics: str) -> list[dict]:
    return [r for r in rows() if r["file"] == file and (not metrics or r["metric"] in metrics)]


def collected(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "figures" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cells(source: list[dict[str, str]], *columns: str, scale: int | str = 1) -> Iterator[Decimal]:
    for row in source:
        for column in columns:
            if row[column]:
                yield Decimal(row[column]) * Decimal(scale)


def values(found: list[dict], *columns: str) -> Counter:
    return Counter(r[c] for r in found for c in columns or ("value",) if r[c] is not None)


def test_no_collected_file_is_forgotten(shared: Path) -> None:
    assert {p.name for p in (shared / "figures").glob("*.csv")} == {
        "accelerator_revenue.csv",
        "ai_lab_funding_rounds.csv",
        "ai_revenue.csv",
        "ai_revenue_new.csv",
        "capex_guidance.csv",
        "cloud_segment_revenue.csv",
        "commitments_2026.csv",
        "depreciation_lives.csv",
        "electricity.csv",  # left out: nothing here rests on it yet
        "gpu_generations.csv",
        "gpu_list_prices_2026_09.csv",
        "gpu_market_2026_09.csv",  # left out: nothing here rests on it yet
        "gpu_rental_h100_history.csv",
        "gpu_rental_monthly_ratecards.csv",  # left out: licence not established
        "hyperscaler_capex.csv",
        "lab_gross_margins.csv",
        "microsoft_nvidia_share_estimates.csv",
        "nowcast_backtest_prototype.csv",  # left out: a result, not a figure
        "nvidia_customer_concentration.csv",
        "nvidia_data_center_annual_split.csv",
        "nvidia_data_center_revenue.csv",
        "nvidia_forecasts.csv",
        "nvidia_forecasts_new.csv",
        "nvidia_market_platform_fy2027_basis.csv",
        "nvidia_supply.csv",
        "oracle_capex_2019_2026.csv",
        "requirement_benchmarks_2026.csv",
        "rpo_backlog.csv",
        "seed2_korean_article_checks.csv",
        "sequoia_case_2026.csv",
        "sequoia_golden_cases.csv",
        "tco_multiplier_evidence.csv",
    }


NVIDIA_COLUMNS = {
    "data_center_revenue": "data_center_revenue_usd_m",
    "compute_revenue": "compute_usd_m",
    "networking_revenue": "networking_usd_m",
    "total_revenue": "total_revenue_usd_m",
    "total_revenue_guidance": "next_quarter_revenue_guidance_usd_m",
    "compute_and_networking_segment_revenue": "memo_compute_and_networking_segment_usd_m",
}


def test_nvidia_revenue(shared: Path) -> None:
    quarters = collected(shared, "nvidia_data_center_revenue.csv")
    years = collected(shared, "nvidia_data_center_annual_split.csv")
    ends = [r["period_end"] for r in quarters]
    for metric, column in NVIDIA_COLUMNS.items():
        # Guidance was given with one quarter's results and speaks of the next.
        spoken_of = [*ends[1:], "2026-10-25"] if metric.endswith("guidance") else ends
        want = {e: Decimal(r[column]) * MILLION for e, r in zip(spoken_of, quarters, strict=True) if r[column]}
        plain = [r for r in of("nvidia_revenue.csv", metric) if not r["series"]]
        assert {r["period_end"].isoformat(): r["value"] for r in plain if r["period_type"] == "quarter"} == want
        if column in years[0]:
            got = {r["period_end"].isoformat(): r["value"] for r in plain if r["period_type"] == "year"}
            assert got == {r["period_end"]: Decimal(r[column]) * MILLION for r in years if r[column]}


def test_nvidia_platforms(shared: Path) -> None:
    series = {
        "as_first_reported": "",
        "recast_in_Q1_FY2027": "recast_q1_fy2027",
        "recast_in_Q2_FY2027_derived_H1_minus_Q2": "recast_q2_fy2027",
    }
    columns = {
        "data_center_revenue": "data_center_usd_m",
        "hyperscale_revenue": "hyperscale_usd_m",
        "ai_clouds_industrial_enterprise_revenue": "acie_usd_m",
        "edge_computing_revenue": "edge_computing_usd_m",
    }
    found = {
        (r["metric"], r["series"], r["period_type"], r["period_end"].isoformat()): r["value"]
        for r in of("nvidia_revenue.csv", *columns)
    }
    for row in collected(shared, "nvidia_market_platform_fy2027_basis.csv"):
        for metric, column in columns.items():
            if row[column]:
                key = (metric, series[row["basis"]], row["period_type"], row["period_end"])
                assert found[key] == Decimal(row[column]) * MILLION


def test_nvidia_total_revenue_equals_company_facts(shared: Path) -> None:
    path = shared / "edgar/data.sec.gov/api/xbrl/companyfacts/CIK0001045810.json.gz"
    facts = json.loads(gzip.decompress(path.read_bytes()), parse_float=Decimal)["facts"]["us-gaap"]
    stated = {
        (f["start"], f["end"]): Decimal(f["val"])
        for concept in ("Revenues", "RevenueFromContractWithCustomerExcludingAssessedTax")
        for f in facts[concept]["units"]["USD"]
        if "start" in f
    }
    compared = 0
    for row in of("nvidia_revenue.csv", "total_revenue"):
        key = (row["period_start"].isoformat(), row["period_end"].isoformat())
        if key in stated:
            assert stated[key] == row["value"], key
            compared += 1
    assert compared >= 24  # fourth quarters are not stated on their own


def test_forecasts(shared: Path) -> None:
    source = collected(shared, "nvidia_forecasts.csv") + collected(shared, "nvidia_forecasts_new.csv")
    assert len(of("nvidia_forecasts.csv")) == len(source) == 47
    growth = [r for r in source if r["metric"].endswith("growth_pct_company_outlook")]
    money = [r for r in source if r not in growth]
    want = Counter(cells(money, "value_usd_m", "low_usd_m", "high_usd_m", scale=MILLION))
    want += Counter(cells(growth, "value_usd_m", scale="0.01"))
    assert values(of("nvidia_forecasts.csv"), "value", "low_value", "high_value") == want


def test_supply(shared: Path) -> None:
    source = collected(shared, "nvidia_supply.csv")
    columns = [c for c in source[0] if c.endswith("_usd_m")]
    assert len(columns) == 10
    assert values(of("nvidia_supply.csv")) == Counter(cells(source, *columns, scale=MILLION))


def test_customer_concentration(shared: Path) -> None:
    source = collected(shared, "nvidia_customer_concentration.csv")
    found = of("customer_concentration.csv", "customer_share_of_revenue", "customer_share_of_accounts_receivable")
    assert len(source) == 80
    # Five more were read in NVIDIA's own 10-Qs since.
    assert (len(found), sum("sec.gov/Archives" in r["source_url"] for r in found) >= 5) == (85, True)
    metric = {
        "total revenue": "customer_share_of_revenue",
        "accounts receivable": "customer_share_of_accounts_receivable",
    }
    want = Counter((r["period_end"], metric[r["basis"]], Decimal(r["pct"]) / 100 if r["pct"] else None) for r in source)
    have = Counter((r["period_end"].isoformat(), r["metric"], r["value"]) for r in found)
    assert want <= have
    assert (have - want).total() == 5


def test_large_clouds_are_cited_from_the_commentaries_at_hand(shared: Path) -> None:
    with (shared / "leads" / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        filed = {row["address_at_sec_gov"]: row["filed_on"] for row in csv.DictReader(file)}
    found = of("customer_concentration.csv", "large_cloud_share_of_data_center_revenue")
    assert len(found) == 8
    assert [filed.get(row["source_url"]) for row in found] == [row["known_on"].isoformat() for row in found]


def test_microsoft_share(shared: Path) -> None:
    source = collected(shared, "microsoft_nvidia_share_estimates.csv")
    # pct_of_msft_capex repeats pct_of_customer_capex.
    assert all(r["pct_of_msft_capex"] in ("", r["pct_of_customer_capex"]) for r in source)
    for metric, column, scale in (
        ("share_of_nvidia_revenue", "pct_of_nvidia_revenue", "0.01"),
        ("share_of_customer_capex", "pct_of_customer_capex", "0.01"),
        ("accelerator_units", "gpu_units_thousand", 1000),
    ):
        assert values(of("microsoft_share.csv", metric)) == Counter(cells(source, column, scale=scale))


def test_capex(shared: Path) -> None:
    source = collected(shared, "hyperscaler_capex.csv")
    found = of("hyperscaler_capex.csv")
    columns = (
        "capex_cash_usd_m",
        "capex_net_of_proceeds_usd_m",
        "capex_incl_finance_leases_usd_m",
        "capex_as_reported_local_m",
    )
    want = Counter(
        (r["ticker"], r["period_end"], r["period_type"], Decimal(r[c]) * MILLION)
        for r in source
        for c in columns
        if r[c]
    )
    oracle = collected(shared, "oracle_capex_2019_2026.csv")
    want |= Counter(
        (r["ticker"], r["period_end"], r["period_type"], Decimal(r["capex_cash_usd_m"]) * MILLION) for r in oracle
    )
    want["NVDA", "2026-07-26", "half", Decimal(4400) * MILLION] += 1  # of commitments_2026.csv
    got = Counter((r["ticker"], r["period_end"].isoformat(), r["period_type"], r["value"]) for r in found)
    assert got == want
    assert {r["ticker"] for r in found if r["unit"] == "CNY"} == {"BABA", "0700.HK"}
    meta = {r["metric"] for r in found if r["ticker"] == "META" and r["basis"] == "as_tagged"}
    assert meta == {"capex_cash_net_of_proceeds"}


def test_curated_capex_is_known_on_the_day_of_its_filing(shared: Path) -> None:
    path = shared / "edgar/data.sec.gov/submissions/CIK0001018724.json"
    recent = json.loads(path.read_bytes())["filings"]["recent"]
    filed = {
        end: day
        for form, end, day in zip(recent["form"], recent["reportDate"], recent["filingDate"], strict=True)
        if form in ("10-Q", "10-K")
    }
    amazon = [r for r in of("hyperscaler_capex.csv") if r["ticker"] == "AMZN" and r["period_end"].isoformat() in filed]
    assert len(amazon) >= 24
    assert all(filed[r["period_end"].isoformat()] == r["known_on"].isoformat() for r in amazon)


def test_capex_guidance(shared: Path) -> None:
    source = collected(shared, "capex_guidance.csv")
    want = Counter(
        (r["ticker"], *(Decimal(r[c]) * BILLION if r[c] else None for c in ("low_bn", "high_bn"))) for r in source
    )
    found = of("capex_guidance.csv")
    assert Counter((r["ticker"], r["low_value"], r["high_value"]) for r in found) == want


def test_ai_revenue(shared: Path) -> None:
    """Every collected figure is on record under the day it was collected with, withdrawn or not; the rest is newer."""
    source = collected(shared, "ai_revenue.csv")
    found = [r for r in of("ai_revenue.csv") if not r["metric"].startswith("overlap_")]
    want = Counter((r["company"], r["as_of"], Decimal(r["value_usd_m"]) * MILLION, r["layer"]) for r in source)
    got = Counter((r["company"], r["period_end"].isoformat(), r["value"], r["layer"]) for r in found)
    assert len(source) == 147
    assert not want - got
    assert sum((got - want).values()) == 24


def test_new_ai_revenue(shared: Path) -> None:
    metrics = {"compute_and_infrastructure_expense": "compute_cost"}
    known = {
        (r["company"], metrics.get(r["metric"], r["metric"]), r["period_end"].isoformat()): r["value"]
        for r in (*of("ai_revenue.csv"), *of("lab_costs.csv"))
        if r["withdrawn_on"] is None
    }
    # An edge, not revenue; a figure that names no day of its own; the same figure a second time.
    elsewhere = {"xAI / SpaceX AI cloud", "Microsoft (revenue from OpenAI)"}
    compared = 0
    for row in collected(shared, "ai_revenue_new.csv"):
        if row["company"] not in elsewhere and row["metric"] != "compute_commitments":
            metric = metrics.get(row["metric"], row["metric"])
            assert known[row["company"], metric, row["as_of"]] == Decimal(row["value_usd_m"]) * MILLION, row
            compared += 1
    assert compared == 9


def test_golden_cases(shared: Path) -> None:
    source = collected(shared, "sequoia_golden_cases.csv") + collected(shared, "sequoia_case_2026.csv")
    found = [r for r in of("golden_cases.csv") if r["withdrawn_on"] is None]
    want: Counter = Counter()
    for row in source:
        want += Counter(cells([row], *(c for c in row if c.endswith("_usd_b")), scale=BILLION))
        want += Counter(cells([row], "tco_multiplier", "end_user_gross_margin"))
    assert values(found) == want


def test_clouds(shared: Path) -> None:
    segments = [r for r in collected(shared, "cloud_segment_revenue.csv") if r["ticker"] != "CRWV"]
    assert values(of("clouds.csv", "cloud_segment_revenue")) == Counter(cells(segments, "revenue_usd_m", scale=MILLION))
    # Three quarters of the bundle's own facts are not entered by hand a second time.
    owed = [r for r in collected(shared, "rpo_backlog.csv") if "already in the bundle" not in r["confidence"]]
    shares = [r for r in owed if r["metric"].startswith("rpo_share")]
    found = of("clouds.csv", "remaining_performance_obligation", "revenue_backlog")
    assert values(found) == Counter(cells([r for r in owed if r not in shares], "value_usd_m", scale=MILLION))


def test_commitments_accelerators_and_benchmarks(shared: Path) -> None:
    held = ("supply_and_capacity_commitments", "capex_half_year", "capex_cash_fy")
    source = [r for r in collected(shared, "commitments_2026.csv") if r["metric"] not in held]
    assert values(of("commitments.csv")) == Counter(cells(source, "value_usd_m", scale=MILLION))
    source = [r for r in collected(shared, "accelerator_revenue.csv") if r["ticker"] != "AMZN"]
    assert values(of("accelerators.csv")) == Counter(cells(source, "value_usd_m", scale=MILLION))
    source = [r for r in collected(shared, "requirement_benchmarks_2026.csv") if "stored-file" not in r["source_url"]]
    want = Counter(cells(source, "value_usd_b", "low", "high", scale=BILLION)) + Counter([Decimal(800) * BILLION])
    assert values(of("requirement_benchmarks.csv"), "value", "low_value", "high_value") == want


def text_of(shared: Path, url: str) -> tuple[str, str]:
    """The words of an earnings exhibit as filed, and the day it was filed."""
    (entry,) = [r for r in manifest(shared) if r["address_at_sec_gov"] == url]
    path = shared / "leads" / entry["path"]
    data = path.read_bytes() if path.is_file() else path.with_name(path.name + ".gz").read_bytes()
    page = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    words = html.unescape(re.sub(r"<[^>]*>", " ", page.decode("utf-8", "replace")))
    return re.sub(r"\s+", " ", words), entry["filed_on"]


@cache
def manifest(shared: Path) -> tuple[dict[str, str], ...]:
    with (shared / "leads" / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def test_cloud_quarters_are_as_their_earnings_exhibits_print_them(shared: Path) -> None:
    """The exhibit that a row cites names the segment and its revenue, and was filed on the day the row became known."""
    line = {
        "Microsoft (Intelligent Cloud)": r"Intelligent Cloud \$? ?{}",
        "Alphabet (Google Cloud)": r"Google Cloud (?:[\d,]+ )?\$? ?{}",
        "Amazon (AWS)": r"AWS .{{0,4000}}?\b{}\b",
    }
    addresses = {r["address_at_sec_gov"] for r in manifest(shared)}
    cited = [r for r in of("clouds.csv") if r["source_url"] in addresses]
    for row in cited:
        words, filed_on = text_of(shared, row["source_url"])
        assert re.search(line[row["company"]].format(f"{row['value'] / MILLION:,.0f}"), words), row
        assert filed_on == row["known_on"].isoformat(), row
    assert Counter(r["ticker"] for r in cited) == {"MSFT": 7, "GOOGL": 8, "AMZN": 8}


def test_microsofts_run_rate_of_2024_is_as_its_exhibit_says(shared: Path) -> None:
    (row,) = [
        r
        for r in of("ai_revenue.csv")
        if r["company"] == "Microsoft (AI business)" and r["value"] == 13 * BILLION and r["withdrawn_on"] is None
    ]
    words, filed_on = text_of(shared, row["source_url"])
    assert "our AI business has surpassed an annual revenue run rate of $13 billion, up 175% year-over-year" in words
    assert (filed_on, row["stated_on"].isoformat()) == ("2025-01-29", "2025-01-29")
    assert "December 31, 2024" in words
    assert row["period_end"].isoformat() == "2024-12-31"


def test_tco_share_and_the_multiplier_it_implies(shared: Path) -> None:
    source = collected(shared, "tco_multiplier_evidence.csv")
    assert values(of("tco_share.csv")) == Counter(cells(source, "nvidia_or_gpu_share"))
    for row in source:
        assert round(1 / Decimal(row["nvidia_or_gpu_share"]), 2) == Decimal(row["implied_multiplier"])


def test_gross_margins(shared: Path) -> None:
    assert values(of("gross_margins.csv")) == Counter(cells(collected(shared, "lab_gross_margins.csv"), "gross_margin"))


def numbers(text: str) -> list[Decimal]:
    return [Decimal(part) for part in text.replace(" / ", " to ").split(" to ") if part]


def test_depreciation_lives(shared: Path) -> None:
    source = collected(shared, "depreciation_lives.csv")
    old = Counter(n for r in source for n in numbers(r["old_life_years"]))
    new = Counter(n for r in source for n in numbers(r["new_life_years"]))
    # Two more lives stand in a note of the measured row; an early retirement has an amount, no life.
    new += Counter([Decimal("4.5"), Decimal("2.7")])
    columns = ("value", "low_value", "high_value")
    assert values(of("depreciation_lives.csv", "useful_life_before"), *columns) == old
    assert values(of("depreciation_lives.csv", "useful_life"), *columns) == new
    assert values(of("depreciation_lives.csv", "accelerated_depreciation")) == Counter([Decimal(920 * MILLION)])


def test_funding_rounds(shared: Path) -> None:
    source = collected(shared, "ai_lab_funding_rounds.csv")
    for metric, column in (
        ("round_equity", "equity_usd"),
        ("round_debt", "debt_usd"),
        ("post_money_valuation", "post_money_usd"),
    ):
        want = Counter(v for v in cells(source, column) if v)  # zero equity: a sale of old shares, no round
        assert values(of("funding_rounds.csv", metric)) == want


def test_gpu_hardware_and_prices(shared: Path) -> None:
    source = collected(shared, "gpu_generations.csv")
    for metric, column in (
        ("dense_bf16_performance", "dense_bf16_tflops"),
        ("memory_bandwidth", "memory_bandwidth_tb_s"),
        ("board_power", "tdp_w"),
        ("performance_relative_to_h100", "bf16_vs_h100"),
    ):
        assert values(of("gpu_hardware.csv", metric)) == Counter(cells(source, column))
    priced = [r for r in of("gpu_hardware.csv", "unit_price", "rack_price") if r["basis"] not in ("rack", "all_in")]
    assert values(priced, "low_value", "high_value") == Counter(
        cells(source, "unit_price_usd_low", "unit_price_usd_high")
    )
    history = collected(shared, "gpu_rental_h100_history.csv")
    columns = ("usd_per_gpu_hour_low", "usd_per_gpu_hour_high")
    assert values(of("gpu_rental_h100.csv"), "low_value", "high_value") == Counter(cells(history, *columns))
    listed = collected(shared, "gpu_list_prices_2026_09.csv")
    assert values(of("gpu_list_prices.csv")) == Counter(cells(listed, "usd_per_gpu_hour"))


def test_claims_of_the_korean_article(shared: Path) -> None:
    claims = {r["claim"] for r in collected(shared, "seed2_korean_article_checks.csv")}
    context = "HSBC / KeyBanc (context)"  # two targets in one row
    of_the_article = {r["series"] for r in of("memo_claims.csv") if r["basis"] != "outcome"}
    assert of_the_article == (claims - {context}) | {"HSBC target", "KeyBanc target"}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("hyperscaler_capex.csv", "hyperscaler_capex.csv"),
        ("ai_revenue.csv", "ai_revenue.csv"),
        ("capex_guidance.csv", "capex_guidance.csv"),
        ("customer_concentration.csv", "nvidia_customer_concentration.csv"),
        ("nvidia_supply.csv", "nvidia_supply.csv"),
    ],
)
def test_confidence_is_never_raised(shared: Path, file: str, name: str) -> None:
    rank = {"high": 0, "confident": 0, "medium": 1, "likely": 1, "low": 2}
    best: dict[str, int] = {}
    for row in collected(shared, name):
        for column in ("source_url", "source_url_2"):
            if url := row.get(column):
                best[url] = min(rank[row["confidence"]], best.get(url, 2))
    for row in of(file):
        if row["source_url"] in best:
            assert rank[row["confidence"]] >= best[row["source_url"]], row


def test_golden_statements_stand_in_the_documents_they_cite(shared: Path) -> None:
    """Each statement whose exhibit is at hand: the amount is printed in that very document."""
    with (shared / "leads" / "MANIFEST.csv").open(newline="") as file:
        exhibits = {row["address_at_sec_gov"]: shared / "leads" / f"{row['path']}.gz" for row in csv.DictReader(file)}
    read = [(value, exhibits[SEC + where]) for _, value, _, _, where in STATEMENTS if SEC + where in exhibits]
    assert len(read) >= 11
    for value, path in read:
        text = html.unescape(re.sub(r"<[^>]+>", " ", gzip.decompress(path.read_bytes()).decode()))
        text = re.sub(r"\s+", " ", text)
        written = {f"{value:,}", f"${value // 1000} billion"}
        assert any(re.search(rf"(?<![\d,]){re.escape(one)}(?!,?\d)", text) for one in written), (value, path.name)
