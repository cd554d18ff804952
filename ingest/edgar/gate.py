"""The queue before EDGAR: one rate and one pause for all that a user of this machine runs.

Belongs here: when the next request may be sent. Does not belong here: sending it (client.py).

EDGAR counts by address, whichever folder a program keeps its files in. So the gate is a locked file of the user, not of
one home: the time of the next free slot, and the end of a pause if EDGAR demanded one. A pause outlives the process:
EDGAR blocks for about ten minutes and each request during the block prolongs it, so the next start is refused here,
without asking EDGAR.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.records import FetchError

PAUSE_SECONDS = 600
DAY_SECONDS = 86_400
NAME = "edgar-gate.json"
_FOLDER = "ai-revenue-gap"
_BYTES = 512


class BlockedError(FetchError):
    """EDGAR refuses this client for now (rate) or as it is (identity), or this machine cannot ask it at all: no further
    request may follow."""


def when(epoch: float) -> str:
    """A moment for a person. :param epoch: seconds, inside the calendar."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


# --- where ----------------------------------------------------------------------------------------


def user_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's own folder for the gate: under XDG_STATE_HOME, else ~/.local/state, else in the folder for temporary
    files under a name with the user's number.

    The home is that of the user database: `sudo` and service managers leave HOME as it was.

    :raises BlockedError: none of them can be used.
    """
    tried = []
    for folder in _candidates(environ):
        try:
            _make_own(folder)
            return folder
        except OSError as error:
            tried.append(f"{folder} ({error.strerror or error})")
    raise BlockedError(
        "there is no place for the queue before EDGAR, which all programs of a user share: "
        f"{', '.join(tried)}. Set XDG_STATE_HOME to a folder of your own; nothing was asked"
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if (named := environ.get("XDG_STATE_HOME", "")).startswith("/"):
        yield Path(named) / _FOLDER
    else:
        with suppress(KeyError):
            yield Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".local" / "state" / _FOLDER
    yield Path(tempfile.gettempdir()) / f"{_FOLDER}-{os.geteuid()}"


def _make_own(folder: Path) -> None:
    """Make a folder, and prove that it is the user's alone: no link, and nobody else may put a file into it.

    :raises OSError: it is not, or cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise OSError(None, "not a folder that only you can write to")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(None, "not writable")


# --- the gate -------------------------------------------------------------------------------------


class Gate:
    """The queue, shared by all threads and processes that use the same folder.

    :param rate: requests a second. :param clock: epoch seconds.
    """

    def __init__(
        self, directory: Path, rate: float, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._path = directory / NAME
        # 15 % slack: requests evenly sent still bunch a little on their way to the server.
        self._interval = 1.15 / rate
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def _state(self) -> Iterator[dict[str, Any]]:
        """The shared state under an exclusive lock, written back on leaving.

        Always one write of the same length: a process killed here leaves the old state or the new.

        :raises BlockedError: the file cannot be used. Without the queue nothing may be asked.
        """
        descriptor = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Neither a link nor a pipe that someone put there is followed or waited for.
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o600)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(None, "it is not a plain file")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                state = json.loads(os.pread(descriptor, _BYTES, 0))
                state = {"next_at": float(state["next_at"]), "paused_until": float(state["paused_until"])}
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                state = {"next_at": 0.0, "paused_until": 0.0}
            try:
                yield state
            finally:
                os.pwrite(descriptor, json.dumps(state).encode().ljust(_BYTES), 0)
        except OSError as error:
            raise BlockedError(
                f"{self._path}, the queue before EDGAR, cannot be used ({error.strerror or error}): remove it, or set "
                "XDG_STATE_HOME to a folder of your own; nothing was asked"
            ) from error
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _refuse_while_paused(self, state: dict[str, Any], now: float) -> None:
        if state["paused_until"] > now + DAY_SECONDS:  # the clock went back: no pause is that long
            state["paused_until"] = now + PAUSE_SECONDS
        if state["paused_until"] > now:
            raise BlockedError(
                "EDGAR asked this address to slow down; requests during the block prolong it, so none is sent. "
                f"Try again after {when(state['paused_until'])}"
            )

    def wait(self) -> None:
        """Return when the next request may be sent.

        :raises BlockedError: a pause is on.
        """
        with self._state() as state:
            now = self._clock()
            self._refuse_while_paused(state, now)
            slot = max(now, state["next_at"])
            if slot > now + 60:  # the clock went back
                slot = now
            state["next_at"] = slot + self._interval
        if slot > now:
            self._sleep(slot - now)
            with self._state() as state:  # another thread or process may have been told to stop
                self._refuse_while_paused(state, self._clock())

    def check(self) -> None:
        """:raises BlockedError: a pause is on."""
        with self._state() as state:
            self._refuse_while_paused(state, self._clock())

    def pause(self, seconds: float) -> float:
        """Let nobody through for that long; returns the end of the pause as an epoch time."""
        with self._state() as state:
            state["paused_until"] = max(state["paused_until"], self._clock() + min(seconds, DAY_SECONDS))
            return float(state["paused_until"])
