"""The charts: one function each, from one mart (and its companions) to a Chart.

Belongs here: what a chart shows, in SQL, and how, as a Vega-Lite specification. Does not belong here: page layout,
state, cards, tables (page.js does these for every chart alike).

To add a chart: write a function that takes the connection and returns a Chart, and add it to CHARTS. Its rows carry
the mart's own columns, which become the table and the CSV, and, for the card of a point:

- `chart_label` what the point is; `chart_usd` or `chart_share` its value; `chart_note` how it was made;
- `value_kind`, `known_from` and `fact_ids` as every mart has them. The page finds the sources by fact id.

Columns named `chart_...` stay out of the table. Colours are the custom properties of page.css (`var(--...)`): the SVG
renderer hands them to the browser, so dark mode and print need no second drawing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple

import duckdb

from warehouse.formats import harmless
from warehouse.report.digits import money, percent

Spec = dict[str, Any]


class Rows(NamedTuple):
    """A table as the page carries it: names once, then tuples."""

    columns: list[str]
    values: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.values]


class Chart(NamedTuple):
    """One figure of the page.

    `rows` feed the marks, `table` the table (default: the rows). `key` is HTML that explains the marks. `where` maps a
    column to the page's choice that filters it: quarter, scenario, basis. With `as_of`, only what was known on the
    chosen day is drawn. `derive` names a function of page.js that computes rows from `rows` and the choices. `signals`
    are choices the specification reads itself. `controls` is HTML: any input with `data-state` sets that choice.
    """

    id: str
    title: str
    lede: str
    description: str
    key: str
    rows: Rows
    spec: Spec
    table: Rows | None = None
    where: Mapping[str, str] = {}
    as_of: bool = False
    derive: str = ""
    signals: tuple[str, ...] = ()
    controls: str = ""


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
# page.js gives every row its `chart_text`, the value in words.


def _fits(narrow: Any, wide: Any) -> Spec:
    """A value that depends on the room there is; page.js chooses before it draws."""
    return {"narrow": narrow, "wide": wide}


_MONEY = (
    "datum.value == 0 ? '0' : abs(datum.value) >= 1e12 ? '$' + format(datum.value / 1e12, '.3~f') + 'T' : "
    "'$' + format(datum.value / 1e9, '.3~f') + 'B'"
)


def _quarters(rows: Rows, **scale: Any) -> Spec:
    """The x axis: 34 quarters fit where only each first quarter is labelled, with its year."""
    label = _fits(
        *(
            f"slice(datum.label, 4) == 'Q1' ? {year} : ''"
            for year in ("'’' + slice(datum.label, 2, 4)", "slice(datum.label, 0, 4)")
        )
    )
    return {
        "field": "calendar_quarter",
        "type": "ordinal",
        "axis": {"labelExpr": label, "labelAngle": 0, "labelOverlap": False, "title": None, "grid": False},
        "scale": {"domain": _all_quarters(rows), **scale},
    }


def _usd(field: str, **more: Any) -> Spec:
    axis = {"labelExpr": _MONEY, "title": None, "tickCount": _fits(4, 6)}
    return {"field": field, "type": "quantitative", "axis": axis, **more}


def _by(field: str, values: Mapping[str, Any]) -> Spec:
    """A channel that says `values[field]`; the key above the chart explains it, so Vega draws no legend."""
    scale = {"domain": list(values), "range": list(values.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def _only(test: str) -> list[Spec]:
    return [{"filter": test}]


#: Symbols as paths in a square from -1 to 1: Vega and the key draw the same ones.
_SHAPES = {
    "line": "M-1,0H1",
    "circle": "M-.8,0A.8,.8,0,1,1,.8,0A.8,.8,0,1,1,-.8,0Z",
    "square": "M-.8,-.8H.8V.8H-.8Z",
    "diamond": "M0,-1L.8,0L0,1L-.8,0Z",
    "plus": "M-.9,0H.9M0,-.9V.9",
    "cross": "M-.7,-.7L.7,.7M-.7,.7L.7,-.7",
    "up": "M0,-.8L.9,.7H-.9Z",
    "down": "M0,.8L.9,-.7H-.9Z",
}


def _key(*entries: tuple[str, str, str]) -> str:
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
    return f'<path d="{_SHAPES[shape]}" transform="scale(7)" vector-effect="non-scaling-stroke" style="{style}"/>'


def _fill(color: str) -> str:
    return f"fill:{color}"


def _stroke(color: str, width: float = 2, more: str = "") -> str:
    return f"fill:none;stroke:{color};stroke-width:{width};{more}"


def _all_quarters(rows: Rows) -> list[str]:
    """From the first to the last, with those between that no row has: a hole is to be seen."""
    known = sorted({row["calendar_quarter"] for row in rows.dicts()})
    if not known:
        return []
    first, last = (int(quarter[:4]) * 4 + int(quarter[5]) - 1 for quarter in (known[0], known[-1]))
    return [f"{number // 4}Q{number % 4 + 1}" for number in range(first, last + 1)]


def _span(rows: Rows) -> str:
    quarters = _all_quarters(rows)
    return f"{quarters[0]} to {quarters[-1]}" if quarters else "no quarter yet"


# --- 1 and 7: the gap -----------------------------------------------------------------------------

_COLORS = {"required": "var(--required)", "measured": "var(--measured)", "assumed": "var(--assumed)"}


def _gap_rows(connection: duckdb.DuckDBPyConnection, versions: bool) -> Rows:
    """The series of the gap chart; with `versions`, in every knowledge interval.

    The components of the current rows split sources and kinds into the two sides of the gap. An older version has
    no components: there, what a source states decides on which side it stands.
    """
    sides = (
        """
        select gap.calendar_quarter, gap.scenario, gap.known_from, citation.is_required,
            list(citation.fact_id order by citation.source_kind = 'xbrl' desc, citation.fact_id) as fact_ids,
            string_agg(distinct citation.source_kind, ', ' order by citation.source_kind) as value_kind
        from (select *, unnest(fact_ids) as fact_id from gap) as gap
        join (
            select *, metric in ('data_center_revenue', 'gpu_share_of_tco', 'end_user_gross_margin', 'run_rate_usd',
                'run_rate_basis', 'calendar_quarter') as is_required from marts.citations
        ) as citation using (fact_id)
        group by all
        """
        if versions
        else """
        select calendar_quarter, scenario, component not like 'ai_revenue%' as is_required,
            flatten(list(fact_ids order by component_order, component)) as fact_ids,
            string_agg(distinct value_kind, ', ' order by value_kind) as value_kind
        from marts.ai_revenue_gap_components
        group by all
        """
    )
    return query(
        connection,
        f"""
        with gap as (
            select * from marts.{"ai_revenue_gap_versions" if versions else "ai_revenue_gap"}
            where calendar_quarter >= (  -- a year before the first measurement; the table has the rest
                select (left(min(calendar_quarter), 4)::int - 1) || right(min(calendar_quarter), 2)
                from marts.ai_revenue_gap where scenario = 'measured' and ai_revenue_usd is not null
            )
        ),
        sides as ({sides}),
        series(series_order, scenario, chart_series, is_required, name) as (
            values
                (1, 'low', 'low', true, 'Required revenue, low end'),
                (2, 'high', 'high', true, 'Required revenue, high end'),
                (3, 'cahn_method', 'assumed', false, 'Assumed AI revenue'),
                (4, 'measured', 'measured', false, 'Measured AI revenue'),
                (5, 'measured', 'required', true, 'Required revenue'),
                (6, 'cahn_2023', 'cahn', true, 'Cahn 2023'),
                (6, 'cahn_2024', 'cahn', true, 'Cahn 2024')
        ),
        points as (
            select gap.*, chart_series, series_order, is_required, name,
                if(is_required, required_revenue_usd, ai_revenue_usd) as chart_usd
            from gap join series using (scenario)
        )
        select
            calendar_quarter, chart_series, chart_usd, name as chart_name,
            name || ', ' || calendar_quarter as chart_label,
            if(is_required, run_rate_basis || ' / ' || gpu_share_of_tco::decimal(4, 2) || ' GPU share / (1 − '
                || end_user_gross_margin::decimal(4, 2) || ' margin)', ai_revenue_basis) as chart_note,
            sides.value_kind, known_from, {"known_to," if versions else ""}
            coalesce(sides.fact_ids, points.fact_ids) as fact_ids
        from points left join sides using (calendar_quarter, scenario, is_required{", known_from" if versions else ""})
        where chart_usd is not null
        order by series_order, calendar_quarter, known_from
        """,
    )


def _gap_spec(rows: Rows) -> Spec:
    y = _usd(
        "chart_usd", scale={"domain": [0, max([row["chart_usd"] for row in rows.dicts()], default=1)], "nice": True}
    )
    lines = "indexof(['required', 'measured', 'assumed'], datum.chart_series) >= 0"
    ends = "indexof(['low', 'high'], datum.chart_series) >= 0"
    color = _by("chart_series", _COLORS)
    dash = _by("chart_series", {"required": [1, 0], "measured": [1, 0], "assumed": [5, 4]})
    here = "datum.calendar_quarter == quarter"
    return {
        "height": 360,
        "padding": {"left": 4, "top": 4, "bottom": 4, "right": 56},
        "encoding": {"x": _quarters(rows), "y": y},
        "layer": [
            {
                "transform": [
                    *_only(ends),
                    {"pivot": "chart_series", "value": "chart_usd", "groupby": ["calendar_quarter"]},
                    *_only("datum.low && datum.high"),
                ],
                "mark": {"type": "area", "color": "var(--required)", "opacity": 0.14},
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {"transform": _only(ends), "mark": {"type": "point", "opacity": 0, "size": 26}},
            {
                "transform": _only(f"datum.chart_series == 'required' && {here}"),
                "mark": {"type": "rule", "color": "var(--muted)", "strokeDash": [2, 3]},
                "encoding": {"y": {"value": 0}, "y2": {"value": "height"}},
            },
            {
                "transform": _only(lines),
                "mark": {"type": "line", "strokeWidth": 2.5},
                "encoding": {"stroke": color, "strokeDash": dash},
            },
            {
                "transform": _only(lines),
                "mark": {"type": "point", "size": 26, "opacity": 1, "strokeWidth": 0},
                "encoding": {"fill": color},
            },
            {
                "transform": _only("datum.chart_series == 'cahn'"),
                "mark": {"type": "point", "shape": _SHAPES["diamond"], "size": 150, "fill": "var(--cahn)", "opacity": 1}
                | {"stroke": "var(--paper)", "strokeWidth": 1.5},
            },
            {
                "transform": _only("datum.chart_series == 'cahn'"),
                "mark": {"type": "text", "align": "left", "dx": 9, "fill": "var(--cahn)"}
                | {"dy": {"expr": "datum.chart_name == 'Cahn 2023' ? 2 : 13"}},
                "encoding": {"text": {"field": "chart_name"}},
            },
            {
                "transform": _only(
                    f"({here}) && (datum.chart_series == 'required' || datum.chart_series == 'measured')"
                ),
                "mark": {"type": "text", "align": "left", "dx": 8, "dy": -4, "fontSize": 13, "fontWeight": 600},
                "encoding": {"text": {"field": "chart_text"}, "fill": color},
            },
        ],
    }


_GAP_KEY = _key(
    (_stroke("var(--required)"), "line", "Required revenue"),
    (_fill("var(--required)") + ";opacity:.25", "square", "its range"),
    (_stroke("var(--measured)"), "line", "Measured AI revenue"),
    (_stroke("var(--assumed)", more="stroke-dasharray:4 3"), "line", "Assumed AI revenue (Cahn’s list)"),
    (_fill("var(--cahn)"), "diamond", "Required, as Cahn published it"),
)


def gap(connection: duckdb.DuckDBPyConnection) -> Chart:
    """1: required, measured and assumed revenue by quarter, with Cahn's two points."""
    rows = _gap_rows(connection, versions=False)
    last = {row["chart_series"]: row for row in rows.dicts() if row["chart_series"] in ("required", "measured")}
    ends = "; ".join(f"{row['chart_label']}: {money(row['chart_usd'])}" for row in last.values())
    return Chart(
        id="gap",
        title="The gap, by quarter",
        lede="What AI would have to earn to pay back the data centers around NVIDIA’s chips, and what it is seen to "
        "earn, in US dollars a year. The pale band spans other sourced values of GPU share and margin. Cahn meant "
        "lifetime revenue for each year of spending.",
        description=f"Line chart, {_span(rows)}. {ends}.",
        key=_GAP_KEY,
        rows=rows,
        spec=_gap_spec(rows),
        table=query(connection, "from marts.ai_revenue_gap order by calendar_quarter desc, scenario"),
        signals=("quarter",),
    )


