"""What is fetched: only new periodic filings, the file that holds their facts, company facts once."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from ingest.archive import Archive
from ingest.edgar.client import Client
from ingest.edgar.fetch import Plan, choose_documents, documents_at_hand, fetch
from ingest.records import FACTS, PayloadError
from ingest.replay import replay
from support import fake_edgar, tiny
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar, filing_index
from support.tiny import CIK, COMPANY, OTHER, Q1, Q2, Q3, Report

ACCESSION = Q2.accession


@pytest.fixture
def edgar():
    with FakeEdgar(pages=tiny.site([Q1, Q2])) as server:
        yield server


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


@pytest.fixture
def run(edgar, archive, tmp_path):
    clock = VirtualClock()

    def go(companies=(COMPANY,), **options):
        with Client("Test test@example.org", tmp_path, hosts=edgar.hosts, clock=clock, sleep=clock.sleep) as client:
            return fetch(archive, client, companies, **options)

    return go


def plan(*names, primary="main.htm", sizes=None):
    listed = {name: (sizes or {}).get(name, "100") for name in names}
    return choose_documents(filing_index(CIK, ACCESSION, listed), CIK, ACCESSION, primary)


# Which file ----------------------------------------------------------------------------------------


def test_the_extracted_instance_is_read_where_there_is_one():
    names = ("main.htm", "t-20240128.xsd", "t-20240128_lab.xml", "t-20240128_htm.xml", "FilingSummary.xml", "R1.htm")
    assert plan(*names) == Plan(("t-20240128_htm.xml",), ())


def test_an_older_filing_carries_its_own_instance():
    parts = [f"msft-20150930{part}" for part in (".xml", ".xsd", "_cal.xml", "_def.xml", "_lab.xml", "_pre.xml")]
    assert plan("main.htm", "FilingSummary.xml", "R1.xml", *parts) == Plan(("msft-20150930.xml",), ())


def test_without_an_instance_the_main_document_is_tried_first_then_the_others_by_size():
    sizes = {"main.htm": "10", "ex13.htm": "900", "ex21.htm": "50", "R1.htm": "9999"}
    names = (*sizes, "t-20231231.xsd", "0000000042-26-000002-index.html", "0000000042-26-000002-index-headers.html")
    assert plan(*names, sizes=sizes) == Plan((), ("main.htm", "ex13.htm", "ex21.htm"))


def test_a_filing_without_a_schema_holds_no_xbrl():
    assert plan("main.htm", "FilingSummary.xml").is_empty


def test_an_index_may_hold_a_single_item_and_empty_sizes():
    assert plan("main.htm", "a.xsd", sizes={"main.htm": "", "a.xsd": ""}) == Plan((), ("main.htm",))
    lone = b'{"directory": {"name": "/x/42/000000004226000002/", "item": {"name": "a-20240128.xml"}}}'
    assert choose_documents(lone, CIK, ACCESSION, None) == Plan(("a-20240128.xml",), ())


@pytest.mark.parametrize(
    "index", [b"{", b"[]", b"{}", b'{"directory": {}}', b'{"directory": {"item": [{}], "name": ""}}']
)
def test_an_index_that_cannot_be_read_is_refused(index):
    with pytest.raises(PayloadError, match=f"the index of {ACCESSION} cannot be read"):
        choose_documents(index, CIK, ACCESSION, None)


def test_facts_in_an_exhibit_are_found(edgar, run, archive):
    """As in IBM's 10-Ks: the main document is no inline XBRL, an exhibit is."""
    folder = tiny.folder(Q2.accession)
    names = {"main.htm": "5000", "ex13.htm": "4000", "tiny-20260728.xsd": "10"}
    edgar.pages[f"{folder}/index.json"] = filing_index(CIK, Q2.accession, names)
    edgar.pages[f"{folder}/main.htm"] = b"<html><body>See exhibit 13.</body></html>"
    edgar.pages[f"{folder}/ex13.htm"] = tiny.inline(Q2)
    result = run()
    assert result.is_complete
    assert [e.url.rpartition("/")[2] for e in result.fetched if e.kind == "inline_xbrl"] == ["ex13.htm"]
    assert run().unchanged == ["TINY"]


def test_a_schema_without_facts_anywhere_is_reported(edgar, run):
    folder = tiny.folder(Q2.accession)
    edgar.pages[f"{folder}/index.json"] = filing_index(CIK, Q2.accession, {"main.htm": "5", "t.xsd": "5"})
    edgar.pages[f"{folder}/main.htm"] = b"<html></html>"
    (problem,) = run().quarantined
    assert problem.accession == Q2.accession
    assert "none of main.htm holds inline XBRL" in problem.reason


def test_a_filing_without_xbrl_is_noted_once(edgar, run):
    folder = tiny.folder(Q1.accession)
    edgar.pages[f"{folder}/index.json"] = filing_index(CIK, Q1.accession, {"main.htm": "5"})
    result = run()
    assert result.without_xbrl == [Q1.accession]
    assert result.new_accessions == [Q2.accession]
    assert run().requests_sent == 1


# What is new ---------------------------------------------------------------------------------------


def test_a_first_run_archives_list_indexes_documents_and_company_facts(edgar, run, archive):
    result = run()
    assert result.is_complete
    kinds = ["submissions", "filing_index", "xbrl_instance", "filing_index", "xbrl_instance", "companyfacts"]
    assert [entry.kind for entry in result.fetched] == kinds
    assert result.requests_sent == 6
    assert result.new_accessions == [Q1.accession, Q2.accession]
    document = result.fetched[-2]
    assert (document.accession, document.form, document.filed_on) == (Q2.accession, "10-Q", Q2.filed)
    assert {archive.get(entry.sha256) for entry in archive.entries()} == set(edgar.pages.values())


