"""From the archive to records, offline: every archived payload through its parser.

Belongs here: which parser reads which payload, the order of the records, and setting aside what
cannot be read. Does not belong here: HTTP, parsing itself, the warehouse.

A better parser replays old bytes: what comes out depends on the payloads and on when each was retrieved alone, never on
which of them an earlier run had read.

Of a filing's document that was served again with other bytes, the newest retrieval counts and the older ones stay
archived, unread. Lists of filings and company facts grow from one retrieval to the next, and all of them are read:
which statement holds is decided where they meet (warehouse/store/load.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ingest.archive import Archive, Entry
from ingest.aside import set_aside_table
from ingest.parsers.companyfacts import read_companyfacts
from ingest.parsers.submissions import parse_submissions
from ingest.parsers.xbrl import (
    Document,
    facts_table,
    impossible_table,
    parse_inline,
    parse_instance,
    periodic_only,
    rejected_table,
    split_impossible,
)
from ingest.records import FACTS, FILINGS, PAYLOADS, SET_ASIDE, IngestError, PayloadError
from ingest.rules import PERIODIC_FORMS, why_refused

_DOCUMENTS: dict[str, Callable[[bytes], Document]] = {"xbrl_instance": parse_instance, "inline_xbrl": parse_inline}
_LISTS = ("submissions", "submissions_page")
#: Whose sha256 and address.
Place = tuple[str, str]


class Replay(NamedTuple):
    """What an archive holds as records.

    `facts`: schema FACTS; filings' own documents first (by CIK, filed day, accession), then company
    facts. `filings`: schema FILINGS, a row for each list that names the filing. `payloads`: schema PAYLOADS, one
    row per payload read; `status` is parsed, kept (an index: nothing to parse) or quarantined, with the reason in
    `error`. `set_aside`: schema SET_ASIDE, single facts and entries that cannot be used, and whole filings.
    `accounts`: what a bundle's manifest says of a payload: whose it is, what it states, and which facts are unread.
    """

    facts: pa.Table
    filings: pa.Table
    payloads: pa.Table
    set_aside: pa.Table
    accounts: dict[Place, dict[str, Any]]


class _Parsed(NamedTuple):
    order: tuple[Any, ...]
    table: pa.Table
    aside: pa.Table
    account: dict[str, Any]


def _filing_aside(entry: Entry, reason: str) -> pa.Table:
    """A whole filing as set aside."""
    about = dict(kind="filing", cik=entry.cik, accession=entry.accession, stated=entry.form, reason=reason)
    return set_aside_table([about | dict(source_url=entry.url, sha256=entry.sha256)])


def _document(entry: Entry, data: bytes) -> _Parsed:
    if not (entry.cik and entry.accession and entry.form and entry.filed_on):
        raise PayloadError(f"{entry.url}: its sidecar does not say which filing it is of; fetch it again")
    document = _DOCUMENTS[entry.kind](data)
    if refusal := why_refused(entry.form, document.cover.get("DocumentType", "")):
        raise PayloadError(f"{entry.accession} {refusal}: set aside")
    where = dict(cik=entry.cik, accession=entry.accession, source_url=entry.url, sha256=entry.sha256)
    filed_on = date.fromisoformat(entry.filed_on)
    facts = facts_table(document, form=entry.form, filed_on=filed_on, **where)
    kept, impossible = split_impossible(facts)
    aside = pa.concat_tables([rejected_table(document, **where), impossible_table(impossible)])
    if aside.num_rows and not kept.num_rows:
        first = f"{aside['concept'][0]}: {aside['reason'][0]}"
        aside = _filing_aside(entry, f"none of its {aside.num_rows} facts can be used; the first, {first}")
    account = dict(
        accession=entry.accession,
        form=entry.form,
        filed_on=entry.filed_on,
        report_date=document.cover.get("DocumentPeriodEndDate"),
        rows_stated=facts.num_rows,
        rows_rejected=impossible.num_rows + len(document.rejected),
        unread=[f"{fact.concept}, context {fact.context}: {fact.reason}" for fact in document.rejected],
    )
    return _Parsed((0, entry.cik, entry.filed_on, entry.accession, entry.url, entry.sha256), kept, aside, account)


def unreadable(entry: Entry, data: bytes) -> str | None:
    """Why nothing of a filing's document can be used, as `replay` would say it; None if it can."""
    try:
        _document(entry, data)
    except IngestError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _company_facts(entry: Entry, data: bytes) -> _Parsed:
    read = read_companyfacts(data, entry.url, entry.sha256)
    periodic = periodic_only(read.facts)
    kept, impossible = split_impossible(periodic)
    aside = pa.concat_tables([read.set_aside, impossible_table(impossible)])
    account = dict(
        newest_filed_on=str(pc.max(read.facts["filed_on"])),
        rows_stated=read.facts.num_rows,
        rows_other_forms=read.facts.num_rows - periodic.num_rows,
        rows_rejected=impossible.num_rows,
        unread=[f"{row['concept']}, {row['accession']}: {row['reason']}" for row in read.set_aside.to_pylist()],
    )
    return _Parsed((1, entry.cik or "", entry.retrieved_at, entry.sha256), kept, aside, account)


def _filings(entry: Entry, data: bytes) -> _Parsed:
    listed = parse_submissions(data, entry.url, entry.sha256)
    periodic = listed.filings.filter(pc.is_in(listed.filings["form"], pa.array(PERIODIC_FORMS)))
    account = dict(rows_stated=listed.filings.num_rows)
    return _Parsed((entry.retrieved_at, entry.url, entry.sha256), periodic, listed.set_aside, account)


