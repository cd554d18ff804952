"""Checks that are not dbt tests: what was refused, set aside or contradicted on the way in.

Belongs here: the names of these checks and how a count becomes a result. Does not belong here: checks
on derived numbers (dbt_project/tests).

All of them warn: one bad row, payload or silence of EDGAR must not hold back the rest, and must not
go unsaid. The names of those that warned are published in meta.build.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from warehouse.formats import markdown_text, one_line

ARCHIVE = dg.AssetKey(["sources", "archive"])

EDGAR_ANSWERED = dg.AssetCheckSpec(
    "edgar_answered", asset=ARCHIVE, description="Every filing that EDGAR lists as new was fetched. Passes offline."
)
EDGAR_CONSISTENT = dg.AssetCheckSpec(
    "edgar_consistent",
    asset=ARCHIVE,
    description="EDGAR changed nothing that it had served before, and every ticker of the watch list is still that of "
    "the CIK it is pinned to. Passes offline.",
)
NO_CONFLICTING_FACTS = dg.AssetCheckSpec(
    "no_conflicting_facts",
    asset=dg.AssetKey(["raw", "xbrl_facts"]),
    description="No fact of a filing was given with two values; the first one stays (raw.fact_conflicts).",
)
NOTHING_QUARANTINED = dg.AssetCheckSpec(
    "nothing_quarantined",
    asset=dg.AssetKey(["raw", "payloads"]),
    description="Every archived payload could be read (raw.payloads says why not).",
)
NOTHING_SET_ASIDE = dg.AssetCheckSpec(
    "nothing_set_aside",
    asset=dg.AssetKey(["raw", "set_aside"]),
    description="No line of a list of filings and no fact that could be a metric of the watch list was set aside, and "
    "no filing gave nothing but such facts (raw.set_aside names all of them, with the reason).",
)
NOTHING_FROM_THE_FUTURE = dg.AssetCheckSpec(
    "nothing_from_the_future",
    asset=dg.AssetKey(["raw", "filings"]),
    description="No filing is dated later than EDGAR can date it on the day it was received, no hand-entered figure "
    "later than today.",
)
DECISIONS_READABLE = dg.AssetCheckSpec(
    "decisions_are_readable",
    asset=dg.AssetKey(["raw", "decisions"]),
    description="Every line of decisions.jsonl is a decision; one that is none is left out, and named.",
)
NOTHING_PENDING = dg.AssetCheckSpec(
    "nothing_pending",
    asset=dg.AssetKey(["raw", "pending_filings"]),
    description="The facts of every report that EDGAR lists are archived; what is pending is asked for again by every "
    "fetch (raw.pending_filings says why).",
)
NO_REFUSED_ROWS = dg.AssetCheckSpec(
    "no_refused_rows",
    asset=dg.AssetKey(["raw", "curated_figures"]),
    description="No hand-entered row was refused (raw.refused_rows names file, line and reason).",
)
NO_DOUBTFUL_DATES = dg.AssetCheckSpec(
    "no_doubtful_dates",
    asset=dg.AssetKey(["raw", "curated_figures"]),
    description="No hand-entered figure above low confidence speaks of the day it became known, of the day it was "
    "collected or of a census's day (raw.doubtful_rows names file, line and reason).",
)


def warn_if_any(spec: dg.AssetCheckSpec, found: Sequence[str]) -> dg.AssetCheckResult:
    """Passes when nothing was found; else a warning with a line for each, the first twenty."""
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(found)}: {one_line(found[0])}" if found else None,
        metadata={
            "count": len(found),
            "found": dg.MetadataValue.md("\n".join(f"- {markdown_text(line)}" for line in found[:20])),
        },
    )
