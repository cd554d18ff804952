"""Polite access to EDGAR: one identity, one rate, one pause, and no answer believed unchecked.

Belongs here: HTTP, and the only import of requests in the project. Does not belong here: what to
ask for (urls.py, fetch.py), what a payload means (payload.py and the parsers).

Every request of every thread and process that shares a state directory passes one gate there: a
locked file with the time of the next free slot and the end of a pause, if EDGAR demanded one. A
pause outlives the process: EDGAR blocks for about ten minutes and each request during the block
prolongs it, so the next start is refused here, without asking EDGAR.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from ingest.edgar.urls import EDGAR, Hosts
from ingest.payload import MAX_BYTES, MAX_COMPRESSED
from ingest.records import FetchError

REQUESTS_PER_SECOND = 8
PAUSE_SECONDS = 600
_DAY_SECONDS = 86_400
_CHUNK_BYTES = 65_536
_GATE_BYTES = 512
_ROOT_END = re.compile(rb"</(?:[A-Za-z_][A-Za-z0-9_.-]*:)?(?:html|xbrl)\s*>", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[A-Za-z]{2,}")

Expect = Literal["json", "document", "csv"]


class BlockedError(FetchError):
    """EDGAR refuses this client for now (rate) or as it is (identity): no further request may follow."""


class NotFoundError(FetchError):
    """EDGAR does not hold this address."""


class _TransientError(Exception):
    """An answer that another attempt may better; `wait` is the server's Retry-After in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class Limits:
    """Bounds of one request. Times in seconds, sizes in bytes; `total` bounds one attempt from the
    first byte sent to the last received, whatever the server does in between."""

    connect: float = 10
    read: float = 30
    total: float = 120
    max_compressed: int = MAX_COMPRESSED
    max_bytes: int = MAX_BYTES
    attempts: int = 4
    max_retry_after: float = 120


@dataclass(frozen=True)
class Response:
    """An answer: `body` decoded (empty when `not_modified`), validators as served."""

    body: bytes
    not_modified: bool
    retrieved_at: datetime
    etag: str | None
    last_modified: str | None


def identity(environ: Mapping[str, str] = os.environ) -> str:
    """The User-Agent from SEC_USER_AGENT.

    :raises FetchError: it is not set, names no e-mail address, or cannot stand in a header.
    """
    value = environ.get("SEC_USER_AGENT", "").strip()
    if not _EMAIL.search(value) or not value.isascii() or not value.isprintable():
        problem = "is not set" if not value else "must name a contact e-mail address, in plain ASCII on one line"
        raise FetchError(
            f"SEC_USER_AGENT {problem}. EDGAR refuses programs that do not say whose they are: "
            "set it to a name and an e-mail address, e.g. SEC_USER_AGENT='Jane Doe jane@example.org'"
        )
    return value


def _when(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class Gate:
    """The queue before EDGAR, shared by all threads and processes that use the same directory."""

    def __init__(
        self, directory: Path, rate: float, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._path = directory / "edgar-gate.json"
        # 15 % slack: requests evenly sent still bunch a little on their way to the server.
        self._interval = 1.15 / rate
        self._clock = clock
        self._sleep = sleep
        directory.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _state(self) -> Iterator[dict[str, Any]]:
        """The shared state under an exclusive lock, written back on leaving.

        Always one write of the same length: a process killed here leaves the old state or the new.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                state = json.loads(os.pread(descriptor, _GATE_BYTES, 0))
                state = {"next_at": float(state["next_at"]), "paused_until": float(state["paused_until"])}
            except (ValueError, TypeError, KeyError):
                state = {"next_at": 0.0, "paused_until": 0.0}
            try:
                yield state
            finally:
                os.pwrite(descriptor, json.dumps(state).encode().ljust(_GATE_BYTES), 0)
        finally:
            os.close(descriptor)

    def _refuse_while_paused(self, state: dict[str, Any], now: float) -> None:
        if state["paused_until"] > now + _DAY_SECONDS:  # the clock went back: no pause is that long
            state["paused_until"] = now + PAUSE_SECONDS
        if state["paused_until"] > now:
            raise BlockedError(
                "EDGAR asked this address to slow down; requests during the block prolong it, so none is sent. "
                f"Try again after {_when(state['paused_until'])}"
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
            state["paused_until"] = max(state["paused_until"], self._clock() + min(seconds, _DAY_SECONDS))
            return float(state["paused_until"])


class _Deadline:
    """Cuts the connection in use when the time is up.

    Socket timeouts bound one wait each; a server that drips bytes never meets them.
    """

    _local = threading.local()

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self.connection: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        _Deadline._local.current = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _Deadline._local.current = None

    def _cut(self) -> None:
        self.is_over = True
        if self.connection is not None:
            with suppress(OSError):  # the connection may be gone already
                # The plain socket's own method: a TLS socket's would drop its state under the reader.
                socket.socket.shutdown(self.connection, socket.SHUT_RDWR)

    @staticmethod
    def watch(connection: HTTPConnection) -> None:
        """Called by the connection of the current thread once its request is sent."""
        if current := getattr(_Deadline._local, "current", None):
            current.connection = connection.sock
            if current.is_over:
                raise TimeoutError("the deadline passed while connecting")


class _WatchedHTTP(HTTPConnection):
    def getresponse(self) -> Any:
        _Deadline.watch(self)
        return super().getresponse()


class _WatchedHTTPS(HTTPSConnection):
    def getresponse(self) -> Any:
        _Deadline.watch(self)
        return super().getresponse()


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header (a number or a date), None when absent or senseless."""
    if not value:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def _is_html(body: bytes) -> bool:
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))


