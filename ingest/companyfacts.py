"""The company facts API: one JSON with every undimensioned standard fact a company has filed.

Belongs here: that JSON to a FACTS table, exactly. Does not belong here: choosing among versions of
a fact, or trusting `fy`, `fp` and `frame` (they describe the filing; see records.py).

Two readings of the same text. The quick one cuts the lists of facts out of the JSON, gives them to
Arrow's JSON reader (which turns number text into DECIMAL without a double in between, and refuses
NaN, overflow and duplicate keys) and reads only the skeleton left over in Python: 27,000 facts in
about 40 ms where loading the JSON into dicts takes that long alone. It holds for the compact form
SEC serves; whatever it does not understand goes to the strict one, which takes any JSON and says
what is wrong with it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from itertools import chain, repeat
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.json as pa_json

from ingest.payload import check_payload
from ingest.records import DECIMAL, FACTS, PayloadError
from ingest.xbrl.document import storable

_ROW = pa.schema(
    [(name, pa.string()) for name in ("accn", "form", "filed", "start", "end", "frame", "fp")]
    + [("fy", pa.int32()), ("val", DECIMAL)]
)
#: A `val` that is not a number of at most 15 whole and 12 fractional digits or a small exponent.
#: Arrow's conversion to DECIMAL wraps around above 28 whole digits, without an error for many values.
_NUMBERS = (rb"[0-9]{1,15}", rb"[0-9]{1,15}\.[0-9]{1,12}", rb"[0-9](?:\.[0-9]{1,9})?[Ee]-[0-9]{1,2}")
_UNSAFE = re.compile(rb'l":' + b"".join(rb"(?!-?" + number + rb"[,}])" for number in _NUMBERS))
_BLOCK_BYTES = 1 << 18
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise PayloadError(f"the JSON key {twice!r} stands twice in one object; which value holds cannot be known")
    return keys


def _refuse_constant(text: str) -> NoReturn:
    raise PayloadError(f"{text} stands where a number is expected")


def strict_json(body: bytes) -> Any:
    """JSON with exact numbers (int, Decimal), without duplicate keys, NaN, Infinity or half of a surrogate pair.

    :raises PayloadError: it is none of that.
    """
    try:
        # Decoded here: given bytes, json would also take UTF-16, and bytes that are half of a surrogate pair.
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_refuse_constant)
        if _SURROGATE.search(body):  # one of a pair alone is no text: it could be neither stored nor printed
            json.dumps(value, ensure_ascii=False, default=str).encode()
        return value
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise PayloadError(f"payload is not JSON: {str(error)[:200]}; fetch it again") from error


_Series = list[tuple[str, str, Any]]


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
            for unit, stated in entry["units"].items()
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise PayloadError(f"payload is not company facts: {type(error).__name__} {error}") from error


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
    if not in_order or sum(counts) != rows.num_rows or rows["val"].null_count:
        return None
    return cik, series, counts, rows


def _strict_rows(series: _Series) -> pa.Table:
    rows = []
    for concept, unit, stated in series:
        if not isinstance(stated, list) or not all(isinstance(row, dict) for row in stated):
            raise PayloadError(f"{concept} in {unit}: expected a list of facts")
        for row in stated:
            value = row.get("val")
            where = f"{concept} in {unit}, {row.get('accn')}, {row.get('end')}"
            if not isinstance(value, int | Decimal) or isinstance(value, bool):
                raise PayloadError(f"{where}: val is {value!r}")
            stored = storable(Decimal(value))
            if stored is None:
                raise PayloadError(f"{where}: {value} is out of range: 28 whole and 10 fractional digits are kept")
            rows.append({**row, "val": stored})
    try:
        return pa.Table.from_pylist(rows, _ROW)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise PayloadError(f"a company fact has a field of the wrong type: {str(error)[:200]}") from error


def _table(cik: str, series: _Series, counts: list[int], rows: pa.Table, url: str, sha256: str) -> pa.Table:
    count = rows.num_rows
    place = pa.array(chain.from_iterable(map(repeat, range(len(counts)), counts)), pa.int32(), size=count)
    for name in ("accn", "form", "filed", "end", "val"):
        if missing := rows[name].null_count:
            raise PayloadError(f"company facts of CIK {cik}: {missing} facts have no {name!r}")
    day = pa.date32()
    try:
        filed_on, start, end = (rows[name].cast(day) for name in ("filed", "start", "end"))
    except pa.ArrowInvalid as error:
        raise PayloadError(f"company facts of CIK {cik}: {str(error)[:200]}") from error
    return pa.table(
        [
            pa.repeat(cik, count),
            rows["accn"],
            rows["form"],
            filed_on,
            pa.array([concept for concept, _, _ in series], pa.string()).take(place),
            pa.repeat("", count),
            pa.array([unit for _, unit, _ in series], pa.string()).take(place),
            start,
            end,
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
    quick = _read_quickly(body)
    if quick is None:
        cik, series = _series(strict_json(body))
        rows = _strict_rows(series)
        quick = cik, series, [len(stated) for _, _, stated in series], rows
    return _table(*quick, url, sha256)
