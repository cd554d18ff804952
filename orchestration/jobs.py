"""The one job, and when it runs.

Belongs here: the job and its schedule. Does not belong here: assets.
"""

import dagster as dg

from orchestration.console import LOGGED
from warehouse.errors import reason

TIMEZONE = "America/New_York"

#: NVIDIA reports in the last third of February, May, August and November; by the first of the month after,
#: its filing is out. 09:00, because hours around 02:00 are missing or doubled where the clocks change.
CRON = "0 9 1 3,6,9,12 *"


@dg.failure_hook(required_resource_keys={"warehouse"})
def note_failure(context: dg.HookContext) -> None:
    """So that `aigap show` and `aigap doctor` say it, whoever started the run."""
    error = context.op_exception
    said = getattr(error, "description", None) or error or "it says nothing"
    context.resources.warehouse.record("failed", f"{context.step_key}: {reason(said)}")


refresh_job = dg.define_asset_job(
    "quarterly_refresh",
    selection=dg.AssetSelection.all(),
    # One process for all steps: a process per step and its imports cost more than the work.
    executor_def=dg.in_process_executor,
    hooks={note_failure},
    description="Sources to published file: fetch (where configured), load, build, check, publish, report.",
)

quarterly_schedule = dg.ScheduleDefinition(
    name="quarterly_refresh_schedule",
    job=refresh_job,
    cron_schedule=CRON,
    run_config=LOGGED,
    execution_timezone=TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="On as soon as the daemon runs. With nothing new it publishes nothing, and says so.",
)
