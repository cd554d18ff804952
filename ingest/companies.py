"""The watch list (companies.toml) as typed records.

Belongs here: reading and validating companies.toml. Does not belong here: anything that
looks at facts.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import pyarrow as pa

from ingest.records import IngestError

ROLES = ("accelerator_vendor", "hyperscaler", "ai_compute", "reference")
_CIK = re.compile(r"[0-9]{10}")

COMPANIES = pa.schema(
    [
        ("cik", pa.string()),
        ("ticker", pa.string()),
        ("company", pa.string()),
        ("role", pa.string()),
        ("fiscal_year_end_month", pa.int32()),
    ]
)
METRIC_CONCEPTS = pa.schema(
    [
        ("cik", pa.string()),
        ("metric", pa.string()),
        ("concept", pa.string()),
        ("dimensions", pa.string()),
        ("priority", pa.int32()),
        ("is_required", pa.bool_()),
        ("same_as", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("filed_from", pa.date32()),
        ("filed_to", pa.date32()),
        ("part_of", pa.string()),
        ("max_step", pa.int32()),
    ]
)

#: A statement more than this many times its neighbours in time, or less than their part, is set aside until somebody
#: has looked. The largest step of any watched line of a filing since 2010 is 2.4, of a press figure 2.5.
MAX_STEP = 5


@dataclass(frozen=True)
class MetricConcept:
    """One way a company states a metric: an exact concept and dimension set, and its bounds.

    `same_as` names the concept that this one is the same line under another tag: year-to-date
    statements may be subtracted across the two. Empty: never. valid_from/valid_to bound the period
    end, filed_from/filed_to the filing: a company may change what it puts under an unchanged tag. `part_of` names the
    metric that this one can never exceed; `max_step` replaces MAX_STEP, 0 for none.
    """

    metric: str
    concept: str
    dimensions: str = ""
    priority: int = 1
    required: bool = False
    same_as: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    filed_from: date | None = None
    filed_to: date | None = None
    part_of: str = ""
    max_step: int = MAX_STEP


@dataclass(frozen=True)
class Company:
    """One company of the watch list; `cik` has ten digits.

    `reads_exhibits`: it states AI revenue, backlog or capex guidance in the words of its earnings releases.
    `ai_names`: what it calls its AI business there, "*" for all of it (see leads.py).
    """

    ticker: str
    cik: str
    name: str
    role: str
    fiscal_year_end_month: int
    metrics: tuple[MetricConcept, ...]
    reads_exhibits: bool = False
    ai_names: tuple[str, ...] = ()


def _metric(ticker: str, row: dict) -> MetricConcept:
    try:
        values = dict(row)
        for key in ("valid_from", "valid_to", "filed_from", "filed_to"):
            if values.get(key):
                values[key] = date.fromisoformat(values[key])
        return MetricConcept(**values)
    except (TypeError, ValueError) as error:
        raise IngestError(f"companies.toml, {ticker}, metric {row}: {error}") from error


def parse_companies(text: str) -> tuple[Company, ...]:
    """Read a watch list.

    :param text: TOML as in companies.toml.
    :raises IngestError: a CIK, role or month is not valid, or a ticker or CIK stands twice.
    """
    companies = []
    for row in tomllib.loads(text).get("company", []):
        ticker = row.get("ticker", "?")
        if not _CIK.fullmatch(row.get("cik", "")):
            raise IngestError(f"companies.toml, {ticker}: cik must be ten digits, not {row.get('cik')!r}")
        if row.get("role") not in ROLES:
            raise IngestError(f"companies.toml, {ticker}: role must be one of {ROLES}")
        if row.get("fiscal_year_end_month") not in range(1, 13):
            raise IngestError(f"companies.toml, {ticker}: fiscal_year_end_month must be 1 to 12")
        metrics = tuple(_metric(ticker, m) for m in row.get("metrics", []))
        reads, names = row.get("reads_exhibits", False), tuple(row.get("ai_names", ()))
        if not isinstance(reads, bool) or not all(isinstance(n, str) and n for n in names) or (names and not reads):
            raise IngestError(f"companies.toml, {ticker}: ai_names are words, and go with reads_exhibits = true")
        companies.append(
            Company(ticker, row["cik"], row["name"], row["role"], row["fiscal_year_end_month"], metrics, reads, names)
        )
    for field in ("ticker", "cik"):
        values = [getattr(c, field) for c in companies]
        if twice := {v for v in values if values.count(v) > 1}:
            raise IngestError(f"companies.toml: {field} {sorted(twice)} stands twice")
    return tuple(companies)


@cache
def watch_list() -> tuple[Company, ...]:
    """The companies that ship with the project, in file order."""
    return parse_companies((files(__package__) / "companies.toml").read_text("utf-8"))


def companies_table(companies: tuple[Company, ...]) -> pa.Table:
    """One row a company, schema COMPANIES."""
    rows = [
        dict(cik=c.cik, ticker=c.ticker, company=c.name, role=c.role, fiscal_year_end_month=c.fiscal_year_end_month)
        for c in companies
    ]
    return pa.Table.from_pylist(rows, COMPANIES)


def metric_concepts_table(companies: tuple[Company, ...]) -> pa.Table:
    """One row a company x metric x concept, schema METRIC_CONCEPTS."""
    rows = [
        dict(
            cik=c.cik,
            metric=m.metric,
            concept=m.concept,
            dimensions=m.dimensions,
            priority=m.priority,
            is_required=m.required,
            same_as=m.same_as or m.concept,
            valid_from=m.valid_from,
            valid_to=m.valid_to,
            filed_from=m.filed_from,
            filed_to=m.filed_to,
            part_of=m.part_of,
            max_step=m.max_step,
        )
        for c in companies
        for m in c.metrics
    ]
    return pa.Table.from_pylist(rows, METRIC_CONCEPTS)
