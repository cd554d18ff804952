"""From the watch list to the archive: what is new at EDGAR, and the documents that hold its facts.

Belongs here: which addresses to ask for, in which order, and what is refused before it is archived.
Does not belong here: HTTP (client.py), facts (the parsers, replay.py).

State is the archive itself, never a date or a cursor: a filing is done when the documents its index
calls for are archived intact. A run killed anywhere, or one that missed months, therefore picks up
exactly what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest.archive import Archive, Entry
from ingest.companies import Company
from ingest.companyfacts import parse_companyfacts
from ingest.edgar import urls
from ingest.edgar.client import BlockedError, Client, Expect, Response
from ingest.payload import INLINE_NAMESPACE, check_payload
from ingest.records import FetchError, IngestError, PayloadError
from ingest.submissions import Submissions, parse_submissions

PERIODIC_FORMS = frozenset(
    form + suffix for form in ("10-K", "10-KT", "10-Q", "10-QT", "20-F") for suffix in ("", "/A")
)
DOCUMENT_KINDS = ("xbrl_instance", "inline_xbrl")
#: No filing before the SEC's phase-in carries XBRL.
FIRST_XBRL = date(2009, 6, 1)
#: How far back a company goes of which nothing is known: its newest year of reports.
FIRST_LOOK = timedelta(days=400)

_EXTRACTED = re.compile(r".+_htm\.xml")
_LEGACY_INSTANCE = re.compile(r"[A-Za-z0-9]+-[0-9]{8}\.xml")
_VIEWER_PAGE = re.compile(r"R[0-9]+\.htm|.*-index(-headers)?\.html?", re.IGNORECASE)
_INLINE_TRIES = 5
#: What names a company fact, and what EDGAR must not change about it: it moves `frame` between rows all the time.
_FACT, _STATED = ("accession", "concept", "unit", "period_start", "period_end"), ("value", "filed_on")


@dataclass(frozen=True)
class Problem:
    """What could not be had or was refused, and why; `accession` is None for a company's own lists."""

    ticker: str
    accession: str | None
    reason: str


@dataclass(frozen=True)
class Progress:
    """One line for a person who waits: `done` of `total` companies are finished."""

    ticker: str
    done: int
    total: int
    text: str


@dataclass
class FetchResult:
    """What one run did.

    `fetched`: payloads that are new in the archive. `unchanged`: tickers with nothing new.
    `quarantined`: what EDGAR served but is not what it should be; refused, not archived.
    `failed`: what could not be got. `without_xbrl`: accessions whose filing holds no XBRL.
    `lagging`: accessions that company facts do not carry yet (their own instance is archived).
    `contradictions`: what EDGAR now says otherwise than it did, or than the watch list does; archived like all else.
    `stopped`: why EDGAR must not be asked further for now, None if it may.
    """

    fetched: list[Entry] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    quarantined: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    without_xbrl: list[str] = field(default_factory=list)
    lagging: list[str] = field(default_factory=list)
    contradictions: list[Problem] = field(default_factory=list)
    stopped: str | None = None
    requests_sent: int = 0

    @property
    def is_complete(self) -> bool:
        """True when everything that EDGAR lists as new is archived."""
        return not (self.quarantined or self.failed or self.stopped)

    @property
    def new_accessions(self) -> list[str]:
        """The filings whose facts came in, in the order they were archived."""
        return list(dict.fromkeys(e.accession for e in self.fetched if e.kind in DOCUMENT_KINDS and e.accession))


class Filing(NamedTuple):
    """One periodic filing as submissions list it."""

    accession: str
    form: str
    filed_on: date
    primary_document: str | None


class Plan(NamedTuple):
    """Which files of a filing hold its facts: all of `instances`, else the first of `inline` that does."""

    instances: tuple[str, ...]
    inline: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.instances or self.inline)


def documents_at_hand(facts: pa.Table) -> tuple[frozenset[str], dict[str, date]]:
    """What a FACTS table (the bundle's) holds of filings' own documents, company facts apart.

    :return: their accessions, and per CIK the newest day one of them was filed: the two arguments
        of `fetch` that make live data extend what ships.
    """
    own = facts.filter(pc.is_in(facts["source_kind"], pa.array(DOCUMENT_KINDS)))
    newest = own.group_by("cik").aggregate([("filed_on", "max")])
    since = dict(zip(newest["cik"].to_pylist(), newest["filed_on_max"].to_pylist(), strict=True))
    return frozenset(own["accession"].unique().to_pylist()), since


