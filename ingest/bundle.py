"""The facts that ship with the product: built from a folder of EDGAR payloads, read on every run.

Belongs here: which payloads of an EDGAR-shaped folder become facts, the two Parquet files and the
manifest that says where each row came from. Does not belong here: parsing (xbrl/, companyfacts.py,
submissions.py), fetching, loading.

A bundle is a directory with `facts.parquet`, `filings.parquet` and `manifest.json`; the manifest
names every source payload (url, accession, form, filed date, sha256, row counts) and the sha256 of
both files, and `manifest.sha256` seals the manifest: nothing in a bundle is changed without a sign.
"""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.companies import watch_list
from ingest.companyfacts import read_companyfacts
from ingest.payload import gunzip
from ingest.records import FACTS, FILINGS, BundleError, ConflictError, IngestError, PayloadError
from ingest.submissions import parse_submissions
from ingest.xbrl import PERIODIC_FORMS, Document, facts_table, parse_inline, parse_instance
from ingest.xbrl.table import periodic_only, split_impossible

#: The bundle inside the installed package.
BUNDLE_DIR = Path(__file__).with_name("bundle")
MAX_FILE_BYTES = 8 * 1024 * 1024
_FORMAT = 1
#: The hash of the manifest, in the form that `sha256sum -c` reads.
_SEAL = "manifest.sha256"

#: From a filing's own document the bundle keeps every fact, dimensional or not, whose concept
#: (without prefix) matches one of these. Everything undimensioned and standard is in company facts
#: anyway; the subjects are what the marts and their citations need.
SUBJECTS = {
    "revenue": r"Revenue|Sales",
    "capital expenditure and its assets": r"ProductiveAssets|PropertyPlantAndEquipment|PropertyAndEquipment"
    r"|CapitalExpenditure",
    "leases": r"Lease",
    "inventory": r"Inventor",
    "commitments": r"Commitment|Obligation|Guarantee",
    "customer concentration": r"Concentration",
    "depreciation": r"Depreciation|UsefulLi",
}
_SUBJECT = "|".join(SUBJECTS.values())

#: One payload the bundle was built from. `accession` is null for the company-wide APIs.
PAYLOADS = pa.schema(
    [
        ("sha256", pa.string()),
        ("url", pa.string()),
        ("accession", pa.string()),
        ("kind", pa.string()),
        ("bytes", pa.int64()),
        ("retrieved_at", pa.timestamp("us", tz="UTC")),
        ("status", pa.string()),
        ("error", pa.string()),
    ]
)

_DOCUMENT_ORDER = ("cik", "accession", "concept", "dimensions", "unit", "period_end", "period_start")
_COMPANYFACTS_KEY = ("cik", "accession", "concept", "unit", "period_start", "period_end")
_COMPANYFACTS_ORDER = ("cik", "concept", "unit", "period_end", "period_start", "accession")


@dataclass(frozen=True)
class Bundle:
    """What read_bundle gives: facts (filing documents first, company facts after), filings, the
    payloads they came from, the manifest, and one hash that stands for all of it."""

    facts: pa.Table
    filings: pa.Table
    payloads: pa.Table
    manifest: dict[str, Any]
    content_hash: str


@dataclass(frozen=True)
class _Source:
    """One payload file of the folder: what it is, and the EDGAR address it answers."""

    path: Path
    kind: str
    url: str
    cik: str | None = None
    accession: str | None = None
    altered: bool = False


@dataclass
class _Build:
    """What has been gathered so far."""

    documents: list[pa.Table] = field(default_factory=list)
    companyfacts: list[pa.Table] = field(default_factory=list)
    filings: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    #: (cik, accession, concept, unit, start, end) -> value, over all company facts taken.
    seen: dict[tuple[Any, ...], Any] = field(default_factory=dict)


# --- finding the payloads -------------------------------------------------------------------------

_API = "https://data.sec.gov"
_CIK_FILE = re.compile(r"CIK([0-9]{10})(-submissions-[0-9]{3})?\.json(\.gz)?")
_FILING_DIR = re.compile(r"www\.sec\.gov/Archives/edgar/data/([0-9]{1,10})/([0-9]{10})([0-9]{2})([0-9]{6})/([^/]+)")
_LINKBASE = re.compile(r"_(?:cal|def|lab|pre|ref)\.xml")


