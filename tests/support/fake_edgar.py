"""An EDGAR on 127.0.0.1: serves payloads under EDGAR's own paths, keeps a log, misbehaves on order.

Belongs here: the server, what it serves by a virtual date, and the faults it can play. Does not
belong here: assertions.

    with FakeEdgar(root=shared / "edgar", today=date(2024, 3, 1)) as edgar:
        client = Client("Test test@example.org", tmp_path, hosts=edgar.hosts)
        edgar.fault("index.json", status(503), times=2)

Both hosts are path prefixes of one port. From a folder of real payloads it serves documents (as
gzip where the client accepts it), makes each filing's index.json, and restricts submissions and
company facts to what was filed by `today`. Without a folder it serves the `pages` it is given.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from ingest.edgar.urls import Hosts

KINDS = ("ixbrl", "xbrl-instance")
#: A proxy in the environment must not come between a test (or a process it starts) and its server.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

FETCHED = re.compile(r"(10-K|10-Q|10-KT|10-QT|20-F|8-K)(/A)?")
RATE_PAGE = b"<!DOCTYPE html>\n<html><head><title>Request Rate Threshold Exceeded</title></head><body/></html>"
IDENTITY_PAGE = b"<!DOCTYPE html>\n<html><head><title>Undeclared Automated Tool</title></head><body/></html>"
NO_SUCH_KEY = b'<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>'
LAST_MODIFIED = "Wed, 21 Feb 2024 21:36:57 GMT"


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `at` is monotonic seconds."""

    path: str
    at: float
    headers: Mapping[str, str]


#: A fault answers in the server's stead: it gets the handler and the body it would have sent.
Fault = Callable[["_Handler", bytes], None]


@dataclass
class _Script:
    pattern: re.Pattern[str]
    fault: Fault
    times: int