def as_known(connection: duckdb.DuckDBPyConnection) -> Chart:
    """7: the same chart as any past day saw it."""
    rows = _gap_rows(connection, versions=True)
    known = query(connection, "select distinct known_from from marts.ai_revenue_gap_versions order by 1").values
    first, last = (known[0][0], known[-1][0]) if known else ("", "")
    return Chart(
        id="as-known",
        title="The same chart, as a past day saw it",
        lede="Only what had been published by that day: no later filing, no restatement, no hindsight.",
        description=f"The line chart of the gap, of what was public on a chosen day between {first} and {last}.",
        key=_GAP_KEY,
        rows=rows,
        spec=_gap_spec(rows),
        table=query(
            connection, "from marts.ai_revenue_gap_versions order by calendar_quarter desc, scenario, known_from"
        ),
        as_of=True,
        derive="asKnown",
        signals=("quarter",),
        controls=f"""
        <label class="wide">As known on <span data-show="day"></span>
          <input type="range" data-state="day" data-first="{first}" data-last="{last}"></label>
        <button type="button" data-step="day" data-by="-1">Previous change</button>
        <button type="button" data-step="day" data-by="1">Next change</button>""",
    )


# --- 2: the chain ---------------------------------------------------------------------------------


def chain(connection: duckdb.DuckDBPyConnection) -> Chart:
    """2: from NVIDIA's revenue to the gap, for one quarter and scenario."""
    rows = query(
        connection,
        """
        with addends as (
            select *, component like 'ai_revenue%' as is_ai_revenue,
                row_number() over (partition by calendar_quarter, scenario, component like 'ai_revenue%'
                    order by abs(signed_usd) desc, component) as size_order
            from marts.ai_revenue_gap_components
        ),
        steps as (  -- five companies by name, the rest together
            select calendar_quarter, scenario,
                case when not is_ai_revenue then component_order else 10 + least(size_order, 6) end as step,
                case when not is_ai_revenue then component when size_order > 5 then 'others'
                    else replace(component, 'ai_revenue:', '') end as name,
                sum(signed_usd)::bigint as signed_usd, count(*) as addends,
                string_agg(distinct value_kind, ', ' order by value_kind) as value_kind,
                min(formula) as formula, flatten(list(fact_ids order by component)) as fact_ids
            from addends
            group by all
        ),
        placed as (
            select *, sum(signed_usd) over (partition by calendar_quarter, scenario order by step)::bigint as end_usd
            from steps
        ),
        bars as (
            select calendar_quarter, scenario, step, name, signed_usd as chart_usd, end_usd - signed_usd as start_usd,
                end_usd, case when signed_usd < 0 then 'earned' else 'needed' end as bar, value_kind,
                case when addends = 1 then formula else addends || ' smaller companies; the table names them' end
                    as chart_note, fact_ids
            from placed
            union all by name
            select calendar_quarter, scenario, 9 as step, 'required' as name, required_revenue_usd as chart_usd,
                0 as start_usd, required_revenue_usd as end_usd, 'total' as bar, 'derived' as value_kind,
                'sum of the steps above' as chart_note, fact_ids
            from marts.ai_revenue_gap
            union all by name
            select calendar_quarter, scenario, 99 as step, 'gap' as name, gap_usd as chart_usd, 0 as start_usd,
                gap_usd as end_usd, 'total' as bar, 'derived' as value_kind,
                'required revenue − AI revenue' as chart_note, fact_ids
            from marts.ai_revenue_gap where gap_usd is not null
        )
        select bars.* exclude (name),
            case name when 'nvidia_data_center_run_rate' then 'NVIDIA data center, a year'
                when 'rest_of_data_center' then '+ rest of the data center'
                when 'end_user_gross_margin' then '+ margin of the users'
                when 'required' then '= required revenue' when 'gap' then '= the gap'
                when 'assumed' then '− assumed AI revenue' when 'others' then '− other companies'
                else '− ' || name end as chart_label,
            gap.known_from
        from bars join marts.ai_revenue_gap as gap using (calendar_quarter, scenario)
        order by calendar_quarter, scenario, step, chart_label
        """,
    )
    fills = {"needed": "var(--required)", "earned": "url(#hatch-measured)", "total": "var(--total)"}
    strokes = {"needed": "var(--required)", "earned": "var(--measured)", "total": "var(--ink)"}
    axis = {"title": None, "grid": False, "labelLimit": _fits(150, 260)}
    return Chart(
        id="chain",
        title="The chain, step by step",
        lede="From NVIDIA’s data-center revenue to the revenue its users need, and what is left once the AI revenue "
        "that can be seen is taken off. US dollars a year.",
        description="Waterfall chart of one quarter and scenario: the addends of the gap in the order of the chain.",
        key=_key(
            (_fill("var(--required)"), "square", "adds"),
            ("fill:url(#hatch-measured);stroke:var(--measured);stroke-width:1.2", "square", "subtracts"),
            ("fill:var(--total);stroke:var(--ink);stroke-width:1.2", "square", "sum"),
        ),
        rows=rows,
        spec={
            "height": 11 * 26,
            "padding": {"left": 4, "top": 4, "bottom": 4, "right": 64},
            "encoding": {"y": {"field": "chart_label", "type": "ordinal", "sort": {"field": "step"}, "axis": axis}},
            "layer": [
                {
                    "mark": {"type": "bar", "height": 22, "strokeWidth": 1.2},
                    "encoding": {
                        "x": _usd("start_usd", scale={"domainMin": 0, "nice": False}),
                        "x2": {"field": "end_usd"},
                        "fill": _by("bar", fills),
                        "stroke": _by("bar", strokes),
                    },
                },
                {
                    "transform": [{"calculate": "max(datum.start_usd, datum.end_usd)", "as": "chart_right"}],
                    "mark": {"type": "text", "align": "left", "dx": 6},
                    "encoding": {"x": _usd("chart_right"), "text": {"field": "chart_text"}},
                },
            ],
        },
        table=query(
            connection,
            "from marts.ai_revenue_gap_components order by calendar_quarter, scenario, component_order, component",
        ),
        where={"calendar_quarter": "quarter", "scenario": "scenario"},
    )


