"""`aigap refresh` from the shipped facts to the published file, and what stops it on the way.

Each refresh costs some twenty seconds, so one refresh answers several questions here.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from conftest import meta, run_aigap, start_refresh

from ingest.bundle import BUNDLE_DIR, seal_bundle
from orchestration.instance import instance_of
from warehouse.store.home import Home, lock_holder, read_last_refresh

ROOT = Path(__file__).resolve().parents[2]


def copy_of(home: Home, to: Path) -> Home:
    """A home of one's own that has been refreshed before."""
    shutil.copytree(home.root, to, symlinks=True)
    return Home(to)


def refresh_with(home: Home, *, bundle: Path, code: Path = ROOT) -> subprocess.CompletedProcess:
    """A refresh from another bundle than the shipped one, as its own process; prints the error a user would see.

    :param code: a checkout whose packages and dbt project are used.
    """
    program = (
        "import sys; from pathlib import Path; from warehouse.store.home import Home\n"
        "from orchestration import run; from orchestration.resources import Inputs\n"
        "say = lambda message, done=None, total=None: print(message)\n"
        "try: run.refresh(Home(Path(sys.argv[1])), offline=True, progress=say, inputs=Inputs(bundle_dir=sys.argv[2]))\n"
        "except Exception as error: sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", program, str(home.root), str(bundle)]
    return subprocess.run(
        command, cwd=code, env={**os.environ, "PYTHONPATH": str(code)}, capture_output=True, text=True, timeout=600
    )


# --- one good refresh -----------------------------------------------------------------------------


def test_progress_is_plain_counted_lines_without_a_terminal(refreshed):
    lines = refreshed.stderr.splitlines()
    assert "\r" not in refreshed.stderr
    assert lines[0] == "starting"
    assert any(line.endswith("fetch: offline: EDGAR is not asked for new filings") for line in lines)
    counted = [line for line in lines if line.startswith("[")]
    numbers = [int(line[1:].split("/")[0]) for line in counted]
    total = int(counted[0].split("/")[1].split("]")[0])
    assert numbers == sorted(numbers)
    assert numbers[-1] == total
    assert "published ai_revenue_gap-000001.duckdb" in counted[-1]
    assert "warning" not in refreshed.stderr.lower()
    assert "Traceback" not in refreshed.stderr


def test_the_run_is_recorded_where_the_ui_shows_it(refreshed, repository_checks):
    with instance_of(refreshed.home) as instance:
        (run,) = instance.get_runs()
        assert (run.job_name, run.status) == ("quarterly_refresh", dg.DagsterRunStatus.SUCCESS)
        assert run.tags[".dagster/repository"] == "__repository__@orchestration.definitions"
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(repository_checks)
        assert {key for key, record in latest.items() if record.status.value == "SUCCEEDED"} == set(repository_checks)


@pytest.fixture(scope="module")
def repository_checks(refreshed) -> list[dg.AssetCheckKey]:
    """Keys of all blocking checks: none of them may be without a passed evaluation after a good refresh."""
    from orchestration.build import build_definitions

    repository = build_definitions(refreshed.home).get_repository_def()
    specs = [s for a in repository.assets_defs_by_key.values() for s in a.node_check_specs_by_output_name.values()]
    return list({spec.key for spec in specs if spec.blocking})


def test_every_check_ran_whatever_the_caller_had_set(refreshed, repository_checks):
    """That refresh was started with DBT_EXCLUDE_RESOURCE_TYPES=test and the like (tests/conftest.py)."""
    note = json.loads((refreshed.home.root / "dbt" / "build.json").read_text())
    named = {f"{'.'.join(key.asset_key.path)}: {key.name}" for key in repository_checks}
    assert {name: note["results"].get(name) for name in named} == dict.fromkeys(named, "pass")
    assert meta(refreshed.home)["checks_passed"] == list(note["results"].values()).count("pass") >= len(named)


