"""What a figure and a payment have in common: a statement of a source about a period, with its words.

Belongs here: the vocabulary, how long a period may be, when a source cannot be cited. Does not belong here: what only a
figure (figures.py) or a payment (edges.py) may say.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

import pyarrow as pa

from ingest.cells import Day, DayOrNone, NumberOrNone, Row, Text, is_citable
from ingest.rules import SPANS

Confidence = Literal["high", "medium", "low"]
SourceKind = Literal[
    "company_filing", "press_release", "company_statement", "press_report", "price_list", "estimate", "assumption"
]
#: same_day: the source says "now" of the day it is from, so the day it speaks of and the day it became known are one.
KnownOnBasis = Literal["published", "url_date", "as_of", "same_day", "period_end_plus_lag", "collected", "estimated"]
Qualifier = Literal[
    "exact", "approximate", "at_least", "at_most", "derived", "rounded_10m", "rounded_100m", "range", "as_stated",
    "estimated", "assumed", "at_or_above_10_not_quantified", "none_at_or_above_10", "verified", "partly_verified",
    "unverified",
]  # fmt: skip

#: Days a period of each type may span, both ends included. None: the figure speaks of one day and has no start.
PERIOD_DAYS: dict[str, tuple[int, int] | None] = {
    "quarter": SPANS["quarter"],
    "month": (28, 31),
    "half": SPANS["half"],
    "year_to_date": (SPANS["half"][0], SPANS["nine_months"][1]),
    "year": SPANS["year"],
    "trailing_12m": SPANS["year"],
    "multi_year": (700, 2200),
    "instant": None,
    "run_rate": None,
    "forecast": None,
}


def check_span(period_type: str, start: date | None, end: date) -> None:
    """:raises ValueError: the period is not what its type says."""
    if period_type not in PERIOD_DAYS:
        raise ValueError(f"period_type {period_type!r} must be one of {', '.join(PERIOD_DAYS)}")
    span = PERIOD_DAYS[period_type]
    if span is None:
        if start is not None:
            raise ValueError(f"period_type {period_type} speaks of one day: leave period_start empty")
        return
    if start is None:
        raise ValueError(f"period_type {period_type} needs a period_start")
    days = (end - start).days + 1
    if not span[0] <= days <= span[1]:
        raise ValueError(f"{start} to {end} is {days} days, not a {period_type} ({span[0]} to {span[1]})")


class Statement(Row):
    """Amounts in whole units, over a period (or on a day, where `period_start` is None), as one source states them."""

    table: ClassVar[pa.Schema]  # what its rows become; the header of its files is in that order

    value: NumberOrNone
    low_value: NumberOrNone
    high_value: NumberOrNone
    unit: str
    qualifier: Qualifier
    period_type: str
    period_start: DayOrNone
    period_end: Day
    known_on: Day
    known_on_basis: KnownOnBasis
    source_kind: SourceKind
    source_title: Text
    source_url: str
    confidence: Confidence
    note: str

    @classmethod
    def header(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.table.names if name in cls.model_fields)

    @property
    def is_citable(self) -> bool:
        return is_citable(self.source_url, self.source_title)

    @property
    def amounts(self) -> dict[str, Decimal]:
        """What it states, by column, lowest first."""
        columns = ("low_value", "value", "high_value")
        return {name: amount for name in columns if (amount := getattr(self, name)) is not None}

    def check_amounts(self, what: str, lowest: Decimal, highest: Decimal) -> None:
        """:raises ValueError: an amount is outside the range, or they do not rise."""
        for column, amount in self.amounts.items():
            if not lowest <= amount <= highest:
                raise ValueError(
                    f"{column} {amount} {self.unit} is not a plausible {what} ({lowest:f} to {highest:f}); "
                    "values are whole units, shares 0 to 1"
                )
        amounts = list(self.amounts.values())
        if amounts != sorted(amounts):
            raise ValueError(f"low_value, value, high_value must rise: {', '.join(map(str, amounts))}")

    def check_source(self, may_lack_address: bool = False) -> None:
        """:raises ValueError: there is no source, or one that cannot be opened and yet is trusted."""
        if not self.source_url and not may_lack_address:
            raise ValueError("source_url is missing; only an unverified claim may have none")
        if not self.is_citable and self.confidence != "low":
            raise ValueError(f"source {self.source_url!r} cannot be cited, so confidence must be low")