# --- 3: capex ---------------------------------------------------------------------------------------

_BASES = {
    "cash_gross": "Cash, gross",
    "cash_net_of_proceeds": "Cash, net of proceeds",
    "including_finance_leases": "Including finance leases",
}


def capex(connection: duckdb.DuckDBPyConnection) -> Chart:
    """3: capital expenditure by company, stacked, one basis at a time."""
    rows = query(
        connection,
        """
        select *, ticker || ', ' || calendar_quarter as chart_label, capex_usd as chart_usd
        from marts.hyperscaler_capex
        order by calendar_quarter desc, ticker, capex_basis
        """,
    )
    # The largest at the bottom, by all quarters: the order never changes with the basis.
    totals: dict[str, int] = {}
    for row in rows.dicts():
        totals[row["ticker"]] = totals.get(row["ticker"], 0) + row["capex_usd"]
    tickers = sorted(totals, key=lambda ticker: (-totals[ticker], ticker))
    bases = sorted({row["capex_basis"] for row in rows.dicts()})
    radios = "".join(
        f'<label><input type="radio" name="basis" data-state="basis" value="{escape(basis)}"> '
        f"{escape(_BASES.get(basis, basis))}</label>"
        for basis in bases
    )
    colors = {ticker: f"var(--c{number % 9})" for number, ticker in enumerate(tickers)}
    x = _quarters(rows, paddingInner=0.18)
    count = {"op": "count", "as": "companies"}
    total = {"op": "sum", "field": "capex_usd", "as": "total_usd"}
    return Chart(
        id="capex",
        title="Capital expenditure, by company",
        lede="US dollars a quarter, from the bottom up in the order of the key. The bases are different numbers and "
        "never share a chart. The figure above a bar counts the companies in it: one with fewer is not comparable "
        "with its neighbour.",
        description=f"Stacked bar chart, {_span(rows)}, of {', '.join(tickers) or 'no company'}.",
        key=_key(*((_fill(color), "square", ticker) for ticker, color in colors.items())),
        rows=rows,
        spec={
            "height": 360,
            "transform": [{"calculate": f"indexof({json.dumps(tickers)}, datum.ticker)", "as": "chart_order"}],
            "layer": [
                {
                    "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 1},
                    "encoding": {
                        "x": x,
                        "y": _usd("capex_usd", stack="zero"),
                        "order": {"field": "chart_order", "type": "quantitative"},
                        "fill": _by("ticker", colors),
                    },
                },
                {
                    "transform": [{"aggregate": [count, total], "groupby": ["calendar_quarter"]}],
                    "mark": {"type": "text", "dy": -7, "fontSize": 10, "fill": "var(--muted)"},
                    "encoding": {"x": x, "y": _usd("total_usd"), "text": {"field": "companies"}},
                },
            ],
        },
        where={"capex_basis": "basis"},
        controls=f'<fieldset><legend class="hidden">Basis</legend>{radios}</fieldset>',
    )