def test_a_second_run_sends_one_request_and_changes_nothing(run, archive):
    run()
    before = {path: path.read_bytes() for path in archive.root.rglob("*") if path.is_file()}
    result = run()
    assert (result.requests_sent, result.fetched, result.unchanged) == (1, [], ["TINY"])
    assert before == {path: path.read_bytes() for path in archive.root.rglob("*") if path.is_file()}


def test_only_the_new_filing_is_fetched(edgar, run):
    run()
    edgar.pages |= tiny.site([Q1, Q2, Q3])
    result = run()
    assert result.new_accessions == [Q3.accession]
    assert result.requests_sent == 4


def test_what_ships_is_not_fetched_again(edgar, run):
    facts = FACTS.empty_table().to_pylist()
    row = dict.fromkeys(FACTS.names) | {"cik": CIK, "value": Decimal(1)}
    facts.append(row | {"accession": Q1.accession, "filed_on": date(2026, 5, 28), "source_kind": "inline_xbrl"})
    facts.append(row | {"accession": Q3.accession, "filed_on": date(2026, 11, 19), "source_kind": "companyfacts"})
    known, since = documents_at_hand(pa.Table.from_pylist(facts, FACTS))
    assert (known, since) == ({Q1.accession}, {CIK: date(2026, 5, 28)})
    edgar.pages |= tiny.site([Report("0000000042-25-000001", filed="2025-05-28"), Q1, Q2, Q3])
    assert run(known_accessions=known, since=since).new_accessions == [Q2.accession, Q3.accession]


def test_without_a_day_the_newest_year_is_fetched_and_with_full_history_all(edgar, run):
    old = Report("0000000042-12-000001", filed="2012-05-28")
    edgar.pages |= tiny.site([old, Q1, Q2])
    assert run().new_accessions == [Q1.accession, Q2.accession]
    assert run(full_history=True).new_accessions == [old.accession]


@pytest.mark.parametrize(
    ("form", "wanted"),
    [("10-K", 1), ("10-K/A", 1), ("10-KT", 1), ("20-F", 1), ("20-F/A", 1), ("8-K", 0), ("4", 0), ("424B5", 0), ("", 0)],
)
def test_only_periodic_reports_are_fetched(edgar, run, form, wanted):
    edgar.pages = tiny.site([Q2._replace(form=form)])
    assert len(run().new_accessions) == wanted


def test_company_facts_are_fetched_once_for_all_new_filings(edgar, run):
    edgar.pages = tiny.site([Q1, Q2, Q3])
    run()
    assert len(edgar.paths("companyfacts")) == 1


def test_company_facts_that_failed_are_fetched_by_the_next_run(edgar, run):
    edgar.fault("companyfacts", fake_edgar.status(404))
    assert run().new_accessions == [Q1.accession, Q2.accession]
    result = run()
    assert [entry.kind for entry in result.fetched] == ["companyfacts"]
    assert run().requests_sent == 1


def test_a_run_killed_between_index_and_document_is_completed_by_the_next(edgar, run, archive):
    run()
    gone = next(entry for entry in archive.entries() if entry.kind == "xbrl_instance")
    for path in (archive.root / gone.sha256[:2]).glob(f"{gone.sha256}*"):
        path.unlink()
    assert run().new_accessions == [gone.accession]


def test_a_damaged_document_is_fetched_again(run, archive):  # T48
    run()
    entry = next(entry for entry in archive.entries() if entry.kind == "xbrl_instance")
    (archive.root / entry.sha256[:2] / entry.sha256).write_bytes(b"<xbrl/>")
    run()
    assert archive.is_intact(entry.sha256)


def test_an_inline_document_is_taken_where_no_instance_is_listed(edgar, run):
    edgar.pages = tiny.site([Q2._replace(inline=True)])
    result = run()
    assert [entry.kind for entry in result.fetched][-2:] == ["inline_xbrl", "companyfacts"]


def test_progress_tells_one_line_per_filing(edgar, run):
    edgar.pages |= tiny.site([Q3], OTHER.cik)
    lines = []
    run([COMPANY, OTHER], on_progress=lines.append)
    assert [(p.ticker, p.done, p.total) for p in lines] == [("TINY", 0, 2), ("TINY", 0, 2), ("OTHR", 1, 2)]
    assert lines[1].text == f"10-Q filed {Q2.filed} ({Q2.accession})"
    lines.clear()
    run(on_progress=lines.append)
    assert [p.text for p in lines] == ["nothing new"]


def test_a_company_without_reports_has_nothing_new(edgar, run):
    edgar.pages = tiny.site([])
    result = run()
    assert result.is_complete
    assert [entry.kind for entry in result.fetched] == ["submissions"]


def test_two_runs_give_the_same_records_as_one(edgar, run, archive, tmp_path):
    run()
    edgar.pages |= tiny.site([Q1, Q2, Q3])
    run()
    other = Archive(tmp_path / "other")
    clock = VirtualClock(now=1_700_000_000.0)
    with Client("Test test@example.org", tmp_path, hosts=edgar.hosts, clock=clock, sleep=clock.sleep) as client:
        fetch(other, client, [COMPANY])
    once, twice = replay(other), replay(archive)
    keys = [name for name in FACTS.names if name != "sha256"]
    rows = {tuple(row[k] for k in keys) for row in once.facts.to_pylist()}
    assert rows == {tuple(row[k] for k in keys) for row in twice.facts.to_pylist()}
