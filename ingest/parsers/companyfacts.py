"""The company facts API: one JSON with every undimensioned standard fact a company has filed.

Belongs here: that JSON to a FACTS table, exactly. Does not belong here: choosing among versions of
a fact, or trusting `fy`, `fp` and `frame` (they describe the filing; see records.py).

Two readings of the same text. The quick one cuts the lists of facts out of the JSON, gives them to
Arrow's JSON reader (which turns number text into DECIMAL without a double in between, and refuses
NaN, overflow and duplicate keys) and reads only the skeleton left over in Python: 27,000 facts in
about 40 ms where loading the JSON into dicts takes that long alone. It holds for the compact form
SEC serves; whatever it does not understand goes to the strict one, which takes any JSON and sets
aside, fact by fact, what is wrong in it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import chain, repeat
from typing import Any, NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from ingest.aside import MOST, set_aside_table
from ingest.parsers.xbrl.document import storable
from ingest.payload import check_payload
from ingest.records import DECIMAL, FACTS, PayloadError
from ingest.rules import PERIODIC_FORMS

_ROW = pa.schema(
    [(name, pa.string()) for name in ("accn", "form", "filed", "start", "end", "frame", "fp")]
    + [("fy", pa.int32()), ("val", DECIMAL)]
)
#: A `val` that is not a number of at most 15 whole and 12 fractional digits or a small exponent.
#: Arrow's conversion to DECIMAL wraps around above 28 whole digits, without an error for many values.
_NUMBERS = (rb"[0-9]{1,15}", rb"[0-9]{1,15}\.[0-9]{1,12}", rb"[0-9](?:\.[0-9]{1,9})?[Ee]-[0-9]{1,2}")
_UNSAFE = re.compile(rb'l":' + b"".join(rb"(?!-?" + number + rb"[,}])" for number in _NUMBERS))
_BLOCK_BYTES = 1 << 18
#: The same with its days as days.
_DAY_ROW = pa.schema([pa.field(f.name, pa.date32() if f.name in ("filed", "start", "end") else f.type) for f in _ROW])
_REQUIRED = ("accn", "form", "filed", "end", "val")
_DAYS = ("filed", "start", "end")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise PayloadError(f"the JSON key {twice!r} stands twice in one object; which value holds cannot be known")
    return keys


def _exact(text: str) -> Decimal | str:
    """A number; the text as it stands where its exponent is beyond all numbers."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _refuse_constant(text: str) -> NoReturn:
    raise PayloadError(f"{text} stands where a number is expected")


def strict_json(body: bytes) -> Any:
    """JSON with exact numbers (int, Decimal), without duplicate keys, NaN, Infinity or half of a surrogate pair.

    :raises PayloadError: it is none of that.
    """
    try:
        # Decoded here: given bytes, json would also take UTF-16, and bytes that are half of a surrogate pair.
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_unique, parse_float=_exact, parse_constant=_refuse_constant)
        if _SURROGATE.search(body):  # one of a pair alone is no text: it could be neither stored nor printed
            json.dumps(value, ensure_ascii=False, default=str).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"payload is not JSON: {str(error)[:200]}; fetch it again") from error


_Series = list[tuple[str, str, Any]]


def _units(entry: Any) -> dict[str, Any]:
    """Unit to stated facts; an entry that has none stands for one fact that cannot be read."""
    units = entry.get("units") if isinstance(entry, dict) else None
    return units if isinstance(units, dict) else {"": entry}


def _series(payload: Any) -> tuple[str, _Series]:
    """CIK, and concept, unit and stated facts of each series, in the payload's order."""
    if not isinstance(payload, dict) or not isinstance(payload.get("facts"), dict):
        raise PayloadError("payload is not company facts: no object 'facts'")
    cik = str(payload.get("cik", "")).zfill(10)
    if not re.fullmatch("[0-9]{10}", cik):
        raise PayloadError(f"company facts of CIK {payload.get('cik')!r}: ten digits expected")
    try:
        return cik, [
            (f"{taxonomy}:{name}", unit, stated)
            for taxonomy, entries in payload["facts"].items()
            for name, entry in entries.items()
            for unit, stated in _units(entry).items()
        ]
    except AttributeError as error:
        raise PayloadError(f"payload is not company facts: {error}") from error


