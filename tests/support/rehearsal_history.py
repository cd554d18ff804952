"""What is known of the companies of the watch list: calendars, habits, and amounts by quarter and day.

Belongs here: reading the bundle and the published marts for a rehearsal. Does not belong here: anything to come.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.companies import Company, MetricConcept, watch_list
from ingest.edgar.fetch import DOCUMENT_KINDS
from ingest.shipping import Bundle
from support.rehearsal_oracle import FORMULAS, Pencil, by_metric

Row = dict[str, Any]
MILLION = 1_000_000
#: Companies whose quarters end on a weekday (Monday is 0), and the one whose odd week falls into the first quarter.
WEEKDAY, ODD_WEEK_FIRST = {"NVDA": 6, "AAPL": 5, "AMD": 5, "MRVL": 5}, "AAPL"
#: NVIDIA's metrics and their columns of the mart; capex as the same five columns.
NVIDIA_COLUMNS = {
    f"{name}_revenue": f"{name}_usd"
    for name in ("data_center", "compute", "networking", "hyperscale", "ai_clouds_industrial_enterprise")
} | {"total_revenue": "total_revenue_usd"}
CAPEX = "ticker, 'capex_' || capex_basis, period_end, capex_usd"
#: Columns of a report where no earlier one shows them: how many quarters, ending how many quarters ago.
_CASH_FLOW = {n: ((n, 0), (n, 4)) for n in (1, 2, 3)} | {4: ((4, 0), (4, 4), (4, 8))}
_INCOME = {1: _CASH_FLOW[1], 4: _CASH_FLOW[4]} | {n: ((1, 0), (1, 4), (n, 0), (n, 4)) for n in (2, 3)}


# --- the fiscal calendar --------------------------------------------------------------------------


def _last_day(year: int, month: int, weekday: int | None = None) -> date:
    last = date(year, month, calendar.monthrange(year, month)[1])
    return last if weekday is None else last - timedelta((last.weekday() - weekday) % 7)


@cache
def quarter_end(company: Company, number: int) -> date:
    """The last day of a fiscal quarter; `number` is four times the fiscal year, plus 0 for its first quarter."""
    year, quarter = divmod(number, 4)
    month, weekday = company.fiscal_year_end_month, WEEKDAY.get(company.ticker)
    if weekday is None:
        at_year, at_month = divmod(year * 12 + month - 1 - 3 * (3 - quarter), 12)
        return _last_day(at_year, at_month + 1)
    if quarter == 3 or company.ticker == ODD_WEEK_FIRST:
        return _last_day(year, month, weekday) - timedelta(91 * (3 - quarter))
    return _last_day(year - 1, month, weekday) + timedelta(91 * (quarter + 1))


def quarter_start(company: Company, number: int) -> date:
    return quarter_end(company, number - 1) + timedelta(1)


def quarter_at(company: Company, day: date) -> int:
    """The quarter whose last day is nearest."""
    guess = day.year * 4 + (day.month - 1) // 3
    return min(range(guess - 6, guess + 10), key=lambda n: abs((quarter_end(company, n) - day).days))


# --- lines ----------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A line of a statement."""

    concept: str
    dimensions: str


def lines_of(company: Company, period_end: date, filed_on: date) -> dict[str, Line]:
    """The lines by which a company states its metrics on a day, the preferred one of each."""
    found: dict[str, MetricConcept] = {}
    for way in sorted(company.metrics, key=lambda way: -way.priority):
        is_valid = (way.valid_from or date.min) <= period_end <= (way.valid_to or date.max)
        if is_valid and (way.filed_from or date.min) <= filed_on <= (way.filed_to or date.max):
            found[way.metric] = way
    return {metric: Line(way.concept, way.dimensions) for metric, way in found.items()}


def _filed(rows: list[Row]) -> tuple[date, str]:
    return rows[0]["filed_on"], rows[0]["accession"]


