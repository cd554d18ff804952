"""How old the published numbers are, looked at every day: by their filings, not by when somebody last ran something.

Belongs here: the check, and the job and schedule that repeat it. Does not belong here: what is stale
(warehouse.readers.doctor).
"""

from datetime import UTC, datetime

import dagster as dg

from orchestration.assets import POOL
from orchestration.checks import warn_if_any
from orchestration.console import LOGGED
from orchestration.jobs import TIMEZONE
from orchestration.resources import Warehouse
from warehouse.readers.doctor import filing_ages
from warehouse.readers.read import open_published

SPEC = dg.AssetCheckSpec(
    "filings_are_recent",
    asset=dg.AssetKey(["meta", "build"]),
    description="No company of the watch list has been silent for longer than four reports a year leave room for. "
    "Passes or warns by the day of the newest filing, however lately a run has been.",
)


@dg.multi_asset_check(specs=[SPEC], name="filings_are_recent", pool=POOL)
def filings_are_recent(warehouse: Warehouse) -> dg.AssetCheckResult:
    with open_published(warehouse.home) as connection:
        ages = filing_ages(connection, datetime.now(UTC).date())
    return warn_if_any(SPEC, [f"{age.company}: {age}" for age in ages if age.is_stale])


daily_job = dg.define_asset_job(
    "look_at_filing_ages",
    selection=dg.AssetSelection.checks_for_assets(SPEC.asset_key),
    executor_def=dg.in_process_executor,
    description="Says whether the newest filings are still new. Asks nobody, changes nothing.",
)

daily_schedule = dg.ScheduleDefinition(
    name="look_at_filing_ages_schedule",
    job=daily_job,
    cron_schedule="30 9 * * *",
    run_config=LOGGED,
    execution_timezone=TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="On as soon as the daemon runs.",
)
