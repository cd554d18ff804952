"""The gap, newest quarter first, with a headline that states its own doubt.

Belongs here: which rows `aigap show` prints and the sentences around them. Does not belong here: arithmetic.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import duckdb

from warehouse.errors import Mistake, did_you_mean
from warehouse.formats import harmless, markdown, markdown_text, one_line, percent, plain, table, usd
from warehouse.readers.read import Rows, literal, query
from warehouse.readers.words import UNLIKE, as_of_table, read_evidence
from warehouse.readers.words import sentences as told

if TYPE_CHECKING:
    from warehouse.readers.bars import Terminal

_WARNED = "With reservations"
_RESERVATIONS = (UNLIKE, _WARNED)


def gap_rows(
    connection: duckdb.DuckDBPyConnection,
    scenario: str,
    last: int | None,
    as_of: date | None = None,
    quarter: str | None = None,
) -> Rows:
    """Rows of marts.ai_revenue_gap, newest quarter first.

    :param scenario: a scenario, or all.
    :param last: how many quarters; None for every one.
    :param as_of: as known at the end of this day; None for now. From a day on which Cahn's case of a quarter was
        known, his frozen case stands beside what the filings of that day gave.
    :param quarter: this one alone, as the marts write it.
    :raises Mistake: no such scenario, or none of that quarter; lists those there are.
    """
    found = query(connection, gap_sql(scenario, last, as_of, quarter))
    if not found.rows:
        source = as_of_table("ai_revenue_gap", as_of)
        of_quarter = f" where calendar_quarter = {literal(quarter)}" if quarter else ""
        rows = query(connection, f"select distinct scenario from {source}{of_quarter} order by scenario").rows
        names = [row[0] for row in rows]
        if as_of and quarter and not names:
            raise Mistake(f"nothing of {quarter} was known as of {as_of}")
        if as_of and not names:
            raise Mistake(f"nothing was known on {as_of}: the question was first asked on 2023-09-20")
        raise Mistake(
            f"there is no scenario {one_line(scenario)!r}{of_quarter and f' of {quarter}'}"
            f"; there are: {', '.join(names)}, or all{did_you_mean(scenario, [*names, 'all'])}"
        )
    return found


def gap_sql(scenario: str, last: int | None, as_of: date | None = None, quarter: str | None = None) -> str:
    """The query behind gap_rows."""
    wanted = "true" if scenario == "all" else f"scenario = {literal(scenario)}"
    wanted += f" and calendar_quarter = {literal(quarter)}" if quarter else ""
    return (
        f"from {as_of_table('ai_revenue_gap', as_of)} where {wanted} "
        f"qualify dense_rank() over (order by calendar_quarter desc) <= {last or 1_000_000} "
        "order by calendar_quarter desc, scenario"
    )


def forecasts_since(connection: duckdb.DuckDBPyConnection, found: Rows) -> str:
    """What became of the forecasts among the rows, known only later: one line each, '' for none."""
    scenarios = {row["scenario"] for row in found.as_dicts() if row["run_rate_basis"] == "forecast_run_rate"}
    errors = query(connection, "from marts.forecast_errors where actual_run_rate_usd is not null").as_dicts()
    return "".join(
        f"{row['scenario']} forecast a run rate of {usd(row['forecast_run_rate_usd'])} for {row['calendar_quarter']}; "
        f"reported on {row['actual_known_from']}: {usd(row['actual_run_rate_usd'])} (error {usd(row['error_usd'])}).\n"
        for row in errors
        if row["scenario"] in scenarios
    )


def gap_table(found: Rows, with_scenario: bool, style: str = "table", screen: Terminal | None = None) -> str:
    """The rows for reading: money in billions of USD.

    :param style: table or md.
    :param screen: a terminal to fit the table to, with bars where there is room; None for the whole table, plain.
    """
    columns, rows = _cells(found, with_scenario)
    if screen:
        return _on_screen(found, columns, rows, screen)
    make = markdown if style == "md" else table
    return make(columns, rows, right=_figures(columns))


def _cells(found: Rows, with_scenario: bool) -> tuple[list[str], list[list[str]]]:
    columns = [
        "quarter",
        "scenario",
        "run rate",
        "spend",
        "required",
        "AI revenue",
        "gap",
        "covered",
        "like for like",
        "known from",
    ]
    rows = [
        [
            row["calendar_quarter"],
            row["scenario"],
            usd(row["run_rate_usd"]),
            usd(row["data_center_spend_usd"]),
            usd(row["required_revenue_usd"]),
            usd(row["ai_revenue_usd"]),
            usd(row["gap_usd"]),
            percent(row["coverage_share"]),
            "yes" if row["is_like_for_like"] else "no",
            plain(row["known_from"]),
        ]
        for row in found.as_dicts()
    ]
    return (columns, rows) if with_scenario else _without(["scenario"], columns, rows)


def _without(names: list[str], columns: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    kept = [i for i, name in enumerate(columns) if name not in names]
    return [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]


def _figures(columns: list[str]) -> set[int]:
    """Where text reads as numbers."""
    return {
        columns.index(name)
        for name in ("run rate", "spend", "required", "AI revenue", "gap", "covered")
        if name in columns
    }


def _on_screen(found: Rows, columns: list[str], rows: list[list[str]], screen: Terminal) -> str:
    from warehouse.readers.bars import BOLD, DIM, bar, left_out, wrapped

    gone, length = left_out(columns, rows, screen.width)
    columns, rows = _without(gone, columns, rows)
    head, rule, *lines = table(columns, rows, right=_figures(columns)).splitlines()
    if length:
        amounts = [(row["required_revenue_usd"], row["ai_revenue_usd"]) for row in found.as_dicts()]
        largest = max(required for required, _ in amounts)
        lines = [
            f"{line:{len(rule)}}  {bar(screen, length, earned, required, largest)}"
            for line, (required, earned) in zip(lines, amounts, strict=True)
        ]
    notes = ""
    if length:
        full, empty = screen.characters
        notes += f"{full} AI revenue, {empty} the rest of what is required; the longest bar is {usd(largest)}\n"
    if gone:
        notes += f"left out at this width: {', '.join(gone)}\n"
    dim = [screen.paint(DIM, line) for line in wrapped(screen, notes).splitlines()]
    return "\n".join([screen.paint(BOLD, head), screen.paint(DIM, rule), *lines, *dim]) + "\n"


def sentences(text: str, style: str, screen: Terminal | None = None) -> str:
    """Lines of text for reading: as they are, as Markdown paragraphs, or broken at the terminal's width."""
    if style == "md":
        return "".join(f"\n{markdown_text(line)}\n" for line in text.splitlines())
    text = harmless(text)
    if screen is None:
        return text
    from warehouse.readers.bars import YELLOW, wrapped

    return "".join(
        screen.paint(YELLOW, line) + "\n" if line.startswith(_RESERVATIONS) else line + "\n"
        for line in wrapped(screen, text).splitlines()
    )


