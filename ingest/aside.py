"""Rows of what was received and cannot be used as it stands (records.SET_ASIDE).

Belongs here: the id and the form of such a row. Does not belong here: deciding what is set aside (the parsers).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import pyarrow as pa

from ingest.records import SET_ASIDE

#: Of a payload with more than this, nothing is used: it is not what its address says, whatever it is.
MOST = 10_000
#: As much of a received text as a row repeats.
LONGEST = 500
_IDENTIFYING = [name for name in SET_ASIDE.names if name not in ("item_id", "sha256")]


def _text(value: object) -> str | None:
    """A text from outside that can be stored: half of a surrogate pair cannot."""
    return None if value is None else str(value).encode("utf-8", "replace").decode()[:LONGEST]


def set_aside_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows of SET_ASIDE, each once, from mappings of its columns; what a mapping leaves out is null, `item_id` is made
    here from all that says what the row is."""
    found: dict[str, dict[str, Any]] = {}
    for given in rows:
        row = {name: given.get(name) for name in SET_ASIDE.names}
        row |= {name: _text(row[name]) for name in ("concept", "dimensions", "stated", "reason")}
        identity = json.dumps([row[name] for name in _IDENTIFYING], default=str)
        item_id = "a" + sha256(identity.encode()).hexdigest()[:20]
        found.setdefault(item_id, row | {"item_id": item_id})
    return pa.Table.from_pylist(list(found.values()), SET_ASIDE)