def _api_source(path: Path, kind: str, altered: bool = False) -> _Source | None:
    """A payload of the company-wide APIs; where its name has no CIK, the payload itself says it."""
    if named := _CIK_FILE.fullmatch(path.name):
        cik, page = named[1], named[2] or ""
    else:
        stated = re.search(rb'"cik"\s*:\s*"?([0-9]{1,10})', gunzip(path.read_bytes())[:2000])
        if not stated:
            raise BundleError(f"{path}: does not say which company it is of (no 'cik')")
        cik, page = stated[1].decode().zfill(10), ""
    folder = "api/xbrl/companyfacts" if kind == "companyfacts" else "submissions"
    return _Source(path, kind, f"{_API}/{folder}/CIK{cik}{page}.json", cik, altered=altered)


def _document_source(path: Path, relative: str) -> _Source | None:
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
    return _Source(path, kind, url, found[1].zfill(10), f"{found[2]}-{found[3]}-{found[4]}")


def _find(root: Path) -> list[_Source]:
    """All payloads of watched companies, in the order of precedence: full current answers, then
    older or trimmed ones, then documents; of a filing given twice only the extracted instance."""
    watched = {company.cik for company in watch_list()}
    found: list[_Source | None] = []
    for pattern, kind, altered in (
        ("data.sec.gov/api/xbrl/companyfacts/CIK*.json*", "companyfacts", False),
        ("vintages/*/data.sec.gov/api/xbrl/companyfacts/CIK*.json*", "companyfacts", False),
        ("unplaced/*/companyfacts-*.json*", "companyfacts", True),
        ("data.sec.gov/submissions/CIK*.json*", "submissions", False),
        ("vintages/*/data.sec.gov/submissions/CIK*.json*", "submissions", False),
        ("unplaced/*/submissions-*.json*", "submissions", True),
    ):
        # Newest first within a pattern: a vintage's or a copy's date stands in its path.
        found += [_api_source(path, kind, altered) for path in sorted(root.glob(pattern), reverse=True)]
    documents: dict[str | None, _Source] = {}
    for path in sorted(root.glob("www.sec.gov/Archives/edgar/data/*/*/*")):
        source = _document_source(path, path.relative_to(root).as_posix())
        if source and (source.accession not in documents or source.kind == "xbrl_instance"):
            documents[source.accession] = source
    found += documents.values()
    return [source for source in found if source and source.cik in watched]


def _listed(root: Path) -> dict[str, dict[str, str]]:
    """MANIFEST.csv by accession, if the folder has one: the filed date of filings that no
    submissions answer at hand lists."""
    path = root / "MANIFEST.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["accession"]: row for row in csv.DictReader(file) if row.get("accession")}


# --- taking them in -------------------------------------------------------------------------------


def _entry(source: _Source, body: bytes, **more: Any) -> dict[str, Any]:
    """The manifest's row of a source; `altered` marks a copy that others trimmed or re-formatted."""
    return {
        "kind": source.kind,
        "cik": source.cik,
        "url": source.url,
        "sha256": sha256(body).hexdigest(),
        "bytes": len(body),
        "altered": source.altered,
        **more,
    }


def _unread(facts: Iterable[str]) -> dict[str, list[str]]:
    """What the manifest says of facts that the payload states and nobody can use; nothing where there are none."""
    return {"unread": lines} if (lines := list(facts)) else {}


def _take_companyfacts(build: _Build, source: _Source) -> None:
    body = gunzip(source.path.read_bytes())
    stated, set_aside = read_companyfacts(body, source.url, sha256(body).hexdigest())
    periodic = periodic_only(stated)
    possible, impossible = split_impossible(periodic)
    # 150,000 keys in a dict take 0.5 s; a join would not match the null start of an instant.
    columns = [possible[name].to_pylist() for name in (*_COMPANYFACTS_KEY, "value")]
    is_new = []
    for *key, value in zip(*columns, strict=True):
        known = build.seen.get(tuple(key))
        if known is not None and known != value:
            raise ConflictError(f"{key} is {value} here and {known} in a payload taken before")
        is_new.append(known is None)
        build.seen[tuple(key)] = value
    taken = possible.filter(pa.array(is_new, pa.bool_()))
    build.companyfacts.append(taken)
    build.sources.append(
        _entry(
            source,
            body,
            newest_filed_on=str(pc.max(stated["filed_on"])),
            rows_stated=stated.num_rows,
            rows_other_forms=stated.num_rows - periodic.num_rows,
            rows_rejected=impossible.num_rows,
            rows_known=possible.num_rows - taken.num_rows,
            rows=taken.num_rows,
            **_unread(f"{row['concept']}, {row['accession']}: {row['reason']}" for row in set_aside.to_pylist()),
        )
    )