class History:
    """The bundle and the published marts, by company, line and quarter.

    :ivar own: accession -> rows of a filing's own document; `other`: those that company facts carry of it.
    :ivar reports: (CIK, quarter) -> accessions of the periodic reports on it, oldest first.
    :ivar concepts: what is kept of the bundle: those of the watch list, and revenue. The rest moves no number.
    """

    def __init__(self, bundle: Bundle, published: Path) -> None:
        self.companies = watch_list()
        self._by_cik = {company.cik: company for company in self.companies}
        self.concepts = {way.concept for company in self.companies for way in company.metrics}
        self.concepts |= {"us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax", "ifrs-full:Revenue"}
        self.own: dict[str, list[Row]] = defaultdict(list)
        self.other: dict[str, list[Row]] = defaultdict(list)
        self._filings = {row["accession"]: row for row in bundle.filings.to_pylist()}
        wanted = pc.is_in(bundle.facts["concept"], pa.array(sorted(self.concepts)))
        shares = pc.match_substring(bundle.facts["concept"], "ConcentrationRiskPercentage")
        for row in bundle.facts.filter(pc.or_(wanted, shares)).to_pylist():
            (self.own if row["source_kind"] in DOCUMENT_KINDS else self.other)[row["accession"]].append(row)
        self.reports = dict(self._reports())
        self._amounts: dict[tuple[str, str, int], list[tuple[date, int]]] = defaultdict(list)
        self._read_amounts(published)
        self._work_out_the_rest()
        self._shapes = dict(self._columns())

    def company(self, cik: str) -> Company:
        return self._by_cik[cik]

    def filing(self, accession: str) -> Row:
        """Its row of the bundle's list of filings."""
        return self._filings[accession]

    def until(self, day: date) -> Iterator[tuple[str, list[Row]]]:
        """Every filing up to a day with its rows, oldest first; one of both kinds twice."""
        both = [*self.own.items(), *self.other.items()]
        yield from sorted(
            ((a, rows) for a, rows in both if rows[0]["filed_on"] <= day), key=lambda item: _filed(item[1])
        )

    def stated(self, accession: str) -> list[Row]:
        """The rows of a filing's own document, else those of company facts."""
        return self.own.get(accession) or self.other[accession]

    def _reports(self) -> Iterator[tuple[tuple[str, int], list[str]]]:
        found: dict[tuple[str, int], list[tuple[date, str]]] = defaultdict(list)
        for accession in self.own.keys() | self.other.keys():
            rows = [row for row in self.stated(accession) if row["period_start"]]
            if rows and rows[0]["form"].startswith(("10-K", "10-Q")):
                company, end = self.company(rows[0]["cik"]), max(row["period_end"] for row in rows)
                number = quarter_at(company, end)
                if abs((quarter_end(company, number) - end).days) <= 7:
                    found[company.cik, number].append(_filed(rows))
        return ((key, [accession for _, accession in sorted(filed)]) for key, filed in found.items())

    # Amounts ----------------------------------------------------------------------------------

    def known(self, ticker: str, metric: str, number: int, day: date) -> int | None:
        """The amount of a quarter as it was known on `day`, or as first known later; None where it never was."""
        versions = self._amounts.get((ticker, metric, number), [])
        return next((usd for on, usd in reversed(versions) if on <= day), versions[0][1] if versions else None)

    def newest(self, company: Company, metric: str) -> int:
        """The last quarter of which an amount is known. Nothing is made up before it: the filings would contradict."""
        known = [n for t, m, n in self._amounts if (t, m) == (company.ticker, metric)]
        return max(known, default=quarter_at(company, max(filing["filed_on"] for filing in self._filings.values())))

    def first_said(self, ticker: str, number: int) -> date:
        """The day the first amount of a quarter was public: its report cannot have come before."""
        days = [min(said)[0] for (t, _, n), said in self._amounts.items() if (t, n) == (ticker, number)]
        return min(days, default=date.min)

    def _read_amounts(self, published: Path) -> None:
        """What the marts said of each quarter, by the day they said it."""
        nvidia = "marts.nvidia_data_center_revenue_versions"
        selects = [
            f"select 'NVDA', '{metric}', period_end, {column}, known_from from {nvidia}"
            for metric, column in NVIDIA_COLUMNS.items()
        ]
        selects.append(f"select {CAPEX}, known_from from marts.hyperscaler_capex_versions")
        tickers = {company.ticker: company for company in self.companies}
        with duckdb.connect(str(published), read_only=True) as con:
            for ticker, metric, end, usd, day in con.execute(" union all ".join(selects) + " order by all").fetchall():
                if usd is not None:
                    self._amounts[ticker, metric, quarter_at(tickers[ticker], end)].append((day, usd))
        for versions in self._amounts.values():
            versions.sort()

    def _work_out_the_rest(self) -> None:
        """Lines that no mart shows by themselves: from the filings, or as what two of the marts' numbers leave."""
        pencil, shown = Pencil(), {(ticker, metric) for ticker, metric, _ in self._amounts}
        for _, rows in self.until(date.max):
            company, day = self.company(rows[0]["cik"]), rows[0]["filed_on"]
            new = by_metric(company, rows)
            for metric in [m for m in new if (company.ticker, m) not in shown]:
                for number in {quarter_at(company, end) for _, end in new[metric]}:
                    period = (quarter_start(company, number), quarter_end(company, number))
                    for usd in pencil.quarter(company, metric, period, new, day):
                        self._amounts[company.ticker, metric, number].append((day, usd))
            pencil.note(company, new, day)
        for (ticker, whole), (base, sign, part) in FORMULAS.items():
            for number in [n for t, m, n in self._amounts if (t, m) == (ticker, whole)]:
                day, usd = self._amounts[ticker, whole, number][-1]
                of_base = self._amounts.get((ticker, base, number))
                if of_base and (ticker, part, number) not in self._amounts:
                    self._amounts[ticker, part, number].append((day, sign * (usd - of_base[-1][1])))

    # Habits -----------------------------------------------------------------------------------

    def shape(self, company: Company, metric: str, line: Line, number: int) -> tuple[tuple[int, int], ...]:
        """The columns that a line has in a report on such a quarter."""
        default = _INCOME if metric.endswith("_revenue") else _CASH_FLOW
        return self._shapes.get((company.cik, line, number % 4), default[number % 4 + 1])

    def _columns(self) -> Iterator[tuple[tuple[str, Line, int], tuple[tuple[int, int], ...]]]:
        """From every report, the newest last."""
        for (cik, number), accessions in sorted(self.reports.items(), key=lambda item: item[0][1]):
            company = self.company(cik)
            columns: dict[Line, set[tuple[int, int]]] = defaultdict(set)
            for row in [row for a in accessions for row in self.stated(a) if row["period_start"]]:
                quarters = round((row["period_end"] - row["period_start"]).days / 91.3)
                back = number - quarter_at(company, row["period_end"])
                columns[Line(row["concept"], row["dimensions"])].add((quarters, back))
            for line, shape in columns.items():
                if (number % 4 + 1, 0) in shape:
                    yield (cik, line, number % 4), tuple(sorted(shape))

    def lags(self, company: Company, number: int) -> list[int]:
        """Days from a quarter's end to its report, as this company has kept them."""
        is_year = number % 4 == 3
        found = [
            (self.stated(accessions[0])[0]["filed_on"] - quarter_end(company, n)).days
            for (cik, n), accessions in self.reports.items()
            if cik == company.cik and (n % 4 == 3) == is_year
        ]
        return sorted(lag for lag in found if 15 <= lag <= 75) or ([58] if is_year else [32])
