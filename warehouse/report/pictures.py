"""A picture of each chart, made where the site is made: for newsletters, previews of links, and print.

Belongs here: SVG and PNG of the first view of a chart. Does not belong here: what a chart shows (charts/).

Colours are those of page.css in light mode, because a picture has no style sheet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from warehouse.report import pages
from warehouse.report.carry import json_for_script
from warehouse.report.digits import money
from warehouse.report.spec import Chart


def draw(charts: Sequence[Chart], state: Mapping[str, Any], folder: Path) -> list[str]:
    """Write a picture of every chart whose rows need no script; returns the endings of the files."""
    import json

    import vl_convert

    first = re.search(r":root \{(.*?)\}", pages.style(), re.DOTALL)
    colors: dict[str, str] = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", first[1] if first else ""))
    for chart in charts:
        if not chart.spec or chart.derive:
            continue
        spec = {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "width": 900,
            "background": colors["paper"],
            **_fit(chart.spec),
            "title": {"text": chart.title, "anchor": "start", "fontSize": 18, "offset": 24},
            "params": [{"name": name, "value": state.get(name)} for name in chart.signals],
            "data": {"name": "rows", "values": json.loads(json_for_script(_rows(chart, state)))},
        }
        text = re.sub(
            r"url\(#\w+-(\w+)\)",
            lambda found: colors.get(str(found[1]).split("_")[0], colors["muted"]),
            json.dumps(spec),
        )
        text = re.sub(r"var\(--([\w-]+)\)", lambda found: colors[found[1]], text)
        svg = vl_convert.vegalite_to_svg(json.loads(text))
        (folder / f"{chart.id}.svg").write_text(svg, "utf-8")
        (folder / f"{chart.id}.png").write_bytes(vl_convert.svg_to_png(svg, scale=1.5))
    return ["svg", "png"]


def _rows(chart: Chart, state: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = chart.rows.dicts()
    chosen = {"quarter": state["quarter"], "scenario": state["scenario"], "ai_basis": "estimated_run_rate"}
    for column, name in chart.where.items():
        value = chosen.get(name, min((row[column] for row in rows), default=None))
        rows = [row for row in rows if row[column] == value]
    return [{**row, "chart_text": money(row.get("chart_usd"))} for row in rows]


def _fit(part: Any) -> Any:
    if isinstance(part, dict):
        return part["wide"] if "wide" in part else {name: _fit(value) for name, value in part.items()}
    return [_fit(value) for value in part] if isinstance(part, list) else part
