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
from typing import Literal

import pyarrow as pa
from pydantic import ValidationInfo, model_validator

from ingest.curated.files import EDGES_FILE, Cells, read_whole, row_id
from ingest.curated.roles import read_ai_revenue_roles
from ingest.curated.rows import Statement, check_span
from ingest.records import EDGES

#: Stands for every company of a layer: the default where a pair discloses nothing.
ANY = "(any)"
#: Between payers of which only the sum is stated.
JOINT = "; "
_RANGES = {"USD": (Decimal("1e6"), Decimal("1e12")), "share": (Decimal(0), Decimal(1))}
#: Everything that says which payment a row states; its amount is not among them.
_KEY = (
    *("payer", "payer_layer", "payee", "payee_layer", "unit", "share_of"),
    *("period_type", "period_start", "period_end", "known_on", "source_url"),
)

Layer = Literal["application", "model", "cloud_infrastructure"]


class _Edge(Statement):
    """One payment; the context is the companies that have a role."""

    table = EDGES

    payer: str
    payer_layer: Layer
    payee: str
    payee_layer: Layer
    unit: Literal["USD", "share"]
    share_of: Literal["", "payee_revenue", "payer_revenue"]
    period_type: Literal["year", "year_to_date", "half", "quarter", "month", "run_rate", "instant"]

    @model_validator(mode="after")
    def _may_be(self, info: ValidationInfo) -> _Edge:
        companies: Collection[str] = info.context or ()
        payers = self.payer.split(JOINT)
        for side, name in (*(("payer", name) for name in payers), ("payee", self.payee)):
            if name != ANY and name not in companies:
                raise ValueError(f"{side} {name!r} has no role; list it in ai_revenue_roles.csv, or write {ANY}")
        if self.payee in payers and self.payee != ANY:
            raise ValueError(f"{self.payee} cannot pay itself")
        is_share = self.unit == "share"
        if ANY in (self.payer, self.payee) and not is_share:
            raise ValueError(f"{ANY} stands for a default, which is a share, not an amount")
        if bool(self.share_of) != is_share:
            raise ValueError(
                f"share_of {self.share_of!r} must say of which revenue a share is, and goes with no amount"
            )
        if self.value is None:
            raise ValueError("value is required: the central amount; low_value and high_value go beside it")
        self.check_amounts("payment", *_RANGES[self.unit])
        check_span(self.period_type, self.period_start, self.period_end)
        if self.period_type == "instant" and not is_share:
            raise ValueError("period_type instant is for a share that holds from that day on; an amount has a period")
        self.check_source()
        return self


def _identity(cells: Cells) -> str:
    return row_id("e", (cells[c] for c in _KEY))


def read_ai_revenue_edges(directory: Path | Traversable | None = None) -> pa.Table:
    """The payments, schema EDGES. One bad row refuses the file: half a netting is no netting.

    :raises CuratedError: a row cannot be right or stands twice; names file and line.
    """
    companies = frozenset(read_ai_revenue_roles(directory)["company"].to_pylist())
    read = read_whole(EDGES_FILE, directory, _Edge, _identity, context=companies)
    rows = [dict(row) | {"edge_id": edge_id, "is_citable": row.is_citable} for edge_id, row in read.items()]
    return pa.Table.from_pylist(rows, EDGES)
