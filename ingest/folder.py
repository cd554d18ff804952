"""A folder of payloads laid out as EDGAR lays out its addresses, taken into an archive.

Belongs here: which files of the folder are payloads of watched companies, the address each answers, and what it is of.
Does not belong here: parsing their facts, what a bundle keeps of them (bundle.py).

Nobody noted when these files were retrieved. Their order of precedence stands in its place: each is filed as retrieved
a moment later than the one before it, on a day on which EDGAR was not there yet.
"""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ingest.archive import Archive
from ingest.companies import watch_list
from ingest.parsers.submissions import parse_submissions
from ingest.payload import gunzip
from ingest.records import BundleError, IngestError
from ingest.replay import Place

#: What was retrieved before this, nobody knows when.
UNDATED_BEFORE = datetime(1990, 1, 1, tzinfo=UTC)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)

_API = "https://data.sec.gov"
_CIK_FILE = re.compile(r"CIK([0-9]{10})(-submissions-[0-9]{3})?\.json(\.gz)?")
_FILING_DIR = re.compile(r"www\.sec\.gov/Archives/edgar/data/([0-9]{1,10})/([0-9]{10})([0-9]{2})([0-9]{6})/([^/]+)")
_LINKBASE = re.compile(r"_(?:cal|def|lab|pre|ref)\.xml")


class _File(NamedTuple):
    """One payload file of the folder: what it is, and the EDGAR address it answers."""

    path: Path
    kind: str
    url: str
    cik: str
    accession: str | None = None
    altered: bool = False


class Taken(NamedTuple):
    """Which file each payload of the archive stands in, by sha256 and address, and which are copies that others trimmed
    or re-formatted."""

    paths: dict[Place, Path]
    altered: frozenset[Place]


def _api_file(path: Path, kind: str, altered: bool) -> _File:
    """A payload of the company-wide APIs; where its name has no CIK, the payload itself says it."""
    if named := _CIK_FILE.fullmatch(path.name):
        cik, page = named[1], named[2] or ""
    else:
        stated = re.search(rb'"cik"\s*:\s*"?([0-9]{1,10})', gunzip(path.read_bytes())[:2000])
        if not stated:
            raise BundleError(f"{path}: does not say which company it is of (no 'cik')")
        cik, page = stated[1].decode().zfill(10), ""
    folder = "api/xbrl/companyfacts" if kind == "companyfacts" else "submissions"
    return _File(path, kind, f"{_API}/{folder}/CIK{cik}{page}.json", cik, altered=altered)


def _document_file(path: Path, relative: str) -> _File | None:
    """A filing's own document, if its name is that of an instance or an HTML document."""
    found = _FILING_DIR.fullmatch(relative)
    if not found:
        return None
    name = found[5].removesuffix(".gz")
    if name.endswith((".htm", ".html")) and not name.endswith("-index.html"):
        kind = "inline_xbrl"
    elif name.endswith(".xml") and not _LINKBASE.search(name):
        kind = "xbrl_instance"
    else:
        return None
    url = f"https://www.sec.gov/Archives/edgar/data/{found[1]}/{found[2]}{found[3]}{found[4]}/{name}"
    return _File(path, kind, url, found[1].zfill(10), f"{found[2]}-{found[3]}-{found[4]}")


def _find(root: Path) -> list[_File]:
    """All payloads of watched companies, in the order of precedence: full current answers, then
    older or trimmed ones, then documents; of a filing given twice only the extracted instance."""
    watched = {company.cik for company in watch_list()}
    found: list[_File] = []
    for pattern, kind, altered in (
        ("data.sec.gov/api/xbrl/companyfacts/CIK*.json*", "companyfacts", False),
        ("vintages/*/data.sec.gov/api/xbrl/companyfacts/CIK*.json*", "companyfacts", False),
        ("unplaced/*/companyfacts-*.json*", "companyfacts", True),
        ("data.sec.gov/submissions/CIK*.json*", "submissions", False),
        ("vintages/*/data.sec.gov/submissions/CIK*.json*", "submissions", False),
        ("unplaced/*/submissions-*.json*", "submissions", True),
    ):
        # Newest first within a pattern: a vintage's or a copy's date stands in its path.
        found += [_api_file(path, kind, altered) for path in sorted(root.glob(pattern), reverse=True)]
    documents: dict[str | None, _File] = {}
    for path in sorted(root.glob("www.sec.gov/Archives/edgar/data/*/*/*")):
        file = _document_file(path, path.relative_to(root).as_posix())
        if file and (file.accession not in documents or file.kind == "xbrl_instance"):
            documents[file.accession] = file
    found += documents.values()
    return [file for file in found if file.cik in watched]


def _filed(root: Path) -> dict[str, dict[str, str]]:
    """Form and filing day by accession as MANIFEST.csv gives them, if the folder has one: for filings that no list at
    hand names."""
    path = root / "MANIFEST.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {
            row["accession"]: dict(form=row["form"], filed_on=row["filed"])
            for row in csv.DictReader(file)
            if row.get("accession") and row.get("filed")
        }


def take_folder(root: Path, archive: Archive) -> Taken:
    """Keep every payload of a watched company in `archive`, in the order in which they hold.

    :param root: holds data.sec.gov/..., www.sec.gov/Archives/..., optionally vintages/, unplaced/ and MANIFEST.csv;
        files may be gzip.
    :raises BundleError: nothing of use is there, or a file does not say what it is of (named).
    """
    filed = _filed(root)
    listed: dict[tuple[str, str], dict[str, str]] = {}
    paths: dict[Place, Path] = {}
    altered = set()
    for number, file in enumerate(_find(root)):
        body, filing = gunzip(file.path.read_bytes()), {}
        if file.kind == "submissions":
            listed = _listed(root, file, body) | listed
        elif file.accession:
            filing = listed.get((file.cik, file.accession)) or filed.get(file.accession) or {}
        if file.accession and not filing:
            raise BundleError(
                f"{file.path}: no submissions answer and no MANIFEST.csv row says when {file.accession} was filed; "
                "add the company's submissions JSON"
            )
        about: dict[str, Any] = dict(kind=file.kind, cik=file.cik, accession=file.accession, **filing)
        entry = archive.keep(body, file.url, retrieved_at=_FIRST + timedelta(seconds=number), **about)
        paths[entry.sha256, entry.url] = file.path.relative_to(root)
        if file.altered:
            altered.add((entry.sha256, entry.url))
    if not paths:
        raise BundleError(
            f"{root} holds no payload of a watched company; expected an archive as aigap fetch writes it, or "
            "data.sec.gov/ and www.sec.gov/ as on EDGAR"
        )
    return Taken(paths, frozenset(altered))


def _listed(root: Path, file: _File, body: bytes) -> dict[tuple[str, str], dict[str, str]]:
    try:
        filings = parse_submissions(body, file.url, "").filings.to_pylist()
    except IngestError as error:
        raise BundleError(f"{file.path.relative_to(root)}: {error}") from error
    return {(row["cik"], row["accession"]): dict(form=row["form"], filed_on=str(row["filed_on"])) for row in filings}
