"""An answer that goes back is refused for a day at most, by name, and nothing waits for the guard."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.archive import Archive
from ingest.edgar.client import Client
from ingest.edgar.fetch import fetch
from ingest.edgar.guards import Guards
from ingest.records import PayloadError
from support import fake_edgar, tiny
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar
from support.tiny import CIK, COMPANY, Q1, Q2, Q3, Report

LIST, FACTS = tiny.list_path(), tiny.facts_path()
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TARGET = f"submissions/{CIK}"


class World:
    def __init__(self, edgar, root):
        self.edgar, self.root, self.archive = edgar, root, Archive(root / "archive")
        self.clock = VirtualClock(NOW.timestamp())

    def fetch(self, hours=0.0, **options):
        self.clock.now += 3600 * hours
        with Client(
            "Test test@example.org", self.root, hosts=self.edgar.hosts, clock=self.clock, sleep=self.clock.sleep
        ) as client:
            return fetch(self.archive, client, [COMPANY], **options)

    def lists(self):
        return [self.archive.get(e.sha256) for e in self.archive.entries() if e.kind == "submissions"]


@pytest.fixture
def world(tmp_path):
    with FakeEdgar(pages=tiny.site([Q1, Q2])) as edgar:
        yield World(edgar, tmp_path)


def reasons(problems):
    return " | ".join(problem.reason for problem in problems)


# The rule -----------------------------------------------------------------------------------------


def admitted(root, at, stale="goes back", **lifted):
    return Guards(root, lifted).admit(TARGET, "the list", stale, at)


def refused(root, at, **lifted):
    with pytest.raises(PayloadError) as caught:
        admitted(root, at, **lifted)
    return str(caught.value)


def test_a_refusal_says_until_when_and_how_to_lift_it(tmp_path):
    said = refused(tmp_path, NOW)
    assert "the list goes back. A stale copy, not used; the next fetch asks again" in said
    assert f"after 2026-12-02 12:00 UTC it is taken; to take it now, accept {TARGET} with aigap review" in said
    assert refused(tmp_path, NOW + 23 * HOUR) == said


def test_what_edgar_still_says_a_day_later_is_taken_and_told(tmp_path):
    refused(tmp_path, NOW)
    assert "EDGAR has said so since 2026-12-01 12:00 UTC" in admitted(tmp_path, NOW + 24 * HOUR)
    refused(tmp_path, NOW + 25 * HOUR)  # the next one is another story


def test_a_better_answer_in_between_starts_it_anew(tmp_path):
    refused(tmp_path, NOW)
    assert admitted(tmp_path, NOW + HOUR, stale=None) is None
    refused(tmp_path, NOW + 24 * HOUR)


def test_an_operator_lifts_what_was_refused_until_then_and_no_more(tmp_path):
    refused(tmp_path, NOW)
    lifted = {TARGET: NOW + HOUR}
    assert f"an operator accepted {TARGET}" in admitted(tmp_path, NOW + 2 * HOUR, **lifted)
    refused(tmp_path, NOW + 3 * HOUR, **lifted)
    refused(tmp_path, NOW + 4 * HOUR, **{"submissions/0000000077": NOW + 9 * HOUR})


def test_a_clock_that_went_back_lengthens_nothing(tmp_path):
    refused(tmp_path, NOW + 1000 * HOUR)
    refused(tmp_path, NOW)
    admitted(tmp_path, NOW + 24 * HOUR)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, f'{{"{TARGET}": "soon"}}', f'{{"{TARGET}": 1}}']
)
def test_a_damaged_note_costs_a_day(tmp_path, text):
    (tmp_path / "refused.json").write_text(text)
    refused(tmp_path, NOW)
    assert list(json.loads((tmp_path / "refused.json").read_text())) == [TARGET]
    admitted(tmp_path, NOW + 24 * HOUR)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=12))
def test_no_guard_refuses_for_longer_than_a_day(tmp_path_factory, answers):
    """However answers come, none is refused that EDGAR has given for a day without a better one."""
    root, at, since = tmp_path_factory.mktemp("guards"), NOW, None
    for hours, is_stale in answers:
        at += hours * HOUR
        since = (since or at) if is_stale else None
        try:
            admitted(root, at, "goes back" if is_stale else None)
        except PayloadError:
            assert is_stale
            assert at - since < 24 * HOUR
        else:
            assert not is_stale or at - since >= 24 * HOUR
            since = None


# Lists --------------------------------------------------------------------------------------------


def with_entry(page, accession, form, day):
    payload = json.loads(page)
    recent = payload["filings"]["recent"]
    for name, value in (("accessionNumber", accession), ("form", form), ("filingDate", day)):
        recent[name].insert(0, value)
    for name in ("reportDate", "acceptanceDateTime", "primaryDocument"):
        recent[name].insert(0, "")
    return json.dumps(payload).encode()


def test_a_filing_dated_2062_hides_none_and_locks_nobody_out(world):
    """A typing error in one Form 4, served once."""
    sound = tiny.site([Q1, Q2, Q3])
    world.edgar.pages[LIST] = with_entry(world.edgar.pages[LIST], "0000000042-26-900000", "4", "2062-01-01")
    assert world.fetch().new_accessions == [Q1.accession, Q2.accession]
    world.edgar.pages |= sound
    result = world.fetch()
    assert (result.quarantined, result.new_accessions) == ([], [Q3.accession])


def test_a_report_dated_2062_neither(world):
    report = Report("0000000042-26-900000", filed="2062-01-01")
    world.edgar.pages |= tiny.site([Q1, Q2, report])
    assert world.fetch().new_accessions == [Q1.accession, Q2.accession, report.accession]
    world.edgar.pages |= tiny.site([Q1, Q2, Q3])
    result = world.fetch()
    assert (result.quarantined, result.new_accessions) == ([], [Q3.accession])
    # Its facts, which company facts then no longer hold, lock nothing either.
    assert [e.kind for e in result.fetched][-1] == "companyfacts"


ODD = {
    "form null": ("form", None),
    "form with a blank": ("form", "10-Q "),
    "no filing date": ("filingDate", ""),
    "no accession number": ("accessionNumber", "x"),
    "a filing date of 2062": ("filingDate", "2062-02-03"),
}


@pytest.mark.parametrize(("column", "value"), ODD.values(), ids=ODD)
def test_one_bad_answer_does_not_make_the_next_good_one_refused(world, column, value):
    world.fetch()
    good = tiny.site([Q1, Q2, Q3])
    bad = json.loads(good[LIST])
    bad["filings"]["recent"][column][0] = value
    world.edgar.pages |= good | {LIST: json.dumps(bad).encode()}
    world.fetch(1)
    world.edgar.pages |= good
    world.fetch(1)
    assert world.fetch(1).is_complete
    assert good[LIST] in world.lists()
    assert any(entry.accession == Q3.accession for entry in world.archive.entries())


def test_a_removed_filing_is_gone_for_good_after_a_day(world):
    """Its newest day stays the newest, and EDGAR means it."""
    twin = Q2._replace(accession="0000000042-26-000009", form="10-Q/A")
    world.edgar.pages |= tiny.site([Q1, Q2, twin])
    world.fetch()
    shorter = tiny.site([Q1, Q2])[LIST]
    world.edgar.pages[LIST] = shorter
    for hours in (1, 1, 20):
        assert f"filing {twin.accession} of that day is gone" in reasons(world.fetch(hours).quarantined)
        assert shorter not in world.lists()
    result = world.fetch(3)
    assert result.is_complete
    assert "Taken as served: EDGAR has said so since" in reasons(result.contradictions)
    assert shorter in world.lists()
    assert world.fetch(1).contradictions == []


def test_an_operator_need_not_wait(world):
    world.fetch()
    world.edgar.pages |= {LIST: tiny.site([Q1])[LIST]}
    assert f"accept {TARGET} with aigap review" in reasons(world.fetch().quarantined)
    decided = {TARGET: datetime.fromtimestamp(world.clock.now, UTC)}
    result = world.fetch(1, lifted=decided)
    assert result.is_complete
    assert f"an operator accepted {TARGET}" in reasons(result.contradictions)


def test_bytes_that_were_the_answer_before_are_so_again(world):
    """Taken back after a day, the older list is what later ones are compared with."""
    first = world.edgar.pages[LIST]
    world.fetch()
    world.edgar.pages |= tiny.site([Q1, Q2, Q3])
    world.fetch(1)
    world.edgar.pages[LIST] = first
    assert "is older than the archived one" in reasons(world.fetch(1).quarantined)
    assert world.fetch(25).is_complete
    assert world.fetch(1).is_complete


def test_a_filing_that_only_a_stale_list_names_is_fetched_all_the_same(world):
    twin = Q2._replace(accession="0000000042-26-000009", form="10-Q/A")
    world.edgar.pages |= tiny.site([Q1, twin])
    world.fetch()
    world.edgar.pages |= tiny.site([Q1, Q2])
    result = world.fetch()
    assert f"filing {twin.accession} of that day is gone" in reasons(result.quarantined)
    assert result.new_accessions == [Q2.accession]


def test_what_failed_is_fetched_while_the_list_cannot_be_read(world):
    world.edgar.fault(Q1.document, fake_edgar.status(500), times=4)
    world.fetch()
    world.edgar.fault(LIST, fake_edgar.answer(b'{"filings": {"accessionNumber": 1}}'))
    result = world.fetch()
    assert result.new_accessions == [Q1.accession]
    assert "payload is not submissions" in reasons(result.quarantined)


def test_a_list_that_an_earlier_version_took_is_no_state(world):
    """Newer than the sound one, and damaged in meaning: not compared with, not asked for conditionally."""
    world.edgar.etags_on_data = True
    world.fetch()
    bad = b'{"cik": "0000000042", "filings": {"recent": {"accessionNumber": [1], "filingDate": []}}}'
    url = f"{world.edgar.hosts.data}/submissions/CIK{CIK}.json"
    world.archive.put(bad, url, kind="submissions", retrieved_at=NOW + 100 * HOUR, cik=CIK, etag='"bad"')
    assert world.fetch().unchanged == ["TINY"]
    assert world.edgar.log[-1].headers["If-None-Match"] != '"bad"'


# Company facts ------------------------------------------------------------------------------------


def test_company_facts_that_shrank_for_good_are_taken_after_a_day(world):
    world.fetch()
    world.edgar.pages |= tiny.site([Q1, Q2, Q3]) | {FACTS: tiny.company_facts([Q3])}
    for hours in (1, 1, 20):
        said = reasons(world.fetch(hours).quarantined)
        assert "hold 1 facts filed to 2026-11-19; the archived ones hold 2 to 2026-08-27" in said
        assert f"accept companyfacts/{CIK} with aigap review" in said
    result = world.fetch(5)
    assert result.is_complete
    assert "Taken as served" in reasons(result.contradictions)
    assert world.fetch(1).requests_sent == 1


def test_a_fact_dated_2062_locks_company_facts_not(world):
    odd = Q2._replace(filed="2062-01-01", accession="0000000042-26-000009")
    world.edgar.pages[FACTS] = tiny.company_facts([Q1, odd])
    world.fetch()
    world.edgar.pages |= tiny.site([Q1, Q2, Q3])
    result = world.fetch()
    assert (result.quarantined, [e.kind for e in result.fetched][-1]) == ([], "companyfacts")


def test_days_beyond_today_are_counted_by_the_day_of_the_answer():
    from ingest.edgar.guards import older_list
    from ingest.parsers.submissions import parse_submissions

    old, new = (parse_submissions(tiny.site(r)[LIST], "", "").filings for r in ([Q1, Q2, Q3], [Q1, Q2]))
    assert older_list(old, date(2026, 11, 13), new, date(2026, 11, 30)) is None
    assert older_list(old, date(2026, 11, 14), new, date(2026, 11, 30))
