"""What read_figures, read_scenarios and read_ai_revenue_roles accept and refuse, on small files."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cells import is_citable
from ingest.curated import figures
from ingest.curated.figures import COLUMNS, parse_figures, read_figures
from ingest.curated.files import REFUSED, RefusedRow, refused_table
from ingest.curated.roles import AI_REVENUE_ROLES, read_ai_revenue_roles
from ingest.curated.scenarios import SCENARIOS, read_scenarios
from ingest.records import FIGURES, CuratedError

GOOD = dict.fromkeys(COLUMNS, "") | {
    "company": "NVIDIA",
    "ticker": "NVDA",
    "metric": "data_center_revenue",
    "value": "51215000000",
    "unit": "USD",
    "qualifier": "exact",
    "period_type": "quarter",
    "period_start": "2025-07-28",
    "period_end": "2025-10-26",
    "period_label": "Q3 FY2026",
    "known_on": "2025-11-19",
    "known_on_basis": "published",
    "source_kind": "press_release",
    "source_title": "CFO Commentary",
    "source_url": "https://www.sec.gov/Archives/edgar/data/1045810/000104581025000228/q3fy26cfocommentary.htm",
    "confidence": "high",
}
FORECAST = GOOD | {"metric": "total_revenue_guidance", "known_on": "2025-08-27"}


def as_csv(rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def only(row: dict[str, str]) -> tuple[list[dict], list[RefusedRow]]:
    return parse_figures("a.csv", as_csv([row]))


def test_a_good_row_comes_out_typed() -> None:
    (row,), refused = only(GOOD)
    assert refused == []
    assert row["value"] == Decimal(51215000000)
    assert (row["period_start"], row["period_end"]) == (date(2025, 7, 28), date(2025, 10, 26))
    assert row["is_citable"] is True
    assert (row["file"], row["line"]) == ("a.csv", 2)
    assert row["figure_id"].startswith("c")
    assert len(row["figure_id"]) == 21


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": "51215"}, "not a plausible data_center_revenue"),  # millions for dollars
        ({"value": "51.215"}, "not a plausible"),  # billions for dollars
        ({"value": "51215000000000"}, "not a plausible"),
        ({"value": "-51215000000"}, "not a plausible"),
        ({"value": "NaN"}, "plain number"),
        ({"value": "inf"}, "plain number"),
        ({"value": "1e400"}, "plain number"),
        ({"value": "5.1215e10"}, "plain number"),
        ({"value": "51,215,000,000"}, "plain number"),
        ({"value": "\u0665\u0661"}, "plain number"),  # digits of another script
        ({"value": "51215000000.00000000001"}, "plain number"),
        ({"value": ""}, "no value"),
        ({"low_value": "60000000000"}, "must rise"),
        ({"unit": "CNY"}, "unit 'CNY' does not fit"),
        ({"unit": "USD million"}, "does not fit"),
        ({"metric": "data_centre_revenue"}, "metric 'data_centre_revenue' is not known"),
        ({"company": ""}, "company is missing"),
        ({"qualifier": "maybe"}, "qualifier 'maybe'"),
        ({"qualifier": "none_at_or_above_10"}, "goes with an empty value"),
        ({"period_type": "week"}, "period_type 'week'"),
        ({"period_start": ""}, "needs a period_start"),
        ({"period_start": "2025-01-27"}, "273 days, not a quarter"),
        ({"period_start": "2025-10-28", "period_end": "2025-07-26"}, "not a quarter"),
        ({"period_type": "instant"}, "leave period_start empty"),
        ({"period_end": "2025-10-32"}, "period_end '2025-10-32' must be a day"),
        ({"period_end": "26.10.2025"}, "must be a day"),
        ({"period_end": "20251026"}, "must be a day"),
        ({"period_end": ""}, "period_end is missing"),
        ({"known_on": ""}, "known_on is missing"),
        ({"known_on": "2025-10-25"}, "before period_end"),
        ({"known_on": "2205-11-19"}, "known_on 2205-11-19 is outside"),
        ({"known_on_basis": "guess"}, "known_on_basis 'guess'"),
        ({"source_kind": "rumour"}, "source_kind 'rumour'"),
        ({"confidence": "likely"}, "confidence 'likely'"),
        ({"layer": "chips"}, "layer 'chips'"),
        ({"source_title": ""}, "source_title is missing"),
        ({"source_url": ""}, "source_url is missing"),
        ({"source_url": "https://www.wsj.com/"}, "cannot be cited, so confidence must be low"),
        ({"source_title": "Note (file id 123)"}, "cannot be cited"),
        ({"company": "NVIDIA "}, "stray spaces"),
        ({"note": "one\ntwo"}, "control characters"),
        ({"note": "a\u00a0b"}, "stray spaces or control characters"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_with_its_line(change: dict[str, str], reason: str) -> None:
    rows, refused = parse_figures("b.csv", as_csv([FORECAST, GOOD | change, GOOD]))
    assert [r["line"] for r in rows] == [2, 4 + ("\n" in change.get("note", ""))]
    assert [(r.file, r.line) for r in refused] == [("b.csv", 3)]
    assert reason in refused[0].reason


def test_a_forecast_may_be_known_before_its_period_ends_and_an_actual_may_not() -> None:
    assert only(FORECAST)[1] == []
    assert only(GOOD | {"known_on": FORECAST["known_on"]})[1]


def test_known_on_after_the_given_day_is_refused() -> None:
    rows, refused = parse_figures("a.csv", as_csv([GOOD]), not_after=date(2025, 11, 18))
    assert rows == []
    assert "2025-11-19 is outside" in refused[0].reason


def test_a_customer_that_is_not_quantified_has_no_value() -> None:
    row = GOOD | {"metric": "customer_share_of_revenue", "unit": "share", "value": ""}
    (parsed,), refused = only(row | {"qualifier": "at_or_above_10_not_quantified"})
    assert parsed["value"] is None
    assert refused == []


def test_only_an_unverified_claim_may_lack_an_address() -> None:
    claim = GOOD | {
        "company": "(claim)",
        "metric": "claim",
        "value": "600",
        "unit": "USD/share",
        "period_type": "instant",
        "period_start": "",
        "source_url": "",
        "confidence": "low",
    }
    assert only(claim | {"qualifier": "unverified"})[1] == []
    assert "source_url is missing" in only(claim | {"qualifier": "verified"})[1][0].reason


@pytest.mark.parametrize(
    ("url", "title", "expected"),
    [
        ("https://www.sec.gov/Archives/edgar/data/1/x.htm", "", True),
        ("https://example.org/?p=27099", "", True),
        ("http://ftp.example.org/cloud/capex", "", True),
        ("https://example.org/a", "Note (GitHub File ID 123)", False),
        ("https://www.ft.com/", "", False),
        ("https://fundalyst.xyz", "", False),
        ("https://github.com/", "", False),
        ("stored-file-id:54625249139", "", False),
        ("ftp://example.org/a", "", False),
        ("https:///path", "", False),
        ("https://localhost/a", "", False),
        ("https://example.org/a b", "", False),
        ("", "", False),
    ],
)
def test_is_citable(url: str, title: str, expected: bool) -> None:
    assert is_citable(url, title) is expected


@pytest.mark.parametrize("ticker", ["ON", "NO", "TRUE", "0700.HK", "1e3"])
def test_tickers_stay_text(ticker: str) -> None:
    (row,), refused = only(GOOD | {"ticker": ticker})
    assert row["ticker"] == ticker
    assert refused == []


def test_a_row_of_the_wrong_width_is_refused_and_the_rest_stays() -> None:
    lines = as_csv(
        [FORECAST, GOOD, GOOD | {"period_label": "again", "source_url": "https://example.org/b"}]
    ).splitlines()
    lines[2] += b",one more"
    rows, refused = parse_figures("a.csv", b"\n".join(lines))
    assert [r["line"] for r in rows] == [2, 4]
    assert refused[0].line == 3
    assert "a comma too many" in refused[0].reason


def test_byte_order_mark_crlf_and_blank_lines_do_not_matter() -> None:
    plain = as_csv([FORECAST, GOOD])
    dressed = b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n").rstrip() + b"\r\n\r\n"
    assert parse_figures("a.csv", plain) == parse_figures("a.csv", dressed)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (as_csv([GOOD]).replace(b"known_on,", b"as_of,", 1), r"missing: known_on; not known: as_of"),
        (as_csv([], COLUMNS[::-1]), "the header must be"),
        (b"", "the header must be"),
        (as_csv([GOOD]) + b'"open', "line 3: not readable as CSV"),
        (as_csv([GOOD]) + b"\xff\xfe", "not UTF-8"),
        (as_csv([GOOD]) + b'x,"' + b"a" * 200_000 + b'"\n', "line 3: not readable"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(data: bytes, reason: str) -> None:
    with pytest.raises(CuratedError, match=reason) as caught:
        parse_figures("a.csv", data)
    assert "a.csv" in str(caught.value)


def write(folder: Path, **rows: list[dict[str, str]]) -> Path:
    for name, content in rows.items():
        (folder / f"{name}.csv").write_bytes(as_csv(content))
    return folder


def test_a_figure_entered_twice_is_refused_even_from_another_file(tmp_path: Path) -> None:
    result = read_figures(write(tmp_path, a=[GOOD], b=[FORECAST, GOOD | {"value": "51215000001", "note": "again"}]))
    assert result.table.num_rows == 2
    assert result.table.schema == FIGURES
    assert [(r.file, r.line, r.reason) for r in result.refused] == [
        ("b.csv", 3, "the same figure stands in a.csv, line 2: company, metric, period and source are one")
    ]
    assert refused_table(result.refused).schema == REFUSED


def test_an_id_says_which_figure_not_where_or_how_much(tmp_path: Path) -> None:
    before = only(GOOD)[0][0]["figure_id"]
    assert before == "c35060c94a6462a6db753"
    assert only(GOOD | {"value": "51215000001", "note": "typing mistake put right"})[0][0]["figure_id"] == before
    for change in ({"known_on": "2025-11-20"}, {"series": "recast"}, {"source_url": "https://example.org/other"}):
        assert only(GOOD | change)[0][0]["figure_id"] != before


def quarters(values: list[int]) -> list[dict[str, str]]:
    return [
        GOOD | {"period_start": f"{y}-01-01", "period_end": f"{y}-03-31", "known_on": f"{y}-05-15", "value": str(v)}
        for y, v in enumerate(values, 2018)
    ]


@pytest.mark.parametrize("place", range(5))
def test_a_value_a_thousand_times_off_its_neighbours_is_refused(tmp_path: Path, place: int) -> None:
    values = [150_000_000, 200_000_000, 250_000_000, 400_000_000, 700_000_000]
    values[place] *= 1000  # every one still within the range of the metric
    result = read_figures(write(tmp_path, a=quarters(values)))
    assert [r.line for r in result.refused] == [place + 2]
    assert "wrong scale?" in result.refused[0].reason
    assert result.table.num_rows == 4


def test_steep_but_steady_growth_is_no_mistake(tmp_path: Path) -> None:
    result = read_figures(write(tmp_path, a=quarters([100_000_000, 5_000_000_000, 250_000_000_000])))
    assert result.refused == []


@settings(max_examples=25, deadline=None)
@given(st.permutations([*quarters([700_000_000, 900_000_000, 2_000_000_000, 3_000_000_000]), FORECAST]))
def test_the_order_of_rows_does_not_matter(tmp_path_factory: pytest.TempPathFactory, rows: list[dict]) -> None:
    folder = tmp_path_factory.mktemp("figures")
    table = read_figures(write(folder, a=rows)).table.drop_columns(["line"])
    ids = sorted(table.column("figure_id").to_pylist())
    assert ids == sorted(only(row)[0][0]["figure_id"] for row in rows)
    assert len(set(ids)) == 5


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_noise_after_a_good_row_never_gets_in_and_never_crashes(noise: bytes) -> None:
    try:
        rows, _ = parse_figures("a.csv", as_csv([GOOD]) + noise)
    except CuratedError:
        return
    assert [r["line"] for r in rows] == [2]


@settings(max_examples=100, deadline=None)
@given(st.decimals(Decimal("1e8"), Decimal("1e12"), places=10, allow_nan=False, allow_infinity=False))
def test_a_decimal_is_kept_to_the_last_digit(value: Decimal) -> None:
    (row,), _ = only(GOOD | {"value": f"{value:f}"})
    assert row["value"] == value


def test_an_empty_or_missing_folder_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(CuratedError, match="no figures there"):
            read_figures(folder)


def test_the_shipped_folder_must_be_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "curated_dir", lambda: write(tmp_path, nvidia_revenue=[GOOD]))
    with pytest.raises(CuratedError, match=r"no accelerators\.csv, ai_revenue\.csv"):
        read_figures()


PARAMETER = {
    "scenario": "measured",
    "parameter": "gpu_share_of_tco",
    "value": "0.5",
    "text_value": "",
    "known_on": "2023-09-20",
    "source_title": "Article",
    "source_url": "https://example.org/article",
    "note": "",
}
PARAMETER_COLUMNS = tuple(PARAMETER)


def scenarios(folder: Path, *rows: dict[str, str]) -> Path:
    (folder / "scenarios.csv").write_bytes(as_csv(list(rows), PARAMETER_COLUMNS))
    return folder


def test_scenarios_come_out_typed(tmp_path: Path) -> None:
    text = PARAMETER | {"parameter": "run_rate_basis", "value": "", "text_value": "trailing_12m"}
    table = read_scenarios(scenarios(tmp_path, PARAMETER, text))
    assert table.schema == SCENARIOS
    assert table.column("value").to_pylist() == [Decimal("0.5"), None]
    assert table.column("text_value").to_pylist() == [None, "trailing_12m"]
    assert all(i.startswith("s") and len(i) == 21 for i in table.column("fact_id").to_pylist())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": "50"}, "gpu_share_of_tco cannot be 50"),
        ({"value": "0"}, "cannot be 0"),
        ({"value": "", "text_value": "half"}, "cannot be half"),
        ({"value": "0,5"}, "plain number"),
        ({"parameter": "end_user_gross_margin", "value": "1"}, "cannot be 1"),  # would divide by zero
        ({"parameter": "margin"}, "parameter 'margin' must be one of gpu_share_of_tco"),
        ({"parameter": "run_rate_usd", "value": "50"}, "run_rate_usd cannot be 50"),
        ({"parameter": "run_rate_basis", "value": "", "text_value": "annual"}, "run_rate_basis cannot be annual"),
        ({"parameter": "calendar_quarter", "value": "", "text_value": "2023Q5"}, "calendar_quarter cannot be 2023Q5"),
        ({"known_on": ""}, "line 3: known_on is missing"),
        ({"source_url": "https://example.org/"}, "cannot be cited"),
        ({}, "stands twice"),
    ],
)
def test_one_bad_parameter_refuses_the_scenarios(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    with pytest.raises(CuratedError, match=reason) as caught:
        read_scenarios(scenarios(tmp_path, PARAMETER, PARAMETER | change))
    assert "scenarios.csv, line 3" in str(caught.value)


def test_scenarios_and_roles_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(CuratedError, match=r"scenarios\.csv: not there"):
        read_scenarios(tmp_path)
    with pytest.raises(CuratedError, match=r"ai_revenue_roles\.csv: not there"):
        read_ai_revenue_roles(tmp_path)


ROLE = {
    "company": "xAI",
    "role": "counted",
    "superseded_by": "",
    "superseded_from": "",
    "canonical": "xAI",
    "convention": "",
    "region": "US",
    "note": "",
}


def roles(folder: Path, *rows: dict[str, str]) -> Path:
    (folder / "ai_revenue_roles.csv").write_bytes(as_csv(list(rows), tuple(AI_REVENUE_ROLES.names)))
    return folder


def test_roles_come_out_typed(tmp_path: Path) -> None:
    old = ROLE | {"superseded_by": "SpaceX", "superseded_from": "2026-06-30"}
    table = read_ai_revenue_roles(roles(tmp_path, old, ROLE | {"company": "SpaceX"}))
    assert table.schema == AI_REVENUE_ROLES
    assert table.column("superseded_from").to_pylist() == [date(2026, 6, 30), None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"company": "X", "role": "added"}, "line 3: role 'added'"),
        ({"company": "X", "convention": "brutto"}, "line 3: convention 'brutto'"),
        ({"company": "X", "region": "USA"}, "line 3: region 'USA'"),
        ({"company": ""}, "line 3: company is missing"),
        ({}, "line 3: the same stands twice, first in line 2"),
        ({"company": "X", "superseded_by": "xAI"}, "line 3: superseded_by and superseded_from go together"),
        ({"company": "X", "superseded_by": "Y", "superseded_from": "2026-06-30"}, "superseded by 'Y': not listed"),
    ],
)
def test_a_bad_role_refuses_the_file(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    with pytest.raises(CuratedError, match=reason):
        read_ai_revenue_roles(roles(tmp_path, ROLE, ROLE | change))


def days(**change: str) -> dict[str, str]:
    """A run rate stated on 2026-04-29 about 2026-03-31, with `change`."""
    stated = {"metric": "annualized_run_rate", "period_type": "run_rate", "period_start": "", "layer": "application"}
    return GOOD | stated | {"period_end": "2026-03-31", "known_on": "2026-04-29"} | change


def doubts(tmp_path: Path, *rows: dict[str, str]) -> list[str]:
    read = read_figures(write(tmp_path, ai_revenue=list(rows)))
    assert read.refused == []
    assert read.table.num_rows == len(rows)  # a doubtful row stays
    return [f"{row.line} {row.reason}" for row in read.doubtful]


def test_a_figure_of_the_day_it_became_known_is_doubtful(tmp_path: Path) -> None:
    same = {"period_end": "2026-04-29"}
    found = doubts(
        tmp_path,
        days(),
        days(company="B", **same),
        days(company="C", known_on_basis="same_day", **same),
        days(company="D", confidence="low", **same),
    )
    assert len(found) == 1
    assert found[0].startswith("3 B 2026-04-29: the day it became known")


def test_a_figure_known_from_its_collection_is_doubtful(tmp_path: Path) -> None:
    (found,) = doubts(tmp_path, days(known_on_basis="collected"))
    assert found.endswith("find the day it was public")


@pytest.mark.parametrize(("companies", "expected"), [("AB", 0), ("ABC", 3), ("AAA", 0)])
def test_a_page_that_dates_three_companies_alike_is_a_census(tmp_path: Path, companies: str, expected: int) -> None:
    rows = [days(company=name, series=str(n)) for n, name in enumerate(companies)]
    found = doubts(tmp_path, *rows)
    assert len(found) == expected
    assert all("find what it repeats" in line for line in found)


def test_prices_and_forecasts_of_their_own_day_are_not_doubtful(tmp_path: Path) -> None:
    price = {"metric": "gpu_list_price", "unit": "USD/hour", "value": "2.5", "period_type": "instant"}
    on = {"period_end": "2026-04-29"}
    assert doubts(tmp_path, days(**price, **on), days(metric="forecast_run_rate", **on)) == []


def test_a_withdrawn_figure_is_no_longer_doubtful(tmp_path: Path) -> None:
    folder = write(tmp_path, ai_revenue=[days(period_end="2026-04-29")])
    figure_id = read_figures(folder).table["figure_id"][0].as_py()
    (folder / "corrections.csv").write_text(
        f"figure_id,previous_value,replaced_by,corrected_on,reason\n{figure_id},,,2026-11-25,not found\n", "utf-8"
    )
    assert read_figures(folder).doubtful == []