def _read_quickly(body: bytes) -> tuple[str, _Series, list[int], pa.Table] | None:
    """CIK, series, how many facts each has, and all facts; None if the text needs the strict reading.

    In compact JSON the list of one concept and unit stands between "[{" and "}]". Where a string held
    one of these, the pieces would not be JSON or not as many as counted, so the cut is safe.
    """
    head, *rest = body.split(b"[{")
    lists, skeleton = [], [head]
    for at, part in enumerate(rest):
        inside, _, after = part.partition(b"}]")
        lists.append(inside)
        skeleton.append(b"%d%b" % (at, after))
    # One fact a line, as Arrow's reader wants it.
    lines = b"{%b}" % b"},{".join(lists).replace(b"},{", b"}\n{")
    if not lists or _UNSAFE.search(lines):
        return None
    try:
        cik, series = _series(strict_json(b"".join(skeleton)))
        rows = pa_json.read_json(
            pa.BufferReader(lines),
            read_options=pa_json.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pa_json.ParseOptions(explicit_schema=_ROW, unexpected_field_behavior="ignore"),
        )
        rows.validate(full=True)  # the reader takes bytes that are no UTF-8 for text
    except (PayloadError, pa.ArrowInvalid, UnicodeDecodeError):
        return None
    counts = [part.count(b"},{") + 1 for part in lists]
    in_order = [at for _, _, at in series] == list(range(len(lists)))
    if not in_order or sum(counts) != rows.num_rows or any(rows[name].null_count for name in _REQUIRED):
        return None
    try:
        days = {name: rows[name].cast(pa.date32()) for name in _DAYS}
    except pa.ArrowInvalid:
        return None
    if any((pc.min(column.cast(pa.int32())).as_py() or 0) < _FIRST for column in days.values()):
        return None
    return cik, series, counts, _with_days(rows, days)


#: The first day of the calendar as Arrow counts it; Arrow has a year 0, Python and DuckDB's readers have not.
_FIRST = date.min.toordinal() - date(1970, 1, 1).toordinal()


def _with_days(rows: pa.Table, days: dict[str, pa.ChunkedArray]) -> pa.Table:
    for name, column in days.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    return rows


def _day(text: object, name: str) -> date:
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError(f"{name} is {repr(text)[:80]}, not a day")
    return date.fromisoformat(text)


def _strict_row(stated: Any) -> dict[str, Any]:
    """One fact as Arrow takes it.

    :raises ValueError: saying what is wrong with it.
    """
    if not isinstance(stated, dict):
        raise ValueError(f"{repr(stated)[:80]} is no fact")
    value = stated.get("val")
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise ValueError(f"val is {repr(value)[:80]}, not a number")
    if (stored := storable(Decimal(value))) is None:
        raise ValueError(f"{value} is out of range: 28 whole and 10 fractional digits are kept")
    row: dict[str, Any] = {"val": stored}
    for name in ("accn", "form"):
        if not isinstance(row.setdefault(name, stated.get(name)), str):
            raise ValueError(f"{name} is {repr(row[name])[:80]}, not a text")
    for name in _DAYS:
        row[name] = None if name == "start" and stated.get(name) is None else _day(stated.get(name), name)
    # What describes the filing only is kept as received, and left out where it is nothing that can be kept.
    row |= {name: stated[name] for name in ("frame", "fp") if isinstance(stated.get(name), str)}
    if isinstance(fy := stated.get("fy"), int) and not isinstance(fy, bool) and -(2**31) <= fy < 2**31:
        row["fy"] = fy
    return row


