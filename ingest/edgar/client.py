"""Polite access to EDGAR: one identity, one rate, one pause, and no answer believed unchecked.

Belongs here: HTTP, and the only import of requests in the project. Does not belong here: what to
ask for (urls.py, fetch.py), what a payload means (payload.py and the parsers).

Every request passes the gate of the user who runs this (gate.py). Of the machine's settings those for proxies and
certificates are honoured; names and passwords that it keeps for other hosts (`.netrc`) go nowhere.

Longer than 400 lines because whether an answer is believed, asked again or given up on is decided in one place.
"""

from __future__ import annotations

import os
import random
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from ingest.edgar.gate import DAY_SECONDS, PAUSE_SECONDS, BlockedError, Gate, user_folder, when
from ingest.edgar.urls import EDGAR, Hosts
from ingest.payload import MAX_BYTES, MAX_COMPRESSED
from ingest.records import FetchError

__all__ = ["BlockedError", "Client", "Gate", "Limits", "NotFoundError", "Response", "SetupError", "identity"]

REQUESTS_PER_SECOND = 8
_CHUNK_BYTES = 65_536
_ROOT_END = re.compile(rb"</(?:[A-Za-z_][A-Za-z0-9_.-]*:)?(?:html|xbrl)\s*>", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[A-Za-z]{2,}")

Expect = Literal["json", "document", "csv"]


class SetupError(BlockedError):
    """This machine's settings let no request out: a proxy that is no address, certificates that are not there."""


class NotFoundError(FetchError):
    """EDGAR does not hold this address."""


class _TransientError(Exception):
    """An answer that another attempt may better.

    :ivar wait: the server's Retry-After in seconds. :ivar is_everywhere: no address would fare better.
    """

    def __init__(self, reason: str, wait: float | None = None, is_everywhere: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.is_everywhere = is_everywhere


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


class _Watched:
    """Goes before a connection class."""

    def getresponse(self) -> Any:
        _Deadline.watch(self)  # type: ignore[arg-type]
        return super().getresponse()  # type: ignore[misc]


@cache
def _watched(pool: type) -> type:
    """A pool class whose connections meet the deadline, whatever kind they are: direct, or through a SOCKS proxy."""
    connection = pool.ConnectionCls  # type: ignore[attr-defined]
    if issubclass(connection, _Watched):
        return pool
    return type(pool.__name__, (pool,), {"ConnectionCls": type(connection.__name__, (_Watched, connection), {})})


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return self._watch(super().proxy_manager_for(*args, **kwargs))

    @staticmethod
    def _watch(manager: Any) -> Any:
        pools = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: _watched(pool) for scheme, pool in pools.items()}
        return manager


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header (a number or a date), None when absent or senseless. At most a day: no
    block is that long, and beyond the calendar there is no day to name."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), DAY_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(0.0, seconds), DAY_SECONDS)


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


@cache
def _check_certificates(verify: object) -> None:
    """:raises SetupError: the certificates that the environment names are not there."""
    if not isinstance(verify, str):
        return
    named = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name) == verify), "")
    try:
        is_folder = os.path.isdir(verify)
        ssl.create_default_context(cafile=None if is_folder else verify, capath=verify if is_folder else None)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else f"it holds none: {error}"
        raise SetupError(
            f"{named}={verify} does not give the certificates to trust ({why}). Correct or unset it; nothing was asked"
        ) from error


def _proxy(proxies: Mapping[str, str]) -> str:
    """The variables that name a proxy, without what a password may be."""
    held = {name: value for name, value in os.environ.items() if value in proxies.values() and "proxy" in name.lower()}
    said = [f"{name}={re.sub('[^/@]*@', '***@', value)}" for name, value in sorted(held.items())]
    return " and ".join(said) or "nothing"