# --- 4: Microsoft -----------------------------------------------------------------------------------

#: Method -> (shape, colour, words).
_METHODS = {
    "nvidia_disclosure": ("circle", "var(--required)", "NVIDIA, customer unnamed"),
    "third_party": ("diamond", "var(--cahn)", "Third party"),
    "carried_forward": ("plus", "var(--muted)", "Third party, carried forward"),
    "capex_ceiling": ("down", "var(--assumed)", "Capex ceiling"),
    "capex_floor": ("up", "var(--measured)", "Capex floor"),
    "other": ("square", "var(--ink)", "Other"),
}


def microsoft(connection: duckdb.DuckDBPyConnection) -> Chart:
    """4: Microsoft's share of NVIDIA's revenue, as a band with every estimate on it."""
    rows = query(
        connection,
        """
        select calendar_quarter, 'range' as chart_part, central_share as chart_share, low_share, central_share,
            high_share, null::varchar as estimator, method, 'range' as chart_method,
            'Central estimate, ' || calendar_quarter as chart_label, value_kind, staleness_days, known_from, fact_ids
        from marts.microsoft_share_of_nvidia
        union all by name
        select calendar_quarter, 'estimate' as chart_part, share as chart_share, share as central_share, estimator,
            method,
            case when method like '%carried_forward' then 'carried_forward'
                when method like 'nvidia_disclosure%' then 'nvidia_disclosure'
                when method in ('third_party', 'capex_ceiling', 'capex_floor') then method
                else 'other' end as chart_method,
            coalesce(estimator, method) || ', ' || calendar_quarter as chart_label, value_kind, staleness_days,
            known_from, fact_ids
        from marts.microsoft_share_estimates where share is not null
        order by calendar_quarter desc, chart_part desc, method, estimator, chart_share
        """,
    )
    ranges = [row for row in rows.dicts() if row["chart_part"] == "range"]
    newest = ranges[0] if ranges else None
    says = (
        f"In {newest['calendar_quarter']}: central {percent(newest['central_share'])}, from "
        f"{percent(newest['low_share'])} to {percent(newest['high_share'])}."
        if newest
        else ""
    )
    used = {row["chart_method"] for row in rows.dicts()}
    methods = {name: style for name, style in _METHODS.items() if name in used}
    y = {"field": "chart_share", "type": "quantitative", "axis": {"format": "~%", "title": None, "tickCount": 5}}
    is_range = _only("datum.chart_part == 'range'")
    return Chart(
        id="microsoft",
        title="Microsoft’s share of NVIDIA’s revenue",
        lede="NVIDIA has never named Microsoft, so this is a range, with every estimate it rests on. The line is the "
        "best single estimate in each quarter.",
        description=f"Band with points, {_span(rows)}. {says}",
        key=_key(
            (_stroke("var(--required)"), "line", "Central"),
            (_fill("var(--required)") + ";opacity:.25", "square", "Range"),
            *((_stroke(color), shape, words) for shape, color, words in methods.values()),
        ),
        rows=rows,
        spec={
            "height": 320,
            "encoding": {"x": _quarters(rows), "y": y},
            "layer": [
                {
                    "transform": is_range,
                    "mark": {"type": "area", "color": "var(--required)", "opacity": 0.14},
                    "encoding": {"y": {**y, "field": "low_share"}, "y2": {"field": "high_share"}},
                },
                {"transform": is_range, "mark": {"type": "line", "stroke": "var(--required)", "strokeWidth": 2.5}},
                {
                    "transform": is_range,
                    "mark": {"type": "point", "fill": "var(--required)", "strokeWidth": 0, "size": 24, "opacity": 1},
                },
                {
                    "transform": _only("datum.chart_part == 'estimate'"),
                    "mark": {"type": "point", "size": 70, "strokeWidth": 1.8, "opacity": 1, "fill": "transparent"},
                    "encoding": {
                        "shape": _by("chart_method", {name: _SHAPES[shape] for name, (shape, _, _) in methods.items()}),
                        "stroke": _by("chart_method", {name: color for name, (_, color, _) in methods.items()}),
                    },
                },
            ],
        },
    )


