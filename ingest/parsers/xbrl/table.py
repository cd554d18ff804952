"""Facts as the table the warehouse loads.

Belongs here: Document to FACTS and to SET_ASIDE, and the rules that hold for any FACTS table whatever its
source (possible periods, periodic forms). Does not belong here: parsing, files.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.aside import set_aside_table
from ingest.parsers.xbrl.document import Document
from ingest.records import FACTS, SET_ASIDE, PayloadError
from ingest.rules import PERIODIC_FORMS


def facts_table(
    document: Document, *, cik: str, accession: str, form: str, filed_on: date, source_url: str, sha256: str
) -> pa.Table:
    """The stated values of one document, schema FACTS; nil facts state none and are left out.

    :param cik: ten digits; :param sha256: of the decompressed document.
    :raises PayloadError: the document speaks of another company.
    """
    if document.entity.zfill(10) != cik:
        raise PayloadError(f"{accession}: the document speaks of CIK {document.entity}, not {cik}; check its address")
    facts = document.stated
    if facts["value"].null_count:
        facts = facts.filter(pc.is_valid(facts["value"]))
    everywhere = {
        "cik": cik,
        "accession": accession,
        "form": form,
        "filed_on": filed_on,
        "source_kind": document.source_kind,
        "source_url": source_url,
        "sha256": sha256,
        "frame": None,
        "fy": None,
        "fp": None,
    }
    columns = [
        pa.repeat(pa.scalar(everywhere[field.name], field.type), facts.num_rows)
        if field.name in everywhere
        else facts[field.name]
        for field in FACTS
    ]
    return pa.table(columns, schema=FACTS)


def split_impossible(facts: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(kept, rejected): a fact is rejected if its period ends after its filing or starts after its end.

    Filers mis-date contexts (five NVIDIA facts end after their own filing), and a period that was
    not over cannot have been reported, so such a row would look ahead.
    """
    late = pc.greater(facts["period_end"], facts["filed_on"])
    backwards = pc.fill_null(pc.greater(facts["period_start"], facts["period_end"]), False)
    rejected = pc.or_(late, backwards)
    return facts.filter(pc.invert(rejected)), facts.filter(rejected)


def rejected_table(document: Document, *, cik: str, accession: str, source_url: str, sha256: str) -> pa.Table:
    """The facts of a document that cannot be used as they stand, schema SET_ASIDE."""
    everywhere = {"kind": "fact", "cik": cik, "accession": accession, "source_url": source_url, "sha256": sha256}
    return set_aside_table(everywhere | fact._asdict() for fact in document.rejected)


def _impossible_rows(facts: pa.Table) -> Iterator[dict[str, Any]]:
    for row in facts.to_pylist():
        is_late = row["period_end"] > row["filed_on"]
        what = f"ends {row['period_end']}, after" if is_late else f"starts {row['period_start']}, after it ends, in"
        reason = f"its period {what} its filing of {row['filed_on']}: a mis-dated context"
        yield row | {"kind": "fact", "stated": f"{row['value']:f} {row['unit']}", "reason": reason}


def impossible_table(facts: pa.Table) -> pa.Table:
    """What `split_impossible` rejected, schema SET_ASIDE."""
    return set_aside_table(_impossible_rows(facts)) if facts.num_rows else SET_ASIDE.empty_table()


def periodic_only(facts: pa.Table) -> pa.Table:
    """The rows whose form is one of PERIODIC_FORMS."""
    return facts.filter(pc.is_in(facts["form"], pa.array(PERIODIC_FORMS)))
