"""XBRL: bytes of an instance or inline document in, facts out.

Belongs here: the two readers and what they share. Does not belong here: where documents come from.
"""

from ingest.xbrl.document import Document, Fact, Rejected
from ingest.xbrl.inline import parse_inline
from ingest.xbrl.instance import parse_instance
from ingest.xbrl.table import (
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
