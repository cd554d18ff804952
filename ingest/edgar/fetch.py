"""From the watch list to the archive: what is new at EDGAR, and the documents that hold its facts.

Belongs here: which addresses to ask for, in which order, and what is refused before it is archived.
Does not belong here: HTTP (client.py), what is archived (holdings.py), facts (the parsers, replay.py).

What is missing is told by the archive (holdings.py), so a run killed anywhere, or one that missed months, picks up
exactly that. Only what was understood is archived as an answer that later ones are compared with (guards.py), and one
odd entry, filing or company never stops the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

import orjson

from ingest.archive import Archive, Entry
from ingest.companies import Company
from ingest.edgar import guards, urls
from ingest.edgar.client import BlockedError, Client, Expect, NotFoundError, Response
from ingest.edgar.guards import Guards
from ingest.edgar.holdings import (
    DOCUMENT_KINDS,
    FIRST_XBRL,
    Filing,
    Held,
    Holdings,
    Plan,
    choose_documents,
    documents_at_hand,
    first_day,
    is_as_described,
    left_to_look_at,
    list_of,
    pages_wanted,
    periodic_filings,
    plan_of,
)
from ingest.parsers.companyfacts import parse_companyfacts
from ingest.parsers.submissions import Page, Submissions, parse_submissions
from ingest.payload import INLINE_NAMESPACE, check_payload
from ingest.records import FetchError, IngestError, PayloadError
from ingest.replay import unreadable

__all__ = ["FetchResult", "Plan", "Problem", "Progress", "choose_documents", "documents_at_hand", "fetch"]


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
    `failed`: what could not be got. `without_xbrl`: accessions whose filing holds no XBRL, and need not.
    `pending`: filings whose facts EDGAR does not show yet; every fetch asks for them again.
    `lagging`: accessions that company facts do not carry yet (their own instance is archived).
    `contradictions`: what EDGAR now says otherwise than it did, or than the watch list does; archived like all else.
    `stopped`: why EDGAR must not be asked further for now, None if it may.
    """

    fetched: list[Entry] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    quarantined: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    without_xbrl: list[str] = field(default_factory=list)
    pending: list[Problem] = field(default_factory=list)
    lagging: list[str] = field(default_factory=list)
    contradictions: list[Problem] = field(default_factory=list)
    stopped: str | None = None
    requests_sent: int = 0

    @property
    def is_complete(self) -> bool:
        """True when everything that EDGAR lists as new is archived."""
        return not (self.quarantined or self.failed or self.pending or self.stopped)

    @property
    def new_accessions(self) -> list[str]:
        """The filings whose facts came in, in the order they were archived."""
        return list(dict.fromkeys(e.accession for e in self.fetched if e.kind in DOCUMENT_KINDS and e.accession))


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

    def __init__(
        self, archive: Archive, client: Client, known: Collection[str], lifted: Mapping[str, datetime]
    ) -> None:
        self.archive = archive
        self.client = client
        self.guards = Guards(archive.root, lifted)
        self.holdings = Holdings(archive, known)
        self.result = FetchResult()

    def _ask(self, url: str, expect: Expect, held: Held | None) -> Response | None:
        """A new answer of an address; None where the one in force still holds."""
        etag, last_modified = (held.entry.etag, held.entry.last_modified) if held else (None, None)
        response = self.client.get(url, expect, etag=etag, last_modified=last_modified)
        assert held or not response.not_modified, "the client accepts 304 only after a conditional request"
        return None if response.not_modified or (held and response.body == held.body) else response

    def _keep(self, url: str, response: Response, kind: str, cik: str, **about: str | None) -> None:
        entry = self.archive.keep(
            response.body,
            url,
            kind=kind,
            retrieved_at=response.retrieved_at,
            cik=cik,
            etag=response.etag,
            last_modified=response.last_modified,
            **about,
        )
        held = self.holdings.newest(url)
        self.holdings.remember(entry)
        if held is None or held.sha256 != entry.sha256:
            self.result.fetched.append(entry)

    def _keep_document(
        self, url: str, response: Response, kind: str, cik: str, about: Mapping[str, str | None], **more: str
    ) -> None:
        """Archive a document, and note if nothing of it can be used: then the filing is still pending."""
        entry = Entry("", url, kind, 0, response.retrieved_at.isoformat(), cik, **about)
        self._keep(url, response, kind, cik, problem=unreadable(entry, response.body), **about, **more)

    # One company ------------------------------------------------------------------------------

    def contradict(self, company: Company, reason: str | None) -> None:
        if reason:
            self.result.contradictions.append(Problem(company.ticker, None, reason))

    def listed(self, company: Company, since: date | None, full_history: bool, attempt: _Attempt) -> list[Filing]:
        """The periodic filings EDGAR lists from `since` on, oldest first."""
        lists, received = self._lists(company, attempt)
        if not lists:
            return []
        day = FIRST_XBRL if full_history else first_day(since, lists[0].filings, received)
        pages = [attempt(None, partial(self._older_page, company.cik, page)) for page in pages_wanted(lists[0], day)]
        lists += [page for page in pages if page is not None]
        for one in lists:
            self.result.quarantined += [Problem(company.ticker, accession, why) for accession, why in one.lost]
        return self.holdings.wanted(company.cik, (f for one in lists for f in periodic_filings(one.filings)), day)

    def _lists(self, company: Company, attempt: _Attempt) -> tuple[list[Submissions], date]:
        """What EDGAR lists, and the day it said so. Where that cannot be read, or is refused as a stale copy, the list
        before it: no filing is hidden by a bad answer, and none that only that names has to wait."""
        cik, what, guard = company.cik, f"the list of filings of CIK {company.cik}", f"submissions/{company.cik}"
        url = urls.submissions(self.client.hosts, cik)
        before = self.holdings.submissions(cik)
        response = self._ask(url, "json", before[0] if before else None)
        if response is None:
            assert before is not None
            self.guards.admit(guard, what, None, self.client.now())
            self.contradict(company, guards.moved(company, before[1]))
            return [before[1]], before[0].received
        current = attempt(None, partial(list_of, cik, response.body, url))
        received = response.retrieved_at.date()
        if current is None:
            return ([before[1]], before[0].received) if before else ([], received)
        self.contradict(company, guards.moved(company, current))
        if before is not None:
            held, old = before
            stale = guards.older_list(old.filings, held.received, current.filings, received)
            said = attempt(None, lambda: [self.guards.admit(guard, what, stale, response.retrieved_at)])
            if said is None:
                return [old, current], held.received
            self.contradict(company, said[0])
            self.contradict(company, guards.rewritten_list(cik, old.filings, current))
        self._keep(url, response, "submissions", cik)
        return [current], received

    def _older_page(self, cik: str, page: Page) -> Submissions:
        """An older page: the archived one while it is as the main list describes it."""
        url = urls.submissions_page(self.client.hosts, cik, page.name)
        found = self.holdings.page(cik, page.name)
        if found is not None and is_as_described(found[1], page):
            return found[1]
        response = self._ask(url, "json", found[0] if found else None)
        if response is None:
            assert found is not None
            return found[1]
        table = parse_submissions(response.body, url, "")
        self._keep(url, response, "submissions_page", cik)
        return table

    def fetch_filing(self, cik: str, filing: Filing) -> None:
        """Archive a filing's index and the documents that hold its facts."""
        accession = filing.accession
        about: dict[str, str | None] = {
            "accession": accession,
            "form": filing.form,
            "filed_on": filing.filed_on.isoformat(),
        }
        url = urls.filing_index(self.client.hosts, cik, accession)
        found = self.holdings.index(cik, filing)
        response = self._ask(url, "json", found[0] if found else None)
        if response is not None:
            plan = plan_of(response.body, cik, filing)
            self._keep(url, response, "filing_index", cik, **about)
        else:
            assert found is not None
            plan = found[1]
        if plan.is_empty and self.holdings.pending(cik, filing) is None:
            self.result.without_xbrl.append(accession)
        held = self.holdings.documents(cik, filing, plan)
        for name in plan.instances:
            url = urls.document(self.client.hosts, cik, accession, name)
            if name not in held or held[name].problem:
                response = self.client.get(url, "document")
                check_payload(response.body, "xbrl_instance")
                self._keep_document(url, response, "xbrl_instance", cik, about)
        if left_to_look_at(plan, held):
            self._fetch_inline(cik, filing, plan.inline, about)

    def _fetch_inline(self, cik: str, filing: Filing, names: tuple[str, ...], about: dict[str, str | None]) -> None:
        """Look at all pages that may hold facts, then archive those that do: a set may be spread over several."""
        answers: dict[str, Response] = {}
        for name in names:
            url = urls.document(self.client.hosts, cik, filing.accession, name)
            try:
                response = self.client.get(url, "document")
            except NotFoundError:
                continue  # listed and not there: it holds nothing
            if INLINE_NAMESPACE in response.body:
                check_payload(response.body, "inline_xbrl")
                answers[url] = response
        members = [url.rpartition("/")[2] for url in answers]
        looked_at = " ".join([*members, "/", *(name for name in names if name not in members)])
        for url, response in answers.items():
            self._keep_document(url, response, "inline_xbrl", cik, about, covers=looked_at)
        if not answers:
            raise PayloadError(
                f"{filing.accession} carries an XBRL schema, but none of {', '.join(names)} holds inline XBRL; "
                "look at its index and read it by hand"
            )

    def refresh_company_facts(self, company: Company) -> None:
        """Company facts, once for each newest document of the company; nothing while there is none."""
        cik, what = company.cik, f"company facts of CIK {company.cik}"
        documents = self.holdings.documents_of(cik)
        if not documents:
            return
        # By when it came, not by its filing day: one filing dated 2062 would be the newest for ever.
        newest = max(documents, key=lambda e: (e.retrieved_at, e.url)).accession
        url = urls.company_facts(self.client.hosts, cik)
        before = self.holdings.find(url, lambda body: parse_companyfacts(body, url, ""))
        if before is not None and before[0].entry.covers == newest:
            return
        response = self.client.get(url, "json")
        check_payload(response.body, "companyfacts")
        _load_object(response.body, cik, "company facts")
        facts = parse_companyfacts(response.body, url, "")
        if before is not None:
            held, old = before
            stale = guards.fewer_facts(old, held.received, facts, response.retrieved_at.date())
            self.contradict(company, self.guards.admit(f"companyfacts/{cik}", what, stale, response.retrieved_at))
            self.contradict(company, guards.rewritten(what, old, facts, guards.FACT, guards.STATED))
        self._keep(url, response, "companyfacts", cik, covers=newest)
        carried = set(facts["accession"].unique().to_pylist())
        self.result.lagging += sorted({e.accession for e in documents if e.accession} - carried)


