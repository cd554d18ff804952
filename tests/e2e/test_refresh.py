"""`aigap refresh` from the shipped facts to the published file, and what stops it on the way.

Each refresh costs some twenty seconds, so one refresh answers several questions here.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from conftest import run_aigap

from ingest.bundle import BUNDLE_DIR
from orchestration.instance import instance_of
from support.fake_edgar import FakeEdgar
from support.network_guard import guarded, reached
from warehouse.home import Home, lock_holder, read_last_refresh

ROOT = Path(__file__).resolve().parents[2]
CURATED = ROOT / "ingest" / "curated"
ASKED_BY = "Jane Doe jane.doe@secret.example"


def copy_of(home: Home, to: Path) -> Home:
    """A home of one's own that has been refreshed before."""
    shutil.copytree(home.root, to, symlinks=True)
    return Home(to)


def meta(home: Home) -> dict:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute("select * from meta.build").to_arrow_table().to_pylist()[0]


def refresh_with(
    home: Home, *, bundle: Path | None = None, curated: Path | None = None, edgar: FakeEdgar | None = None
) -> subprocess.CompletedProcess:
    """A refresh from other folders than the shipped ones, as its own process; prints the error a user would see."""
    code = (
        "import sys; from pathlib import Path; from warehouse.home import Home\n"
        "from orchestration import run; from orchestration.resources import Edgar, Inputs\n"
        "say = lambda message, done=None, total=None: print(message)\n"
        "inputs = Inputs(bundle_dir=sys.argv[2], curated_dir=sys.argv[3])\n"
        "edgar = Edgar(is_live=True, data_host=sys.argv[4], www_host=sys.argv[5]) if sys.argv[4:] else None\n"
        "offline = edgar is None\n"
        "try: run.refresh(Home(Path(sys.argv[1])), offline=offline, progress=say, edgar=edgar, inputs=inputs)\n"
        "except Exception as error: sys.exit(str(error))\n"
    )
    arguments = [str(home.root), str(bundle or ""), str(curated or "")]
    environment = dict(os.environ)
    if edgar:
        arguments += [edgar.hosts.data, edgar.hosts.www]
        environment["SEC_USER_AGENT"] = ASKED_BY
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600)


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
        assert page["bytes"] == (refreshed.home.report / "index.html").stat().st_size > 1_000_000


def test_the_build_file_is_not_kept_open_nor_half_written(refreshed):
    assert not refreshed.home.build.with_name("build.duckdb.wal").exists()
    assert lock_holder(refreshed.home) is None


# --- again, and without a network -----------------------------------------------------------------


def test_of_four_refreshes_at_once_one_runs_without_a_network_and_publishes_nothing_new(refreshed, tmp_path):
    """T54, T76, T86."""
    home = copy_of(refreshed.home, tmp_path / "again")
    before = meta(home)
    page_written = (home.report / "index.html").stat().st_mtime_ns
    watched = guarded(tmp_path)  # the processes that these start too
    started = [start_refresh(home, **watched) for _ in range(4)]
    said = [process.communicate(timeout=600)[0] for process in started]
    assert sorted(process.returncode for process in started) == [0, 75, 75, 75], said
    (done,) = [text for process, text in zip(started, said, strict=True) if process.returncode == 0]
    assert all("a refresh is already running (process " in text for text in said if text is not done)
    assert "nothing new; still ai_revenue_gap-000001.duckdb" in done.splitlines()[-1]
    assert reached(tmp_path) == []
    assert meta(home) == before
    assert read_last_refresh(home)["outcome"] == "unchanged"
    # What is known is not loaded again, and a page of the same numbers is not written again.
    assert "raw.xbrl_facts" not in done
    assert (home.report / "index.html").stat().st_mtime_ns == page_written


# --- what is refused is said, and the rest goes on --------------------------------------------------


