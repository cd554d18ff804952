"""Every EDGAR address this project asks for, built from a CIK, an accession and a document name.

Belongs here: the hosts, the address patterns and the allow-lists that each part must pass. Does not
belong here: requests. No address is ever taken from a payload: links in feeds and indexes are
ignored, only bare names that pass the allow-list are used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.records import IngestError

# [0-9], not \d: \d also matches full-width and other scripts' digits.
_CIK = re.compile(r"[0-9]{10}")
_ACCESSION = re.compile(r"[0-9]{10}-[0-9]{2}-[0-9]{6}")
_DOCUMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PATH = re.compile(r"(?:submissions|api/xbrl|Archives/edgar)/.*")
_SUBMISSIONS_PAGE = re.compile(r"CIK([0-9]{10})-submissions-[0-9]{3}\.json")


@dataclass(frozen=True)
class Hosts:
    """The two EDGAR hosts, without a trailing slash; tests put a local server here. `others`: hosts that the user
    allowed beside them."""

    data: str = "https://data.sec.gov"
    www: str = "https://www.sec.gov"
    others: tuple[str, ...] = ()

    def allow(self, url: str) -> bool:
        """True when `url` lies under one of the hosts."""
        return url.startswith(tuple(f"{host}/" for host in (self.data, self.www, *self.others)))


EDGAR = Hosts()


def path_of(url: str) -> str:
    """An address without its host: what names a payload, whichever server it came from."""
    return url[match.start() :] if (match := _PATH.search(url)) else url


def valid_cik(cik: str) -> str:
    """`cik` itself when it has exactly ten ASCII digits.

    :raises IngestError: it does not.
    """
    if not _CIK.fullmatch(cik):
        raise IngestError(f"cik {cik[:80]!r} is refused: ten digits are needed, as in 0001045810")
    return cik


def valid_accession(accession: str) -> str:
    """`accession` itself when it looks like 0001045810-24-000029.

    :raises IngestError: it does not.
    """
    if not _ACCESSION.fullmatch(accession):
        raise IngestError(f"accession {accession[:80]!r} is refused: 0000000000-00-000000 is the pattern")
    return accession


def is_document_name(name: str) -> bool:
    """True for a plain file name (letters, digits, dot, dash, underscore; at most 128) without '..'."""
    return bool(_DOCUMENT.fullmatch(name)) and ".." not in name


def submissions(hosts: Hosts, cik: str) -> str:
    """The list of a company's filings: the newest thousand or so, and the names of older pages."""
    return f"{hosts.data}/submissions/CIK{valid_cik(cik)}.json"


def submissions_page(hosts: Hosts, cik: str, name: str) -> str:
    """An older page of a company's filings, by the name that its submissions give.

    :raises IngestError: the name is not that of a page of this company.
    """
    match = _SUBMISSIONS_PAGE.fullmatch(name)
    if not match or match[1] != valid_cik(cik):
        raise IngestError(f"submissions page {name[:80]!r} is refused: it is not a page of CIK {cik}")
    return f"{hosts.data}/submissions/{name}"


def company_facts(hosts: Hosts, cik: str) -> str:
    """All undimensioned facts of a company's filings."""
    return f"{hosts.data}/api/xbrl/companyfacts/CIK{valid_cik(cik)}.json"


def _folder(hosts: Hosts, cik: str, accession: str) -> str:
    return f"{hosts.www}/Archives/edgar/data/{int(valid_cik(cik))}/{valid_accession(accession).replace('-', '')}"


def filing_index(hosts: Hosts, cik: str, accession: str) -> str:
    """The list of a filing's files."""
    return f"{_folder(hosts, cik, accession)}/index.json"


def submission_index(hosts: Hosts, cik: str, accession: str) -> str:
    """The page that says of each document of a submission what it is (10-Q, EX-99.1, ...)."""
    return f"{_folder(hosts, cik, accession)}/{valid_accession(accession)}-index.html"


def document(hosts: Hosts, cik: str, accession: str, name: str) -> str:
    """One file of a filing.

    :raises IngestError: a part does not pass its allow-list.
    """
    if not is_document_name(name):
        raise IngestError(
            f"document name {name[:80]!r} of {accession} is refused: letters, digits, '.', '-' and '_' only, "
            "at most 128 characters, no '..'"
        )
    return f"{_folder(hosts, cik, accession)}/{name}"
