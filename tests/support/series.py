"""The table of docs/ai-revenue-series.md: the last eight quarters by the method before and by the one now.

Belongs here: the table, from the frozen numbers of before (docs/ai-revenue-series-before.csv) and a published file.
`python -m support.series HOME` (from tests/) writes it anew. Does not belong here: the reasons, which the page has.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from support.readme import filled
from warehouse.formats import usd
from warehouse.readers.read import open_published, query
from warehouse.readers.words import apportioned
from warehouse.store.home import Home

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ai-revenue-series.md"
BEFORE = PAGE.with_name("ai-revenue-series-before.csv")
#: A company that moved a quarter by less stands among the others.
_NAMED_FROM = 200_000_000


def before() -> dict[str, dict[str, int]]:
    """Quarter -> company -> what was counted of it, whole USD a year, as published before 2026-11-25."""
    found: dict[str, dict[str, int]] = {}
    with BEFORE.open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["calendar_quarter"], {})[row["company"]] = int(row["counted_usd"])
    return found


def now(home: Home) -> dict[str, dict[str, int]]:
    """The same of the headline's basis, as published in `home`."""
    with open_published(home) as connection:
        rows = query(
            connection,
            "select calendar_quarter, company, central_usd from marts.ai_revenue_series "
            "where ai_revenue_basis = 'estimated_run_rate' and central_usd <> 0",
        ).rows
    found: dict[str, dict[str, int]] = {}
    for quarter, company, amount in rows:
        found.setdefault(quarter, {})[company] = amount
    return found


def block(home: Home) -> str:
    """The table, newest quarter first; the parts of a difference add up as they are written."""
    lines = ["| quarter | before | now | difference | by company |", "| --- | ---: | ---: | ---: | --- |"]
    current = now(home)
    for quarter, old in sorted(before().items(), reverse=True):
        new = current[quarter]
        moved = {company: new.get(company, 0) - old.get(company, 0) for company in {*old, *new}}
        named = sorted((c for c in moved if abs(moved[c]) >= _NAMED_FROM), key=lambda c: (-abs(moved[c]), c))
        rest = sum(amount for company, amount in moved.items() if company not in named)
        whole, *parts = apportioned(sum(moved.values()), [*(moved[c] for c in named), rest])
        told = ", ".join(f"{c} {part}" for c, part in zip([*named, "others"], parts, strict=True) if part)
        lines.append(f"| {quarter} | {usd(sum(old.values()))} | {usd(sum(new.values()))} | {whole} | {told} |")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8"), {"series": block(Home(Path(sys.argv[1])))}), "utf-8")
