"""The reports to come: which company files what on which day, with amounts that follow from what it filed before.

Belongs here: a company's fiscal calendar, its habits (how late, which columns, which lines), real rows where the bundle
holds the filing, made ones where it does not. Does not belong here: faults, serving, judging.

What a report states is real as far as it can be: the rows of its own document, else those that company facts carry of
its accession, else the amounts that the published marts gave for those quarters on that day. From the last known
quarter on amounts grow by seeded factors. Nothing here depends on anything but the bundle, the marts and the seed.
"""

from __future__ import annotations

import calendar
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.bundle import Bundle
from ingest.companies import Company, MetricConcept, watch_list
from ingest.edgar.fetch import DOCUMENT_KINDS
from ingest.records import FACTS
from support.rehearsal_oracle import FORMULAS, Pencil, by_metric

Row = dict[str, Any]
MILLION = 1_000_000
#: Who files for a company: its own number, or an agent's. Numbers of different agents have no order.
AGENTS = ("0000950170", "0001193125", "0001628280")
#: Companies whose quarters end on a weekday (Monday is 0), and which quarter takes the odd week.
WEEKDAY, ODD_WEEK = {"NVDA": 6, "AAPL": 5, "AMD": 5, "MRVL": 5}, {"AAPL": 1}
#: Children of NVIDIA's data center, from the quarter they were first stated for to the last.
CHILDREN = {
    ("compute_revenue", "networking_revenue"): (date(2019, 1, 1), date(2026, 1, 31)),
    ("hyperscale_revenue", "ai_clouds_industrial_enterprise_revenue"): (date(2026, 4, 1), date.max),
}
#: Columns of a report where no earlier one shows them: how many quarters, ending how many quarters ago.
_CASH_FLOW = {n: ((n, 0), (n, 4)) for n in (1, 2, 3)} | {4: ((4, 0), (4, 4), (4, 8))}
_INCOME = {1: ((1, 0), (1, 4)), 4: _CASH_FLOW[4]} | {n: ((1, 0), (1, 4), (n, 0), (n, 4)) for n in (2, 3)}


# --- the fiscal calendar --------------------------------------------------------------------------


def _last_day(year: int, month: int, weekday: int | None) -> date:
    last = date(year, month, calendar.monthrange(year, month)[1])
    return last if weekday is None else last - timedelta((last.weekday() - weekday) % 7)


@cache
def quarter_end(company: Company, number: int) -> date:
    """The last day of a fiscal quarter; `number` is four times the fiscal year, plus 0 for its first quarter."""
    year, quarter = divmod(number, 4)
    weekday = WEEKDAY.get(company.ticker)
    if weekday is None:
        months = year * 12 + company.fiscal_year_end_month - 1 - 3 * (3 - quarter)
        return _last_day(*_year_and_month(months), None)
    if quarter == 3:
        return _last_day(year, company.fiscal_year_end_month, weekday)
    if ODD_WEEK.get(company.ticker) == 1:
        return _last_day(year, company.fiscal_year_end_month, weekday) - timedelta(91 * (3 - quarter))
    return _last_day(year - 1, company.fiscal_year_end_month, weekday) + timedelta(91 * (quarter + 1))


def _year_and_month(months: int) -> tuple[int, int]:
    return months // 12, months % 12 + 1


def quarter_start(company: Company, number: int) -> date:
    return quarter_end(company, number - 1) + timedelta(1)


def quarter_at(company: Company, day: date) -> int:
    """The quarter whose last day is nearest."""
    guess = day.year * 4 + (day.month - 1) // 3
    return min(range(guess - 6, guess + 10), key=lambda n: abs((quarter_end(company, n) - day).days))


# --- a filing -------------------------------------------------------------------------------------


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
    is_real: bool = False
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


class Line(NamedTuple):
    """A line of a statement."""

    concept: str
    dimensions: str


def lines_of(company: Company, period_end: date, filed_on: date) -> dict[str, Line]:
    """The lines by which a company states its metrics on a day, the preferred one of each."""
    found: dict[str, MetricConcept] = {}
    for way in company.metrics:
        applies = (way.valid_from or date.min) <= period_end <= (way.valid_to or date.max)
        if applies and (way.filed_from or date.min) <= filed_on <= (way.filed_to or date.max):
            if way.metric not in found or way.priority < found[way.metric].priority:
                found[way.metric] = way
    return {metric: Line(way.concept, way.dimensions) for metric, way in found.items()}


