"""The page: one self-contained HTML file made from the published file.

Belongs here: everything between the marts and that file (charts.py what is drawn, digits.py its numbers, page.* the
page itself; its sentences are those of every reader, warehouse/readers/words.py). Does not belong here: derivation
(dbt_project), other ways to read (read.py).

Charts are Vega-Lite specifications written as plain dicts and carried as JSON, with the JavaScript bundle that
vl-convert brings. Altair would write the same JSON from objects: two packages and a second vocabulary more, and none
of its conveniences (data frames, notebook display) has a use here, where rows come from SQL. A test compiles the
specifications, which is what Altair's schema check would have been for.

What the page promises: no request ever leaves it (the content policy forbids all, and allows exactly its own two
scripts, by hash, without eval: Vega runs its expression interpreter); no text of a source becomes markup; every number
in it is exact, rounded only when shown; the same published file gives the same bytes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import NotPublished, WarehouseError, reason
from warehouse.readers import words
from warehouse.report.charts import CHARTS, Chart, Rows, query
from warehouse.report.digits import SCENARIOS, money, percent
from warehouse.store.home import replace_file

__all__ = ["is_current", "render", "write_report"]

_HERE = Path(__file__).parent
#: Opened first: the newest quarter that this scenario has a gap for.
_HEADLINE = "measured"


def write_report(published: Path, out: Path) -> Path:
    """Write the page of `published` (a published DuckDB file, opened read-only) to `out`, and return `out`.

    Missing folders are made. The file is replaced in one step: whoever has the page open never sees half of one.

    :raises NotPublished: `published` cannot be opened.
    """
    if not published.exists():
        raise NotPublished(f"{published} does not exist: nothing has been published yet; run aigap refresh")
    try:
        connection = duckdb.connect(str(published), read_only=True)
    except duckdb.Error as error:
        raise NotPublished(f"{published} cannot be opened: {str(error).splitlines()[0]}; run aigap refresh") from error
    with connection:
        page = render(connection)
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(out, page.encode())
    return out


def is_current(published: Path, out: Path) -> bool:
    """Whether `out` is a page that this program made of `published` as it is now; False where that cannot be told."""
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            stamp = _stamp(connection)
        with out.open(encoding="utf-8") as page:
            return stamp != "" and f'name="generator" content="{stamp}"' in page.read(4096)
    except (OSError, UnicodeDecodeError, duckdb.Error):
        return False


def render(connection: duckdb.DuckDBPyConnection) -> str:
    """The page as text, from a connection to a published file."""
    charts = [make(connection) for make in CHARTS]
    statements = _statements(connection)
    quarter, scenario = _first_view(statements)
    first = statements.get(quarter, {}).get(scenario, {"headline": "No quarter has been published yet.", "doubt": ""})
    data = json_for_script(_data(connection, charts, statements, quarter, scenario))
    script, style, bundle = _read("page.js"), _read("page.css"), _vega()
    policy = (
        f"default-src 'none'; script-src {_hash(bundle)} {_hash(script)}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    slots = {
        "policy": escape(policy),
        "stamp": _stamp(connection),
        "headline": escape(first["headline"]),
        "doubt": escape(first["doubt"]),
        "nav": "".join(f'<li><a href="#{chart.id}">{escape(chart.title)}</a></li>' for chart in charts),
        "figures": "".join(map(_figure, charts)),
        "colophon": _colophon(connection),
        "style": style,
        "bundle": bundle,
        "data": data,
        "script": script,
    }
    page = _read("page.html")
    parts = page.split("{{")
    return parts[0] + "".join(slots[name] + rest for name, _, rest in (part.partition("}}") for part in parts[1:]))


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


def _read(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _stamp(connection: duckdb.DuckDBPyConnection) -> str:
    """Generation and content of the published file, and a hash of the program that makes the page; "" without build."""
    build = _build(connection)
    if not build:
        return ""
    program = hashlib.sha256(version("vl-convert-python").encode())
    for path in sorted(p for p in [*_HERE.iterdir(), Path(words.__file__)] if p.is_file()):
        program.update(path.read_bytes())
    return f"aigap {build['generation']}-{build['content_hash'][:16]}-{program.hexdigest()[:16]}"


@functools.cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script (0.9 MB; 3 s to bundle, once a process).

    Made in a process of its own: where vl-convert lacks files or memory it does not fail, it panics.

    :raises WarehouseError: it could not be made.
    """
    code = "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;'))"
    done = subprocess.run([sys.executable, "-I", "-X", "utf8", "-c", code], capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")
        named = re.search(r"^\S*(?:Error|Exception): .*", said, re.MULTILINE)
        raise WarehouseError(
            f"the script of the page's charts could not be made ({reason(named[0] if named else said or 'killed')}); "
            "it needs some twenty open files and 1 GB of address space (ulimit -n, ulimit -v)"
        )
    bundle = done.stdout.decode()
    # Nothing in it may close the script element; a regular expression such as /</g has to survive.
    return re.sub("<(?=/script|!--)", r"\\x3c", bundle, flags=re.IGNORECASE)


# --- what the page carries ------------------------------------------------------------------------


def _data(
    connection: duckdb.DuckDBPyConnection,
    charts: list[Chart],
    statements: Mapping[str, Any],
    quarter: str,
    scenario: str,
) -> dict[str, Any]:
    tables = [rows for chart in charts for rows in (chart.rows, chart.table) if rows]
    used = {fact for rows in tables for row in rows.dicts() for fact in row.get("fact_ids") or ()}
    citations = query(
        connection,
        """
        select fact_id, company, metric, trim_scale(value) as value, unit, accession, form, concept, period_start,
            period_end, filed_on, source_kind, source_title, source_url, confidence
        from marts.citations order by fact_id
        """.replace("trim_scale(value)", "rtrim(rtrim(value::varchar, '0'), '.')"),
    )
    kept = Rows(citations.columns, [row for row in citations.values if row[0] in used])
    place = {row[0]: number for number, row in enumerate(kept.values)}
    comments = query(
        connection,
        "select column_name, min(comment) from duckdb_columns() "
        "where schema_name = 'marts' and comment is not null group by all order by all",
    )
    days = query(connection, "select distinct known_from from marts.ai_revenue_gap_versions order by all")
    first = statements.get(quarter, {}).get(scenario, {})
    bases = sorted({row["capex_basis"] for chart in charts for row in chart.rows.dicts() if "capex_basis" in row})
    return {
        "citations": _pack(kept, place),
        "comments": dict(comments.values),
        "days": [day for (day,) in days.values],
        "statements": statements,
        "scenarios": SCENARIOS,
        "state": {
            "quarter": quarter,
            "scenario": scenario,
            "basis": bases[0] if bases else "",
            "gpu": first.get("gpu"),
            "margin": first.get("margin"),
            "day": days.values[-1][0] if days.values else "",
        },
        "charts": [
            {
                "id": chart.id,
                "title": chart.title,
                "spec": chart.spec,
                "rows": _pack(chart.rows, place),
                "table": chart.table and _pack(chart.table, place),
                "where": dict(chart.where),
                "asOf": chart.as_of,
                "derive": chart.derive,
                "signals": chart.signals,
            }
            for chart in charts
        ],
    }


def _pack(rows: Rows, place: Mapping[str, int]) -> dict[str, Any]:
    """Fact ids become places in the citations: half the page would be ids otherwise."""
    if "fact_ids" not in rows.columns:
        return {"columns": rows.columns, "values": rows.values}
    at = rows.columns.index("fact_ids")

    def packed(row: tuple[Any, ...]) -> list[Any]:
        facts = list(dict.fromkeys(place[fact] for fact in row[at] or () if fact in place))
        return [*row[:at], facts, *row[at + 1 :]]

    return {"columns": rows.columns, "values": [packed(row) for row in rows.values]}


def _statements(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, dict[str, Any]]]:
    """Quarter -> scenario -> what the head of the page says of it, newest quarter first."""
    gaps = query(connection, "from marts.ai_revenue_gap order by calendar_quarter desc, scenario").dicts()
    evidence = words.read_evidence(connection)
    statements: dict[str, dict[str, dict[str, Any]]] = {}
    for gap in gaps:
        found, *rest = words.sentences(gap, evidence)
        statements.setdefault(gap["calendar_quarter"], {})[gap["scenario"]] = {
            "headline": found,
            "doubt": " ".join(rest),
            "required": money(gap["required_revenue_usd"]),
            "earned": money(gap["ai_revenue_usd"]),
            "gap": money(gap["gap_usd"]),
            "coverage": percent(gap["coverage_share"]),
            "gpu": _number(gap["gpu_share_of_tco"]),
            "margin": _number(gap["end_user_gross_margin"]),
        }
    return statements


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


