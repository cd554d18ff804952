"""The watch list (companies.toml) as typed records.

Belongs here: reading and validating companies.toml. Does not belong here: anything that
looks at facts.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import ConfigDict, Field, StrictBool, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from ingest.cells import DayOrNone, Text, refusal
from ingest.records import IngestError

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

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class MetricConcept:
    """One way a company states a metric: an exact concept and dimension set, and its bounds.

    `same_as` names the concept that this one is the same line under another tag: year-to-date
    statements may be subtracted across the two. Empty: never. valid_from/valid_to bound the period
    end, filed_from/filed_to the filing: a company may change what it puts under an unchanged tag. `part_of` names the
    metric that this one can never exceed; `max_step` replaces MAX_STEP, 0 for none.
    """

    metric: Text
    concept: Text
    dimensions: str = ""
    priority: int = 1
    required: StrictBool = False
    same_as: str = ""
    valid_from: DayOrNone = None
    valid_to: DayOrNone = None
    filed_from: DayOrNone = None
    filed_to: DayOrNone = None
    part_of: str = ""
    max_step: int = MAX_STEP


@dataclass(frozen=True, config=_STRICT)
class Company:
    """One company of the watch list; `cik` has ten digits.

    `reads_exhibits`: it states AI revenue, backlog or capex guidance in the words of its earnings releases.
    `ai_names`: what it calls its AI business there, "*" for all of it (see leads.py).
    """

    ticker: Text
    cik: Annotated[str, Field(pattern="^[0-9]{10}$")]
    name: Text
    role: Literal["accelerator_vendor", "hyperscaler", "ai_compute", "reference"]
    fiscal_year_end_month: Annotated[int, Field(ge=1, le=12)]
    metrics: tuple[MetricConcept, ...] = ()
    reads_exhibits: StrictBool = False
    ai_names: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _names_are_read_somewhere(self) -> Company:
        if self.ai_names and not self.reads_exhibits:
            raise ValueError("ai_names go with reads_exhibits = true")
        return self


def parse_companies(text: str) -> tuple[Company, ...]:
    """Read a watch list.

    :param text: TOML as in companies.toml.
    :raises IngestError: a company cannot be right, or a ticker or CIK stands twice; names its first line.
    """
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == "[[company]]"]
    companies: list[Company] = []
    for line, row in zip(lines, tomllib.loads(text).get("company", []), strict=True):
        try:
            companies.append(TypeAdapter(Company).validate_python(row))
        except ValidationError as error:
            raise IngestError(f"companies.toml, line {line}, {row.get('ticker')}: {refusal(error)}") from None
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
    return pa.Table.from_pylist([vars(c) | {"company": c.name} for c in companies], COMPANIES)


def metric_concepts_table(companies: tuple[Company, ...]) -> pa.Table:
    """One row a company x metric x concept, schema METRIC_CONCEPTS."""
    rows = [
        vars(m) | {"cik": c.cik, "is_required": m.required, "same_as": m.same_as or m.concept}
        for c in companies
        for m in c.metrics
    ]
    return pa.Table.from_pylist(rows, METRIC_CONCEPTS)
