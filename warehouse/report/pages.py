"""HTML of the pages, and the scripts in them.

Belongs here: the layout of a page, its content policy, the stamp by which a page is known. Does not belong here: which
pages there are (site.py), data (carry.py).
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import subprocess
import sys
from collections.abc import Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import WarehouseError, reason
from warehouse.readers import words
from warehouse.report.spec import Chart, query

_HERE = Path(__file__).parent
#: The pages of the site, in their order.
TOPICS = {
    "gap": "The gap",
    "revenue": "AI revenue",
    "buyers": "Buyers and capex",
    "hardware": "Hardware",
    "supply": "Supply and forecast",
    "method": "Method",
    "changes": "Changes",
}
LICENCE = "Code MIT; the compilation MIT, figures of Epoch AI CC BY 4.0"


def fill(slots: dict[str, str]) -> str:
    """The page with these parts. Every slot of page.html has one."""
    parts = _read("page.html").split("{{")
    return parts[0] + "".join(slots[name] + rest for name, _, rest in (part.partition("}}") for part in parts[1:]))


def style() -> str:
    return _read("page.css")


def script() -> str:
    """The pages' own, in the order of its files."""
    return "\n".join(path.read_text("utf-8") for path in sorted((_HERE / "script").glob("*.js")))


def _read(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def own_policy(*scripts: str) -> str:
    """What one file with everything in it may do: run these scripts, by hash, and ask for nothing."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


#: What a page of the site may do: load what lies beside it, from a host or from disk, and ask for nothing else.
SITE_POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data:; "
    "base-uri 'none'; form-action 'none'"
)


def stamp(connection: duckdb.DuckDBPyConnection) -> str:
    """Generation and content of the published file, and a hash of the program that makes the page; "" without build."""
    found = build(connection)
    if not found:
        return ""
    program = hashlib.sha256(version("vl-convert-python").encode())
    for path in sorted(
        p
        for p in [*_HERE.rglob("*.[pjhc]*s*"), *_HERE.rglob("*.py"), _HERE / "page.html", Path(words.__file__)]
        if p.is_file()
    ):
        program.update(path.read_bytes())
    return f"aigap {found['generation']}-{found['content_hash'][:16]}-{program.hexdigest()[:16]}"


@functools.cache
def vega() -> str:
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


def figure(chart: Chart, known: str, files: Sequence[str] = (), root: str = "") -> str:
    """A chart's section.

    :param known: the newest filing and the newest figure behind the page, :param files: endings of the files beside it
        in charts/, :param root: from the page to the site's first folder.
    """
    name = chart.id
    controls = f'<div class="controls">{chart.controls}</div>' if chart.controls else ""
    caveat = f'<p class="caveat">{escape(chart.caveat)}</p>' if chart.caveat else ""
    links = "".join(f'<a href="{root}charts/{name}.{ending}">{ending.upper()}</a> ' for ending in files)
    columns = f' <a href="{root}data/datapackage.json">Columns</a>' if "png" in files else ""
    beside = (
        f'<p class="beside">{links}<a href="{root}charts/{name}.html">Alone</a> '
        f'<a href="{root}method.html">Method</a>{columns}</p>'
        f'<details class="embed"><summary>Embed</summary><code>&lt;iframe src="charts/{name}.html" title='
        f'"{escape(escape(chart.title))}" width="100%" height="640" loading="lazy"&gt;&lt;/iframe&gt;</code></details>'
        if files
        else ""
    )
    drawing = (
        f"""
  <figure>
    {chart.key}
    <p id="{name}-description" class="hidden">{escape(chart.description)} The table below holds the same numbers.</p>
    <div class="chart" id="{name}-chart" tabindex="0" role="application" aria-roledescription="chart"
      aria-labelledby="{name}-title" aria-describedby="{name}-description keys"
      style="min-height: {chart.spec["height"] + 32}px"></div>
  </figure>"""
        if chart.spec
        else ""
    )
    return f"""
<section id="{name}" aria-labelledby="{name}-title">
  <h2 id="{name}-title">{escape(chart.title)} <small id="{name}-shows">{escape(chart.shows)}</small></h2>
  <p class="lede">{escape(chart.lede)}</p>
  {controls}
  <p class="note" id="{name}-note" aria-live="polite"></p>{drawing}
  {caveat}
  <details class="data"><summary>Table and sources</summary></details>
  <p class="source">Sources: each row cites its own. {escape(known)} {LICENCE}.</p>
  {beside}
</section>"""


def statements(connection: duckdb.DuckDBPyConnection) -> str:
    """The standing statements, each with what would make it false."""
    rows = query(connection, "from marts.standing_statements order by place").dicts()
    items = "".join(
        f"<li{'' if row['holds'] else ' class=fallen'}>{escape(row['sentence'])} "
        f"<small>{'False' if row['holds'] else 'It was false'} when {escape(row['false_when'])}; "
        f"number of {row['known_from']}.{'' if row['holds'] else ' It no longer holds.'}</small></li>"
        for row in rows
    )
    return f'<section class="statements"><h2>What stands today</h2><ol>{items}</ol></section>' if rows else ""


def navigation(charts: Sequence[Chart]) -> str:
    items = "".join(f'<li><a href="#{chart.id}">{escape(chart.title)}</a></li>' for chart in charts)
    return f'<nav aria-label="Charts"><ol>{items}</ol></nav>'


def topics(current: str, root: str) -> str:
    """The links between the pages of the site."""
    pages = {"index": "Start", **TOPICS}
    items = "".join(
        f'<li><a href="{root}{name}.html"{" aria-current=page" if name == current else ""}>{escape(title)}</a></li>'
        for name, title in pages.items()
    )
    return f'<nav class="topics" aria-label="Pages"><ul>{items}</ul></nav>'


def known(connection: duckdb.DuckDBPyConnection) -> str:
    """How new what is shown is: by filing and by figure."""
    ((filing, figure),) = query(
        connection,
        "select max(filed_on) filter (accession is not null), max(filed_on) filter (accession is null) "
        "from marts.citations",
    ).values
    return f"Newest filing {filing or 'none'}, newest figure {figure or 'none'}."


def colophon(connection: duckdb.DuckDBPyConnection) -> str:
    """Which build this is; without meta.build, the day of the newest knowledge in it."""
    if found := build(connection):
        warnings = "".join(f"<li>{escape(warning)}</li>" for warning in found["warnings"])
        warned = f"<p>Checks that warned, so that the numbers stand with a reservation:</p><ul>{warnings}</ul>"
        return (
            f"<p>Published {found['built_on']} as generation {found['generation']}, from filings up to "
            f"{found['newest_filing_on']} ({escape(found['newest_accession'] or 'no accession')}), "
            f"{found['checks_passed']} checks passed. Content "
            f"<code>{escape(found['content_hash'][:16])}</code>.</p>" + (warned if warnings else "")
        )
    newest = query(connection, "select max(known_from) from marts.ai_revenue_gap_versions").values[0][0]
    return f"<p>What was known by {newest}.</p>"


def build(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
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