@dataclass
class FakeEdgar:
    """The server; a context manager. `log` holds every request in order of arrival.

    :param root: an EDGAR-shaped folder with a MANIFEST.csv, or None.
    :param pages: path ("data.sec.gov/submissions/...") -> body; wins over the folder.
    :param today: nothing filed later is known; None for all.
    :param etags_on_data: validators on data.sec.gov too (the real one sends none).
    """

    root: Path | None = None
    pages: dict[str, bytes] = field(default_factory=dict)
    today: date | None = None
    etags_on_data: bool = False
    log: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._scripts: list[_Script] = []
        self._lock = threading.Lock()
        self._cache: dict[Any, bytes] = {}
        self._manifest: list[dict[str, str]] = []
        if self.root is not None:
            with (self.root / "MANIFEST.csv").open(newline="") as file:
                self._manifest = [row for row in csv.DictReader(file) if row["path"].startswith(("data.", "www."))]
        edgar = self

        class Handler(_Handler):
            server_side = edgar

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def hosts(self) -> Hosts:
        return Hosts(data=f"{self.url}/data.sec.gov", www=f"{self.url}/www.sec.gov")

    def __enter__(self) -> FakeEdgar:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault(self, pattern: str, fault: Fault, times: int = 1) -> None:
        """Play `fault` for the next `times` requests whose path contains the regex `pattern`."""
        self._scripts.append(_Script(re.compile(pattern), fault, times))

    def paths(self, pattern: str = "") -> list[str]:
        """The paths asked for so far that contain the regex, in order."""
        return [seen.path for seen in self.log if re.search(pattern, seen.path)]

    def next_fault(self, path: str) -> Fault | None:
        with self._lock:
            for script in self._scripts:
                if script.times > 0 and script.pattern.search(path):
                    script.times -= 1
                    return script.fault
        return None

    # What is served ---------------------------------------------------------------------------

    def body(self, path: str) -> bytes | None:
        """The body of "host/path" as of today, or None where EDGAR would know nothing."""
        if path in self.pages:
            return self.pages[path]
        if self.root is None:
            return None
        key = (path, self.today)
        if key not in self._cache:
            made = self._make(path)
            if made is None:
                return None
            self._cache[key] = made
        return self._cache[key]

    def _make(self, path: str) -> bytes | None:
        if match := re.fullmatch(r"data\.sec\.gov/submissions/CIK([0-9]{10})\.json", path):
            return self._submissions(path, match[1])
        if match := re.fullmatch(r"www\.sec\.gov/Archives/edgar/data/([0-9]+)/([0-9]{18})/index\.json", path):
            return self._filing_index(match[1], match[2])
        stored = self._stored(path)
        if match := re.fullmatch(r"data\.sec\.gov/api/xbrl/companyfacts/CIK([0-9]{10})\.json", path):
            if stored is not None:
                return self._facts_by_today(stored)
            return orjson.dumps({"cik": int(match[1]), "facts": {}}) if self._rows(match[1]) else None
        return stored

    def _stored(self, path: str) -> bytes | None:
        assert self.root is not None
        if not re.fullmatch(r"[A-Za-z0-9._/-]+", path) or ".." in path:
            return None
        file = self.root / path
        if file.is_file():
            return file.read_bytes()
        packed = file.with_name(file.name + ".gz")
        return gzip.decompress(packed.read_bytes()) if packed.is_file() else None

    def _rows(self, cik: str) -> dict[str, dict[str, str]]:
        """accession -> MANIFEST row of the filings whose facts are at hand."""
        return {r["accession"]: r for r in self._manifest if r["cik"].zfill(10) == cik and r["kind"] in KINDS}

    def _submissions(self, path: str, cik: str) -> bytes | None:
        """The stored list (or one made of the manifest), without what was filed later or is not at hand."""
        at_hand = self._rows(cik)
        stored = self._stored(path)
        if stored is None and not at_hand:
            return None
        answer = orjson.loads(stored) if stored else {"cik": cik, "name": cik, "filings": {"recent": {}, "files": []}}
        recent = answer["filings"]["recent"]
        names = list(recent) or ["accessionNumber", "filingDate", "reportDate", "acceptanceDateTime", "form"]
        names += [name for name in ("primaryDocument",) if name not in names]
        columns = [recent.get(name, []) for name in names]
        rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        rows = [r for r in rows if not FETCHED.fullmatch(r["form"]) or r["accessionNumber"] in at_hand]
        listed = {row["accessionNumber"] for row in rows}
        rows += [self._row(names, row) for accession, row in at_hand.items() if accession not in listed]
        limit = self.today.isoformat() if self.today else "9999"
        rows = sorted((r for r in rows if r["filingDate"] <= limit), key=lambda r: r["filingDate"], reverse=True)
        answer["filings"] = {"recent": {name: [r[name] for r in rows] for name in names}, "files": []}
        return orjson.dumps(answer)

    def _row(self, names: list[str], row: dict[str, str]) -> dict[str, Any]:
        """A line of submissions from a line of the manifest."""
        document = Path(row["path"].removesuffix(".gz")).name.replace("_htm.xml", ".htm")
        known = {
            "accessionNumber": row["accession"],
            "filingDate": row["filed"],
            "reportDate": row["period_end"],
            "acceptanceDateTime": f"{row['filed']}T16:30:00.000Z",
            "form": row["form"],
            "primaryDocument": document,
        }
        return {name: known.get(name, "") for name in names}

    def _filing_index(self, cik: str, folder: str) -> bytes | None:
        prefix = f"www.sec.gov/Archives/edgar/data/{cik}/{folder}/"
        files = [row for row in self._manifest if row["path"].startswith(prefix)]
        if not files or (self.today and any(row["filed"] > self.today.isoformat() for row in files)):
            return None
        accession = f"{folder[:10]}-{folder[10:12]}-{folder[12:]}"
        names = {f"{accession}-index.html": "", f"{accession}.txt": "", "FilingSummary.xml": "9000", "R1.htm": "9000"}
        names |= {row["path"].removeprefix(prefix).removesuffix(".gz"): row["bytes"] for row in files}
        documents = [Path(r["path"].removesuffix(".gz")).name for r in files if r["kind"] in KINDS]
        names |= {re.sub(r"(_htm)?\.(htm|xml)$", ".xsd", name): "60000" for name in documents}
        return filing_index(cik, accession, names)

    def _facts_by_today(self, stored: bytes) -> bytes:
        if self.today is None:
            return stored
        limit = self.today.isoformat()
        answer = orjson.loads(stored)
        for concepts in answer["facts"].values():
            for name, concept in list(concepts.items()):
                by_today = {u: [f for f in facts if f["filed"] <= limit] for u, facts in concept["units"].items()}
                concept["units"] = {unit: facts for unit, facts in by_today.items() if facts}
                if not concept["units"]:  # a concept is listed from its first fact on
                    del concepts[name]
        return orjson.dumps(answer)


