"""The fault cases this project answers for, and which test answers each.

Belongs here: the list of cases in our own words, and the table docs/reliability.md made from it and from the names of
the tests (`test_..._t42_...`, or T42 in a test's docstring). `python -m support.reliability` (from tests/) writes it
anew; give it pytest's junit XML to add results. Does not belong here: the tests.
"""

from __future__ import annotations

import ast
import platform
import re
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

TESTS = Path(__file__).resolve().parents[1]
TABLE = TESTS.parent / "docs" / "reliability.md"

#: Case -> what goes wrong, and what must hold.
CASES: dict[str, tuple[str, str]] = {
    "T01": ("a filing's own fiscal label (fy, fp) is wrong", "the quarter is named after its dates"),
    "T02": ("a fourth quarter is never reported", "derived as year less nine months, both filings cited"),
    "T03": ("a year-to-date leg is missing", "no number; coverage says missing leg"),
    "T04": ("a company reports both three-month and year-to-date columns", "derived equals reported"),
    "T05": ("a quarter of 14 weeks", "accepted as a quarter"),
    "T06": ("a period of 61 or 214 days", "no quarter, no half year"),
    "T07": ("a company changes the tag of a line", "one series, no stale tail"),
    "T08": ("a metric stands only under the company's own tag", "found"),
    "T09": ("a figure is restated", "old value as of before, new value after; both kept"),
    "T10": ("a share split changes per-share figures", "no dollar series is touched"),
    "T11": ("a value changes its sign between filings", "two versions, never averaged"),
    "T12": ("a proxy statement repeats a number off by a thousand", "form not read"),
    "T13": ("one filing states two different values for one fact", "that fact is set aside by name"),
    "T14": ("one filing states a value at two precisions", "the more precise one"),
    "T15": (
        "inline XBRL features: sign, scale, dashes, nil, words, nesting, hidden, continued",
        "exact values; nil is not 0",
    ),
    "T16": ("our parser against the SEC's own extract", "equal"),
    "T17": ("a required member is renamed", "a check names it, the rest is published; its last good number stays"),
    "T18": ("children and parent on one axis", "Data Center is not counted twice"),
    "T19": ("other shares under the same risk type", "only single customers' shares"),
    "T20": ("a period that ends after its filing, or before it starts", "row left out and counted"),
    "T21": ("amounts in another currency or per share", "never in a USD sum"),
    "T22": ("NaN, infinities, huge numbers, repeated JSON keys, integers above 2^53", "refused, or exact"),
    "T23": ("company facts lack a filing that EDGAR lists", "read from the filing itself"),
    "T24": ("EDGAR removes or changes what it served", "refused as older; history stays; said"),
    "T25": ("a ticker moves to another CIK", "the pinned CIK is used"),
    "T26": ("an amendment without figures, an 8-K that recasts", "nothing overwritten by nothing"),
    "T27": ("a wrong hand-entered row", "refused with file and line; the rest stays"),
    "T28": ("a metric ten times its neighbours", "refused before it is built on"),
    "T29": ("rate limit answers without Retry-After", "ten minutes of silence, then on"),
    "T30": ("undeclared tool answer", "stop at once, say what to set"),
    "T31": ("an error page with status 200", "refused, not archived"),
    "T32": ("a body cut short in any way", "refused, tried again, never archived"),
    "T33": ("a server that drips bytes", "the deadline holds"),
    "T34": ("resets, no DNS, no TLS", "few retries, last good numbers stay"),
    "T35": ("a burst of 5xx", "succeeds within its budget"),
    "T36": ("conditional requests answered wrongly", "the hash decides"),
    "T37": ("redirects elsewhere", "refused"),
    "T38": ("several processes and threads", "one rate for all"),
    "T39": ("an older answer after a newer one", "refused"),
    "T40": ("a list with gaps or pages", "nothing missed"),
    "T41": ("decompression bombs, endless bodies", "stopped at a cap, memory bounded"),
    "T42": ("killed at each named point of a publish", "old or new generation; the next run completes"),
    "T43": ("200 random kills with two readers", "nothing torn, backwards or lost"),
    "T44": ("killed inside dbt", "the published file is untouched, the build file is made anew"),
    "T45": ("power loss", "the link names only what is whole on the disk"),
    "T46": ("disk full", "clear error, published file intact"),
    "T47": ("damage to the published file", "found; a refresh publishes anew"),
    "T48": ("damage in the archive", "hash mismatch, never used"),
    "T49": ("a stale write-ahead log beside the file", "ignored"),
    "T50": ("little memory", "builds, or fails cleanly"),
    "T51": ("stopped by a signal", "ends soon; like a kill"),
    "T52": ("no permission, dangling link, collected generation", "clear message; a retry works"),
    "T53": ("older and newer DuckDB releases", "open the file and answer the same"),
    "T54": ("four refreshes at once", "one runs, the others say busy"),
    "T55": ("schedule, sensor and a person at once", "one run"),
    "T56": ("a reader across many publishes", "keeps its snapshot, no error"),
    "T57": ("somebody opens the file to write", "refused"),
    "T58": ("a lock left by a crash", "frees itself"),
    "T59": ("a run left started by a crash", "closed; the next one goes ahead"),
    "T60": ("many first starts on an empty instance", "one initialises"),
    "T61": ("two daemons", "no double publish"),
    "T62": ("other time zones, locales, hash seeds", "the same content hash"),
    "T63": ("acceptance times that say UTC and are not", "the reading that fits the filing date"),
    "T64": ("accepted after hours, at a weekend", "the next morning, to the second"),
    "T65": ("daylight saving, leap day, year end", "one day each"),
    "T66": ("a clock that jumps", "generations keep their order"),
    "T67": ("off for three quarters", "one run catches up"),
    "T68": ("as-of by rebuild", "equal, row for row"),
    "T69": ("hostile XML", "refused before it is parsed"),
    "T70": ("hostile names", "never become paths"),
    "T71": ("hostile links", "never followed"),
    "T72": ("hostile text", "stays data"),
    "T73": ("a web page that tries to start runs", "refused by the read-only UI"),
    "T74": ("ports", "loopback only"),
    "T75": ("the caller's identity", "in no log, run record or published file"),
    "T76": ("network during an offline refresh", "none"),
    "T77": ("configuration bombs", "refused"),
    "T78": ("a tampered package", "refused by its hash"),
    "T79": ("four quarters against the year", "equal to the dollar"),
    "T80": ("rows in another order", "the same content hash"),
    "T81": ("a later filing is added", "as of earlier days nothing changes"),
    "T82": ("all dollars scaled", "the gap scales, shares stay"),
    "T83": ("a row without its source", "none"),
    "T84": ("not a number, division by zero", "none; NULL"),
    "T85": ("a failing check", "blocks the publish; no test tables in the published file"),
    "T86": ("a refresh with nothing new", "no new generation"),
    "T87": ("the SQL is broken on purpose", "a named test fails"),
}