def _parse(entry: Entry, data: bytes) -> _Parsed | None:
    if entry.kind in _DOCUMENTS:
        return _document(entry, data)
    if entry.kind == "companyfacts":
        return _company_facts(entry, data)
    return _filings(entry, data) if entry.kind in _LISTS else None


def _joined(parts: list[_Parsed], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *(p.table for p in sorted(parts, key=lambda p: p.order))])


def _in_turn(archive: Archive) -> Iterator[tuple[Entry, bool]]:
    """Every archived payload, and whether it is an alternative: of a filing's document the newest retrieval comes
    first, and the older ones, alternatives, are read only where it cannot be."""
    older: dict[str, list[Entry]] = {}
    entries = list(archive.entries())
    for entry in entries:
        if entry.kind in _DOCUMENTS:
            older.setdefault(entry.url, []).insert(0, entry)
    for entry in entries:
        if entry.kind not in _DOCUMENTS:
            yield entry, False
        elif entry is older[entry.url][0]:
            yield from ((one, one is not entry) for one in older[entry.url])


def replay(
    archive: Archive,
    loaded: Collection[str] = frozenset(),
    on_progress: Callable[[str], None] | None = None,
) -> Replay:
    """Parse every archived payload whose sha256 is not in `loaded`.

    A payload that is damaged or not what it says is reported in `payloads` as quarantined, and the rest goes on;
    nothing is raised for it. A filing's document that is quarantined leaves the one before it, from the same address,
    in force.

    :param on_progress: told one line per filing or company list.
    """
    facts: list[_Parsed] = []
    filings: list[_Parsed] = []
    aside: list[pa.Table] = []
    payloads: list[dict[str, Any]] = []
    accounts: dict[Place, dict[str, Any]] = {}
    read, settled = set(loaded), set()
    for entry, is_alternative in _in_turn(archive):
        if is_alternative and entry.url in settled:
            continue
        if entry.sha256 in read:
            settled.add(entry.url)
            continue
        status, problem, parsed = "parsed", None, None
        try:
            parsed = _parse(entry, archive.get(entry.sha256))
        except IngestError as error:
            status, problem = "quarantined", str(error)
        except Exception as error:
            # A parser's own mistake over one odd payload must not take the others down with it.
            status, problem = "quarantined", f"{entry.url}: {type(error).__name__}: {error}"
        if parsed is not None:
            (filings if entry.kind in _LISTS else facts).append(parsed)
            aside.append(parsed.aside)
        elif status == "parsed":
            status = "kept"
        elif entry.kind in _DOCUMENTS:
            aside.append(_filing_aside(entry, problem or status))
        if status != "quarantined":
            read.add(entry.sha256)
            settled.add(entry.url)
        accounts[entry.sha256, entry.url] = {"cik": entry.cik, **(parsed.account if parsed else {})}
        payloads.append(
            dict(
                sha256=entry.sha256,
                url=entry.url,
                accession=entry.accession,
                kind=entry.kind,
                bytes=entry.bytes,
                retrieved_at=datetime.fromisoformat(entry.retrieved_at),
                status=status,
                error=problem,
            )
        )
        if on_progress and status != "kept":
            what = f"{parsed.table.num_rows} records" if parsed else f"set aside: {problem}"
            what += f", {parsed.aside.num_rows} set aside" if parsed and parsed.aside.num_rows else ""
            on_progress(f"{entry.kind} {entry.accession or entry.url.rpartition('/')[2]}: {what}")
    return Replay(
        facts=_joined(facts, FACTS),
        filings=_joined(filings, FILINGS),
        payloads=pa.Table.from_pylist(sorted(payloads, key=lambda row: (row["url"], row["sha256"])), PAYLOADS),
        set_aside=pa.concat_tables([SET_ASIDE.empty_table(), *aside]),
        accounts=accounts,
    )


def outdated(archive: Archive, shipped: pa.Table, loaded: pa.Table, read: Replay) -> list[str]:
    """What makes records of an earlier run untrue, a line for each payload: it is neither in the archive nor shipped
    any more, or its address has since said something else.

    :param shipped: the bundle's payloads; :param loaded: the payloads of earlier runs, both schema PAYLOADS.
    """
    held: dict[Place, datetime | None] = {
        (entry.sha256, entry.url): datetime.fromisoformat(entry.retrieved_at)
        for entry in archive.entries()
        if archive.holds(entry)
    }
    held |= dict.fromkeys(_places(shipped))
    replaced = superseded(read)
    found = []
    for place, retrieved_at in zip(_places(loaded), loaded["retrieved_at"].to_pylist(), strict=True):
        if place[1] in replaced:
            problem = "was served again with other bytes"
        elif place not in held:
            problem = "is gone"
        elif held[place] not in (None, retrieved_at):
            problem = "was served again, after other bytes"
        else:
            continue
        found.append(f"{place[1]} (sha256 {place[0][:12]}...) {problem}")
    return found


def superseded(read: Replay) -> set[str]:
    """The addresses of filings' documents that were read: what was read from them before holds no more."""
    rows = read.payloads.select(["url", "kind", "status"]).to_pylist()
    return {row["url"] for row in rows if row["kind"] in _DOCUMENTS and row["status"] == "parsed"}


def _places(payloads: pa.Table) -> Iterator[Place]:
    return zip(payloads["sha256"].to_pylist(), payloads["url"].to_pylist(), strict=True)
