"""What is said of one gap, wherever it is said: shell, footnote, workbook and page take these sentences.

Belongs here: the wording of the finding, of its change, range, age and doubt, and reading what that needs from the
marts. Does not belong here: tables and layout (show.py, explain.py, xlsx.py, report/), arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import duckdb

from warehouse.formats import percent, usd
from warehouse.readers.read import query

Row = Mapping[str, Any]

_RUN_RATE = {
    "actual_run_rate": "4 x the quarter NVIDIA reported",
    "trailing_12m": "the last four quarters NVIDIA reported",
    "forecast_run_rate": "4 x a forecast of the quarter, as published then",
    "spending_estimate": "a year's spending on AI infrastructure, as published then",
    "all_accelerators": "4 x the quarter of every vendor of accelerators that states it",
}
_AI_REVENUE = {
    "assumed": "AI revenue is assumed, not measured",
    "measured_run_rate": "AI revenue adds up companies' latest run rates, overlaps netted",
    "estimated_run_rate": "AI revenue is companies' quarters as reported or interpolated, x 4, overlaps netted",
    "measured_trailing_12m": "AI revenue adds up companies' trailing twelve months, overlaps netted",
}
_SALES = {
    "actual_run_rate": "NVIDIA's data-center revenue runs at {} a year",
    "trailing_12m": "NVIDIA's data-center revenue of the last four quarters was {}",
    "forecast_run_rate": "NVIDIA's data-center revenue was forecast to run at {} a year",
    "spending_estimate": "the case starts from a year's spending on AI infrastructure",
    "all_accelerators": "the accelerators that vendors state run at {} a year",
}
UNLIKE = "Not like for like"
#: Before a basis that counts the user's own figures.
_OWN = "own:"
LIFETIME = "Required revenue is what one year's chips must earn over their life, not every year."
#: Said where a run rate is drawn: a pace, which no year has earned.
PACE = "A run rate is a year at that quarter's rate, not a year's revenue."
#: The kinds of marts.ai_revenue_bridge, in the order in which they are told.
BRIDGE = {
    "growth_usd": "from companies seen at both ends",
    "entrant_usd": "first statements",
    "catch_up_usd": "late",
    "exit_usd": "exits",
    "netting_usd": "netting",
}


# --- what is read -------------------------------------------------------------------------------


class Evidence(NamedTuple):
    """What stands beside the gaps of a file, as known on one day.

    :ivar totals: quarter and basis -> its row of marts.ai_revenue_totals, with the sums of marts.ai_revenue_bridge.
    :ivar ends: quarter -> the gaps of scenarios low and high.
    :ivar benchmarks: quarter and basis -> the least and the largest published total.
    """

    totals: dict[tuple[str, str], Row]
    ends: dict[str, list[int]]
    benchmarks: dict[tuple[str, str], tuple[int, int]]


def as_of_table(table: str, as_of: date | None) -> str:
    """A mart as it is now, or as it was known at the end of a day."""
    if as_of is None:
        return f"marts.{table}"
    return f"marts.{table}_as_of(date '{as_of}')"


def read_evidence(connection: duckdb.DuckDBPyConnection, as_of: date | None = None) -> Evidence:
    """Of every quarter at once; `as_of` as in show.gap_rows."""
    gaps, bridge, series = (as_of_table(f"ai_revenue_{name}", as_of) for name in ("gap", "bridge", "totals"))
    sums = ", ".join(f"cast(sum({kind}) as bigint) as {kind}" for kind in ("before_usd", *BRIDGE, "after_usd"))
    totals = query(
        connection,
        f"""with bridge as (
                select calendar_quarter, ai_revenue_basis, {sums}
                from {bridge} group by calendar_quarter, ai_revenue_basis
            )
            select totals.* exclude (fact_ids), bridge.* exclude (calendar_quarter, ai_revenue_basis)
            from {series} as totals
            left join bridge using (calendar_quarter, ai_revenue_basis)""",
    ).as_dicts()
    ends = query(
        connection,
        f"""select calendar_quarter, list_sort(list(gap_usd)) from {gaps}
            where scenario in ('low', 'high') and gap_usd is not null group by calendar_quarter having count(*) = 2""",
    ).rows
    benchmarks = query(
        connection,
        f"""select calendar_quarter, ai_revenue_basis, min(benchmark_usd), max(benchmark_usd)
            from marts.ai_revenue_benchmarks where known_from <= date '{as_of or date.max}' group by all""",
    ).rows
    return Evidence(
        {(row["calendar_quarter"], row["ai_revenue_basis"]): row for row in totals},
        dict(ends),
        {(quarter, basis): (low, high) for quarter, basis, low, high in benchmarks},
    )


def _of(row: Row, evidence: Evidence) -> Row:
    """The total behind the AI revenue of a row; nothing where it is assumed."""
    return evidence.totals.get((row["calendar_quarter"], row["ai_revenue_basis"]), {})


# --- what is said -------------------------------------------------------------------------------


def sentences(row: Row, evidence: Evidence) -> list[str]:
    """All that is said of one row of marts.ai_revenue_gap, each sentence by itself, the finding first."""
    said = [finding(row), change(row, evidence), span(row, evidence), f"Stands on: {stands_on(row, evidence)}."]
    said += [benchmarks(row, evidence)]
    if not row["is_like_for_like"]:
        said.append(f"{UNLIKE}: the two sides differ in basis, or in span for a company.")
    return [*filter(None, said), LIFETIME]


def finding(row: Row) -> str:
    """What the row comes to."""
    sales = _SALES[row["run_rate_basis"]].format(usd(row["run_rate_usd"]))
    required = usd(row["required_revenue_usd"])
    need = f"{row['calendar_quarter']}: {sales}. To pay that back takes {required} of AI revenue"
    if row["ai_revenue_usd"] is None:
        return f"{need}; what there was of it is not known."
    verb = "assumed covers" if row["ai_revenue_basis"] == "assumed" else "measured covers"
    earned = f"the {usd(row['ai_revenue_usd'])} a year {verb} {percent(row['coverage_share'])}"
    return f"{need}; {earned}. The gap: {usd(row['gap_usd'])}."


def change(row: Row, evidence: Evidence) -> str:
    """The bridge from the quarter before in one line, whose parts add up as they are written; '' where there is none.

    It takes apart the central sum: of an end of the range nothing is said.
    """
    total = _of(row, evidence)
    if total.get("before_usd") is None or row.get("ai_revenue_end", "central") != "central":
        return ""
    whole, *parts = apportioned(total["after_usd"] - total["before_usd"], [total[kind] for kind in BRIDGE])
    told = ", ".join(f"{part} {words}" for part, words in zip(parts, BRIDGE.values(), strict=True) if part)
    said = f"AI revenue since {_before(row['calendar_quarter'])}: {whole or 'no change'}"
    return f"{said} = {told}." if told else f"{said}."


def _before(quarter: str) -> str:
    year, number = int(quarter[:4]), int(quarter[5])
    return f"{year}Q{number - 1}" if number > 1 else f"{year - 1}Q4"


def apportioned(total: int, parts: Sequence[int]) -> list[str]:
    """A sum and its parts, signed and in one unit, rounded so that what is written still adds up; '' for none of it.

    :param total: whole USD, :param parts: whole USD that sum to it.
    """
    is_large = max(map(abs, [total, *parts])) >= 999_500_000
    unit = 100_000_000 if is_large else 1_000_000
    whole = (2 * total + unit) // (2 * unit)
    rounded = [part // unit for part in parts]
    # What rounding down left goes to those it took most from.
    for place in sorted(range(len(parts)), key=lambda i: -(parts[i] % unit))[: whole - sum(rounded)]:
        rounded[place] += 1
    return [_signed(count, is_large) for count in (whole, *rounded)]


def _signed(count: int, is_tenths: bool) -> str:
    size = abs(count)
    written = f"${size // 10:,}.{size % 10}B" if is_tenths else f"${size:,}M"
    return f"{'-' if count < 0 else '+'}{written}" if count else ""


def span(row: Row, evidence: Evidence) -> str:
    """Between what a measured AI revenue lies, and the gap of the headline; '' where no range is known."""
    total = _of(row, evidence)
    if not total:
        return ""
    said = f"Range: AI revenue {usd(total['low_usd'])} to {usd(total['high_usd'])}"
    if row["scenario"] == "measured" and row["calendar_quarter"] in evidence.ends:
        least, most = evidence.ends[row["calendar_quarter"]]
        said += f"; the gap, at the ends of the sourced shares too, {usd(least)} to {usd(most)}"
    return f"{said}."


def stands_on(row: Row, evidence: Evidence) -> str:
    """Bases, age and assumptions of one row of marts.ai_revenue_gap, as one phrase."""
    basis: str = row["ai_revenue_basis"]
    ai_revenue = _AI_REVENUE[basis.removeprefix(_OWN)]
    if basis.startswith(_OWN):
        ai_revenue += ", your own figures counted"
    if details := age(row, evidence):
        ai_revenue += f" ({details})"
    return "; ".join(
        (
            _RUN_RATE[row["run_rate_basis"]],
            ai_revenue,
            f"assumed: GPU share {percent(row['gpu_share_of_tco'])}, "
            f"end-user margin {percent(row['end_user_gross_margin'])}",
        )
    )


def age(row: Row, evidence: Evidence) -> str:
    """How many companies a measured AI revenue counts, and how old what they said is; '' where it is assumed."""
    total = _of(row, evidence)
    details = []
    if row.get("companies_counted") is not None:
        number = row["companies_counted"]
        details.append(f"{number} {'company' if number == 1 else 'companies'}")
    if total.get("stale_usd"):
        details.append(f"{usd(total['stale_usd'])} of it stated over 100 days from the quarter's end")
    if row.get("max_staleness_days") is not None:
        details.append(f"oldest figure {row['max_staleness_days']} days old at the quarter's end")
    return ", ".join(details) if row["ai_revenue_basis"] != "assumed" else ""


def benchmarks(row: Row, evidence: Evidence) -> str:
    """What others published of the same quarter on the like basis; '' for nothing."""
    # A quarter x 4 and a run rate are both a pace.
    basis = row["ai_revenue_basis"].removeprefix(_OWN).replace("estimated_run_rate", "measured_run_rate")
    if (row["calendar_quarter"], basis) not in evidence.benchmarks:
        return ""
    low, high = map(usd, evidence.benchmarks[row["calendar_quarter"], basis])
    return f"Published totals of the same quarter: {low if low == high else f'{low} to {high}'}."
