"""Where a gap comes from: the tree from one number down to the statements it rests on.

Belongs here: reading that tree from the published marts, and its text form. Does not belong here: arithmetic; every
number here is a row of a mart.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import duckdb

from warehouse.errors import Mistake, did_you_mean
from warehouse.formats import one_line, percent, plain, usd
from warehouse.readers.read import literal, query
from warehouse.readers.review import DECIDED, decided, decisions_on, of_quarter
from warehouse.readers.words import as_of_table, read_evidence, sentences

_AT_HAND = "select distinct calendar_quarter from marts.ai_revenue_gap order by calendar_quarter desc"
_CITED = (
    "fact_id, company, metric, value, unit, accession, form, concept, dimensions, period_start, period_end, "
    "filed_on, source_kind, source_title, source_url, sha256, confidence"
)


def calendar_quarter(connection: duckdb.DuckDBPyConnection, text: str, as_of: date | None = None) -> str:
    """`2026Q2` from what a person types, by the rule of marts.calendar_quarter_of.

    :param as_of: of this day is what is the latest.
    :raises Mistake: it is no quarter, or none at hand; says what is.
    """
    if as_of and text.strip().lower() == "latest":
        newest = f"select max(calendar_quarter) from {as_of_table('ai_revenue_gap', as_of)} where scenario = 'measured'"
        if found := query(connection, newest).rows[0][0]:
            return str(found)
        raise Mistake(f"no quarter of scenario measured was known as of {as_of}")
    try:
        return str(query(connection, f"select marts.calendar_quarter_of({literal(text)})").rows[0][0])
    except (duckdb.InvalidInputException, duckdb.ParserException):  # the macro's own word; a NUL ends a statement
        wanted = text.strip().upper()
        known = [row[0] for row in query(connection, _AT_HAND).rows]
    listed = known if len(known) <= 8 else [*known[:6], "...", known[-1]]
    there = f"; at hand: {', '.join(listed)}{did_you_mean(wanted, known)}"
    if re.fullmatch("20[0-9]{2}Q[1-4]|FY[0-9]{2}Q[1-4]", wanted):
        whose = "NVIDIA's " if wanted.startswith("FY") else ""
        raise Mistake(f"{whose}{wanted} is not at hand{_why_not(connection, wanted)}{there}")
    how = "write 2026Q2 (calendar), FY27Q2 (NVIDIA's fiscal year) or latest"
    raise Mistake(f"{one_line(text)!r} is no quarter: {how}{there}")


def _why_not(connection: duckdb.DuckDBPyConnection, quarter: str) -> str:
    """What coverage says of a quarter without a gap."""
    rows = query(
        connection,
        "select reason_missing from marts.coverage where metric = 'ai_revenue_gap' and reason_missing is not null "
        f"and calendar_quarter = {literal(quarter)}",
    ).rows
    return f" ({one_line(rows[0][0])})" if rows else ""


def explain(
    connection: duckdb.DuckDBPyConnection, quarter: str, scenario: str = "measured", as_of: date | None = None
) -> dict[str, Any]:
    """One gap as a tree: the row of marts.ai_revenue_gap, its `components` (signed whole dollars that sum to
    `gap_usd`), under each its `citations`, and under each of those the operator's `decision` on it, if there is one.
    `review` is what is set aside, pending or decided of the quarter (rows of marts.review), `said` the sentences
    of words.py, `total` the range, age and bridge of its AI revenue in whole dollars ({} where it is assumed).

    :param quarter: as a person types it.
    :param as_of: as known at the end of this day, and without what stands for review now.
    :raises Mistake: no such quarter or scenario, or none on that day; lists those there are.
    """
    label = calendar_quarter(connection, quarter, as_of)
    gap, addends = (as_of_table(f"ai_revenue_gap{name}", as_of) for name in ("", "_components"))
    here = f"calendar_quarter = {literal(label)} and scenario = {literal(scenario)}"
    gaps = query(connection, f"from {gap} where {here}").as_dicts()
    if not gaps:
        rows = query(
            connection,
            f"select scenario from {gap} where calendar_quarter = {literal(label)} order by scenario",
        ).rows
        on_that_day = f" as of {as_of}" if as_of else ""
        if rows:
            names = ", ".join(row[0] for row in rows)
            near = did_you_mean(scenario, [row[0] for row in rows])
            raise Mistake(f"{label} has no scenario {one_line(scenario)!r}{on_that_day}; it has: {names}{near}")
        raise Mistake(f"nothing of {label} was known{on_that_day}")
    order = "component_order, component"
    components = query(connection, f"from {addends} where {here} order by {order}").as_dicts()
    ids = sorted({fact_id for component in components for fact_id in component["fact_ids"] or ()})
    cited = {}
    if ids:
        wanted = ", ".join(literal(fact_id) for fact_id in ids)
        found = query(connection, f"select {_CITED} from marts.citations where fact_id in ({wanted})").as_dicts()
        decided = decisions_on(connection, found)
        cited = {citation["fact_id"]: citation | {"decision": decided.get(citation["fact_id"])} for citation in found}
    for component in components:
        statements = [cited[fact_id] for fact_id in component["fact_ids"] or () if fact_id in cited]
        component["citations"] = sorted(statements, key=_newest_last)
    evidence = read_evidence(connection, as_of)
    return gaps[0] | {
        "components": components,
        "as_of": as_of,
        "review": [] if as_of else of_quarter(connection, label),
        "said": sentences(gaps[0], evidence),
        "total": evidence.totals.get((label, gaps[0]["ai_revenue_basis"]), {}),
    }


def _newest_last(citation: dict[str, Any]) -> tuple[str, str, str]:
    return str(citation["period_end"]), str(citation["filed_on"]), citation["fact_id"]


def flat(tree: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """The tree as one row a component x citation (columns, rows), for CSV."""
    of_component = ["calendar_quarter", "scenario", "component", "signed_usd", "value_kind", "formula"]
    of_citation = _CITED.split(", ")
    rows = []
    for component in tree["components"]:
        for citation in component["citations"] or [dict.fromkeys([*of_citation, "decision"])]:
            decision = citation["decision"] and decided(citation["decision"])
            rows.append([component[c] for c in of_component] + [citation[c] for c in of_citation] + [decision])
    return [*of_component, *of_citation, "decision"], rows


def text(tree: dict[str, Any]) -> str:
    """The tree for reading."""
    lines = [
        f"{tree['calendar_quarter']}  {tree['scenario']}  gap {usd(tree['gap_usd'])}"
        + (f"  as of {tree['as_of']}" if tree["as_of"] else ""),
        f"= required {usd(tree['required_revenue_usd'])} - AI revenue {usd(tree['ai_revenue_usd'])}"
        f" ({percent(tree['coverage_share'])} covered); run rate: {tree['run_rate_basis']},"
        f" AI revenue: {tree['ai_revenue_basis']}, "
        f"{'like for like' if tree['is_like_for_like'] else 'NOT like for like'}; known from {tree['known_from']}",
        *tree["said"][1:],
        "",
    ]
    if tree["gap_usd"] is None:
        lines[1] = (
            f"required {usd(tree['required_revenue_usd'])}; no AI revenue of this quarter is known on the basis "
            f"{tree['ai_revenue_basis']}, so there is no gap; known from {tree['known_from']}"
        )
    for component in tree["components"]:
        amount = component["signed_usd"]
        sign = "" if amount is None or amount < 0 else "+"
        lines.append(
            f"{sign}{usd(amount)}  {component['component']}  [{component['value_kind']}]  {component['formula']}"
        )
        for citation in component["citations"]:
            lines += [f"    {line}" for line in _citation(citation)]
        if not component["citations"]:
            lines.append("    no statement: nothing is cited for it")
    if tree["gap_usd"] is not None:
        total = sum(c["signed_usd"] or 0 for c in tree["components"])
        if total == tree["gap_usd"]:
            lines.append(f"= {usd(total)}, to the dollar")
        else:
            lines.append(f"= {usd(total)}: the addends do NOT sum to the gap; please report this")
    shown = {
        c["decision"]["target"] for component in tree["components"] for c in component["citations"] if c["decision"]
    }
    for row in (row for row in tree["review"] if row["target"] not in shown):
        state = decided(row) if row["state"] in DECIDED else f"{row['state'].replace('_', ' ')}: {row['reason']}"
        lines += ["", f"{row['company']} {row['metric']} of {row['target']}, {state}"]
    return "\n".join(one_line(line) for line in lines) + "\n"


def _citation(citation: dict[str, Any]) -> list[str]:
    period = " to ".join(str(day) for day in (citation["period_start"], citation["period_end"]) if day)
    stated = plain(citation["value"]) or "no number"
    if citation["unit"] == "USD" and citation["value"] is not None:
        stated = f"{citation['value']:,.0f}"
    if citation["accession"]:
        source = f"{citation['company']} {citation['form']} {citation['accession']} filed {citation['filed_on']}"
        what = " ".join(part for part in (citation["concept"], _brackets(citation["dimensions"])) if part)
    else:
        source = (
            f"{citation['source_title'] or citation['company']} ({citation['source_kind']}, {citation['filed_on']})"
        )
        what = f"{citation['company']}: {citation['metric']} {citation['dimensions'] or ''}".rstrip()
    head = f"{source}: {what} = {stated} {citation['unit'] or ''}".rstrip()
    lines = [f"{head}, {period}" if period else head, citation["source_url"] or "(no public address)"]
    return [*lines, decided(citation["decision"])] if citation["decision"] else lines


def _brackets(dimensions: str | None) -> str:
    return f"[{dimensions}]" if dimensions else ""
