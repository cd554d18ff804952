"""Submissions: filings as listed, the older pages, and refusals."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parsers.submissions import Page, form_of, parse_submissions
from ingest.records import FILINGS, SET_ASIDE, PayloadError

URL = "https://data.sec.gov/submissions/CIK0001045810.json"
PAGE = "https://data.sec.gov/submissions/CIK0001045810-submissions-001.json"
RECENT = {
    "accessionNumber": ["0001045810-25-000209", "0001199039-26-000003"],
    "filingDate": ["2025-08-27", "2026-03-24"],
    "reportDate": ["2025-07-27", ""],
    "acceptanceDateTime": ["2025-08-27T16:36:12.000Z", ""],
    "form": ["10-Q", "4"],
    "primaryDocument": ["nvda-20250727.htm", ""],
}


def answer(recent: dict = RECENT, files: list | None = None, cik: object = "0001045810") -> dict:
    return {"cik": cik, "filings": {"recent": recent, "files": files or []}}


def parse(payload: dict, url: str = URL):
    return parse_submissions(json.dumps(payload).encode(), url, "ab" * 32)


def test_filings_as_served():
    name = "CIK0001045810-submissions-001.json"
    files = [{"name": name, "filingCount": 1416, "filingFrom": "1998-03-06", "filingTo": "2020-02-24"}, {"name": name}]
    found = parse(answer(files=files) | {"name": "NVIDIA CORP", "tickers": ["NVDA"]})
    assert (found.cik, found.company, found.tickers, found.lines) == ("0001045810", "NVIDIA CORP", ("NVDA",), 2)
    assert found.older_pages == (
        Page(name, 1416, date(1998, 3, 6), date(2020, 2, 24)),
        Page(name, None, None, None),
    )
    filings = found.filings
    assert filings.schema == FILINGS
    assert filings.to_pylist()[0] == {
        "cik": "0001045810",
        "accession": "0001045810-25-000209",
        "form": "10-Q",
        "filed_on": date(2025, 8, 27),
        "accepted_at_received": "2025-08-27T16:36:12.000Z",  # text: the Z is not always UTC
        "report_date": date(2025, 7, 27),
        "primary_document": "nvda-20250727.htm",
        "source_url": URL,
        "sha256": "ab" * 32,
    }
    other = filings.to_pylist()[1]
    assert [other[name] for name in ("accepted_at_received", "report_date", "primary_document")] == [None] * 3


def test_an_older_page_takes_its_company_from_its_address():
    found = parse(RECENT, PAGE)
    assert found.filings["cik"].to_pylist() == ["0001045810"] * 2
    assert found.older_pages == ()


def test_a_wrapped_answer_and_a_short_cik():
    assert parse({"data": answer(cik=1045810)}).filings["cik"].to_pylist()[0] == "0001045810"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (answer(cik="NVDA"), "ten digits"),
        (answer(RECENT | {"form": ["10-Q"]}), "different lengths"),
        (answer({k: v for k, v in RECENT.items() if k != "form"}), "has no 'form'"),
        (answer({k: v for k, v in RECENT.items() if k != "filingDate"}), "has no 'filingDate'"),
        (answer(RECENT | {"accessionNumber": None}), "a list of filings has no"),
        (answer([RECENT]), "a list of filings has no"),
        (answer(None), "JSON without accessionNumber"),
        ({"filings": {"recent": RECENT}}, "KeyError 'cik'"),
    ],
)
def test_what_is_wrong_is_said(payload, message):
    with pytest.raises(PayloadError, match=message):
        parse(payload)


def test_a_key_that_stands_twice_is_refused():
    text = json.dumps(answer()).replace('"form":', '"form": [], "form":')
    with pytest.raises(PayloadError, match="'form' stands twice"):
        parse_submissions(text.encode(), URL, "")


# One odd entry ------------------------------------------------------------------------------------

ODD = {
    "no accession number": ("accessionNumber", "../../x", "'../../x' is not an accession number"),
    "other digits": ("accessionNumber", "\uff10001045810-25-000209", "is not an accession number"),
    "no text": ("accessionNumber", {"a": [1]}, "is not an accession number"),
    "no form": ("form", None, "it has no form"),
    "a blank form": ("form", "  ", "it has no form"),
    "a form that is a number": ("form", 10, "it has no form"),
    "no filing date": ("filingDate", "", "its filing date '' is not a day"),
    "a null for it": ("filingDate", None, "its filing date 'None' is not a day"),
    "a date that is none": ("filingDate", "2026-02-30", "its filing date '2026-02-30' is not a day"),
    "a word for it": ("filingDate", "yesterday", "its filing date 'yesterday' is not a day"),
    "a number for it": ("filingDate", 20260827, "its filing date '20260827' is not a day"),
    "years too early": ("filingDate", "0001-01-01", "lies before its accession number's year"),
}
TWO = {name: [values[0]] * 2 for name, values in RECENT.items()} | {
    "accessionNumber": ["0001045810-25-000209", "0001045810-25-000116"]
}


@pytest.mark.parametrize(("column", "value", "reason"), ODD.values(), ids=ODD)
def test_an_entry_that_cannot_be_understood_is_set_aside_by_name_and_its_neighbour_is_kept(column, value, reason):
    found = parse(answer(TWO | {column: [value, TWO[column][1]]}))
    assert found.filings["accession"].to_pylist() == ["0001045810-25-000116"]
    assert (found.lines, found.set_aside.schema) == (2, SET_ASIDE)
    (row,) = found.set_aside.to_pylist()
    assert (row["kind"], row["cik"], row["source_url"], row["sha256"]) == ("entry", "0001045810", URL, "ab" * 32)
    accession = None if column == "accessionNumber" else "0001045810-25-000209"
    assert row["accession"] == accession
    assert reason in row["reason"]
    assert "the next fetch asks again" in row["reason"]
    ((lost, why),) = found.lost
    assert lost == accession
    assert row["reason"] in why


@pytest.mark.parametrize(
    "received",
    [
        "20250827163612", "2025-06-30T23:59:60.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.000Z",
        "2025-08-27T24:00:00.000Z", "2025-W35-3T16:36:12Z", "soon", 20250827, "2026-08-27T16:36:12.000Z",
    ],
)  # fmt: skip
def test_an_odd_acceptance_time_is_named_and_its_filing_kept(received):
    found = parse(answer(TWO | {"acceptanceDateTime": [received, TWO["acceptanceDateTime"][1]]}))
    assert found.filings["accession"].to_pylist() == TWO["accessionNumber"]
    assert found.filings["accepted_at_received"][0].as_py() == str(received)
    (row,) = found.set_aside.to_pylist()
    assert (row["accession"], row["stated"]) == ("0001045810-25-000209", str(received))
    assert "the filing is kept, known from its filing date" in row["reason"]
    assert found.lost == ()


def test_what_concerns_no_report_is_left_out_without_a_word():
    """A Form 4 without a day is nobody's: no number waits for it, and nobody can do anything about it."""
    found = parse(answer(RECENT | {"filingDate": ["2025-08-27", ""]}))
    assert found.filings["form"].to_pylist() == ["10-Q"]
    assert (found.set_aside.num_rows, found.lost, found.lines) == (0, (), 2)