def _strict_rows(series: _Series) -> tuple[list[int], pa.Table, list[dict[str, Any]]]:
    """How many facts of each series can be used, these facts, and what is set aside."""
    counts: list[int] = []
    rows: list[dict[str, Any]] = []
    aside: list[dict[str, Any]] = []
    for concept, unit, facts in series:
        before = len(rows)
        for stated in facts if isinstance(facts, list) else [facts]:
            try:
                rows.append(_strict_row(stated))
            except ValueError as error:
                aside += _aside(concept, unit, stated, str(error))
                if len(aside) > MOST:
                    raise PayloadError(f"more than {MOST} company facts cannot be read: {error}") from error
        counts.append(len(rows) - before)
    return counts, pa.Table.from_pylist(rows, _DAY_ROW), aside


def _aside(concept: str, unit: str, stated: Any, reason: str) -> list[dict[str, Any]]:
    """The row of SET_ASIDE; none for a fact of a form that is never used."""
    about = stated if isinstance(stated, dict) else {}
    if isinstance(about.get("form"), str) and about["form"] not in PERIODIC_FORMS:
        return []
    row: dict[str, Any] = {
        "concept": concept,
        "dimensions": "",
        "stated": f"{about.get('val')} {unit}",
        "reason": reason,
    }
    row["accession"] = about["accn"] if isinstance(about.get("accn"), str) else None
    for column, name in (("period_start", "start"), ("period_end", "end")):
        try:
            row[column] = _day(about.get(name), name)
        except ValueError:
            row[column] = None
    return [row]


def _table(cik: str, series: _Series, counts: list[int], rows: pa.Table, url: str, sha256: str) -> pa.Table:
    count = rows.num_rows
    place = pa.array(chain.from_iterable(map(repeat, range(len(counts)), counts)), pa.int32(), size=count)
    return pa.table(
        [
            pa.repeat(cik, count),
            rows["accn"],
            rows["form"],
            rows["filed"],
            pa.array([concept for concept, _, _ in series], pa.string()).take(place),
            pa.repeat("", count),
            pa.array([unit for _, unit, _ in series], pa.string()).take(place),
            rows["start"],
            rows["end"],
            rows["val"],
            pa.nulls(count, pa.string()),
            pa.repeat("companyfacts", count),
            pa.repeat(url, count),
            pa.repeat(sha256, count),
            rows["frame"],
            rows["fy"],
            rows["fp"],
        ],
        schema=FACTS,
    )


class CompanyFacts(NamedTuple):
    """Facts (schema FACTS), and what is set aside (schema SET_ASIDE)."""

    facts: pa.Table
    set_aside: pa.Table


def read_companyfacts(data: bytes, url: str, sha256: str) -> CompanyFacts:
    """All facts of a company facts payload, in the payload's order.

    Every row is kept, whatever its form and period; `periodic_only` and `split_impossible` of
    ingest.parsers.xbrl say which of them may be used.

    :param data: the body, gzip or plain.
    :param url: where it came from; :param sha256: of the decompressed body.
    :raises PayloadError: not company facts, a duplicate key, or not one fact in it can be read.
    """
    body = check_payload(data, "companyfacts")
    aside: list[dict[str, Any]] = []
    quick = _read_quickly(body)
    if quick is None:
        cik, series = _series(strict_json(body))
        counts, rows, aside = _strict_rows(series)
        if aside and not rows.num_rows:
            first = aside[0]
            where = f"{first['concept']}, {first['accession']}, {first['period_end']}"
            raise PayloadError(
                f"company facts of CIK {cik}: no fact can be read; the first, {where}: {first['reason']}"
            )
        quick = cik, series, counts, rows
    everywhere = {"kind": "fact", "cik": quick[0], "source_url": url, "sha256": sha256}
    return CompanyFacts(_table(*quick, url, sha256), set_aside_table(everywhere | row for row in aside))


def parse_companyfacts(data: bytes, url: str, sha256: str) -> pa.Table:
    """The facts of `read_companyfacts`."""
    return read_companyfacts(data, url, sha256).facts
