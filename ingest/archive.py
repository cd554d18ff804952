"""The archive: every payload as it was received, kept under its sha256, before anything reads it.

Belongs here: writing and reading payload bytes and their sidecars. Does not belong here: HTTP,
parsing, deciding what to fetch.

Layout: `<root>/<first 2 hex>/<sha256>` holds the bytes; `<sha256>.<16 hex of the url's hash>.json`
beside it says where they came from, one sidecar per (payload, url). No name received from outside
ever becomes a path. Files are written under a temporary name, synced and renamed, bytes before
sidecar, so a process killed anywhere leaves either a complete entry or none.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from hashlib import sha256 as _sha256
from pathlib import Path

from ingest.records import IngestError, PayloadError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = ".part-"


@dataclass(frozen=True)
class Entry:
    """Where one payload came from (a sidecar).

    `retrieved_at` is ISO 8601 UTC text of the first retrieval since the address last said something
    else. `etag` and `last_modified` are as served, null where the server sends none. `covers` is the
    newest periodic accession that submissions listed when company facts were retrieved.
    """

    sha256: str
    url: str
    kind: str
    bytes: int
    retrieved_at: str
    cik: str | None = None
    accession: str | None = None
    form: str | None = None
    filed_on: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    covers: str | None = None


_FIELDS = {field.name for field in fields(Entry)}


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_atomically(path: Path, data: bytes) -> None:
    """After this returns, `path` holds `data` even if the power goes; before, what it held before."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        _sync_directory(path.parent.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _url_hash(url: str) -> str:
    return _sha256(url.encode()).hexdigest()[:16]


class Archive:
    """A content-addressed store of payloads under one directory (created on the first put)."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def _payload_path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise IngestError(f"{sha256!r} is not a sha256: 64 lower-case hex digits are needed")
        return self.root / sha256[:2] / sha256

    def _sidecar_path(self, sha256: str, url: str) -> Path:
        return self._payload_path(sha256).with_name(f"{sha256}.{_url_hash(url)}.json")

    def put(
        self,
        data: bytes,
        url: str,
        *,
        kind: str,
        retrieved_at: datetime,
        cik: str | None = None,
        accession: str | None = None,
        form: str | None = None,
        filed_on: str | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        covers: str | None = None,
    ) -> str:
        """Keep `data` and the sidecar of this retrieval; both are on disk when this returns.

        Putting the same bytes of the same url again changes nothing but `etag`, `last_modified` and
        `covers`, and `retrieved_at` where the url had other bytes in between; a payload damaged on disk
        is written anew.

        :param retrieved_at: an aware datetime.
        :return: sha256 of `data`, 64 lower-case hex digits.
        """
        digest = _sha256(data).hexdigest()
        entry = Entry(
            sha256=digest,
            url=url,
            kind=kind,
            bytes=len(data),
            retrieved_at=retrieved_at.astimezone(UTC).isoformat(timespec="milliseconds"),
            cik=cik,
            accession=accession,
            form=form,
            filed_on=filed_on,
            etag=etag,
            last_modified=last_modified,
            covers=covers,
        )
        if not self.is_intact(digest):
            _write_atomically(self._payload_path(digest), data)
        path = self._sidecar_path(digest, url)
        known = self._read_sidecar(path) if path.is_file() else None
        if known is not None and not self._said_since(known):
            entry = replace(entry, retrieved_at=known.retrieved_at)
        if entry != known:
            _write_atomically(path, json.dumps(asdict(entry), sort_keys=True, indent=1).encode())
        return digest

    def get(self, sha256: str) -> bytes:
        """The payload, verified.

        :raises PayloadError: the archive does not hold it, or holds other bytes under its name.
        """
        path = self._payload_path(sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise PayloadError(f"the archive {self.root} holds no payload {sha256}: run `aigap fetch`") from None
        if (found := _sha256(data).hexdigest()) != sha256:
            raise PayloadError(
                f"payload {sha256} is damaged: {path} now hashes to {found}. It is not used; "
                "`aigap fetch` gets it from EDGAR again"
            )
        return data

    def is_intact(self, sha256: str) -> bool:
        """True when the payload is there and its bytes hash to its name (reads the whole file)."""
        try:
            self.get(sha256)
        except PayloadError:
            return False
        return True

    def _said_since(self, known: Entry) -> bool:
        """Whether the address has said something else after this."""
        beside = (self._read_sidecar(path) for path in self.root.glob(f"*/*.{_url_hash(known.url)}.json"))
        return any(other.retrieved_at > known.retrieved_at for other in beside if other)

    def holds(self, entry: Entry) -> bool:
        """True when a file of the right size is there: what a look can tell without reading it."""
        try:
            return self._payload_path(entry.sha256).stat().st_size == entry.bytes
        except (FileNotFoundError, IngestError):
            return False

    def _read_sidecar(self, path: Path) -> Entry | None:
        """The sidecar, or None when it is damaged: the payload then counts as not retrieved."""
        try:
            values = json.loads(path.read_bytes())
            entry = Entry(**{key: value for key, value in values.items() if key in _FIELDS})
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        return entry if path == self._sidecar_path(entry.sha256, entry.url) else None

    def entries(self) -> Iterator[Entry]:
        """All sidecars, oldest retrieval first (ties by url): the order in which payloads were met."""
        found = (self._read_sidecar(path) for path in self.root.glob("[0-9a-f][0-9a-f]/*.json"))
        return iter(sorted((e for e in found if e), key=lambda e: (e.retrieved_at, e.url, e.sha256)))

    def clean(self) -> int:
        """Remove what a killed process left half written; returns how many files went.

        Only for a caller that knows no other process is writing.
        """
        leftovers = list(self.root.glob(f"[0-9a-f][0-9a-f]/{_TEMPORARY}*"))
        for path in leftovers:
            path.unlink(missing_ok=True)
        return len(leftovers)
