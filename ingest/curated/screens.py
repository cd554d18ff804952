"""What may be wrong with figures that each for itself could be right: a day that is another's, a value off its series.

Belongs here: looking at rows beside each other. Does not belong here: what a row alone may say (figures.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest.curated.files import RefusedRow
from ingest.curated.metrics import METRICS

#: Companies that one page gives a run rate of one and the same day: more is a census, and the day is its own.
_CENSUS = 3


def doubtful_dates(rows: Iterable[dict]) -> list[RefusedRow]:
    """Rows that may speak of another day than they say. They stay; a person dates them, or says `same_day`.

    What a business earned is stated about a quarter's end or a month, and a census repeats it later. Looked at is what
    can move a number: above low confidence, not withdrawn, no forecast, no price or balance of one day.
    """
    looked_at = [
        row
        for row in rows
        if row["confidence"] != "low"
        and row["withdrawn_on"] is None
        and row["period_type"] != "instant"
        and not METRICS[row["metric"]].is_forward
    ]
    repeated: dict[tuple, set[str]] = {}
    for row in looked_at:
        if row["period_type"] == "run_rate" and row["layer"] not in ("all", "overlap"):
            repeated.setdefault((row["source_url"], row["period_end"]), set()).add(row["company"])
    found = []
    for row in looked_at:
        if row["known_on_basis"] == "collected":
            reason = "known from the day it was collected; find the day it was public"
        elif len(repeated.get((row["source_url"], row["period_end"]), ())) >= _CENSUS:
            reason = f"one page dates {_CENSUS} or more companies to it; find what it repeats, and the day of that"
        elif row["stated_on"] == row["period_end"] and row["known_on_basis"] != "same_day":
            reason = "the day it became known; date it to what it describes, or write same_day where it says now"
        else:
            continue
        found.append(RefusedRow(row["file"], row["line"], f"{row['company']} {row['period_end']}: {reason}"))
    return found


#: How far a value may lie from its neighbours in time. The steepest true step here is 132 (OpenAI's
#: revenue of 2022 to 2024); a slip between thousands, millions and billions is 1000.
_STEP = 300


def out_of_scale(rows: list[dict]) -> list[RefusedRow]:
    """Rows a thousandfold off their own series, which the range of the metric is too wide to see.

    Compared is a row with the one before and the one after it in time; a newest or oldest row with
    its one neighbour. Series of fewer than three values say nothing.
    """
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        if row["value"] is not None and row["value"] > 0:
            key = tuple(row[c] for c in ("company", "metric", "series", "basis", "unit", "period_type"))
            groups.setdefault(key, []).append(row)
    found = []
    for group in groups.values():
        if len(group) < 3:
            continue
        group.sort(key=lambda r: (r["period_end"], r["known_on"], r["value"]))
        inner = [
            b for a, b, c in zip(group, group[1:], group[2:], strict=False) if _off(b, a) and _off(b, a) == _off(b, c)
        ]
        kept = [row for row in group if row not in inner]
        ends = [row for row, next_ in ((kept[0], kept[1]), (kept[-1], kept[-2])) if len(kept) > 2 and _off(row, next_)]
        for row in inner + ends:
            reason = f"value {row['value']} is {_STEP} times or more off its neighbours in time: wrong scale?"
            found.append(RefusedRow(row["file"], row["line"], reason))
    return found


def _off(row: dict, other: dict) -> int:
    """1 when row is far above other, -1 when far below, else 0."""
    return int(row["value"] >= _STEP * other["value"]) - int(other["value"] >= _STEP * row["value"])
