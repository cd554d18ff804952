"""Rules of the dbt project, held over its manifest, in the habit of dbt-project-evaluator.

Each rule is one function from a manifest to the list of what breaks it, so that a rule can be shown to
bite on a manifest with one mistake put in.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.models import what_it_holds
from warehouse.report.charts import VIEWS

Manifest = dict[str, Any]
LAYERS = ("staging", "intermediate", "marts")
NAMES = {
    "staging": re.compile(r"stg_[a-z]+(_[a-z]+)*__[a-z]+(_[a-z]+)*"),
    "intermediate": re.compile(r"int_[a-z0-9]+(_[a-z0-9]+)*"),
    "marts": re.compile(r"(?!stg_|int_|dim_|fct_)[a-z0-9]+(_[a-z0-9]+)*"),
}
#: Same inputs, same rows: nothing asks a clock or a die.
CLOCKS = re.compile(
    r"\b(now|today|current_date|current_timestamp|get_current_\w+|random|uuid|gen_random_uuid)\b\s*\(?", re.I
)
#: No float touches money: DOUBLE sums differ from run to run.
FLOATS = re.compile(r"\b(double|float4?|float8|real)\b", re.I)
#: They describe the filing, not the fact (57 % of NVIDIA's facts carry another period's).
FILING_LABELS = re.compile(r"\b(fy|fp)\b", re.I)
#: What `ref` and `source` are for.
BARE_RELATION = re.compile(r"\b(from|join)\s+(raw|staging|intermediate|marts)\.", re.I)


def models(manifest: Manifest) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def data_tests(manifest: Manifest) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "test")


def code(node: dict[str, Any]) -> str:
    """The SQL of a node without its comments."""
    return re.sub(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", " ", node["raw_code"], flags=re.S)


def parents(node: dict[str, Any]) -> list[str]:
    return node["depends_on"]["nodes"]


def layer_of(manifest: Manifest, unique_id: str) -> str:
    return "raw" if unique_id.startswith("source.") else manifest["nodes"][unique_id]["schema"]


# --- the rules ------------------------------------------------------------------------------------


def every_model_is_described(m: Manifest) -> list[str]:
    return [n["name"] for n in models(m) if len(n["description"].split()) < 3]


def every_column_is_described(m: Manifest) -> list[str]:
    bare = [f"{n['name']}.{c}" for n in models(m) for c, col in n["columns"].items() if not col["description"].strip()]
    return bare + [f"{n['name']} lists no columns" for n in models(m) if not n["columns"]]


def every_source_is_described(m: Manifest) -> list[str]:
    return [
        s["name"] for s in m["sources"].values() if not (s["description"].strip() and s["source_description"].strip())
    ]


def every_mart_is_contracted(m: Manifest) -> list[str]:
    marts = [n for n in models(m) if n["schema"] == "marts"]
    untyped = [f"{n['name']}.{c}" for n in marts for c, col in n["columns"].items() if not col["data_type"]]
    return untyped + [n["name"] for n in marts if not n["config"]["contract"]["enforced"]]


def every_mart_is_a_table(m: Manifest) -> list[str]:
    return [n["name"] for n in models(m) if n["schema"] == "marts" and n["config"]["materialized"] != "table"]


def every_table_has_a_tested_key(m: Manifest) -> list[str]:
    keyed = {
        t["attached_node"]
        for t in data_tests(m)
        if (t.get("test_metadata") or {}).get("name") in ("unique", "unique_key", "unique_combination")
    }
    return [n["name"] for n in models(m) if n["schema"] != "staging" and n["unique_id"] not in keyed]


def every_mart_keeps_its_promises(m: Manifest) -> list[str]:
    """A number is cited; a version does not look ahead, and versions are half-open. A current mart that is one line on
    its versions is kept by theirs."""
    tests: dict[str, set[str]] = {}
    for t in data_tests(m):
        if t.get("test_metadata") and t["attached_node"]:
            tests.setdefault(t["attached_node"], set()).add(t["test_metadata"]["name"])
    missing = []
    for n in models(m):
        if n["schema"] != "marts":
            continue
        needs = set()
        if "fact_ids" in n["columns"] and "current_of(" not in n["raw_code"]:
            needs.add("cited")
        if {"known_from", "known_to"} <= n["columns"].keys():
            needs |= {"half_open"} | ({"no_look_ahead"} if "fact_ids" in n["columns"] else set())
        missing += [f"{n['name']} lacks {test}" for test in sorted(needs - tests.get(n["unique_id"], set()))]
    return missing


def every_name_says_its_layer(m: Manifest) -> list[str]:
    return [n["name"] for n in models(m) if n["schema"] not in LAYERS or not NAMES[n["schema"]].fullmatch(n["name"])]


def every_model_lies_in_its_layers_folder(m: Manifest) -> list[str]:
    return [n["name"] for n in models(m) if n["original_file_path"] != f"models/{n['schema']}/{n['name']}.sql"]


def every_model_has_its_own_yml(m: Manifest) -> list[str]:
    expected = {n["name"]: n["original_file_path"].removesuffix(".sql") + ".yml" for n in models(m)}
    return [n["name"] for n in models(m) if not (n["patch_path"] or "").endswith("://" + expected[n["name"]])]


def staging_reads_sources_only(m: Manifest) -> list[str]:
    staged = [n for n in models(m) if n["schema"] == "staging"]
    return [n["name"] for n in staged if {layer_of(m, p) for p in parents(n)} != {"raw"}]


def only_staging_reads_sources(m: Manifest) -> list[str]:
    return [
        n["name"] for n in models(m) if n["schema"] != "staging" and any(p.startswith("source.") for p in parents(n))
    ]


def every_source_is_used(m: Manifest) -> list[str]:
    used = {p for n in models(m) for p in parents(n)}
    return [s for s in m["sources"] if s not in used]


def data_moves_left_to_right(m: Manifest) -> list[str]:
    order = ("raw", *LAYERS)
    return [
        f"{n['name']} reads {p}"
        for n in models(m)
        for p in parents(n)
        if order.index(layer_of(m, p)) > order.index(n["schema"])
    ]


def nothing_is_built_for_nobody(m: Manifest) -> list[str]:
    read = {p for n in models(m) for p in parents(n)}
    return [n["name"] for n in models(m) if n["schema"] != "marts" and n["unique_id"] not in read]


def no_model_asks_a_clock(m: Manifest) -> list[str]:
    return [n["name"] for n in (*models(m), *data_tests(m)) if CLOCKS.search(code(n))]


def no_float_is_cast(m: Manifest) -> list[str]:
    typed = [
        f"{n['name']}.{c}"
        for n in models(m)
        for c, col in n["columns"].items()
        if FLOATS.search(col["data_type"] or "")
    ]
    return typed + [n["name"] for n in models(m) if FLOATS.search(code(n))]


def fiscal_labels_never_come_from_the_filing(m: Manifest) -> list[str]:
    return [n["name"] for n in models(m) if FILING_LABELS.search(code(n))]


def no_relation_is_spelled_out(m: Manifest) -> list[str]:
    return [n["name"] for n in (*models(m), *data_tests(m)) if BARE_RELATION.search(code(n))]


def every_test_says_what_it_holds(m: Manifest) -> list[str]:
    return [t["name"] for t in data_tests(m) if not what_it_holds(t)]


def nothing_comes_from_elsewhere(m: Manifest) -> list[str]:
    packages = {n["package_name"] for n in (*models(m), *data_tests(m))}
    seeds = [n["name"] for n in m["nodes"].values() if n["resource_type"] == "seed"]
    return seeds + [p for p in packages if p != m["metadata"]["project_name"]]


def every_mart_is_drawn_or_says_why_not(m: Manifest) -> list[str]:
    drawn = {mart for view in VIEWS for mart in view.marts}
    published = [n for n in models(m) if n["schema"] == "marts" and not n["name"].endswith("_versions")]
    return [n["name"] for n in published if (n["name"] in drawn) == bool(n["config"]["meta"].get("not_drawn"))]


def nothing_is_left_behind_in_the_warehouse(m: Manifest) -> list[str]:
    return [t["name"] for t in data_tests(m) if t["config"]["store_failures"]]


RULES: tuple[Callable[[Manifest], list[str]], ...] = (
    every_model_is_described,
    every_column_is_described,
    every_source_is_described,
    every_mart_is_contracted,
    every_mart_is_a_table,
    every_table_has_a_tested_key,
    every_mart_keeps_its_promises,
    every_name_says_its_layer,
    every_model_lies_in_its_layers_folder,
    every_model_has_its_own_yml,
    staging_reads_sources_only,
    only_staging_reads_sources,
    every_source_is_used,
    data_moves_left_to_right,
    nothing_is_built_for_nobody,
    no_model_asks_a_clock,
    no_float_is_cast,
    fiscal_labels_never_come_from_the_filing,
    no_relation_is_spelled_out,
    every_test_says_what_it_holds,
    nothing_comes_from_elsewhere,
    every_mart_is_drawn_or_says_why_not,
    nothing_is_left_behind_in_the_warehouse,
)


@pytest.fixture(scope="module")
def project(manifest: Path) -> Manifest:
    return json.loads(manifest.read_text("utf-8"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps(rule, project):
    assert rule(project) == []


def _model(manifest: Manifest, name: str) -> dict[str, Any]:
    return next(n for n in models(manifest) if n["name"] == name)


def _edit(model: str, /, **changes: Any) -> Callable[[Manifest], None]:
    return lambda m: _model(m, model).update(changes)


def _append(name: str, sql: str) -> Callable[[Manifest], None]:
    def change(m: Manifest) -> None:
        _model(m, name)["raw_code"] += sql

    return change


def _read(name: str, parent: str) -> Callable[[Manifest], None]:
    return lambda m: _model(m, name)["depends_on"]["nodes"].append(parent)


GAP, STAGED = "ai_revenue_gap", "stg_edgar__facts"


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        (every_model_is_described, _edit(GAP, description="")),
        (every_column_is_described, lambda m: _model(m, GAP)["columns"]["gap_usd"].update(description=" ")),
        (every_mart_is_contracted, lambda m: _model(m, GAP)["config"]["contract"].update(enforced=False)),
        (
            every_mart_keeps_its_promises,
            lambda m: next(t for t in data_tests(m) if t["name"] == "reconciliation_is_cited").update(
                attached_node=None
            ),
        ),
        (every_mart_is_drawn_or_says_why_not, lambda m: _model(m, "review")["config"]["meta"].clear()),
        (every_mart_is_drawn_or_says_why_not, lambda m: _model(m, GAP)["config"]["meta"].update(not_drawn="no")),
        (every_mart_is_a_table, lambda m: _model(m, GAP)["config"].update(materialized="view")),
        (every_name_says_its_layer, _edit(STAGED, name="facts")),
        (every_model_lies_in_its_layers_folder, _edit(STAGED, original_file_path="models/marts/stg_edgar__facts.sql")),
        (staging_reads_sources_only, _read(STAGED, "model.ai_revenue_gap.stg_watch_list__companies")),
        (only_staging_reads_sources, _read(GAP, "source.ai_revenue_gap.raw.xbrl_facts")),
        (data_moves_left_to_right, _read("int_metric_quarters", "model.ai_revenue_gap.ai_revenue_gap")),
        (no_model_asks_a_clock, _append(GAP, " where known_from <= current_date")),
        (no_model_asks_a_clock, _append(GAP, " where known_from <= now()")),
        (no_float_is_cast, _append(GAP, " , cast(gap_usd as double)")),
        (fiscal_labels_never_come_from_the_filing, _append(STAGED, " , facts.fy")),
        (no_relation_is_spelled_out, _append(GAP, " join raw.filings using (cik)")),
    ],
)
def test_a_rule_bites(rule, mistake, project):
    broken = copy.deepcopy(project)
    mistake(broken)
    assert len(rule(broken)) == len(rule(project)) + 1


def test_a_mart_without_its_tests_is_named(project):
    """Somebody copies a mart, renames it, and leaves its tests behind."""
    added = copy.deepcopy(project)
    original = _model(added, "ai_revenue_gap_versions")
    copied = copy.deepcopy(original) | {"name": "untested", "unique_id": "model.ai_revenue_gap.untested"}
    copied["original_file_path"] = original["original_file_path"].replace(original["name"], "untested")
    added["nodes"][copied["unique_id"]] = copied
    assert every_table_has_a_tested_key(added) == ["untested"]
    assert every_mart_keeps_its_promises(added) == [
        f"untested lacks {test}" for test in ("cited", "half_open", "no_look_ahead")
    ]


def test_a_comment_breaks_no_rule(project):
    commented = copy.deepcopy(project)
    _append(GAP, "\n-- never now() nor fy\n{#- cast(x as double) -#}\n/* from raw.filings */")(commented)
    assert [rule(commented) for rule in RULES] == [rule(project) for rule in RULES]