def test_a_refused_row_an_unreadable_payload_and_an_edgar_that_fails_are_reported_and_hold_nothing_back(
    refreshed, tmp_path
):
    """T35, T75: nor is it written anywhere who asked."""
    home = copy_of(refreshed.home, tmp_path / "home")
    curated = tmp_path / "curated"
    shutil.copytree(CURATED, curated)
    with (curated / "funding_rounds.csv").open("a", newline="") as file:
        row = next(csv.reader([(curated / "funding_rounds.csv").read_text().splitlines()[1]]))
        csv.writer(file).writerow(["in billions" if cell == row[3] else cell for cell in row])
    line = len((curated / "funding_rounds.csv").read_text().splitlines())
    page = (b"<!DOCTYPE html><html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head>"
            b"<body>Undeclared Automated Tool</body></html>")  # fmt: skip
    archive_payload(home, page)

    with FakeEdgar() as edgar:  # knows no company: every list is a 404
        done = refresh_with(home, curated=curated, edgar=edgar)
        assert {seen.headers["User-Agent"] for seen in edgar.log} == {ASKED_BY}
    assert done.returncode == 0, done.stderr
    assert "fetch: warning: not everything could be fetched" in done.stdout
    assert f"funding_rounds.csv, line {line}" in done.stdout
    assert "raw.payloads: nothing_quarantined" in done.stdout
    assert meta(home)["content_hash"] == meta(refreshed.home)["content_hash"], "the good rows are all there"
    warnings = meta(home)["warnings"]
    assert [w.split(" ")[1] for w in warnings if w.startswith("raw.")] == ["nothing_quarantined", "no_refused_rows"]
    with instance_of(home) as instance:
        assert metadata_of(instance, "sources", "curated")["refused"] == 1
        key = dg.AssetCheckKey(dg.AssetKey(["sources", "archive"]), "edgar_answered")
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        evaluation = record.event.asset_check_evaluation
        assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    written = [p for p in home.root.rglob("*") if p.is_file() and b"secret.example" in p.read_bytes()]
    assert written == []
    assert "secret.example" not in done.stdout + done.stderr


def archive_payload(home: Home, body: bytes) -> None:
    from datetime import UTC, datetime

    from ingest.archive import Archive

    Archive(home.archive).put(
        body,
        "https://www.sec.gov/Archives/edgar/data/1045810/000104581026000099/nvda-20260726_htm.xml",
        kind="xbrl_instance",
        retrieved_at=datetime(2026, 8, 27, tzinfo=UTC),
        cik="0001045810",
        accession="0001045810-26-000099",
        form="10-Q",
        filed_on="2026-08-26",
    )


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
    return to


def test_a_metric_gone_from_the_newest_filing_blocks_the_publish_and_is_named(refreshed, tmp_path):
    """T17, T50, T85."""
    home = copy_of(refreshed.home, tmp_path / "home")
    before = meta(home)

    def keep(table):
        microsoft = pc.equal(table["cik"], "0000789019")
        newest = pc.max(pc.filter(table["filed_on"], microsoft))
        capex = pc.equal(table["concept"], "us-gaap:PaymentsToAcquirePropertyPlantAndEquipment")
        gone = pc.and_(pc.and_(microsoft, pc.equal(table["filed_on"], newest)), capex)
        assert pc.sum(gone).as_py() > 0
        return pc.invert(gone)

    done = refresh_with(home, bundle=changed_bundle(tmp_path / "bundle", keep))
    assert done.returncode == 1
    assert "test assert_required_metrics_in_newest_filing" in done.stderr
    assert "skipped because of it" in done.stderr
    assert "readers keep ai_revenue_gap-000001.duckdb" in done.stderr
    assert_last_good_is_served(home, before)
    with instance_of(home) as instance:
        run = instance.get_runs(limit=1)[0]
        assert run.status == dg.DagsterRunStatus.FAILURE
        key = dg.AssetCheckKey(
            dg.AssetKey(["intermediate", "int_metric_observations"]), "assert_required_metrics_in_newest_filing"
        )
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        assert record.status.value == "FAILED"
    # Nothing to repair by hand: the next refresh with good facts goes through, also where there is little memory.
    assert run_aigap(home, "refresh", AIGAP_MEMORY_LIMIT="200MB").returncode == 0
    for same in ("content_hash", "checks_passed"):
        assert meta(home)[same] == before[same]
    assert read_last_refresh(home)["outcome"] == "unchanged"


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


def start_refresh(home: Home, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "refresh"],
        env={**os.environ, "AIGAP_HOME": str(home.root), **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(process: subprocess.Popen, text: str) -> None:
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the refresh ended before it said {text!r}")


def test_a_refresh_stopped_anywhere_is_gone_at_once_and_the_next_one_needs_no_hand(refreshed, tmp_path):
    """T44, T51, T58, T59."""
    home = copy_of(refreshed.home, tmp_path / "home")
    before = meta(home)
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
    done = run_aigap(home, "refresh")
    assert done.returncode == 0, done.stderr
    assert meta(home)["content_hash"] == before["content_hash"]
    with instance_of(home) as instance:
        assert [run.status.value for run in instance.get_runs()] == ["SUCCESS", *["FAILURE"] * len(stops), "SUCCESS"]
