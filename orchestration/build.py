"""Everything Dagster sees, put together by one function whose parts a test can replace.

Belongs here: assembly. Does not belong here: definitions themselves.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration import freshness, jobs, models
from orchestration.alerts import failure_sensors
from orchestration.assets import archive, dbt_models, load_raw, published_file, report
from orchestration.console import LOGGERS
from orchestration.dbt_process import Dbt
from orchestration.resources import Edgar, Inputs, Warehouse
from orchestration.sensors import new_filing_sensor
from warehouse.store.home import Home, find_home

#: Who answers for every asset; a deployment with several teams maps it in its own definitions.
OWNER = "team:ai-revenue-gap"


def build_definitions(
    home: Home | None = None,
    *,
    edgar: Edgar | None = None,
    inputs: Inputs | None = None,
    full: bool = False,
    dbt: Dbt | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """All assets, checks, the job, its schedule and its sensors, over one folder of files.

    :param home: where everything is kept; default AIGAP_HOME.
    :param edgar: default: asked only if SEC_USER_AGENT is set.
    :param inputs: default: what ships with the package.
    :param full: make the build file anew, and publish even if nothing changed.
    :param dbt: a dbt process that was started for the one run to come.
    :param loggers: where runs in this process log to; default standard error.
    :raises DbtFailed: the dbt project does not parse.
    """
    home, inputs = home or find_home(), inputs or Inputs()
    edgar = edgar or Edgar(is_live=bool(os.environ.get("SEC_USER_AGENT")))
    manifest = models.load_manifest(home, dbt)
    with models.beta():
        in_python = dg.with_source_code_references([archive, load_raw, published_file(manifest), report])
    assets: list[Any] = [dbt_models(manifest, dbt), *in_python]
    return dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: spec.replace_attributes(owners=[OWNER]), assets),
        asset_checks=[freshness.filings_are_recent],
        jobs=[jobs.refresh_job, freshness.daily_job],
        schedules=[jobs.quarterly_schedule, freshness.daily_schedule],
        sensors=[new_filing_sensor(home, edgar, inputs), *failure_sensors(home)],
        resources={
            "warehouse": Warehouse(root=str(home.root), full=full),
            "edgar": edgar,
            "inputs": inputs,
        },
        executor=dg.in_process_executor,
        loggers=LOGGERS if loggers is None else loggers,
    )
