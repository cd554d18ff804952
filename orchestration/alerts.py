"""Telling someone that a run failed: one POST to AIGAP_ALERT_WEBHOOK, sent by Dagster's daemon.

Belongs here: what an alert says, and its delivery. Does not belong here: noticing a failure (Dagster's run failure
sensor does, also for a run that was killed), the note that `aigap show` and `aigap doctor` print (jobs.py).

The address is a secret, as whoever has it can write to the channel: it is read from the environment when an alert is
sent, and stands in no log, no run and no error.
"""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError

import dagster as dg

from orchestration.run import reason_of
from warehouse.formats import one_line
from warehouse.home import Home

VARIABLE = "AIGAP_ALERT_WEBHOOK"
#: Their values never leave this machine in an alert, whatever an error quotes.
_SECRETS = ("SEC_USER_AGENT", VARIABLE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_LONGEST = 1500
_TIMEOUT_SECONDS = 10
#: Seconds to wait before the second and third try. Dagster does not evaluate a failed run again.
_PAUSES: Sequence[float] = (2, 8)


class AlertError(Exception):
    """The alert could not be delivered; says why, and never where to."""


def failure_sensors(home: Home) -> list[dg.SensorDefinition]:
    """The sensor that alerts, on as soon as the daemon runs; none where AIGAP_ALERT_WEBHOOK is not set."""
    if not os.environ.get(VARIABLE):
        return []

    @dg.run_failure_sensor(
        name="failed_run_alert",
        # A run that `aigap refresh` started belongs to no code location.
        monitor_all_code_locations=True,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description=f"Posts to {VARIABLE} which check or step kept a run from publishing.",
    )
    def failed_run_alert(context: dg.RunFailureSensorContext) -> None:
        send(text_of(context, home))

    return [failed_run_alert]


# --- what it says -----------------------------------------------------------------------------------


def text_of(context: dg.RunFailureSensorContext, home: Home) -> str:
    """The run's failure for a person: which checks blocked publishing, else which step failed; what readers have now.

    Lines of printable text, without secrets and without stack traces.
    """
    run = context.dagster_run
    reason = reason_of(context.get_step_failure_events()) or context.failure_event.message or "no reason was recorded"
    live = home.live()
    kept = f"Readers keep {live.name}." if live and live.is_file() else "Nothing has been published yet."
    checks = [f"Blocked by {name}" for name in _failed_checks(context)]
    lines = [f"aigap: {run.job_name} failed, nothing new was published. {kept}", *checks, reason, f"Run {run.run_id}"]
    return without_secrets("\n".join(map(one_line, lines)))[:_LONGEST]


def _failed_checks(context: dg.RunFailureSensorContext) -> list[str]:
    logs = context.instance.all_logs(context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [entry.dagster_event.asset_check_evaluation_data for entry in logs if entry.dagster_event]
    return [
        f"{'.'.join(check.asset_key.path)}: {check.check_name}"
        for check in found
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    ]


def without_secrets(text: str) -> str:
    """`text` with the values of secret variables and every e-mail address replaced."""
    for name in _SECRETS:
        if value := os.environ.get(name):
            text = text.replace(value, f"[{name}]")
    return _EMAIL.sub("[e-mail]", text)


# --- delivery ---------------------------------------------------------------------------------------


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive empty, and elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def send(text: str) -> None:
    """POST {"text": text} to AIGAP_ALERT_WEBHOOK, as Slack, Mattermost and Teams-like hooks take it; three tries.

    :raises AlertError: it was not accepted.
    """
    url = os.environ.get(VARIABLE, "")
    if not url.startswith(("http://", "https://")):
        raise AlertError(f"{VARIABLE} is not an http or https address")
    body = json.dumps({"text": text}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "aigap"}
    opener = urllib.request.build_opener(_NoRedirect)
    for pause in (*_PAUSES, None):
        try:
            with opener.open(urllib.request.Request(url, body, headers), timeout=_TIMEOUT_SECONDS):
                return
        except HTTPError as error:
            why = f"the server answered {error.code}"
            error.close()
        except (URLError, OSError, ValueError, HTTPException) as error:
            # Only the kind: the text of some of them quotes the address.
            why = type(getattr(error, "reason", error)).__name__
        if pause is None:
            raise AlertError(f"the alert was not delivered: {why}")
        time.sleep(pause)