def _refusal(body: bytes) -> str | None:
    """'rate' or 'identity' when the body is EDGAR's refusal page, whatever its status."""
    if not _is_html(body):
        return None
    head = body[:8192].lower()
    if b"undeclared automated tool" in head:
        return "identity"
    return "rate" if b"request rate threshold exceeded" in head else None


class Client:
    """Asks EDGAR politely. One instance keeps one connection alive; use it from one thread.

    :param user_agent: from `identity()`.
    :param state_dir: where the gate's file lives; all that share it share the rate and the pause.
    :param clock: epoch seconds. :param sleep: waits that many seconds.
    """

    def __init__(
        self,
        user_agent: str,
        state_dir: Path,
        *,
        hosts: Hosts = EDGAR,
        limits: Limits | None = None,
        rate: float = REQUESTS_PER_SECOND,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.hosts = hosts
        self.limits = limits or Limits()
        self.requests_sent = 0
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._gate = Gate(Path(state_dir), min(rate, REQUESTS_PER_SECOND), clock, sleep)
        self._session = requests.Session()
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "gzip", "Connection": "keep-alive"})
        for prefix in ("http://", "https://"):
            self._session.mount(prefix, _Adapter(max_retries=0))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def check_pause(self) -> None:
        """Return where a request could be sent now; nothing is.

        :raises BlockedError: EDGAR asked for a pause that is not over.
        """
        self._gate.check()

    def get(self, url: str, expect: Expect, *, etag: str | None = None, last_modified: str | None = None) -> Response:
        """One address, checked: complete, within the caps, not a refusal, JSON where JSON is due.

        :param url: under one of the client's hosts.
        :param expect: "json", "csv", or "document" for an HTML page or an XBRL instance.
        :param etag: with `last_modified`, of the copy at hand: asks for the body only if it changed.
        :raises BlockedError: EDGAR refuses this client; nothing may be asked until the time it names.
        :raises NotFoundError: there is no such document.
        :raises FetchError: not to be had after the allowed attempts, or not acceptable.
        """
        if not self.hosts.allow(url):
            raise FetchError(f"{url[:200]!r} is not an EDGAR address: refused, nothing was sent")
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in conditions.items() if value}
        for attempt in range(1, self.limits.attempts + 1):
            self._gate.wait()
            try:
                return self._attempt(url, expect, headers)
            except _TransientError as error:
                if error.wait is not None and error.wait > self.limits.max_retry_after:
                    again = _when(self._clock() + error.wait)
                    raise FetchError(f"{url}: {error}; EDGAR says to try again after {again}") from error
                if attempt == self.limits.attempts:
                    raise FetchError(
                        f"{url}: {error}, after {attempt} attempts. Nothing of it was kept; run the fetch again later"
                    ) from error
                backoff = min(60.0, 2.0 ** (attempt - 1)) * (0.5 + 0.5 * self._jitter())
                self._sleep(max(backoff, error.wait or 0.0))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(self, url: str, expect: Expect, headers: dict[str, str]) -> Response:
        self.requests_sent += 1
        with _Deadline(self.limits.total) as deadline:
            try:
                answer = self._session.get(
                    url,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=(self.limits.connect, self.limits.read),
                )
                with answer:
                    body = self._read(answer, url)
                    cut_short = deadline.is_over
            except (requests.RequestException, HTTPError, OSError) as error:
                reason = self._too_long() if deadline.is_over else f"the connection failed ({type(error).__name__})"
                raise _TransientError(reason) from error
        if cut_short:
            raise _TransientError(self._too_long())
        return self._judge(answer, body, url, expect, is_conditional=bool(headers))

    def _too_long(self) -> str:
        return f"the answer was not complete within {self.limits.total:g} s"

    def _read(self, answer: requests.Response, url: str) -> bytes:
        """The body, decoded, streamed under both caps, proven complete by its own framing."""
        limits = self.limits
        encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("gzip", "identity"):
            raise FetchError(f"{url}: the body is encoded as {encoding!r}, which was not asked for: refused")
        length = answer.headers.get("Content-Length", "")
        declared = int(length) if length.isascii() and length.isdigit() else None
        if declared is not None and declared > limits.max_compressed:
            raise FetchError(f"{url}: the body is said to be {declared} bytes; the cap is {limits.max_compressed}")
        is_chunked = answer.headers.get("Transfer-Encoding", "").strip().lower() == "chunked"
        inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        chunks: list[bytes] = []
        received = decoded = 0
        while chunk := answer.raw.read(_CHUNK_BYTES, decode_content=False):
            received += len(chunk)
            while chunk:
                if inflate is None:
                    piece, chunk = chunk, b""
                else:
                    try:
                        piece = inflate.decompress(chunk, _CHUNK_BYTES * 16)
                    except zlib.error as error:
                        raise _TransientError(f"the gzip stream is damaged ({error})") from error
                    chunk = inflate.unconsumed_tail
                decoded += len(piece)
                if received > limits.max_compressed or decoded > limits.max_bytes:
                    raise FetchError(
                        f"{url}: the body exceeds the cap of {limits.max_compressed} bytes as sent "
                        f"or {limits.max_bytes} decoded; given up after {decoded}"
                    )
                chunks.append(piece)
        if declared is not None and received != declared:
            raise _TransientError(f"the body was cut at {received} of {declared} bytes")
        if inflate is not None and received and not inflate.eof:
            raise _TransientError("the gzip stream was cut before its end")
        if inflate is None and declared is None and not is_chunked and received:
            raise _TransientError("nothing in the answer proves that the body is whole")
        return b"".join(chunks)

    def _judge(
        self, answer: requests.Response, body: bytes, url: str, expect: Expect, is_conditional: bool
    ) -> Response:
        """A usable response, or the error that the status and the body amount to."""
        status = answer.status_code
        now = self._clock()
        wait = _retry_after(answer.headers.get("Retry-After"), now)
        refusal = _refusal(body)
        if refusal == "identity":
            raise BlockedError(
                f"{url}: EDGAR calls this an undeclared automated tool. Put your name and a working e-mail address "
                "into SEC_USER_AGENT, then try again; nothing more was asked"
            )
        is_missing_object = b"<Code>AccessDenied</Code>" in body[:512] or b"<Code>NoSuchKey</Code>" in body[:512]
        if refusal == "rate" or status == 429 or (status == 403 and not is_missing_object):
            until = self._gate.pause(max(PAUSE_SECONDS, wait or 0))
            raise BlockedError(
                f"{url}: EDGAR says the request rate was exceeded (HTTP {status}). Requests during the block prolong "
                f"it: all stop here. Try again after {_when(until)}"
            )
        if 300 <= status < 400 and status != 304:
            target = answer.headers.get("Location", "")[:200]
            raise FetchError(f"{url}: redirects to {target!r}; redirects are not followed")
        if status in (403, 404, 410):
            raise NotFoundError(f"{url}: EDGAR holds no such document (HTTP {status})")
        if status >= 500 or status == 408:
            raise _TransientError(f"EDGAR answered HTTP {status}", wait)
        if status not in (200, 304) or (status == 304 and not is_conditional):
            raise FetchError(f"{url}: EDGAR answered HTTP {status}, which does not fit the question: refused")
        if status == 200:
            self._check_whole(body, expect)
        return Response(
            body=body if status == 200 else b"",
            not_modified=status == 304,
            retrieved_at=datetime.fromtimestamp(now, UTC),
            etag=answer.headers.get("ETag"),
            last_modified=answer.headers.get("Last-Modified"),
        )

    @staticmethod
    def _check_whole(body: bytes, expect: Expect) -> None:
        """Framing proves what was sent, not that the sender had it whole: the body's own end must."""
        if not body.strip():
            raise _TransientError("the body is empty")
        if expect == "json":
            if _is_html(body):
                raise _TransientError("an HTML page came where JSON was due")
            if not body[-64:].rstrip().endswith(b"}"):
                raise _TransientError("the JSON was cut before its end")
        elif expect == "csv":  # no end of its own: its framing alone proves that it is whole
            if _is_html(body):
                raise _TransientError("an HTML page came where CSV was due")
        elif not _ROOT_END.search(body, max(0, len(body) - 2048)):
            raise _TransientError("the document was cut before the end of its root element")
