"""Addresses are built from parts that pass an allow-list, and from nothing else (T70)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.edgar import urls
from ingest.edgar.urls import EDGAR
from ingest.records import IngestError

CIK, ACCESSION = "0001045810", "0001045810-24-000029"
HOSTILE = [
    "../../x",
    "/etc/passwd",
    "..",
    "a/../b",
    "a..b",
    "x\0.htm",
    "x.htm\n",
    "%2e%2e%2fx",
    "http://evil.example/x",
    "x?y=1",
    "x#y",
    "x y.htm",
    ".htaccess",
    "-x",
    "nvda\uff0d1.htm",
    "a" * 4096,
    "a\\b",
    "x:y",
    "",
]


def test_the_addresses_are_edgars():
    assert urls.submissions(EDGAR, CIK) == "https://data.sec.gov/submissions/CIK0001045810.json"
    assert (
        urls.submissions_page(EDGAR, CIK, "CIK0001045810-submissions-001.json")
        == "https://data.sec.gov/submissions/CIK0001045810-submissions-001.json"
    )
    assert urls.company_facts(EDGAR, CIK) == "https://data.sec.gov/api/xbrl/companyfacts/CIK0001045810.json"
    folder = "https://www.sec.gov/Archives/edgar/data/1045810/000104581024000029"
    assert urls.filing_index(EDGAR, CIK, ACCESSION) == f"{folder}/index.json"
    assert urls.document(EDGAR, CIK, ACCESSION, "nvda-20240128_htm.xml") == f"{folder}/nvda-20240128_htm.xml"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_name_is_refused(name):
    assert not urls.is_document_name(name)
    with pytest.raises(IngestError, match="document name .* is refused"):
        urls.document(EDGAR, CIK, ACCESSION, name)


@pytest.mark.parametrize("accession", [*HOSTILE, "0001045810-24-00002\uff19", "000104581024000029", ACCESSION + "\n"])
def test_a_hostile_accession_is_refused(accession):
    with pytest.raises(IngestError, match="accession .* is refused"):
        urls.filing_index(EDGAR, CIK, accession)


@pytest.mark.parametrize("cik", ["1045810", "000104581\uff10", "../", "00010458100", "0001045810\n", ""])
def test_a_hostile_cik_is_refused(cik):
    for build in (urls.submissions, urls.company_facts):
        with pytest.raises(IngestError, match="cik .* is refused"):
            build(EDGAR, cik)


@pytest.mark.parametrize(
    "name",
    ["CIK0000320193-submissions-001.json", "CIK0001045810-submissions-1.json", "../CIK0001045810.json", *HOSTILE],
)
def test_a_page_that_is_not_the_companys_is_refused(name):
    with pytest.raises(IngestError, match="submissions page .* is refused"):
        urls.submissions_page(EDGAR, CIK, name)


@given(st.text(max_size=200))
def test_no_name_leaves_the_filings_folder(name):
    try:
        url = urls.document(EDGAR, CIK, ACCESSION, name)
    except IngestError:
        return
    folder, slash, last = url.rpartition("/")
    assert (folder, last) == ("https://www.sec.gov/Archives/edgar/data/1045810/000104581024000029", name)
    assert ".." not in name
    assert name.isascii()


@pytest.mark.parametrize(
    "url",
    [
        "https://www.sec.gov.evil.example/x",
        "https://evil.example/https://www.sec.gov/",
        "http://www.sec.gov/x",
        "file:///etc/passwd",
        "https://www.sec.gov@evil.example/",
        "https://127.0.0.1/",
    ],
)
def test_only_the_two_hosts_are_allowed(url):
    assert not EDGAR.allow(url)
    assert EDGAR.allow("https://www.sec.gov/Archives/x")
    assert EDGAR.allow("https://data.sec.gov/submissions/x")
