"""What can be wrong with a filing on its way, and what must come of it.

Belongs here: one class of fault a row: how it changes an arrival, its document, its line in the list or EDGAR's
answers, and its outcome. Does not belong here: how the outcome is checked.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from support import fake_edgar, xbrl
from support.rehearsal_filings import Arrival
from support.rehearsal_history import Row, quarter_at, quarter_start

#: The number is published within the run; within the run after the next day's; or the value, not the filing, is
#: set aside by name, until an amendment brings the right one.
PUBLISHED, LATER, SET_ASIDE = "published", "later", "set aside"

Document = Callable[[bytes], bytes]


@dataclass
class Played:
    """What a fault does on the first day that a filing is listed; empty: nothing."""

    document: Document = bytes
    #: Columns of its line in the list of filings that differ.
    line: dict[str, str | None] | None = None
    #: Without the files that hold the facts.
    bare_index: bool = False
    #: Answers in the place of the documents.
    answer: fake_edgar.Fault | None = None


class Fault(NamedTuple):
    name: str
    outcome: str
    play: Callable[[Arrival, random.Random], Played | None]  # None: it does not fit this filing


# --- amounts and periods --------------------------------------------------------------------------


def _current(arrival: Arrival, line: tuple[str, str] | None) -> list[Row]:
    """The rows on the filing's own period; of one line, or of all."""
    own = [
        r for r in arrival.rows if r["period_end"] == arrival.report_end and r["period_start"] and r["unit"] == "USD"
    ]
    return [r for r in own if line in (None, (r["concept"], r["dimensions"]))]


def _headlines(arrival: Arrival) -> list[tuple[str, str]]:
    """The lines that a published number rests on."""
    wanted = [w for w in arrival.company.metrics if w.metric.startswith("capex") or w.metric == "data_center_revenue"]
    have = {(r["concept"], r["dimensions"]) for r in _current(arrival, None)}
    return sorted({(w.concept, w.dimensions) for w in wanted} & have)


def _change(arrival: Arrival, rows: list[Row], by: Callable[[Row], object]) -> Played | None:
    for row in rows:
        by(row)
    arrival.touched = rows
    return Played() if rows else None