def choose_documents(index: bytes, cik: str, accession: str, primary_document: str | None) -> Plan:
    """Decide by a filing's index which of its files to read.

    EDGAR's extracted instance (`*_htm.xml`) holds the facts of all inline documents of the filing;
    older filings carry an instance of their own. Only without either are inline documents read: the
    main one first, then the others by size, for a main document may hold no facts (IBM's 10-Ks).

    :param index: the filing's index.json.
    :return: an empty plan when the filing holds no XBRL.
    :raises PayloadError: the index is not that of this filing.
    """
    try:
        directory = orjson.loads(index)["directory"]
        items = directory["item"] if isinstance(directory["item"], list) else [directory["item"]]
        sizes = {str(item["name"]): int(item.get("size") or 0) for item in items}
        folder = str(directory["name"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PayloadError(f"the index of {accession} cannot be read ({type(error).__name__} {error})") from error
    expected = f"/{int(cik)}/{accession.replace('-', '')}"
    if not folder.rstrip("/").endswith(expected):
        raise PayloadError(f"the index of {accession} is that of another folder, {folder[:80]!r}: refused")
    names = sorted(filter(urls.is_document_name, sizes))
    for pattern in (_EXTRACTED, _LEGACY_INSTANCE):
        if instances := tuple(name for name in names if pattern.fullmatch(name)):
            return Plan(instances, ())
    if not any(name.endswith(".xsd") for name in names):
        return Plan((), ())
    pages = [name for name in names if name.endswith((".htm", ".html")) and not _VIEWER_PAGE.fullmatch(name)]
    pages.sort(key=lambda name: (name != primary_document, -sizes[name], name))
    return Plan((), tuple(pages[:_INLINE_TRIES]))


def periodic_filings(table: pa.Table) -> list[Filing]:
    """The filings of a FILINGS table whose form is one that is fetched."""
    columns = ("accession", "form", "filed_on", "primary_document")
    rows = zip(*(table[name].to_pylist() for name in columns), strict=True)
    return [Filing(*row) for row in rows if row[1] in PERIODIC_FORMS]


def _refuse_older_list(cik: str, old: pa.Table, new: pa.Table) -> None:
    """A cache may serve yesterday's list after today's; following it back would hide filings.

    :raises PayloadError: the newest day goes back, or a filing of the newest day is gone.
    """
    if not old.num_rows:
        return
    was = pc.max(old["filed_on"]).as_py()
    now = pc.max(new["filed_on"]).as_py() if new.num_rows else None
    last_day = set(old.filter(pc.equal(old["filed_on"], was))["accession"].to_pylist())
    gone = sorted(last_day - set(new["accession"].to_pylist())) if now == was else []
    if now is None or now < was or gone:
        what = f"filing {gone[0]} of that day is gone" if gone else f"its newest filing is of {now}"
        raise PayloadError(
            f"the list of filings of CIK {cik} is older than the archived one, which reaches {was}: {what}. "
            "A stale copy, not used; the next fetch asks again"
        )


def _refuse_fewer_facts(cik: str, old: bytes, new: bytes) -> None:
    """Company facts only grow: fewer facts, or an older newest filing, is a stale copy.

    :raises PayloadError: one of the two.
    """

    def measure(body: bytes) -> tuple[int, bytes]:
        return body.count(b'"accn"'), max(re.findall(rb'"filed"\s*:\s*"([0-9-]{10})"', body), default=b"")

    (old_count, old_filed), (new_count, new_filed) = measure(old), measure(new)
    if new_count < old_count or new_filed < old_filed:
        raise PayloadError(
            f"company facts of CIK {cik} hold {new_count} facts filed to {new_filed.decode()}; the archived ones hold "
            f"{old_count} to {old_filed.decode()}. A stale copy, not used; the next fetch asks again"
        )


def _rewritten(what: str, old: pa.Table, new: pa.Table, key: Sequence[str], said: Sequence[str]) -> str | None:
    """One sentence about the rows of `old` that are gone from `new`, or state something else there; None if none is.

    :param key: columns that name a row; :param said: those that must not change.
    """

    lost = old.filter(pc.invert(pc.is_in(_lines(old, (*key, *said)), _lines(new, (*key, *said)))))
    if not lost.num_rows:
        return None
    rows = set(zip(_tuples(lost, key), _tuples(lost, said), strict=True))
    name, was = min(rows, key=str)
    instead = [values for other, values in zip(_tuples(new, key), _tuples(new, said), strict=True) if other == name]
    return (
        f"source rewrite: {len(rows)} rows of {what} are gone or changed: {_text(name)} was {_text(was)} and is "
        f"{_text(instead[0]) if instead else 'gone'}. Both answers are archived, and nothing that was known is dropped"
    )


def _lines(table: pa.Table, columns: Sequence[str]) -> pa.Array:
    """Each row as one string; equal rows of two tables of one schema give equal strings."""
    cells = (table[name].combine_chunks().cast(pa.string()) for name in columns)
    return pc.binary_join_element_wise(*cells, "\x1f", null_handling="replace", null_replacement="\0")


def _tuples(table: pa.Table, columns: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in columns), strict=True)


def _rewritten_list(cik: str, old: pa.Table, new: Submissions) -> str | None:
    """:func:`_rewritten` for lists of filings. A row that may have moved to an older page is not gone."""
    oldest = pc.min(new.filings["filed_on"]).as_py() if new.older_pages else None
    periodic = pc.is_in(old["form"], pa.array(sorted(PERIODIC_FORMS)))
    still_due = pc.and_(periodic, pc.greater(old["filed_on"], oldest or date.min))
    said = ("form", "filed_on", "accepted_at_received")
    return _rewritten(f"the list of filings of CIK {cik}", old.filter(still_due), new.filings, ("accession",), said)


def _moved(company: Company, payload: Mapping[str, Any]) -> str | None:
    """Tickers move between CIKs without a link from one to the other (a merger, a new holding)."""
    tickers = payload.get("tickers")
    if not isinstance(tickers, list) or company.ticker in tickers:
        return None
    return (
        f"CIK {company.cik} ({str(payload.get('name'))[:60]}) no longer has the ticker {company.ticker}, but "
        f"{', '.join(map(str, tickers))[:60] or 'none'}. Its filings are read as before; if another company reports "
        "under that ticker now, change the CIK in ingest/companies.toml"
    )


def _text(values: Iterable[Any]) -> str:
    return " ".join(f"{v.normalize():f}" if isinstance(v, Decimal) else str(v) for v in values if v is not None)


def _load_object(body: bytes, cik: str, what: str) -> dict[str, Any]:
    """A JSON object that speaks of this company.

    :raises PayloadError: it does not.
    """
    try:
        payload = orjson.loads(body)
        found = str(payload["cik"]).zfill(10)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise PayloadError(f"{what} of CIK {cik} cannot be read ({type(error).__name__} {error}): refused") from error
    if found != cik:
        raise PayloadError(f"{what} asked for CIK {cik} speaks of CIK {found[:20]}: refused, not archived")
    return dict(payload)


class _Run:
    """One fetch: the archive as it stands, and what happens to it."""

    def __init__(self, archive: Archive, client: Client, known: Collection[str]) -> None:
        self.archive = archive
        self.client = client
        self.result = FetchResult()
        self._by_url: dict[str, Entry] = {}
        self._by_accession: dict[str, list[Entry]] = {}
        self._known = known
        for entry in archive.entries():
            self._remember(entry)

    def _remember(self, entry: Entry) -> None:
        self._by_url[entry.url] = entry  # entries come oldest first: the newest stays
        if entry.accession:
            self._by_accession.setdefault(entry.accession, []).append(entry)

    def _archived(self, url: str) -> bytes | None:
        """The newest archived body of an address; None if there is none or it is damaged."""
        entry = self._by_url.get(url)
        if entry is None:
            return None
        try:
            return self.archive.get(entry.sha256)
        except PayloadError:
            return None

    def _ask(self, url: str, expect: Expect) -> tuple[bytes, Response | None]:
        """The current body of an address; the response is None where the archived body still holds."""
        old = self._archived(url)
        entry = self._by_url[url] if old is not None else None
        etag, last_modified = (entry.etag, entry.last_modified) if entry else (None, None)
        response = self.client.get(url, expect, etag=etag, last_modified=last_modified)
        if response.not_modified:
            assert old is not None, "the client accepts 304 only after a conditional request"
            return old, None
        return response.body, None if response.body == old else response

    def _keep(self, body: bytes, url: str, response: Response, kind: str, cik: str, **about: str | None) -> None:
        sha256 = self.archive.put(
            body,
            url,
            kind=kind,
            retrieved_at=response.retrieved_at,
            cik=cik,
            etag=response.etag,
            last_modified=response.last_modified,
            **about,
        )
        entry = Entry(
            sha256=sha256,
            url=url,
            kind=kind,
            bytes=len(body),
            retrieved_at=response.retrieved_at.isoformat(timespec="milliseconds"),
            cik=cik,
            etag=response.etag,
            last_modified=response.last_modified,
            **about,
        )
        held = self._by_url.get(url)
        self._remember(entry)
        if held is None or held.sha256 != sha256:
            self.result.fetched.append(entry)

    # One company ------------------------------------------------------------------------------

    def _contradict(self, company: Company, reason: str | None) -> None:
        if reason:
            self.result.contradictions.append(Problem(company.ticker, None, reason))

    def listed(self, company: Company, since: date | None, full_history: bool) -> list[Filing]:
        """The periodic filings EDGAR lists from `since` on, oldest first."""
        cik = company.cik
        url = urls.submissions(self.client.hosts, cik)
        old = self._archived(url)
        body, response = self._ask(url, "json")
        checked = check_payload(body, "submissions")
        payload = _load_object(checked, cik, "the list of filings")
        current = parse_submissions(checked, url, "")
        if response is not None:
            if old is not None:
                before = parse_submissions(old, url, "").filings
                _refuse_older_list(cik, before, current.filings)
                self._contradict(company, _rewritten_list(cik, before, current))
            self._keep(body, url, response, "submissions", cik)
        self._contradict(company, _moved(company, payload))
        filings = periodic_filings(current.filings)
        if full_history:
            since = FIRST_XBRL
        elif since is None:
            since = max((f.filed_on for f in filings), default=date.max) - FIRST_LOOK
        oldest = pc.min(current.filings["filed_on"]).as_py()
        for page, listed in zip(current.older_pages, payload["filings"].get("files") or [], strict=True):
            if oldest is None or oldest < since:
                break
            table = self._older_page(cik, page, listed.get("filingCount"))
            filings += periodic_filings(table)
            oldest = pc.min(table["filed_on"]).as_py()
        unique = {filing.accession: filing for filing in filings if filing.filed_on >= since}
        return sorted(unique.values(), key=lambda f: (f.filed_on, f.accession))

    def _older_page(self, cik: str, name: str, count: int | None) -> pa.Table:
        """An older page: the archived one while it has as many lines as the main list says it should."""
        url = urls.submissions_page(self.client.hosts, cik, name)
        if (old := self._archived(url)) is not None:
            table = parse_submissions(old, url, "").filings
            if table.num_rows == count:
                return table
        body, response = self._ask(url, "json")
        table = parse_submissions(body, url, "").filings
        if response is not None:
            self._keep(body, url, response, "submissions_page", cik)
        return table

    def is_done(self, cik: str, filing: Filing) -> bool:
        """True when the filing ships with the product, or the archive holds what its index calls for."""
        if filing.accession in self._known:
            return True
        hosts = self.client.hosts
        index = self._archived(urls.filing_index(hosts, cik, filing.accession))
        if index is None:
            return False
        plan = choose_documents(index, cik, filing.accession, filing.primary_document)
        if plan.is_empty:
            return True
        names = plan.instances or plan.inline
        held = [self._archived(urls.document(hosts, cik, filing.accession, name)) is not None for name in names]
        return all(held) if plan.instances else any(held)

    def fetch_filing(self, cik: str, filing: Filing) -> None:
        """Archive a filing's index and the documents that hold its facts."""
        accession = filing.accession
        about: dict[str, str | None] = {
            "accession": accession,
            "form": filing.form,
            "filed_on": filing.filed_on.isoformat(),
        }
        url = urls.filing_index(self.client.hosts, cik, accession)
        index, response = self._ask(url, "json")
        plan = choose_documents(check_payload(index, "filing_index"), cik, accession, filing.primary_document)
        if response is not None:
            self._keep(index, url, response, "filing_index", cik, **about)
        if plan.is_empty:
            self.result.without_xbrl.append(accession)
            return
        for name in plan.instances:
            url = urls.document(self.client.hosts, cik, accession, name)
            if self._archived(url) is None:
                response = self.client.get(url, "document")
                check_payload(response.body, "xbrl_instance")
                self._keep(response.body, url, response, "xbrl_instance", cik, **about)
        for name in plan.inline:
            url = urls.document(self.client.hosts, cik, accession, name)
            response = self.client.get(url, "document")
            if INLINE_NAMESPACE in response.body:
                check_payload(response.body, "inline_xbrl")
                self._keep(response.body, url, response, "inline_xbrl", cik, **about)
                return
        if plan.inline:
            raise PayloadError(
                f"{accession} carries an XBRL schema, but none of {', '.join(plan.inline)} holds inline XBRL; "
                "look at its index and read it by hand"
            )

    def refresh_company_facts(self, company: Company) -> None:
        """Company facts, once for each newest document of the company; nothing while there is none."""
        cik = company.cik
        documents = [e for e in self._entries_of(cik) if e.kind in DOCUMENT_KINDS]
        if not documents:
            return
        newest = max(documents, key=lambda e: (e.filed_on or "", e.accession or "")).accession
        url = urls.company_facts(self.client.hosts, cik)
        held = self._by_url.get(url)
        old = self._archived(url)
        if held is not None and old is not None and held.covers == newest:
            return
        response = self.client.get(url, "json")
        check_payload(response.body, "companyfacts")
        _load_object(response.body, cik, "company facts")
        facts = parse_companyfacts(response.body, url, "")
        if old is not None:
            _refuse_fewer_facts(cik, old, response.body)
            with suppress(PayloadError):  # what an earlier version archived and this one cannot read says nothing
                before = parse_companyfacts(old, url, "")
                self._contradict(company, _rewritten(f"company facts of CIK {cik}", before, facts, _FACT, _STATED))
        self._keep(response.body, url, response, "companyfacts", cik, covers=newest)
        carried = set(facts["accession"].unique().to_pylist())
        self.result.lagging += sorted({e.accession for e in documents if e.accession} - carried)

    def _entries_of(self, cik: str) -> Iterable[Entry]:
        return [e for entries in self._by_accession.values() for e in entries if e.cik == cik]


def fetch(
    archive: Archive,
    client: Client,
    companies: Collection[Company],
    known_accessions: Collection[str] = frozenset(),
    *,
    since: Mapping[str, date] | None = None,
    full_history: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> FetchResult:
    """Archive what EDGAR has and neither the archive nor `known_accessions` holds.

    Per company: its list of filings, then index and documents of each new periodic filing, then
    company facts once. Where nothing is new that is one conditional request. A problem with one
    filing or company is reported and leaves the others alone; only a refusal by EDGAR stops all.

    :param known_accessions: filings whose documents ship with the product.
    :param since: CIK -> day; filings filed before it are not asked for. Without an entry: the
        company's newest 400 days. See `documents_at_hand`.
    :param full_history: everything since XBRL began (2009) instead.
    :return: also when EDGAR refused: then `stopped` says until when.
    """
    run = _Run(archive, client, frozenset(known_accessions))
    result = run.result
    sent_before = client.requests_sent
    for done, company in enumerate(companies):

        def tell(text: str, ticker: str = company.ticker, done: int = done) -> None:
            if on_progress:
                on_progress(Progress(ticker, done, len(companies), text))

        if result.stopped:
            result.failed.append(Problem(company.ticker, None, f"not asked: {result.stopped}"))
            continue
        try:
            _fetch_company(run, company, (since or {}).get(company.cik), full_history, tell)
        except BlockedError as error:
            result.stopped = str(error)
            result.failed.append(Problem(company.ticker, None, str(error)))
            tell(str(error))
    result.requests_sent = client.requests_sent - sent_before
    return result


def not_archived(
    archive: Archive, client: Client, listed: Mapping[str, Collection[Filing]], known_accessions: Collection[str]
) -> list[Filing]:
    """Of the filings listed by CIK those that `fetch` would fetch; nothing is sent."""
    run = _Run(archive, client, frozenset(known_accessions))
    missing = []
    for cik, filings in listed.items():
        for filing in filings:
            try:
                if not run.is_done(cik, filing):
                    missing.append(filing)
            except PayloadError:  # an index that cannot be read
                missing.append(filing)
    return missing


def _fetch_company(
    run: _Run, company: Company, since: date | None, full_history: bool, tell: Callable[[str], None]
) -> None:
    """One company; every problem but a refusal by EDGAR ends in the result."""
    result = run.result
    before = (len(result.fetched), len(result.quarantined), len(result.failed))

    def attempt(accession: str | None, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except BlockedError:
            raise
        except FetchError as error:
            result.failed.append(Problem(company.ticker, accession, str(error)))
            tell(f"failed: {error}")
        except IngestError as error:
            result.quarantined.append(Problem(company.ticker, accession, str(error)))
            tell(f"refused: {error}")
        return None

    filings: list[Filing] | None = attempt(None, partial(run.listed, company, since, full_history))
    if filings is None:
        return
    for filing in filings:
        if attempt(filing.accession, partial(run.is_done, company.cik, filing)) is False:
            attempt(filing.accession, partial(run.fetch_filing, company.cik, filing))
            tell(f"{filing.form} filed {filing.filed_on} ({filing.accession})")
    attempt(None, partial(run.refresh_company_facts, company))
    if before == (len(result.fetched), len(result.quarantined), len(result.failed)):
        result.unchanged.append(company.ticker)
        tell("nothing new")
