"""The code location: everything Dagster sees, put together in one place.

Belongs here: assembly. Does not belong here: definitions themselves. (No function decorated with
`@dg.definitions` either: a module that has one ignores its other module-level definitions.)
"""

from __future__ import annotations

import os

import dagster as dg

from orchestration import jobs, models
from orchestration.assets import archive, dbt_models, load_raw, published_file
from orchestration.resources import Edgar, Inputs, Warehouse
from warehouse.home import Home, find_home


def build_definitions(home: Home | None = None, *, edgar: Edgar | None = None, inputs: Inputs | None = None) -> dg.Definitions:
    """All assets, checks, the job and its schedule, over one folder of files.

    :param home: where everything is kept; default AIGAP_HOME.
    :param edgar: default: asked only if SEC_USER_AGENT is set.
    :param inputs: default: what ships with the package.
    :raises models.DbtFailed: the dbt project does not parse.
    """
    home = home or find_home()
    manifest = models.load_manifest(home)
    marts = [spec.key for spec in models.model_specs(manifest) if spec.group_name == "marts"]
    assets = [archive, load_raw, dbt_models(manifest), published_file(marts)]
    return dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=jobs.FRESHNESS), assets),
        jobs=[jobs.refresh_job],
        schedules=[jobs.quarterly_schedule],
        resources={
            "warehouse": Warehouse(root=str(home.root)),
            "edgar": edgar or Edgar(user_agent=os.environ.get("SEC_USER_AGENT", "")),
            "inputs": inputs or Inputs(),
        },
        executor=dg.in_process_executor,
    )


defs = build_definitions()


def refresh_job() -> dg.JobDefinition:
    """The job by a name that another process can import, so that a run says where its code lives."""
    return defs.resolve_job_def(jobs.refresh_job.name)