# --- static parts of the page -----------------------------------------------------------------------


def _figure(chart: Chart) -> str:
    name = chart.id
    controls = f'<div class="controls">{chart.controls}</div>' if chart.controls else ""
    return f"""
<section id="{name}" aria-labelledby="{name}-title">
  <h2 id="{name}-title">{escape(chart.title)}</h2>
  <p class="lede">{escape(chart.lede)}</p>
  {controls}
  <p class="note" id="{name}-note" aria-live="polite"></p>
  <figure>
    {chart.key}
    <p id="{name}-description" class="hidden">{escape(chart.description)} The table below holds the same numbers.</p>
    <div class="chart" id="{name}-chart" tabindex="0" role="application" aria-roledescription="chart"
      aria-labelledby="{name}-title" aria-describedby="{name}-description keys"
      style="min-height: {chart.spec["height"] + 32}px"></div>
  </figure>
  <details class="data"><summary>Table and sources</summary></details>
</section>"""


def _colophon(connection: duckdb.DuckDBPyConnection) -> str:
    """Which build this is; without meta.build, the day of the newest knowledge in it."""
    if build := _build(connection):
        warnings = "".join(f"<li>{escape(warning)}</li>" for warning in build["warnings"])
        warned = f"<p>Checks that warned, so that the numbers stand with a reservation:</p><ul>{warnings}</ul>"
        return (
            f"<p>Published {build['built_on']} as generation {build['generation']}, from filings up to "
            f"{build['newest_filing_on']} ({escape(build['newest_accession'] or 'no accession')}), "
            f"{build['checks_passed']} checks passed. Content "
            f"<code>{escape(build['content_hash'][:16])}</code>.</p>" + (warned if warnings else "")
        )
    newest = query(connection, "select max(known_from) from marts.ai_revenue_gap_versions").values[0][0]
    return f"<p>What was known by {newest}.</p>"


def _build(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """The row of meta.build, and `built_on`; None where a file has none."""
    has_build = connection.execute(
        "select count(*) from information_schema.tables where table_schema = 'meta' and table_name = 'build'"
    ).fetchone()
    if not has_build or not has_build[0]:
        return None
    builds = query(
        connection, "select *, strftime(built_at at time zone 'UTC', '%Y-%m-%d') as built_on from meta.build"
    ).dicts()
    return builds[0] if builds else None
