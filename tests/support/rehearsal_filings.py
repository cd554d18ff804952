"""The reports to come: which company files what on which day, with amounts that follow from what it filed before.

Belongs here: real rows where the bundle holds the filing, made ones where it does not. Does not belong here: faults,
serving, judging.

What a report states is real as far as it can be: the rows of its own document, else those that company facts carry of
its accession, else the amounts that the published marts gave for those quarters on that day. From the last known
quarter on amounts grow by seeded factors. Nothing depends on anything but the bundle, the marts and the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import pyarrow as pa

from ingest.companies import Company
from ingest.records import FACTS
from support.rehearsal_history import MILLION, History, Line, Row, lines_of, quarter_at, quarter_end, quarter_start

#: Who files for a company: itself, or an agent. Numbers of different agents have no order.
AGENTS = ("0000950170", "0001193125", "0001628280")
#: Children of NVIDIA's data center, and the quarters they are stated for.
CHILDREN = {
    ("compute_revenue", "networking_revenue"): (date(2019, 1, 1), date(2026, 1, 31)),
    ("hyperscale_revenue", "ai_clouds_industrial_enterprise_revenue"): (date(2026, 4, 1), date.max),
}
#: From one quarter to the next.
GROWTH = (0.75, 0.9, 0.97, 1.03, 1.08, 1.15, 1.25, 1.5)
#: Parts of capex beside it, where no amount of theirs is known.
SHARE_OF_CAPEX = {
    "capex_cash_net_of_proceeds": 0.98,
    "ppe_sale_proceeds": 0.04,
    "finance_lease_principal_payments": 0.04,
    "finance_lease_assets_obtained": 0.04,
}
FOREIGN = "TSM"  # a 20-F a year, in its own currency


@dataclass
class Arrival:
    """One filing as it comes; what is wrong with it, if anything, is in the last fields."""

    company: Company
    accession: str
    form: str
    filed_on: date
    report_end: date
    rows: list[Row]
    accepted: str
    is_inline: bool = False
    #: The day it is listed; None: the day it was filed.
    listed_on: date | None = None
    #: The name of a fault (rehearsal_faults), and the rows that it made wrong.
    fault: str = ""
    touched: list[Row] = field(default_factory=list)

    @property
    def day(self) -> date:
        return self.listed_on or self.filed_on

    @property
    def stem(self) -> str:
        return f"{self.company.ticker.lower()}-{self.report_end:%Y%m%d}"

    @property
    def document(self) -> str:
        return self.stem + (".htm" if self.is_inline else "_htm.xml")

    @property
    def table(self) -> pa.Table:
        return pa.Table.from_pylist(self.rows, FACTS)

    def __str__(self) -> str:
        wrong = f" with {self.fault}" if self.fault else ""
        return f"{self.company.ticker} {self.form} {self.accession} to {self.report_end} of {self.filed_on}{wrong}"


class Press(NamedTuple):
    """NVIDIA's own word on a quarter, before or with the filing: a row of the curated figures."""

    day: date
    row: dict[str, str]


