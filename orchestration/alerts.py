"""Telling someone that a run failed: the note that `aigap show` and `aigap doctor` print, and one POST to
AIGAP_ALERT_WEBHOOK, both by Dagster's daemon.

Belongs here: what an alert says, and its delivery. Does not belong here: noticing a failure (Dagster's run failure
sensor does, also for a run that was killed or never started), the note of a failed step (jobs.py).

The address is a secret, as whoever has it can write to the channel: it is read from the environment when an alert is
sent, and stands in no log, no run and no error.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError

import dagster as dg

from orchestration.failures import reason_of
from orchestration.instance import POSTGRES
from warehouse.formats import one_line
from warehouse.store.home import Home, read_last_refresh, record_refresh

VARIABLE = "AIGAP_ALERT_WEBHOOK"
#: Their values never leave this machine in an alert, whatever an error quotes.
_SECRETS = ("SEC_USER_AGENT", VARIABLE, POSTGRES)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_LONGEST = 1500
_CHECKS_NAMED = 5
_TIMEOUT_SECONDS = 10
#: For all tries together: Dagster ends the sensor's tick at 60.
_DEADLINE_SECONDS = 45
#: Seconds to wait before the second and third try. Dagster does not evaluate a failed run again.
_PAUSES: Sequence[float] = (2, 8)


class AlertError(Exception):
    """The alert could not be delivered; says why, and never where to."""


def failure_sensors(home: Home) -> list[dg.SensorDefinition]:
    """The sensor that notes and tells failures, on as soon as the daemon runs; it tells where AIGAP_ALERT_WEBHOOK is
    set."""

    @dg.run_failure_sensor(
        name="failed_run_alert",
        # A run that `aigap refresh` started belongs to no code location.
        monitor_all_code_locations=True,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Notes for aigap show and aigap doctor that a run failed, also where it was killed before it could "
        f"say so, and posts to {VARIABLE}, where that is set, which check or step kept it from publishing.",
    )
    def failed_run_alert(context: dg.RunFailureSensorContext) -> None:
        with suppress(OSError, ValueError):  # a note is a courtesy; an alert must not wait for it
            _note(context, home)
        if os.environ.get(VARIABLE):
            send(text_of(context, home))

    return [failed_run_alert]


def _note(context: dg.RunFailureSensorContext, home: Home) -> None:
    """Unless the run could do so itself, or another one has ended since."""
    last = read_last_refresh(home)
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    if record is None or not record.end_time:
        return
    started = record.start_time or record.create_timestamp.timestamp()
    if last and datetime.fromisoformat(last["at"]).timestamp() >= int(started):
        return
    ended = datetime.fromtimestamp(record.end_time, UTC).isoformat(timespec="seconds")
    record_refresh(home, "failed", _reason(context), ended)


# --- what it says -----------------------------------------------------------------------------------


def text_of(context: dg.RunFailureSensorContext, home: Home) -> str:
    """The run's failure for a person: which checks blocked publishing, else which step failed; what readers have now.

    Lines of printable text, without secrets and without stack traces. What comes from outside is quoted as code, in
    which neither Slack nor Mattermost makes links, mentions or markup of anything.
    """
    run = context.dagster_run
    live = home.live()
    kept = f"Readers keep {live.name}." if live and live.is_file() else "Nothing has been published yet."
    failed = _failed_checks(context)
    checks = [f"Blocked by {_quoted(name)}" for name in failed[:_CHECKS_NAMED]]
    more = [f"and {len(failed) - _CHECKS_NAMED} more"] if len(failed) > _CHECKS_NAMED else []
    lines = [f"aigap: {run.job_name} failed, nothing new was published. {kept}", *checks, *more]
    room = _LONGEST - sum(map(len, lines)) - 100
    return "\n".join([*lines, _quoted(_reason(context), room), f"Run {run.run_id}"])


def _reason(context: dg.RunFailureSensorContext) -> str:
    return reason_of(context.get_step_failure_events()) or context.failure_event.message or "no reason was recorded"


def _quoted(text: str, room: int = 160) -> str:
    """`text` as code, in at most `room` characters; `<`, `>` and `&` as Slack wants them, also in code."""
    found, left = [], room - 2
    for c in one_line(without_secrets(text)).replace("`", "'"):
        escaped = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(c, c)
        if (left := left - len(escaped)) < 0:
            break
        found.append(escaped)
    return f"`{''.join(found)}`"


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
    said: list[str] = []
    # A server that answers byte by byte outlasts every timeout of a socket, so the clock is watched from outside.
    post = threading.Thread(target=lambda: said.append(_try(url, body, headers)), daemon=True)
    post.start()
    post.join(_DEADLINE_SECONDS)
    if why := said[0] if said else f"the server took more than {_DEADLINE_SECONDS} s":
        raise AlertError(f"the alert was not delivered: {why}")


def _try(url: str, body: bytes, headers: dict[str, str]) -> str:
    """Why it was not accepted, three times; "" if it was."""
    opener = urllib.request.build_opener(_NoRedirect)
    why = ""
    for pause in (0, *_PAUSES):
        time.sleep(pause)
        try:
            with opener.open(urllib.request.Request(url, body, headers), timeout=_TIMEOUT_SECONDS):
                return ""
        except HTTPError as error:
            why = f"the server answered {error.code}"
            error.close()
        except (URLError, OSError, ValueError, HTTPException) as error:
            # Only the kind: the text of some of them quotes the address.
            why = type(getattr(error, "reason", error)).__name__
    return why
