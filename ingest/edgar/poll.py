"""Which filings EDGAR lists: asked often, at little cost, and most often when one is due.

Belongs here: when a company is worth asking, and one look at its list of filings. Does not belong here: fetching a
filing (fetch.py), what follows from a new one (orchestration).

A look changes nothing on disk. It keeps what it saw as a Listing, with which the next look is a conditional request.
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time
from typing import NamedTuple

from ingest.companies import Company
from ingest.edgar import urls
from ingest.edgar.client import BlockedError, Client
from ingest.edgar.holdings import Filing, first_day, in_order, list_of, periodic_filings
from ingest.parsers.acceptance import NEW_YORK
from ingest.parsers.submissions import Submissions
from ingest.records import IngestError

#: Days after the last day of a fiscal quarter's last month (fiscal quarters end within a week of it). No 10-Q or 10-K
#: of the watch list since 2012 came before day 12. Large filers have 40 days for a 10-Q and 60 for a 10-K, and 5 and
#: 15 more if they ask for them.
EARLIEST, LAST_OF_QUARTER, LAST_OF_YEAR = 10, 45, 75
#: EDGAR takes filings on weekdays from 06:00 to 22:00 New York time, and shows one within minutes.
OPENS, CLOSES = time(6), time(22, 30)


class Intervals(NamedTuple):
    """Seconds between two looks at a company's list: inside its filing windows, and otherwise."""

    in_window: float = 15 * 60
    otherwise: float = 60 * 60


class Listing(NamedTuple):
    """What a company's list said when it was last asked for: its periodic filings, oldest first.

    :ivar asked_at: epoch seconds of the last attempt, whether or not it was answered.
    """

    asked_at: float
    etag: str | None = None
    last_modified: str | None = None
    filings: tuple[Filing, ...] = ()


class Poll(NamedTuple):
    """What one round of looks gave. `blocked`: why EDGAR must not be asked further for now, None if it may."""

    listings: dict[str, Listing]
    asked: int
    problems: list[str]
    blocked: str | None


# --- when to ask ----------------------------------------------------------------------------------


def in_filing_window(company: Company, moment: datetime) -> bool:
    """True when a periodic filing of the company may appear any minute.

    That is on a weekday during EDGAR's hours, from 10 to 45 days after each of its fiscal quarters, to 75 after its
    fiscal year. Filings outside of it (a late one, an amendment, TSMC's 20-F) are seen at the longer interval.

    :param moment: aware.
    """
    there = moment.astimezone(NEW_YORK)
    if there.weekday() >= 5 or not OPENS <= there.time() <= CLOSES:
        return False
    for back in range(4):  # the window of a year reaches into the third month after it
        year, month = divmod(there.year * 12 + there.month - 1 - back, 12)
        months_on = (month + 1 - company.fiscal_year_end_month) % 12
        if months_on % 3 == 0:
            last_day = date(year, month + 1, calendar.monthrange(year, month + 1)[1])
            days = (there.date() - last_day).days
            if EARLIEST <= days <= (LAST_OF_QUARTER if months_on else LAST_OF_YEAR):
                return True
    return False


def due(
    companies: Collection[Company], listings: Mapping[str, Listing], now: float, intervals: Intervals
) -> list[Company]:
    """The companies to ask now, the longest unasked first: where time is short, all get their turn.

    :param now: epoch seconds.
    """
    moment = datetime.fromtimestamp(now, NEW_YORK)

    def is_due(company: Company) -> bool:
        interval = intervals.in_window if in_filing_window(company, moment) else intervals.otherwise
        # A clock that went back must not silence a company, nor a moment that is none. A tick may come a little early.
        return company.cik not in listings or not 0 <= now - listings[company.cik].asked_at < 0.9 * interval

    unasked = Listing(0.0)
    return sorted(filter(is_due, companies), key=lambda company: listings.get(company.cik, unasked).asked_at)


# --- asking ---------------------------------------------------------------------------------------


def look(
    client: Client, company: Company, since: date | None, last: Listing | None, now: float
) -> tuple[Listing, list[str]]:
    """The company's periodic filings from `since` on (default: its newest 400 days), and what of its list could not be
    understood: one request, conditional where EDGAR gave a validator last time.

    :raises FetchError: EDGAR did not answer. :raises PayloadError: the answer is not this company's list.
    """
    last = last or Listing(now)
    url = urls.submissions(client.hosts, company.cik)
    answer = client.get(url, "json", etag=last.etag, last_modified=last.last_modified)
    if answer.not_modified:
        return last._replace(asked_at=now), []
    listed = list_of(company.cik, answer.body, url)
    filings = _from(since, listed, answer.retrieved_at.date())
    said = [f"{company.ticker}: {' '.join(filter(None, lost))}" for lost in listed.lost]
    return Listing(now, answer.etag, answer.last_modified, filings), said


def _from(since: date | None, listed: Submissions, received: date) -> tuple[Filing, ...]:
    day = first_day(since, listed.filings, received)
    return tuple(in_order(f for f in periodic_filings(listed.filings) if f.filed_on >= day))


def poll(
    client: Client,
    companies: Collection[Company],
    since: Mapping[str, date],
    listings: Mapping[str, Listing],
    now: float,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Poll:
    """Look at the lists of `companies`, one request each; nothing that goes wrong is raised.

    A company that could not be read keeps the listing it had. A refusal by EDGAR ends the round.

    :param listings: by CIK, from the poll before. :param may_go_on: asked before each request.
    """
    seen, asked = dict(listings), 0
    problems: list[str] = []
    try:
        client.check_pause()
    except BlockedError as error:
        return Poll(seen, asked, problems, str(error))
    for company in companies:
        if not may_go_on():
            problems.append(f"{company.ticker} and those after it: not asked, the round took too long")
            break
        asked += 1
        last = seen.get(company.cik)
        try:
            seen[company.cik], said = look(client, company, since.get(company.cik), last, now)
            problems += said
        except BlockedError as error:
            return Poll(seen, asked, problems, str(error))
        except Exception as error:
            # Declared or a mistake of ours: this company keeps what it had, the others are asked.
            reason = str(error) if isinstance(error, IngestError) else f"{type(error).__name__}: {error}"
            problems.append(f"{company.ticker}: {reason}")
            seen[company.cik] = (last or Listing(now))._replace(asked_at=now)
    return Poll(seen, asked, problems, None)


# --- between two polls ----------------------------------------------------------------------------


def dump(listings: Mapping[str, Listing]) -> str:
    """Listings as text, for `load`."""
    return json.dumps(listings, default=str, sort_keys=True)


def load(text: str | None) -> dict[str, Listing]:
    """Listings from the text of `dump`; none from anything else, and every list is asked for anew."""
    try:
        return {
            cik: Listing(
                float(asked_at),
                etag,
                last_modified,
                tuple(Filing(accession, form, date.fromisoformat(day), name) for accession, form, day, name in filings),
            )
            for cik, (asked_at, etag, last_modified, filings) in json.loads(text or "{}").items()
        }
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
