"""A Financial Statement Data Set to a batch of Parquet files.

Belongs here: its columns, in both layouts, as facts. Does not belong here: which one replaces which (load.py).

SEC publishes one zip a quarter: sub.txt (filings), num.txt (facts), tab-separated. The layout of 2024 brought a column
`segments` and put the columns in another order; both are read by name. What a reader must know of its facts:

- A day (`ddate`) is rounded to the end of a month, and a period is told as its end and a number of quarters: they are
  not the days a filing states, and such a fact is never the same one as that of company facts. `source_kind` says so.
- Only facts of the primary statements are in it, rounded to four decimals.
- Dimensions come without prefix and shortened; a coregistrant is the dimension `Coregistrant`.
"""

from __future__ import annotations

import zipfile
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ingest.bulk.company_facts import Written
from ingest.bulk.store import BatchWriter
from ingest.parsers.xbrl import split_impossible
from ingest.records import DECIMAL, FACTS, PayloadError
from ingest.rules import PERIODIC_FORMS

KIND = "financial_data_set"
ADDRESS = "https://www.sec.gov/files/dera/financial-statement-data-sets/"
_BLOCK_BYTES = 1 << 24
_SUB = ("adsh", "cik", "name", "sic", "fye", "form", "filed")
_NUM = ("adsh", "tag", "version", "ddate", "qtrs", "uom", "coreg", "value")
_LATER = ("segments",)


def is_data_set(names: list[str]) -> bool:
    """Whether a zip of these members is one."""
    return {"sub.txt", "num.txt"}.issubset(names)


def _rows(file: zipfile.ZipFile, member: str, wanted: tuple[str, ...], encoding: str) -> Any:
    """The columns `wanted` of a member, in record batches, all but `value` as text."""
    with file.open(member) as stream:
        header = stream.readline().decode("ascii", "replace").rstrip("\r\n").split("\t")
    if missing := set(wanted).difference(header, _LATER):
        raise PayloadError(f"{member} has no column {', '.join(sorted(missing))}; is it a data set of the SEC?")
    types = {name: pa.string() for name in header} | ({"value": pa.decimal128(32, 4)} if "value" in header else {})
    return pa_csv.open_csv(
        pa.PythonFile(file.open(member), "r"),
        read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES, encoding=encoding, use_threads=False),
        parse_options=pa_csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=types,
            include_columns=[name for name in wanted if name in header],
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _day(text: Any) -> Any:
    """YYYYMMDD as days."""
    return pc.strptime(text, format="%Y%m%d", unit="s").cast(pa.date32())


def _start(end: Any, quarters: Any) -> Any:
    """The first day of a period that is told as its last one and a number of quarters; null for an instant."""
    months = pc.add(pc.multiply(pc.year(end), 12), pc.month(end))  # of the end, its successor counted from 0
    first = pc.subtract(months, pc.multiply(quarters, 3))
    year, month = pc.divide(first, 12), pc.subtract(first, pc.multiply(pc.divide(first, 12), 12))
    text = pc.binary_join_element_wise(
        pc.utf8_lpad(year.cast(pa.string()), 4, "0"), pc.utf8_lpad(pc.add(month, 1).cast(pa.string()), 2, "0"), "01", ""
    )
    return pc.if_else(pc.greater(quarters, 0), _day(text), pa.scalar(None, pa.date32()))


