"""Why a run failed, in one line, from what Dagster noted of it.

Belongs here: reading Dagster's events. Does not belong here: who is told (run.py, alerts.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from warehouse.errors import reason


def reason_of(events: Iterable[Any]) -> str:
    """One line from the first failure among Dagster events: its step, and the innermost error's first words.

    :return: "" if none of them is a failure that says anything.
    """
    for event in events:
        if event.event_type_value in ("STEP_FAILURE", "RUN_FAILURE", "PIPELINE_FAILURE"):
            error = getattr(event.event_specific_data, "error", None)
            step = f"{event.step_key}: " if event.step_key else ""
            description = getattr(getattr(event.event_specific_data, "user_failure_data", None), "description", None)
            while not description and error is not None and error.cause is not None:
                error = error.cause
            if said := description or (error.message if error is not None else None):
                return step + reason(said)
    return ""