#: Cases held by a check of the dbt project, which every refresh and every test run executes.
DBT = {
    "T04": ["assert_derived_equals_reported_at_microsoft"],
    "T06": ["assert_every_loaded_fact_is_read"],
    "T12": ["assert_every_loaded_fact_is_read"],
    "T17": ["assert_required_metrics_in_newest_filing"],
    "T79": ["assert_quarters_sum_to_fiscal_year"],
    "T83": ["ai_revenue_gap_components_is_cited", "ai_revenue_gap_versions_is_cited"],
}

#: Cases held by tests whose names do not carry the number.
HELD_BY = {
    "T02": ["golden/test_golden_values.py::test_a_fourth_quarter_is_the_year_less_nine_months_of_two_filings"],
    "T03": ["golden/test_golden_values.py::test_a_missing_leg_is_no_nine_month_quarter"],
    "T07": [
        "golden/test_golden_values.py::test_capex_as_the_filing_prints_it",
        "e2e/test_versions_property.py::test_every_day_shows_what_was_said_by_then",
    ],
    "T08": ["golden/test_golden_values.py::test_capex_as_the_filing_prints_it"],
    "T09": ["e2e/test_versions_property.py::test_every_day_shows_what_was_said_by_then"],
    "T11": ["e2e/test_versions_property.py::test_every_day_shows_what_was_said_by_then"],
    "T12": ["unit/test_ingest_xbrl_table.py::test_only_periodic_forms_are_kept"],
    "T13": [
        "unit/test_ingest_xbrl_inline.py::test_conflicting_duplicates_set_that_fact_aside",
        "unit/test_ingest_xbrl_instance.py::test_values_that_contradict_each_other_reject_that_fact_and_are_both_named",
    ],
    "T14": [
        "unit/test_ingest_xbrl_inline.py::test_precision_duplicates_keep_the_larger_decimals",
        "real/test_parsers_filings.py::test_goodwill_is_the_more_precise_of_its_two_statements",
    ],
    "T15": [
        "unit/test_ingest_xbrl_inline.py::test_value",
        "unit/test_ingest_xbrl_inline.py::test_nil_is_not_zero",
        "unit/test_ingest_xbrl_inline.py::test_nested_facts_share_one_text",
        "unit/test_ingest_xbrl_inline.py::test_facts_in_text_blocks_continuations_and_hidden_are_found",
    ],
    "T16": [
        "real/test_parsers_filings.py::test_undimensioned_standard_facts_equal_company_facts",
        "real/test_parsers_filings.py::test_inline_document_and_extracted_instance_state_the_same_facts",
    ],
    "T17": ["e2e/test_refresh.py::test_a_metric_gone_from_the_newest_filing_is_named_and_blocks_nothing_by_itself"],
    "T18": ["real/test_parsers_filings.py::test_nvidia_data_center_revenue_and_platforms_add_up_to_the_total"],
    "T19": ["golden/test_golden_values.py::test_concentration_without_its_decoys"],
    "T20": [
        "unit/test_ingest_xbrl_table.py::test_periods_that_end_after_the_filing_are_split_off",
        "unit/test_ingest_xbrl_table.py::test_periods_that_start_after_their_end_are_split_off",
    ],
    "T22": [
        "unit/test_ingest_companyfacts.py::test_every_value_is_exact_or_refused",
        "unit/test_ingest_companyfacts.py::test_what_is_wrong_is_said",
    ],
    "T26": ["unit/test_ingest_xbrl_table.py::test_a_document_without_facts_is_an_empty_table"],
    "T27": ["unit/test_ingest_figures.py::test_a_row_that_cannot_be_right_is_refused_with_its_line"],
    "T28": ["unit/test_ingest_figures.py::test_a_value_a_thousand_times_off_its_neighbours_is_refused"],
    "T44": ["e2e/test_refresh.py::test_a_refresh_stopped_anywhere_is_gone_at_once_and_the_next_one_needs_no_hand"],
    "T48": ["unit/test_ingest_replay.py::test_a_damaged_payload_is_never_used"],
    "T51": ["e2e/test_refresh.py::test_a_refresh_stopped_anywhere_is_gone_at_once_and_the_next_one_needs_no_hand"],
    "T54": ["e2e/test_ui.py::test_of_four_refreshes_at_once_one_runs_without_a_network_and_publishes_nothing_new"],
    "T63": [
        "unit/test_ingest_acceptance.py::test_nvidia_says_z_and_means_new_york",
        "unit/test_ingest_acceptance.py::test_apple_says_z_and_means_it",
    ],
    "T64": ["unit/test_ingest_acceptance.py::test_the_cut_off_to_the_second"],
    "T65": ["unit/test_ingest_acceptance.py::test_the_cut_off_to_the_second"],
    "T67": ["unit/test_ingest_fetch.py::test_only_the_new_filing_is_fetched"],
    "T68": ["e2e/test_history.py::test_a_rebuild_at_a_past_day_is_what_the_as_of_tables_say"],
    "T69": [
        "unit/test_ingest_payload.py::test_a_doctype_is_refused_unread",
        "unit/test_ingest_payload.py::test_a_depth_bomb_is_refused",
    ],
    "T80": [
        "unit/test_warehouse_load.py::test_within_one_load_the_filings_own_document_wins_in_any_order",
        "unit/test_ingest_replay.py::test_the_order_of_retrieval_does_not_matter",
    ],
    "T81": ["e2e/test_history.py::test_a_rebuild_at_a_past_day_is_what_the_as_of_tables_say"],
    "T84": ["e2e/test_published_file.py::test_no_number_is_a_float_and_none_is_not_a_number"],
    "T85": [
        "e2e/test_refresh.py::test_a_number_that_is_not_cited_blocks_the_publish_and_is_named",
        "e2e/test_published_file.py::test_nothing_but_marts_and_meta_is_published",
    ],
    "T86": ["e2e/test_ui.py::test_of_four_refreshes_at_once_one_runs_without_a_network_and_publishes_nothing_new"],
}

