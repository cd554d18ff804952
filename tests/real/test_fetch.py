"""Fetch and replay real payloads through a local EDGAR that serves them under EDGAR's own paths."""

from datetime import date
from decimal import Decimal

import pyarrow.compute as pc
import pytest

from ingest.archive import Archive
from ingest.companies import watch_list
from ingest.edgar.client import Client
from ingest.edgar.fetch import fetch
from ingest.replay import replay
from support import fake_edgar
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar

DATA_CENTER = "srt:ProductOrServiceAxis=nvda:DataCenterMember"
COMPANIES = {company.ticker: company for company in watch_list()}
SOME = [COMPANIES[ticker] for ticker in ("NVDA", "AAPL", "MSFT")]


@pytest.fixture
def edgar(shared):
    with FakeEdgar(root=shared / "edgar") as server:
        yield server


@pytest.fixture
def world(edgar, tmp_path):
    """(archive, fetch): the fetch runs on a virtual clock against the local EDGAR."""
    archive, clock = Archive(tmp_path / "archive"), VirtualClock()

    def run(companies=SOME, **options):
        with Client("Test test@example.org", tmp_path, hosts=edgar.hosts, clock=clock, sleep=clock.sleep) as client:
            return fetch(archive, client, companies, **options)

    return archive, run


@pytest.fixture(scope="module")
def twice(shared, tmp_path_factory):
    """(archive, first result, second result, requests of the second run) of fetching all history twice."""
    root, clock = tmp_path_factory.mktemp("twice"), VirtualClock()
    archive = Archive(root / "archive")
    with FakeEdgar(root=shared / "edgar") as edgar:
        results = []
        for _ in range(2):
            with Client("Test test@example.org", root, hosts=edgar.hosts, clock=clock, sleep=clock.sleep) as client:
                results.append(fetch(archive, client, SOME, full_history=True))
        return archive, *results, edgar.paths()[results[0].requests_sent :]


def test_filings_are_fetched_archived_and_replayed(twice):
    archive, result, *_ = twice
    assert (result.quarantined, result.failed, result.stopped) == ([], [], None)
    assert len(result.new_accessions) == 22 + 18 + 4
    records = replay(archive)
    assert set(records.payloads["status"].to_pylist()) == {"parsed", "kept"}
    assert set(records.facts["accession"].to_pylist()) >= set(result.new_accessions)
    center = {}
    of_segment = records.facts.filter(pc.equal(records.facts["dimensions"], DATA_CENTER))
    for row in of_segment.to_pylist():
        if "Revenue" in row["concept"] and 70 < (row["period_end"] - row["period_start"]).days < 120:
            center.setdefault(row["period_end"], set()).add(row["value"])
    assert center[date(2025, 7, 27)] == {Decimal(41_096_000_000)}
    assert center[date(2023, 7, 30)] == {Decimal(10_323_000_000)}
    assert center[date(2020, 4, 26)] == {Decimal(1_141_000_000)}
    # All discrete quarters that 10-Qs report; the fourth quarters exist only as a difference.
    assert sum(date(2020, 4, 1) < end < date(2025, 9, 1) for end in center) == 17


def test_a_second_run_sends_one_request_per_company_and_finds_nothing_new(twice):
    archive, _, second, paths = twice
    assert paths == [f"data.sec.gov/submissions/CIK{company.cik}.json" for company in SOME]
    assert second.requests_sent == len(SOME)
    assert (second.fetched, second.unchanged) == ([], ["NVDA", "AAPL", "MSFT"])
    assert replay(archive, {entry.sha256 for entry in archive.entries()}).facts.num_rows == 0


def test_the_extracted_instance_is_preferred_and_the_older_instance_found(twice):
    names = {e.accession: e.url.rpartition("/")[2] for e in twice[1].fetched if "xbrl" in e.kind}
    assert names["0001045810-24-000029"] == "nvda-20240128_htm.xml"
    assert names["0000320193-23-000106"] == "aapl-20230930_htm.xml"
    assert names["0001193125-15-350718"] == "msft-20150930.xml"
    assert names["0001045810-25-000209"] == "nvda-20250727.htm"


def test_time_passes_and_each_filing_is_fetched_on_its_day(edgar, world):
    archive, run = world
    nvidia = [COMPANIES["NVDA"]]
    loaded = set()
    for day, accession, value in (
        (date(2025, 2, 26), "0001045810-25-000023", None),
        (date(2025, 5, 28), "0001045810-25-000116", 39_112_000_000),
        (date(2025, 8, 27), "0001045810-25-000209", 41_096_000_000),
    ):
        edgar.today = day
        since = {nvidia[0].cik: date(2025, 2, 1)}
        result = run(nvidia, since=since)
        assert result.new_accessions == [accession]
        assert result.is_complete
        records = replay(archive, loaded)
        loaded |= set(records.payloads["sha256"].to_pylist())
        assert max(row["filed_on"] for row in records.facts.to_pylist()) == day
        values = {r["value"] for r in records.facts.to_pylist() if r["dimensions"] == DATA_CENTER}
        assert value is None or value in values
        edgar.today = date.fromordinal(day.toordinal() + 1)
        assert run(nvidia, since=since).new_accessions == []


def test_what_the_bundle_holds_is_not_fetched_again(edgar, world):
    _, run = world
    known = {"0001045810-25-000116", "0001045810-25-000209"}
    result = run([COMPANIES["NVDA"]], known_accessions=known, since={COMPANIES["NVDA"].cik: date(2025, 2, 1)})
    assert result.new_accessions == ["0001045810-25-000023"]


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        ("faults/403-request-rate-threshold-exceeded.html", "request rate was exceeded"),
        ("faults/403-undeclared-automated-tool.html", "undeclared automated tool"),
    ],
)
@pytest.mark.parametrize("code", [403, 200])
def test_real_refusal_pages_stop_the_run(edgar, world, shared, page, outcome, code):
    _, run = world
    edgar.fault("submissions", fake_edgar.status(code, (shared / "edgar" / page).read_bytes()))
    result = run()
    assert outcome in result.stopped
    assert len(edgar.log) == 1


@pytest.mark.parametrize("name", ["403-www.sec.gov-01.xml", "404-data.sec.gov-01.xml"])
def test_real_answers_for_missing_objects_fail_one_filing_only(edgar, world, shared, name):
    _, run = world
    body = (shared / "edgar/faults/http" / name).read_bytes()
    edgar.fault("000104581025000209/index.json", fake_edgar.status(int(name[:3]), body))
    result = run([COMPANIES["NVDA"]])
    assert [(p.accession, p.ticker) for p in result.failed] == [("0001045810-25-000209", "NVDA")]
    assert "holds no such document" in result.failed[0].reason
    assert result.new_accessions


def test_real_error_pages_posing_as_filings_are_refused(edgar, world, shared):
    _, run = world
    (shared_page,) = (shared / "edgar/faults/404-nosuchkey-saved-as-filing").glob("nvidia*")
    edgar.fault("nvda-20250727.htm", fake_edgar.answer(shared_page.read_bytes()), times=4)
    result = run([COMPANIES["NVDA"]])
    assert [problem.accession for problem in result.failed + result.quarantined] == ["0001045810-25-000209"]
    assert run([COMPANIES["NVDA"]]).new_accessions == ["0001045810-25-000209"]
