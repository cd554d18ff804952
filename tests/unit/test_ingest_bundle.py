"""The bundle: what goes in, that it is the same every time, and that damage is found and named."""

import gzip
import json
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest

from ingest.archive import Archive
from ingest.bundle import BUNDLE_DIR, build_bundle, read_bundle, seal_bundle, verify_bundle
from ingest.records import FACTS, FILINGS, PAYLOADS, BundleError
from ingest.replay import replay
from support import xbrl
from support.xbrl import context, explicit, fact, inline, instance, non_fraction

NVIDIA, OTHER = "0001045810", "0000051143"  # IBM is not on the watch list
FILING = "www.sec.gov/Archives/edgar/data/1045810/000104581025000209"
ACCESSION = "0001045810-25-000209"
INSTANCE = f"{FILING}/nvda-20250727_htm.xml.gz"
COMPANYFACTS = f"data.sec.gov/api/xbrl/companyfacts/CIK{NVIDIA}.json"
TRIMMED = "unplaced/NVDA/companyfacts-trimmed-2026-08-01.json"
SUBMISSIONS = f"data.sec.gov/submissions/CIK{NVIDIA}.json"

COVER = (
    '<dei:DocumentType contextRef="c1">{form}</dei:DocumentType>'
    '<dei:DocumentPeriodEndDate contextRef="c1">2025-07-27</dei:DocumentPeriodEndDate>'
)
RESOURCES = (
    xbrl.CONTEXTS
    + context("dc", "2025-04-28/2025-07-27", explicit("srt:ProductOrServiceAxis", "nvda:DataCenterMember"))
    + context("late", "2025-04-28/2025-10-26")
    + xbrl.UNITS
)


def put(root: Path, name: str, data: bytes | dict) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.dumps(data).encode() if isinstance(data, dict) else data)


def row(value: float, **more: object) -> dict:
    given = {"end": "2025-07-27", "val": value, "accn": ACCESSION, "form": "10-Q", "filed": "2025-08-27"}
    return {**given, "start": "2025-04-28", "fy": 2026, "fp": "Q2", **more}


def companyfacts(rows: list[dict], cik: str = NVIDIA) -> dict:
    return {"cik": int(cik), "facts": {"us-gaap": {"Revenues": {"units": {"USD": rows}}}}}


def submissions(accession: str = ACCESSION, form: str = "10-Q") -> dict:
    recent = {
        "accessionNumber": [accession, "0001199039-26-000003"],
        "form": [form, "4"],
        "filingDate": ["2025-08-27", "2026-03-24"],
        "reportDate": ["2025-07-27", ""],
        "acceptanceDateTime": ["2025-08-27T16:36:12.000Z", "2026-03-24T17:13:39.000Z"],
        "primaryDocument": ["nvda-20250727.htm", "form4.xml"],
    }
    return {"cik": NVIDIA, "filings": {"recent": recent, "files": []}}


def document(*, form: str = "10-Q", more: str = "") -> bytes:
    return instance(
        COVER.format(form=form)
        + fact("46743000000")
        + fact("41096000000", contextRef="dc")
        + fact("5", name="us-gaap:ProfitLoss")
        + fact("7", contextRef="late")
        + more,
        RESOURCES,
    )


@pytest.fixture
def edgar(tmp_path: Path) -> Path:
    """A small folder: a filing in both forms, company facts, submissions, and another company's payloads."""
    root = tmp_path / "edgar"
    put(root, INSTANCE, gzip.compress(document()))
    put(root, f"{FILING}/nvda-20250727.htm", inline(non_fraction("1")))
    put(root, f"{FILING}/nvda-20250727_cal.xml", b"<linkbase/>")
    put(root, f"{FILING}/nvda-20250727.xsd", b"<schema/>")
    put(root, COMPANYFACTS, companyfacts([row(46743000000), row(1, form="DEF 14A"), row(2, end="2025-10-26")]))
    put(root, TRIMMED, companyfacts([row(46743000000), row(9, start=None)]))
    put(root, SUBMISSIONS, submissions())
    put(root, f"data.sec.gov/api/xbrl/companyfacts/CIK{OTHER}.json", companyfacts([row(3)], OTHER))
    return root