def headline(connection: duckdb.DuckDBPyConnection, found: Rows, as_of: date | None = None) -> str:
    """What is said of the newest quarter that has a gap, a line a sentence; `as_of` as in gap_rows."""
    rows = [row for row in found.as_dicts() if row["gap_usd"] is not None]
    if not rows:
        return f"No quarter of scenario {found.as_dicts()[0]['scenario']} has a gap: its AI revenue is not known.\n"
    return "\n".join(told(rows[0], read_evidence(connection, as_of))) + "\n"


def footer(connection: duckdb.DuckDBPyConnection, quarter: str) -> str:
    """Which publish this is, and where to look next."""
    build = query(
        connection,
        "select generation, strftime(built_at at time zone 'UTC', '%Y-%m-%d %H:%M UTC') as built, newest_filing_on, "
        "newest_accession, checks_passed, warnings from meta.build",
    ).as_dicts()[0]
    lines = [
        f"Generation {build['generation']}, published {build['built']}; newest filing {build['newest_filing_on']} "
        f"({one_line(str(build['newest_accession']))}); {build['checks_passed']} checks passed."
    ]
    if build["warnings"]:
        lines.append(f"{_WARNED}: {', '.join(map(one_line, build['warnings']))}.")
    lines.append(f"Every source: aigap explain {quarter}")
    return "\n".join(lines) + "\n"
