"""What the curated files that ship must hold, whatever rows are added to them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

import pytest

from ingest.companies import watch_list
from ingest.curated.corrections import CORRECTIONS_FILE, parse_corrections
from ingest.curated.edges import ANY, JOINT, read_ai_revenue_edges
from ingest.curated.figures import FIGURE_FILES, read_figures
from ingest.curated.files import OTHER_FILES, curated_dir
from ingest.curated.metrics import METRICS
from ingest.curated.roles import read_ai_revenue_roles
from ingest.curated.scenarios import read_scenarios

#: Nothing may be known after today; a clock set before the collection was made does not count.
LATEST = max(date.today(), date(2026, 11, 22))


@cache
def rows() -> list[dict]:
    return read_figures(not_after=LATEST).table.to_pylist()


@cache
def scenarios() -> list[dict]:
    return read_scenarios().to_pylist()


@cache
def roles() -> list[dict]:
    return read_ai_revenue_roles().to_pylist()


def test_no_shipped_row_is_refused() -> None:
    assert read_figures(not_after=LATEST).refused == []


def test_the_folder_holds_the_listed_files_and_no_others() -> None:
    names = {p.name for p in curated_dir().iterdir() if p.name.endswith(".csv")}
    assert names == {*FIGURE_FILES, *OTHER_FILES}
    assert {r["file"] for r in rows()} == set(FIGURE_FILES)


def test_ids_are_unique() -> None:
    ids = [r["figure_id"] for r in rows()] + [r["fact_id"] for r in scenarios()] + [r["edge_id"] for r in edges()]
    assert len(ids) == len(set(ids))


def test_nothing_is_known_before_it_happened_or_after_today() -> None:
    for row in rows():
        assert row["known_on"] <= LATEST, row
        if not METRICS[row["metric"]].is_forward:
            assert row["period_end"] <= row["known_on"], row


def test_a_source_that_cannot_be_opened_stays_at_low_confidence() -> None:
    weak = [r for r in rows() if not r["is_citable"]]
    assert weak, "the collection has such rows; an empty list means the rule no longer works"
    assert {r["confidence"] for r in weak} == {"low"}
    assert all(r["source_url"] or r["qualifier"] == "unverified" for r in weak)


def test_a_figure_typed_in_millions_or_billions_would_be_refused() -> None:
    for row in rows():
        if row["unit"] in ("USD", "CNY", "EUR", "KRW") and row["value"] is not None:
            low, high = METRICS[row["metric"]].units[row["unit"]]
            assert not low <= row["value"] / 10**6 <= high, row
            assert not low <= row["value"] / 10**9 <= high, row


def test_names_and_tickers_are_those_of_the_watch_list() -> None:
    names = {c.ticker: c.name for c in watch_list()}
    tickers = {c.name: c.ticker for c in watch_list()}
    for row in rows():
        if row["ticker"] in names:
            name = names[row["ticker"]]
            assert row["company"] == name or row["company"].startswith(f"{name} "), row
        assert row["ticker"] == tickers.get(row["company"], row["ticker"]), row


def test_estimates_name_who_made_them() -> None:
    for row in rows():
        if row["source_kind"] == "estimate":
            assert row["estimator"] or row["source_title"], row
        if row["metric"] == "share_of_nvidia_revenue":
            assert row["estimator"], row


def test_text_cells_hold_no_address_of_a_machine() -> None:
    for path in curated_dir().iterdir():
        text = path.read_text("utf-8")
        assert not re.search(r"/work/|/home/|file://|127\.0\.0\.1", text), path.name


def test_gpu_rate_cards_without_a_licence_stay_out() -> None:
    assert not [r for r in rows() if "backfill_ratecards" in r["source_title"] + r["source_url"]]


def test_epoch_data_carries_its_licence() -> None:
    epoch = [
        r for r in rows() if "Epoch AI" in r["source_title"] and r["file"] in ("funding_rounds.csv", "gpu_hardware.csv")
    ]
    assert len(epoch) > 100
    assert all("CC BY 4.0" in r["source_title"] for r in epoch)
    assert "creativecommons.org/licenses/by/4.0" in (curated_dir() / "README.md").read_text("utf-8")


def test_notes_are_short() -> None:
    assert max(len(r["note"]) for r in rows()) <= 120


def nvidia(metric: str) -> list[dict]:
    return [
        r
        for r in rows()
        if r["file"] == "nvidia_revenue.csv"
        and r["metric"] == metric
        and r["period_type"] == "quarter"
        and not r["series"]
    ]


@pytest.mark.parametrize("metric", ["data_center_revenue", "total_revenue", "total_revenue_guidance"])
def test_nvidia_has_34_quarters_without_a_hole(metric: str) -> None:
    found = sorted(nvidia(metric), key=lambda r: r["period_end"])
    assert len(found) == 34
    assert all(b["period_start"] == a["period_end"] + timedelta(days=1) for a, b in pairwise(found))
    first, last = ("2018-07-29", "2026-10-25") if metric.endswith("guidance") else ("2018-04-29", "2026-07-26")
    assert (found[0]["period_end"].isoformat(), found[-1]["period_end"].isoformat()) == (first, last)
    announced = [r["known_on"] for r in found]
    assert announced == sorted(set(announced))


def test_nvidia_quarters_add_up_to_the_years_and_the_parts_to_data_center() -> None:
    quarters = {r["period_end"]: r["value"] for r in nvidia("data_center_revenue")}
    years = [r for r in rows() if r["metric"] == "data_center_revenue" and r["period_type"] == "year"]
    assert len(years) == 5
    for year in years:
        assert year["value"] == sum(
            v for end, v in quarters.items() if year["period_start"] <= end <= year["period_end"]
        )
    parts: Counter = Counter()
    for metric in ("compute_revenue", "networking_revenue"):
        for row in nvidia(metric):
            if row["qualifier"] != "approximate":
                parts[row["period_end"]] += row["value"]
    assert len(parts) == 9
    assert all(quarters[end] == value for end, value in parts.items())


def test_platforms_add_up_to_data_center_in_every_version() -> None:
    children = ("hyperscale_revenue", "ai_clouds_industrial_enterprise_revenue")
    sums: Counter = Counter()
    for row in rows():
        if row["metric"] in children:
            sums[row["series"], row["period_type"], row["period_end"]] += row["value"]
    parents = {
        (r["series"], r["period_type"], r["period_end"]): r["value"]
        for r in rows()
        if r["metric"] == "data_center_revenue"
    }
    assert len(sums) == 5
    assert all(parents[key] == value for key, value in sums.items())


def test_every_ai_revenue_company_has_one_role_and_no_role_is_idle() -> None:
    listed = {r["company"] for r in rows() if r["file"] == "ai_revenue.csv"}
    silent = {r["company"] for r in roles() if r["role"] == "not_disclosed"}
    assert {r["company"] for r in roles()} - silent == listed


def test_no_shipped_row_has_a_doubtful_day() -> None:
    assert read_figures(not_after=LATEST).doubtful == []


@cache
def edges() -> list[dict]:
    return read_ai_revenue_edges().to_pylist()


def test_payments_stand_in_the_edges_and_nowhere_else() -> None:
    netting = {r["company"] for r in roles() if r["role"] == "netting"}
    former = [r for r in rows() if r["metric"].startswith("overlap_") or r["company"] in netting]
    assert len(former) == 11
    assert {r["withdrawn_on"] for r in former} == {date(2026, 11, 25)}


def test_an_edge_pays_from_something_counted_to_something_that_may_be_reduced() -> None:
    role = {r["company"]: r["role"] for r in roles()}
    for edge in edges():
        if ANY not in (edge["payer"], edge["payee"]):
            assert all(role[name] in ("counted", "subset") for name in edge["payer"].split(JOINT)), edge
            assert role[edge["payee"]] in ("counted", "memo"), edge


def test_no_low_confidence_edge_is_the_only_word_about_a_default() -> None:
    defaults = [e for e in edges() if ANY in (e["payer"], e["payee"])]
    assert {(e["payer_layer"], e["payee_layer"]) for e in defaults} == {
        ("application", "model"),
        ("model", "cloud_infrastructure"),
    }
    assert all(e["confidence"] != "low" and e["is_citable"] for e in defaults)


def test_an_average_of_a_contract_moves_no_headline() -> None:
    averages = [e for e in edges() if "average of the contract" in e["note"]]
    assert len(averages) == 5
    assert {e["confidence"] for e in averages} == {"low"}


def test_what_a_payer_pays_by_amount_is_not_more_than_it_spends_on_compute() -> None:
    """Anthropic's bills at AWS in 2025 against its compute of 2025; OpenAI's to Microsoft are the least it spent."""
    spent = {
        (r["company"], r["period_end"]): r["value"]
        for r in rows()
        if r["metric"] == "compute_cost" and r["period_type"] == "year"
    }
    assert spent["Anthropic", date(2025, 12, 31)] == Decimal("7330000000")
    compared = 0
    for edge in edges():
        year_end = date(edge["period_end"].year, 12, 31)
        is_calendar = edge["period_type"] in ("year", "year_to_date") and edge["period_start"].month == 1
        if edge["unit"] == "USD" and is_calendar and (edge["payer"], year_end) in spent:
            compared += 1
            assert edge["value"] <= spent[edge["payer"], year_end], edge
    assert compared == 4


def test_those_who_state_nothing_have_no_figures() -> None:
    silent = {r["company"] for r in roles() if r["role"] == "not_disclosed"}
    assert len(silent) >= 9
    assert not silent & {r["company"] for r in rows() if r["file"] == "ai_revenue.csv"}


def test_oracles_quarters_add_up_to_its_fiscal_years() -> None:
    oracle = [r for r in rows() if r["ticker"] == "ORCL" and r["metric"] == "capex_cash_gross"]
    sums = Counter()
    for row in oracle:
        if row["period_type"] == "quarter":
            sums[row["period_end"].year + (row["period_end"].month > 5)] += row["value"] / 10**6
    years = {r["period_end"].year: r["value"] / 10**6 for r in oracle if r["period_type"] == "year"}
    whole = {year: sums[year] for year in range(2020, 2026)}
    assert whole == {2020: 1564, 2021: 2135, 2022: 4511, 2023: 8695, 2024: 6866, 2025: 21215}
    assert whole == {year: years[year] for year in whole}


def test_a_correction_says_what_is_right_instead() -> None:
    by_id = {r["figure_id"]: r for r in rows()}
    corrections = parse_corrections((curated_dir() / CORRECTIONS_FILE).read_bytes())
    assert len(corrections) >= 24
    for correction in corrections:
        wrong = by_id[correction.figure_id]
        assert wrong["withdrawn_on"] == correction.corrected_on
        if correction.replaced_by:
            right = by_id[correction.replaced_by]
            assert (right["known_on"], right["withdrawn_on"]) == (correction.corrected_on, None), right
            assert right["stated_on"] <= right["known_on"]


def test_a_subset_is_part_of_something_counted() -> None:
    counted = {r["canonical"] for r in roles() if r["role"] == "counted"}
    assert {r["canonical"] for r in roles() if r["role"] == "subset"} <= counted


def test_layers_that_are_never_added_never_count() -> None:
    counted = {r["company"] for r in roles() if r["role"] == "counted"}
    for row in rows():
        if row["file"] == "ai_revenue.csv" and row["company"] in counted and not row["metric"].startswith("overlap_"):
            assert row["layer"] in ("application", "model", "cloud_infrastructure"), row


def parameters(scenario: str) -> dict[str, object]:
    return {
        r["parameter"]: r["text_value"] if r["value"] is None else r["value"]
        for r in scenarios()
        if r["scenario"] == scenario and r["parameter"] != "assumed_member_revenue_usd"
    }


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("cahn_2023", ("0.5", "0.5", "forecast_run_rate", "assumed", "50e9", "75e9", "2023Q4")),
        ("cahn_2024", ("0.5", "0.5", "forecast_run_rate", "assumed", "150e9", "100e9", "2024Q4")),
        ("cahn_method", ("0.5", "0.5", "actual_run_rate", "assumed", None, "70e9", None)),
        ("measured", ("0.5", "0.5", "actual_run_rate", "estimated_run_rate", None, None, None)),
        ("trailing", ("0.5", "0.5", "trailing_12m", "measured_trailing_12m", None, None, None)),
        ("low", ("0.52", "0.33", "actual_run_rate", "estimated_run_rate", None, None, None, "low")),
        ("high", ("0.44", "0.5", "actual_run_rate", "estimated_run_rate", None, None, None, "high")),
    ],
)
def test_scenarios_are_whole_and_as_the_method_says(scenario: str, expected: tuple) -> None:
    got = parameters(scenario)
    names = ("gpu_share_of_tco", "end_user_gross_margin", "run_rate_basis", "ai_revenue_basis")
    names += ("run_rate_usd", "ai_revenue_usd", "calendar_quarter", "ai_revenue_end")
    numbers = (0, 1, 4, 5)
    want = {n: Decimal(v) if i in numbers else v for i, (n, v) in enumerate(zip(names, expected, strict=False)) if v}
    assert got == want


def test_scenario_values_stand_in_the_evidence_files() -> None:
    evidence = {(r["metric"], r["value"], r["source_url"]): r["known_on"] for r in rows()}
    for row in scenarios():
        if row["scenario"] in ("low", "high") and row["value"] is not None:
            metric = {"gpu_share_of_tco": "gpu_share_of_tco", "end_user_gross_margin": "gross_margin"}[row["parameter"]]
            assert evidence[metric, row["value"], row["source_url"]] <= row["known_on"], row


def test_frozen_cases_are_known_on_the_day_of_the_essay() -> None:
    days = {"cahn_2023": date(2023, 9, 20), "cahn_2024": date(2024, 6, 20)}
    for scenario, day in days.items():
        assert {r["known_on"] for r in scenarios() if r["scenario"] == scenario} == {day}
        assert {r["known_on"] for r in rows() if r["series"] == scenario} == {day}
    # The list of 2023 was cited to the essay of 2024 until it was corrected.
    assert {r["stated_on"] for r in rows() if r["series"] == "listed_assumptions"} == {date(2023, 9, 20)}


def test_three_facts_about_assumed_revenue_stay_three() -> None:
    members = [r for r in scenarios() if r["parameter"] == "assumed_member_revenue_usd"]
    assert len(members) == 10
    assert sum(r["value"] for r in members) == Decimal("70e9")
    assert {r["text_value"] for r in members} == {r["note"] for r in members}
    cases = {r["series"]: r["value"] for r in rows() if r["metric"] == "case_ai_revenue"}
    assert cases == {
        "listed_assumptions": Decimal("70e9"),
        "cahn_2023": Decimal("75e9"),
        "cahn_2024": Decimal("100e9"),
    }


@pytest.mark.parametrize("case", ["cahn_2023", "cahn_2024"])
def test_golden_cases_multiply_out(case: str) -> None:
    got = {r["metric"].removeprefix("case_"): r["value"] for r in rows() if r["series"] == case}
    assert got["data_center_spend"] == got["run_rate"] * got["tco_multiplier"]
    assert got["required_revenue"] * (1 - got["end_user_gross_margin"]) == got["data_center_spend"]
    assert got["gap"] == got["required_revenue"] - got["ai_revenue"]


def test_files_are_plain_csv() -> None:
    for name in (*FIGURE_FILES, *OTHER_FILES):
        data = (curated_dir() / name).read_bytes()
        assert b"\r" not in data, name
        assert data.endswith(b"\n"), name
        assert len({len(cells) for cells in csv.reader(data.decode().splitlines())}) == 1, name