# --- 5: AI revenue ----------------------------------------------------------------------------------

_LAYERS = {
    "model": ("var(--model)", "Models"),
    "cloud_infrastructure": ("var(--cloud)", "Cloud infrastructure"),
    "application": ("var(--application)", "Applications"),
}


def ai_revenue(connection: duckdb.DuckDBPyConnection) -> Chart:
    """5: measured AI revenue by layer; what another company already counts is hatched."""
    rows = query(
        connection,
        """
        with parts as (
            select *, false as is_overlap, counted_usd as chart_usd, 'counted' as part from marts.ai_revenue
            union all by name
            select *, true as is_overlap, overlap_usd as chart_usd, 'overlap, not counted' as part from marts.ai_revenue
        )
        select calendar_quarter, company, layer, part, chart_usd as part_usd, observed_metric, speaks_on,
            staleness_days, overlap_method, source_kind, confidence, known_from, fact_ids,
            chart_usd, company || ', ' || calendar_quarter || ', ' || part as chart_label,
            layer || case when is_overlap then '-overlap' else '' end as chart_fill,
            case layer when 'model' then 0 when 'cloud_infrastructure' then 1 else 2 end
                + case when is_overlap then 3 else 0 end as chart_order,
            observed_metric || ' of ' || speaks_on || case when staleness_days > 0
                then ', ' || staleness_days || ' days old' else '' end
                || case when is_overlap then '; ' || overlap_method else '' end
                || '; confidence ' || coalesce(confidence, 'unstated') as chart_note,
            case when source_kind in ('xbrl', 'press_release', 'company_filing', 'company_statement')
                then 'as the company states it' else source_kind end as chart_kind
        from parts where chart_usd != 0
        order by calendar_quarter desc, chart_order, company
        """,
    )
    counted: dict[str, int] = {}
    for row in rows.dicts():
        if row["part"] == "counted":
            counted[row["calendar_quarter"]] = counted.get(row["calendar_quarter"], 0) + row["part_usd"]
    newest = max(counted, default=None)
    fills = {name: (color, words) for name, (color, words) in _LAYERS.items()}
    fills |= {f"{name}-overlap": (f"url(#hatch-{name})", f"{words}, overlap") for name, (_, words) in _LAYERS.items()}
    return Chart(
        id="ai-revenue",
        title="Measured AI revenue, by layer",
        lede="US dollars a year, each segment one company. The end customer’s dollar counts once: striped segments "
        "are already in another company’s revenue and stay out of the sum.",
        description=f"Stacked bar chart, {_span(rows)}."
        + (f" Counted in {newest}: {money(counted[newest])}." if newest else ""),
        key=_key(*((_fill(color), "square", words) for color, words in fills.values())),
        rows=rows,
        spec={
            "height": 340,
            "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 0.7},
            "encoding": {
                "x": _quarters(rows, paddingInner=0.18),
                "y": _usd("chart_usd", stack="zero"),
                "order": {"field": "chart_order", "type": "quantitative"},
                "detail": {"field": "company"},
                "fill": _by("chart_fill", {name: color for name, (color, _) in fills.items()}),
            },
        },
    )


