"""Which files the site has.

Belongs here: pages, scripts beside them, files of each chart. Does not belong here: how a page looks (pages.py), the
tables as a package (warehouse/readers/datapackage.py).

Every link is relative, so that it opens from disk and from any static host. A page loads a chart's rows as a script
beside it when the chart comes into view: a page opened from disk may load scripts and may not fetch.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import duckdb

from warehouse.formats import csv, json
from warehouse.report import carry, feed, pages, pictures
from warehouse.report.carry import json_for_script
from warehouse.report.charts import VIEWS
from warehouse.report.spec import Chart, Rows
from warehouse.store.home import beside, replace_file


def write(connection: duckdb.DuckDBPyConnection, folder: Path, *, is_whole: bool) -> Path:
    """Write the site into `folder`; its start page last, by which warehouse.report.is_current knows it."""
    for made in ("charts", "assets", "data"):  # nothing of an older generation stays
        shutil.rmtree(folder / made, ignore_errors=True)
        (folder / made).mkdir(parents=True)
    charts = {view: view.chart(connection) for view in VIEWS}
    common, sources = carry.common(connection), carry.citations(connection)
    _put(folder / "assets/vega.js", pages.vega())
    _put(folder / "assets/page.js", pages.script())
    _put(folder / "assets/page.css", pages.style())
    _put(folder / "assets/common.js", f"window.aigapCommon = {json_for_script(common.data)};\n")
    _put(folder / "changes.atom", feed.atom(connection))
    endings = ["csv", "json"]
    if is_whole:
        drawn = pictures.draw(list(charts.values()), common.data["state"], folder / "charts")
        feed.tables(connection, folder / "data")
        endings += drawn
    for chart in charts.values():
        _put(folder / f"charts/{chart.id}.js", _carried(chart, sources))
        _put(folder / f"charts/{chart.id}.csv", _csv(chart.table or chart.rows))
        _put(folder / f"charts/{chart.id}.json", json(_told(chart)))
        has = _beside(chart, endings)
        _put(folder / f"charts/{chart.id}.html", _page(connection, common, [chart], chart.title, has, "../"))
    for topic, title in pages.TOPICS.items():
        shown = [chart for view, chart in charts.items() if view.topic == topic]
        _put(folder / f"{topic}.html", _page(connection, common, shown, title, endings, "", topic))
    start = [chart for view, chart in charts.items() if view.is_on_start]
    page = _page(connection, common, start, "Where is all the revenue?", endings, "", "index")
    replace_file(folder / "index.html", page.encode())
    return folder / "index.html"


def _beside(chart: Chart, endings: Sequence[str]) -> Sequence[str]:
    """The files of a chart: one whose rows the script computes has no picture, nor has a table."""
    return endings if chart.spec and not chart.derive else endings[:2]


def _put(path: Path, text: str) -> None:
    temporary = beside(path)
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)


def _carried(chart: Chart, sources: Rows) -> str:
    (carried,), cited = carry.with_sources([chart], sources)
    content = json_for_script({**carried, "citations": cited})
    return f"(window.aigapCharts ||= {{}})[{json_for_script(chart.id)}] = {content};\n"


def _table(rows: Rows) -> Rows:
    kept = [at for at, column in enumerate(rows.columns) if not column.startswith("chart_")]
    return Rows([rows.columns[at] for at in kept], [tuple(row[at] for at in kept) for row in rows.values])


def _csv(rows: Rows) -> str:
    return csv(*_table(rows))


def _told(chart: Chart) -> dict[str, Any]:
    return {
        "id": chart.id,
        "title": chart.title,
        "description": chart.lede,
        "caveat": chart.caveat,
        "licence": pages.LICENCE,
        "rows": _table(chart.table or chart.rows).dicts(),
    }


def _page(
    connection: duckdb.DuckDBPyConnection,
    common: carry.Common,
    charts: Sequence[Chart],
    title: str,
    endings: Sequence[str],
    root: str,
    name: str = "",
) -> str:
    is_start = name == "index"
    data = {"root": root, "charts": [carry.named(chart) for chart in charts]}
    known = pages.known(connection)
    picture = (
        f'<meta property="og:image" content="{root}charts/{charts[0].id}.png">' if charts and "png" in endings else ""
    )
    scripts = "".join(f'<script src="{root}assets/{name}.js"></script>\n' for name in ("vega", "common"))
    files = {chart.id: _beside(chart, endings) for chart in charts}
    return pages.fill(
        {
            "policy": escape(pages.SITE_POLICY),
            "stamp": pages.stamp(connection),
            "title": escape(title),
            "head": f'<link rel="stylesheet" href="{root}assets/page.css">\n'
            f'<link rel="alternate" type="application/atom+xml" href="{root}changes.atom">\n{picture}',
            "topics": pages.topics(name, root),
            "headline": escape(common.headline),
            "doubt": escape(common.doubt),
            "figures": '<dl class="figures" id="figures"></dl>' if is_start else "",
            "intro": pages.statements(connection) if is_start else "",
            "nav": pages.navigation(charts) if len(charts) > 1 else "",
            "charts": "".join(pages.figure(chart, known, files[chart.id], root) for chart in charts),
            "colophon": pages.colophon(connection),
            "scripts": f'{scripts}<script type="application/json" id="data">{json_for_script(data)}</script>\n'
            f'<script src="{root}assets/page.js"></script>',
        }
    )