def metadata_of(instance: dg.DagsterInstance, *key: str) -> dict:
    event = instance.get_latest_materialization_event(dg.AssetKey(key))
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_materializations_say_rows_newest_filing_and_accessions(refreshed):
    with instance_of(refreshed.home) as instance, duckdb.connect(str(refreshed.home.build), read_only=True) as build:

        def ask(sql: str):
            return build.execute(sql).fetchone()

        facts = metadata_of(instance, "raw", "xbrl_facts")
        assert (facts["dagster/row_count"], facts["accessions"]) == ask(
            "select count(*), count(distinct (cik, accession)) from raw.xbrl_facts"
        )
        newest = ask("select accession, filed_on from raw.xbrl_facts order by filed_on desc, accession desc limit 1")
        assert f"{newest[0]} filed {newest[1]}" in facts["newest filing"]
        assert facts["newest accessions"].records[0].data["accession"] == newest[0]
        gap = metadata_of(instance, "marts", "ai_revenue_gap")
        assert (gap["dagster/row_count"],) == ask("select count(*) from marts.ai_revenue_gap")
        built = meta(refreshed.home)
        published = metadata_of(instance, "meta", "build")
        assert (published["generation"], published["content hash"], published["checks passed"]) == (
            built["generation"],
            built["content_hash"],
            built["checks_passed"],
        )
        page = metadata_of(instance, "report", "index")
        assert page["is new"]
        assert page["bytes"] == (refreshed.home.report / "index.html").stat().st_size > 10_000
        beside = sum(path.stat().st_size for path in refreshed.home.report.rglob("*.js"))
        assert page["bytes"] + beside > 1_000_000


def test_the_build_file_is_not_kept_open_nor_half_written(refreshed):
    assert not refreshed.home.build.with_name("build.duckdb.wal").exists()
    assert lock_holder(refreshed.home) is None


# --- what is wrong is not published -----------------------------------------------------------------


def assert_last_good_is_served(home: Home, before: dict) -> None:
    assert meta(home) == before
    note = read_last_refresh(home)
    assert note["outcome"] == "failed"
    shown = run_aigap(home, "show", "--last", "1")
    assert shown.returncode == 0
    assert "these are the last good numbers" in shown.stderr
    assert note["message"][:60] in shown.stderr


def changed_bundle(to: Path, keep) -> Path:
    """The shipped bundle with only the facts that `keep` (a pyarrow mask of the table) lets through."""
    shutil.copytree(BUNDLE_DIR, to)
    table = pq.read_table(to / "facts.parquet")
    table = table.filter(keep(table))
    pq.write_table(table, to / "facts.parquet")
    manifest = json.loads((to / "manifest.json").read_text())
    data = (to / "facts.parquet").read_bytes()
    manifest["files"]["facts.parquet"] = {
        "sha256": sha256(data).hexdigest(),
        "bytes": len(data),
        "rows": table.num_rows,
    }
    (to / "manifest.json").write_text(json.dumps(manifest))
    seal_bundle(to)
    return to


class Blocked(NamedTuple):
    """A home whose last refresh was stopped by a check, what that refresh said, and meta.build from before it."""

    home: Home
    done: subprocess.CompletedProcess
    before: dict


#: A mart that somebody adds in a scratch copy of the project: what it rests on cannot be looked up.
UNCITED = """select 'here' as place, {{ array_of("'x-nowhere'") }} as fact_ids from {{ ref('citations') }} limit 1\n"""
UNCITED_YML = """models:
  - name: uncited
    description: "A mart whose number nobody can look up."
    columns:
      - {name: place, description: "Where.", data_type: varchar}
      - {name: fact_ids, description: "Statements.", data_type: "varchar[]"}
    data_tests:
      - unique_key: {name: uncited_key_is_unique, arguments: {columns: [place]}}
      - cited: {name: uncited_is_cited}
"""


