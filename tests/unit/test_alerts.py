"""The alert of a failed run, through Dagster's own sensor, to a server on this machine."""

import json
import os
import re
import socket
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import alerts
from support.small_warehouse import published_home
from warehouse.formats import one_line
from warehouse.store.home import Home, read_last_refresh, record_refresh

pytestmark = pytest.mark.slow  # a run of Dagster a test

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

AGENT = "Jane Doe jane.doe@example.org"


class Channel:
    """What would be Slack: keeps what was posted, answers with the next of `answers` (200 when they run out)."""

    def __init__(self) -> None:
        self.posts, self.answers = [], []
        channel = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                channel.posts.append((self.path, self.headers["Content-Type"], json.loads(body)))
                code = channel.answers.pop(0) if channel.answers else 200
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/services/T0/SECRET-TOKEN"

    @property
    def texts(self) -> list[str]:
        return [body["text"] for _, _, body in self.posts]


@pytest.fixture
def channel(monkeypatch):
    channel = Channel()
    monkeypatch.setenv("AIGAP_ALERT_WEBHOOK", channel.url)
    monkeypatch.setenv("SEC_USER_AGENT", AGENT)
    monkeypatch.setattr(alerts, "_PAUSES", (0, 0))
    yield channel
    channel.server.shutdown()
    channel.server.server_close()


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    home = published_home(tmp_path_factory.mktemp("alerts"))
    return home


def failing(error: Exception, *, with_check: bool = False) -> dg.JobDefinition:
    """A job like the real one: a step with a check that blocks, which ends the run."""

    @dg.multi_asset(
        name="dbt_build",
        specs=[dg.AssetSpec(["marts", "ai_revenue_gap"])],
        check_specs=[dg.AssetCheckSpec(n, asset=["marts", "ai_revenue_gap"]) for n in ("adds_up", "is_cited", "old")],
    )
    def build():
        yield dg.MaterializeResult(asset_key=["marts", "ai_revenue_gap"])
        for name, passed, severity in (
            ("adds_up", not with_check, dg.AssetCheckSeverity.ERROR),
            ("is_cited", True, dg.AssetCheckSeverity.ERROR),
            ("old", False, dg.AssetCheckSeverity.WARN),
        ):
            yield dg.AssetCheckResult(
                asset_key=["marts", "ai_revenue_gap"], check_name=name, passed=passed, severity=severity
            )
        raise error

    defs = dg.Definitions(assets=[build], jobs=[dg.define_asset_job("quarterly_refresh")])
    return defs.resolve_job_def("quarterly_refresh")


@pytest.fixture
def tick(home, channel):
    """Evaluate the sensor as the daemon does: from its last cursor on. Returns the errors of the tick."""
    (sensor,) = alerts.failure_sensors(home)
    cursor = None

    def evaluate(instance: dg.DagsterInstance) -> list[str]:
        nonlocal cursor
        context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=dg.Definitions())
        data = sensor.evaluate_tick(context)
        cursor = data.cursor
        return [reaction.error.to_string() for reaction in data.dagster_run_reactions if reaction.error]

    return evaluate


@pytest.fixture
def instance():
    with dg.instance_for_test() as instance:
        yield instance


def fail(instance, error, **options):
    result = failing(error, **options).execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    return result


def test_a_failed_check_is_named_once_with_what_readers_have(instance, tick, channel):
    assert tick(instance) == []
    run = fail(instance, dg.Failure("dbt: test adds_up failed (3 rows), 12 models skipped"), with_check=True)
    assert tick(instance) == []
    assert tick(instance) == []
    assert channel.texts == [
        "aigap: quarterly_refresh failed, nothing new was published. Readers keep ai_revenue_gap-000001.duckdb.\n"
        "Blocked by `marts.ai_revenue_gap: adds_up`\n"
        "`dbt_build: dbt: test adds_up failed (3 rows), 12 models skipped`\n"
        f"Run {run.run_id}"
    ]
    assert channel.posts[0][:2] == ("/services/T0/SECRET-TOKEN", "application/json")