#: Passes only where every blocking check of the dbt project passed.
DBT_RAN = "e2e/test_refresh.py::test_progress_is_plain_counted_lines_without_a_terminal"

_ID = re.compile(r"(?:\bT|_t)([0-9]{2})(?![0-9])")


def tests_by_case() -> dict[str, list[str]]:
    """Case -> "file::test" of every test that names it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in sorted(set(_ID.findall(f"{node.name} {ast.get_docstring(node) or ''}"))):
                    found[f"T{number}"].append(f"{path.relative_to(TESTS)}::{node.name}")
    for case, named in HELD_BY.items():
        found[case] += [name for name in named if name not in found[case]]
    return found


def results_of(junit: Path) -> dict[str, str]:
    """ "file::test" -> passed, failed or skipped, of a junit XML that pytest wrote; a parametrised test counts as
    its worst."""
    order = ["passed", "skipped", "failed"]
    outcome: dict[str, str] = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        file = case.get("classname", "").removeprefix("tests.").replace(".", "/") + ".py"
        name = f"{file}::{case.get('name', '').partition('[')[0]}"
        state = "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            state = "failed"
        elif case.find("skipped") is not None:
            state = "skipped"
        outcome[name] = max(outcome.get(name, "passed"), state, key=order.index)
    return outcome


def _result(names: list[str], results: dict[str, str] | None) -> str:
    """The worst result of some tests; "" where nothing is known of results."""
    if not results or not names:
        return ""
    return max((results.get(name, "not run") for name in names), key=["passed", "skipped", "not run", "failed"].index)


def table(results: dict[str, str] | None = None, when: str = "") -> str:
    """docs/reliability.md.

    :param results: "file::test" -> result of the run of `when`; None leaves the column empty.
    """
    found = tests_by_case()
    lines = [
        "# What can go wrong, and which test answers for it",
        "",
        "Made by `python -m support.reliability` (from `tests/`) from the names of the tests and, with pytest's junit",
        "XML, the results of a run of the whole suite; do not edit. A case without a test says so. Eight quarters of",
        "filings to come, from seven starting days, with these faults among them: docs/rehearsal.md (`make rehearse`).",
        "",
        "| case | fault | must hold | test | result |",
        "|---|---|---|---|---|",
    ]
    for case, (fault, expected) in CASES.items():
        tests, checks = found.get(case, []), DBT.get(case, [])
        result = _result(tests + [DBT_RAN] * bool(checks), results)
        names = [f"`{name}`" for name in tests] + [f"dbt check `{name}`" for name in checks]
        lines.append(f"| {case} | {fault} | {expected} | {'<br>'.join(names) or '**no test yet**'} | {result} |")
    held = sum(bool(found.get(case) or DBT.get(case)) for case in CASES)
    lines += ["", f"{held} of {len(CASES)} cases have a test."]
    lines += [f"Results of {when}."] * bool(when)
    return "\n".join(lines) + "\n"


def without_results(text: str) -> list[str]:
    """The lines of the table without its last column and without the day of the run."""
    lines = [line for line in text.splitlines() if not line.startswith("Results of ")]
    return [line.rsplit("|", 2)[0] if line.startswith("|") else line for line in lines]


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    if sys.argv[1:]:
        junit = Path(sys.argv[1])
        day = ElementTree.parse(junit).find(".//testsuite").get("timestamp", "")[:10]
        ran = f"the whole suite on {day}, Python {platform.python_version()}, DuckDB {version('duckdb')}"
        TABLE.write_text(table(results_of(junit), ran), "utf-8")
    else:
        TABLE.write_text(table(), "utf-8")