class Press(NamedTuple):
    """NVIDIA's own word on a quarter, before or with the filing."""

    day: date
    start: date
    end: date
    metric: str
    usd: int


# --- what is known of the companies ---------------------------------------------------------------


class History:
    """The bundle and the published marts, by company, line and quarter."""

    def __init__(self, bundle: Bundle, published: Path) -> None:
        self.companies = watch_list()
        self._by_cik = {company.cik: company for company in self.companies}
        self.own: dict[str, list[Row]] = defaultdict(list)
        self.other: dict[str, list[Row]] = defaultdict(list)
        self._amounts: dict[tuple[str, str, int], list[tuple[date, int]]] = defaultdict(list)
        self._shapes: dict[tuple[str, Line, int], tuple[tuple[int, int], ...]] = {}
        self._filings = {row["accession"]: row for row in bundle.filings.to_pylist()}
        for row in _of_watched_lines(bundle.facts, self.companies):
            (self.own if row["source_kind"] in DOCUMENT_KINDS else self.other)[row["accession"]].append(row)
        self.newest_own = {
            cik: max(rows[0]["filed_on"] for rows in self.own.values() if rows[0]["cik"] == cik)
            for cik in {rows[0]["cik"] for rows in self.own.values()}
        }
        self.reports = dict(self._find_reports())
        self._read_amounts(published)
        self._work_out_the_rest()
        self._learn_shapes()

    def company(self, cik: str) -> Company:
        return self._by_cik[cik]

    def filing(self, accession: str) -> Row:
        """Its row of the bundle's list of filings."""
        return self._filings[accession]

    def all_rows(self) -> Iterable[Row]:
        """Every row that is kept of the bundle."""
        for rows in (*self.own.values(), *self.other.values()):
            yield from rows

    def _find_reports(self) -> Iterable[tuple[tuple[str, int], list[str]]]:
        """(cik, quarter) -> accessions of the periodic reports on it, oldest first."""
        found: dict[tuple[str, int], list[tuple[date, str]]] = defaultdict(list)
        for accession in self.own.keys() | self.other.keys():
            rows = self.own.get(accession) or self.other[accession]
            spans = [r for r in rows if r["period_start"]]
            if rows[0]["form"].startswith(("10-K", "10-Q")) and spans:
                company, end = self._by_cik[rows[0]["cik"]], max(r["period_end"] for r in spans)
                number = quarter_at(company, end)
                if abs((quarter_end(company, number) - end).days) <= 7:
                    found[company.cik, number].append((rows[0]["filed_on"], accession))
        return ((key, [a for _, a in sorted(pairs)]) for key, pairs in found.items())

    def _read_amounts(self, published: Path) -> None:
        """What the marts said of each quarter, by the day they said it."""
        nvidia = ("data_center", "compute", "networking", "hyperscale", "ai_clouds_industrial_enterprise", "total")
        stated = " union all ".join(
            f"select 'NVDA', '{name}_revenue', period_end, known_from, {name}{'_revenue' * (name == 'total')}_usd "
            f"from marts.nvidia_data_center_revenue_versions where {name}{'_revenue' * (name == 'total')}_usd is not null"
            for name in nvidia
        )
        query = (
            f"{stated} union all select ticker, 'capex_' || capex_basis, period_end, known_from, capex_usd "
            "from marts.hyperscaler_capex_versions order by all"
        )
        tickers = {company.ticker: company for company in self.companies}
        with duckdb.connect(str(published), read_only=True) as con:
            for ticker, metric, end, day, usd in con.execute(query).fetchall():
                self._amounts[ticker, metric, quarter_at(tickers[ticker], end)].append((day, usd))

    def _work_out_the_rest(self) -> None:
        """Lines that no mart shows by themselves: from the filings, or as what two of the marts' numbers leave."""
        pencil, shown = Pencil(), {(ticker, metric) for ticker, metric, _ in self._amounts}
        by_day = sorted((self.own.get(a) or self.other[a] for a in self.own.keys() | self.other.keys()), key=_filed)
        for rows in by_day:
            company, day = self._by_cik[rows[0]["cik"]], rows[0]["filed_on"]
            new = by_metric(company, rows)
            for metric in [m for m in new if (company.ticker, m) not in shown]:
                for number in {quarter_at(company, end) for _, end in new[metric]}:
                    period = (quarter_start(company, number), quarter_end(company, number))
                    for usd in pencil.quarter(company, metric, period, new):
                        self._amounts[company.ticker, metric, number].append((day, usd))
            pencil.note(company, new, day)
        for (ticker, whole), (base, sign, part) in FORMULAS.items():
            for number in {n for t, m, n in list(self._amounts) if (t, m) == (ticker, whole)}:
                said = self._amounts[ticker, whole, number][-1]
                of_base = self._amounts.get((ticker, base, number))
                if of_base and (ticker, part, number) not in self._amounts:
                    self._amounts[ticker, part, number].append((said[0], sign * (said[1] - of_base[-1][1])))

    def _learn_shapes(self) -> None:
        """Which columns each line had in the company's newest report on a first, second, third and fourth quarter."""
        for (cik, number), accessions in sorted(self.reports.items(), key=lambda item: item[0][1]):
            company = self._by_cik[cik]
            columns: dict[Line, set[tuple[int, int]]] = defaultdict(set)
            for row in [r for a in accessions for r in (self.own.get(a) or self.other[a]) if r["period_start"]]:
                end = quarter_at(company, row["period_end"])
                quarters = round((row["period_end"] - row["period_start"]).days / 91.3)
                columns[Line(row["concept"], row["dimensions"])].add((quarters, number - end))
            for line, shape in columns.items():
                if (number % 4 + 1, 0) in shape:
                    self._shapes[cik, line, number % 4 + 1] = tuple(sorted(shape))

    def shape(self, company: Company, metric: str, line: Line, quarter: int) -> tuple[tuple[int, int], ...]:
        default = _INCOME if metric.endswith("_revenue") else _CASH_FLOW
        return self._shapes.get((company.cik, line, quarter), default[quarter])

    def known(self, ticker: str, metric: str, number: int, day: date) -> int | None:
        """The amount of a quarter as it was known on `day`, or as first known later; None where it never was."""
        versions = self._amounts.get((ticker, metric, number), [])
        return next((usd for on, usd in reversed(versions) if on <= day), versions[0][1] if versions else None)

    @cache
    def newest(self, ticker: str, metric: str) -> int:
        """The last quarter of which an amount is known. Nothing is made up before it: the filings would contradict."""
        known = [n for t, m, n in self._amounts if (t, m) == (ticker, metric)]
        return max(known, default=quarter_at(next(c for c in self.companies if c.ticker == ticker), date(2026, 6, 30)))

    def first_said(self, ticker: str, number: int) -> date:
        """The day the first amount of a quarter was public: its report cannot have come before."""
        days = [min(v)[0] for (t, _, n), v in self._amounts.items() if (t, n) == (ticker, number)]
        return min(days, default=date.min)

    def lags(self, company: Company, is_year: bool) -> list[int]:
        """Days from a quarter's end to its report, as this company kept them."""
        found = []
        for (cik, number), accessions in self.reports.items():
            if cik == company.cik and (number % 4 == 3) == is_year:
                filed = (self.own.get(accessions[0]) or self.other[accessions[0]])[0]["filed_on"]
                found.append((filed - quarter_end(company, number)).days)
        return sorted(lag for lag in found if 15 <= lag <= 75) or ([58] if is_year else [32])


