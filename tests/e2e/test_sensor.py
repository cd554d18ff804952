"""From a filing at EDGAR to a run, and in one test, with the daemon running, on to the published file.

The ticks are evaluated without Dagster's processes, against a small EDGAR of two companies; the last test starts the
daemon as a person would and lets NVIDIA's 10-Q of 2025-08-27 appear.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from ingest.archive import Archive
from ingest.bundle import read_bundle
from ingest.companies import watch_list
from ingest.edgar.client import Client
from ingest.edgar.fetch import fetch
from orchestration import sensors
from orchestration.instance import instance_of
from orchestration.models import load_manifest
from orchestration.resources import Edgar, Inputs
from support import fake_edgar, tiny
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar
from support.render import edgar_folder
from support.replay import (
    ASKED_BY,
    NVIDIA,
    World,
    assert_as_of,
    bundle_before,
    filing_days,
    processed,
    with_company_facts_of,
)
from support.tiny import CIK, COMPANY, OTHER, Q1, Q2, Q3, Report
from warehouse.store.decisions import decide
from warehouse.store.home import Home, read_last_refresh, refresh_lock

ROOT = Path(__file__).resolve().parents[2]
OF_OTHER = Report("0000000077-26-000001", filed="2026-08-20")


# --- one tick -------------------------------------------------------------------------------------


@pytest.fixture
def edgar():
    with FakeEdgar(pages=tiny.site([Q1]) | tiny.site([], OTHER.cik), etags_on_data=True) as server:
        yield server


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Ticks:
    """A sensor over an own home, which knows Q1; each tick gets the cursor the one before left."""

    def __init__(self, edgar: FakeEdgar, instance: dg.DagsterInstance, root: Path) -> None:
        self.home, self.clock, self.cursor, self.instance = Home(root), VirtualClock(time.time()), None, instance
        resource = Edgar(is_live=True, data_host=edgar.hosts.data, www_host=edgar.hosts.www)
        self.sensor = sensors.new_filing_sensor(self.home, resource, Inputs(), self.clock)

    def __call__(self, cursor: str | None = "", hours: float = 1.0) -> dg.RunRequest | dg.SkipReason:
        """The tick after `hours`."""
        self.clock.now += 3600 * hours
        with dg.build_sensor_context(self.instance, self.cursor if cursor == "" else cursor) as context:
            result = self.sensor(context)
            self.cursor = context.cursor
        return result

    def says(self, **how) -> str:
        result = self(**how)
        assert isinstance(result, dg.SkipReason), result
        return result.skip_message

    def ran(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
        """A run of that request, which ended (or has not) as `status` says."""
        run = dg.DagsterRun(job_name="quarterly_refresh", tags={**request.tags, "dagster/run_key": request.run_key})
        self.instance.add_run(run)
        if status == dg.DagsterRunStatus.FAILURE:
            self.instance.report_run_failed(run)
            self.clock.now = time.time()


@pytest.fixture
def tick(edgar, instance, tmp_path, monkeypatch):
    monkeypatch.setenv("SEC_USER_AGENT", ASKED_BY)
    monkeypatch.setattr(sensors, "watch_list", lambda: (COMPANY, OTHER))
    monkeypatch.setattr(sensors, "_at_hand", lambda _: (frozenset({Q1.accession}), {}))
    return Ticks(edgar, instance, tmp_path)


def test_it_is_off_without_an_identity_and_says_so(tick, edgar, monkeypatch):
    monkeypatch.delenv("SEC_USER_AGENT")
    assert "off: SEC_USER_AGENT is not set" in tick.says()
    assert edgar.log == []


def test_no_news_costs_one_conditional_request_a_company(tick, edgar):
    assert tick.says() == "nothing new: 2 of 2 companies were asked"
    assert tick.says(hours=0.1) == "nothing new: 0 of 2 companies were asked"
    assert tick.says() == "nothing new: 2 of 2 companies were asked"
    assert edgar.paths() == [tiny.list_path(CIK), tiny.list_path(OTHER.cik)] * 2
    assert ["If-None-Match" in seen.headers for seen in edgar.log] == [False, False, True, True]


def test_all_filings_of_a_batch_start_one_run(tick, edgar):
    """Also those of days without a daemon: what is new is told by what is at hand, not by when."""
    tick()
    edgar.pages |= tiny.site([Q1, Q2, Q3]) | tiny.site([OF_OTHER], OTHER.cik)
    request = tick(hours=24 * 100)
    assert isinstance(request, dg.RunRequest)
    assert request.tags["aigap/filings"] == ", ".join([Q2.accession, Q3.accession, OF_OTHER.accession])
    # A doubled tick, one whose answer was lost, one without a cursor: the same key, which Dagster runs once.
    for cursor in ("", None, "not a cursor"):
        assert tick(cursor=cursor).run_key == request.run_key
    edgar.pages |= tiny.site([Q1, Q2])
    edgar.pages |= tiny.site([Report("0000000077-26-000002")], OTHER.cik)
    assert tick(cursor=None).run_key != request.run_key


def test_while_its_run_is_on_its_way_there_is_no_second_one(tick, edgar):
    edgar.pages |= tiny.site([Q1, Q2])
    tick.ran(tick(), dg.DagsterRunStatus.STARTED)
    assert "is on its way for 0000000042-26-000002" in tick.says()


def test_a_run_that_failed_is_repeated_later_and_later(tick, edgar):
    edgar.pages |= tiny.site([Q1, Q2])
    keys = []
    for hours in (1, 2, 4):
        request = tick()
        keys.append(request.run_key)
        tick.ran(request, dg.DagsterRunStatus.FAILURE)
        said = tick.says(hours=hours - 0.5)
        assert f"{len(keys)} runs could not bring in {Q2.accession}" in said
        assert "the next is due in 30 min" in said
    assert len(set(keys)) == 3


def test_during_a_refresh_nothing_is_asked(tick, edgar):
    edgar.pages |= tiny.site([Q1, Q2])
    with refresh_lock(tick.home):
        assert "a refresh is running (process " in tick.says()
    assert edgar.log == []
    assert isinstance(tick(), dg.RunRequest)


def test_what_a_killed_refresh_fetched_and_did_not_publish_starts_one(tick):
    archive = Archive(tick.home.archive)
    archive.put(
        b"a document", "https://x/q1", kind="inline_xbrl", retrieved_at=datetime.now(UTC), accession=Q1.accession
    )
    assert tick().tags["aigap/filings"] == Q1.accession


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (fake_edgar.status(503), "EDGAR answered HTTP 503"),
        (fake_edgar.reset(), "the connection failed"),
        (fake_edgar.gzip_cut(), "nothing in the answer proves|the connection failed|cut"),
        (fake_edgar.redirect("http://127.0.0.1:1/"), "redirects are not followed"),
        (fake_edgar.answer(b'{"cik": "42", "filings": {"recent": {}}}'), "JSON without accessionNumber"),
        (fake_edgar.rate_page(), "request rate was exceeded"),
        (fake_edgar.status(429), "request rate was exceeded"),
    ],
    ids=["503", "reset", "gzip cut", "redirect", "not a list", "rate page", "429"],
)
def test_whatever_edgar_answers_a_tick_ends_in_a_reason_and_the_next_one_finds_the_filing(tick, edgar, fault, said):
    edgar.pages |= tiny.site([Q1, Q2])
    edgar.fault(CIK, fault)
    assert re.search(said, tick.says())
    assert tick().tags["aigap/filings"] == Q2.accession


def test_a_company_whose_list_is_odd_starves_nobody_and_the_cursor_is_kept(tick, edgar):
    listed = tiny.site([Q1, Q2])[tiny.list_path(CIK)]
    edgar.pages[tiny.list_path(CIK)] = listed.replace(b'"10-Q"', b"null").replace(b'"2026-08-27"', b'""')
    edgar.pages |= tiny.site([OF_OTHER], OTHER.cik)
    assert tick().tags["aigap/filings"] == OF_OTHER.accession
    assert tick.cursor
    assert isinstance(tick(hours=0.1), dg.RunRequest)
    assert len(edgar.log) == 2  # the next tick did not begin anew


def test_what_fails_after_the_looks_loses_no_look(tick, edgar, monkeypatch):
    edgar.pages |= tiny.site([Q1, Q2])
    with monkeypatch.context() as patch:
        patch.setattr(sensors, "not_archived", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        assert "what is missing cannot be told: OSError" in tick.says()
    assert tick(hours=0.1).tags["aigap/filings"] == Q2.accession
    assert len(edgar.log) == 2


def test_a_setting_that_lets_no_request_out_is_said_once(tick, edgar, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTP_PROXY", "ftp://127.0.0.1:1")
    said = tick.says()
    assert said.startswith("HTTP_PROXY=ftp://127.0.0.1:1 is no proxy")
    assert edgar.log == []


def test_a_filing_whose_index_is_not_complete_is_tried_later_and_later_until_an_operator_rejects_it(tick, edgar):
    """Its facts may come any hour; a run a day is asked for at most."""
    edgar.pages |= tiny.site([Q1, Q2])
    index = f"{tiny.folder(Q2.accession)}/index.json"
    edgar.pages[index] = fake_edgar.filing_index(CIK, Q2.accession, {f"{Q2.stem}.htm": "2000"})
    archive = Archive(tick.home.archive)
    with Client(ASKED_BY, hosts=edgar.hosts) as client:
        assert [p.accession for p in fetch(archive, client, [COMPANY], {Q1.accession}).pending] == [Q2.accession]
    request = tick()
    assert request.tags["aigap/filings"] == Q2.accession
    tick.ran(request, dg.DagsterRunStatus.FAILURE)
    assert f"1 runs could not bring in {Q2.accession}" in tick.says(hours=0.5)
    decide(tick.home, Q2.accession, "reject", "filed on paper", "Jane Doe", datetime.now(UTC))
    assert tick.says() == "nothing new: 2 of 2 companies were asked"
    decide(tick.home, Q2.accession, "withdraw", "it came after all", "Jane Doe", datetime.now(UTC))
    assert isinstance(tick(), dg.RunRequest)


def test_without_a_network_a_tick_says_so(tick, edgar):
    edgar.pages |= tiny.site([Q1, Q2])
    tick.sensor = sensors.new_filing_sensor(tick.home, Edgar(is_live=True, data_host="http://127.0.0.1:1"), Inputs())
    said = tick.says()
    assert "TINY: " in said
    assert "OTHR: " in said
    assert "the connection failed" in said


def test_during_a_block_no_request_is_sent_and_no_run_started(tick, edgar):
    """Even for a filing that is known to be missing, and when no list is due."""
    edgar.pages |= tiny.site([Q1, Q2])
    tick()
    edgar.fault("submissions", fake_edgar.rate_page())
    assert "request rate was exceeded" in tick.says()
    asked = len(edgar.log)
    assert "none is sent. Try again after" in tick.says(hours=0.1)
    assert len(edgar.log) == asked
    assert isinstance(tick(), dg.RunRequest)


# --- the interval ---------------------------------------------------------------------------------


def test_the_interval_is_set_in_the_environment(monkeypatch):
    assert sensors.intervals({}) == (900, 3600)
    assert sensors.intervals({"AIGAP_POLL_MINUTES": "5", "AIGAP_POLL_MINUTES_OTHERWISE": "0.5"}) == (300, 30)
    monkeypatch.setenv("AIGAP_POLL_MINUTES", "5")
    sensor = sensors.new_filing_sensor(Home(Path("nowhere")), Edgar(), Inputs())
    assert sensor.minimum_interval_seconds == 300
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert "every 5 minutes while a filing is due, else every 60" in sensor.description


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_an_interval_that_is_none_is_refused_by_name(text):
    with pytest.raises(ValueError, match="AIGAP_POLL_MINUTES_OTHERWISE is "):
        sensors.intervals({"AIGAP_POLL_MINUTES_OTHERWISE": text})


# --- the daemon -----------------------------------------------------------------------------------

#: Seconds between two polls of the test's sensor, and what a filing may take from then on (2 cores).
POLL, REFRESH = 3, 90

DEFINITIONS = """
from orchestration.build import build_definitions
from orchestration.resources import Edgar, Inputs

