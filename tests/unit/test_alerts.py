"""The alert of a failed run, through Dagster's own sensor, to a server on this machine."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest

from orchestration import alerts
from support.small_warehouse import publish_small, small_home
from warehouse.home import Home

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
    home = small_home(tmp_path_factory.mktemp("alerts"))
    publish_small(home)
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
        "Blocked by marts.ai_revenue_gap: adds_up\n"
        "dbt_build: dbt: test adds_up failed (3 rows), 12 models skipped\n"
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
    assert len(channel.texts[0]) == 1500


def test_off_unless_configured(home, monkeypatch):
    assert alerts.failure_sensors(home) == []
    monkeypatch.setenv("AIGAP_ALERT_WEBHOOK", "")
    assert alerts.failure_sensors(home) == []


# --- delivery ---------------------------------------------------------------------------------------


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
