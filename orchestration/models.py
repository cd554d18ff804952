"""The dbt project as Dagster assets and checks.

Belongs here: the prebuilt manifest, what becomes an asset or a check, turning dbt's results into Dagster's. Does not
belong here: running dbt (dbt_process.py), SQL, or any other asset.

Not `@dbt_assets`: it knows no unit tests, and a test without an owner it reports as an observation
that nothing waits for. Here every test is a check of some table, or the code location refuses to
load. Nor does a process that only shows lineage import dbt then (1.5 s instead of 4.2 to load).
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.dbt_process import PROJECT, Dbt, DbtFailed, Outcome, compiled_manifest, run_here
from warehouse.errors import WarehouseError, reason
from warehouse.formats import harmless
from warehouse.readers.outfile import new_file
from warehouse.store.home import Home, refresh_lock, replace_file

_SOURCES = ("dbt_project.yml", "profiles.yml", "models/**/*", "macros/**/*", "tests/**/*")

Manifest = Mapping[str, Any]


def write_docs(home: Home) -> Path:
    """dbt's documentation of every table and column as one page that needs no server and no network.

    :return: docs/index.html in the home.
    :raises Busy: a refresh is running.
    :raises WarehouseError: nothing is built yet, or dbt could not document it.
    """
    if not home.build.is_file():
        raise WarehouseError(f"nothing is built in {home.root} yet; run aigap refresh")
    # Not the build's folder: its manifest.json is what the last build ran, and others read it.
    target = home.dbt / "docs"
    try:
        with refresh_lock(home):
            answer = run_here(home, target, ["docs", "generate", "--static"])
    except DbtFailed as error:
        raise WarehouseError(f"dbt could not document the tables: {error}") from error
    if not answer.success:
        raise WarehouseError("dbt could not document the tables; run aigap refresh --full, and try again")
    page = (target / "static_index.html").read_text("utf-8")
    home.docs.mkdir(parents=True, exist_ok=True)
    path = home.docs / "index.html"
    with new_file(path) as temporary:
        # Where this machine keeps its files is nobody's business who is shown the page.
        temporary.write_text(page.replace(json.dumps(str(target))[1:-1] + "/", ""), "utf-8")
    return path


# --- the prebuilt manifest ------------------------------------------------------------------------


def _sources_hash() -> str:
    """Over everything that the manifest depends on: the project's files and dbt's version."""
    digest = hashlib.sha256(f"{version('dbt-core')} {version('dbt-duckdb')}".encode())
    for path in sorted({p for pattern in _SOURCES for p in PROJECT.glob(pattern) if p.is_file()}):
        digest.update(f"\0{path.relative_to(PROJECT).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def manifest_path(home: Home) -> Path:
    """Where the manifest of the project as it stands now lies, or will: its name carries the sources' hash."""
    return home.dbt / f"manifest-{_sources_hash()}.json"


def load_manifest(home: Home, dbt: Dbt | None = None) -> Manifest:
    """The project's manifest; parsed by dbt only where the sources changed since (about 6 s).

    :param dbt: a process that is parsing already; without it one is started where it is needed.
    :raises DbtFailed: the project does not parse.
    """
    path = manifest_path(home)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        if dbt is None:
            with Dbt(home) as dbt:
                dbt.parse()
        else:
            dbt.parse()
        # By rename: another process may be reading. The build's own manifest.json is rewritten in place.
        replace_file(path, compiled_manifest(home).read_bytes())
        for older in path.parent.glob("manifest-*.json"):
            if older != path:
                older.unlink(missing_ok=True)
    return _read_manifest(path)


@cache
def _read_manifest(path: Path) -> Manifest:
    return json.loads(path.read_bytes())


# --- assets and checks ----------------------------------------------------------------------------

UNIQUE_ID = "dbt/unique_id"


@contextmanager
def beta() -> Iterator[None]:
    """Links to code are used though Dagster calls them beta: nothing but the UI depends on them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


def asset_key(node: Mapping[str, Any]) -> dg.AssetKey:
    """`schema.table` as in DuckDB: a name seen in the UI can be pasted into SQL."""
    return dg.AssetKey([node["schema"], node.get("alias") or node["identifier"]])


def _is_table(node: Mapping[str, Any]) -> bool:
    return node["resource_type"] in ("model", "seed", "snapshot") and node["config"]["materialized"] != "ephemeral"


def _columns(node: Mapping[str, Any]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name=name, type=column.get("data_type") or "?", description=column["description"])
            for name, column in node["columns"].items()
        ]
    )


def _tags(node: Mapping[str, Any]) -> dict[str, str]:
    """For the UI's search: `published` where readers see the table, `as-of` where it holds versions."""
    held = {"published": node["schema"] == "marts", "as-of": "known_to" in node["columns"]}
    return {tag: "" for tag, holds in held.items() if holds}


def _link_to(file: Path) -> dg.CodeReferencesMetadataValue:
    with beta():
        return dg.CodeReferencesMetadataValue(code_references=[dg.LocalFileCodeReference(file_path=str(file))])


