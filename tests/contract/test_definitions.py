"""What Dagster sees: the names of all assets and checks, when the job runs, how the instance is set.

Names are part of the interface: a table, a check, an alert is found by them. They are listed in
definitions.txt; after a change that is meant, write the list anew and read its diff:

    make snapshot
"""

import copy
import json
import os
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest
from dagster._utils.schedules import cron_string_iterator

from orchestration import freshness, jobs, models
from orchestration.build import build_definitions
from orchestration.instance import instance_of
from orchestration.resources import Loaded, Warehouse, name_of
from warehouse.errors import PublishError
from warehouse.readers import doctor
from warehouse.store.home import Home

SNAPSHOT = Path(__file__).with_name("definitions.txt")


@pytest.fixture(scope="module")
def defs(refreshed) -> dg.Definitions:
    return build_definitions(refreshed.home)


@pytest.fixture(scope="module")
def repository(defs):
    return defs.get_repository_def()


@pytest.fixture(scope="module")
def specs(repository) -> dict[str, dg.AssetSpec]:
    return {".".join(spec.key.path): spec for spec in defs_specs(repository)}


def defs_specs(repository) -> list[dg.AssetSpec]:
    return [spec for asset in repository.assets_defs_by_key.values() for spec in asset.specs]


def check_specs(repository) -> list[dg.AssetCheckSpec]:
    found = {}
    for asset in repository.assets_defs_by_key.values():
        found.update({spec.key: spec for spec in asset.node_check_specs_by_output_name.values()})
    return list(found.values())


def described(repository) -> str:
    lines = sorted({f"asset {'.'.join(s.key.path)} in {s.group_name}" for s in defs_specs(repository)})
    lines += sorted(
        f"check {'.'.join(c.asset_key.path)}: {c.name}{'' if c.blocking else ' (warns)'}"
        for c in check_specs(repository)
    )
    lines += [f"job {job.name}" for job in repository.get_all_jobs() if not job.name.startswith("__")]
    lines += [
        f"schedule {s.name}: {s.cron_schedule} {s.execution_timezone} {s.default_status.value}"
        for s in repository.schedule_defs
    ]
    lines += sorted(f"sensor {s.name}: {s.default_status.value}" for s in repository.sensor_defs)
    return "\n".join(lines) + "\n"


def test_the_names_are_the_listed_ones(repository):
    if os.environ.get("AIGAP_WRITE_SNAPSHOT") == "1":
        SNAPSHOT.write_text(described(repository), "utf-8")
    assert described(repository).splitlines() == SNAPSHOT.read_text("utf-8").splitlines()


def test_every_dbt_test_is_a_check(repository, manifest):
    project = json.loads(manifest.read_text("utf-8"))
    tests = [n["name"] for n in project["nodes"].values() if n["resource_type"] == "test"]
    tests += [n["name"] for n in project["unit_tests"].values()]
    checks = [c.name for c in check_specs(repository) if c.metadata and models.UNIQUE_ID in c.metadata]
    assert sorted(checks) == sorted(tests)
    assert len(tests) > 50


def test_every_check_says_what_it_holds(repository):
    assert [c.name for c in check_specs(repository) if not c.description] == []


def test_every_asset_is_the_relation_of_its_name(specs, refreshed):
    query = "select schema_name || '.' || {0}_name from duckdb_{0}s() where not internal"
    with duckdb.connect(str(refreshed.home.build), read_only=True) as build:
        built = {row[0] for kind in ("table", "view") for row in build.execute(query.format(kind)).fetchall()}
    with duckdb.connect(str(refreshed.home.published), read_only=True) as published:
        live = {row[0] for row in published.execute(query.format("table")).fetchall()}
    tables = {name for name in specs if not name.startswith(("sources.", "report."))}
    assert tables - {"meta.build"} == {n for n in built if n.split(".")[0] != "meta"} - {"raw.build_file"}
    assert {n for n in tables if n.split(".")[0] in ("marts", "meta")} == live - {"meta.processed_accessions"}


