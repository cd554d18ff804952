"""What EDGAR says now against what it said before: stale copies are held back, rewrites are told.

Belongs here: comparing two answers of one address, and for how long the older one stays in force. Does not belong here:
getting answers, reading them.

A cache may serve yesterday's answer after today's, so an answer that goes back is refused at first. A stale copy lives
for minutes or hours. What EDGAR still says a day after it was first refused, with no better answer in between, is its
word: it is taken, and told as a contradiction. An operator need not wait (`submissions/CIK`, `companyfacts/CIK`,
accepted in aigap review). Refused or not, filings that only such a list names are fetched: nothing waits for a guard.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ingest.archive import write_atomically
from ingest.companies import Company
from ingest.edgar.holdings import datable
from ingest.parsers.submissions import Submissions
from ingest.records import HELD_BACK, PayloadError
from ingest.rules import FETCHED_FORMS

#: For how long an answer that goes back is held to be a stale copy.
STALE_FOR = timedelta(hours=24)
#: What names a company fact, and what EDGAR must not change about it: it moves `frame` between rows all the time.
FACT, STATED = ("accession", "concept", "unit", "period_start", "period_end"), ("value", "filed_on")


# --- stale? ---------------------------------------------------------------------------------------


def older_list(old: pa.Table, was_received: date, new: pa.Table, received: date) -> str | None:
    """Why a list of filings is older than the one before, None if it is not: its newest day goes back, or a filing of
    that day is gone. Following it would hide filings.

    Only days that EDGAR can have given count: one typing error of 2062 must not make every later list an older one.
    """
    old, new = datable(old, was_received), datable(new, received)
    if not old.num_rows:
        return None
    was, now = pc.max(old["filed_on"]).as_py(), pc.max(new["filed_on"]).as_py()
    last_day = set(old.filter(pc.equal(old["filed_on"], was))["accession"].to_pylist())
    gone = sorted(last_day - set(new["accession"].to_pylist())) if now == was else []
    if now is not None and now >= was and not gone:
        return None
    what = f"filing {gone[0]} of that day is gone" if gone else f"its newest filing is of {now}"
    return f"is older than the archived one, which reaches {was}: {what}"


def fewer_facts(old: pa.Table, was_received: date, new: pa.Table, received: date) -> str | None:
    """Why company facts are older than those before, None if they are not: they only grow."""
    was, now = (pc.max(datable(t, d)["filed_on"]).as_py() for t, d in ((old, was_received), (new, received)))
    if new.num_rows >= old.num_rows and (was is None or (now is not None and now >= was)):
        return None
    return (
        f"hold {new.num_rows} facts filed to {now}; the archived ones hold {old.num_rows} to {was}, and facts only grow"
    )


class _Refused(NamedTuple):
    since: datetime
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.reason}. A stale copy, not used; the next fetch asks again. If EDGAR still says so after "
            f"{self.since + STALE_FOR:%Y-%m-%d %H:%M} UTC it is taken"
        )


class Guards:
    """Which answers are being refused, since when and why: a small file of the archive, losing which costs a day.

    :param lifted: target -> when an operator accepted what was refused until then.
    """

    def __init__(self, root: Path, lifted: Mapping[str, datetime]) -> None:
        self._path = root / "refused.json"
        self._lifted = lifted
        self._refused: dict[str, _Refused] = {}
        try:
            noted = json.loads(self._path.read_bytes())
            for target, (moment, reason) in noted.items():
                self._refused[str(target)] = _Refused(datetime.fromisoformat(moment).astimezone(UTC), str(reason))
        except (OSError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
            self._refused = {}

    def admit(self, target: str, what: str, stale: str | None, now: datetime) -> str | None:
        """Return when an answer may be taken, with a sentence if it goes back all the same.

        :param target: what a decision names, such as submissions/0001045810.
        :param what: the answer in words, such as "the list of filings of CIK 0001045810".
        :param stale: why it is older than the one before, or None.
        :raises PayloadError: it is refused.
        """
        if stale is None:
            self._forget(target)
            return None
        known = self._refused.get(target)
        since = known.since if known else now
        if since > now:  # the clock went back
            since = now
        lifted = self._lifted.get(target)
        if lifted is not None and lifted >= since:
            self._forget(target)
            return f"{what} {stale}. Taken as served: an operator accepted {target}"
        if now - since >= STALE_FOR:
            self._forget(target)
            return f"{what} {stale}. Taken as served: EDGAR has said so since {since:%Y-%m-%d %H:%M} UTC"
        refused = _Refused(since, f"{what} {stale}")
        if known != refused:
            self._refused[target] = refused
            self._write()
        raise PayloadError(f"{refused}; to take it now, accept {target} with aigap review")

    def _forget(self, target: str) -> None:
        if self._refused.pop(target, None) is not None:
            self._write()

    def _write(self) -> None:
        noted = {t: (r.since.isoformat(timespec="seconds"), r.reason) for t, r in sorted(self._refused.items())}
        write_atomically(self._path, json.dumps(noted, indent=1).encode())

    def held_back(self) -> pa.Table:
        """What is refused now, schema HELD_BACK."""
        rows = [
            {"target": target, "cik": target.rpartition("/")[2], "since": refused.since, "reason": str(refused)}
            for target, refused in sorted(self._refused.items())
        ]
        return pa.Table.from_pylist(rows, HELD_BACK)


# --- rewritten? -----------------------------------------------------------------------------------


def rewritten(what: str, old: pa.Table, new: pa.Table, key: Sequence[str], said: Sequence[str]) -> str | None:
    """One sentence about the rows of `old` that are gone from `new`, or state something else there; None if none is.

    :param key: columns that name a row; :param said: those that must not change.
    """
    lost = old.filter(pc.invert(pc.is_in(_lines(old, (*key, *said)), _lines(new, (*key, *said)))))
    if not lost.num_rows:
        return None
    rows = set(zip(_tuples(lost, key), _tuples(lost, said), strict=True))
    name, was = min(rows, key=str)
    instead = [values for other, values in zip(_tuples(new, key), _tuples(new, said), strict=True) if other == name]
    return (
        f"source rewrite: {len(rows)} rows of {what} are gone or changed: {_text(name)} was {_text(was)} and is "
        f"{_text(instead[0]) if instead else 'gone'}. Both answers are archived, and nothing that was known is dropped"
    )


def _lines(table: pa.Table, columns: Sequence[str]) -> pa.Array:
    """Each row as one string; equal rows of two tables of one schema give equal strings."""
    cells = (table[name].combine_chunks().cast(pa.string()) for name in columns)
    return pc.binary_join_element_wise(*cells, "\x1f", null_handling="replace", null_replacement="\0")


def _tuples(table: pa.Table, columns: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in columns), strict=True)


def _text(values: Iterable[Any]) -> str:
    return " ".join(f"{v.normalize():f}" if isinstance(v, Decimal) else str(v) for v in values if v is not None)


def rewritten_list(cik: str, old: pa.Table, new: Submissions) -> str | None:
    """:func:`rewritten` for lists of filings. A row that may have moved to an older page is not gone."""
    oldest = pc.min(new.filings["filed_on"]).as_py() if new.older_pages else None
    periodic = pc.is_in(old["form"], pa.array(sorted(FETCHED_FORMS)))
    still_due = pc.and_(periodic, pc.greater(old["filed_on"], oldest or date.min))
    said = ("form", "filed_on", "accepted_at_received")
    return rewritten(f"the list of filings of CIK {cik}", old.filter(still_due), new.filings, ("accession",), said)


def moved(company: Company, listed: Submissions) -> str | None:
    """Tickers move between CIKs without a link from one to the other (a merger, a new holding)."""
    if listed.tickers is None or company.ticker in listed.tickers:
        return None
    return (
        f"CIK {company.cik} ({listed.company[:60]}) no longer has the ticker {company.ticker}, but "
        f"{', '.join(listed.tickers)[:60] or 'none'}. Its filings are read as before; if another company reports "
        "under that ticker now, change the CIK in ingest/companies.toml"
    )
