"""Who pays whom for AI: the payments between companies whose revenue is counted, for netting.

Belongs here: reading `ai_revenue_edges.csv` and refusing what cannot be right. Does not belong here: netting itself,
which quarter a payment falls into, which of two statements wins.

A payment that is stated anew is a new row with its own known_on; the older row stays.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from importlib.resources.abc import Traversable
from pathlib import Path

import pyarrow as pa

from ingest.curated.figures import (
    CONFIDENCES,
    EDGES_FILE,
    KNOWN_ON_BASES,
    QUALIFIERS,
    SOURCE_KINDS,
    check_span,
    is_citable,
    one_of,
    read_ai_revenue_roles,
    row_id,
    to_date,
    to_decimal,
    whole_file,
)
from ingest.records import EDGES, CuratedError

#: Stands for every company of a layer: the default where a pair discloses nothing.
ANY = "(any)"
#: Between payers of which only the sum is stated.
JOINT = "; "
EDGE_LAYERS = ("application", "model", "cloud_infrastructure")
UNITS = {"USD": (Decimal("1e6"), Decimal("1e12")), "share": (Decimal(0), Decimal(1))}
SHARES_OF = ("payee_revenue", "payer_revenue")
PERIODS = ("year", "year_to_date", "half", "quarter", "month", "run_rate", "instant")

_COLUMNS = tuple(n for n in EDGES.names if n not in ("edge_id", "is_citable"))
_NUMBERS = ("value", "low_value", "high_value")
_DAYS = ("period_start", "period_end", "known_on")
#: Everything that says which payment a row states; its amount is not among them.
_KEY = ("payer", "payer_layer", "payee", "payee_layer", "unit", "share_of", "period_type", *_DAYS, "source_url")


def _check_parties(row: dict, companies: Collection[str]) -> None:
    payers = row["payer"].split(JOINT)
    for side, names in (("payer", payers), ("payee", [row["payee"]])):
        one_of(row, f"{side}_layer", EDGE_LAYERS)
        for name in names:
            if name != ANY and name not in companies:
                raise CuratedError(f"{side} {name!r} has no role; list it in ai_revenue_roles.csv, or write {ANY}")
    if row["payee"] in payers and row["payee"] != ANY:
        raise CuratedError(f"{row['payee']} cannot pay itself")
    if ANY in (row["payer"], row["payee"]) and row["unit"] != "share":
        raise CuratedError(f"{ANY} stands for a default, which is a share, not an amount")


def _check_amount(row: dict) -> None:
    one_of(row, "unit", UNITS)
    one_of(row, "share_of", SHARES_OF if row["unit"] == "share" else ("",))
    low, high = UNITS[row["unit"]]
    stated = [row[c] for c in ("low_value", "value", "high_value") if row[c] is not None]
    if row["value"] is None:
        raise CuratedError("value is required: the central amount; low_value and high_value go beside it")
    if not all(low <= number <= high for number in stated):
        given = ", ".join(map(str, stated))
        raise CuratedError(f"{given} {row['unit']} is not plausible; whole dollars, shares 0 to 1")
    if stated != sorted(stated):
        raise CuratedError(f"low_value, value, high_value must rise: {', '.join(map(str, stated))}")


def _edge(cells: dict[str, str], companies: Collection[str]) -> dict:
    row: dict = dict(cells)
    row |= {c: to_decimal(row[c], c) for c in _NUMBERS} | {c: to_date(row[c], c) for c in _DAYS}
    for column, allowed in (
        ("qualifier", QUALIFIERS),
        ("known_on_basis", KNOWN_ON_BASES),
        ("source_kind", SOURCE_KINDS),
        ("confidence", CONFIDENCES),
        ("period_type", PERIODS),
    ):
        one_of(row, column, allowed)
    _check_parties(row, companies)
    _check_amount(row)
    check_span(row)
    if row["period_type"] == "instant" and row["unit"] != "share":
        raise CuratedError("period_type instant is for a share that holds from that day on; an amount has a period")
    row["is_citable"] = is_citable(row["source_url"], row["source_title"])
    if not row["source_title"] or not row["source_url"]:
        raise CuratedError("source_title and source_url are required")
    if not row["is_citable"] and row["confidence"] != "low":
        raise CuratedError(f"source {row['source_url']!r} cannot be cited, so confidence must be low")
    row["edge_id"] = row_id("e", (cells[c] for c in _KEY))
    return row


def read_ai_revenue_edges(directory: Path | Traversable | None = None) -> pa.Table:
    """The payments, schema EDGES. One bad row refuses the file: half a netting is no netting.

    :raises CuratedError: a row cannot be right or stands twice; names file and line.
    """
    companies = frozenset(read_ai_revenue_roles(directory)["company"].to_pylist())
    rows: dict[str, dict] = {}
    for line, cells in whole_file(EDGES_FILE, directory, _COLUMNS):
        try:
            row = _edge(cells, companies)
            if row["edge_id"] in rows:
                raise CuratedError(f"{row['payer']} to {row['payee']} stands twice for this period and source")
        except CuratedError as error:
            raise CuratedError(f"{EDGES_FILE}, line {line}: {error}") from None
        rows[row["edge_id"]] = row
    return pa.Table.from_pylist(list(rows.values()), EDGES)