def test_every_asset_has_a_group_and_a_description(specs):
    assert {s.group_name for s in specs.values()} == {"sources", "raw", "staging", "intermediate", "marts", "publish"}
    assert [name for name, s in specs.items() if not s.description or not s.kinds] == []


def test_how_old_the_numbers_are_is_told_by_their_filings(refreshed, monkeypatch):
    warehouse = Warehouse(root=str(refreshed.home.root))
    monkeypatch.setattr(doctor, "STALE_FILING_DAYS", 1_000_000)
    assert freshness.filings_are_recent(warehouse).passed
    monkeypatch.setattr(doctor, "STALE_FILING_DAYS", -1)  # a run of today does not make them any newer
    stale = freshness.filings_are_recent(warehouse)
    assert (stale.passed, stale.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "- NVIDIA: 20" in stale.metadata["found"].value


def test_every_mart_shows_its_columns(specs):
    for name, spec in specs.items():
        if name.startswith("marts."):
            columns = spec.metadata["dagster/column_schema"].columns
            assert columns, name
            assert all(c.description and c.type != "?" for c in columns), name


def test_publishing_comes_after_every_mart(specs):
    upstream = {".".join(dep.asset_key.path) for dep in specs["meta.build"].deps}
    assert upstream == {name for name in specs if name.startswith("marts.")}
    assert [".".join(dep.asset_key.path) for dep in specs["report.index"].deps] == ["meta.build"]


def test_every_step_takes_its_turn_and_the_job_runs_in_one_process(defs):
    job = defs.resolve_job_def("quarterly_refresh")
    assert {op.pool for op in job.graph.node_defs} == {"warehouse_writer"}
    assert job.executor_def.name == "in_process"
    steps = {"sources__archive", "load_raw", "dbt_build", "meta__build", "report__index", "filings_are_recent"}
    assert {n.name for n in job.graph.node_defs} == steps


def test_the_schedule_ticks_once_a_quarter_at_nine_in_new_york():
    zone = ZoneInfo(jobs.TIMEZONE)
    start = datetime(2026, 12, 2, tzinfo=zone).timestamp()
    iterator = cron_string_iterator(start, jobs.CRON, jobs.TIMEZONE)
    ticks = [next(iterator) for _ in range(8)]
    assert [(t.year, t.month, t.day, t.hour, t.minute) for t in ticks] == [
        (year, month, 1, 9, 0) for year in (2027, 2028) for month in (3, 6, 9, 12)
    ]
    # Winter and summer time: 14:00 and 13:00 UTC.
    assert [t.astimezone(ZoneInfo("UTC")).hour for t in ticks] == [14, 13, 13, 14] * 2


def test_the_instance_is_private_and_runs_one_thing_at_a_time(refreshed):
    with instance_of(refreshed.home) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_max_runtime_seconds == 3600
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
        assert str(instance.root_directory) == str(refreshed.home.dagster)


# --- models ---------------------------------------------------------------------------------------


@pytest.fixture
def project(manifest):
    return json.loads(manifest.read_text("utf-8"))


def test_a_test_that_belongs_to_no_table_is_refused(project):
    broken = copy.deepcopy(project)
    test = next(n for n in broken["nodes"].values() if n["name"] == "assert_components_sum_to_gap")
    test["config"]["meta"] = {}
    with pytest.raises(
        dg.DagsterInvalidDefinitionError, match="assert_components_sum_to_gap .* reads 4 tables and belongs"
    ):
        models.check_specs(broken)


def test_all_is_built_without_a_selection_and_a_part_by_name(project):
    keys = [s.key for s in models.model_specs(project)]
    checks = [c.key for c in models.check_specs(project)]
    gap = dg.AssetKey(["marts", "ai_revenue_gap"])
    assert models.selection(project, keys, checks) is None
    assert models.selection(project, [gap], []) == ["ai_revenue_gap.marts.ai_revenue_gap"]
    named = dg.AssetCheckKey(dg.AssetKey(["marts", "reconciliation"]), "reconciliation_is_cited")
    assert models.selection(project, [], [named]) == ["ai_revenue_gap.marts.reconciliation_is_cited"]


def outcome(status: str, name: str = "some_test", message: str = "Got 3 results") -> models.Outcome:
    return models.Outcome(f"test.x.{name}", name, "test", status, message, 3, 0.1)


def test_a_warning_is_no_failure():
    assert models.verdict([outcome("pass"), outcome("warn"), outcome("success")]) is None


def test_a_failure_names_the_check_and_counts_what_it_stopped():
    said = models.verdict([outcome("pass"), outcome("fail", "keys_are_unique"), outcome("skipped"), outcome("skipped")])
    assert said == "test keys_are_unique (Got 3 results); 2 skipped because of it"


def test_only_the_first_failures_are_spelled_out():
    said = models.verdict([outcome("error", f"test_{i}") for i in range(9)])
    assert "test_4" in said
    assert "test_5" not in said
    assert "and 4 more" in said


# --- the approval without which nothing is published ----------------------------------------------

LOADED = Loaded(fingerprint="f", bundle_hash="b", curated_hash="c", warnings=[], results={})


@pytest.fixture
def defined(repository) -> list[dg.AssetCheckSpec]:
    return check_specs(repository)


@pytest.fixture
def passed(defined) -> Loaded:
    return LOADED._replace(results={name_of(spec): "pass" for spec in defined})


def test_nothing_is_approved_before_its_checks_ran(tmp_path, defined, passed):
    warehouse = Warehouse(root=str(tmp_path))
    for state in (None, LOADED):
        warehouse.note(state)
        assert warehouse.loaded == state
        with pytest.raises(PublishError, match="has not passed its checks .*: run aigap refresh"):
            warehouse.approved(defined)
    warehouse.note(passed)
    assert warehouse.approved(defined).checks_passed == len(defined) > 60


def test_every_blocking_check_must_have_passed_by_name_and_no_other(tmp_path, defined, passed):
    """That none failed is not enough: DBT_EXCLUDE_RESOURCE_TYPES=test once published with no check run."""
    warehouse = Warehouse(root=str(tmp_path))
    assert len({name_of(spec) for spec in defined}) == len(defined)
    assert {spec.blocking for spec in defined} == {True, False}
    for spec in defined:
        name = name_of(spec)
        without = {other: result for other, result in passed.results.items() if other != name}
        for results in (without, without | {name: "warn"}):
            warehouse.note(passed._replace(results=results))
            if spec.blocking:
                with pytest.raises(PublishError, match=re.escape(f"({name}): run aigap refresh")):
                    warehouse.approved(defined)
            else:
                assert warehouse.approved(defined).results == results


def test_what_publishes_asks_for_every_check_of_the_build(defs, repository, defined, passed, tmp_path):
    """The step itself, over a build file of which one result is missing."""
    (publishes,) = [a for a in repository.assets_defs_by_key.values() if dg.AssetKey(["meta", "build"]) in a.keys]
    asked = [spec for spec in defined if spec.blocking]
    gone = name_of(asked[-1])
    warehouse = Warehouse(root=str(tmp_path))
    warehouse.note(passed._replace(results={n: r for n, r in passed.results.items() if n != gone}))
    with pytest.raises(PublishError, match=re.escape(f"({gone})")):
        publishes.op.compute_fn.decorated_fn(dg.build_op_context(), warehouse)
    assert not Home(tmp_path).published.is_symlink()


def test_an_unreadable_note_approves_nothing(tmp_path, defined, passed):
    warehouse = Warehouse(root=str(tmp_path))
    warehouse.note(passed)
    (tmp_path / "dbt" / "build.json").write_text('{"fingerprint": "f"')
    assert warehouse.loaded is None
    with pytest.raises(PublishError):
        warehouse.approved(defined)


def test_the_manifest_is_parsed_again_only_when_a_source_changes(refreshed, monkeypatch):
    monkeypatch.setattr(models, "Dbt", lambda *_: pytest.fail("parsed although nothing changed"))
    assert models.load_manifest(Home(refreshed.home.root))["metadata"]["project_name"] == "ai_revenue_gap"
