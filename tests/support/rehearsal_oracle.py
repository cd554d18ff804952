"""What a reader with a pencil gets out of the same filings: quarters, by the method's rules alone.

Belongs here: statements by metric and period, and every value of a quarter that they allow. Does not belong here: the
warehouse; nothing of the product's derivation is used.

A quarter is what a filing states for its dates, or a year-to-date amount less the shorter one, both of one vintage: of
one filing, or the shorter as it was known when the longer was first filed. A restatement of one leg alone gives none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from ingest.companies import Company

Period = tuple[date, date]
Stated = dict[str, dict[Period, int]]
#: Metric of a company that is a sum of two lines: base, sign, other.
FORMULAS = {
    ("AMZN", "capex_cash_net_of_proceeds"): ("capex_cash_gross", -1, "ppe_sale_proceeds"),
    ("META", "capex_cash_net_of_proceeds"): ("capex_cash_gross", -1, "ppe_sale_proceeds"),
    ("META", "capex_including_finance_leases"): ("capex_cash_net_of_proceeds", 1, "finance_lease_principal_payments"),
}


def by_metric(company: Company, rows: Iterable[Mapping[str, Any]]) -> Stated:
    """Dollar amounts of one filing by metric and period; where two tags of a line stand side by side, the first."""
    found: dict[tuple[str, Period], tuple[int, int]] = {}
    for row in rows:
        if row["unit"] != "USD" or row["period_start"] is None:
            continue
        for way in company.metrics:
            if (way.concept, way.dimensions) != (row["concept"], row["dimensions"]):
                continue
            valid = (way.valid_from or date.min) <= row["period_end"] <= (way.valid_to or date.max)
            if not valid or not (way.filed_from or date.min) <= row["filed_on"] <= (way.filed_to or date.max):
                continue
            key = (way.metric, (row["period_start"], row["period_end"]))
            if key not in found or way.priority < found[key][0]:
                found[key] = (way.priority, int(row["value"]))
    stated: Stated = defaultdict(dict)
    for (metric, period), (_, usd) in found.items():
        stated[metric][period] = usd
    for (ticker, whole), (base, sign, other) in FORMULAS.items():
        if ticker == company.ticker:
            for period in stated[base].keys() & stated[other].keys():
                stated[whole].setdefault(period, stated[base][period] + sign * stated[other][period])
    return stated


class Pencil:
    """All statements so far, by company; each with its day."""

    def __init__(self) -> None:
        self._stated: dict[tuple[str, str], dict[Period, list[tuple[date, int]]]] = defaultdict(
            lambda: defaultdict(list)
        )

    def note(self, company: Company, stated: Stated, day: date) -> None:
        """Take in what was stated on `day`; of two words on one day the later stays."""
        for metric, periods in stated.items():
            for period, usd in periods.items():
                said = [(on, was) for on, was in self._stated[company.ticker, metric][period] if on != day]
                self._stated[company.ticker, metric][period] = sorted([*said, (day, usd)])

    def quarter(self, company: Company, metric: str, period: Period, new: Stated, filed_on: date) -> set[int]:
        """Every value that the filing `new` gives for a quarter, with what was stated before it. Empty: none."""
        start, end = period
        said, before = new.get(metric, {}), self._stated[company.ticker, metric]
        if period in said:  # what a filing states of a quarter is what it gives
            return {said[period]}
        found = set()
        for (since, until), usd in said.items():
            shorter, rest = (since, start - timedelta(1)), (end + timedelta(1), until)
            if until == end and since < start and shorter in said:  # both in this filing
                found.add(usd - said[shorter])
            elif until == end and since < start and before.get(shorter):
                day, leg = before[shorter][-1]
                earlier = [one for one in before.get((since, until), ()) if one[0] < filed_on]
                if not earlier or earlier[-1][1] == usd or day > earlier[-1][0]:
                    found.add(usd - leg)
            if since == start and rest in said:  # what this filing leaves of its half for the first quarter
                found.add(usd - said[rest])
        return found

    def in_doubt(self, company: Company, metric: str, period: Period, new: Stated, parts: Callable) -> set[int]:
        """Values that may be taken but need not: a shorter amount that came after the longer one, or, where none did,
        the quarters that make it up.

        :param parts: what the published quarters from one day to before another add up to; None where one is missing.
        """
        start, end = period
        said, before = new.get(metric, {}), self._stated[company.ticker, metric]
        found = set()
        for (since, until), legs in {**before, **{p: [(date.max, usd)] for p, usd in said.items()}}.items():
            shorter = (since, start - timedelta(1))
            if until != end or since >= start or not legs:
                continue
            known = before.get(shorter)
            # Said again, perhaps under the name that the longer one has.
            if shorter in said and (not known or known[-1][1] == said[shorter]):
                found.add(legs[-1][1] - said[shorter])
            elif (since, until) in said and not before.get(shorter) and (sum_ := parts(since, start)) is not None:
                found.add(legs[-1][1] - sum_)
        return found