def _take_submissions(build: _Build, source: _Source) -> None:
    body = gunzip(source.path.read_bytes())
    filings = parse_submissions(body, source.url, sha256(body).hexdigest()).filings
    periodic = filings.filter(pc.is_in(filings["form"], pa.array(PERIODIC_FORMS)))
    before = len(build.filings)
    for row in periodic.to_pylist():
        build.filings.setdefault((row["cik"], row["accession"]), row)
    build.sources.append(_entry(source, body, rows_stated=filings.num_rows, rows=len(build.filings) - before))


def _filing_row(build: _Build, source: _Source, document: Document, listed: dict[str, str] | None) -> dict[str, Any]:
    """The filing a document belongs to: as submissions lists it, else from its cover and the folder's list."""
    key = (str(source.cik), str(source.accession))
    if key in build.filings:
        return build.filings[key]
    if not listed or not listed.get("filed"):
        raise BundleError(
            f"{source.path}: no submissions answer and no MANIFEST.csv row says when {source.accession} was filed; "
            "add the company's submissions JSON"
        )
    report_date = document.cover.get("DocumentPeriodEndDate")
    return {
        "cik": key[0],
        "accession": key[1],
        "form": listed.get("form") or document.cover.get("DocumentType"),
        "filed_on": date.fromisoformat(listed["filed"]),
        "accepted_at_received": None,
        "report_date": date.fromisoformat(report_date) if report_date else None,
        "primary_document": source.url.rpartition("/")[2].replace("_htm.xml", ".htm"),
        "source_url": source.url,
    }


def _take_document(build: _Build, source: _Source, listed: dict[str, str] | None) -> None:
    body = gunzip(source.path.read_bytes())
    digest = sha256(body).hexdigest()
    document = (parse_instance if source.kind == "xbrl_instance" else parse_inline)(body)
    filing = {"sha256": digest, **_filing_row(build, source, document, listed)}
    form, stated_form = filing["form"], document.cover.get("DocumentType", "")
    if stated_form.removesuffix("/A") != form.removesuffix("/A"):  # a cover may leave the /A out
        raise PayloadError(f"{source.accession} is filed as {form} but its cover says {stated_form!r}")
    build.filings[filing["cik"], filing["accession"]] = filing
    facts = facts_table(
        document,
        cik=str(source.cik),
        accession=str(source.accession),
        form=form,
        filed_on=filing["filed_on"],
        source_url=source.url,
        sha256=digest,
    )
    possible, impossible = split_impossible(facts)
    taken = possible.filter(pc.match_substring_regex(possible["concept"], rf":.*(?:{_SUBJECT})"))
    build.documents.append(taken)
    build.sources.append(
        _entry(
            source,
            body,
            accession=source.accession,
            form=form,
            filed_on=str(filing["filed_on"]),
            rows_stated=facts.num_rows,
            rows_rejected=impossible.num_rows + len(document.rejected),
            rows_other_subjects=possible.num_rows - taken.num_rows,
            rows=taken.num_rows,
            **_unread(f"{fact.concept}, context {fact.context}: {fact.reason}" for fact in document.rejected),
        )
    )


def _take_all(root: Path) -> _Build:
    build, listed = _Build(), _listed(root)
    for source in _find(root):
        try:
            if source.kind == "companyfacts":
                _take_companyfacts(build, source)
            elif source.kind == "submissions":
                _take_submissions(build, source)
            else:
                _take_document(build, source, listed.get(str(source.accession)))
        except BundleError:
            raise
        except IngestError as error:
            raise BundleError(f"{source.path.relative_to(root)}: {error}") from error
    if not build.sources:
        raise BundleError(
            f"{root} holds no payload of a watched company; expected data.sec.gov/ and www.sec.gov/ as on EDGAR"
        )
    return build


