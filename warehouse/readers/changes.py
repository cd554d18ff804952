"""What moved: between two days of one published file, or between two published files.

Belongs here: the rows of `aigap changes` and `aigap diff`, and their text for a person and for CHANGELOG.md. Does not
belong here: the versions themselves (dbt_project), opening the published file (read.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import Mistake
from warehouse.formats import one_line, table, usd
from warehouse.readers.read import Rows, check_version, literal, query
from warehouse.readers.review import decided_by_quarter
from warehouse.readers.words import apportioned
from warehouse.settings import DEFAULT_MEMORY
from warehouse.store.macros import GAP_MOVED

_COLUMNS = (
    "calendar_quarter, scenario, change, run_rate_before_usd, run_rate_after_usd, ai_revenue_before_usd, "
    "ai_revenue_after_usd, gap_before_usd, gap_after_usd, gap_change_usd"
)


def changes(connection: duckdb.DuckDBPyConnection, since: date, until: date, scenario: str) -> Rows:
    """What the gap of each quarter was on `since`, what it was on `until`, and the statements that are new behind it.

    :param scenario: a scenario, or all.
    :return: rows of the macro gap_changes, newest quarter first; none where nothing moved. `by_company` has the
        change of AI revenue in whole dollars, company by company.
    :raises Mistake: the days are the wrong way round.
    """
    if until < since:
        raise Mistake(f"--until {until} is before --since {since}")
    wanted = "true" if scenario == "all" else f"scenario = {literal(scenario)}"
    found = query(
        connection,
        f"select {_COLUMNS}, known_from, by_company, because "
        f"from marts.gap_changes(date '{since}', date '{until}') where {wanted}",
    )
    decided = decided_by_quarter(connection, f"decided_on > date '{since}' and decided_on <= date '{until}'")
    return _with_decisions(found, decided)


def _with_decisions(found: Rows, decided: Mapping[str, Collection[str]]) -> Rows:
    """An operator's word moves a number as a filing does."""
    quarter, because = found.columns.index("calendar_quarter"), found.columns.index("because")
    rows = [
        (*row[:because], [*row[because], *sorted(decided.get(row[quarter], ()))], *row[because + 1 :])
        for row in found.rows
    ]
    return found._replace(rows=rows)


def diff(old: Path, new: Path) -> Rows:
    """Every gap that two published files put differently, by current knowledge of each.

    :return: the columns of :func:`changes` without known_from and by_company; `change` is new, moved or gone.
    :raises Mistake: a file is not there or is not a published file.
    :raises WarehouseError: its tables are of another version.
    """
    for path in (old, new):
        if not path.is_file():
            raise Mistake(f"{path} is not there; give two published files, such as two of generations/*.duckdb")
    connection = duckdb.connect(
        ":memory:", config={"threads": 2, "memory_limit": DEFAULT_MEMORY, "autoload_known_extensions": False}
    )
    try:
        connection.execute(f"attach {literal(str(old))} as before (read_only)")
        connection.execute(f"attach {literal(str(new))} as after (read_only)")
        for path, name in ((old, "before"), (new, "after")):
            check_version(connection, str(path), f"{name}.meta")
        before, after = (decided_by_quarter(connection, database=name) for name in ("before", "after"))
        told = {
            quarter: [
                *(f"+ {word}" for word in after.get(quarter, set()) - before.get(quarter, set())),
                *(f"- {word}" for word in before.get(quarter, set()) - after.get(quarter, set())),
            ]
            for quarter in {*before, *after}
        }
        return _with_decisions(query(connection, _DIFF), told)
    except duckdb.Error as error:
        raise Mistake(f"these are not two published files: {str(error).strip().splitlines()[0]}") from error
    finally:
        connection.close()


_DIFF = f"""
    with before as (
        from before.marts.ai_revenue_gap
    ),
    after as (
        from after.marts.ai_revenue_gap
    ),
{GAP_MOVED}
    named as (
        select fact_id, source_title || coalesce(' (' || accession || ')', '') as title from after.marts.citations
        union
        select fact_id, source_title || coalesce(' (' || accession || ')', '') from before.marts.citations
        where fact_id not in (select fact_id from after.marts.citations)
    ),
    reasons as (
        select calendar_quarter, scenario, list_sort(list(distinct because)) as because
        from (
            select calendar_quarter, scenario, '+ ' || title as because
            from moved cross join unnest(new_fact_ids) as x (fact_id) inner join named using (fact_id)
            union all
            select calendar_quarter, scenario, '- ' || title
            from moved cross join unnest(dropped_fact_ids) as x (fact_id) inner join named using (fact_id)
        )
        group by calendar_quarter, scenario
    )
    select {_COLUMNS}, coalesce(because, []) as because
    from moved left join reasons using (calendar_quarter, scenario)
    order by calendar_quarter desc, scenario
"""


def text(found: Rows, nothing: str) -> str:
    """The rows for a person: one table, then under each quarter why. `nothing` is what to say of no rows."""
    if not found.rows:
        return nothing + "\n"
    rows = found.as_dicts()
    columns = ["quarter", "scenario", "", "run rate", "AI revenue", "gap before", "gap after", "change"]
    cells = [
        [
            row["calendar_quarter"],
            row["scenario"],
            row["change"],
            _moved(row["run_rate_before_usd"], row["run_rate_after_usd"]),
            _moved(row["ai_revenue_before_usd"], row["ai_revenue_after_usd"]),
            usd(row["gap_before_usd"]),
            usd(row["gap_after_usd"]),
            usd(row["gap_change_usd"]),
        ]
        for row in rows
    ]
    return table(columns, cells) + "\n" + "".join(_because(row) for row in rows)


def markdown(found: Rows) -> str:
    """The rows as bullet points for CHANGELOG.md under "numbers changed"; '' where nothing changed."""
    lines = []
    for row in found.as_dicts():
        where = f"{row['calendar_quarter']}, {row['scenario']}"
        before, after = usd(row["gap_before_usd"]), usd(row["gap_after_usd"])
        what = {"new": f"new, gap {after}", "gone": f"gone, gap was {before}"}.get(
            row["change"], f"gap {before} to {after}"
        )
        why = "; ".join(map(one_line, row["because"])) or "no source changed: the derivation did"
        lines.append(f"- **{where}**: {what} ({why})\n")
    return "".join(lines)


def _moved(before: int | None, after: int | None) -> str:
    return usd(after) if before is None or before == after else f"{usd(before)} > {usd(after)}"


def _because(row: dict[str, Any]) -> str:
    head = f"{row['calendar_quarter']} {row['scenario']}:"
    reasons = attributed(row.get("by_company") or []) + (row["because"] or ["no source changed: the derivation did"])
    return head + "\n" + "".join(f"  {one_line(reason)}\n" for reason in reasons)


def attributed(by_company: Sequence[Mapping[str, Any]]) -> list[str]:
    """The change of AI revenue by company in one line that adds up as it is written; none where there is none."""
    if not by_company:
        return []
    parts = [part["change_usd"] for part in by_company]
    whole, *written = apportioned(sum(parts), parts)
    told = ", ".join(f"{part['company']} {amount}" for amount, part in zip(written, by_company, strict=True) if amount)
    return [f"AI revenue {whole or 'as before'}: {told}" if told else "AI revenue moved by less than is written here"]
