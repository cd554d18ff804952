"""What is fetched: only new periodic filings, the file that holds their facts, company facts once."""

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pyarrow as pa
import pytest

from ingest.archive import Archive
from ingest.edgar.client import Client
from ingest.edgar.fetch import fetch
from ingest.edgar.holdings import Plan, choose_documents, documents_at_hand, pending_filings
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
def clock():
    return VirtualClock()


@pytest.fixture
def run(edgar, archive, tmp_path, clock):
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


def test_an_amendment_may_hold_no_xbrl_and_is_asked_for_again_for_a_month(edgar, run, clock):
    """Part III, exhibits: nobody waits for it, and still EDGAR's first word is not taken for its last."""
    edgar.pages |= tiny.site([Q1, Q2._replace(form="10-K/A")])
    folder = tiny.folder(Q2.accession)
    edgar.pages[f"{folder}/index.json"] = filing_index(CIK, Q2.accession, {"main.htm": "5"})
    result = run()
    assert (result.without_xbrl, result.pending, result.is_complete) == ([Q2.accession], [], True)
    asked = []
    for hours in (0, 2, 24, 24 * 10, 24 * 40):
        clock.now += 3600 * hours
        asked.append(run().requests_sent)
    assert asked == [1, 2, 2, 2, 1]
    assert edgar.log[-2].headers.get("If-None-Match")


# What is pending -----------------------------------------------------------------------------------


def pending(archive, **options):
    return {row["accession"]: row["reason"] for row in pending_filings(archive, [COMPANY], **options).to_pylist()}


def serve_first_index(edgar, report=Q2, names=("main.htm",)):
    """The filing's index as of the first minutes; returns the one of later."""
    path = f"{tiny.folder(report.accession)}/index.json"
    later = edgar.pages[path]
    edgar.pages[path] = filing_index(CIK, report.accession, dict.fromkeys(names, "2000"))
    return {path: later}


@pytest.mark.parametrize("form", ["10-Q", "10-K", "10-KT", "20-F"])
def test_an_index_without_xbrl_is_asked_again_until_the_report_is_there(edgar, run, archive, form):
    edgar.pages |= tiny.site([Q1, Q2._replace(form=form)])
    later = serve_first_index(edgar)
    assert pending(archive) == {}  # nothing was ever listed
    first = run()
    assert (first.is_complete, first.without_xbrl) == (False, [])
    (problem,) = first.pending
    assert (problem.ticker, problem.accession) == ("TINY", Q2.accession)
    assert f"no XBRL as yet, which every {form} filed since" in problem.reason
    assert pending(archive) == {Q2.accession: problem.reason}
    # Unchanged: one request for the list, and a conditional one for the index.
    again = run()
    assert [p.reason for p in again.pending] == [problem.reason]
    assert again.requests_sent == 2
    assert edgar.log[-1].headers.get("If-None-Match")
    edgar.pages |= later
    assert run().new_accessions == [Q2.accession]
    assert pending(archive) == {}
    assert run().requests_sent == 1


def test_what_fetch_does_not_take_for_done_is_what_is_pending(edgar, run, archive):
    """Whatever is wrong: index or document not to be had, cut, of another filing, damaged on disk."""
    edgar.pages |= tiny.site([Q1, Q2, Q3])
    run()
    assert pending(archive) == {}
    for kind in ("filing_index", "xbrl_instance"):
        entry = next(e for e in archive.entries() if e.kind == kind and e.accession == Q2.accession)
        (archive.root / entry.sha256[:2] / entry.sha256).write_bytes(b"damaged")
        assert list(pending(archive)) == [Q2.accession]
        assert pending(archive, known_accessions={Q2.accession}) == {}
        edgar.fault(tiny.folder(Q2.accession), fake_edgar.status(500), times=4)
        assert [p.accession for p in run().failed] == [Q2.accession]
        assert list(pending(archive)) == [Q2.accession]
        run()
        assert pending(archive) == {}
    assert pending(archive, since={CIK: date(2027, 1, 1)}) == {}


def test_a_filing_that_a_full_history_began_is_completed_by_any_fetch(edgar, run, archive):
    old = Report("0000000042-12-000001", filed="2012-05-28")
    edgar.pages |= tiny.site([old, Q1, Q2])
    edgar.fault(old.document, fake_edgar.status(500), times=4)
    run(full_history=True)
    assert pending(archive) == {old.accession: f"{old.document} is not archived yet"}
    assert run().new_accessions == [old.accession]


