"""T23, T24, T25 and a part of T66: EDGAR leaves a filing out, contradicts itself, or says what cannot be yet."""

import csv
import shutil
from datetime import date, timedelta

import dagster as dg
import orjson
import pytest

from ingest.archive import Archive
from ingest.bundle import read_bundle
from ingest.curated.files import curated_dir
from ingest.edgar.client import Client
from ingest.edgar.fetch import fetch
from ingest.parsers.acceptance import with_acceptance
from ingest.replay import replay
from orchestration import assets, checks, fetching
from orchestration.resources import Edgar, Inputs, Warehouse
from support import tiny
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar
from support.replay import ASKED_BY, bundle_before
from support.tiny import CIK, COMPANY, OTHER, Q1, Q2, Q3, Report
from warehouse.store.home import Home
from warehouse.store.load import load_facts, load_filings, load_payloads, loaded_payloads, open_build

LIST, FACTS = tiny.list_path(), tiny.facts_path()
#: Older than what a first fetch asks for: its facts stand in company facts alone.
OLD = Report("0000000042-20-000001", filed="2020-05-28", revenue=80)


@pytest.fixture
def edgar():
    with FakeEdgar(pages=tiny.site([Q1, Q2]) | {FACTS: tiny.company_facts([OLD, Q1, Q2])}) as server:
        yield server


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


@pytest.fixture
def run(edgar, archive, tmp_path):
    clock = VirtualClock()

    def go():
        with Client(ASKED_BY, tmp_path, hosts=edgar.hosts, clock=clock, sleep=clock.sleep) as client:
            return fetch(archive, client, [COMPANY])

    return go


def load(archive, home):
    """What a refresh does with an archive: only payloads not read before are parsed."""
    with open_build(home) as connection:
        found = replay(archive, loaded_payloads(connection))
        load_facts(connection, found.facts, found.payloads)
        load_filings(connection, with_acceptance(found.filings), found.payloads)
        load_payloads(connection, found.payloads)


def rows(home, sql):
    with open_build(home) as connection:
        return connection.execute(sql).fetchall()


def everything(home):
    """All that was loaded of facts, contradictions and filings, without the payload a row was read from."""
    return [
        rows(home, f"select {columns} from raw.{table} order by all")
        for table, columns in (
            ("xbrl_facts", "fact_id, accession, filed_on, value, source_kind"),
            ("fact_conflicts", "fact_id, kept_value, other_value"),
            ("filings", "accession, form, filed_on, known_from"),
        )
    ]


# --- T23: left out ---------------------------------------------------------------------------------------------


def test_t23_a_filing_that_company_facts_lack_is_read_from_its_own_document(edgar, run, archive):
    """Not only the newest one: they have been without a filing for weeks while later ones were there."""
    edgar.pages |= tiny.site([Q1, Q2, Q3]) | {FACTS: tiny.company_facts([Q1, Q3])}
    result = run()
    assert result.is_complete
    assert result.lagging == [Q2.accession]
    of_q2 = [row for row in replay(archive).facts.to_pylist() if row["accession"] == Q2.accession]
    assert [(row["source_kind"], row["value"]) for row in of_q2] == [("xbrl_instance", Q2.revenue)]


# --- T24: said otherwise ---------------------------------------------------------------------------------------

AFTER = tiny.site([Q1, Q2, Q3])
REDATED = Q1._replace(filed="2026-05-20")
REWRITES = {
    "a fact changed": (
        AFTER | {FACTS: tiny.company_facts([OLD._replace(revenue=85), Q1, Q2, Q3])},
        f"1 rows of company facts of CIK {CIK} are gone or changed: {OLD.accession} us-gaap:Revenues USD "
        f"{OLD.start} {OLD.end} was 80 2020-05-28 and is 85 2020-05-28",
    ),
    "a fact back-dated": (
        AFTER | {FACTS: tiny.company_facts([OLD, Q1, Q2, Q3]).replace(b'"2020-05-28"', b'"2020-05-01"')},
        f"{OLD.accession} us-gaap:Revenues USD {OLD.start} {OLD.end} was 80 2020-05-28 and is 80 2020-05-01",
    ),
    "a fact removed": (
        AFTER | {FACTS: tiny.company_facts([Q1, Q2, Q3])},
        f"{OLD.accession} us-gaap:Revenues USD {OLD.start} {OLD.end} was 80 2020-05-28 and is gone",
    ),
    "a filing back-dated": (
        {LIST: tiny.site([REDATED, Q2])[LIST]},
        f"1 rows of the list of filings of CIK {CIK} are gone or changed: {Q1.accession} was 10-Q 2026-05-28 "
        "2026-05-28T16:30:00.000Z and is 10-Q 2026-05-20 2026-05-20T16:30:00.000Z",
    ),
    "a filing removed": (
        {LIST: tiny.site([Q2])[LIST]},
        f"{Q1.accession} was 10-Q 2026-05-28 2026-05-28T16:30:00.000Z and is gone",
    ),
}


