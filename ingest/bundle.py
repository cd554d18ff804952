"""The facts that ship with the product: the replay of an archive, sealed, and read on every run.

Belongs here: the Parquet files, the manifest that says where each row came from, and the proof that both are whole.
Does not belong here: what of a replay ships (shipping.py), parsing (replay.py), folders (folder.py), fetching, loading.

A bundle is a directory with `facts.parquet`, `filings.parquet`, where something was set aside `set_aside.parquet`, and
`manifest.json`; the manifest names every source payload (url, accession, form, filed date, sha256, row counts) and the
sha256 of the files, and `manifest.sha256` seals the manifest: nothing in a bundle is changed without a sign.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.archive import Archive
from ingest.folder import Taken, take_folder
from ingest.records import FACTS, FILINGS, PAYLOADS, SET_ASIDE, BundleError, ConflictError
from ingest.replay import Replay, replay
from ingest.shipping import SUBJECTS, Bundle, ships

#: The bundle inside the installed package.
BUNDLE_DIR = Path(__file__).with_name("bundle")
MAX_FILE_BYTES = 8 * 1024 * 1024
_FORMAT = 1
#: The hash of the manifest, in the form that `sha256sum -c` reads.
_SEAL = "manifest.sha256"

_NOTHING = Bundle(FACTS.empty_table(), FILINGS.empty_table(), PAYLOADS.empty_table(), {"sources": []}, "")


# --- writing --------------------------------------------------------------------------------------


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


def _write(tables: dict[str, pa.Table], sources: list[dict[str, Any]], directory: Path) -> dict[str, Any]:
    files = {}
    for name, table in tables.items():
        _write_parquet(table, directory / name)
        files[name] = _file_entry(directory / name, table.num_rows)
    manifest = {"format": _FORMAT, "subjects": SUBJECTS, "files": files, "sources": sources}
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (directory / "manifest.json").write_text(text, encoding="utf-8")
    seal_bundle(directory)
    return manifest


def seal_bundle(directory: Path) -> None:
    """Note the hash of the manifest beside it: without, or with another one, the bundle is not read."""
    digest = sha256((directory / "manifest.json").read_bytes()).hexdigest()
    (directory / _SEAL).write_text(f"{digest}  manifest.json\n", encoding="ascii")


def is_archive(folder: Path) -> bool:
    """Whether a folder is an archive as `aigap fetch` writes it, and not one shaped like EDGAR."""
    return next(Archive(folder).entries(), None) is not None


def _read(from_dir: Path, onto: Bundle) -> tuple[Replay, Taken]:
    if is_archive(from_dir):
        archive = Archive(from_dir)
        if damaged := archive.damaged():
            raise BundleError("; ".join(damaged[:10]))
        return replay(archive, onto.parsed()), Taken({}, frozenset())
    with tempfile.TemporaryDirectory(prefix="aigap-folder-") as temporary:
        taken = take_folder(from_dir, Archive(Path(temporary)))
        read = replay(Archive(Path(temporary)))
    for row in read.payloads.to_pylist():
        if row["error"]:
            raise BundleError(f"{taken.paths[row['sha256'], row['url']]}: {row['error']}")
    return read, taken


def build_bundle(from_dir: Path, out_dir: Path = BUNDLE_DIR, onto: Bundle | None = None) -> dict[str, Any]:
    """Seal the replay of an archive, the one that a refresh uses, as the bundle in `out_dir`.

    The same payloads give the same bytes. Nothing in `out_dir` changes unless all of it was built.

    :param from_dir: an archive as `aigap fetch` writes it, or a folder shaped like EDGAR (see folder.take_folder),
        which is first taken into one.
    :param onto: the release before: what it holds stays, as it does in a refresh from both. An archive that was filled
        beside it holds only what is newer.
    :return: the manifest.
    :raises BundleError: nothing to build from, a damaged archive, a payload of a folder that cannot be used (named), or
        a result over 8 MB. What an archive holds and cannot be read is set aside, as in a refresh.
    """
    onto = onto or _NOTHING
    try:
        tables, sources = ships(*_read(Path(from_dir), onto), onto)
    except ConflictError as error:
        raise BundleError(str(error)) from error
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=out_dir.parent) as temporary:
        manifest = _write(tables, sources, Path(temporary))
        for name in (*manifest["files"], "manifest.json", _SEAL):
            os.replace(Path(temporary) / name, out_dir / name)
    for gone in {"set_aside.parquet"} - manifest["files"].keys():
        (out_dir / gone).unlink(missing_ok=True)
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
        if set(files) - {"set_aside.parquet"} != {"facts.parquet", "filings.parquet"}:
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
    """When the payloads of a folder were retrieved is not known: `retrieved_at` is null."""
    rows = [
        {"status": "parsed", **source}
        | ({"retrieved_at": datetime.fromisoformat(source["retrieved_at"])} if "retrieved_at" in source else {})
        for source in manifest["sources"]
    ]
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
        set_aside=_read_table(directory, "set_aside.parquet", files["set_aside.parquet"], SET_ASIDE)
        if "set_aside.parquet" in files
        else SET_ASIDE.empty_table(),
    )


def _without(shipped: Bundle, archive: Archive) -> Bundle:
    """The bundle before what `archive` gave it was added."""
    held = {(entry.sha256, entry.url, entry.retrieved_at) for entry in archive.entries()}
    sources = shipped.manifest["sources"]
    of_archive = {(s["sha256"], s["url"]) for s in sources if (s["sha256"], s["url"], s.get("retrieved_at")) in held}

    def rest(table: pa.Table, address: str = "source_url") -> pa.Table:
        places = zip(table["sha256"].to_pylist(), table[address].to_pylist(), strict=True)
        return table.filter(pa.array([place not in of_archive for place in places], pa.bool_()))

    return replace(
        shipped,
        facts=rest(shipped.facts),
        filings=rest(shipped.filings),
        set_aside=rest(shipped.set_aside),
        payloads=rest(shipped.payloads, "url"),
        manifest={"sources": [s for s in sources if (s["sha256"], s["url"]) not in of_archive]},
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
        ("set aside", built.set_aside, shipped.set_aside),
    ):
        if not one.equals(other):
            yield f"{name}: {one.num_rows} rows from the folder, {other.num_rows} shipped, and they differ"


def verify_bundle(from_dir: Path, bundle_dir: Path = BUNDLE_DIR) -> dict[str, Any]:
    """Prove that the bundle is what `from_dir` gives: build it again and compare every row and source.

    Rows are compared, not file bytes: another pyarrow version may write the same rows differently. An archive is proved
    to be in the bundle, whole and unaltered; it may have been filled beside an earlier release, whose payloads only
    their own archive or folder can prove.

    :return: the manifest of the bundle.
    :raises BundleError: it is damaged, cannot be rebuilt, or differs; the message lists where.
    """
    shipped = read_bundle(bundle_dir)
    onto = _without(shipped, Archive(from_dir)) if is_archive(from_dir) else None
    with tempfile.TemporaryDirectory() as temporary:
        build_bundle(from_dir, Path(temporary) / "bundle", onto)
        built = read_bundle(Path(temporary) / "bundle")
    if found := list(_differences(built, shipped)):
        raise BundleError(f"{bundle_dir} is not what {from_dir} gives: " + "; ".join(found[:10]))
    return shipped.manifest