def _dimensions(rows: pa.Table) -> pa.Array:
    """Canonical text, from the few distinct pairs of segments and coregistrant there are."""
    segments = rows["segments"] if "segments" in rows.column_names else pa.nulls(rows.num_rows, pa.string())
    both = pc.binary_join_element_wise(pc.fill_null(segments, ""), pc.fill_null(rows["coreg"], ""), "\t")
    encoded = pc.dictionary_encode(both.combine_chunks() if isinstance(both, pa.ChunkedArray) else both)

    def canonical(text: str) -> str:
        stated, _, coregistrant = text.partition("\t")
        pairs = [pair for pair in stated.split(";") if pair]
        return ";".join(sorted(pairs + ([f"Coregistrant={coregistrant}"] if coregistrant else [])))

    return pa.array([canonical(text) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _facts(rows: pa.Table, filings: pa.Table, place: pa.Array, url: str, digest: str) -> pa.Table:
    filing = filings.take(place)
    end, quarters = _day(rows["ddate"]), rows["qtrs"].cast(pa.int32())
    # A tag of the filer's own has its filing for a version; the prefix it had there is not told.
    taxonomy = pc.if_else(
        pc.match_substring(rows["version"], "/"), pc.list_element(pc.split_pattern(rows["version"], "/"), 0), "custom"
    )
    columns = {
        "cik": filing["cik"],
        "accession": rows["adsh"],
        "form": filing["form"],
        "filed_on": filing["filed"],
        "concept": pc.binary_join_element_wise(taxonomy, rows["tag"], ":"),
        "dimensions": _dimensions(rows),
        "unit": rows["uom"],
        "period_start": _start(end, quarters),
        "period_end": end,
        "value": rows["value"].cast(DECIMAL),
        "source_kind": pa.repeat(KIND, rows.num_rows),
        "source_url": pa.repeat(url, rows.num_rows),
        "sha256": pa.repeat(digest, rows.num_rows),
    }
    return pa.table([columns.get(field.name, pa.nulls(rows.num_rows, field.type)) for field in FACTS], schema=FACTS)


def _filings(file: zipfile.ZipFile, encoding: str) -> pa.Table:
    filings = _rows(file, "sub.txt", _SUB, encoding).read_all()
    filings = filings.filter(pc.is_in(filings["form"], pa.array(PERIODIC_FORMS)))
    for name, column in (("cik", pc.utf8_lpad(filings["cik"], 10, "0")), ("filed", _day(filings["filed"]))):
        filings = filings.set_column(filings.schema.get_field_index(name), name, column)
    return filings


def _filers(filings: pa.Table) -> list[dict[str, Any]]:
    """What the newest filing of each says."""
    found = {}
    for row in filings.sort_by([("filed", "ascending"), ("adsh", "ascending")]).to_pylist():
        about = dict(name=row["name"], sic=row["sic"], fiscal_year_end=row["fye"], seen_on=row["filed"])
        found[row["cik"]] = dict(cik=row["cik"], source_kind=KIND) | about
    return list(found.values())


def _write(zip_path: Path, writer: BatchWriter, encoding: str, digest: str) -> None:
    url = ADDRESS + zip_path.name
    with zipfile.ZipFile(zip_path) as file:
        filings = _filings(file, encoding)
        for batch in _rows(file, "num.txt", _NUM + _LATER, encoding):
            rows = pa.Table.from_batches([batch])
            place = pc.index_in(rows["adsh"], filings["adsh"].combine_chunks()).combine_chunks()
            used = pc.and_(pc.is_valid(place), pc.is_valid(rows["value"]))
            kept, _ = split_impossible(
                _facts(rows.filter(used), filings, place.filter(used.combine_chunks()), url, digest)
            )
            if kept.num_rows:
                writer.add_facts(kept)
        writer.add_filers(_filers(filings))


def mark(file: zipfile.ZipFile) -> str:
    """What tells one publication of a data set from another."""
    return "-".join(f"{file.getinfo(name).CRC:08x}" for name in ("sub.txt", "num.txt"))


def write_data_set(zip_path: Path, store_path: Path, batch: str) -> Written:
    """Read one data set and write what it states.

    :return: a data set of which anything cannot be read is damaged as a whole.
    """
    with zip_path.open("rb") as file:
        digest = sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    for encoding in ("utf-8", "windows-1252"):  # old ones have names in the latter
        writer = BatchWriter(store_path, batch)
        try:
            _write(zip_path, writer, encoding, digest.hexdigest())
            files = writer.close()
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            writer.close()
            if encoding == "utf-8" and "utf" in str(error).lower():
                continue
            return Written([], 0, {}, {zip_path.name: f"it cannot be read: {error}"})
        except (PayloadError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            writer.close()
            return Written([], 0, {}, {zip_path.name: f"its bytes in the zip are damaged ({error}): get the zip again"})
        return Written(files, writer.facts, {}, {})
    raise AssertionError("every byte is a letter of the last encoding")
