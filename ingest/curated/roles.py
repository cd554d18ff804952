"""How each company of ai_revenue.csv counts (`ai_revenue_roles.csv`).

Belongs here: reading and checking the file. Does not belong here: counting.
"""

from __future__ import annotations

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from ingest.cells import DayOrNone, Row, Text
from ingest.curated.files import ROLES_FILE, read_whole, schema_of
from ingest.records import CuratedError


class _Role(Row):
    company: Text
    # How its rows count toward the measured total. not_disclosed: it sells AI and states nothing usable.
    role: Literal["counted", "memo", "benchmark", "netting", "subset", "not_disclosed"]
    superseded_by: str
    superseded_from: DayOrNone
    canonical: Text
    # Revenue before (gross) or after (net) what partners keep of a resale; empty: nothing is resold, or it is not said.
    convention: Literal["", "gross", "net"]
    # Where it sits, ISO 3166 alpha-2; empty where that means nothing (benchmarks, sums).
    region: Annotated[str, Field(pattern="^([A-Z]{2})?$")]
    note: str

    @model_validator(mode="after")
    def _succession_is_whole(self) -> _Role:
        if bool(self.superseded_by) != bool(self.superseded_from):
            raise ValueError("superseded_by and superseded_from go together")
        return self


AI_REVENUE_ROLES = schema_of(_Role)


def read_ai_revenue_roles(directory: Path | Traversable | None = None) -> pa.Table:
    """How each company counts, schema AI_REVENUE_ROLES, one row a company.

    :raises CuratedError: a row cannot be right, or a successor is not itself listed.
    """
    roles = read_whole(ROLES_FILE, directory, _Role, lambda cells: cells["company"])
    for role in roles.values():
        if role.superseded_by and role.superseded_by not in roles:
            raise CuratedError(f"{ROLES_FILE}: {role.company} is superseded by {role.superseded_by!r}: not listed")
    rows = [dict(role) | {"superseded_by": role.superseded_by or None} for role in roles.values()]
    return pa.Table.from_pylist(rows, AI_REVENUE_ROLES)