def _filed(rows: list[Row]) -> tuple[date, str]:
    return rows[0]["filed_on"], rows[0]["accession"]


def _of_watched_lines(facts: pa.Table, companies: Iterable[Company]) -> list[Row]:
    """The rows of concepts on the watch list, and of any revenue; the rest is most of the bundle and moves no number."""
    concepts = {way.concept for company in companies for way in company.metrics}
    concepts |= {"us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax", "ifrs-full:Revenue"}
    wanted = pc.is_in(facts["concept"], pa.array(sorted(concepts)))
    concentration = pc.match_substring(facts["concept"], "ConcentrationRiskPercentage")
    return facts.filter(pc.or_(wanted, concentration)).to_pylist()


# --- the future -----------------------------------------------------------------------------------


class Future:
    """What will be filed after `start`, drawn from `rng`; amounts that nobody knows yet are made once and kept."""

    def __init__(self, history: History, start: date, rng: random.Random) -> None:
        self.history, self.start, self.rng = history, start, rng
        self._made: dict[tuple[str, str, int], int] = {}
        self._recast: dict[tuple[str, str, int], int] = {}
        self._serial = 0

    def arrivals(self, quarters: int) -> list[Arrival]:
        """Every company's reports from the last one at hand to `quarters` after the start, in the order they come."""
        found = [a for company in self.history.companies for a in self._of(company, quarters)]
        return sorted(found, key=lambda a: (a.day, a.accession))

    def _of(self, company: Company, quarters: int) -> Iterable[Arrival]:
        own = [
            number
            for (cik, number), accessions in self.history.reports.items()
            if cik == company.cik
            and any(a in self.history.own and self.history.own[a][0]["filed_on"] <= self.start for a in accessions)
        ]
        now = quarter_at(company, self.start)
        first = max(own, default=now - 5) + 1
        for number in range(first, now + quarters + 1):
            if not company.metrics and company.ticker == "TSM" and number % 4 != 3:
                continue
            yield from self._reports(company, number)

    def _reports(self, company: Company, number: int) -> Iterable[Arrival]:
        end = quarter_end(company, number)
        real = self.history.reports.get((company.cik, number), [])
        for accession in real:
            rows = self.history.own.get(accession)
            stated = rows or self.history.other[accession]
            filed_on, form = stated[0]["filed_on"], stated[0]["form"]
            made = [] if rows else self._rows(company, number, filed_on)
            have = {(r["concept"], r["dimensions"]) for r in stated}
            kept = [*stated, *(r for r in made if (r["concept"], r["dimensions"]) not in have)]
            yield self._arrival(company, accession, form, filed_on, max(r["period_end"] for r in stated), kept, True)
        if real:
            return
        lag = self.rng.choice(self.history.lags(company, number % 4 == 3)) + 25 * (self.rng.random() < 0.04)
        filed_on = _business_day(max(end + timedelta(lag), self.history.first_said(company.ticker, number)))
        form = "20-F" if company.ticker == "TSM" else "10-K" if number % 4 == 3 else "10-Q"
        if (filed_on - end).days > 120:
            return  # known from a later report alone: that of the quarter is not at hand
        self._maybe_recast(company, number)
        rows = self._rows(company, number, filed_on)
        required = {(w.concept, w.dimensions) for w in company.metrics if w.required}
        if required and not {(r["concept"], r["dimensions"]) for r in rows if r["period_end"] == end} & required:
            return
        yield self._arrival(company, self.new_accession(company, filed_on), form, filed_on, end, rows, False)

    def new_accession(self, company: Company, filed_on: date) -> str:
        self._serial += 1
        return f"{self.rng.choice((company.cik, *AGENTS))}-{filed_on:%y}-{900_000 + self._serial:06d}"

    def _arrival(
        self, company: Company, accession: str, form: str, filed_on: date, end: date, rows: list[Row], is_real: bool
    ) -> Arrival:
        about = {"cik": company.cik, "accession": accession, "form": form, "filed_on": filed_on, "frame": None}
        exact = [r | about | {"decimals": r["decimals"] or _decimals(r["value"]), "fy": None, "fp": None} for r in rows]
        clock = "T20:31:07.000Z" if company.cik < "0001000000" else "T16:31:07.000Z"  # UTC, or New York's
        arrival = Arrival(company, accession, form, filed_on, end, exact, f"{filed_on}{clock}", is_real)
        return replace(arrival, is_inline=self.rng.random() < 0.4)

    # Amounts ----------------------------------------------------------------------------------

    def amount(self, company: Company, metric: str, number: int, day: date) -> int | None:
        """Whole dollars of a quarter as a report of `day` states it; None for a past quarter that nobody knows."""
        made = self._made.get((company.ticker, metric, number))
        if made is None:
            known = self.history.known(company.ticker, metric, number, day)
            if known is not None or number <= self.history.newest(company.ticker, metric):
                return known
            made = self._made[company.ticker, metric, number] = self._grown(company, metric, number, day)
        return made + self._recast.get((company.ticker, metric, number), 0)

    def _grown(self, company: Company, metric: str, number: int, day: date) -> int:
        for (one, other), (since, until) in CHILDREN.items():
            if metric in (one, other) and since <= quarter_end(company, number) <= until:
                whole = self.amount(company, "data_center_revenue", number, day) or 0
                first = _millions(whole * self._steady(company, one, number))
                return first if metric == one else whole - first
        if metric == "data_center_revenue":
            whole = self.amount(company, "total_revenue", number, day) or 0
            return _millions(whole * self._steady(company, metric, number))
        if metric == "capex_cash_net_of_proceeds" and company.ticker == "META":
            return _millions((self.amount(company, "capex_cash_gross", number, day) or 0) * 0.98)
        if metric in ("ppe_sale_proceeds", "finance_lease_principal_payments", "finance_lease_assets_obtained"):
            return _millions((self.amount(company, "capex_cash_gross", number, day) or 0) * 0.04)
        before = next(filter(None, (self._before(company, metric, n, day) for n in range(number - 1, number - 9, -1))), 0)
        grown = (before or 2_000 * MILLION) * self.rng.choice((0.75, 0.9, 0.97, 1.03, 1.08, 1.15, 1.25, 1.5))
        if metric == "total_revenue" and company.metrics and company.ticker != "NVDA":  # it stays above what is spent
            spent = self._before(company, "capex_cash_gross", number, day) or 0
            grown = max(before or 4 * spent, spent * 5 // 4)
        return _millions(grown)

    def _before(self, company: Company, metric: str, number: int, day: date) -> int | None:
        known = self.history.known(company.ticker, metric, number, day)
        return known or self._made.get((company.ticker, metric, number))

    def _steady(self, company: Company, metric: str, number: int) -> float:
        """A share that wanders a little from quarter to quarter, the same whenever it is asked for."""
        return 0.55 + 0.3 * random.Random(f"{company.ticker}{metric}{number // 2}").random()

    def _maybe_recast(self, company: Company, number: int) -> None:
        """Some companies restate the year before, quarter after quarter, as they report this one; NVIDIA moves money
        between two children of the quarter before (as it did with Hyperscale in August 2026)."""
        if company.ticker == "NVDA" and number % 4 == 1 and self.rng.random() < 0.6:
            part = self._made.get(("NVDA", "hyperscale_revenue", number - 1))
            if part:
                self._recast["NVDA", "hyperscale_revenue", number - 1] = _millions(part * 0.1)
                self._recast["NVDA", "ai_clouds_industrial_enterprise_revenue", number - 1] = -_millions(part * 0.1)
        year_before = (company.ticker, "capex_cash_gross", number - 4)
        if (number % 4 == 0 and self.rng.random() < 0.3) or (*year_before[:2], number - 5) in self._recast:
            if made := self._made.get(year_before):
                self._recast[year_before] = _millions(made * 0.03)

    def _rows(self, company: Company, number: int, filed_on: date) -> list[Row]:
        """What a report on a quarter states, in the columns that the company's reports have."""
        end = quarter_end(company, number)
        lines = lines_of(company, end, filed_on) or {"total_revenue": Line("us-gaap:Revenues", "")}
        if company.ticker == "TSM":
            lines = {"total_revenue": Line("ifrs-full:Revenue", "")}
        rows = []
        for metric, line in lines.items():
            if not self._is_stated(metric, end):
                continue
            for quarters, back in self.history.shape(company, metric, line, number % 4 + 1):
                last = number - back
                if back and not self._is_stated(metric, quarter_end(company, last)):
                    continue
                parts = [self.amount(company, metric, n, filed_on) for n in range(last - quarters + 1, last + 1)]
                if None in parts:
                    continue
                rows.append(
                    {
                        "concept": line.concept,
                        "dimensions": line.dimensions,
                        "unit": "TWD" if company.ticker == "TSM" else "USD",
                        "period_start": quarter_start(company, last - quarters + 1),
                        "period_end": quarter_end(company, last),
                        "value": sum(filter(None, parts)),
                        "decimals": "-6",
                    }
                )
        return rows

    @staticmethod
    def _is_stated(metric: str, end: date) -> bool:
        return all(since <= end <= until for pair, (since, until) in CHILDREN.items() if metric in pair)

    def press(self, arrival: Arrival) -> list[Press]:
        """What NVIDIA's press release says of a made quarter, a day before the filing or on it."""
        company, number = arrival.company, quarter_at(arrival.company, arrival.report_end)
        if arrival.is_real or company.ticker != "NVDA" or ("NVDA", "total_revenue", number) not in self._made:
            return []
        day, start = arrival.filed_on - timedelta(self.rng.choice((0, 1))), quarter_start(company, number)
        metrics = ("data_center_revenue", "total_revenue")
        made = {m: self._made[company.ticker, m, number] for m in metrics}
        return [Press(day, start, arrival.report_end, metric, usd) for metric, usd in made.items()]


def _millions(usd: float) -> int:
    return round(usd / MILLION) * MILLION


def _decimals(value: Any) -> str:
    return "-6" if value % MILLION == 0 else "INF"


def _business_day(day: date) -> date:
    return day + timedelta(max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)