#: Does something for a filing (or, with None, for a company); what goes wrong is in the result, and None comes back.
_Attempt = Callable[[str | None, Callable[[], Any]], Any]


def fetch(
    archive: Archive,
    client: Client,
    companies: Collection[Company],
    known_accessions: Collection[str] = frozenset(),
    *,
    since: Mapping[str, date] | None = None,
    full_history: bool = False,
    lifted: Mapping[str, datetime] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> FetchResult:
    """Archive what EDGAR has and neither the archive nor `known_accessions` holds.

    Per company: its list of filings, then index and documents of each new periodic filing, then
    company facts once. Where nothing is new that is one conditional request, and one for the index of each filing that
    is pending. A problem with one filing or company, of whatever kind, is reported and leaves the others alone; only a
    refusal by EDGAR, or a machine that cannot ask it, stops all.

    :param known_accessions: filings whose documents ship with the product.
    :param since: CIK -> day; filings filed before it are not asked for. Without an entry: the
        company's newest 400 days. See `documents_at_hand`.
    :param full_history: everything since XBRL began (2009) instead.
    :param lifted: guard (submissions/CIK, companyfacts/CIK) -> when an operator accepted what it held back until then.
    :return: also when EDGAR refused: then `stopped` says until when.
    """
    run = _Run(archive, client, known_accessions, lifted or {})
    result = run.result
    sent_before = client.requests_sent
    for done, company in enumerate(companies):

        def tell(text: str, ticker: str = company.ticker, done: int = done) -> None:
            if on_progress:
                on_progress(Progress(ticker, done, len(companies), text))

        if result.stopped:
            result.failed.append(Problem(company.ticker, None, "not asked, for the same reason"))
            continue
        try:
            _fetch_company(run, company, (since or {}).get(company.cik), full_history, tell)
        except BlockedError as error:
            result.stopped = str(error)
            result.failed.append(Problem(company.ticker, None, str(error)))
        except Exception as error:
            result.failed.append(Problem(company.ticker, None, f"{type(error).__name__}: {error}"))
    result.requests_sent = client.requests_sent - sent_before
    return result


def _fetch_company(
    run: _Run, company: Company, since: date | None, full_history: bool, tell: Callable[[str], None]
) -> None:
    """One company; every problem but a refusal by EDGAR ends in the result."""
    result, holdings, cik = run.result, run.holdings, company.cik
    before = (len(result.fetched), len(result.quarantined), len(result.failed))

    def attempt(accession: str | None, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except BlockedError:
            raise
        except IngestError as error:
            kind, text = (result.failed if isinstance(error, FetchError) else result.quarantined), str(error)
        except Exception as error:
            # A mistake of ours, or a disk that is full: this filing's or company's alone until shown otherwise.
            kind, text = result.failed, f"{type(error).__name__}: {error}"
        kind.append(Problem(company.ticker, accession, text))
        tell(f"{'failed' if kind is result.failed else 'refused'}: {text}")
        return None

    filings: list[Filing] | None = attempt(None, partial(run.listed, company, since, full_history, attempt))
    for filing in filings or []:
        if not (holdings.pending(cik, filing) or holdings.may_grow(cik, filing, run.client.now())):
            continue
        problems = len(result.failed) + len(result.quarantined)
        fetched = len(result.fetched)
        attempt(filing.accession, partial(run.fetch_filing, cik, filing))
        still = holdings.pending(cik, filing)
        if still and problems == len(result.failed) + len(result.quarantined):
            result.pending.append(Problem(company.ticker, filing.accession, still))
            tell(f"pending: {filing.form} filed {filing.filed_on} ({filing.accession}): {still}")
        elif len(result.fetched) > fetched or still:
            tell(f"{filing.form} filed {filing.filed_on} ({filing.accession})")
    if filings is not None:
        attempt(None, partial(run.refresh_company_facts, company))
    if before == (len(result.fetched), len(result.quarantined), len(result.failed)):
        result.unchanged.append(company.ticker)
        tell("nothing new")
