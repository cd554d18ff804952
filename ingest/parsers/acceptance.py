"""When a filing became public, from what EDGAR says about it.

Belongs here: the one rule that turns an acceptance time and a filing date into a moment and a day. Does not belong
here: where those come from.

EDGAR's `acceptanceDateTime` ends in "Z" for everyone, but for about a quarter of filers (NVIDIA among them) the clock
is New York's. The SGML header of a submission (`<ACCEPTANCE-DATETIME>`) is always New York time. Where only the
former is at hand, both readings are tried against the filing date, which EDGAR assigns by rule: accepted until 17:30
New York time, the filing is dated that business day; later, the next one. Of the readings that agree with the filing
date the later one is taken, so a doubt never lets a number be known too early.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from ingest.records import FILINGS

NEW_YORK = ZoneInfo("America/New_York")

#: Accepted up to and including this New York time, a filing is dated the same business day.
CUT_OFF = time(17, 30)
#: What comes in on a Friday evening is dated the next business day, which a holiday may put off.
DAYS_AHEAD = 5
#: A time further from the filing date than this says nothing of it: all reports seen lie within five days.
_NEAR = timedelta(days=31)
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6})[0-9]{0,3})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)

#: Filings with the moment and the day they were public; `known_at` is New York time with its offset.
KNOWN_FILINGS = pa.schema(
    [*FILINGS, ("known_at", pa.string()), ("known_from", pa.date32()), ("known_from_basis", pa.string())]
)


class Acceptance(NamedTuple):
    """When a filing became public.

    `known_at`: the moment, New York time; null where no acceptance time is at hand.
    `known_from`: the first New York day on which a reader who asks by date has it.
    `basis`: header, new_york_clock, utc_clock, filing_date, contradiction (neither reading fits the filing date),
    unreadable_time (what stands for the acceptance time is none, or one of another month: the filing date counts), or
    unknown (not even a filing date is at hand).
    """

    known_at: datetime | None
    known_from: date | None
    basis: str


def edgar_date(moment: datetime) -> date:
    """The filing date EDGAR gives a submission accepted at `moment` (New York time), federal holidays not counted."""
    day = moment.date()
    if moment.time() > CUT_OFF:
        day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def accepted(received: str | None, filed_on: date, *, header: bool = False) -> Acceptance:
    """When a filing was public.

    :param received: acceptance time as served: ISO text with a "Z" of doubtful meaning, or 14 digits of an SGML header.
    :param filed_on: EDGAR's filing date.
    :param header: `received` comes from the submission's own header and is New York time.
    """
    if not received:
        return Acceptance(None, filed_on, "filing_date")
    naive = _header_clock(received) if header else wall_clock(received)
    if naive is None or abs(naive.date() - filed_on) > _NEAR:
        return Acceptance(None, filed_on, "unreadable_time")
    if header:
        moment = naive.replace(tzinfo=NEW_YORK)
        return Acceptance(moment, max(filed_on, edgar_date(moment)), "header")
    readings = {
        "new_york_clock": naive.replace(tzinfo=NEW_YORK),
        "utc_clock": naive.replace(tzinfo=UTC).astimezone(NEW_YORK),
    }
    # New York is behind UTC, so the reading as New York's clock is always the later one.
    for basis, moment in readings.items():
        if edgar_date(moment) == filed_on:
            return Acceptance(moment, filed_on, basis)
    # A holiday, or a clock that is neither: the later of all.
    moment = readings["new_york_clock"]
    return Acceptance(moment, max(filed_on, edgar_date(moment)), "contradiction")


def wall_clock(received: Any) -> datetime | None:
    """The wall-clock part of an ISO time to the second, whatever zone it claims; None where it is no such time.

    By a pattern of our own: what Python's own reading takes for ISO differs from version to version. A year in which a
    zone or a day's step would leave the calendar is none either.
    """
    found = _ISO.fullmatch(received.strip()) if isinstance(received, str) else None
    if not found:
        return None
    *parts, fraction = found.groups("0")
    return _moment(*map(int, [*parts, fraction.ljust(6, "0")]))


def _header_clock(received: str) -> datetime | None:
    found = re.fullmatch("([0-9]{4})" + "([0-9]{2})" * 5, received.strip())
    return _moment(*map(int, found.groups())) if found else None


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int, fraction: int = 0) -> datetime | None:
    try:
        moment = datetime(year, month, day, hour, minute, second, fraction)
        return moment if date.min.year < year < date.max.year else None
    except ValueError:
        return None


def with_acceptance(filings: pa.Table) -> pa.Table:
    """Filings (schema FILINGS) with the moment and the day each was public, schema KNOWN_FILINGS."""
    known = [
        accepted(received, filed_on) if filed_on else Acceptance(None, None, "unknown")
        for received, filed_on in zip(
            filings["accepted_at_received"].to_pylist(), filings["filed_on"].to_pylist(), strict=True
        )
    ]
    columns = {
        "known_at": [k.known_at.isoformat() if k.known_at else None for k in known],
        "known_from": [k.known_from for k in known],
        "known_from_basis": [k.basis for k in known],
    }
    for name, values in columns.items():
        filings = filings.append_column(KNOWN_FILINGS.field(name), pa.array(values, KNOWN_FILINGS.field(name).type))
    return filings
