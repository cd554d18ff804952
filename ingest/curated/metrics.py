"""The metrics that a figure may state (`metrics.csv`): their units, and what is believable in each."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ingest.cells import Number, Row, Text
from ingest.curated.files import METRICS_FILE, read_whole
from ingest.records import CuratedError


class _Metric(Row):
    metric: Text
    unit: Text
    lowest: Number
    highest: Number
    is_forward: bool


@dataclass(frozen=True)
class MetricRule:
    """What a metric's figure may be: its units with the smallest and largest believable value.

    :param units: unit -> (lowest, highest), both included. No figure here, typed in millions or
        billions instead of whole units, stays within its range.
    :param is_forward: true when the figure may speak of days after it became known (forecasts,
        guidance, announced policies); false demands known_on on or after period_end.
    """

    units: dict[str, tuple[Decimal, Decimal]]
    is_forward: bool


def _read_metrics() -> dict[str, MetricRule]:
    rules: dict[str, MetricRule] = {}
    for row in read_whole(METRICS_FILE, None, _Metric, lambda cells: f"{cells['metric']} {cells['unit']}").values():
        rule = rules.setdefault(row.metric, MetricRule({}, row.is_forward))
        if rule.is_forward != row.is_forward:
            raise CuratedError(f"{METRICS_FILE}: is_forward of {row.metric} differs between its units")
        rule.units[row.unit] = (row.lowest, row.highest)
    return rules


METRICS = _read_metrics()
