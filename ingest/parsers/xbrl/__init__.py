"""XBRL: bytes of an instance or inline document in, facts out.

Belongs here: the two readers and what they share. Does not belong here: where documents come from.
"""

from ingest.parsers.xbrl.document import Document, Fact, Rejected
from ingest.parsers.xbrl.inline import parse_inline
from ingest.parsers.xbrl.instance import parse_instance
from ingest.parsers.xbrl.table import (
    facts_table,
    impossible_table,
    periodic_only,
    rejected_table,
    split_impossible,
)

__all__ = [
    "Document",
    "Fact",
    "Rejected",
    "facts_table",
    "impossible_table",
    "parse_inline",
    "parse_instance",
    "periodic_only",
    "rejected_table",
    "split_impossible",
]
