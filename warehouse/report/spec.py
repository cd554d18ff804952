"""What every chart is made of: rows, a Vega-Lite specification, and the parts that specifications share.

Belongs here: `Chart`, `query`, axes, keys, symbols. Does not belong here: a chart (charts/, one file each), page
layout, state, cards, tables (script/, for every chart alike).

Rows carry the mart's own columns, which become the table and the CSV, and, for the card of a point:

- `chart_label` what the point is; `chart_usd` or `chart_share` its value; `chart_note` how it was made;
- `value_kind`, `known_from` and `fact_ids` as every mart has them. The page finds the sources by fact id.

Columns named `chart_...` stay out of the table. Colours are the custom properties of page.css (`var(--...)`): the SVG
renderer hands them to the browser, so dark mode and print need no second drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import duckdb

from warehouse.formats import harmless

Spec = dict[str, Any]


class Rows(NamedTuple):
    """A table as the page carries it: names once, then tuples."""

    columns: list[str]
    values: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.values]


class Chart(NamedTuple):
    """One view of the site: a drawing with its table, or a table alone (no `spec`).

    `rows` feed the marks, `table` the table (default: the rows). `key` is HTML that explains the marks. `where` maps a
    column to the choice of the page that filters it: quarter, scenario, ai_basis, or one of its own `controls`. With
    `as_of`, only what was known on the chosen day is drawn. `derive` names a function of the script that computes rows
    from `rows` and the choices. `signals` are choices the specification reads itself. `shows` says in the title what a
    view shows that does not follow the choice of scenario. `caveat` is said under it. `first` are the columns that
    people came for, in the order of the table; the others follow.
    """

    id: str
    title: str
    lede: str
    rows: Rows
    description: str = ""
    key: str = ""
    spec: Spec | None = None
    table: Rows | None = None
    where: Mapping[str, str] = {}
    as_of: bool = False
    derive: str = ""
    signals: tuple[str, ...] = ()
    controls: str = ""
    shows: str = ""
    caveat: str = ""
    first: Sequence[str] = ()


def query(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    """What the page carries of an answer: text in it acts on nobody who reads the page."""
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return Rows(names, [tuple(map(_shown, row)) for row in cursor.fetchall()])


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return harmless(value)
    return [_shown(item) for item in value] if isinstance(value, list) else value


# --- what the specifications share ----------------------------------------------------------------
# The script gives every row its `chart_text`, the value in words.


def fits(narrow: Any, wide: Any) -> Spec:
    """A value that depends on the room there is; the script chooses before it draws."""
    return {"narrow": narrow, "wide": wide}


MONEY = (
    "datum.value == 0 ? '0' : (datum.value < 0 ? '−$' : '$') + (abs(datum.value) >= 1e12 ? "
    "format(abs(datum.value) / 1e12, '.3~f') + 'T' : format(abs(datum.value) / 1e9, '.3~f') + 'B')"
)
#: Where a chart's newest quarter is not reported in full: a chart that draws such quarters sets them apart by this.
OPEN = (
    "calendar_quarter > (select coalesce(max(calendar_quarter), '9999Q4') from marts.ai_revenue_gap "
    "where scenario = 'measured' and gap_usd is not null)"
)


def quarters(rows: Rows, **scale: Any) -> Spec:
    """The x axis: 34 quarters fit where only each first quarter is labelled, with its year."""
    label = fits(
        *(
            f"slice(datum.label, 4) == 'Q1' ? {year} : ''"
            for year in ("'’' + slice(datum.label, 2, 4)", "slice(datum.label, 0, 4)")
        )
    )
    return {
        "field": "calendar_quarter",
        "type": "ordinal",
        "axis": {"labelExpr": label, "labelAngle": 0, "labelOverlap": False, "title": None, "grid": False},
        "scale": {"domain": all_quarters(rows), **scale},
    }


def usd(field: str, **more: Any) -> Spec:
    axis = {"labelExpr": MONEY, "title": None, "tickCount": fits(4, 6)}
    return {"field": field, "type": "quantitative", "axis": axis, **more}


def by(field: str, values: Mapping[str, Any]) -> Spec:
    """A channel that says `values[field]`; the key above the chart explains it, so Vega draws no legend."""
    scale = {"domain": list(values), "range": list(values.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def listed(rows: Rows, column: str) -> list[Any]:
    """What a column says, in the order of the rows: the scale of an axis that sorts nothing."""
    return list(dict.fromkeys(row[column] for row in rows.dicts()))


def shares(field: str, **more: Any) -> Spec:
    return {"field": field, "type": "quantitative", "axis": {"format": "~%", "title": None, "tickCount": 5}, **more}


def above(row: int, text: str, **more: Any) -> Spec:
    """A line of text over the plot, where no mark can run through it: row 0 the nearest to it."""
    return {
        "mark": {"type": "text", "baseline": "bottom", "fontSize": fits(9, 10), "fill": "var(--muted)", **more},
        "encoding": {"y": {"value": -4 - 13 * row}, "text": {"field": text}},
    }


def only(test: str) -> list[Spec]:
    return [{"filter": test}]


#: Symbols as paths in a square from -1 to 1: Vega and the key draw the same ones.
SHAPES = {
    "line": "M-1,0H1",
    "circle": "M-.8,0A.8,.8,0,1,1,.8,0A.8,.8,0,1,1,-.8,0Z",
    "square": "M-.8,-.8H.8V.8H-.8Z",
    "diamond": "M0,-1L.8,0L0,1L-.8,0Z",
    "plus": "M-.9,0H.9M0,-.9V.9",
    "cross": "M-.7,-.7L.7,.7M-.7,.7L.7,-.7",
    "up": "M0,-.8L.9,.7H-.9Z",
    "down": "M0,.8L.9,-.7H-.9Z",
}


def key(*entries: tuple[str, str, str]) -> str:
    """What the marks mean: (style, shape, words) with a style of page.css or a fill."""
    return (
        '<ul class="key">'
        + "".join(
            f'<li><svg viewBox="-8 -8 16 16" aria-hidden="true">{_swatch(shape, escape(style))}</svg>'
            f"{escape(words)}</li>"
            for style, shape, words in entries
        )
        + "</ul>"
    )


def _swatch(shape: str, style: str) -> str:
    if shape == "square":  # not scaled, so that its stripes are as wide as in the chart
        return f'<rect x="-6" y="-6" width="12" height="12" style="{style}"/>'
    return f'<path d="{SHAPES[shape]}" transform="scale(7)" vector-effect="non-scaling-stroke" style="{style}"/>'


def fill(color: str) -> str:
    return f"fill:{color}"


def stroke(color: str, width: float = 2, more: str = "") -> str:
    return f"fill:none;stroke:{color};stroke-width:{width};{more}"


def all_quarters(rows: Rows) -> list[str]:
    """From the first to the last, with those between that no row has: a hole is to be seen."""
    known = sorted({row["calendar_quarter"] for row in rows.dicts()})
    if not known:
        return []
    first, last = (int(quarter[:4]) * 4 + int(quarter[5]) - 1 for quarter in (known[0], known[-1]))
    return [f"{number // 4}Q{number % 4 + 1}" for number in range(first, last + 1)]


def span(rows: Rows) -> str:
    quarters = all_quarters(rows)
    return f"{quarters[0]} to {quarters[-1]}" if quarters else "no quarter yet"
