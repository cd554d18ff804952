"""Real filings by short name, each read once a session."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path

from ingest.parsers.xbrl import Document, parse_inline, parse_instance

FILINGS = "edgar/www.sec.gov/Archives/edgar/data"


@cache
def body(shared: Path, name: str) -> bytes:
    """The decompressed payload of the document whose file name this is, e.g. "nvda-20250727.htm"."""
    (path,) = (shared / FILINGS).glob(f"*/*/{name}*")
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@cache
def document(shared: Path, name: str) -> Document:
    """That document, parsed."""
    parse: Callable[[bytes], Document] = parse_instance if name.endswith(".xml") else parse_inline
    return parse(body(shared, name))