def test_a_run_that_was_killed_is_told_too(instance, tick, channel):
    tick(instance)
    run = instance.create_run_for_job(failing(ValueError()), status=dg.DagsterRunStatus.STARTED)
    instance.report_run_failed(run, "The process of this run ended without finishing it (killed, or power lost).")
    assert tick(instance) == []
    assert "The process of this run ended without finishing it" in channel.texts[0]


def test_a_good_run_is_not_told(instance, tick, channel):
    tick(instance)

    @dg.job
    def fine():
        pass

    fine.execute_in_process(instance=instance)
    assert tick(instance) == []
    assert channel.posts == []


def test_no_secret_and_no_stack_trace_is_in_the_text(instance, tick, channel):
    tick(instance)
    error = ValueError(f"refused {AGENT} at {channel.url}; ask bob@corp.example\n\x1b[31mred\nsecond line")
    fail(instance, error)
    tick(instance)
    (text,) = channel.texts
    assert "refused [SEC_USER_AGENT] at [AIGAP_ALERT_WEBHOOK]; ask [e-mail]" in text
    for secret in ("jane", "SECRET-TOKEN", "bob@", "Traceback", "test_alerts.py", "\x1b", "second line"):
        assert secret not in text
    assert len(text) <= 1500


def test_before_anything_is_published_it_says_so(instance, channel, tmp_path):
    (sensor,) = alerts.failure_sensors(Home(tmp_path / "none"))
    first = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=dg.Definitions()))
    fail(instance, ValueError("x" * 5000))
    sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=first.cursor, definitions=dg.Definitions()))
    assert "Nothing has been published yet." in channel.texts[0]
    assert len(channel.texts[0]) < 1500
    assert "…`\nRun " in channel.texts[0], "cut, and still closed"


HOSTILE = (
    "see <http://evil.example|the log> or http://evil.example & <!channel> @all [here](http://evil.example) `x` ```y```"
)


def test_text_from_outside_is_no_link_no_mention_and_no_markup(instance, tick, channel):
    """Slack reads <...> everywhere, also in code; nothing else is read in code, which no backtick may end."""
    tick(instance)
    fail(instance, ValueError(HOSTILE))
    tick(instance)
    (line,) = [line for line in channel.texts[0].splitlines() if "evil.example" in line]
    assert line[0] == line[-1] == "`"
    assert line.count("`") == 2
    assert "<" not in channel.texts[0]
    assert ">" not in channel.texts[0]
    assert "&lt;!channel&gt; @all" in line
    assert "http://evil.example &amp; " in line
    outside = channel.texts[0].replace(line, "")
    assert not re.search(r"evil|@|http", outside)


@given(st.text(max_size=400), st.integers(2, 200))
def test_what_is_quoted_keeps_to_its_room_and_to_itself(text, room):
    quoted = alerts._quoted(text, room)
    assert len(quoted) <= room
    assert quoted[0] == quoted[-1] == "`"
    assert not set(quoted[1:-1]) & set("`<>")
    assert quoted == one_line(quoted), "nothing in it acts on a terminal"
    assert re.fullmatch(r"([^&]|&(amp|lt|gt);)*", quoted), "no escape is cut in two"


def test_of_many_failed_checks_the_first_are_named(instance, tick, channel, home, monkeypatch):
    monkeypatch.setattr(alerts, "_failed_checks", lambda _: [f"marts.m{n}: {'c' * 300}" for n in range(40)])
    tick(instance)
    fail(instance, ValueError("x" * 5000))
    tick(instance)
    assert len(channel.texts[0]) <= 1500
    assert [line.split(": ")[0] for line in channel.texts[0].splitlines()[1:7]] == [
        *[f"Blocked by `marts.m{n}" for n in range(5)], "and 35 more",
    ]  # fmt: skip


# --- the note for show and doctor -------------------------------------------------------------------


