"""One chart of a frame, without another library: Vega-Lite, drawn by the renderer that the report uses.

Belongs here: how a frame becomes a chart, and a chart a file or a cell of a notebook. Does not belong here: the charts
of the report (warehouse/report), numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import Mistake

if TYPE_CHECKING:
    import pandas as pd

_DRAWN = (".svg", ".png", ".html")


class Chart:
    """A Vega-Lite chart: a notebook shows it, `save` writes it. `spec` is what any Vega-Lite program reads."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec

    def _repr_svg_(self) -> str:
        import vl_convert

        return vl_convert.vegalite_to_svg(json.dumps(self.spec))

    def save(self, path: str | Path) -> Path:
        """Write it as .svg, .png, or a page of .html that loads nothing; returns where.

        :raises Mistake: another ending, or no such folder.
        """
        import vl_convert

        path = Path(path).expanduser()
        if path.suffix not in _DRAWN or not path.parent.is_dir():
            raise Mistake(f"{path} must end in {', '.join(_DRAWN)}, in a folder that is there")
        text = json.dumps(self.spec)
        if path.suffix == ".png":
            path.write_bytes(vl_convert.vegalite_to_png(text, scale=2))
        elif path.suffix == ".html":
            path.write_text(vl_convert.vegalite_to_html(text, bundle=True), "utf-8")
        else:
            path.write_text(self._repr_svg_(), "utf-8")
        return path


def plot(data: pd.DataFrame, kind: str = "line", *, y: str | None = None, by: str | None = None, **_: Any) -> Chart:
    """A frame's amounts by calendar quarter, in billion dollars; also pandas' plotting backend "aigap".

    The chart is drawn in binary fractions, as every chart is; the frame keeps whole dollars.

    :param data: from this package. :param kind: line or bar.
    :param y: a column in USD; by default what the frame is about.
    :param by: a column with a line for each of its values; by default the frame's own.
    :raises Mistake: the frame has no quarters, or no such column.
    """
    about = data.attrs.get("plot") or {}
    y, by = y or about.get("y"), by or about.get("by")
    if kind not in ("line", "bar"):
        raise Mistake(f"there is no chart {kind!r} here; there are: line, bar")
    for column in ("calendar_quarter", y, *([by] if by else [])):
        if column not in data.columns:
            raise Mistake(f"a chart needs the column {column!r}, which this frame has not; say y=, such as y='gap_usd'")
    amounts = [None if is_missing else amount / 1e9 for amount, is_missing in zip(data[y], data[y].isna(), strict=True)]
    lines = data[by] if by else [""] * len(data)
    points = [
        {"quarter": str(quarter), "y": amount, "by": str(line)}
        for quarter, amount, line in zip(data["calendar_quarter"], amounts, lines, strict=True)
    ]
    encoding: dict[str, Any] = {
        "x": {"field": "quarter", "type": "ordinal", "title": "calendar quarter", "axis": {"labelAngle": -60}},
        "y": {"field": "y", "type": "quantitative", "title": f"{y}, billion US dollars"},
    }
    if by:
        encoding["color"] = {"field": "by", "type": "nominal", "title": by}
    mark: dict[str, Any] = {"type": "line", "point": True} if kind == "line" else {"type": "bar"}
    title = {"text": f"{data.attrs.get('table', '')} {y}".strip(), "subtitle": data.attrs.get("citation", "")[:140]}
    return Chart(
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "title": title,
            "width": 640,
            "height": 320,
            "data": {"values": points},
            "mark": mark,
            "encoding": encoding,
        }
    )