class Future:
    """What will be filed after `start`, drawn from `rng`; amounts that nobody knows yet are made once and kept."""

    def __init__(self, history: History, start: date, rng: random.Random) -> None:
        self._history, self._start, self._rng = history, start, rng
        self._made: dict[tuple[str, str, int], int] = {}
        self._recast: dict[tuple[str, str, int], int] = {}
        self._serial = 0

    def arrivals(self, quarters: int) -> list[Arrival]:
        """Every company's reports from the last one at hand to `quarters` after the start, in the order they come."""
        found = [a for company in self._history.companies for a in self._of(company, quarters)]
        return sorted(found, key=lambda a: (a.day, a.accession))

    def amendment(self, arrival: Arrival, days: int) -> Arrival:
        """The same report again, `days` later and half an hour, by somebody else."""
        filed_on = _business_day(arrival.filed_on + timedelta(days))
        about = {"accession": self._accession(arrival.company, filed_on), "filed_on": filed_on}
        about |= {"form": f"{arrival.form}/A"}
        accepted = f"{filed_on}{arrival.accepted[10:].replace(':31:', ':58:')}"
        rows = [row | about for row in arrival.rows]
        return replace(arrival, **about, rows=rows, accepted=accepted, listed_on=None, fault="an earlier one amended")

    def press(self, arrival: Arrival) -> list[Press]:
        """What NVIDIA's press release says of a made quarter, a day before the filing or on it."""
        company, number = arrival.company, quarter_at(arrival.company, arrival.report_end)
        if ("NVDA", "total_revenue", number) not in self._made or company.ticker != "NVDA":
            return []
        day = arrival.filed_on - timedelta(self._rng.choice((0, 1)))
        about = {"company": "NVIDIA", "ticker": "NVDA", "unit": "USD", "qualifier": "exact", "period_type": "quarter"}
        about |= {"period_start": str(quarter_start(company, number)), "period_end": str(arrival.report_end)}
        about |= {"known_on": str(day), "known_on_basis": "published", "source_kind": "press_release"}
        about |= {"source_title": "Results", "source_url": f"https://nvidianews.nvidia.com/news/{arrival.report_end}"}
        about |= {"confidence": "high"}
        metrics = ("data_center_revenue", "total_revenue")
        return [Press(day, about | {"metric": m, "value": str(self._made["NVDA", m, number])}) for m in metrics]

    # Filings ----------------------------------------------------------------------------------

    def _of(self, company: Company, quarters: int) -> Iterator[Arrival]:
        history, now = self._history, quarter_at(company, self._start)
        at_hand = [
            number
            for (cik, number), accessions in history.reports.items()
            if cik == company.cik
            and any(history.own[a][0]["filed_on"] <= self._start for a in accessions if a in history.own)
        ]
        for number in range(max(at_hand, default=now - 5) + 1, now + quarters + 1):
            if real := history.reports.get((company.cik, number)):
                yield from (self._real(company, number, accession) for accession in real)
            elif company.ticker != FOREIGN or number % 4 == 3:
                yield from self._made_up(company, number)

    def _real(self, company: Company, number: int, accession: str) -> Arrival:
        """A filing of the bundle; lines that company facts cannot carry are added to those they do."""
        rows = self._history.stated(accession)
        form, filed_on = rows[0]["form"], rows[0]["filed_on"]
        end = max(row["period_end"] for row in rows)
        if accession not in self._history.own:
            have = {(row["concept"], row["dimensions"]) for row in rows}
            made = self._rows(company, number, filed_on)
            rows = [*rows, *(row for row in made if (row["concept"], row["dimensions"]) not in have)]
        return self._arrival(company, accession, form, filed_on, end, rows)

    def _made_up(self, company: Company, number: int) -> Iterator[Arrival]:
        """A filing nobody has: late once in a while, restating something now and then."""
        end = quarter_end(company, number)
        lag = self._rng.choice(self._history.lags(company, number)) + 25 * (self._rng.random() < 0.04)
        filed_on = _business_day(max(end + timedelta(lag), self._history.first_said(company.ticker, number)))
        if (filed_on - end).days > 120:
            return  # known from a later report alone: that of the quarter is not at hand
        self._maybe_recast(company, number)
        rows = self._rows(company, number, filed_on)
        required = {(way.concept, way.dimensions) for way in company.metrics if way.required}
        if required and not required & {(r["concept"], r["dimensions"]) for r in rows if r["period_end"] == end}:
            return
        form = "20-F" if company.ticker == FOREIGN else "10-K" if number % 4 == 3 else "10-Q"
        yield self._arrival(company, self._accession(company, filed_on), form, filed_on, end, rows)

    def _accession(self, company: Company, filed_on: date) -> str:
        self._serial += 1
        return f"{self._rng.choice((company.cik, *AGENTS))}-{filed_on:%y}-{900_000 + self._serial:06d}"

    def _arrival(
        self, company: Company, accession: str, form: str, filed_on: date, end: date, rows: Iterable[Row]
    ) -> Arrival:
        about = {"cik": company.cik, "accession": accession, "form": form, "filed_on": filed_on}
        about |= {"frame": None, "fy": None, "fp": None}
        exact = [row | about | {"decimals": row["decimals"] or _decimals(row["value"])} for row in rows]
        clock = "T20:31:07.000Z" if company.cik < "0001000000" else "T16:31:07.000Z"  # UTC, or New York's
        return Arrival(company, accession, form, filed_on, end, exact, f"{filed_on}{clock}", self._rng.random() < 0.4)

    def _rows(self, company: Company, number: int, filed_on: date) -> list[Row]:
        """What a report on a quarter states, in the columns that the company's reports have."""
        lines = lines_of(company, quarter_end(company, number), filed_on)
        if company.ticker == FOREIGN or not lines:
            lines = {
                "total_revenue": Line("ifrs-full:Revenue" if company.ticker == FOREIGN else "us-gaap:Revenues", "")
            }
        rows = []
        for metric, line in lines.items():
            for quarters, back in self._history.shape(company, metric, line, number):
                last, first = number - back, number - back - quarters + 1
                parts = [self._amount(company, metric, n, filed_on) for n in range(first, last + 1)]
                if not {self._is_stated(metric, quarter_end(company, n)) for n in (number, last)} - {True}:
                    amount = None if None in parts else sum(filter(None, parts))
                    period = quarter_start(company, first), quarter_end(company, last)
                    rows.append(_row(line, period, amount, "TWD" if company.ticker == FOREIGN else "USD"))
        return [row for row in rows if row["value"] is not None]

    @staticmethod
    def _is_stated(metric: str, end: date) -> bool:
        return all(since <= end <= until for pair, (since, until) in CHILDREN.items() if metric in pair)

    # Amounts ----------------------------------------------------------------------------------

    def _amount(self, company: Company, metric: str, number: int, day: date) -> int | None:
        """Whole dollars of a quarter as a report of `day` states it; None for a past quarter that nobody knows."""
        key = (company.ticker, metric, number)
        if key not in self._made:
            known = self._history.known(*key, day)
            if known is not None or number <= self._history.newest(company, metric):
                return known
            self._made[key] = _millions(self._grown(company, metric, number, day))
        return self._made[key] + self._recast.get(key, 0)

    def _grown(self, company: Company, metric: str, number: int, day: date) -> float:
        for (one, other), (since, until) in CHILDREN.items():
            if metric in (one, other) and since <= quarter_end(company, number) <= until:
                whole = self._amount(company, "data_center_revenue", number, day) or 0
                first = _millions(whole * self._steady(one, number))
                return first if metric == one else whole - first
        if metric == "data_center_revenue":
            return (self._amount(company, "total_revenue", number, day) or 0) * self._steady(metric, number)
        gross = self._before(company, "capex_cash_gross", number, day)
        if metric in SHARE_OF_CAPEX and gross:  # a company that states it gross
            return gross * SHARE_OF_CAPEX[metric]
        past = (self._before(company, metric, n, day) for n in range(number - 1, number - 9, -1))
        before = next(filter(None, past), 0)
        if metric == "total_revenue" and company.ticker != "NVDA":  # it stays above what is spent
            spent = self._before(company, "capex_cash_gross", number, day) or 0
            return max(before or 4 * spent, spent * 5 // 4, 1_000 * MILLION)
        return (before or 2_000 * MILLION) * self._rng.choice(GROWTH)

    def _before(self, company: Company, metric: str, number: int, day: date) -> int | None:
        known = self._history.known(company.ticker, metric, number, day)
        return known or self._made.get((company.ticker, metric, number))

    def _steady(self, metric: str, number: int) -> float:
        """A share that wanders a little from half-year to half-year, the same whenever it is asked for."""
        return 0.6 + 0.25 * random.Random(f"{self._start}{metric}{number // 2}").random()

    def _maybe_recast(self, company: Company, number: int) -> None:
        """Some restate the year before, quarter after quarter, as they report this one; NVIDIA moves money between two
        children of the quarter before, as it did with Hyperscale in August 2026."""
        part = self._made.get(("NVDA", "hyperscale_revenue", number - 1))
        if company.ticker == "NVDA" and number % 4 == 1 and part and self._rng.random() < 0.6:
            for child, sign in zip(
                ("hyperscale_revenue", "ai_clouds_industrial_enterprise_revenue"), (1, -1), strict=True
            ):
                self._recast["NVDA", child, number - 1] = sign * _millions(part * 0.1)
        year_before = (company.ticker, "capex_cash_gross", number - 4)
        goes_on = number % 4 and (*year_before[:2], number - 5) in self._recast
        if year_before in self._made and (goes_on or (number % 4 == 0 and self._rng.random() < 0.3)):
            self._recast[year_before] = _millions(self._made[year_before] * 0.03)


def _row(line: Line, period: tuple[date, date], amount: int | None, unit: str) -> Row:
    about = {"concept": line.concept, "dimensions": line.dimensions, "unit": unit, "decimals": "-6"}
    return about | {"period_start": period[0], "period_end": period[1], "value": amount}


def _millions(usd: float) -> int:
    return round(usd / MILLION) * MILLION


def _decimals(value: Any) -> str:
    return "-6" if value % MILLION == 0 else "INF"


def _business_day(day: date) -> date:
    return day + timedelta(max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)