def model_specs(manifest: Manifest) -> list[dg.AssetSpec]:
    """One asset a model, in the group of its schema, with its columns and its SQL."""
    everything = {**manifest["nodes"], **manifest["sources"]}
    return [
        dg.AssetSpec(
            asset_key(node),
            deps=[asset_key(everything[parent]) for parent in node["depends_on"]["nodes"]],
            description=f"{node['description']}\n\n```sql\n{node['raw_code'].strip()}\n```",
            group_name=node["schema"],
            kinds={"dbt", "duckdb", node["config"]["materialized"]},
            tags=_tags(node),
            code_version=node["checksum"]["checksum"][:20],
            metadata={
                UNIQUE_ID: unique_id,
                "dagster/table_name": ".".join(asset_key(node).path),
                "dagster/column_schema": _columns(node),
                "dagster/code_references": _link_to(PROJECT / node["original_file_path"]),
            },
            # A part of the models may be built alone, from the UI.
            skippable=True,
        )
        for unique_id, node in manifest["nodes"].items()
        if _is_table(node)
    ]


def _owner(manifest: Manifest, test: Mapping[str, Any]) -> str:
    """The node a test speaks for: named in its meta, the one its YAML stands under, or the only one it reads.

    :raises dg.DagsterInvalidDefinitionError: there is none; Dagster would not show the test anywhere.
    """
    named = test["config"].get("meta", {}).get("dagster", {}).get("ref", {}).get("name")
    parents = test["depends_on"]["nodes"]
    owner = f"model.{test['package_name']}.{named}" if named else test.get("attached_node")
    if not owner and len(parents) == 1:
        owner = parents[0]
    if owner is None or (owner not in manifest["nodes"] and owner not in manifest["sources"]):
        raise dg.DagsterInvalidDefinitionError(
            f"dbt test {test['name']} ({test['original_file_path']}) reads {len(parents)} tables and belongs to none: "
            "add config(meta={'dagster': {'ref': {'name': '<model>'}}}) to it"
        )
    return owner


def what_it_holds(test: Mapping[str, Any]) -> str:
    """A test in words: its description, else the comment at its head, else its arguments."""
    if test["description"].strip():
        return test["description"].strip()
    if about := test.get("test_metadata"):
        arguments = {k: v for k, v in about["kwargs"].items() if k != "model"}
        return f"{about['name']}: {', '.join(f'{k} {v}' for k, v in arguments.items())}"
    lines = [line.strip() for line in test.get("raw_code", "").splitlines()]
    comment = takewhile(lambda line: line.startswith("--"), dropwhile(lambda line: not line.startswith("--"), lines))
    return " ".join(line.removeprefix("--").strip() for line in comment)


def check_specs(manifest: Manifest) -> list[dg.AssetCheckSpec]:
    """One check a data test or unit test, on the table it speaks for; blocking unless its severity is warn."""
    everything = {**manifest["nodes"], **manifest["sources"]}
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    return [
        dg.AssetCheckSpec(
            test["name"],
            asset=asset_key(everything[_owner(manifest, test)]),
            description=what_it_holds(test) or None,
            blocking=str(test["config"].get("severity", "error")).lower() == "error",
            metadata={UNIQUE_ID: test["unique_id"], "kind": test["resource_type"].replace("_", " ")},
        )
        for test in [*tests, *manifest["unit_tests"].values()]
    ]


def selection(
    manifest: Manifest, assets: Collection[dg.AssetKey], checks: Collection[dg.AssetCheckKey]
) -> list[str] | None:
    """What dbt must be told to build just these; None when it is everything."""
    specs, tests = model_specs(manifest), check_specs(manifest)
    if len(specs) == len(assets) and len(tests) == len(checks):
        return None
    ids = [s.metadata[UNIQUE_ID] for s in specs if s.key in assets] + [
        t.metadata[UNIQUE_ID] for t in tests if t.key in checks and t.metadata
    ]
    everything = {**manifest["nodes"], **manifest["unit_tests"]}
    return [".".join(everything[unique_id]["fqn"]) for unique_id in ids]


# --- results --------------------------------------------------------------------------------------


def verdict(outcomes: Sequence[Outcome]) -> str | None:
    """None when all is well, else one line that names what failed; what was skipped because of it is counted."""
    bad = [o for o in outcomes if not o.is_good and o.status != "skipped"]
    skipped = sum(o.status == "skipped" for o in outcomes)
    if not bad and not skipped:
        return None
    named = [f"{o.kind} {o.name} ({reason(o.message) or o.status})" for o in bad[:5]]
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    return f"{'; '.join(named)}{more}; {skipped} skipped because of it"


def results(
    outcomes: Iterable[Outcome], specs: Sequence[dg.AssetSpec], checks: Sequence[dg.AssetCheckSpec]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """dbt's results as Dagster's, in dbt's order; a skipped node gives none."""
    key_of = {spec.metadata[UNIQUE_ID]: spec.key for spec in specs}
    check_of = {spec.metadata[UNIQUE_ID]: spec for spec in checks}
    for outcome in outcomes:
        if (key := key_of.get(outcome.unique_id)) and outcome.is_good:
            metadata: dict[str, Any] = {"seconds": outcome.seconds}
            if outcome.rows is not None:
                metadata["dagster/row_count"] = outcome.rows
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        elif (check := check_of.get(outcome.unique_id)) and outcome.status != "skipped":
            yield dg.AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=outcome.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if outcome.status == "warn" else dg.AssetCheckSeverity.ERROR,
                description=harmless(outcome.message) or None,
                metadata={"seconds": outcome.seconds, "wrong rows": outcome.failures or 0},
            )
