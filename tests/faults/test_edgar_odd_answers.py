"""One odd entry, answer or company takes nothing else with it: in a fetch, in a tick's look, and in what is loaded."""

import json
from datetime import date
from random import Random

import orjson
import pytest

from ingest.archive import Archive
from ingest.companies import Company
from ingest.edgar import fetch as fetch_module
from ingest.edgar.client import Client, Limits
from ingest.edgar.fetch import fetch
from ingest.edgar.holdings import pending_filings
from ingest.edgar.poll import poll
from ingest.edgar.urls import Hosts
from ingest.parsers.acceptance import with_acceptance
from ingest.replay import replay
from orchestration.fetching import problems
from support import fake_edgar, tiny
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar
from support.tiny import CIK, COMPANY, OTHER, Q1, Q2, Q3, Report

LIST = tiny.list_path()
OF_OTHER = Report("0000000077-26-000001", filed="2026-08-20")


class World:
    def __init__(self, edgar, root):
        self.edgar, self.root, self.archive = edgar, root, Archive(root / "archive")
        self.clock, self.hosts = VirtualClock(), edgar.hosts

    def client(self, **limits):
        return Client(
            "Test test@example.org",
            self.root,
            hosts=self.hosts,
            limits=Limits(**limits),
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def fetch(self, companies=(COMPANY, OTHER), **options):
        with self.client() as client:
            return fetch(self.archive, client, companies, **options)

    def poll(self, companies=(COMPANY, OTHER)):
        with self.client(attempts=1, total=2) as client:
            return poll(client, companies, {}, {}, self.clock.now)


@pytest.fixture
def world(tmp_path):
    with FakeEdgar(pages=tiny.site([Q1, Q2]) | tiny.site([OF_OTHER], OTHER.cik)) as edgar:
        yield World(edgar, tmp_path)


def change(world, column, value, at=0):
    """One cell of the list; entry 0 is Q2, entry 1 is Q1."""
    payload = orjson.loads(world.edgar.pages[LIST])
    payload["filings"]["recent"][column][at] = value
    world.edgar.pages[LIST] = orjson.dumps(payload)


ENTRIES = {
    "no filing date": ("filingDate", ""),
    "null for a filing date": ("filingDate", None),
    "a word for it": ("filingDate", "soon"),
    "no form": ("form", None),
    "a number for a form": ("form", 10),
    "an accession number that is none": ("accessionNumber", "../../etc/passwd"),
    "no accession number": ("accessionNumber", None),
}


@pytest.mark.parametrize(("column", "value"), ENTRIES.values(), ids=ENTRIES)
def test_an_entry_that_is_none_is_named_and_all_others_are_fetched(world, column, value):
    change(world, column, value)
    for _ in range(2):  # also from the archived list
        result = world.fetch()
        assert not result.is_complete
        (problem,) = result.quarantined
        assert (problem.ticker, result.failed) == ("TINY", [])
        assert "its entry in the list of filings is set aside" in problem.reason
    assert {e.accession for e in world.archive.entries() if e.kind == "xbrl_instance"} == {
        Q1.accession,
        OF_OTHER.accession,
    }
    seen = world.poll()
    assert (seen.asked, seen.blocked, len(seen.problems)) == (2, None, 1)
    assert seen.problems[0].startswith("TINY: ")
    assert "set aside" in seen.problems[0]
    assert [f.accession for f in seen.listings[CIK].filings] == [Q1.accession]
    assert [f.accession for f in seen.listings[OTHER.cik].filings] == [OF_OTHER.accession]
    assert [row["kind"] for row in replay(world.archive).set_aside.to_pylist()] == ["entry"]
    # The list mended, nothing is left of it.
    world.edgar.pages |= tiny.site([Q1, Q2])
    assert world.fetch().new_accessions == [Q2.accession]
    assert world.fetch().is_complete


@pytest.mark.parametrize("form", ["10-Q ", " 10-q", "10-Q\u00a0"])
def test_a_form_with_a_blank_is_a_10_q(world, form):
    change(world, "form", form)
    result = world.fetch()
    assert result.is_complete
    assert Q2.accession in result.new_accessions
    assert set(replay(world.archive).filings["form"].to_pylist()) == {"10-Q"}


TIMES = {
    "14 digits": "20260528163000",
    "leap second": "2026-06-30T23:59:60.000Z",
    "year 1": "0001-01-01T00:00:00.000Z",
    "year 9999": "9999-12-31T23:59:59.000Z",
    "hour 24": "2026-08-27T24:00:00.000Z",
}


@pytest.mark.parametrize("received", TIMES.values(), ids=TIMES)
def test_an_odd_acceptance_time_leaves_its_filing_known_from_its_filing_date(world, received):
    change(world, "acceptanceDateTime", received)
    result = world.fetch()
    assert result.is_complete
    found = replay(world.archive)
    known = {row["accession"]: row for row in with_acceptance(found.filings).to_pylist()}
    assert (str(known[Q2.accession]["known_from"]), known[Q2.accession]["known_at"]) == (Q2.filed, None)
    assert known[Q2.accession]["known_from_basis"] == "unreadable_time"
    assert known[Q1.accession]["known_from_basis"] == "new_york_clock"
    (row,) = found.set_aside.to_pylist()
    assert (row["accession"], row["stated"]) == (Q2.accession, received)


WHOLE = {
    "wrapped": lambda p: {"data": p},
    "wrapped otherwise": lambda p: {"result": p},
    "a list of it": lambda p: {"cik": p["cik"], "filings": [p["filings"]]},
    "no lists": lambda p: p | {"filings": {"files": []}},
    "lengths that differ": lambda p: p | {"filings": {"recent": p["filings"]["recent"] | {"form": ["10-Q"]}}},
    "a column that is a number": lambda p: p | {"filings": {"recent": p["filings"]["recent"] | {"form": 7}}},
    "a null": lambda p: p | {"filings": None},
    "no columns": lambda p: p | {"filings": {"recent": {"accessionNumber": []}}},
    "a CIK that is none": lambda p: p | {"cik": None},
    "files that are a number": lambda p: p | {"filings": p["filings"] | {"files": 7}},
    "files of anything": lambda p: p | {"filings": p["filings"] | {"files": [None, 1, "x", {}, {"name": ["x"]}]}},
    "tickers of anything": lambda p: p | {"tickers": [None, 1, "TINY"], "name": None},
}


@pytest.mark.parametrize("twist", WHOLE.values(), ids=WHOLE)
def test_a_list_that_is_none_stops_its_own_company_alone_and_only_for_now(world, twist):
    good = world.edgar.pages[LIST]
    world.edgar.pages[LIST] = orjson.dumps(twist(orjson.loads(good)))
    result = world.fetch()
    assert OF_OTHER.accession in result.new_accessions
    assert {p.ticker for p in result.quarantined + result.failed} <= {"TINY"}
    seen = world.poll()
    assert (seen.asked, seen.blocked) == (2, None)
    assert [f.accession for f in seen.listings[OTHER.cik].filings] == [OF_OTHER.accession]
    world.edgar.pages[LIST] = good
    world.fetch()
    assert world.fetch().is_complete
    documents = {e.accession for e in world.archive.entries() if e.kind == "xbrl_instance"}
    assert documents == {Q1.accession, Q2.accession, OF_OTHER.accession}


# Errors that nobody declared ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["list_of", "first_day", "plan_of", "parse_companyfacts"])
@pytest.mark.parametrize(
    "error", [KeyError("x"), OverflowError("date value out of range"), OSError(28, "No space left")]
)
def test_a_mistake_over_one_company_leaves_the_others(world, monkeypatch, name, error):
    real = getattr(fetch_module, name)

    def broken(*given):
        if any(CIK in str(value) for value in given) or name in ("first_day", "parse_companyfacts"):
            monkeypatch.setattr(fetch_module, name, real)
            raise error
        return real(*given)

    monkeypatch.setattr(fetch_module, name, broken)
    result = world.fetch()
    assert [p.ticker for p in result.failed] == ["TINY"]
    assert f"{type(error).__name__}: {error}" in result.failed[0].reason
    assert OF_OTHER.accession in result.new_accessions
    world.fetch()
    assert world.fetch().is_complete


def test_a_look_that_fails_in_an_unforeseen_way_keeps_the_listing_and_asks_the_next(world, monkeypatch):
    from ingest.edgar import poll as poll_module

    real = poll_module.list_of

    def broken(cik, *given):
        if cik == CIK:
            raise TypeError("'>' not supported")
        return real(cik, *given)

    monkeypatch.setattr(poll_module, "list_of", broken)
    seen = world.poll()
    assert seen.problems == ["TINY: TypeError: '>' not supported"]
    assert seen.listings[CIK].asked_at > 0  # it has had its turn
    assert [f.accession for f in seen.listings[OTHER.cik].filings] == [OF_OTHER.accession]


def test_a_5xx_with_a_wait_beyond_the_calendar_is_one_companys(world):
    world.edgar.fault(CIK, fake_edgar.status(503, Retry_After="99999999999999"))
    result = world.fetch()
    ((ticker, reason),) = [(p.ticker, p.reason) for p in result.failed]
    assert (ticker, result.stopped) == ("TINY", None)
    assert "HTTP 503; EDGAR says to try again after 20" in reason
    assert OF_OTHER.accession in result.new_accessions


# Older pages --------------------------------------------------------------------------------------

YEARS = [Report(f"0000000042-{year % 100:02}-000001", filed=f"{year}-05-28") for year in range(2015, 2026)]


def paged(*pages, order=1):
    """A site whose older filings stand on pages; `pages` are groups of reports, newest group first."""
    site = tiny.site([*(r for group in pages for r in group), Q1, Q2])
    files = []
    for number, group in enumerate(pages, start=1):
        name = f"CIK{CIK}-submissions-{number:03}.json"
        days = [r.filed for r in group]
        listed = [(r.accession, r.form, r.filed, f"{r.stem}.htm") for r in reversed(group)]
        columns = orjson.loads(fake_edgar.submissions(CIK, listed))["filings"]["recent"]
        site[f"data.sec.gov/submissions/{name}"] = orjson.dumps(columns)
        files.append({"name": name, "filingCount": len(group), "filingFrom": min(days), "filingTo": max(days)})
    main = [(r.accession, r.form, r.filed, f"{r.stem}.htm") for r in (Q2, Q1)]
    site[LIST] = fake_edgar.submissions(CIK, main, files[::order])
    return site


@pytest.mark.parametrize("order", [1, -1], ids=["newest first", "oldest first"])
def test_pages_are_read_in_whatever_order_they_are_named(world, order):
    groups = [YEARS[8:], YEARS[4:8], YEARS[:4]]
    world.edgar.pages = paged(*groups, order=order)
    result = world.fetch([COMPANY], since={CIK: date(2021, 1, 1)})
    assert set(result.new_accessions) == {r.accession for r in (*YEARS[6:], Q1, Q2)}
    assert len(world.edgar.paths("submissions-")) == 2
    assert len(world.fetch([COMPANY], full_history=True).new_accessions) == 6
    asked = len(world.edgar.log)
    assert world.fetch([COMPANY], full_history=True).unchanged == ["TINY"]
    assert len(world.edgar.log) == asked + 1


def test_a_page_that_moved_on_with_as_many_lines_is_read_again(world):
    """A filing that failed while it stood in the main list has since moved to the page."""
    world.edgar.pages = paged(YEARS[:4], YEARS[4:5])
    missed = YEARS[8]
    world.fetch([COMPANY], full_history=True)
    world.edgar.pages = paged([*YEARS[1:4], missed], YEARS[4:5])
    result = world.fetch([COMPANY], full_history=True)
    assert missed.accession in result.new_accessions


def test_a_page_that_cannot_be_had_hides_no_filing_of_the_others(world):
    world.edgar.pages = paged(YEARS[8:], YEARS[4:8])
    world.edgar.fault("submissions-001", fake_edgar.status(500), times=4)
    result = world.fetch([COMPANY], full_history=True)
    assert [p.ticker for p in result.failed] == ["TINY"]
    assert set(result.new_accessions) == {r.accession for r in (*YEARS[4:8], Q1, Q2)}
    assert set(world.fetch([COMPANY], full_history=True).new_accessions) == {r.accession for r in YEARS[8:]}


# The machine's settings, over a whole watch list ---------------------------------------------------

MANY = [Company(f"T{n}", f"{n:010}", f"Company {n}", "reference", 12, ()) for n in range(100, 111)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HTTPS_PROXY", "ftp://127.0.0.1:1"), ("HTTPS_PROXY", "http://"), ("REQUESTS_CA_BUNDLE", "/no/such/file.pem")],
)
def test_a_setting_that_cannot_be_is_said_once_and_not_tried_for_each_company(world, monkeypatch, variable, value):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setenv(variable, value)
    world.hosts = Hosts("https://data.invalid", "https://www.invalid")
    result = world.fetch(MANY)
    assert (result.requests_sent, world.clock.sleeps) == (0, [])
    once, others = problems(result)
    assert once.startswith(f"T100: {variable}={value} ")
    assert once == f"T100: {result.stopped}"
    assert others == f"{', '.join(c.ticker for c in MANY[1:])}: not asked, for the same reason"
    assert f"{variable}={value} " in world.poll(MANY).blocked


# Nothing that is archived makes a later reading fail ------------------------------------------------


def test_what_an_earlier_version_archived_is_named_by_replay_and_no_pending_list_fails(world):
    """The inputs of before: a list without a day, one without a form, odd times; all of them taken as they were."""
    world.fetch()
    base = orjson.loads(world.edgar.pages[LIST])
    for number, (column, value) in enumerate([*ENTRIES.values(), *(("acceptanceDateTime", t) for t in TIMES.values())]):
        payload = orjson.loads(orjson.dumps(base))
        payload["filings"]["recent"][column][0] = value
        url = f"https://data.sec.gov/submissions/CIK{CIK}.json"
        at = world.client().now().replace(year=2027, microsecond=number * 1000)
        world.archive.put(orjson.dumps(payload), url, kind="submissions", retrieved_at=at, cik=CIK)
        found = replay(world.archive)
        assert with_acceptance(found.filings)["known_from"].null_count == 0
        assert set(found.payloads["status"].to_pylist()) == {"parsed", "kept"}
        assert pending_filings(world.archive, [COMPANY, OTHER]).num_rows == 0
    world.edgar.pages |= tiny.site([Q1, Q2, Q3])
    assert Q3.accession in world.fetch().new_accessions


# Documents ----------------------------------------------------------------------------------------

DOCUMENT = f"{tiny.folder(Q2.accession)}/{Q2.document}"
SERVED_ONCE = {
    "another form's": tiny.instance(Q2._replace(form="8-K")),
    "another company's": tiny.instance(Q2, OTHER.cik),
    "no XML inside": tiny.instance(Q2).replace(b"<us-gaap:Revenues", b"<us-gaap:Revenues &"),
}


@pytest.mark.parametrize("is_inline", [False, True], ids=["extract", "inline"])
@pytest.mark.parametrize("body", SERVED_ONCE.values(), ids=SERVED_ONCE)
def test_a_document_that_gives_nothing_is_kept_named_and_asked_for_again(world, body, is_inline):
    """Right bytes later at the same address are the filing's."""
    path = DOCUMENT
    if is_inline:
        report = Q2._replace(inline=True)
        world.edgar.pages |= tiny.site([Q1, report])
        path = f"{tiny.folder(Q2.accession)}/{report.document}"
        where = {"another form's": (report._replace(form="8-K"), CIK), "another company's": (report, OTHER.cik)}
        name = next(name for name, served in SERVED_ONCE.items() if served == body)
        if name not in where:
            pytest.skip("what is no XML is read as HTML")
        body = tiny.inline(*where[name])
    world.edgar.fault(path, fake_edgar.answer(body), times=2)
    for _ in range(2):
        result = world.fetch([COMPANY])
        assert [(p.accession, result.failed) for p in result.pending] == [(Q2.accession, [])]
        assert "cannot be used as it was served: " in result.pending[0].reason
        (row,) = pending_filings(world.archive, [COMPANY]).to_pylist()
        assert (row["accession"], row["reason"]) == (Q2.accession, result.pending[0].reason)
        assert "quarantined" in replay(world.archive).payloads["status"].to_pylist()
    assert world.fetch([COMPANY]).is_complete
    assert pending_filings(world.archive, [COMPANY]).num_rows == 0
    values = {r["value"] for r in replay(world.archive).facts.to_pylist() if r["accession"] == Q2.accession}
    assert values == {Q2.revenue}
    assert world.fetch([COMPANY]).requests_sent == 1


# Anything, once -----------------------------------------------------------------------------------


def garbled(body, random):
    """The body with one thing wrong: cut, doubled, other bytes, a cell or a key of its JSON replaced or gone."""
    if not body.startswith(b"{") or random.random() < 0.3:
        at = random.randrange(len(body))
        return random.choice(
            [body[:at], body[:at] + bytes(random.randrange(256) for _ in range(8)) + body[at + 8 :], body + body, b"{}",
             body[:at] + body[at + random.randrange(1, 200) :], b"<html></html>", b'{"cik": 42, "filings": {}}']
        )  # fmt: skip
    payload = orjson.loads(body)
    node = payload
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = random.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and random.random() < 0.85:
            node = node[key]
            continue
        anything = [
            None,
            "",
            "x",
            0,
            -1,
            2**70,
            [],
            {},
            ["x"],
            {"a": 1},
            True,
            "9999-12-31",
            "0001-01-01",
            "2062-01-01",
        ]
        if random.random() < 0.2:
            del node[key]
        else:
            node[key] = random.choice(anything)
        return json.dumps(payload).encode()


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_served_for_a_day_two_days_later_every_filing_is_there(world, seed):
    random = Random(seed)
    world.fetch([COMPANY])
    good = tiny.site([Q1, Q2, Q3])
    paths = sorted(path for path in good if CIK in path or Q3.accession.replace("-", "") in path)
    world.edgar.pages |= good
    for path in random.sample(paths, random.randrange(1, 4)):
        world.edgar.pages[path] = garbled(good[path], random)
    for _ in range(random.randrange(1, 4)):
        result = world.fetch()
        assert {p.ticker for p in result.failed + result.quarantined + result.pending} <= {"TINY"}, "another's trouble"
        world.poll()
        replay(world.archive)
        pending_filings(world.archive, [COMPANY, OTHER])
        world.clock.now += 3600 * random.randrange(1, 9)
    world.edgar.pages |= good
    for _ in range(2):
        world.fetch()
        world.clock.now += 3600 * 25
    result = world.fetch()
    assert result.is_complete, problems(result)
    found = replay(world.archive).facts.to_pylist()
    own = {(r["accession"], r["value"]) for r in found if r["source_kind"] == "xbrl_instance"}
    assert {(r.accession, r.revenue) for r in (Q1, Q2, Q3)} <= own