# --- 6: sensitivity ---------------------------------------------------------------------------------


def sensitivity(connection: duckdb.DuckDBPyConnection) -> Chart:
    """6: the gap under any GPU share and margin; page.js computes the cells, in whole dollars like gap_with()."""
    rows = query(
        connection,
        """
        select calendar_quarter, scenario, run_rate_usd, gpu_share_of_tco, end_user_gross_margin, required_revenue_usd,
            ai_revenue_usd, gap_usd, known_from, fact_ids
        from marts.ai_revenue_gap where scenario in ('measured', 'low', 'high')
        order by calendar_quarter desc, scenario
        """,
    )

    def share(first: int, last: int, title: str) -> Spec:
        axis = {"format": "~%", "grid": False, "title": title, "values": [at / 100 for at in range(first, last + 1, 5)]}
        scale = {"domain": [first / 100 - 0.025, last / 100 + 0.025], "nice": False, "zero": False}
        return {"type": "quantitative", "scale": scale, "axis": axis}

    gpu = share(30, 70, "GPUs’ share of the total cost of ownership")
    margin = share(30, 80, "Gross margin of the users")
    boxes = {
        "x": {"field": "gpu_from", **gpu},
        "x2": {"field": "gpu_to"},
        "y": {"field": "margin_from", **margin},
        "y2": {"field": "margin_to"},
    }
    heat = {"type": "quantile", "range": [f"var(--h{step})" for step in range(6)]}
    return Chart(
        id="sensitivity",
        title="What if the assumptions are wrong?",
        lede="The gap of the chosen quarter for every pair of assumptions; stronger colour, larger gap.",
        description="Heat map of the gap by the GPUs’ share of the cost of a data center and the gross margin of their "
        "users. A smaller share or a higher margin makes the gap larger.",
        key=_key(
            (_stroke("var(--ink)", 3), "square", "Yours"),
            (_stroke("var(--ink)", 1, "stroke-dasharray:3 2"), "square", "Headline, and the sourced low and high ends"),
        ),
        rows=rows,
        spec={
            "height": 400,
            "layer": [
                {
                    "transform": _only("datum.chart_part == 'cell'"),
                    "mark": {"type": "rect", "stroke": "var(--paper)", "strokeWidth": 1},
                    "encoding": {
                        **boxes,
                        "fill": {"field": "chart_usd", "type": "quantitative", "scale": heat, "legend": None},
                    },
                },
                {
                    "transform": _only("datum.chart_part == 'scenario'"),
                    "mark": {"type": "rect", "fill": "transparent", "stroke": "var(--ink)", "strokeDash": [3, 2]},
                    "encoding": boxes,
                },
                {
                    "transform": _only("datum.chart_part == 'yours'"),
                    "mark": {"type": "rect", "fill": "transparent", "stroke": "var(--ink)", "strokeWidth": 3},
                    "encoding": boxes,
                },
                {
                    "transform": _only("datum.chart_part == 'cell'"),
                    "mark": {"type": "text", "fontSize": _fits(9.5, 12)},
                    "encoding": {
                        "x": {"field": "gpu", **gpu},
                        "y": {"field": "margin", **margin},
                        "text": {"field": "chart_cell"},
                    },
                },
            ],
        },
        where={"calendar_quarter": "quarter"},
        derive="sensitivity",
        controls="""
        <label class="wide">GPUs’ share of the cost <span data-show="gpu"></span>
          <input type="range" data-state="gpu" min="0.30" max="0.70" step="0.01"></label>
        <label class="wide">Gross margin of the users <span data-show="margin"></span>
          <input type="range" data-state="margin" min="0.30" max="0.80" step="0.01"></label>""",
    )


