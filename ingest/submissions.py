"""The submissions API: what a company has filed, and when.

Belongs here: the JSON of data.sec.gov/submissions (the main answer and its older pages) to a
FILINGS table. Does not belong here: which filings to fetch.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pyarrow as pa

from ingest.companyfacts import strict_json
from ingest.payload import check_payload
from ingest.records import FILINGS, PayloadError

_PAGE_NAME = re.compile(r"CIK([0-9]{10})-submissions-[0-9]{3}\.json")
_ACCESSION = re.compile(r"[0-9]{10}-[0-9]{2}-[0-9]{6}")
_COLUMNS = ("accessionNumber", "form", "filingDate", "acceptanceDateTime", "reportDate", "primaryDocument")


class Submissions(NamedTuple):
    """Filings, newest first as served, and the names of the pages that hold the older ones."""

    filings: pa.Table
    older_pages: tuple[str, ...]


def _dates(values: list[Any]) -> pa.Array:
    return pa.array([v or None for v in values], pa.string()).cast(pa.date32())


def _filings(cik: str, listed: Any, url: str, sha256: str) -> pa.Table:
    try:
        columns = {name: list(listed[name]) for name in _COLUMNS}
    except (KeyError, TypeError) as error:
        raise PayloadError(f"submissions of CIK {cik}: a list of filings has no {error}") from error
    count = len(columns["accessionNumber"])
    if any(len(values) != count for values in columns.values()):
        raise PayloadError(f"submissions of CIK {cik}: its columns have different lengths; fetch it again")
    for accession in columns["accessionNumber"]:
        if not isinstance(accession, str) or not _ACCESSION.fullmatch(accession):
            raise PayloadError(f"submissions of CIK {cik}: {accession!r} is not an accession number")
    try:
        return pa.table(
            [
                pa.repeat(cik, count),
                pa.array(columns["accessionNumber"], pa.string()),
                pa.array(columns["form"], pa.string()),
                _dates(columns["filingDate"]),
                pa.array([v or None for v in columns["acceptanceDateTime"]], pa.string()),
                _dates(columns["reportDate"]),
                pa.array([v or None for v in columns["primaryDocument"]], pa.string()),
                pa.repeat(url, count),
                pa.repeat(sha256, count),
            ],
            schema=FILINGS,
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise PayloadError(f"submissions of CIK {cik}: {str(error)[:200]}") from error


def parse_submissions(data: bytes, url: str, sha256: str) -> Submissions:
    """The filings one submissions answer lists, and the older pages it names.

    :param data: the body, gzip or plain: the main answer, or one of its older pages.
    :param url: where it came from. An older page does not name its company; its address does.
    :param sha256: of the decompressed body.
    :raises PayloadError: not submissions, columns of different length, or a date or accession
        number that is not one.
    """
    file_name = url.rpartition("/")[2].removesuffix(".gz")
    if page := _PAGE_NAME.fullmatch(file_name):
        return Submissions(_filings(page[1], strict_json(check_payload(data, "submissions_page")), url, sha256), ())
    payload = strict_json(check_payload(data, "submissions"))
    try:
        payload = payload.get("data", payload)
        cik = str(payload["cik"]).zfill(10)
        recent, files = payload["filings"]["recent"], payload["filings"].get("files") or []
        older = tuple(str(entry["name"]) for entry in files)
    except (AttributeError, KeyError, TypeError) as error:
        raise PayloadError(f"payload is not submissions: {type(error).__name__} {error}") from error
    if not re.fullmatch("[0-9]{10}", cik):
        raise PayloadError(f"submissions of CIK {payload['cik']!r}: ten digits expected")
    for name in older:
        match = _PAGE_NAME.fullmatch(name)
        if not match or match[1] != cik:
            raise PayloadError(f"submissions of CIK {cik}: {name!r} is not the name of one of its pages")
    return Submissions(_filings(cik, recent, url, sha256), older)
