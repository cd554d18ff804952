"""The company facts API: one JSON with every undimensioned standard fact a company has filed.

Belongs here: that JSON to a FACTS table, exactly. Does not belong here: choosing among versions of
a fact, or trusting `fy`, `fp` and `frame` (they describe the filing; see records.py).
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest.payload import check_payload
from ingest.records import DECIMAL, FACTS, PayloadError
from ingest.xbrl.document import fits

#: A double holds every decimal of at most 15 significant digits, so its shortest text is the
#: number that stood in the JSON. Beyond that the text has to be read again without doubles.
_EXACT_DIGITS = 15


class _Inexact(Exception):
    """The fast reading may differ from the text; read it strictly."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        twice = next(k for i, (k, _) in enumerate(pairs) if k in {p for p, _ in pairs[:i]})
        raise PayloadError(f"the JSON key {twice!r} stands twice in one object; which value holds cannot be known")
    return keys


def _refuse_constant(text: str) -> NoReturn:
    raise PayloadError(f"{text} is not a number")


def strict_json(body: bytes) -> Any:
    """JSON with exact numbers (int, Decimal), without duplicate keys, NaN or Infinity. Slow: 8x orjson.

    :raises PayloadError: it is none of that.
    """
    try:
        return json.loads(
            body, object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"payload is not JSON: {str(error)[:200]}; fetch it again") from error


def load_json(body: bytes) -> tuple[Any, int | None]:
    """JSON read by orjson, and how many keys its text has; the count is None where it was read strictly.

    orjson keeps the last of two equal keys without a word. Every key in the text is followed by a
    quote and a colon, so their count equals the number of keys in the result unless one was
    dropped: the caller counts and compares. The count is sound only without a space before a colon
    and without an escaped quote before one; such text is read strictly.

    :raises PayloadError: not JSON, or (read strictly) a duplicate key.
    """
    if any(odd in body for odd in (b'" :', b'"\n:', b'"\r:', b'"\t:', b'\\":')):
        return strict_json(body), None
    try:
        return orjson.loads(body), body.count(b'":')
    except orjson.JSONDecodeError as error:
        raise PayloadError(f"payload is not JSON: {error}; fetch it again") from error


_Rows = list[dict[str, Any]]


def _collect(payload: Any) -> tuple[list[str], list[str], list[int], _Rows, int]:
    """Concept, unit and row count of each series, all rows in order, and the number of JSON keys seen."""
    if not isinstance(payload, dict) or not isinstance(payload.get("facts"), dict):
        raise PayloadError("payload is not company facts: no object 'facts'")
    concepts: list[str] = []
    units: list[str] = []
    counts: list[int] = []
    rows: _Rows = []
    keys = len(payload) + len(payload["facts"])
    try:
        for taxonomy, entries in payload["facts"].items():
            keys += len(entries)
            for name, entry in entries.items():
                series = entry["units"]
                keys += len(entry) + len(series)
                for unit, stated in series.items():
                    concepts.append(f"{taxonomy}:{name}")
                    units.append(unit)
                    counts.append(len(stated))
                    rows += stated
        keys += sum(map(len, rows))
    except (AttributeError, KeyError, TypeError) as error:
        raise PayloadError(f"payload is not company facts: {type(error).__name__} {error}") from error
    return concepts, units, counts, rows, keys


def _values(rows: _Rows) -> pa.Array:
    """The `val` of every row, exact."""
    values = [row["val"] for row in rows]
    whole = pa.array([v if type(v) is int else None for v in values])  # noqa: E721 - bool is not a number
    if whole.null_count == 0:
        return whole.cast(DECIMAL)
    parts: list[Decimal | None] = [None] * len(values)
    for at, value in enumerate(values):
        if type(value) is int:  # noqa: E721
            continue
        if type(value) is float:  # noqa: E721
            text = repr(value)
            if len(text) > _EXACT_DIGITS and sum(map(str.isdigit, text)) > _EXACT_DIGITS:
                raise _Inexact
            value = Decimal(text)
        if not isinstance(value, Decimal) or not fits(value):
            row = rows[at]
            raise PayloadError(f"{row.get('accn')}, period ending {row.get('end')}: {value!r} is not a storable number")
        parts[at] = value
    return pc.coalesce(whole.cast(DECIMAL), pa.array(parts, DECIMAL))


def _repeat(values: list[str], counts: list[int]) -> pa.Array:
    """Each value as often as its series has rows."""
    index = pa.array([i for i, n in enumerate(counts) for _ in range(n)], pa.int32())
    return pa.array(values, pa.string()).take(index)


def _column(rows: _Rows, name: str, kind: pa.DataType) -> pa.Array:
    return pa.array([row.get(name) for row in rows], kind)


def _required(rows: _Rows, name: str, kind: pa.DataType) -> pa.Array:
    column = pa.array([row[name] for row in rows], pa.string())
    if column.null_count:
        raise PayloadError(f"{column.null_count} company facts have no {name!r}")
    return column.cast(kind)


def _table(payload: Any, keys_in_text: int | None, url: str, sha256: str) -> pa.Table:
    concepts, units, counts, rows, keys = _collect(payload)
    if keys_in_text is not None and keys != keys_in_text:
        raise _Inexact
    cik = str(payload.get("cik", "")).zfill(10)
    if not re.fullmatch("[0-9]{10}", cik):
        raise PayloadError(f"company facts of CIK {payload.get('cik')!r}: ten digits expected")
    count = len(rows)
    day = pa.date32()
    try:
        return pa.table(
            [
                pa.repeat(cik, count),
                _required(rows, "accn", pa.string()),
                _required(rows, "form", pa.string()),
                _required(rows, "filed", day),
                _repeat(concepts, counts),
                pa.repeat("", count),
                _repeat(units, counts),
                _column(rows, "start", pa.string()).cast(day),
                _required(rows, "end", day),
                _values(rows),
                pa.nulls(count, pa.string()),
                pa.repeat("companyfacts", count),
                pa.repeat(url, count),
                pa.repeat(sha256, count),
                _column(rows, "frame", pa.string()),
                _column(rows, "fy", pa.int32()),
                _column(rows, "fp", pa.string()),
            ],
            schema=FACTS,
        )
    except KeyError as error:
        raise PayloadError(f"company facts of CIK {cik}: a fact has no {error}") from error
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise PayloadError(f"company facts of CIK {cik}: {str(error)[:200]}") from error


def parse_companyfacts(data: bytes, url: str, sha256: str) -> pa.Table:
    """All facts of a company facts payload, schema FACTS, in the payload's order.

    Every row is kept, whatever its form and period; `periodic_only` and `split_impossible` of
    ingest.xbrl say which of them may be used.

    :param data: the body, gzip or plain.
    :param url: where it came from; :param sha256: of the decompressed body.
    :raises PayloadError: not company facts, a duplicate key, or a value that is not a finite
        number of at most 28 whole and 10 fractional digits.
    """
    body = check_payload(data, "companyfacts")
    try:
        return _table(*load_json(body), url, sha256)
    except _Inexact:
        return _table(strict_json(body), None, url, sha256)
