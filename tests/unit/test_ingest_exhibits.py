"""Which 8-Ks and which of their documents are kept, against an EDGAR on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from ingest.archive import Archive
from ingest.companies import Company
from ingest.edgar import urls
from ingest.edgar.client import Client
from ingest.edgar.exhibits import Typed, documents, earnings_reports, exhibits_of, fetch_exhibits
from ingest.edgar.fetch import fetch
from ingest.records import PayloadError
from support.fake_edgar import FakeEdgar, rate_page, status

CIK, ACCESSION, LETTER, OTHER = "0000000042", "0000000042-26-000007", "0000000042-26-000003", "0000000042-26-000005"
COMPANY = Company("EXM", CIK, "Example", "reference", 12, (), reads_exhibits=True)
FOLDER = "www.sec.gov/Archives/edgar/data/42"


def listing(*filings: tuple[str, str, str, str]) -> bytes:
    """Submissions of (accession, form, day, items)."""
    names = ("accessionNumber", "form", "filingDate", "items")
    recent = {name: list(column) for name, column in zip(names, zip(*filings, strict=True), strict=True)}
    count = len(filings)
    recent |= {"acceptanceDateTime": [""] * count, "reportDate": [""] * count, "primaryDocument": ["a.htm"] * count}
    return orjson.dumps({"cik": CIK, "name": "Example", "filings": {"recent": recent, "files": []}})


def index(accession: str, *rows: tuple[str, str]) -> bytes:
    """A page like EDGAR's, of (type, file name)."""
    folder = f"/Archives/edgar/data/42/{accession.replace('-', '')}"
    cells = "".join(
        f'<tr class="evenRow"><td scope="row">{i}</td><td></td><td><a href="{folder}/{name}">{name}</a> &nbsp;</td>'
        f"<td scope='row'>{kind}</td><td>100</td></tr>"
        for i, (kind, name) in enumerate(rows, 1)
    )
    return f"<html><body><table><tr><th>Seq</th></tr>{cells}</table></body></html>".encode()


def page(text: str) -> bytes:
    return f"<html><body><p>{text}</p></body></html>".encode()


def where(accession: str, name: str) -> str:
    return f"{FOLDER}/{accession.replace('-', '')}/{name}"


def edgar_with(**more: bytes) -> dict[str, bytes]:
    return {
        f"data.sec.gov/submissions/CIK{CIK}.json": listing(
            (ACCESSION, "8-K", "2026-07-30", "2.02,9.01"),
            (OTHER, "8-K", "2026-06-01", "5.02"),
            (LETTER, "8-K", "2026-04-09", "7.01, 9.01"),
            ("0000000042-24-000001", "8-K", "2024-01-30", "2.02"),
        ),
        where(ACCESSION, f"{ACCESSION}-index.html"): index(
            ACCESSION,
            ("8-K", "exm-20260730.htm"),
            ("EX-99.1", "q2pr.htm"),
            ("EX-99.2", "cfo.htm"),
            ("EX-10.1", "exhibit991-lookalike.htm"),
            ("EX-99.3", "slides.pdf"),
            ("GRAPHIC", "logo.jpg"),
        ),
        where(ACCESSION, "q2pr.htm"): page("AI revenue was $2 billion."),
        where(ACCESSION, "cfo.htm"): page("More."),
        where(LETTER, f"{LETTER}-index.html"): index(LETTER, ("8-K", "a.htm"), ("EX-99", "letter.htm")),
        where(LETTER, "letter.htm"): page("Dear shareholders."),
    } | more


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def run(edgar: FakeEdgar, archive: Archive, company: Company = COMPANY):
    with Client("Test test@example.org", archive.root, hosts=edgar.hosts, sleep=lambda _: None) as client:
        fetch(archive, client, [company])
        return fetch_exhibits(archive, client, [company])


def names(archive: Archive, kind: str = "exhibit") -> list[str]:
    return [entry.url.rpartition("/")[2] for entry in archive.entries() if entry.kind == kind]