defs = build_definitions(edgar=Edgar(**{edgar!r}), inputs=Inputs(**{inputs!r}))
"""


@contextmanager
def daemon_over(world: World):
    """The daemon as `aigap ui` starts it, but for the address of EDGAR; all its processes end with the block."""
    definitions = world.root / "definitions.py"
    definitions.write_text(DEFINITIONS.format(edgar=world.edgar.model_dump(), inputs=world.inputs.model_dump()))
    minutes = str(POLL / 60)
    environment = os.environ | {
        "AIGAP_HOME": str(world.home.root),
        "DAGSTER_HOME": str(world.home.dagster),
        "SEC_USER_AGENT": ASKED_BY,
        "AIGAP_POLL_MINUTES": minutes,
        "AIGAP_POLL_MINUTES_OTHERWISE": minutes,
    }
    command = [sys.executable, "-m", "dagster._daemon", "run", "-f", str(definitions)]
    log = world.root / "daemon.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield log
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def wait_until(met, seconds: float, log: Path) -> float:
    """Seconds until `met()`."""
    started = time.monotonic()
    while not met():
        assert time.monotonic() - started < seconds, f"not within {seconds} s:\n{log.read_text()[-5000:]}"
        time.sleep(0.2)
    return time.monotonic() - started


def test_a_filing_that_appears_is_published_by_the_daemon(refreshed, published, manifest, tmp_path, monkeypatch):
    bundle = with_company_facts_of(read_bundle(), NVIDIA)
    *_, (day, accession) = filing_days(bundle).items()
    monkeypatch.setenv("DAGSTER_HOME", "set by instance_of, and put back")
    with FakeEdgar(root=edgar_folder(bundle, tmp_path / "edgar"), etags_on_data=True) as server:
        world = World(tmp_path, server, bundle_before(bundle, day, tmp_path / "bundle"), manifest)
        # What was parsed once for the session need not be again.
        shutil.copytree(
            refreshed.home.root / "dbt", world.home.root / "dbt", ignore=shutil.ignore_patterns("build.json")
        )
        world.becomes(date.fromordinal(day.toordinal() - 1))
        world.load()
        world.run_models()
        world.publish()
        load_manifest(world.home)
        with instance_of(world.home) as instance, daemon_over(world) as log:
            lists = len(watch_list())
            wait_until(lambda: len(server.log) >= lists, 120, log)

            world.becomes(day)
            seconds = wait_until(lambda: accession in processed(world.home), 300, log)
            wait_until(lambda: (read_last_refresh(world.home) or {}).get("outcome") == "published", 10, log)
            assert_as_of(world.home.published, published, day)
            wait_until(lambda: instance.get_runs(limit=1)[0].is_finished, 60, log)
            (run,) = instance.get_runs()
            assert (run.job_name, run.status) == ("quarterly_refresh", dg.DagsterRunStatus.SUCCESS)
            assert run.tags["aigap/filings"] == accession
            fetched = server.paths("Archives")
            assert len(fetched) == len(set(fetched)) == 2, "the index and the document, each once"

            asked = len(server.log)
            wait_until(lambda: len(server.log) >= asked + 2 * lists, 60, log)
            no_news = server.log[asked:]
            assert all("/submissions/" in seen.path and "If-None-Match" in seen.headers for seen in no_news)
            assert instance.get_runs_count() == 1
    print(f"{seconds:.0f} s from the filing to the published file")
    assert seconds <= POLL + REFRESH