@pytest.mark.parametrize(("rewrite", "sentence"), REWRITES.values(), ids=REWRITES)
def test_t24_a_rewrite_is_said_once_and_nothing_that_was_known_is_lost(
    edgar, run, archive, tmp_path, rewrite, sentence
):
    one_by_one, at_once = Home(tmp_path / "one by one"), Home(tmp_path / "at once")
    assert run().contradictions == []
    load(archive, one_by_one)
    facts, _, filings = everything(one_by_one)
    edgar.pages |= rewrite
    result = run()
    assert result.is_complete
    (said,) = result.contradictions
    assert said.ticker == "TINY"
    assert said.reason.startswith("source rewrite: ")
    assert sentence in said.reason
    assert run().contradictions == []
    # Both answers are in the archive; what was known stays as it was known, in whatever order they are read.
    for changed in rewrite.keys() & {LIST, FACTS}:
        assert sum(entry.url.endswith(changed.partition("/")[2]) for entry in archive.entries()) == 2
    load(archive, one_by_one)
    load(archive, at_once)
    assert everything(one_by_one) == everything(at_once)
    facts_now, conflicts, filings_now = everything(at_once)
    assert set(facts) <= set(facts_now)
    assert set(filings) <= set(filings_now)
    assert [(kept, other) for _, kept, other in conflicts] == ([(80, 85)] if "is 85" in sentence else [])


def test_t24_a_change_of_what_is_no_fact_is_none(edgar, run):
    """EDGAR moves `frame` from filing to filing with every new one."""
    run()
    moved = orjson.loads(tiny.company_facts([OLD, Q1, Q2, Q3]))
    moved["facts"]["us-gaap"]["Revenues"]["units"]["USD"][0]["frame"] = "CY2020Q1"
    edgar.pages |= AFTER | {FACTS: orjson.dumps(moved)}
    assert run().contradictions == []


def test_t24_a_row_that_moves_to_an_older_page_is_not_gone(edgar, run):
    edgar.pages[LIST] = tiny.site([Q1, Q2])[LIST]
    run()
    page = f"CIK{CIK}-submissions-001.json"
    older = orjson.loads(tiny.site([Q1])[LIST])["filings"]["recent"]
    recent = orjson.loads(tiny.site([Q2, Q3])[LIST])
    recent["filings"]["files"] = [{"name": page, "filingCount": 1}]
    edgar.pages |= AFTER | {
        FACTS: edgar.pages[FACTS],
        LIST: orjson.dumps(recent),
        f"data.sec.gov/submissions/{page}": orjson.dumps(older),
    }
    result = run()
    assert (result.contradictions, result.new_accessions) == ([], [Q3.accession])


# --- T25: moved ------------------------------------------------------------------------------------------------


def with_tickers(page, *tickers):
    return orjson.dumps(orjson.loads(page) | {"tickers": tickers})


def test_t25_a_ticker_that_moved_is_said_and_the_pinned_cik_is_used(edgar, run):
    """As ExxonMobil's in 2026: the new CIK and the old one do not name each other."""
    there = tiny.site([Report("0000000077-26-000001")], OTHER.cik)
    edgar.pages |= there | {tiny.list_path(OTHER.cik): with_tickers(there[tiny.list_path(OTHER.cik)], "TINY")}
    edgar.pages[LIST] = with_tickers(edgar.pages[LIST], "TINY", "TINYW")
    assert run().contradictions == []
    for tickers, now in (((), "none"), (("OLDT", "TINYW"), "OLDT, TINYW")):
        edgar.pages[LIST] = with_tickers(edgar.pages[LIST], *tickers)
        for _ in range(2):  # for as long as it is so, not only when it changes
            result = run()
            assert result.is_complete
            (said,) = result.contradictions
            assert f"CIK {CIK} (A company) no longer has the ticker TINY, but {now}." in said.reason
            assert "change the CIK in ingest/companies.toml" in said.reason
    edgar.pages |= {**tiny.site([Q1, Q2, Q3]), LIST: with_tickers(tiny.site([Q1, Q2, Q3])[LIST])}
    assert run().new_accessions == [Q3.accession]
    assert edgar.paths(OTHER.cik) == []


