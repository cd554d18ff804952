"""What a refresh says of filings whose facts are still to come, and of an archive that was edited."""

import json
from datetime import UTC, date, datetime

import dagster as dg
import duckdb
import pytest

from ingest.archive import Archive
from ingest.bundle import read_bundle
from orchestration import assets, checks, fetching
from orchestration.resources import Edgar, Inputs, Warehouse
from support import fake_edgar, tiny
from support.fake_edgar import FakeEdgar, filing_index
from support.replay import ASKED_BY, bundle_before
from support.tiny import CIK, COMPANY, Q1, Q2
from warehouse.store.decisions import decide
from warehouse.store.home import Home

INDEX = f"{tiny.folder(Q2.accession)}/index.json"


@pytest.fixture
def edgar():
    with FakeEdgar(pages=tiny.site([Q1, Q2])) as server:
        yield server


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def refresh(edgar, home, tmp_path, monkeypatch):
    """The job's first two steps over a small bundle: check -> what it found, of those that did not pass."""
    monkeypatch.setenv("SEC_USER_AGENT", ASKED_BY)
    for module in (fetching, assets):
        monkeypatch.setattr(module, "watch_list", lambda: (COMPANY,))
    bundle = bundle_before(read_bundle(), date(2011, 1, 1), tmp_path / "bundle")

    def go(is_live=True):
        live = Edgar(is_live=is_live, data_host=edgar.hosts.data, www_host=edgar.hosts.www)
        resources = {
            "warehouse": Warehouse(root=str(home.root)),
            "edgar": live,
            "inputs": Inputs(bundle_dir=str(bundle)),
        }
        done = dg.materialize([assets.archive, assets.load_raw], resources=resources)
        warned = [c for c in done.get_asset_check_evaluations() if not c.passed]
        return {c.check_name: c.metadata["found"].value.splitlines() for c in warned}

    return go


def pending(home):
    with duckdb.connect(str(home.build), read_only=True) as connection:
        return connection.execute("select cik, accession, form, filed_on, reason from raw.pending_filings").fetchall()


def revenue(home):
    with duckdb.connect(str(home.build), read_only=True) as connection:
        return connection.execute(f"select value from raw.xbrl_facts where accession = '{Q2.accession}'").fetchall()


def test_a_pending_filing_is_named_by_the_checks_until_it_is_there(edgar, home, refresh):
    later = edgar.pages[INDEX]
    edgar.pages[INDEX] = filing_index(CIK, Q2.accession, {f"{Q2.stem}.htm": "2000"})
    edgar.pages[tiny.facts_path()] = tiny.company_facts([Q1])
    for is_live in (True, False, True):
        found = refresh(is_live)
        (line,) = found["nothing_pending"]
        assert line.startswith(f"- TINY 10-Q filed {Q2.filed} {Q2.accession}: its index lists no XBRL as yet")
        assert (checks.EDGAR_ANSWERED.name in found) == is_live
        ((cik, accession, form, filed_on, reason),) = pending(home)
        assert (cik, accession, form, str(filed_on)) == (CIK, Q2.accession, "10-Q", Q2.filed)
        assert reason in line
    assert revenue(home) == []
    edgar.pages |= {INDEX: later}
    assert refresh() == {}
    assert (pending(home), revenue(home)) == ([], [(120,)])


def test_a_filing_that_cannot_be_had_is_pending_too(edgar, home, refresh):
    edgar.fault(tiny.folder(Q2.accession), fake_edgar.status(404), times=99)
    assert refresh()["nothing_pending"] == [
        f"- TINY 10-Q filed {Q2.filed} {Q2.accession}: its index is not archived yet"
    ]


def test_a_rejected_filing_is_no_longer_waited_for(edgar, home, refresh):
    edgar.pages[INDEX] = filing_index(CIK, Q2.accession, {f"{Q2.stem}.htm": "2000"})
    refresh()
    decide(home, Q2.accession, "reject", "filed on paper", "Jane Doe", datetime.now(UTC))
    assert refresh() == {}
    assert edgar.paths()[-1] == tiny.list_path()


def test_an_answer_that_goes_back_is_listed_until_it_is_accepted(edgar, home, refresh):
    def held_back():
        with duckdb.connect(str(home.build), read_only=True) as connection:
            return connection.execute("select target, cik, since <= now(), reason from raw.held_back").fetchall()

    refresh()
    assert held_back() == []
    edgar.pages[tiny.list_path()] = tiny.site([Q1])[tiny.list_path()]
    for is_live in (True, False):
        refresh(is_live)
        ((target, cik, is_past, reason),) = held_back()
        assert (target, cik, is_past) == (f"submissions/{CIK}", CIK, True)
        assert "is older than the archived one" in reason
        assert "A stale copy, not used" in reason
    decide(home, target, "accept", "EDGAR took it off the list", "Jane Doe", datetime.now(UTC))
    refresh()
    assert held_back() == []


def test_an_edited_sidecar_moves_no_day_and_is_named(edgar, home, refresh):
    assert refresh() == {}
    archive = Archive(home.archive)
    entry = next(e for e in archive.entries() if e.accession == Q2.accession and e.kind == "xbrl_instance")
    (path,) = (home.archive / entry.sha256[:2]).glob(f"{entry.sha256}.*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"filed_on": "2020-01-01"}))
    found = refresh(is_live=False)
    assert any("was changed after it was written" in line for line in found["nothing_quarantined"])
    assert Q2.accession in found["nothing_pending"][0]
    with duckdb.connect(str(home.build), read_only=True) as connection:
        days = connection.execute(
            "select distinct filed_on from raw.xbrl_facts where accession like '%42-26%'"
        ).fetchall()
    assert date(2020, 1, 1) not in {day for (day,) in days}
    assert refresh() == {}
    assert Archive(home.archive).damaged() == []