@pytest.fixture(scope="module")
def blocked(refreshed, tmp_path_factory) -> Blocked:
    """A project with one mart more, uncited; and the newest filing of Microsoft has lost its capital expenditure."""
    tmp_path = tmp_path_factory.mktemp("blocked")
    home, code = copy_of(refreshed.home, tmp_path / "home"), tmp_path / "checkout"
    for room in ("ingest", "warehouse", "orchestration", "dbt_project"):
        shutil.copytree(ROOT / room, code / room, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    (code / "dbt_project/models/marts/uncited.sql").write_text(UNCITED)
    (code / "dbt_project/models/marts/uncited.yml").write_text(UNCITED_YML)

    def keep(table):
        microsoft = pc.equal(table["cik"], "0000789019")
        newest = pc.max(pc.filter(table["filed_on"], microsoft))
        capex = pc.equal(table["concept"], "us-gaap:PaymentsToAcquirePropertyPlantAndEquipment")
        gone = pc.and_(pc.and_(microsoft, pc.equal(table["filed_on"], newest)), capex)
        assert pc.sum(gone).as_py() > 0
        return pc.invert(gone)

    before = meta(home)
    bundle = changed_bundle(tmp_path / "bundle", keep)
    return Blocked(home, refresh_with(home, bundle=bundle, code=code), before)


def test_a_number_that_is_not_cited_blocks_the_publish_and_is_named(blocked):
    """T85: also of a mart that was not there when the check was written."""
    home, done, before = blocked
    assert done.returncode == 1
    assert "test uncited_is_cited" in done.stderr
    assert "readers keep ai_revenue_gap-000001.duckdb" in done.stderr
    assert_last_good_is_served(home, before)
    with instance_of(home) as instance:
        run = instance.get_runs(limit=1)[0]
        assert run.status == dg.DagsterRunStatus.FAILURE
        key = dg.AssetCheckKey(dg.AssetKey(["marts", "uncited"]), "uncited_is_cited")
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        assert record.status.value == "FAILED"


def test_a_metric_gone_from_the_newest_filing_is_named_and_blocks_nothing_by_itself(blocked):
    """T17."""
    assert "test assert_required_metrics_in_newest_filing: warn" in blocked.done.stdout
    assert "assert_required_metrics_in_newest_filing" not in blocked.done.stderr


def test_a_damaged_bundle_stops_before_anything_is_touched(refreshed, tmp_path):
    home = copy_of(refreshed.home, tmp_path / "home")
    before = meta(home)
    broken = tmp_path / "bundle"
    shutil.copytree(BUNDLE_DIR, broken)
    data = bytearray((broken / "facts.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (broken / "facts.parquet").write_bytes(data)
    build = home.build.read_bytes()
    done = refresh_with(home, bundle=broken)
    assert done.returncode == 1
    assert "load_raw: " in done.stderr
    assert "facts.parquet" in done.stderr
    assert home.build.read_bytes() == build
    assert_last_good_is_served(home, before)


def test_without_a_bundle_nothing_is_published_and_the_message_says_what_to_do(refreshed, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(refreshed.home.root / "dbt", home.root / "dbt")  # what dbt parsed need not be parsed again
    (tmp_path / "empty").mkdir()
    done = refresh_with(home, bundle=tmp_path / "empty")
    assert done.returncode == 1
    assert "manifest.json" in done.stderr
    assert "nothing has been published yet" in done.stderr
    assert not home.published.is_symlink()


# --- one at a time, and killed at will ------------------------------------------------------------------


def wait_for(process: subprocess.Popen, text: str) -> None:
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the refresh ended before it said {text!r}")


def test_a_refresh_stopped_anywhere_is_gone_at_once_and_the_next_one_needs_no_hand(blocked, tmp_path):
    """T44, T50, T51, T58, T59. The last one before them had failed a check, and the next one has little memory."""
    home, before = copy_of(blocked.home, tmp_path / "home"), blocked.before
    stops = [
        (signal.SIGINT, "build: model int_metric_quarters"),
        (signal.SIGTERM, "build: model ai_revenue_gap"),
        (signal.SIGHUP, "load: raw.companies"),
        (signal.SIGKILL, "build: model int_quarter_candidates"),
    ]
    for how, where in stops:
        running = start_refresh(home)
        wait_for(running, where)
        running.send_signal(how)
        asked = time.monotonic()
        rest = running.stdout.read()
        running.wait(60)
        assert time.monotonic() - asked < 5, how
        assert running.returncode == (130 if how == signal.SIGINT else -how)
        assert "Traceback" not in rest
        assert lock_holder(home) is None
        assert meta(home) == before
    done = run_aigap(home, "refresh", AIGAP_MEMORY_LIMIT="200MB")
    assert done.returncode == 0, done.stderr
    assert meta(home) == before
    assert read_last_refresh(home)["outcome"] == "unchanged"
    with instance_of(home) as instance:
        assert [run.status.value for run in instance.get_runs()] == [
            "SUCCESS", *["FAILURE"] * len(stops), "FAILURE", "SUCCESS",
        ]  # fmt: skip
