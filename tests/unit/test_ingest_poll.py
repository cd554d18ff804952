"""When a company's list is worth asking for, and what one look costs."""

import re
from datetime import UTC, date, datetime

import pytest

from ingest.bundle import read_bundle
from ingest.companies import watch_list
from ingest.edgar.client import Client, Limits
from ingest.edgar.poll import Intervals, Listing, due, dump, in_filing_window, load, poll
from ingest.parsers.acceptance import NEW_YORK
from support import fake_edgar, tiny
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar
from support.tiny import CIK, COMPANY, OTHER, Q1, Q2

COMPANIES = {company.ticker: company for company in watch_list()}
#: A Thursday noon in New York, 30 days after a quarter of both companies; and the Sunday after.
NOON = datetime(2026, 7, 30, 12, tzinfo=NEW_YORK).timestamp()
SUNDAY = datetime(2026, 8, 2, 12, tzinfo=NEW_YORK).timestamp()
EVERY = Intervals()


# When ---------------------------------------------------------------------------------------------


def test_nearly_every_filing_since_2012_came_in_its_window():
    by_cik = {company.cik: company for company in watch_list()}
    outside = []
    rows = [r for r in read_bundle().filings.to_pylist() if r["form"] in ("10-K", "10-Q") and r["filed_on"].year > 2011]
    for row in rows:
        filed = row["filed_on"]
        noon = datetime(filed.year, filed.month, filed.day, 12, tzinfo=NEW_YORK)
        if not in_filing_window(by_cik[row["cik"]], noon):
            outside.append((row["cik"], str(filed)))
    assert len(rows) > 270
    assert outside == []


@pytest.mark.parametrize(
    ("ticker", "moment", "expected"),
    [
        ("NVDA", "2026-08-26T16:30", True),  # its quarter ends late in July
        ("NVDA", "2026-07-10T12:00", False),  # none has ended
        ("NVDA", "2026-04-16T12:00", True),  # 75 days after a fiscal year
        ("NVDA", "2026-04-17T12:00", False),
        ("NVDA", "2026-06-14T12:00", False),  # day 45 after a quarter is a Sunday
        ("NVDA", "2026-06-12T12:00", True),
        ("MSFT", "2026-09-11T12:00", True),  # its year ends in June
        ("GOOGL", "2026-09-11T12:00", False),
        ("NVDA", "2026-08-29T12:00", False),  # Saturday
        ("NVDA", "2026-08-26T05:59", False),  # before EDGAR opens
        ("NVDA", "2026-08-26T22:31", False),
    ],
)
def test_a_window_is_a_filing_day_in_edgars_hours(ticker, moment, expected):
    there = datetime.fromisoformat(moment).replace(tzinfo=NEW_YORK)
    assert in_filing_window(COMPANIES[ticker], there) is expected
    assert in_filing_window(COMPANIES[ticker], there.astimezone(UTC)) is expected


def test_in_the_window_every_quarter_of_an_hour_otherwise_hourly():
    def is_asked(now, seconds_ago):
        return due([COMPANY], {CIK: Listing(now - seconds_ago)}, now, EVERY) == [COMPANY]

    assert [is_asked(NOON, minutes * 60) for minutes in (0, 13, 15)] == [False, False, True]
    assert [is_asked(SUNDAY, minutes * 60) for minutes in (0, 15, 53, 60)] == [False, False, False, True]


def test_a_clock_that_went_back_silences_nobody():
    assert due([COMPANY], {CIK: Listing(NOON + 86_400)}, NOON, EVERY) == [COMPANY]


@pytest.mark.parametrize("asked_at", [float("nan"), float("inf"), float("-inf")])
def test_a_moment_that_is_none_silences_nobody(asked_at):
    assert due([COMPANY], load(dump({CIK: Listing(asked_at)})), NOON, EVERY) == [COMPANY]


def test_who_waited_longest_is_asked_first():
    seen = {CIK: Listing(NOON - 4000), OTHER.cik: Listing(NOON - 5000)}
    assert due([COMPANY, OTHER], seen, NOON, EVERY) == [OTHER, COMPANY]
    assert due([COMPANY, OTHER], {OTHER.cik: seen[OTHER.cik]}, NOON, EVERY) == [COMPANY, OTHER]


# Asking -------------------------------------------------------------------------------------------