def test_what_goes_in(edgar, tmp_path):
    build_bundle(edgar, tmp_path / "bundle")
    bundle = read_bundle(tmp_path / "bundle")
    assert (bundle.facts.schema, bundle.filings.schema, bundle.payloads.schema) == (FACTS, FILINGS, PAYLOADS)
    shown = [
        (f["source_kind"], f["concept"], f["dimensions"], f["period_start"], f["value"])
        for f in bundle.facts.to_pylist()
    ]
    # The instance only, its subjects only, filing before company facts; no proxy, nothing after its filing.
    assert shown == [
        ("xbrl_instance", "us-gaap:Revenues", "", date(2025, 4, 28), Decimal(46743000000)),
        ("xbrl_instance", "us-gaap:Revenues", "srt:ProductOrServiceAxis=nvda:DataCenterMember", date(2025, 4, 28),
         Decimal(41096000000)),
        ("companyfacts", "us-gaap:Revenues", "", date(2025, 4, 28), Decimal(46743000000)),
        ("companyfacts", "us-gaap:Revenues", "", None, Decimal(9)),
    ]  # fmt: skip
    (filing,) = bundle.filings.to_pylist()
    assert (filing["accession"], filing["form"], filing["filed_on"]) == (ACCESSION, "10-Q", date(2025, 8, 27))


def test_the_manifest_says_where_every_row_came_from(edgar, tmp_path):
    manifest = build_bundle(edgar, tmp_path / "bundle")
    by_kind = {source["kind"]: source for source in manifest["sources"] if not source["altered"]}
    assert by_kind["xbrl_instance"] == {
        "kind": "xbrl_instance",
        "cik": NVIDIA,
        "url": f"https://{FILING}/nvda-20250727_htm.xml",
        "sha256": sha256(document()).hexdigest(),
        "bytes": len(document()),
        "altered": False,
        "accession": ACCESSION,
        "form": "10-Q",
        "filed_on": "2025-08-27",
        "rows_stated": 4,
        "rows_rejected": 1,
        "rows_other_subjects": 1,
        "rows": 2,
    }
    facts = by_kind["companyfacts"]
    assert (facts["rows_stated"], facts["rows_other_forms"], facts["rows_rejected"], facts["rows"]) == (3, 1, 1, 1)
    (altered,) = [source for source in manifest["sources"] if source["altered"]]
    assert (altered["url"], altered["rows_known"], altered["rows"]) == (facts["url"], 1, 1)
    bundle = read_bundle(tmp_path / "bundle")
    assert set(bundle.facts["sha256"].to_pylist()) <= set(bundle.payloads["sha256"].to_pylist())
    assert sum(source["rows"] for source in manifest["sources"] if source["kind"] != "submissions") == 4
    assert bundle.payloads["status"].to_pylist() == ["parsed"] * 4
    assert bundle.payloads["retrieved_at"].null_count == 4  # not known


def test_the_same_folder_gives_the_same_bytes(edgar, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    build_bundle(edgar, one)
    copy = shutil.copytree(edgar, tmp_path / "elsewhere" / "edgar")
    build_bundle(copy, other)
    names = sorted(path.name for path in one.iterdir())
    assert names == ["facts.parquet", "filings.parquet", "manifest.json", "manifest.sha256"]
    assert [(one / name).read_bytes() for name in names] == [(other / name).read_bytes() for name in names]
    assert read_bundle(one).content_hash == read_bundle(other).content_hash


def test_the_filing_date_of_an_unlisted_filing_comes_from_the_folders_list(edgar, tmp_path):
    (edgar / SUBMISSIONS).unlink()
    with pytest.raises(BundleError, match=f"says when {ACCESSION} was filed; add the company's submissions JSON"):
        build_bundle(edgar, tmp_path / "bundle")
    (edgar / "MANIFEST.csv").write_text(f"path,accession,form,filed\nx,{ACCESSION},10-Q,2025-08-27\ny,,,\n")
    build_bundle(edgar, tmp_path / "bundle")
    (filing,) = read_bundle(tmp_path / "bundle").filings.to_pylist()
    assert (filing["filed_on"], filing["report_date"]) == (date(2025, 8, 27), date(2025, 7, 27))
    assert (filing["primary_document"], filing["accepted_at_received"]) == ("nvda-20250727.htm", None)
    assert filing["source_url"] == f"https://{FILING}/nvda-20250727_htm.xml"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (INSTANCE, document(form="4"), f"{ACCESSION} is filed as 10-Q, but its cover says '4'"),
        (INSTANCE, b"<Error><Code>NoSuchKey</Code></Error>", "404 answer"),
        (INSTANCE, document().replace(b">0001045810<", b">0000320193<"), "speaks of CIK"),
        (COMPANYFACTS, b"<html>Undeclared Automated Tool</html>", "SEC_USER_AGENT"),
        (TRIMMED, companyfacts([row(5)]), "is 5.0* here and 46743000000"),
        (TRIMMED, {"facts": {}}, "does not say which company"),
        (SUBMISSIONS, {"cik": NVIDIA, "filings": {"accessionNumber": 1}}, "submissions"),
    ],
)
def test_a_payload_that_cannot_be_used_stops_the_build_and_changes_nothing(edgar, tmp_path, name, data, message):
    build_bundle(edgar, tmp_path / "bundle")
    before = {path.name: path.read_bytes() for path in (tmp_path / "bundle").iterdir()}
    put(edgar, name, data)
    with pytest.raises(BundleError, match=message) as caught:
        build_bundle(edgar, tmp_path / "bundle")
    assert Path(name).name in str(caught.value)
    assert {path.name: path.read_bytes() for path in (tmp_path / "bundle").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "edgar"]