def _times(arrival: Arrival, rng: random.Random, *, over: int, by: int, whole: bool = False) -> Played | None:
    """Amounts times `by` over `over`: of one line on the filing's period, or of the whole document."""
    lines = _headlines(arrival)
    if not lines:
        return None
    rows = [r for r in arrival.rows if r["unit"] == "USD"] if whole else _current(arrival, rng.choice(lines))
    return _change(arrival, rows, lambda r: r.update(value=r["value"] * by // over, decimals="0"))


def _part_above_total(arrival: Arrival, _: random.Random) -> Played | None:
    part = next((line for line in _headlines(arrival) if "DataCenter" in line[1]), None)
    totals = {r["period_start"]: r["value"] for r in _current(arrival, ("us-gaap:Revenues", ""))}
    rows = [r for r in _current(arrival, part) if r["period_start"] in totals] if part else []
    return _change(arrival, rows, lambda r: r.update(value=totals[r["period_start"]] * 6 // 5, decimals="0"))


def _shifted(arrival: Arrival, rng: random.Random, *, days: int) -> Played | None:
    def shift(row: Row) -> None:
        row.update({name: row[name] + timedelta(days) for name in ("period_start", "period_end")})

    # Dated back, a line that a report may leave out is a comparative like any other.
    required = {(way.concept, way.dimensions) for way in arrival.company.metrics if way.required}
    lines = [line for line in _headlines(arrival) if days > 0 or line in required]
    return _change(arrival, _current(arrival, rng.choice(lines)), shift) if lines else None


def _half_years_dates(arrival: Arrival, _: random.Random) -> Played | None:
    """The quarter's amount under the dates of the year to date, whose own amount is not there."""
    number = quarter_at(arrival.company, arrival.report_end)
    start = quarter_start(arrival.company, number - number % 4)
    for line in _headlines(arrival):
        rows = _current(arrival, line)
        quarter = [r for r in rows if (r["period_end"] - r["period_start"]).days < 120]
        if quarter and number % 4:
            arrival.rows = [r for r in arrival.rows if r not in rows or r in quarter]
            return _change(arrival, quarter, lambda r: r.update(period_start=start))
    return None


def _one_leg(arrival: Arrival, _: random.Random) -> Played | None:
    """Last year's amount to date comes again with another value; its shorter part does not."""
    for line in _headlines(arrival):
        rows = [r for r in arrival.rows if (r["concept"], r["dimensions"]) == line]
        before = [r for r in rows if (arrival.report_end - r["period_end"]).days in range(355, 380)]
        if len(before) == 1 and (before[0]["period_end"] - before[0]["period_start"]).days > 140:
            before[0].update(value=int(before[0]["value"]) * 21 // 20, decimals="0")
            return Played()
    return None


# --- the document ---------------------------------------------------------------------------------


def _appended(body: bytes, fact: str, inline: bool) -> bytes:
    return body.replace(
        b"</body>" if inline else b"</xbrli:xbrl>", fact.encode() + (b"</body>" if inline else b"</xbrli:xbrl>")
    )


def _unit(body: bytes) -> str:
    found = re.search(rb'<xbrli:unit id="(\w+)"', body)
    assert found
    return found[1].decode()


def _conflict(arrival: Arrival, _: random.Random) -> Played:
    """Two values for a line that no number rests on."""

    def document(body: bytes) -> bytes:
        write = partial(xbrl.non_fraction, format="ixt:num-dot-decimal") if arrival.is_inline else xbrl.fact
        where = dict(contextRef="c0", unitRef=_unit(body), decimals="-6")
        facts = [write(text, "us-gaap:Goodwill", **where) for text in ("4190000000", "4193000000")]
        return _appended(body, "".join(facts), arrival.is_inline)

    return Played(document)


def _words(arrival: Arrival, rng: random.Random) -> Played:
    """A number in words, in one of the forms that the SEC's registry allows."""
    arrival.is_inline = True
    text = rng.choice(("nil", "fifteen hundred", "twenty\u2013one", "One Thousand And Five", "no", "None"))

    def document(body: bytes) -> bytes:
        where = dict(contextRef="c0", unitRef=_unit(body), decimals="0", format="ixt-sec:numwordsen")
        return _appended(body, f"<p>{xbrl.non_fraction(text, 'us-gaap:LongTermDebt', **where)}</p>", True)

    return Played(document)


def _prefix(arrival: Arrival, rng: random.Random) -> Played:
    """The same names under another prefix."""
    arrival.is_inline = False
    old = rng.choice(("us-gaap", "dei", *({"nvda"} if arrival.company.ticker == "NVDA" else ())))

    def document(body: bytes) -> bytes:
        body = body.replace(f"xmlns:{old}=".encode(), b"xmlns:other26=")
        return re.sub(rf"(?<=[<>/\"]){old}:".encode(), b"other26:", body)

    return Played(document)


# --- the list, the index, the answers -------------------------------------------------------------


def _odd_acceptance(arrival: Arrival, rng: random.Random) -> Played:
    day = arrival.filed_on
    odd = (f"{day:%Y%m%d}163107", f"{day}T23:59:60.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.000Z")
    arrival.accepted = rng.choice((*odd, f"{day}T24:00:00.000Z"))
    return Played()


def _line(arrival: Arrival, _: random.Random, **columns: str | None) -> Played:
    return Played(line={name: value and value.format(arrival) for name, value in columns.items()})


def _refused(_: Arrival, __: random.Random, *, answer: fake_edgar.Fault) -> Played:
    return Played(answer=answer)


def _late(arrival: Arrival, rng: random.Random) -> Played:
    """Listed days after the day it is dated."""
    arrival.listed_on = arrival.filed_on + timedelta(rng.choice((2, 5, 9)))
    return Played()


def _twice(arrival: Arrival, rng: random.Random) -> Played | None:
    """An amendment on the very day, with the right amounts: the rehearsal adds it."""
    lines = _headlines(arrival)
    if not lines:
        return None
    for row in _current(arrival, rng.choice(lines)):
        row.update(value=int(row["value"]) * 51 // 50, decimals="0")
    return Played()


SAME_DAY = Fault("an amendment of the same day by another agent", PUBLISHED, _twice)
FAULTS = (
    Fault("a line times 1,000", SET_ASIDE, partial(_times, by=1000, over=1)),
    Fault("a document times 1,000", SET_ASIDE, partial(_times, by=1000, over=1, whole=True)),
    Fault("a line divided by 1,000", SET_ASIDE, partial(_times, by=1, over=1000)),
    Fault("a line that is zero", SET_ASIDE, partial(_times, by=0, over=1)),
    Fault("a sign turned round", SET_ASIDE, partial(_times, by=-1, over=1)),
    Fault("a part above its total", SET_ASIDE, _part_above_total),
    Fault("a line dated a year ahead", SET_ASIDE, partial(_shifted, days=364)),
    Fault("a line dated a quarter back", SET_ASIDE, partial(_shifted, days=-91)),
    Fault("a quarter under the dates of the year to date", SET_ASIDE, _half_years_dates),
    Fault("one leg of last year restated", PUBLISHED, _one_leg),
    Fault("two values for a line of no use", PUBLISHED, _conflict),
    Fault("a number in words", PUBLISHED, _words),
    Fault("another prefix", PUBLISHED, _prefix),
    Fault("an odd acceptance time", PUBLISHED, _odd_acceptance),
    Fault("listed late", PUBLISHED, _late),
    SAME_DAY,
    Fault("no filing date at first", LATER, partial(_line, filingDate="")),
    Fault("no form at first", LATER, partial(_line, form=None)),
    Fault("a form with a blank at first", LATER, partial(_line, form="{0.form} ")),
    Fault("an index without XBRL at first", LATER, lambda *_: Played(bare_index=True)),
    Fault("503 at first", LATER, partial(_refused, answer=fake_edgar.status(503))),
    Fault(
        "503 with an endless Retry-After", LATER, partial(_refused, answer=fake_edgar.status(503, Retry_After="9" * 18))
    ),
)
