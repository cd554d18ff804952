"""The scenarios (`scenarios.csv`): which parameters one may set, and to what.

Belongs here: reading and checking them, the shipped ones and the user's own. Does not belong here: what a parameter
does (dbt_project), marking the user's own (own.py).
"""

from __future__ import annotations

import re
from decimal import Decimal
from importlib.resources.abc import Traversable
from pathlib import Path

import pyarrow as pa
from pydantic import ValidationInfo, model_validator

from ingest.cells import Day, NumberOrNone, Row, Text, is_citable
from ingest.curated.files import SCENARIO_FILE, Cells, read_whole, row_id, schema_of

#: Marks what is the user's own: a figure's `file`, a scenario's name, and the basis of one that counts such figures.
OWN = "own:"
_COUNTED = "measured_run_rate|estimated_run_rate|measured_trailing_12m"

#: Parameters that are a number: the least and the most it may be.
RANGES = {
    "gpu_share_of_tco": (Decimal("0.05"), Decimal(1)),
    "end_user_gross_margin": (Decimal(-2), Decimal("0.99")),
    "run_rate_usd": (Decimal("1e9"), Decimal("1e13")),
    "data_center_spend_usd": (Decimal("1e9"), Decimal("1e13")),
    "ai_revenue_usd": (Decimal("1e9"), Decimal("1e13")),
    "assumed_member_revenue_usd": (Decimal("1e8"), Decimal("1e12")),
    "accelerator_life_years": (Decimal("0.25"), Decimal(20)),
    "building_life_years": (Decimal(1), Decimal(60)),
    "required_return": (Decimal(0), Decimal("0.5")),
    "revenue_lag_quarters": (Decimal(0), Decimal(12)),
    "electricity_usd_per_kwh": (Decimal("0.01"), Decimal(1)),
    "accelerator_usd_per_gw": (Decimal("1e9"), Decimal("1e11")),
}
#: Parameters that are a word: a pattern of all it may be.
WORDS = {
    "run_rate_basis": "actual_run_rate|trailing_12m|forecast_run_rate|spending_estimate|all_accelerators",
    "ai_revenue_basis": f"assumed|{_COUNTED}",
    "ai_revenue_end": "low|central|high",
    "calendar_quarter": "20[0-9]{2}Q[1-4]",
}
_OWN_WORDS = {"ai_revenue_basis": f"assumed|({OWN})?({_COUNTED})"}


class _Parameter(Row):
    """One parameter of a scenario (or one member of a list); the context says whether it is the user's own."""

    scenario: Text
    parameter: str
    value: NumberOrNone
    text_value: str
    known_on: Day
    source_title: Text
    source_url: str
    note: str

    @model_validator(mode="after")
    def _may_be(self, info: ValidationInfo) -> _Parameter:
        given = self.text_value if self.value is None else f"{self.value:f}"
        if self.parameter in RANGES:
            low, high = RANGES[self.parameter]
            fits = self.value is not None and low <= self.value <= high
            allowed = f"{low:f} to {high:f}: whole dollars, shares 0 to 1"
        elif self.parameter in WORDS:
            allowed = (WORDS | (_OWN_WORDS if info.context else {}))[self.parameter]
            fits = self.value is None and bool(re.fullmatch(allowed, self.text_value))
        else:
            raise ValueError(f"parameter {self.parameter!r} must be one of {', '.join((*RANGES, *WORDS))}")
        if not fits:
            raise ValueError(f"{self.parameter} cannot be {given:.40}; it must be {allowed}")
        if not is_citable(self.source_url, self.source_title):
            raise ValueError(f"source {self.source_url!r} cannot be cited; a scenario needs a source one can open")
        return self


SCENARIOS = schema_of(_Parameter, ("fact_id",))


def _identity(cells: Cells) -> str:
    return row_id("s", (cells[c] for c in ("scenario", "parameter", "text_value", "known_on", "source_url")))


def read_scenarios(directory: Path | Traversable | None = None, *, is_own: bool = False) -> pa.Table:
    """The scenarios' parameters, schema SCENARIOS: one row a scenario x parameter (x list member).

    Unlike a figure, one bad row refuses the whole file: half a scenario is no scenario.

    :param is_own: they are the user's, and may count the user's own figures.
    :raises CuratedError: a row cannot be right; names file and line.
    """
    read = read_whole(SCENARIO_FILE, directory, _Parameter, _identity, context=is_own)
    rows = [dict(row) | {"fact_id": fact_id, "text_value": row.text_value or None} for fact_id, row in read.items()]
    return pa.Table.from_pylist(rows, SCENARIOS)