def test_an_extract_that_appears_later_is_fetched_though_the_inline_document_is_there(edgar, run, clock, archive):
    edgar.pages = tiny.site([Q2._replace(inline=True)])
    assert run().is_complete
    assert pending(archive) == {}
    edgar.pages |= {path: body for path, body in tiny.site([Q2]).items() if "Archives" in path}
    assert run().requests_sent == 1  # within the hour it is not asked for again
    clock.now += 3600
    result = run()
    assert [e.url.rpartition("/")[2] for e in result.fetched] == ["index.json", Q2.document]
    clock.now += 3600
    assert run().requests_sent == 1


def inline_set(edgar, *names):
    """Q2 as several inline documents, without an extract; `other.htm` is none."""
    folder = tiny.folder(Q2.accession)
    sizes = {name: str(9000 - at) for at, name in enumerate(names)} | {"tiny-20260728.xsd": "10", "R1.htm": "5"}
    edgar.pages[f"{folder}/index.json"] = filing_index(CIK, Q2.accession, sizes)
    for name in names:
        is_inline = not name.startswith("other")
        edgar.pages[f"{folder}/{name}"] = tiny.inline(Q2) if is_inline else b"<html><body>no facts</body></html>"
        edgar.pages[f"{folder}/{name}"] += f"<!-- {name} -->".encode()


def test_a_set_of_several_inline_documents_is_named_as_not_complete(edgar, run, archive, clock):
    later = {f"{tiny.folder(Q2.accession)}/index.json": edgar.pages[f"{tiny.folder(Q2.accession)}/index.json"]}
    inline_set(edgar, "main.htm", "ex13.htm", "other.htm")
    result = run()
    assert sorted(e.url.rpartition("/")[2] for e in result.fetched if e.kind == "inline_xbrl") == [
        "ex13.htm",
        "main.htm",
    ]
    assert "its facts stand in 2 inline documents (main.htm, ex13.htm)" in pending(archive)[Q2.accession]
    assert run().requests_sent == 2  # its index; the pages are not read again
    edgar.pages |= later
    run()
    assert pending(archive) == {}


@pytest.mark.parametrize("broken", ["ex13.htm", "other.htm"])
def test_a_page_of_a_set_that_cannot_be_had_is_not_taken_for_none(edgar, run, archive, broken):
    inline_set(edgar, "main.htm", "ex13.htm", "other.htm")
    edgar.fault(broken, fake_edgar.status(500), times=4)
    assert [p.accession for p in run().failed] == [Q2.accession]
    assert Q2.accession in pending(archive)
    run()
    assert "2 inline documents" in pending(archive)[Q2.accession]


def test_one_document_of_a_set_that_is_damaged_is_fetched_again(edgar, run, archive):
    inline_set(edgar, "main.htm", "ex13.htm")
    run()
    entry = next(e for e in archive.entries() if e.url.endswith("ex13.htm"))
    (archive.root / entry.sha256[:2] / entry.sha256).write_bytes(b"damaged")
    assert "ex13.htm is not read yet" in pending(archive)[Q2.accession]
    run()
    assert archive.is_intact(entry.sha256)


def test_a_page_that_is_listed_and_not_there_holds_nothing(edgar, run, archive):
    inline_set(edgar, "main.htm", "other.htm")
    del edgar.pages[f"{tiny.folder(Q2.accession)}/other.htm"]
    assert run().is_complete
    assert pending(archive) == {}


def test_odd_items_of_an_index_name_no_file_and_hide_none():
    whole = orjson.loads(filing_index(CIK, ACCESSION, {"t-20240128_htm.xml": "9", "main.htm": "x" * 5000}))
    whole["directory"]["item"] += [{}, None, "x", {"name": None}, {"name": 7}, {"name": "../x_htm.xml"}]
    found = choose_documents(orjson.dumps(whole), CIK, ACCESSION, None)
    assert found == Plan(("t-20240128_htm.xml",), ())


def test_an_archived_index_that_cannot_be_read_is_fetched_again(edgar, run, archive):
    """Archived by a version that took it for one: it must not keep the filing away for good."""
    url = f"{edgar.hosts.www}/{tiny.folder(Q2.accession).removeprefix('www.sec.gov/')}/index.json"
    about = dict(cik=CIK, accession=Q2.accession, form="10-Q", filed_on=Q2.filed)
    archive.put(b'{"directory": {}}', url, kind="filing_index", retrieved_at=datetime(2026, 9, 1, tzinfo=UTC), **about)
    assert run().new_accessions == [Q1.accession, Q2.accession]


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