def filing_index(cik: str, accession: str, names: Mapping[str, str]) -> bytes:
    """A filing's index.json: file name -> size as text ("" where EDGAR gives none)."""
    folder = f"/Archives/edgar/data/{int(cik)}/{accession.replace('-', '')}"
    items = [
        {"last-modified": "2024-02-21 16:36:57", "name": name, "type": "text.gif", "size": size}
        for name, size in names.items()
    ]
    parent = f"/Archives/edgar/data/{int(cik)}"
    return orjson.dumps({"directory": {"item": items, "name": folder, "parent-dir": parent}})


def submissions(cik: str, filings: list[tuple[str, str, str, str]], files: list[dict[str, Any]] | None = None) -> bytes:
    """A company's submissions.json from (accession, form, filed, primary document), newest first."""
    recent = {
        "accessionNumber": [f[0] for f in filings],
        "filingDate": [f[2] for f in filings],
        "reportDate": [f[2] for f in filings],
        "acceptanceDateTime": [f"{f[2]}T16:30:00.000Z" for f in filings],
        "form": [f[1] for f in filings],
        "primaryDocument": [f[3] for f in filings],
    }
    return orjson.dumps({"cik": cik, "name": "A company", "filings": {"recent": recent, "files": files or []}})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """A client that hangs up in the middle is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server_side: FakeEdgar

    def log_message(self, *_: object) -> None:
        pass

    @property
    def accepts_gzip(self) -> bool:
        return "gzip" in self.headers.get("Accept-Encoding", "")

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        edgar = self.server_side
        edgar.log.append(Seen(path, time.monotonic(), dict(self.headers.items())))
        if not re.search(r"[^\s@]+@[^\s@]+\.[a-z]+", self.headers.get("User-Agent", "")):
            self.send(403, IDENTITY_PAGE, {"Content-Type": "text/html"})
            return
        body = edgar.body(path)
        if fault := edgar.next_fault(path):
            fault(self, body or b"")
        elif body is None:
            self.send(404, NO_SUCH_KEY, {"Content-Type": "application/xml"})
        else:
            self.send_payload(path, body)

    def send_payload(self, path: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json" if path.endswith(".json") else "text/html"}
        if path.startswith("www.") or self.server_side.etags_on_data:
            headers |= {"ETag": f'"{sha256(body).hexdigest()[:16]}"', "Last-Modified": LAST_MODIFIED}
            if self.headers.get("If-None-Match") == headers["ETag"]:
                self.send(304, b"", headers)
                return
        if self.accepts_gzip:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, 1)
        self.send(200, body, headers)

    def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """A complete answer, framed by Content-Length unless the headers frame it otherwise."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Transfer-Encoding" not in headers and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def send_unframed(self, body: bytes, headers: Mapping[str, str]) -> None:
        """A body that ends when the connection does."""
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


# Faults ------------------------------------------------------------------------------------------


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    """A bare status; header names are given with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.send(code, body, named)


def rate_page(code: int = 403) -> Fault:
    """EDGAR's page for too many requests (with status 200 it poses as data)."""
    return status(code, RATE_PAGE, Content_Type="text/html")


