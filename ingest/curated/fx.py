"""AI revenue stated in another currency, in dollars at the ECB's reference rates.

Belongs here: which rate a figure takes, and the dollar row it gives. Does not belong here: the rates (fx_rates.csv).

The ECB states what a euro is worth, so a conversion takes two rates of one period: the period's mean for what is earned
over a period, the rate of the month's end for a pace or a balance of one day. Both are figures of their own, and the
dollar row names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa

from ingest.curated.figures import FigureSet
from ingest.curated.files import RefusedRow, row_id
from ingest.records import FIGURES

METRIC = "exchange_rate"
SOURCE_TITLE = "ECB, euro foreign exchange reference rates"
SOURCE_URL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"
CURRENCIES = ("EUR", "CNY", "HKD", "KRW")
#: What is converted: statements that the measured total adds up.
_CONVERTED = ("annualized_run_rate", "quarterly_revenue", "half_year_revenue", "annual_revenue", "trailing_12m_revenue")
#: How far a mean's period may be off the figure's (fiscal periods), at each end.
_NEAR = timedelta(days=31)


class Rate(NamedTuple):
    """What a euro was worth, and the figure that says so; a euro's worth of itself is said by none."""

    value: Decimal
    figure_id: str
    known_on: date


def with_dollars(figures: FigureSet) -> FigureSet:
    """The figures, and for each statement of AI revenue in another currency a row in dollars.

    None where the company gave the same in dollars itself. A figure without a rate for its period is among the refused:
    it stays, but cannot be added to anything.
    """
    rows = figures.table.to_pylist()
    rates = [row for row in rows if row["metric"] == METRIC]
    stated = {_statement(row) for row in rows if row["unit"] == "USD"}
    added: list[dict] = []
    refused: list[RefusedRow] = []
    for row in rows:
        if row["metric"] not in _CONVERTED or row["unit"] not in CURRENCIES or _statement(row) in stated:
            continue
        theirs, dollar = rate_for(row, row["unit"], rates), rate_for(row, "USD", rates)
        if theirs is None or dollar is None:
            reason = (
                f"{row['company']}: no ECB rate of {row['unit']} for {row['period_start'] or row['period_end']} to "
                f"{row['period_end']} in fx_rates.csv, so it counts nowhere; tests/support/make_fx_rates.py adds rates"
            )
            refused.append(RefusedRow(row["file"], row["line"], reason))
        else:
            added.append(in_dollars(row, theirs, dollar))
    if not added and not refused:
        return figures
    table = pa.concat_tables([figures.table, pa.Table.from_pylist(added, FIGURES)])
    return replace(figures, table=table, refused=[*figures.refused, *refused])


def _statement(row: Mapping) -> tuple:
    return tuple(row[name] for name in ("company", "metric", "series", "basis", "period_start", "period_end"))


def rate_for(row: Mapping, currency: str, rates: Iterable[Mapping]) -> Rate | None:
    """What a euro was worth in `currency` over, or on, the figure's period; None where no rate is near enough."""
    if currency == "EUR":
        return Rate(Decimal(1), "", date.min)
    start, end = row["period_start"], row["period_end"]
    found = []
    for rate in rates:
        if rate["unit"] != f"{currency}/EUR" or (rate["period_start"] is None) != (start is None):
            continue
        off = [abs(rate["period_end"] - end)] + ([abs(rate["period_start"] - start)] if start else [])
        if max(off) <= _NEAR and not (start is None and rate["period_end"] > end):
            found.append((sum(off, timedelta()), rate["figure_id"], rate))
    if not found:
        return None
    _, figure_id, nearest = min(found, key=lambda choice: choice[:2])
    return Rate(nearest["value"], figure_id, nearest["known_on"])


def in_dollars(row: Mapping, theirs: Rate, dollar: Rate) -> dict:
    """The figure in whole dollars, with the rates it took; known when the last of the three was."""
    currency = row["unit"]
    taken = ", ".join(rate.figure_id for rate in (theirs, dollar) if rate.figure_id)
    stated = " to ".join(
        map(_plain, [row["value"]] if row["value"] is not None else [row["low_value"], row["high_value"]])
    )
    at = f"{stated} {currency} at {_plain(theirs.value)} {currency} and {_plain(dollar.value)} USD a euro"
    made = dict(row)
    for name in ("value", "low_value", "high_value"):
        if row[name] is not None:
            made[name] = (row[name] / theirs.value * dollar.value).quantize(Decimal(1))
    return made | {
        "figure_id": str(row["figure_id"])[0] + row_id("", ("USD", str(row["figure_id"]), taken)),
        "unit": "USD",
        "qualifier": "derived",
        "known_on": max(row["known_on"], theirs.known_on, dollar.known_on),
        "source_url_2": row["source_url_2"] or SOURCE_URL,
        "note": " ".join(filter(None, (row["note"], f"{at} (ECB: {taken})"))),
    }


def _plain(number: Decimal | None) -> str:
    return "?" if number is None else f"{number.normalize():f}"