# --- writing --------------------------------------------------------------------------------------


def _sorted(tables: list[pa.Table], order: tuple[str, ...]) -> pa.Table:
    table = pa.concat_tables([FACTS.empty_table(), *tables])
    return table.sort_by([(name, "ascending") for name in order])


def _write_parquet(table: pa.Table, path: Path) -> None:
    # Fixed settings: the same rows give the same bytes. Sorted and dictionary-coded, a fact costs
    # about 8 bytes; level 19 takes a few seconds once and saves a tenth.
    pq.write_table(
        table.combine_chunks(),
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=True,
        write_statistics=False,
        version="2.6",
        row_group_size=1 << 20,
    )


def _file_entry(path: Path, rows: int) -> dict[str, Any]:
    data = path.read_bytes()
    if len(data) > MAX_FILE_BYTES:
        raise BundleError(f"{path.name} would have {len(data)} bytes, more than {MAX_FILE_BYTES}; keep fewer subjects")
    return {"sha256": sha256(data).hexdigest(), "bytes": len(data), "rows": rows}


def _write(build: _Build, directory: Path) -> dict[str, Any]:
    facts = pa.concat_tables(
        [_sorted(build.documents, _DOCUMENT_ORDER), _sorted(build.companyfacts, _COMPANYFACTS_ORDER)]
    )
    rows = [build.filings[key] for key in sorted(build.filings)]
    filings = pa.Table.from_pylist(rows, FILINGS)
    files = {}
    for name, table in (("facts.parquet", facts), ("filings.parquet", filings)):
        _write_parquet(table, directory / name)
        files[name] = _file_entry(directory / name, table.num_rows)
    sources = sorted(build.sources, key=lambda s: (s["kind"], s["url"], s["sha256"]))
    manifest = {"format": _FORMAT, "subjects": SUBJECTS, "files": files, "sources": sources}
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (directory / "manifest.json").write_text(text, encoding="utf-8")
    seal_bundle(directory)
    return manifest


def seal_bundle(directory: Path) -> None:
    """Note the hash of the manifest beside it: without, or with another one, the bundle is not read."""
    digest = sha256((directory / "manifest.json").read_bytes()).hexdigest()
    (directory / _SEAL).write_text(f"{digest}  manifest.json\n", encoding="ascii")


def build_bundle(from_dir: Path, out_dir: Path = BUNDLE_DIR) -> dict[str, Any]:
    """Build the bundle from an EDGAR-shaped folder and put it in place of the one in `out_dir`.

    The same folder gives the same bytes. Nothing in `out_dir` changes unless all of it was built.

    :param from_dir: holds data.sec.gov/..., www.sec.gov/Archives/..., optionally vintages/,
        unplaced/ and MANIFEST.csv; files may be gzip.
    :return: the manifest.
    :raises BundleError: nothing to build from, a payload that cannot be used (named), or a result
        over 8 MB.
    """
    build = _take_all(Path(from_dir))
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=out_dir.parent) as temporary:
        manifest = _write(build, Path(temporary))
        for name in (*manifest["files"], "manifest.json", _SEAL):
            os.replace(Path(temporary) / name, out_dir / name)
    return manifest


# --- reading --------------------------------------------------------------------------------------

_REBUILD = "restore it from the package or run `aigap bundle build --from DIR`"


