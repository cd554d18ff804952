"""The folder of bulk facts: Parquet by year of filing, and the manifest that says which files count.

Belongs here: layout, manifest, writing a batch so that it is there whole or not at all. Does not belong here: what a
batch is read from.

    facts/filed_year=2024/000017.parquet   schema FACTS, by batch
    filers/000017.parquet                  schema FILERS
    manifest.jsonl                         one line a batch, only ever appended to

A file that no line of the manifest names is what a killed run left behind: readers pass it by, the next load
removes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.records import FACTS, IngestError

#: Who files: `sic` and `fiscal_year_end` (MMDD) as data sets state them, null where only company facts name the filer.
#: `seen_on` is the newest filing of the batch that says so.
FILERS = pa.schema(
    [
        ("cik", pa.string()),
        ("name", pa.string()),
        ("sic", pa.string()),
        ("fiscal_year_end", pa.string()),
        ("seen_on", pa.date32()),
        ("source_kind", pa.string()),
    ]
)


class Batch(NamedTuple):
    """A line of the manifest.

    `members`: name of a zip's member (of a data set: the zip's own name) -> what tells its content apart. `files`:
    relative to the store. `replaces`: batches whose files do not count any more. `as_of`: the newest date the zip gives
    a member.
    """

    batch: str
    kind: str
    as_of: str
    members: dict[str, str]
    files: list[str]
    facts: int
    replaces: list[str]


class BulkStore:
    """One folder of bulk facts. Of all processes one may write: the caller holds a lock."""

    def __init__(self, root: Path):
        self.root = root
        self.batches = self._read()

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.jsonl"

    def _read(self) -> dict[str, Batch]:
        lines = self.manifest.read_bytes().splitlines(keepends=True) if self.manifest.is_file() else []
        found: dict[str, Batch] = {}
        for number, line in enumerate(lines, start=1):
            try:
                batch = Batch(**json.loads(line))
            except (ValueError, TypeError) as error:
                if number == len(lines) and not line.endswith(b"\n"):
                    break  # its writer was killed
                raise IngestError(
                    f"{self.manifest}, line {number} is damaged: remove {self.root} and load the zips again"
                ) from error
            for old in batch.replaces:
                found.pop(old, None)
            found[batch.batch] = batch
        return found

    def files(self, folder: str) -> list[Path]:
        """The files of `folder` (facts, filers) that count, oldest batch first."""
        return [
            self.root / name
            for batch in self.batches.values()
            for name in batch.files
            if name.startswith(folder + "/") and (self.root / name).is_file()
        ]

    def known(self, kind: str) -> dict[str, str]:
        """Member -> what tells its newest content apart."""
        return {name: mark for b in self.batches.values() if b.kind == kind for name, mark in b.members.items()}

    def tidy(self) -> None:
        """Remove what no line of the manifest names, and the half of a line that a killed run left."""
        counted = {name for batch in self.batches.values() for name in batch.files}
        for folder in ("facts", "filers"):
            for path in (self.root / folder).rglob("*.parquet*"):
                if path.relative_to(self.root).as_posix() not in counted:
                    path.unlink()
        if self.manifest.is_file():
            whole = self.manifest.read_bytes().rpartition(b"\n")
            os.truncate(self.manifest, len(whole[0]) + len(whole[1]))

    def numbers(self) -> Iterator[str]:
        """Names for new batches."""
        first = max((int(batch) for batch in self.batches), default=0) + 1
        return (f"{number:06d}" for number in range(first, 10**6))

    def commit(self, batch: Batch) -> None:
        """From now on this batch counts, and those it replaces do not."""
        self.root.mkdir(parents=True, exist_ok=True)
        with self.manifest.open("ab") as file:
            file.write(json.dumps(batch._asdict(), separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.batches[batch.batch] = batch
        for old in batch.replaces:
            for name in self.batches.pop(old).files:
                (self.root / name).unlink(missing_ok=True)

    def facts_of(self, ciks: Iterable[str], kind: str) -> pa.Table:
        """What is kept of these filers, schema FACTS."""
        named = pa.array(sorted(ciks), pa.string())
        files = [
            self.root / name
            for batch in self.batches.values()
            if batch.kind == kind
            for name in batch.files
            if name.startswith("facts/")
        ]
        parts = (pq.read_table(path, schema=FACTS, filters=pc.field("cik").isin(named)) for path in files)
        return pa.concat_tables([FACTS.empty_table(), *parts])


class BatchWriter:
    """The Parquet files of one batch, each under its own name once `close` has returned."""

    def __init__(self, root: Path, batch: str):
        self._root, self._batch = root, batch
        self._open: dict[Path, pq.ParquetWriter] = {}
        self.facts = 0

    def add_facts(self, facts: pa.Table) -> None:
        """Facts (schema FACTS) to the files of their years."""
        year = pc.year(facts["filed_on"])
        for value in sorted(pc.unique(year).to_pylist()):
            self._write(self._root / "facts" / f"filed_year={value}", facts.filter(pc.equal(year, value)))
        self.facts += facts.num_rows

    def add_filers(self, rows: list[dict[str, Any]]) -> None:
        self._write(self._root / "filers", pa.Table.from_pylist(rows, FILERS))

    def _write(self, folder: Path, table: pa.Table) -> None:
        path = folder / f"{self._batch}.parquet"
        if path not in self._open:
            folder.mkdir(parents=True, exist_ok=True)
            self._open[path] = pq.ParquetWriter(f"{path}.part", table.schema, compression="zstd", compression_level=1)
        self._open[path].write_table(table, row_group_size=1 << 17)

    def close(self) -> list[str]:
        """The files, relative to the store; they are on the disk."""
        for path, writer in self._open.items():
            with closing(writer):
                pass
            with open(f"{path}.part", "rb") as file:
                os.fsync(file.fileno())
            os.replace(f"{path}.part", path)
        return [path.relative_to(self._root).as_posix() for path in self._open]