# --- what a refresh says of all that ------------------------------------------------------------------------------


@pytest.fixture
def refresh(edgar, tmp_path, monkeypatch):
    """The job's first two steps over a small bundle: check -> what it found, of those that did not pass."""
    monkeypatch.setenv("SEC_USER_AGENT", ASKED_BY)
    monkeypatch.setattr(fetching, "watch_list", lambda: [COMPANY])
    bundle = bundle_before(read_bundle(), date(2011, 1, 1), tmp_path / "bundle")

    def go(curated=""):
        inputs = Inputs(bundle_dir=str(bundle), curated_dir=str(curated))
        live = Edgar(is_live=True, data_host=edgar.hosts.data, www_host=edgar.hosts.www)
        resources = {"warehouse": Warehouse(root=str(tmp_path / "home")), "edgar": live, "inputs": inputs}
        done = dg.materialize([assets.archive, assets.load_raw], resources=resources)
        (step,) = [e for e in done.get_asset_materialization_events() if e.asset_key == checks.ARCHIVE]
        lagging = step.materialization.metadata["read from filings alone"].value
        warned = [c for c in done.get_asset_check_evaluations() if not c.passed]
        return lagging, {c.check_name: c.metadata["found"].value.splitlines() for c in warned}

    return go


def test_t23_t24_t25_a_refresh_says_what_edgar_left_out_and_what_it_contradicts(edgar, refresh):
    assert refresh() == ([], {})
    edgar.pages |= REWRITES["a fact changed"][0] | {FACTS: tiny.company_facts([OLD._replace(revenue=85), Q1, Q2])}
    edgar.pages[LIST] = with_tickers(edgar.pages[LIST])
    lagging, warned = refresh()
    assert lagging == [Q3.accession]
    assert set(warned) == {"edgar_consistent", "no_conflicting_facts"}
    moved, rewritten = warned["edgar_consistent"]
    assert moved.startswith(f"- TINY: CIK {CIK} (A company) no longer has the ticker TINY, but none.")
    assert rewritten.startswith(f"- TINY: source rewrite: 1 rows of company facts of CIK {CIK} are")
    (both,) = warned["no_conflicting_facts"]
    assert both.split() == [
        "-", OLD.accession, "us-gaap:Revenues", str(OLD.end), "is", "80.0000000000", "and", "85.0000000000",
    ]  # fmt: skip
    # The ticker is still said; the two values stand beside each other for good.
    _, warned = refresh()
    assert (warned["edgar_consistent"], warned["no_conflicting_facts"]) == ([moved], [both])


def test_t66_what_is_dated_in_the_future_is_said(edgar, refresh, tmp_path):
    """A filing of tonight is dated the next business day. What is dated later than that shows that EDGAR, a hand or
    the clock of this machine is wrong: the first numbers stay what they are, and the warning stands beside them."""
    today = date.today()
    tonight = Report("0000000042-26-000007", filed=str(today + timedelta(days=assets.DAYS_AHEAD)))
    edgar.pages |= tiny.site([Q1, tonight])
    assert refresh() == ([], {})
    next_year = Report("0000000042-26-000008", filed=str(today + timedelta(days=365)))
    edgar.pages |= tiny.site([Q1, tonight, next_year])
    curated = tmp_path / "curated"
    shutil.copytree(str(curated_dir()), curated)
    with (curated / "funding_rounds.csv").open(newline="", encoding="utf-8") as file:
        header, first, *_ = csv.reader(file)
    later = dict(zip(header, first, strict=True)) | {"known_on": next_year.filed}
    with (curated / "funding_rounds.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow(later.values())
    line = len((curated / "funding_rounds.csv").read_text("utf-8").splitlines())
    _, warned = refresh(curated)
    assert list(warned) == ["nothing_from_the_future"]
    assert warned["nothing_from_the_future"] == [
        f"- {next_year.accession} is dated {next_year.filed}, received on {today}: EDGAR or a clock is wrong",
        f"- funding_rounds.csv, line {line}: known on {next_year.filed}, which is after today",
    ]
