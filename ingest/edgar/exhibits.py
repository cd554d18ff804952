"""Earnings exhibits: the EX-99 documents of the 8-Ks of companies that state AI revenue in words.

Belongs here: which 8-Ks and which of their documents are kept. Does not belong here: HTTP, what an exhibit says
(leads.py), periodic filings (fetch.py).

A document is an exhibit by the type the submission gives it, never by its file name (NVIDIA's release is called
q2fy27pr.htm). As for filings, the archive is the state: an 8-K is done when its index and all the exhibits that the
index lists are there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

import orjson

from ingest.archive import Archive, Entry
from ingest.companies import Company
from ingest.edgar import urls
from ingest.edgar.client import BlockedError, Client
from ingest.payload import check_payload
from ingest.records import FetchError, IngestError, PayloadError

KIND = "exhibit"
#: Results of operations, and what is told under Regulation FD (letters to shareholders).
_ITEMS = frozenset(("2.02", "7.01"))
_FORMS = frozenset(("8-K", "8-K/A"))
#: How far back from a company's newest 8-K.
FIRST_LOOK = timedelta(days=400)

_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL | re.IGNORECASE)
_CELL = re.compile(r"<td\b[^>]*>(.*?)</td>", re.DOTALL | re.IGNORECASE)
_ANCHOR = re.compile(r"<a\b[^>]*>(.*?)</a>", re.DOTALL | re.IGNORECASE)
_EXHIBIT = re.compile(r"EX-99(?:\.[0-9A-Za-z.]+)?")


class Listed(NamedTuple):
    """An 8-K as submissions list it."""

    accession: str
    form: str
    filed_on: date


class Typed(NamedTuple):
    """A document of a submission: what it is, and its name."""

    type: str
    name: str


@dataclass
class Exhibits:
    """What one look for exhibits did: entries that are new in the archive, and (ticker, accession, reason) of what
    could not be had or was refused. `stopped`: why EDGAR must not be asked further, None if it may."""

    fetched: list[Entry] = field(default_factory=list)
    failed: list[tuple[str, str | None, str]] = field(default_factory=list)
    stopped: str | None = None


def earnings_reports(submissions: bytes) -> list[Listed]:
    """The 8-Ks of a company's list of filings that announce results, newest first; all 8-Ks where it names no items.

    :raises PayloadError: not a list of filings.
    """
    try:
        payload = orjson.loads(check_payload(submissions, "submissions"))
        recent = payload["filings"]["recent"]
        count = len(recent["accessionNumber"])
        items = recent.get("items") or [""] * count
        columns = (recent["accessionNumber"], recent["form"], recent["filingDate"], items)
        rows = list(zip(*columns, strict=True))
        return [
            Listed(urls.valid_accession(accession), form, date.fromisoformat(day))
            for accession, form, day, stated in rows
            if form in _FORMS and (not stated or _ITEMS & {item.strip() for item in stated.split(",")})
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PayloadError(f"a list of filings cannot be read for its 8-Ks ({type(error).__name__} {error})") from error


def documents(index: bytes, accession: str) -> list[Typed]:
    """The documents of a submission with their types, from its `-index.html`.

    :raises PayloadError: not the index of that submission, or it lists no document.
    """
    text = index.decode("utf-8", "replace")
    if accession not in text and accession.replace("-", "") not in text:
        raise PayloadError(f"the index of {accession} is that of another submission: refused")
    found = []
    for row in _ROW.findall(text):
        cells = _CELL.findall(row)
        link = next((match[1] for cell in cells if (match := _ANCHOR.search(cell))), None)
        if len(cells) >= 4 and link is not None:
            found.append(Typed(_plain(cells[3]), _plain(link)))
    if not found:
        raise PayloadError(f"the index of {accession} lists no documents; has its layout changed?")
    return found


def exhibits_of(listed: Iterable[Typed]) -> list[str]:
    """The names of the EX-99 documents among them that hold text."""
    return [
        name
        for kind, name in listed
        if _EXHIBIT.fullmatch(kind) and urls.is_document_name(name) and name.lower().endswith((".htm", ".html", ".txt"))
    ]


def _plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup)).strip()


def fetch_exhibits(
    archive: Archive, client: Client, companies: Collection[Company], tell: Callable[[str], None] = lambda _: None
) -> Exhibits:
    """Archive the exhibits of the newest 400 days of earnings 8-Ks that are not there yet.

    The lists of filings are those of the archive: run `fetch` first. A problem with one 8-K leaves the others alone;
    only a refusal by EDGAR stops all.
    """
    held = {entry.url: entry for entry in archive.entries()}
    result = Exhibits()
    for company in companies:
        if not company.reads_exhibits:
            continue
        listed = held.get(urls.submissions(client.hosts, company.cik))
        if listed is None:
            continue
        try:
            reports = earnings_reports(archive.get(listed.sha256))
        except IngestError as error:
            result.failed.append((company.ticker, None, str(error)))
            continue
        oldest = max((r.filed_on for r in reports), default=date.max) - FIRST_LOOK
        for report in reversed([r for r in reports if r.filed_on >= oldest]):
            try:
                new = _fetch_report(archive, client, held, company, report)
            except BlockedError as error:
                result.stopped = str(error)
                result.failed.append((company.ticker, report.accession, str(error)))
                return result
            except (FetchError, IngestError) as error:
                result.failed.append((company.ticker, report.accession, str(error)))
                tell(f"{company.ticker} {report.accession}: {error}")
                continue
            result.fetched += new
            if any(entry.kind == KIND for entry in new):
                tell(f"{company.ticker}: exhibits of the {report.form} filed {report.filed_on} ({report.accession})")
    return result


def _fetch_report(
    archive: Archive, client: Client, held: dict[str, Entry], company: Company, report: Listed
) -> list[Entry]:
    """One 8-K: its index, then each of its exhibits that is not archived."""
    new: list[Entry] = []

    def ensure(url: str, kind: str) -> bytes:
        entry = held.get(url)
        if entry is not None and archive.is_intact(entry.sha256):
            return archive.get(entry.sha256)
        response = client.get(url, "document")
        about: dict[str, Any] = {
            "kind": kind,
            "cik": company.cik,
            "accession": report.accession,
            "form": report.form,
            "filed_on": report.filed_on.isoformat(),
            "etag": response.etag,
            "last_modified": response.last_modified,
        }
        check_payload(response.body, kind)
        if kind == "filing_index":
            documents(response.body, report.accession)  # what is not the index is refused before it is kept
        sha256 = archive.put(response.body, url, retrieved_at=response.retrieved_at, **about)
        at = response.retrieved_at.isoformat(timespec="milliseconds")
        made = Entry(sha256=sha256, url=url, bytes=len(response.body), retrieved_at=at, **about)
        held[url] = made
        new.append(made)
        return response.body

    index = ensure(urls.submission_index(client.hosts, company.cik, report.accession), "filing_index")
    for name in exhibits_of(documents(index, report.accession)):
        ensure(urls.document(client.hosts, company.cik, report.accession, name), KIND)
    return new