@pytest.fixture
def edgar():
    pages = tiny.site([Q1, Q2]) | tiny.site([], OTHER.cik)
    with FakeEdgar(pages=pages, etags_on_data=True) as server:
        yield server


@pytest.fixture
def ask(edgar, tmp_path):
    clock = VirtualClock(NOON)

    def go(listings=None, since=None, **options):
        limits = Limits(attempts=1, total=2)
        with Client(
            "Test test@example.org", tmp_path, hosts=edgar.hosts, limits=limits, clock=clock, sleep=clock.sleep
        ) as client:
            return poll(client, (COMPANY, OTHER), since or {}, listings or {}, NOON, **options)

    return go


def accessions(listing: Listing) -> list[str]:
    return [filing.accession for filing in listing.filings]


def test_a_look_sees_the_periodic_filings_oldest_first(ask):
    seen = ask()
    assert accessions(seen.listings[CIK]) == [Q1.accession, Q2.accession]
    assert accessions(seen.listings[OTHER.cik]) == []
    assert (seen.asked, seen.problems, seen.blocked) == (2, [], None)
    assert accessions(ask(since={CIK: date(2026, 6, 1)}).listings[CIK]) == [Q2.accession]


def test_the_next_look_is_a_conditional_request_and_loses_nothing(edgar, ask):
    first = ask()
    second = ask(load(dump(first.listings)))
    assert second.listings == first.listings
    assert [("If-None-Match" in seen.headers) for seen in edgar.log] == [False, False, True, True]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (fake_edgar.status(503), "TINY: .* EDGAR answered HTTP 503"),
        (fake_edgar.reset(), "TINY: .* the connection failed"),
        (fake_edgar.identity_cut(), "TINY: .*cut before its end"),
        (fake_edgar.status(404), "TINY: .* holds no such document"),
        (fake_edgar.answer(tiny.site([Q1], OTHER.cik)[tiny.list_path(OTHER.cik)]), "TINY: .* speaks of CIK 0000000077"),
        (fake_edgar.answer(b'{"cik": 42}'), "TINY: payload is not submissions"),
    ],
    ids=lambda value: "" if isinstance(value, str) else None,
)
def test_one_bad_answer_is_said_and_the_others_are_asked(edgar, ask, fault, said):
    before = ask().listings
    edgar.fault(CIK, fault)
    seen = ask({**before, CIK: before[CIK]._replace(asked_at=NOON - 900)})
    assert (seen.asked, len(seen.problems), seen.blocked) == (2, 1, None)
    assert re.search(said, seen.problems[0])
    assert seen.listings[CIK] == before[CIK]._replace(asked_at=NOON)


def test_without_a_place_for_the_queue_nothing_is_asked_and_nothing_raised(edgar, ask, tmp_path):
    (tmp_path / "edgar-gate.json").mkdir()
    seen = ask()
    assert "edgar-gate.json, the queue before EDGAR, cannot be used" in seen.blocked
    assert edgar.log == []


def test_a_report_dated_2062_hides_no_other(edgar, ask):
    """The newest 400 days are told by days that can be."""
    edgar.pages |= tiny.site([Q1, Q2, Q2._replace(accession="0000000042-26-000009", filed="2062-01-01")])
    assert accessions(ask().listings[CIK])[:2] == [Q1.accession, Q2.accession]


def test_a_refusal_ends_the_round(edgar, ask):
    edgar.fault("submissions", fake_edgar.rate_page())
    seen = ask()
    assert seen.asked == len(edgar.log) == 1
    assert "request rate was exceeded" in seen.blocked
    assert seen.listings == {}
    assert "none is sent" in ask().blocked
    assert len(edgar.log) == 1


def test_a_round_that_takes_too_long_stops_and_says_so(edgar, ask):
    seen = ask(may_go_on=iter([True, False]).__next__)
    assert (seen.asked, len(edgar.log)) == (1, 1)
    assert seen.problems == ["OTHR and those after it: not asked, the round took too long"]


@pytest.mark.parametrize(
    "text",
    [
        None, "", "{", "[]", "7", '{"1": 2}', '{"1": [1, null, null, [["a"]]]}', "null", "[" * 100_000,
        f'{{"1": [{"9" * 400}, null, null, []]}}',
    ],
)  # fmt: skip
def test_a_cursor_that_is_none_starts_anew(text):
    assert load(text) == {}