@pytest.fixture
def noting(tmp_path, monkeypatch):
    """The sensor without a webhook, over a home of its own: (home, evaluate)."""
    monkeypatch.delenv("AIGAP_ALERT_WEBHOOK", raising=False)
    monkeypatch.setattr(alerts, "send", lambda _: pytest.fail("there is nobody to be told"))
    home, cursor = Home(tmp_path), None
    (sensor,) = alerts.failure_sensors(home)

    def evaluate(instance: dg.DagsterInstance) -> None:
        nonlocal cursor
        data = sensor.evaluate_tick(
            dg.build_sensor_context(instance=instance, cursor=cursor, definitions=dg.Definitions())
        )
        cursor = data.cursor
        assert [r.error for r in data.dagster_run_reactions if r.error] == []

    return home, evaluate


def killed(instance) -> dg.DagsterRun:
    run = instance.create_run_for_job(failing(ValueError()), status=dg.DagsterRunStatus.STARTED)
    instance.report_run_failed(run, "Run execution process unexpectedly exited with code -9.")
    return run


def test_a_run_that_could_not_note_its_failure_is_noted_for_it(instance, noting):
    home, evaluate = noting
    record_refresh(home, "published", "generation 1", "2026-11-22T07:00:00Z")
    evaluate(instance)
    killed(instance)
    evaluate(instance)
    note = read_last_refresh(home)
    assert (note["outcome"], note["message"]) == ("failed", "Run execution process unexpectedly exited with code -9.")
    assert note["at"] > "2026-11-22T07:00:00Z"


@pytest.mark.parametrize(("outcome", "message"), [("published", "generation 2"), ("failed", "load_raw: by itself")])
def test_a_newer_note_stands(instance, noting, outcome, message):
    """That of the run itself, or of another one since."""
    home, evaluate = noting
    evaluate(instance)
    killed(instance)
    record_refresh(home, outcome, message, datetime.now(UTC).isoformat(timespec="seconds"))
    evaluate(instance)
    assert read_last_refresh(home)["message"] == message


def test_an_alert_does_not_wait_for_a_note_that_cannot_be_written(instance, channel, tmp_path):
    (sensor,) = alerts.failure_sensors(Home(tmp_path / "no such folder"))
    first = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=dg.Definitions()))
    killed(instance)
    sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=first.cursor, definitions=dg.Definitions()))
    assert len(channel.posts) == 1


# --- delivery ---------------------------------------------------------------------------------------


def test_a_server_that_answers_byte_by_byte_is_left_after_the_deadline(monkeypatch):
    """Each byte comes within the time-out of a socket, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip():
            wire, _ = server.accept()
            with wire:
                wire.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not stop.wait(0.02):
                    try:
                        wire.sendall(b"x")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        monkeypatch.setenv("AIGAP_ALERT_WEBHOOK", f"http://127.0.0.1:{server.getsockname()[1]}/SECRET")
        monkeypatch.setattr(alerts, "_DEADLINE_SECONDS", 0.5)
        started = time.monotonic()
        with pytest.raises(alerts.AlertError, match=r"not delivered: the server took more than 0\.5 s"):
            alerts.send("hello")
        assert time.monotonic() - started < 3
        stop.set()


def test_a_server_that_stumbles_is_tried_three_times(channel):
    channel.answers = [500, 503]
    alerts.send("hello")
    assert channel.texts == ["hello"] * 3


@pytest.mark.parametrize(("answers", "why"), [([500] * 3, "answered 500"), ([302] * 3, "answered 302")])
def test_an_alert_that_is_not_taken_fails_the_tick_without_the_address(instance, tick, channel, answers, why):
    tick(instance)
    fail(instance, ValueError("boom"))
    channel.answers = list(answers)
    (error,) = tick(instance)
    assert f"the alert was not delivered: the server {why}" in error
    assert "SECRET-TOKEN" not in error
    assert {path for path, _, _ in channel.posts} == {"/services/T0/SECRET-TOKEN"}, "no redirect is followed"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/SECRET",
        "SECRET",
        "http://127.0.0.1:1/SECRET",
        "http://[SECRET",
        "http://SECRET space/",
    ],
)
def test_an_address_that_is_none_or_does_not_answer_is_not_quoted(monkeypatch, url):
    monkeypatch.setenv("AIGAP_ALERT_WEBHOOK", url)
    monkeypatch.setattr(alerts, "_PAUSES", (0, 0))
    with pytest.raises(alerts.AlertError) as caught:
        alerts.send("hello")
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