def test_exhibits_are_chosen_by_type(archive):
    with FakeEdgar(pages=edgar_with()) as edgar:
        result = run(edgar, archive)
        assert not result.failed
        assert sorted(names(archive)) == ["cfo.htm", "letter.htm", "q2pr.htm"]
        assert not edgar.paths("lookalike|slides|exm-2026|000000004226000005|000000004224000001")
        entry = next(e for e in archive.entries() if e.url.endswith("q2pr.htm"))
        assert (entry.cik, entry.accession, entry.form, entry.filed_on) == (CIK, ACCESSION, "8-K", "2026-07-30")

        asked = len(edgar.paths("Archives"))
        assert run(edgar, archive).fetched == []
        assert len(edgar.paths("Archives")) == asked  # nothing is asked twice


def test_a_company_that_states_nothing_is_not_asked(archive):
    with FakeEdgar(pages=edgar_with()) as edgar:
        assert run(edgar, archive, replace(COMPANY, reads_exhibits=False)).fetched == []
        assert not edgar.paths("Archives")


def test_what_is_missing_is_named_and_asked_for_again(archive):
    with FakeEdgar(pages=edgar_with()) as edgar:
        edgar.fault("q2pr.htm", status(404))
        result = run(edgar, archive)
        assert [(ticker, accession) for ticker, accession, _ in result.failed] == [("EXM", ACCESSION)]
        assert "holds no such document" in result.failed[0][2]
        assert names(archive) == ["letter.htm"]
        assert not run(edgar, archive).failed
        assert sorted(names(archive)) == ["cfo.htm", "letter.htm", "q2pr.htm"]


def test_a_refusal_stops_all(archive):
    with FakeEdgar(pages=edgar_with()) as edgar:
        edgar.fault("letter.htm", rate_page())
        result = run(edgar, archive)
        assert result.stopped
        assert "request rate" in result.stopped
        assert not edgar.paths("q2pr")


def test_a_damaged_copy_is_fetched_again(archive):
    with FakeEdgar(pages=edgar_with()) as edgar:
        run(edgar, archive)
        entry = next(e for e in archive.entries() if e.url.endswith("q2pr.htm"))
        (archive.root / entry.sha256[:2] / entry.sha256).write_bytes(b"other")
        assert [e.url.rpartition("/")[2] for e in run(edgar, archive).fetched] == ["q2pr.htm"]


def test_an_error_page_is_not_kept(archive):
    pages = edgar_with(**{where(ACCESSION, "q2pr.htm"): b"<html><body>Undeclared Automated Tool of ours</body></html>"})
    with FakeEdgar(pages=pages) as edgar:
        result = run(edgar, archive)
        assert result.failed
        assert "q2pr.htm" not in names(archive)


def test_a_list_without_items_gives_every_8_k():
    found = earnings_reports(listing((ACCESSION, "8-K", "2026-07-30", ""), (OTHER, "10-Q", "2026-07-31", "")))
    assert [report.accession for report in found] == [ACCESSION]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"filings":{"recent":{"accessionNumber":["x"]}}}', b'{"filings":3,"accessionNumber":1}']
)
def test_a_list_that_is_none(body):
    with pytest.raises(PayloadError):
        earnings_reports(body)


def test_an_index_that_is_none():
    with pytest.raises(PayloadError, match="another submission"):
        documents(index(OTHER, ("8-K", "a.htm")), ACCESSION)
    with pytest.raises(PayloadError, match="lists no documents"):
        documents(f"<html>{ACCESSION}</html>".encode(), ACCESSION)


def test_names_that_could_leave_the_folder_are_left_alone():
    listed = [
        Typed("EX-99.1", "../a.htm"),
        Typed("EX-99.1", "a b.htm"),
        Typed("EX-99.01", "ok.htm"),
        Typed("EX-990", "n.htm"),
    ]
    assert exhibits_of(listed) == ["ok.htm"]


def test_the_address():
    assert urls.submission_index(urls.EDGAR, CIK, ACCESSION) == (
        "https://www.sec.gov/Archives/edgar/data/42/000000004226000007/0000000042-26-000007-index.html"
    )