@pytest.mark.parametrize(
    ("stated", "form"),
    [
        ("10-Q", "10-Q"), ("10-Q ", "10-Q"), ("\u00a010-q", "10-Q"), ("10\u2011K/A", "10-K/A"), ("10-KT/A", "10-KT/A"),
        ("20-F", "20-F"), ("DEF 14A", "DEF 14A"), (" 4 ", "4"), ("10-K405", "10-K405"), ("10-D", "10-D"),
        ("", None), (" ", None), (None, None), (10, None), (["10-Q"], None),
    ],
)  # fmt: skip
def test_a_form_is_known_however_it_is_written(stated, form):
    assert form_of(stated) == form


@pytest.mark.parametrize("column", ["acceptanceDateTime", "reportDate", "primaryDocument"])
@pytest.mark.parametrize("values", [["2025-08-27"], None, {"0": "x"}, "xy"])
def test_a_column_that_does_not_go_with_the_others_is_not_read(column, values):
    found = parse(answer(RECENT | {column: values}))
    assert found.filings.num_rows == 2
    named = {"acceptanceDateTime": "accepted_at_received", "reportDate": "report_date"}
    assert found.filings[named.get(column, "primary_document")].null_count == 2
    assert [(row["stated"], row["accession"]) for row in found.set_aside.to_pylist()] == [(column, None)]


@pytest.mark.parametrize(
    "files",
    [
        [{"name": "../../etc/passwd"}], [{"name": "CIK0000320193-submissions-001.json"}], [{}], ["x"], [None], [7],
        {"name": "x"}, "CIK0001045810-submissions-001.json", [{"name": None}], [{"name": ["x"]}],
    ],
)  # fmt: skip
def test_a_page_that_is_none_is_named_and_the_others_stay(files):
    page = "CIK0001045810-submissions-002.json"
    others = [{"name": page}] if isinstance(files, list) else []
    found = parse(answer(files=[*files, *others] if isinstance(files, list) else files))
    assert [p.name for p in found.older_pages] == [page] * len(others)
    assert "older filings may be missing" in found.lost[0][1]
    assert found.filings.num_rows == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(RECENT)), JSON), JSON, st.sampled_from(sorted(RECENT)), JSON)
def test_whatever_a_list_holds_it_is_read_or_refused_in_words(columns, files, column, value):
    """Nothing but PayloadError leaves, and an entry beside an odd one is always there."""
    for payload in (answer(RECENT | columns) | {"filings": {"recent": RECENT | columns, "files": files}},):
        try:
            found = parse(payload)
        except PayloadError:
            continue
        assert found.filings["filed_on"].null_count == found.filings["form"].null_count == 0
    kept = parse(answer(TWO | {column: [value, TWO[column][1]]})).filings["accession"].to_pylist()
    assert "0001045810-25-000116" in kept
