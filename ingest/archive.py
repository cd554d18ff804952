"""The archive: every payload as it was received, kept under its sha256, before anything reads it.

Belongs here: writing and reading payload bytes and their sidecars. Does not belong here: HTTP,
parsing, deciding what to fetch.

Layout: `<root>/<first 2 hex>/<sha256>` holds the bytes; `<sha256>.<16 hex of the url's hash>.json`
beside it says where they came from, one sidecar per (payload, url). No name received from outside
ever becomes a path. Files are written under a temporary name that cannot be foreseen, synced and renamed, bytes before
sidecar, so a process killed anywhere leaves either a complete entry or none.

Payloads are proved by their names, sidecars by a digest of their other fields (`seal`): an accession or a filing day
that was edited would move the day from which numbers were known. That finds damage and a hand's edits, not someone who
also makes the digest anew.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from hashlib import sha256 as _sha256
from pathlib import Path
from typing import Any

from ingest.records import IngestError, PayloadError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = ".part-"


@dataclass(frozen=True)
class Entry:
    """Where one payload came from (a sidecar).

    `retrieved_at` is ISO 8601 UTC text of the first retrieval since the address last said something
    else. `etag` and `last_modified` are as served, null where the server sends none. `covers` is, of
    company facts, the newest document when they were retrieved; of an inline document, the files of its
    filing that are inline XBRL and, after a slash, that are not. `problem` is why a document gave
    nothing when it was fetched, null where it could be read.
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
    problem: str | None = None


_FIELDS = {field.name for field in fields(Entry)}
_OPTIONAL = {field.name for field in fields(Entry) if field.default is None}
_SEAL = "seal"


def _seal(values: dict[str, Any]) -> str:
    """Of a sidecar's fields, also those of a later version."""
    sealed = {key: value for key, value in values.items() if key != _SEAL}
    return _sha256(json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _entry(values: dict[str, Any]) -> Entry:
    """:raises ValueError, TypeError, AttributeError: a field is not what it must be."""
    entry = Entry(**{key: value for key, value in values.items() if key in _FIELDS})
    texts = {k: v for k, v in asdict(entry).items() if k != "bytes" and not (v is None and k in _OPTIONAL)}
    if not all(isinstance(value, str) for value in texts.values()) or not isinstance(entry.bytes, int):
        raise ValueError("a field is of another type")
    if datetime.fromisoformat(entry.retrieved_at).tzinfo is None:
        raise ValueError("the time of retrieval has no zone")
    if entry.filed_on is not None:
        date.fromisoformat(entry.filed_on)
    return entry


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
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

    def put(self, data: bytes, url: str, **about: Any) -> str:
        """:meth:`keep`, and the sha256 of `data`, 64 lower-case hex digits."""
        return self.keep(data, url, **about).sha256

    def keep(
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
        problem: str | None = None,
    ) -> Entry:
        """Keep `data` and the sidecar of this retrieval; both are on disk when this returns.

        Putting the same bytes of the same url again changes nothing but `etag`, `last_modified`, `covers`
        and `problem`, and `retrieved_at` where the url had other bytes in between; a payload or a sidecar
        damaged on disk is written anew.

        :param retrieved_at: an aware datetime.
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
            problem=problem,
        )
        if not self.is_intact(digest):
            write_atomically(self._payload_path(digest), data)
        path = self._sidecar_path(digest, url)
        known = self._read_sidecar(path) if path.is_file() else None
        if known is not None and not self._said_since(known):
            entry = replace(entry, retrieved_at=known.retrieved_at)
        if entry != known:
            self._write_sidecar(path, asdict(entry))
        return entry

    @staticmethod
    def _write_sidecar(path: Path, values: dict[str, Any]) -> None:
        sealed = values | {_SEAL: _seal(values)}
        write_atomically(path, json.dumps(sealed, sort_keys=True, indent=1).encode())

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
        return self._sidecar(path)[0]

    def _sidecar(self, path: Path) -> tuple[Entry | None, str | None, dict[str, Any]]:
        """The sidecar, or what is wrong with it, and its fields as they stand."""
        try:
            values = json.loads(path.read_bytes())
            entry = _entry(values)
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            return None, f"cannot be read ({type(error).__name__})", {}
        if values.get(_SEAL, found := _seal(values)) != found:
            return None, "was changed after it was written", values
        if path != self._sidecar_path(entry.sha256, entry.url):
            return None, "stands under another payload's or address's name", values
        return entry, None, values

    def _sidecars(self) -> Iterator[Path]:
        return self.root.glob("[0-9a-f][0-9a-f]/*.json")

    def entries(self) -> Iterator[Entry]:
        """All sidecars, oldest retrieval first (ties by url): the order in which payloads were met."""
        found = map(self._read_sidecar, self._sidecars())
        return iter(sorted((e for e in found if e), key=lambda e: (e.retrieved_at, e.url, e.sha256)))

    def damaged(self) -> list[str]:
        """A sentence for each sidecar that is not used because it is not what was written."""
        return [
            f"{path} {problem}: what it speaks of counts as not retrieved; `aigap fetch` gets it again "
            "where EDGAR still serves it, else delete the file"
            for path in sorted(self._sidecars())
            if (problem := self._sidecar(path)[1])
        ]

    def upgrade(self) -> int:
        """Seal the sidecars of an earlier version, which had no seal; returns how many.

        Only for a caller that knows no other process is writing.
        """
        sealed = 0
        for path in sorted(self._sidecars()):
            entry, _, values = self._sidecar(path)
            if entry is not None and _SEAL not in values:
                self._write_sidecar(path, values)
                sealed += 1
        return sealed

    def clean(self) -> int:
        """Remove what a killed process left half written; returns how many files went.

        Only for a caller that knows no other process is writing.
        """
        leftovers = list(self.root.glob(f"[0-9a-f][0-9a-f]/{_TEMPORARY}*"))
        for path in leftovers:
            path.unlink(missing_ok=True)
        return len(leftovers)