# --- 8: coverage ------------------------------------------------------------------------------------


def coverage(connection: duckdb.DuckDBPyConnection) -> Chart:
    """8: what is expected, and what is there. Missing is a row, not an absence."""
    rows = query(
        connection,
        """
        select *, case metric when 'ai_revenue_gap' then 'The gap' when 'ai_revenue' then company
                when 'capex_cash_gross' then company || ', capex'
                when 'capex_cash_net_of_proceeds' then company || ', capex net'
                when 'capex_including_finance_leases' then company || ', capex + leases'
                else company || ', ' || replace(replace(metric, '_revenue', ''), '_', ' ') end as chart_row,
            company || ', ' || replace(metric, '_', ' ') || ', ' || calendar_quarter as chart_label,
            if(is_present, 'present', 'missing') as chart_kind, reason_missing as chart_note,
            metric = 'ai_revenue' as chart_is_ai
        from marts.coverage
        order by chart_is_ai, company, metric, calendar_quarter
        """,
    )
    present = sum(row["is_present"] for row in rows.dicts())

    def either(there: Any, missing: Any) -> Spec:
        return {"condition": {"test": "datum.is_present", "value": there}, "value": missing}

    axis = {"title": None, "grid": False, "labelLimit": _fits(128, 300)}
    axis["labelFontSize"] = _fits(10, 12)
    return Chart(
        id="coverage",
        title="What is there, and what is missing",
        lede="Every figure that could be expected, by quarter. Point at one that is missing for the reason.",
        description=f"Grid of companies and metrics by quarter, {_span(rows)}: {present} of {len(rows.values)} "
        "expected figures are present.",
        key=_key(
            (_fill("var(--measured)"), "square", "present"),
            (_stroke("var(--missing)", 1.5), "cross", "expected and missing"),
        ),
        rows=rows,
        spec={
            "height": 15 * len({row["chart_row"] for row in rows.dicts()}),
            "mark": {"type": "point", "opacity": 1, "strokeWidth": 1.1},
            "encoding": {
                "x": _quarters(rows),
                "y": {"field": "chart_row", "type": "ordinal", "sort": None, "axis": axis},
                "shape": either(_SHAPES["square"], _SHAPES["cross"]),
                "size": either(_fits(30, 120), _fits(14, 36)),
                "fill": either("var(--measured)", "transparent"),
                "stroke": either("transparent", "var(--missing)"),
            },
        },
    )


#: In the order of the page.
CHARTS: tuple[Callable[[duckdb.DuckDBPyConnection], Chart], ...] = (
    gap,
    chain,
    sensitivity,
    as_known,
    ai_revenue,
    capex,
    microsoft,
    coverage,
)