@pytest.mark.parametrize(
    ("form", "cover", "reason"),
    [
        ("10-KT", "10-K", None),
        ("10-QT/A", "10-Q", None),
        ("10-K/A", "10-K", None),
        ("10-Q", "10-K", "is filed as 10-Q, but its cover says '10-K'"),
        ("10-Q", "4", "is filed as 10-Q, but its cover says '4'"),
        ("DEF 14A", "DEF 14A", "is filed as DEF 14A, a form whose figures are never read"),
    ],
)
def test_a_filing_is_accepted_or_refused_alike_whichever_way_it_came(edgar, tmp_path, form, cover, reason):
    """From a folder the build stops, from an archive the filing is set aside: for the same reason, or for none."""
    put(edgar, INSTANCE, document(form=cover))
    put(edgar, SUBMISSIONS, submissions(form=form))
    archive, at = Archive(tmp_path / "archive"), datetime(2026, 9, 1, tzinfo=UTC)
    about = dict(kind="xbrl_instance", accession=ACCESSION, form=form, filed_on="2025-08-27")
    url = f"https://{FILING}/nvda-20250727_htm.xml"
    archive.put(document(form=cover), url, retrieved_at=at, cik=NVIDIA, **about)
    (payload,) = replay(archive).payloads.to_pylist()
    if reason is None:
        assert (payload["status"], payload["error"]) == ("parsed", None)
        listed = json.dumps(submissions(form=form)).encode()
        archive.put(listed, f"https://{SUBMISSIONS}", kind="submissions", retrieved_at=at, cik=NVIDIA)
        for source, name in ((archive.root, "of archive"), (edgar, "of folder")):
            build_bundle(source, tmp_path / name)
            assert form in read_bundle(tmp_path / name).facts["form"].to_pylist()
    else:
        assert payload["status"] == "quarantined"
        assert reason in payload["error"]
        with pytest.raises(BundleError, match=reason):
            build_bundle(edgar, tmp_path / "of folder")


def test_a_fact_with_two_values_is_left_out_and_named_in_the_manifest(edgar, tmp_path):
    put(edgar, INSTANCE, document(more=fact("2")))
    manifest = build_bundle(edgar, tmp_path / "bundle")
    (source,) = [source for source in manifest["sources"] if source["kind"] == "xbrl_instance"]
    (line,) = source["unread"]
    assert line.startswith("us-gaap:Revenues, context c1: is stated with different values in one filing: USD 4674300")
    kept = {(r["source_kind"], r["dimensions"]) for r in read_bundle(tmp_path / "bundle").facts.to_pylist()}
    assert ("xbrl_instance", "") not in kept
    assert ("xbrl_instance", "srt:ProductOrServiceAxis=nvda:DataCenterMember") in kept


@pytest.mark.parametrize(
    "change",
    [
        (b'"filed_on": "2025-08-27"', b'"filed_on": "2020-08-27"'),
        (ACCESSION.encode(), b"0001045810-20-000001"),
        (b'"url": "https://www', b'"url": "https://evil'),
    ],
)
def test_a_manifest_that_was_edited_is_found(edgar, tmp_path, change):
    build_bundle(edgar, tmp_path / "bundle")
    path = tmp_path / "bundle" / "manifest.json"
    before = path.read_bytes()
    path.write_bytes(before.replace(*change))
    assert path.read_bytes() != before
    with pytest.raises(
        BundleError, match=r"manifest\.json is not the manifest that manifest\.sha256 seals: it was changed"
    ):
        read_bundle(tmp_path / "bundle")


