"""From the archive to records, offline: every archived payload through its parser.

Belongs here: which parser reads which payload, the order of the records, and setting aside what
cannot be read. Does not belong here: HTTP, parsing itself, the warehouse.

A better parser replays old bytes: nothing here depends on when a payload was fetched, only on what
it holds, so two archives with the same payloads give the same records in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ingest.archive import Archive, Entry
from ingest.bundle import PAYLOADS
from ingest.companyfacts import parse_companyfacts
from ingest.records import FACTS, FILINGS, IngestError, PayloadError
from ingest.submissions import parse_submissions
from ingest.xbrl import PERIODIC_FORMS, Document, facts_table, parse_inline, parse_instance
from ingest.xbrl.table import periodic_only, split_impossible

_DOCUMENTS: dict[str, Callable[[bytes], Document]] = {"xbrl_instance": parse_instance, "inline_xbrl": parse_inline}
_LISTS = ("submissions", "submissions_page")


class Replay(NamedTuple):
    """What an archive holds as records.

    `facts`: schema FACTS; filings' own documents first (by CIK, filed day, accession), then company
    facts, so that the first statement of a fact is the filing's own. `filings`: schema FILINGS, one
    row per (cik, accession). `payloads`: schema bundle.PAYLOADS, one row per payload; `status` is
    parsed, kept (an index: nothing to parse) or quarantined, with the reason in `error`.
    `rejected_facts`: how many facts were left out because their period cannot be (it ends after
    its filing, or before it starts), or do not fit.
    """

    facts: pa.Table
    filings: pa.Table
    payloads: pa.Table
    rejected_facts: int


class _Parsed(NamedTuple):
    order: tuple[Any, ...]
    table: pa.Table
    rejected: int


def _kind_of_form(form: str) -> str:
    """10-K for 10-K, 10-K/A, 10-KT, 10-KT/A: a cover may leave the rest out."""
    return form.removesuffix("/A").removesuffix("T")


def _document(entry: Entry, data: bytes) -> _Parsed:
    if not (entry.cik and entry.accession and entry.form and entry.filed_on):
        raise PayloadError(f"{entry.url}: its sidecar does not say which filing it is of; fetch it again")
    document = _DOCUMENTS[entry.kind](data)
    stated = document.cover.get("DocumentType", "")
    if _kind_of_form(stated) != _kind_of_form(entry.form):
        raise PayloadError(f"{entry.accession} is filed as {entry.form}, but its cover says {stated!r}: set aside")
    facts = facts_table(
        document,
        cik=entry.cik,
        accession=entry.accession,
        form=entry.form,
        filed_on=date.fromisoformat(entry.filed_on),
        source_url=entry.url,
        sha256=entry.sha256,
    )
    kept, impossible = split_impossible(facts)
    order = (0, entry.cik, entry.filed_on, entry.accession, entry.url, entry.sha256)
    return _Parsed(order, kept, impossible.num_rows + len(document.rejected))


def _company_facts(entry: Entry, data: bytes) -> _Parsed:
    facts = periodic_only(parse_companyfacts(data, entry.url, entry.sha256))
    kept, impossible = split_impossible(facts)
    # Company facts only grow, so this is their order in time, told by their content.
    return _Parsed((1, entry.cik or "", facts.num_rows, entry.sha256), kept, impossible.num_rows)


def _filings(entry: Entry, data: bytes) -> _Parsed:
    filings = parse_submissions(data, entry.url, entry.sha256).filings
    periodic = filings.filter(pc.is_in(filings["form"], pa.array(PERIODIC_FORMS)))
    newest = str(pc.max(filings["filed_on"]).as_py())
    return _Parsed((entry.url, newest, filings.num_rows, entry.sha256), periodic, 0)


def _parse(entry: Entry, data: bytes) -> _Parsed | None:
    if entry.kind in _DOCUMENTS:
        return _document(entry, data)
    if entry.kind == "companyfacts":
        return _company_facts(entry, data)
    return _filings(entry, data) if entry.kind in _LISTS else None


def _joined(parts: list[_Parsed], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *(p.table for p in sorted(parts, key=lambda p: p.order))])


def _one_of_each(filings: pa.Table) -> pa.Table:
    """One row per (cik, accession): a filing stands in every list served since. If EDGAR re-dated it, the latest day
    it gave counts: no filing is known too early."""
    rows = zip(*(filings[name].to_pylist() for name in ("cik", "accession", "filed_on")), strict=True)
    kept: dict[tuple[str, str], tuple[int, date]] = {}
    for at, (cik, accession, filed_on) in enumerate(rows):
        day = filed_on or date.min
        if (cik, accession) not in kept or day > kept[cik, accession][1]:
            kept[cik, accession] = at, day
    return filings.take(pa.array(sorted(at for at, _ in kept.values()), pa.int64()))


def replay(
    archive: Archive,
    loaded: Collection[str] = frozenset(),
    on_progress: Callable[[str], None] | None = None,
) -> Replay:
    """Parse every archived payload whose sha256 is not in `loaded`.

    A payload that is damaged, not what it says, or in conflict with itself is reported in
    `payloads` as quarantined, and the rest goes on; nothing is raised for it.

    :param on_progress: told one line per filing or company list.
    """
    facts: list[_Parsed] = []
    filings: list[_Parsed] = []
    rows: dict[str, dict[str, Any]] = {}
    for entry in archive.entries():
        if entry.sha256 in loaded:
            continue
        status, problem, parsed = "parsed", None, None
        try:
            parsed = _parse(entry, archive.get(entry.sha256))
        except IngestError as error:
            status, problem = "quarantined", str(error)
        except Exception as error:
            # A parser's own mistake over one odd payload must not take the others down with it.
            status, problem = "quarantined", f"{entry.url}: {type(error).__name__}: {error}"
        if parsed is None and status == "parsed":
            status = "kept"
        if parsed is not None:
            (filings if entry.kind in _LISTS else facts).append(parsed)
        rows.setdefault(
            entry.sha256,
            dict(
                sha256=entry.sha256,
                url=entry.url,
                accession=entry.accession,
                kind=entry.kind,
                bytes=entry.bytes,
                retrieved_at=datetime.fromisoformat(entry.retrieved_at),
                status=status,
                error=problem,
            ),
        )
        if on_progress and status != "kept":
            what = f"{parsed.table.num_rows} records" if parsed else f"set aside: {problem}"
            on_progress(f"{entry.kind} {entry.accession or entry.url.rpartition('/')[2]}: {what}")
    payloads = [rows[sha256] for sha256 in sorted(rows, key=lambda s: (rows[s]["url"], s))]
    return Replay(
        facts=_joined(facts, FACTS),
        filings=_one_of_each(_joined(filings, FILINGS)),
        payloads=pa.Table.from_pylist(payloads, PAYLOADS),
        rejected_facts=sum(part.rejected for part in facts),
    )
