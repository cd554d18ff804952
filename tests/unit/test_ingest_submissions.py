"""Submissions: filings as listed, the older pages, and refusals."""

import json
from datetime import date

import pytest

from ingest.records import FILINGS, PayloadError
from ingest.submissions import parse_submissions

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
    files = [{"name": "CIK0001045810-submissions-001.json", "filingCount": 1416}]
    filings, older = parse(answer(files=files))
    assert older == ("CIK0001045810-submissions-001.json",)
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
    filings, older = parse(RECENT, PAGE)
    assert filings["cik"].to_pylist() == ["0001045810"] * 2
    assert older == ()


def test_a_wrapped_answer_and_a_short_cik():
    filings, _ = parse({"data": answer(cik=1045810)})
    assert filings["cik"].to_pylist()[0] == "0001045810"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (answer(cik="NVDA"), "ten digits"),
        (answer(RECENT | {"form": ["10-Q"]}), "different lengths"),
        (answer({k: v for k, v in RECENT.items() if k != "form"}), "has no 'form'"),
        (answer(RECENT | {"accessionNumber": ["../../x", "0001199039-26-000003"]}), "'../../x' is not an accession"),
        (
            answer(RECENT | {"accessionNumber": ["\uff10001045810-25-000209", "0001199039-26-000003"]}),
            "not an accession",
        ),
        (answer(RECENT | {"filingDate": ["yesterday", "2026-03-24"]}), "submissions of CIK 0001045810"),
        (answer(files=[{"name": "../../etc/passwd"}]), "not the name of one of its pages"),
        (answer(files=[{"name": "CIK0000320193-submissions-001.json"}]), "not the name of one of its pages"),
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
