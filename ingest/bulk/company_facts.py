"""Members of companyfacts.zip to a batch of Parquet files.

Belongs here: one batch of members through the parser of company facts, and what of it is new. Does not belong here:
parsing itself (ingest/parsers), which members make a batch (load.py).
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ingest.bulk.store import BatchWriter, BulkStore
from ingest.parsers.companyfacts import read_companyfacts
from ingest.parsers.xbrl import periodic_only, split_impossible
from ingest.payload import MAX_BYTES
from ingest.records import FACTS, IngestError, PayloadError

KIND = "companyfacts"
ADDRESS = "https://data.sec.gov/api/xbrl/companyfacts/"
MEMBER = re.compile(r"CIK([0-9]{10})\.json")
_NAME = re.compile(rb'"entityName"\s*:\s*("(?:[^"\\]|\\.)*")')
#: Which statements of one filer are the same one.
_KEY = ("cik", "accession", "concept", "dimensions", "unit", "period_start", "period_end", "value")


class Written(NamedTuple):
    """A batch on the disk, not yet in the manifest. `damaged`: member -> why nothing of it is used."""

    files: list[str]
    facts: int
    members: dict[str, str]
    damaged: dict[str, str]


def _body(file: zipfile.ZipFile, name: str) -> bytes:
    if file.getinfo(name).file_size > MAX_BYTES:
        raise PayloadError(f"it has {file.getinfo(name).file_size} bytes, more than {MAX_BYTES}")
    try:
        return file.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise PayloadError(f"its bytes in the zip are damaged ({error}): get the zip again") from error


def _read(body: bytes, name: str) -> tuple[pa.Table, dict[str, Any]]:
    """The facts that may be used, and the filer (a row of FILERS)."""
    stated = read_companyfacts(body, ADDRESS + name, sha256(body).hexdigest()).facts
    facts, _ = split_impossible(periodic_only(stated))
    cik = name[3:13]
    if stated.num_rows and stated["cik"][0].as_py() != cik:
        raise PayloadError(f"it speaks of CIK {stated['cik'][0]}")
    title = _NAME.search(body[:4096])
    seen_on = pc.max(stated["filed_on"]).as_py()
    return facts, dict(cik=cik, name=json.loads(title[1]) if title else None, seen_on=seen_on, source_kind=KIND)


def _new(facts: pa.Table, kept: pa.Table) -> pa.Table:
    """The rows of `facts` that are not in `kept`."""

    def keyed(table: pa.Table) -> pa.Table:
        # A join takes no null for another.
        start = pc.fill_null(table["period_start"].cast(pa.int32()), 0)
        return table.select(_KEY).set_column(_KEY.index("period_start"), "period_start", start)

    place = pa.array(range(facts.num_rows), pa.int64())
    fresh = keyed(facts).append_column("place", place).join(keyed(kept), list(_KEY), join_type="left anti")
    return facts.take(fresh.sort_by("place")["place"])


def write_batch(
    zip_path: Path, names: Sequence[str], store_path: Path, batch: str, changed: frozenset[str] = frozenset()
) -> Written:
    """Read `names` and write what they state; of `changed` members only what is not in the store yet.

    A member that is damaged, or not company facts, is named in the answer and the others go on.
    """
    tables, filers, members, damaged = [], [], {}, {}
    with zipfile.ZipFile(zip_path) as file:
        for name in names:
            try:
                facts, filer = _read(_body(file, name), name)
            except IngestError as error:
                damaged[name] = str(error)
                continue
            except Exception as error:  # a parser's own mistake over one odd member
                damaged[name] = f"{type(error).__name__}: {error}"
                continue
            tables.append(facts)
            filers.append(filer)
            members[name] = f"{file.getinfo(name).CRC:08x}"
    facts = pa.concat_tables([FACTS.empty_table(), *tables])
    if again := changed.intersection(members):
        kept = BulkStore(store_path).facts_of([name[3:13] for name in again], KIND)
        facts = _new(facts, kept)
    writer = BatchWriter(store_path, batch)
    writer.add_facts(facts)
    if filers:
        writer.add_filers(filers)
    return Written(writer.close(), facts.num_rows, members, damaged)
