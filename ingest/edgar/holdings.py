"""What the archive holds of what EDGAR lists, and what is still to come: all of it offline.

Belongs here: the filings of a list, which files hold a filing's facts, and whether those are archived. Does not belong
here: asking EDGAR (fetch.py, poll.py), what a document says.

State is the archive itself, never a date or a cursor: a filing is done when the documents its index calls for are
archived intact. What cannot be understood is no state: an older answer that can stays in force.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeVar

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest.archive import Archive, Entry
from ingest.companies import Company
from ingest.edgar import urls
from ingest.edgar.urls import EDGAR
from ingest.parsers.acceptance import DAYS_AHEAD
from ingest.parsers.submissions import Page, Submissions, parse_submissions
from ingest.payload import check_payload
from ingest.records import PENDING, PayloadError
from ingest.rules import ALWAYS_XBRL, FETCHED_FORMS

DOCUMENT_KINDS = ("xbrl_instance", "inline_xbrl")
#: No filing before the SEC's phase-in carries XBRL.
FIRST_XBRL = date(2009, 6, 1)
#: How far back a company goes of which nothing is known: its newest year of reports.
FIRST_LOOK = timedelta(days=400)
#: An index that may be complete (an amendment without XBRL, one inline document that was read) is asked for again by
#: every fetch between these ages of it: EDGAR adds its extract within minutes, and has mended filings weeks later.
GROWS_FROM, GROWS_TO = timedelta(hours=1), timedelta(days=30)

_EXTRACTED = re.compile(r".+_htm\.xml")
_LEGACY_INSTANCE = re.compile(r"[A-Za-z0-9]+-[0-9]{8}\.xml")
_VIEWER_PAGE = re.compile(r"R[0-9]+\.htm|.*-index(-headers)?\.html?", re.IGNORECASE)
_INLINE_TRIES = 5

T = TypeVar("T")


class Filing(NamedTuple):
    """One periodic filing as submissions list it."""

    accession: str
    form: str
    filed_on: date
    primary_document: str | None


class Plan(NamedTuple):
    """Which files of a filing hold its facts: all of `instances`, else those of `inline` that are inline XBRL."""

    instances: tuple[str, ...]
    inline: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.instances or self.inline)


def choose_documents(index: bytes, cik: str, accession: str, primary_document: str | None) -> Plan:
    """Decide by a filing's index which of its files to read.

    EDGAR's extracted instance (`*_htm.xml`) holds the facts of all inline documents of the filing;
    older filings carry an instance of their own. Only without either are inline documents read: the
    main one first, then the others by size, for a main document may hold no facts (IBM's 10-Ks).

    :param index: the filing's index.json. Items of it that make no sense name no file.
    :return: an empty plan when the filing holds no XBRL.
    :raises PayloadError: the index is not that of this filing.
    """
    try:
        directory = orjson.loads(index)["directory"]
        items = directory["item"] if isinstance(directory["item"], list) else [directory["item"]]
        named = [item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)]
        folder = directory["name"].rstrip("/")
        if items and not named:
            raise ValueError("no item has a name")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PayloadError(f"the index of {accession} cannot be read ({type(error).__name__} {error})") from error
    expected = f"/{int(cik)}/{accession.replace('-', '')}"
    if not folder.endswith(expected):
        raise PayloadError(f"the index of {accession} is that of another folder, {folder[:80]!r}: refused")
    sizes = {item["name"]: _size(item.get("size")) for item in named}
    names = sorted(filter(urls.is_document_name, sizes))
    for pattern in (_EXTRACTED, _LEGACY_INSTANCE):
        if instances := tuple(name for name in names if pattern.fullmatch(name)):
            return Plan(instances, ())
    if not any(name.endswith(".xsd") for name in names):
        return Plan((), ())
    pages = [name for name in names if name.endswith((".htm", ".html")) and not _VIEWER_PAGE.fullmatch(name)]
    pages.sort(key=lambda name: (name != primary_document, -sizes[name], name))
    return Plan((), tuple(pages[:_INLINE_TRIES]))


def _size(stated: object) -> int:
    text = str(stated)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


# --- which filings --------------------------------------------------------------------------------


def periodic_filings(table: pa.Table) -> list[Filing]:
    """The filings of a FILINGS table whose form is one that is fetched."""
    columns = ("accession", "form", "filed_on", "primary_document")
    rows = zip(*(table[name].to_pylist() for name in columns), strict=True)
    return [Filing(*row) for row in rows if row[1] in FETCHED_FORMS]


def datable(table: pa.Table, received: date) -> pa.Table:
    """The rows of a table of filings or facts whose filing day EDGAR can have given by the day they were received."""
    return table.filter(pc.less_equal(table["filed_on"], pa.scalar(received + timedelta(days=DAYS_AHEAD))))


def first_day(since: date | None, filings: pa.Table, received: date) -> date:
    """The day from which on a company's filings are wanted: `since`, or 400 days before its newest report."""
    if since is not None:
        return since
    reports = periodic_filings(datable(filings, received)) or periodic_filings(filings)
    return max((filing.filed_on for filing in reports), default=date.max) - FIRST_LOOK


def pages_wanted(current: Submissions, since: date) -> list[Page]:
    """The older pages that may list a filing of `since` or later, in whatever order they are named."""
    oldest = pc.min(current.filings["filed_on"]).as_py()
    reaches_back = oldest is not None and oldest < since
    return [p for p in current.older_pages if (not reaches_back if p.filed_to is None else p.filed_to >= since)]


def is_as_described(table: Submissions, page: Page) -> bool:
    """Is this still the page that the main list describes? A page that moved on may have kept its number of lines."""
    days = [day for day in table.filings["filed_on"].to_pylist() if day]
    found = Page(page.name, table.lines, min(days, default=None), max(days, default=None))
    return page.lines is not None and all(said in (None, ours) for said, ours in zip(page, found, strict=True))


def in_order(filings: Iterable[Filing]) -> list[Filing]:
    """Each once (the first entry of an accession counts), oldest first."""
    unique: dict[str, Filing] = {}
    for filing in filings:
        unique.setdefault(filing.accession, filing)
    return sorted(unique.values(), key=lambda f: (f.filed_on, f.accession))


def documents_at_hand(facts: pa.Table) -> tuple[frozenset[str], dict[str, date]]:
    """What a FACTS table (the bundle's) holds of filings' own documents, company facts apart.

    :return: their accessions, and per CIK the newest day one of them was filed: the two arguments
        of `fetch` that make live data extend what ships.
    """
    own = facts.filter(pc.is_in(facts["source_kind"], pa.array(DOCUMENT_KINDS)))
    newest = own.group_by("cik").aggregate([("filed_on", "max")])
    since = dict(zip(newest["cik"].to_pylist(), newest["filed_on_max"].to_pylist(), strict=True))
    return frozenset(own["accession"].unique().to_pylist()), since


# --- what is archived -----------------------------------------------------------------------------


class Held(NamedTuple):
    """The answer in force for an address: the newest that is intact and understood."""

    entry: Entry
    body: bytes

    @property
    def received(self) -> date:
        return datetime.fromisoformat(self.entry.retrieved_at).date()


class Holdings:
    """The archive by address, whatever server a payload came from.

    :param known: filings whose documents ship with the product, or that nobody waits for any more.
    """

    def __init__(self, archive: Archive, known: Collection[str] = frozenset()) -> None:
        self._archive = archive
        self._known = frozenset(known)
        self._by_path: dict[str, list[Entry]] = {}
        for entry in archive.entries():
            self.remember(entry)

    def remember(self, entry: Entry) -> None:
        """What was just archived is in force."""
        held = self._by_path.setdefault(urls.path_of(entry.url), [])
        held[:] = [e for e in held if e.sha256 != entry.sha256] + [entry]
        held.sort(key=lambda e: e.retrieved_at)

    def newest(self, url: str) -> Entry | None:
        """The newest entry of an address, understood or not."""
        held = self._by_path.get(urls.path_of(url))
        return held[-1] if held else None

    def find(self, url: str, read: Callable[[bytes], T]) -> tuple[Held, T] | None:
        """The answer in force for an address, and what it says.

        :param read: raises, whatever it is, for a body that cannot be understood.
        """
        for entry in reversed(self._by_path.get(urls.path_of(url), [])):
            try:
                body = self._archive.get(entry.sha256)
                return Held(entry, body), read(body)
            except Exception:
                # Damaged, or archived by a version that took it for something: no state that anything is compared with.
                continue
        return None

    def submissions(self, cik: str) -> tuple[Held, Submissions] | None:
        """The list of a company's filings."""
        url = urls.submissions(EDGAR, cik)
        return self.find(url, lambda body: list_of(cik, body, url))

    def page(self, cik: str, name: str) -> tuple[Held, Submissions] | None:
        """An older page of it."""
        url = urls.submissions_page(EDGAR, cik, name)
        return self.find(url, lambda body: parse_submissions(body, url, ""))

    def index(self, cik: str, filing: Filing) -> tuple[Held, Plan] | None:
        """A filing's index, and what it calls for."""
        url = urls.filing_index(EDGAR, cik, filing.accession)
        return self.find(url, lambda body: plan_of(body, cik, filing))

    def documents(self, cik: str, filing: Filing, plan: Plan) -> dict[str, Entry]:
        """Of the files that hold a filing's facts, or may, those that are archived."""
        found = {
            name: self.find(urls.document(EDGAR, cik, filing.accession, name), bytes)
            for name in (*plan.instances, *plan.inline)
        }
        return {name: held[0].entry for name, held in found.items() if held}

    def documents_of(self, cik: str) -> list[Entry]:
        """All archived documents of a company."""
        return [e for held in self._by_path.values() for e in held if e.cik == cik and e.kind in DOCUMENT_KINDS]

    def is_begun(self, cik: str, filing: Filing) -> bool:
        return urls.path_of(urls.filing_index(EDGAR, cik, filing.accession)) in self._by_path

    # What is still to come ------------------------------------------------------------------------

    def pending(self, cik: str, filing: Filing) -> str | None:
        """Why a filing's facts are not all here; None if they are, or ship with the product."""
        if filing.accession in self._known:
            return None
        index = self.index(cik, filing)
        if index is None:
            return "its index is not archived yet"
        plan = index[1]
        if plan.is_empty:
            since = ALWAYS_XBRL.get(filing.form, date.max)
            if filing.filed_on < since:
                return None
            return f"its index lists no XBRL as yet, which every {filing.form} filed since {since} holds"
        held = self.documents(cik, filing, plan)
        if plan.instances:
            missing = [name for name in plan.instances if name not in held]
            return f"{', '.join(missing)} is not archived yet" if missing else _problem_of(held)
        return _pending_inline(plan, held)

    def may_grow(self, cik: str, filing: Filing, now: datetime) -> bool:
        """Is a filing that is not pending worth another look at its index, for an extract that came later?"""
        index = None if filing.accession in self._known else self.index(cik, filing)
        if index is None or index[1].instances:
            return False
        return GROWS_FROM <= now - datetime.fromisoformat(index[0].entry.retrieved_at) <= GROWS_TO

    def wanted(self, cik: str, filings: Iterable[Filing], since: date) -> list[Filing]:
        """Of these those filed from `since` on, and older ones of which a fetch has begun; each once, oldest first."""
        return [f for f in in_order(filings) if f.filed_on >= since or self.is_begun(cik, f)]

    def listed(self, cik: str, since: date | None) -> list[Filing]:
        """The filings that the archived lists name and a fetch wants."""
        found = self.submissions(cik)
        if found is None:
            return []
        held, current = found
        day = first_day(since, current.filings, held.received)
        filings = periodic_filings(current.filings)
        for page in pages_wanted(current, day):
            if older := self.page(cik, page.name):
                filings += periodic_filings(older[1].filings)
        return self.wanted(cik, filings, day)


def _problem_of(documents: Mapping[str, Entry]) -> str | None:
    """What was served in the place of a document is no state either: it is asked for again."""
    said = [f"{name} cannot be used as it was served: {e.problem}" for name, e in documents.items() if e.problem]
    return said[0] if said else None


def _pending_inline(plan: Plan, read: Mapping[str, Entry]) -> str | None:
    """:meth:`Holdings.pending` for a filing without an extract."""
    if left := left_to_look_at(plan, read):
        unread = _problem_of(read) or f"{', '.join(left)} is not read yet"
        return f"no extract of it is listed as yet, and {unread}"
    if len(read) > 1:
        return f"its facts stand in {len(read)} inline documents ({', '.join(read)}); no extract of all is listed yet"
    return None


def left_to_look_at(plan: Plan, read: Mapping[str, Entry]) -> list[str]:
    """The pages of an inline document set that are still to be looked at, or to be archived.

    The sidecar of each document says what was found when it was read. That of an earlier version says nothing: then
    one document was looked for, and found.
    """
    if not (read and plan.inline) or _problem_of(read):
        return list(plan.inline)
    found = next((entry.covers for entry in read.values() if entry.covers), None)
    if found is None:
        return []
    others = found.partition("/")[2].split()
    return [name for name in plan.inline if name not in read and name not in others]


def list_of(cik: str, body: bytes, url: str) -> Submissions:
    """A company's list of filings.

    :raises PayloadError: it cannot be read, or is another company's.
    """
    found = parse_submissions(body, url, "")
    if found.cik != cik:
        raise PayloadError(
            f"the list of filings asked for CIK {cik} speaks of CIK {found.cik[:20]}: refused, not archived"
        )
    return found


def plan_of(body: bytes, cik: str, filing: Filing) -> Plan:
    """:func:`choose_documents` of a body that may be anything."""
    return choose_documents(check_payload(body, "filing_index"), cik, filing.accession, filing.primary_document)


def pending_filings(
    archive: Archive,
    companies: Iterable[Company],
    known_accessions: Collection[str] = frozenset(),
    since: Mapping[str, date] | None = None,
) -> pa.Table:
    """The filings that EDGAR lists and whose facts are still to come, schema PENDING: what the next `fetch` with these
    arguments asks for. Offline.
    """
    holdings = Holdings(archive, known_accessions)
    rows = [
        {
            "cik": company.cik,
            "accession": filing.accession,
            "form": filing.form,
            "filed_on": filing.filed_on,
            "reason": reason,
        }
        for company in companies
        for filing in holdings.listed(company.cik, (since or {}).get(company.cik))
        if (reason := holdings.pending(company.cik, filing))
    ]
    return pa.Table.from_pylist(rows, PENDING)


def not_archived(
    archive: Archive, listed: Mapping[str, Collection[Filing]], known_accessions: Collection[str]
) -> list[Filing]:
    """Of the filings listed by CIK those that `fetch` would fetch; nothing is sent."""
    holdings = Holdings(archive, known_accessions)
    missing = []
    for cik, filings in listed.items():
        for filing in filings:
            try:
                is_missing = holdings.pending(cik, filing) is not None
            except Exception:
                # Whatever it is, the run that is started for this filing names it, and the others are looked at.
                is_missing = True
            if is_missing:
                missing.append(filing)
    return missing