def _manifest(directory: Path) -> tuple[dict[str, Any], bytes]:
    path, seal = directory / "manifest.json", directory / _SEAL
    try:
        data = path.read_bytes()
        manifest = json.loads(data)
        if manifest["format"] != _FORMAT:
            raise BundleError(f"{path} has format {manifest['format']}, this version reads {_FORMAT}; {_REBUILD}")
        if not manifest["sources"]:
            raise BundleError(f"{path} lists no source: the bundle is empty; {_REBUILD}")
        files = {name: (f["sha256"], f["rows"]) for name, f in manifest["files"].items()}
        if set(files) != {"facts.parquet", "filings.parquet"}:
            raise BundleError(f"{path} lists {sorted(files)}, not facts.parquet and filings.parquet; {_REBUILD}")
    except OSError as error:
        raise BundleError(f"the shipped facts are missing: {path}: {error.strerror}; {_REBUILD}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{path} is not a bundle manifest ({type(error).__name__} {error}); {_REBUILD}") from error
    try:
        sealed = seal.read_bytes().split()
    except OSError as error:
        raise BundleError(f"the shipped facts are incomplete: {seal}: {error.strerror}; {_REBUILD}") from error
    if sealed[:1] != [sha256(data).hexdigest().encode()]:
        raise BundleError(f"{path} is not the manifest that {_SEAL} seals: it was changed; {_REBUILD}")
    return manifest, data


def _read_table(directory: Path, name: str, expected: dict[str, Any], schema: pa.Schema) -> pa.Table:
    path = directory / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"the shipped facts are incomplete: {path}: {error.strerror}; {_REBUILD}") from error
    digest = sha256(data).hexdigest()
    if digest != expected["sha256"]:
        raise BundleError(
            f"{path} does not match its manifest: sha256 {digest[:12]}..., expected {expected['sha256'][:12]}...; "
            f"{_REBUILD}"
        )
    table = pq.read_table(pa.BufferReader(data), use_threads=False)
    if table.schema.remove_metadata() != schema or table.num_rows != expected["rows"]:
        raise BundleError(f"{path} has other columns or rows than its manifest states; {_REBUILD}")
    if not table.num_rows:
        raise BundleError(f"{path} has no rows; {_REBUILD}")
    return table


def _payloads(manifest: dict[str, Any]) -> pa.Table:
    """When a shipped payload was retrieved is not known, so `retrieved_at` is null."""
    rows = [{"status": "parsed", **source} for source in manifest["sources"]]
    return pa.Table.from_pylist(rows, PAYLOADS)


def read_bundle(bundle_dir: Path = BUNDLE_DIR) -> Bundle:
    """The shipped facts, after checking that they are the ones the manifest states.

    :raises BundleError: a file is missing, empty, or does not match its hash; says which and what to do.
    """
    directory = Path(bundle_dir)
    manifest, data = _manifest(directory)
    files = manifest["files"]
    return Bundle(
        facts=_read_table(directory, "facts.parquet", files["facts.parquet"], FACTS),
        filings=_read_table(directory, "filings.parquet", files["filings.parquet"], FILINGS),
        payloads=_payloads(manifest),
        manifest=manifest,
        content_hash=sha256(data).hexdigest(),
    )


def _differences(built: Bundle, shipped: Bundle) -> Iterator[str]:
    if built.manifest["sources"] != shipped.manifest["sources"]:
        ours = {(s["url"], s["sha256"]): s for s in built.manifest["sources"]}
        theirs = {(s["url"], s["sha256"]): s for s in shipped.manifest["sources"]}
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                where = "only in the bundle" if key not in ours else "only in the folder"
                if key in ours and key in theirs:
                    where = "in both, with other counts"
                yield f"source {key[0]} (sha256 {key[1][:12]}...) is {where}"
    for name, one, other in (
        ("facts", built.facts, shipped.facts),
        ("filings", built.filings, shipped.filings),
    ):
        if not one.equals(other):
            yield f"{name}: {one.num_rows} rows from the folder, {other.num_rows} shipped, and they differ"


def verify_bundle(from_dir: Path, bundle_dir: Path = BUNDLE_DIR) -> dict[str, Any]:
    """Prove that the bundle is what `from_dir` gives: build it again and compare every row and source.

    Rows are compared, not file bytes: another pyarrow version may write the same rows differently.

    :return: the manifest of the bundle.
    :raises BundleError: it is damaged, cannot be rebuilt, or differs; the message lists where.
    """
    shipped = read_bundle(bundle_dir)
    with tempfile.TemporaryDirectory() as temporary:
        build_bundle(from_dir, Path(temporary) / "bundle")
        built = read_bundle(Path(temporary) / "bundle")
    if found := list(_differences(built, shipped)):
        raise BundleError(f"{bundle_dir} is not what {from_dir} gives: " + "; ".join(found[:10]))
    return shipped.manifest
