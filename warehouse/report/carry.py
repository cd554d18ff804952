"""What the pages carry: rows, statements, citations, packed as JSON that may stand in a script.

Belongs here: packing. Does not belong here: HTML (pages.py), files (site.py), what a chart shows (charts/).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import duckdb

from warehouse.readers import words
from warehouse.report.digits import SCENARIOS, money, percent
from warehouse.report.spec import Chart, Rows, query

#: Opened first: the newest quarter that this scenario has a gap for, and the day of Cahn's second essay.
_HEADLINE, _ESSAY = "measured", date(2024, 6, 20)


def json_for_script(value: object) -> str:
    """JSON that may stand inside a script element: no `<` survives, so nothing can close it or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_json)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _json(value: object) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):  # a share: JSON writes the shortest decimal that reads back as the same number
        return float(value)
    raise TypeError(f"a mart holds a {type(value).__name__}, which the page has no way to show: {value!r}")


class Common(NamedTuple):
    """What every page needs, whatever it shows, and where the reader starts.

    :ivar data: for the script; `headline` and `doubt` are those of the first view.
    """

    data: dict[str, Any]
    headline: str
    doubt: str


def common(connection: duckdb.DuckDBPyConnection) -> Common:
    statements, sentences = _statements(connection)
    quarter, scenario = _first_view(statements)
    first = statements.get(quarter, {}).get(scenario, {"headline": "No quarter has been published yet.", "doubt": []})
    comments = query(
        connection,
        "select column_name, min(comment) from duckdb_columns() "
        "where schema_name = 'marts' and comment is not null group by all order by all",
    )
    days = query(connection, "select distinct known_from from marts.ai_revenue_gap_versions order by all")
    known = [day for (day,) in days.values]
    data = {
        "comments": dict(comments.values),
        "days": known,
        "statements": statements,
        "sentences": sentences,
        "scenarios": SCENARIOS,
        "state": {
            "quarter": quarter,
            "scenario": scenario,
            "gpu": first.get("gpu"),
            "margin": first.get("margin"),
            "day": (_ESSAY if known[0] <= _ESSAY <= known[-1] else known[-1]) if known else "",
        },
    }
    return Common(data, first["headline"], " ".join(sentences[at] for at in first["doubt"]))


def citations(connection: duckdb.DuckDBPyConnection) -> Rows:
    """Of every fact, for `with_sources` to choose from."""
    return query(
        connection,
        """
        select fact_id, company, metric, rtrim(rtrim(value::varchar, '0'), '.') as value, unit, accession, form,
            concept, period_start, period_end, filed_on, source_kind, source_title, source_url, confidence
        from marts.citations order by fact_id
        """,
    )


def with_sources(charts: Sequence[Chart], every: Rows) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The charts for the script, and the citations that they rest on: half of a page would be fact ids otherwise."""
    tables = [rows for chart in charts for rows in (chart.rows, chart.table) if rows]
    used = {fact for rows in tables for row in rows.dicts() for fact in row.get("fact_ids") or ()}
    kept = Rows(every.columns, [row for row in every.values if row[0] in used])
    place = {row[0]: number for number, row in enumerate(kept.values)}
    carried = [
        {
            **named(chart),
            "spec": chart.spec,
            "rows": _pack(chart.rows, place),
            "table": chart.table and _pack(chart.table, place),
        }
        for chart in charts
    ]
    return carried, _pack(kept, place)


def named(chart: Chart) -> dict[str, Any]:
    """What a page must know of a chart that it has not drawn."""
    return {
        "id": chart.id,
        "title": chart.title,
        "where": dict(chart.where),
        "asOf": chart.as_of,
        "derive": chart.derive,
        "signals": chart.signals,
        "shows": chart.shows,
        "first": list(chart.first),
    }


def _pack(rows: Rows, place: Mapping[str, int]) -> dict[str, Any]:
    """Fact ids become places in the citations, texts of which a column has few become places in their list."""
    columns = [column for column in rows.columns if not column.endswith("_fact_ids")]
    packed, texts = [], {}
    for column in columns:
        at = rows.columns.index(column)
        values = [row[at] for row in rows.values]
        if column == "fact_ids":
            values = [list(dict.fromkeys(place[fact] for fact in facts or () if fact in place)) for facts in values]
        elif any(isinstance(value, str) for value in values) and 2 * len(set(values)) <= len(values):
            texts[column] = list(dict.fromkeys(value for value in values if value is not None))
            code = {value: number for number, value in enumerate(texts[column])} | {None: None}
            values = [code[value] for value in values]
        packed.append(values)
    return {"columns": columns, "values": [list(row) for row in zip(*packed, strict=True)], "texts": texts}


def _statements(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, dict[str, dict[str, Any]]], list[str]]:
    """Quarter -> scenario -> what the head of the page says of it, newest first; the sentences, each once."""
    gaps = query(connection, "from marts.ai_revenue_gap order by calendar_quarter desc, scenario").dicts()
    evidence = words.read_evidence(connection)
    pool: dict[str, int] = {}
    statements: dict[str, dict[str, dict[str, Any]]] = {}
    for gap in gaps:
        found, *rest = words.sentences(gap, evidence)
        statements.setdefault(gap["calendar_quarter"], {})[gap["scenario"]] = {
            "headline": found,
            "doubt": [pool.setdefault(sentence, len(pool)) for sentence in (*rest, words.PACE)],
            "basis": gap["ai_revenue_basis"],
            "required": money(gap["required_revenue_usd"]),
            "earned": money(gap["ai_revenue_usd"]),
            "gap": money(gap["gap_usd"]),
            "coverage": percent(gap["coverage_share"]),
            "gpu": _number(gap["gpu_share_of_tco"]),
            "margin": _number(gap["end_user_gross_margin"]),
        }
    return statements, list(pool)


def _number(share: str | float | None) -> float | None:
    """Where a slider stands; a share is text where it is to be printed."""
    return None if share is None else float(share)


def _first_view(statements: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[str, str]:
    for quarter, scenarios in statements.items():
        if scenarios.get(_HEADLINE, {}).get("gap", "unknown") != "unknown":
            return quarter, _HEADLINE
    for quarter, scenarios in statements.items():
        return quarter, next(iter(scenarios))
    return "", ""