class Client:
    """Asks EDGAR politely. One instance keeps one connection alive; use it from one thread.

    :param user_agent: from `identity()`.
    :param state_dir: where the gate's file lives; all that share it share the rate and the pause. Default: the user's.
    :raises BlockedError: there is no place for the gate's file.
    :param clock: epoch seconds. :param sleep: waits that many seconds.
    """

    def __init__(
        self,
        user_agent: str,
        state_dir: Path | None = None,
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
        self._gate = Gate(Path(state_dir or user_folder()), min(rate, REQUESTS_PER_SECOND), clock, sleep)
        self._session = requests.Session()
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "gzip", "Connection": "keep-alive"})
        # Anything here keeps requests from looking into .netrc, and leaves proxies and certificates to the environment.
        self._session.auth = lambda request: request
        self._is_set_up = False
        for prefix in ("http://", "https://"):
            self._session.mount(prefix, _Adapter(max_retries=0))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def now(self) -> datetime:
        """The moment, by the client's clock."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def check_pause(self) -> None:
        """Return where a request could be sent now; nothing is.

        :raises BlockedError: EDGAR asked for a pause that is not over, or no request could leave this machine.
        """
        self._check_setup()
        self._gate.check()

    def _check_setup(self) -> None:
        """Try proxies and certificates of the environment once, before anything is sent.

        :raises SetupError: naming the variable and what it holds.
        """
        if self._is_set_up:
            return
        for url in (self.hosts.data, self.hosts.www):
            settings = self._session.merge_environment_settings(url, {}, True, None, None)
            if url.startswith("https:"):
                _check_certificates(settings["verify"])
            try:
                prepared = self._session.prepare_request(requests.Request("GET", url))
                adapter = self._session.get_adapter(url)
                assert isinstance(adapter, HTTPAdapter)
                adapter.get_connection_with_tls_context(prepared, True, settings["proxies"])
            except Exception as error:
                why = error if isinstance(error, requests.RequestException) else "it is no address"
                raise SetupError(
                    f"{_proxy(settings['proxies'])} is no proxy that {url} can be asked through ({why}). Correct or "
                    "unset it; nothing was asked"
                ) from error
        self._is_set_up = True

    def get(self, url: str, expect: Expect, *, etag: str | None = None, last_modified: str | None = None) -> Response:
        """One address, checked: complete, within the caps, not a refusal, JSON where JSON is due.

        :param url: under one of the client's hosts.
        :param expect: "json", "csv", or "document" for an HTML page or an XBRL instance.
        :param etag: with `last_modified`, of the copy at hand: asks for the body only if it changed.
        :raises BlockedError: EDGAR refuses this client, until the time it names, or this machine lets no request out.
        :raises NotFoundError: there is no such document.
        :raises FetchError: not to be had after the allowed attempts, or not acceptable.
        """
        if not self.hosts.allow(url):
            raise FetchError(f"{url[:200]!r} is not an EDGAR address: refused, nothing was sent")
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in conditions.items() if value}
        self._check_setup()
        for attempt in range(1, self.limits.attempts + 1):
            self._gate.wait()
            try:
                return self._attempt(url, expect, headers)
            except _TransientError as error:
                if error.wait is not None and error.wait > self.limits.max_retry_after:
                    again = when(self._clock() + error.wait)
                    raise FetchError(f"{url}: {error}; EDGAR says to try again after {again}") from error
                if attempt == self.limits.attempts and error.is_everywhere:
                    raise SetupError(f"{error}, after {attempt} attempts; no other address was asked") from error
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
                if deadline.is_over:
                    raise _TransientError(self._too_long()) from error
                raise self._failed(url, error) from error
        if cut_short:
            raise _TransientError(self._too_long())
        return self._judge(answer, body, url, expect, is_conditional=bool(headers))

    def _failed(self, url: str, error: Exception) -> Exception:
        """What a connection that failed amounts to: in most cases another attempt."""
        proxies = self._session.merge_environment_settings(url, {}, True, None, None)["proxies"]
        if isinstance(error, requests.exceptions.ProxyError):
            return _TransientError(f"{_proxy(proxies)} does not let requests through", is_everywhere=True)
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return SetupError(
                f"{url}: the certificate of the host, or of a proxy before it, is vouched for by none of those trusted "
                "here. Behind a proxy of your own, set REQUESTS_CA_BUNDLE to the file of its certificates"
            )
        return _TransientError(f"the connection failed ({type(error).__name__})")

    def _too_long(self) -> str:
        return f"the answer was not complete within {self.limits.total:g} s"

    def _read(self, answer: requests.Response, url: str) -> bytes:
        """The body, decoded, streamed under both caps, proven complete by its own framing."""
        limits = self.limits
        encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("gzip", "identity"):
            raise FetchError(f"{url}: the body is encoded as {encoding!r}, which was not asked for: refused")
        length = answer.headers.get("Content-Length", "")
        declared = int(length[:20]) if length.isascii() and length.isdigit() else None
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
                f"it: all stop here. Try again after {when(until)}"
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
