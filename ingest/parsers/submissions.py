"""The submissions API: what a company has filed, and when.

Belongs here: the JSON of data.sec.gov/submissions (the main answer and its older pages) to a
FILINGS table. Does not belong here: which filings to fetch.

An entry that cannot be understood is set aside by name, and its neighbours are read. Only what leaves open which entry
is which (another company, columns of different length) refuses the whole list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa

from ingest.aside import set_aside_table
from ingest.parsers.acceptance import accepted
from ingest.parsers.companyfacts import strict_json
from ingest.payload import check_payload
from ingest.records import FILINGS, PayloadError
from ingest.rules import PERIODIC_FORMS

_PAGE_NAME = re.compile(r"CIK([0-9]{10})-submissions-[0-9]{3}\.json")
_ACCESSION = re.compile(r"[0-9]{10}-[0-9]{2}-[0-9]{6}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NEEDED = ("accessionNumber", "form", "filingDate")
_OPTIONAL = ("acceptanceDateTime", "reportDate", "primaryDocument")
_FORMS = {re.sub("[^A-Z0-9]", "", form): form for form in PERIODIC_FORMS}
_LEFT_OUT = "the filing is left out until EDGAR mends its list; the next fetch asks again"


class Page(NamedTuple):
    """An older page as the main list describes it: null where it does not."""

    name: str
    lines: int | None
    filed_from: date | None
    filed_to: date | None


class Submissions(NamedTuple):
    """One answer: whose list it is, the filings that were understood, newest first as served, the pages that hold older
    ones.

    :ivar lines: entries as served, understood or not.
    :ivar set_aside: schema SET_ASIDE, kind "entry": what could not be understood of a periodic report, or of something
        that may be one. The filing itself is left out, unless its line says that it is kept.
    :ivar lost: why each filing that is left out is, its accession first (null if unreadable).
    """

    cik: str
    company: str
    tickers: tuple[str, ...] | None
    filings: pa.Table
    older_pages: tuple[Page, ...]
    lines: int
    set_aside: pa.Table
    lost: tuple[tuple[str | None, str], ...]


class _Reading:
    """One list, entry by entry."""

    def __init__(self, cik: str, url: str, sha256: str) -> None:
        self.cik, self.url, self.sha256 = cik, url, sha256
        self.rows: list[dict[str, Any]] = []
        self.aside: list[dict[str, Any]] = []
        self.lost: list[tuple[str | None, str]] = []
        self.lines = 0

    def set_aside(self, accession: str | None, stated: object, reason: str, *, is_lost: bool) -> None:
        reason = f"{reason}; {_LEFT_OUT}" if is_lost else reason
        row = dict(kind="entry", cik=self.cik, accession=accession, stated=str(stated)[:200], reason=reason)
        self.aside.append(row | dict(source_url=self.url, sha256=self.sha256))
        if is_lost:
            self.lost.append((accession, f"its entry in the list of filings is set aside: {reason}"))

    def read(self, listed: Any) -> None:
        try:
            columns = {name: list(listed[name]) for name in _NEEDED}
        except (KeyError, TypeError) as error:
            raise PayloadError(f"submissions of CIK {self.cik}: a list of filings has no {error}") from error
        self.lines = len(columns["accessionNumber"])
        if any(len(values) != self.lines for values in columns.values()):
            raise PayloadError(f"submissions of CIK {self.cik}: its columns have different lengths; fetch it again")
        for name in _OPTIONAL:
            values = listed.get(name)
            if not isinstance(values, list) or len(values) != self.lines:
                self.set_aside(None, name, f"{name} does not go with the other columns and is not read", is_lost=False)
                values = [None] * self.lines
            columns[name] = values
        for entry in zip(*columns.values(), strict=True):
            self.entry(*entry)

    def entry(self, accession: Any, form: Any, filed: Any, received: Any, report: Any, document: Any) -> None:
        known_form = form_of(form)
        if known_form is not None and known_form not in PERIODIC_FORMS:
            is_sound = _is_accession(accession) and _day(filed) is not None
            if is_sound:  # nobody waits for it, and its neighbours do not wait for what is odd in it
                self.keep(accession, known_form, filed, received, report, document)
            return
        stated = ", ".join(str(value)[:60] for value in (accession, form, filed))
        name = accession if _is_accession(accession) else None
        if name is None:
            self.set_aside(None, stated, f"{str(accession)[:60]!r} is not an accession number", is_lost=True)
        elif known_form is None:
            self.set_aside(name, stated, f"it has no form ({str(form)[:60]!r})", is_lost=True)
        elif (day := _day(filed)) is None:
            self.set_aside(name, stated, f"its filing date {str(filed)[:60]!r} is not a day", is_lost=True)
        elif day.year < _year_of(name) - 1:  # believed, its numbers would be known years too early
            self.set_aside(name, stated, f"its filing date {day} lies before its accession number's year", is_lost=True)
        else:
            self.keep(name, known_form, filed, received, report, document)
            if received and accepted(str(received), day).basis == "unreadable_time":
                reason = "its acceptance time is none; the filing is kept, known from its filing date"
                self.set_aside(name, received, reason, is_lost=False)

    def keep(self, accession: str, form: str, filed: Any, received: Any, report: Any, document: Any) -> None:
        self.rows.append(
            {
                "cik": self.cik,
                "accession": accession,
                "form": form,
                "filed_on": _day(filed),
                "accepted_at_received": str(received)[:60] if received else None,
                "report_date": _day(report),
                "primary_document": document if document and isinstance(document, str) else None,
                "source_url": self.url,
                "sha256": self.sha256,
            }
        )

    def pages(self, files: Any) -> Iterator[Page]:
        for entry in files if isinstance(files, list) else [files] if files else []:
            name = entry.get("name") if isinstance(entry, dict) else None
            match = _PAGE_NAME.fullmatch(name) if isinstance(name, str) else None
            if match is None or match[1] != self.cik:
                reason = f"{str(name)[:60]!r} is not the name of one of its pages: older filings may be missing"
                self.set_aside(None, entry, reason, is_lost=True)
                continue
            count = entry.get("filingCount")
            yield Page(
                match[0],
                count if isinstance(count, int) else None,
                _day(entry.get("filingFrom")),
                _day(entry.get("filingTo")),
            )

    def result(self, company: str, tickers: tuple[str, ...] | None, pages: tuple[Page, ...]) -> Submissions:
        return Submissions(
            self.cik,
            company,
            tickers,
            pa.Table.from_pylist(self.rows, FILINGS),
            pages,
            self.lines,
            set_aside_table(self.aside),
            tuple(self.lost),
        )


def _is_accession(value: Any) -> bool:
    return isinstance(value, str) and bool(_ACCESSION.fullmatch(value))


def _year_of(accession: str) -> int:
    year = int(accession[11:13])
    return year + (1900 if year > 90 else 2000)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
    except ValueError:
        return None


def form_of(stated: Any) -> str | None:
    """A form by its name: that of a periodic report however it is written ("10-Q ", "10-q"), any other as it stands
    without blanks around it; None for nothing."""
    if not isinstance(stated, str) or not stated.strip():
        return None
    return _FORMS.get(re.sub("[^A-Z0-9]", "", unicodedata.normalize("NFKC", stated).upper()), stated.strip())


def parse_submissions(data: bytes, url: str, sha256: str) -> Submissions:
    """What one submissions answer lists.

    :param data: the body, gzip or plain: the main answer, or one of its older pages.
    :param url: where it came from. An older page does not name its company; its address does.
    :param sha256: of the decompressed body.
    :raises PayloadError: not submissions, or columns of different length.
    """
    file_name = url.rpartition("/")[2].removesuffix(".gz")
    if page := _PAGE_NAME.fullmatch(file_name):
        reading = _Reading(page[1], url, sha256)
        reading.read(strict_json(check_payload(data, "submissions_page")))
        return reading.result("", None, ())
    payload = strict_json(check_payload(data, "submissions"))
    try:
        payload = payload.get("data", payload)
        cik = str(payload["cik"]).zfill(10)
        recent, files = payload["filings"]["recent"], payload["filings"].get("files")
    except (AttributeError, KeyError, TypeError) as error:
        raise PayloadError(f"payload is not submissions: {type(error).__name__} {error}") from error
    if not re.fullmatch("[0-9]{10}", cik):
        raise PayloadError(f"submissions of CIK {str(payload['cik'])[:40]!r}: ten digits expected")
    reading = _Reading(cik, url, sha256)
    reading.read(recent)
    tickers = payload.get("tickers")
    named = tuple(map(str, tickers)) if isinstance(tickers, list) else None
    return reading.result(str(payload.get("name")), named, tuple(reading.pages(files)))
