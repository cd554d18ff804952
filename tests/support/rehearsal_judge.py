"""Whether a published file is right after a day's filings, by a pencil's arithmetic and by what it said the day before.

Belongs here: which numbers the filings of a day give and allow, and the comparison with the marts. Does not belong
here: making the file, counting.

A number may change only to a value that a filing of the day gives it; the filing's own quarter must be that value. What
is stated wrongly is nowhere, keeps the number that stood, or is missing, and is named. History before the day stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial

import duckdb

from ingest.companies import Company
from orchestration.history import versioned_marts
from support.rehearsal_filings import Arrival
from support.rehearsal_history import CAPEX, NVIDIA_COLUMNS, History, quarter_at, quarter_end, quarter_start
from support.rehearsal_oracle import FORMULAS, Pencil, by_metric
from support.replay import processed
from warehouse.store.home import Home

Key = tuple[str, str, date]  # ticker, metric, last day of the quarter
Version = tuple[date, date | None, str]  # known from, known to, the row
#: Reports before this one whose quarters a filing may state again.
COMPARATIVES = 12
#: Kinds of source of a figure that was entered by hand: of NVIDIA's filing of 2026-05-20 two comparatives are.
_BY_HAND = ("press_release", "company_filing")


class Judge:
    """What the published file said last, and every statement so far."""

    def __init__(self, home: Home, history: History, start: date) -> None:
        self._home, self._day, self._pencil = home, start, Pencil()
        for _, rows in history.until(start):
            company = history.company(rows[0]["cik"])
            self._pencil.note(company, by_metric(company, rows), rows[0]["filed_on"])
        self._numbers: dict[Key, tuple[int, str]] = {}
        self._versions: dict[str, set[Version]] = {}
        self._allowed: dict[Key, set[int | None]] = {}
        self._expected: dict[Key, set[int]] = {}
        self._press: dict[tuple[str, date], set[int]] = {}
        self._read()

    def at_hand(self, arrival: Arrival) -> bool:
        """True where the published file was made with the filing."""
        return arrival.accession in processed(self._home)

    def after(self, day: date, due: Sequence[Arrival]) -> Iterator[str]:
        """What is wrong with the file published on `day` with the filings `due`."""
        self._allowed, self._expected = defaultdict(set), {}
        for arrival in due:  # by what was published before them
            self._expect(arrival)
        before, versions = self._numbers, dict(self._versions)
        self._read()
        at_hand = processed(self._home)
        for arrival in due:
            if arrival.accession not in at_hand and len(arrival.touched) < len(arrival.rows):
                yield f"the facts of {arrival.accession} are not in the published file"
        yield from self._changes(before)
        since = min([a.filed_on for a in due] + [self._day + timedelta(1)])
        for mart, rows in versions.items():
            was, now = (_as_of(since, of) for of in (rows, self._versions[mart]))
            if was != now:
                yield f"{mart} of days before {since} changed: {_difference(was - now, now - was)}"
        self._day = day

    def unnamed(self, arrival: Arrival) -> bool:
        """True where nobody is told what of this filing is set aside, and what to do."""
        query = "select company is null or reason is null or what_to_do is null from marts.review where accession = ?"
        with duckdb.connect(str(self._home.published), read_only=True) as con:
            try:
                rows = con.execute(query, [arrival.accession]).fetchall()
            except duckdb.CatalogException:
                return True
        return not rows or (True,) in rows

    # ------------------------------------------------------------------------------------------

    def _expect(self, arrival: Arrival) -> None:
        company, touched = arrival.company, {id(row) for row in arrival.touched}
        new = by_metric(company, [row for row in arrival.rows if id(row) not in touched])
        spoilt = by_metric(company, arrival.touched).keys()
        last = quarter_at(company, arrival.report_end)
        combined = {whole for ticker, whole in FORMULAS if ticker == company.ticker}
        for metric in {way.metric for way in company.metrics} | combined:
            for number in range(last - COMPARATIVES, last + 1):
                period = quarter_start(company, number), quarter_end(company, number)
                key = (company.ticker, metric, period[1])
                values = self._pencil.quarter(company, metric, period, new, arrival.filed_on)
                parts = partial(self._sum, company, metric)
                self._allowed[key] |= values | self._pencil.in_doubt(company, metric, period, new, parts)
                if values and (number == last or key in self._expected):  # of one run, the last word
                    self._expected[key] = values
                if metric in spoilt or (arrival.touched and not values):
                    self._allowed[key].add(None)
                    self._expected.pop(key, None)
        self._pencil.note(company, new, arrival.filed_on)

    def _sum(self, company: Company, metric: str, since: date, until: date) -> int | None:
        """What the quarters that are published from one day to before another add up to; None where one is missing."""
        numbers = range(quarter_at(company, since) + 1, quarter_at(company, until) + 1)
        parts = [self._numbers.get((company.ticker, metric, quarter_end(company, n))) for n in numbers]
        return None if None in parts else sum(part[0] for part in parts if part)

    def _changes(self, before: dict[Key, tuple[int, str]]) -> Iterator[str]:
        for key in sorted(before.keys() | self._numbers.keys()):
            was, _ = before.get(key, (None, ""))
            now, source = self._numbers.get(key, (None, ""))
            if key in self._expected and now not in self._expected[key]:
                yield f"{key} is {now}; the filing gives {sorted(self._expected[key])}"
            elif (
                was != now
                and now not in self._allowed.get(key, ())
                and source != "press_release"
                and now not in self._press[key[1:]]
            ):
                yield f"{key} was {was} and is {now}; the filings of the day give no such value"

    def _read(self) -> None:
        columns = [
            f"select 'NVDA', '{metric}', period_end, {column}, source_kind from marts.nvidia_data_center_revenue "
            f"where {column} is not null"
            for metric, column in NVIDIA_COLUMNS.items()
        ]
        with duckdb.connect(str(self._home.published), read_only=True) as con:
            query = " union all ".join([*columns, f"select {CAPEX}, source_kind from marts.hyperscaler_capex"])
            self._numbers = {row[:3]: row[3:] for row in con.execute(query).fetchall()}
            said = f"select metric, period_end, value from marts.citations where source_kind in {_BY_HAND}"
            self._press = defaultdict(set)
            for metric, end, usd in con.execute(said).fetchall():  # a child may be press's where the whole is filed
                self._press[metric, end].add(usd)
            names = con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
            # by name: dbt orders the columns as the contract does, the bare SQL does not
            for mart in versioned_marts(name for (name,) in names):
                described = con.execute(f"describe marts.{mart}_versions").fetchall()
                pairs = ", ".join(f"{name} := {name}" for name in sorted({row[0] for row in described} - {"known_to"}))
                query = f"select known_from, known_to, struct_pack({pairs})::varchar from marts.{mart}_versions"
                self._versions[mart] = set(con.execute(query).fetchall())


def _as_of(since: date, rows: set[Version]) -> set[tuple[date, str]]:
    """What was known before a day: each version, and how far it held by then."""
    return {
        (begun, f"{text} until {ended if ended and ended < since else 'then'}")
        for begun, ended, text in rows
        if begun < since
    }


def _difference(gone: set[tuple[date, str]], new: set[tuple[date, str]]) -> str:
    """The first row that is gone, and from where on what stands in its place differs."""
    if not gone or not new:
        return f"{len(gone)} rows are gone, {len(new)} are new; {min(gone or new)[1][:300]}"
    was = min(gone)[1]
    now = max((row for _, row in new), key=lambda row: _shared(was, row))
    at = max(0, _shared(was, now) - 40)
    return f"{len(gone)} rows, as {was[:90]}: ...{was[at : at + 120]}... is ...{now[at : at + 120]}..."


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin alike with."""
    unlike = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(unlike, min(len(one), len(other)))