def answer(body: bytes) -> Fault:
    """Another body under the same address, well framed."""
    return lambda handler, _: handler.send(200, body, {})


def redirect(location: str, code: int = 302) -> Fault:
    """A redirect elsewhere."""
    return status(code, Location=location)


def gzip_cut(keep: float = 0.5) -> Fault:
    """A gzip stream cut in the middle, with a Content-Length that matches the cut (trap N1)."""

    def play(handler: _Handler, body: bytes) -> None:
        packed = gzip.compress(body, 1)
        handler.send(200, packed[: int(len(packed) * keep)], {"Content-Encoding": "gzip"})

    return play


def gzip_without_trailer() -> Fault:
    """A gzip stream without its eight bytes of checksum and length."""
    return lambda handler, body: handler.send(200, gzip.compress(body, 1)[:-8], {"Content-Encoding": "gzip"})


def gzip_damaged() -> Fault:
    """A gzip stream whose checksum does not fit its content."""

    def play(handler: _Handler, body: bytes) -> None:
        packed = bytearray(gzip.compress(body, 1))
        packed[-8] ^= 0xFF
        handler.send(200, bytes(packed), {"Content-Encoding": "gzip"})

    return play


def identity_cut(keep: float = 0.5) -> Fault:
    """A plain body cut in the middle, with a Content-Length that matches the cut."""
    return lambda handler, body: handler.send(200, body[: int(len(body) * keep)], {})


def length_mismatch() -> Fault:
    """A Content-Length larger than what comes before the connection closes."""

    def play(handler: _Handler, body: bytes) -> None:
        handler.send(200, body[: len(body) // 2], {"Content-Length": str(len(body)), "Connection": "close"})
        handler.close_connection = True

    return play


def chunked_cut() -> Fault:
    """A chunked body whose last chunk never comes."""

    def play(handler: _Handler, body: bytes) -> None:
        half = body[: len(body) // 2]
        framed = b"%x\r\n%b\r\n" % (len(half), half)
        handler.send(200, framed, {"Transfer-Encoding": "chunked", "Connection": "close"})
        handler.close_connection = True

    return play


def close_delimited(keep: float = 0.5) -> Fault:
    """A body framed only by the end of the connection, cut (trap N2)."""
    return lambda handler, body: handler.send_unframed(body[: int(len(body) * keep)], {})


def drip(seconds: float = 0.05, in_headers: bool = False) -> Fault:
    """One byte at a time, in the body or already in the headers."""

    def play(handler: _Handler, body: bytes) -> None:
        stream = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body)
        head, rest = (b"", stream + b"X-Slow: ") if in_headers else (stream + b"\r\n", body)
        handler.close_connection = True
        with suppress(OSError):  # the client hung up, as it should
            handler.wfile.write(head)
            for byte in rest + b"-" * 100_000:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(seconds)

    return play


def reset() -> Fault:
    """The connection is reset without an answer."""

    def play(handler: _Handler, _: bytes) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()

    return play


def gzip_bomb(megabytes: int) -> Fault:
    """Zeros, a thousand times smaller on the wire than decoded."""

    def play(handler: _Handler, _: bytes) -> None:
        packer = zlib.compressobj(9, wbits=31)
        zeros = bytes(2**20)
        packed = b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()
        with suppress(OSError):
            handler.send(200, packed, {"Content-Encoding": "gzip"})

    return play


def huge_length(size: int = 2 * 2**30) -> Fault:
    """A Content-Length of two gigabytes, and a body that starts to come."""

    def play(handler: _Handler, _: bytes) -> None:
        handler.close_connection = True
        with suppress(OSError):
            handler.send(200, b"{" * 65_536, {"Content-Length": str(size), "Connection": "close"})

    return play


def endless() -> Fault:
    """A chunked body without end."""

    def play(handler: _Handler, _: bytes) -> None:
        handler.close_connection = True
        chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
        with suppress(OSError):
            handler.send(200, b"", {"Transfer-Encoding": "chunked"})
            while True:
                handler.wfile.write(chunk)

    return play