def test_a_parquet_file_edited_together_with_its_manifest_is_found(edgar, tmp_path):
    manifest = build_bundle(edgar, tmp_path / "bundle")
    path = tmp_path / "bundle" / "filings.parquet"
    filings = pa.parquet.read_table(path)
    early = pa.array([date(2020, 1, 1)] * filings.num_rows, pa.date32())
    pa.parquet.write_table(filings.set_column(filings.schema.get_field_index("filed_on"), "filed_on", early), path)
    manifest["files"]["filings.parquet"]["sha256"] = sha256(path.read_bytes()).hexdigest()
    (tmp_path / "bundle" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="it was changed"):
        read_bundle(tmp_path / "bundle")


def test_a_folder_without_payloads_is_refused(tmp_path):
    with pytest.raises(BundleError, match="holds no payload of a watched company"):
        build_bundle(tmp_path, tmp_path / "bundle")


def test_verify_proves_or_names_the_difference(edgar, tmp_path):
    build_bundle(edgar, tmp_path / "bundle")
    assert len(verify_bundle(edgar, tmp_path / "bundle")["sources"]) == 4
    put(edgar, COMPANYFACTS, companyfacts([row(46743000000), row(8, end="2025-07-26")]))
    with pytest.raises(BundleError, match=r"CIK0001045810.json .*only in the bundle.*facts: 5 rows from the"):
        verify_bundle(edgar, tmp_path / "bundle")


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("manifest.json", None, "the shipped facts are missing: .*manifest.json: No such file"),
        ("manifest.json", b"", "manifest.json is not a bundle manifest"),
        ("manifest.json", b"[]", "is not a bundle manifest"),
        ("manifest.json", b'{"format": 2}', "has format 2, this version reads 1"),
        ("manifest.json", b'{"format": 1, "sources": [], "files": {}}', "the bundle is empty"),
        ("manifest.json", b'{"format": 1, "sources": [1], "files": {}}', "not facts.parquet and filings.parquet"),
        ("manifest.sha256", None, "the shipped facts are incomplete: .*manifest.sha256: No such file"),
        ("manifest.sha256", b"", "is not the manifest that manifest.sha256 seals"),
        ("facts.parquet", None, "the shipped facts are incomplete: .*facts.parquet: No such file"),
        ("facts.parquet", b"", "facts.parquet does not match its manifest: sha256 e3b0c44298fc"),
        ("filings.parquet", b"PAR1", "filings.parquet does not match its manifest"),
    ],
)
def test_a_damaged_bundle_is_named_with_what_to_do(edgar, tmp_path, name, damage, message):
    build_bundle(edgar, tmp_path / "bundle")
    path = tmp_path / "bundle" / name
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(BundleError, match=message) as caught:
        read_bundle(tmp_path / "bundle")
    assert "aigap bundle build --from DIR" in str(caught.value)


def test_one_flipped_bit_is_found(edgar, tmp_path):
    build_bundle(edgar, tmp_path / "bundle")
    path = tmp_path / "bundle" / "facts.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match="does not match its manifest"):
        read_bundle(tmp_path / "bundle")


def test_a_bundle_with_other_columns_or_no_rows_is_refused(edgar, tmp_path):
    manifest = build_bundle(edgar, tmp_path / "bundle")
    path = tmp_path / "bundle" / "facts.parquet"
    for table, rows, message in (
        (pa.table({"a": [1, 2, 3, 4]}), 4, "other columns or rows"),
        (FACTS.empty_table(), 0, "has no rows"),
    ):
        pa.parquet.write_table(table, path)
        manifest["files"]["facts.parquet"] |= {"sha256": sha256(path.read_bytes()).hexdigest(), "rows": rows}
        (tmp_path / "bundle" / "manifest.json").write_text(json.dumps(manifest))
        seal_bundle(tmp_path / "bundle")
        with pytest.raises(BundleError, match=message):
            read_bundle(tmp_path / "bundle")


def test_the_shipped_bundle_is_whole_and_small():
    bundle = read_bundle()
    assert sum(path.stat().st_size for path in BUNDLE_DIR.iterdir()) < 8 * 1024 * 1024
    assert bundle.facts.num_rows > 150_000
    assert bundle.facts["value"].null_count == bundle.facts["filed_on"].null_count == 0
    kinds = bundle.facts["source_kind"].to_pylist()
    assert "companyfacts" not in kinds[: kinds.index("companyfacts")]
    assert set(kinds[kinds.index("companyfacts") :]) == {"companyfacts"}
