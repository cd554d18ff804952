"""Microsoft's share of NVIDIA's revenue: points, bounds, and how old the central estimate is."""

from __future__ import annotations

import duckdb

from warehouse.report.digits import percent
from warehouse.report.spec import SHAPES, Chart, above, by, fill, key, only, quarters, query, shares, span, stroke

TOPIC, ORDER = "buyers", 20

#: What a mark is -> (shape, colour, words).
_MARKS = {
    "point": ("circle", "var(--required)", "Estimate of the quarter"),
    "third_party": ("diamond", "var(--cahn)", "Third party, of the quarter"),
    "carried": ("plus", "var(--muted)", "Estimate carried forward"),
    "bound": ("down", "var(--assumed)", "Bound: no more than this"),
}


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select calendar_quarter, 'range' as part, central_share as share, central_share as chart_share, low_share,
            high_share, null::varchar as estimator, method, if(staleness_days > 0, 'old', 'fresh') as chart_mark,
            'Central estimate, ' || calendar_quarter as chart_label, value_kind, staleness_days, known_from, fact_ids,
            method || if(staleness_days > 0, '; ' || staleness_days || ' days old', '') as chart_note
        from marts.microsoft_share_of_nvidia
        union all by name
        select calendar_quarter, kind as part, share, share as chart_share, low_share, high_share, estimator, method,
            case when kind = 'bound' then 'bound' when staleness_days > 0 then 'carried'
                when method like 'third_party%' then 'third_party' else 'point' end as chart_mark,
            coalesce(estimator, method) || ', ' || calendar_quarter as chart_label, value_kind, staleness_days,
            known_from, fact_ids,
            replace(method, '_', ' ') || if(staleness_days > 0, '; ' || staleness_days || ' days old', '') as chart_note
        from marts.microsoft_share_estimates where share is not null
        order by calendar_quarter desc, part desc, method, estimator, chart_share
        """,
    )
    newest = next((row for row in rows.dicts() if row["part"] == "range"), None)
    says = (
        f"In {newest['calendar_quarter']}: central {percent(newest['share'])}, from {percent(newest['low_share'])} to "
        f"{percent(newest['high_share'])}."
        if newest
        else ""
    )
    y = shares("chart_share", scale={"domainMin": 0})
    is_range = only("datum.part == 'range'")
    central = only("datum.part == 'range' && isValid(datum.chart_share)")
    shape = by("chart_mark", {name: SHAPES[shape] for name, (shape, _, _) in _MARKS.items()})
    color = by("chart_mark", {name: color for name, (_, color, _) in _MARKS.items()})
    age = above(0, "staleness_days")
    return Chart(
        id="microsoft",
        title="Microsoft’s share of NVIDIA’s revenue",
        shows="estimated",
        lede="NVIDIA has never named Microsoft, so this is a range, with every estimate and bound it rests on. The "
        "figures above the plot are the age of the central estimate in days; where it is hollow, it is carried.",
        description=f"Band with points, {span(rows)}. {says}",
        key=key(
            (stroke("var(--required)"), "line", "Central"),
            (fill("var(--required)") + ";opacity:.25", "square", "Range"),
            *((stroke(color), shape, words) for shape, color, words in _MARKS.values()),
        ),
        rows=rows,
        spec={
            "height": 320,
            "encoding": {"x": quarters(rows), "y": y},
            "layer": [
                {
                    "transform": is_range,
                    "mark": {"type": "area", "color": "var(--required)", "opacity": 0.14},
                    "encoding": {"y": {**y, "field": "low_share"}, "y2": {"field": "high_share"}},
                },
                {"transform": central, "mark": {"type": "line", "stroke": "var(--muted)", "strokeDash": [4, 3]}},
                {
                    "transform": central,
                    "mark": {
                        "type": "point",
                        "stroke": "var(--required)",
                        "strokeWidth": 1.5,
                        "size": 36,
                        "opacity": 1,
                    },
                    "encoding": {
                        "fill": {
                            "condition": {"test": "datum.staleness_days > 0", "value": "var(--paper)"},
                            "value": "var(--required)",
                        }
                    },
                },
                {
                    "transform": only("datum.part != 'range'"),
                    "mark": {"type": "point", "size": 60, "strokeWidth": 1.6, "opacity": 1, "fill": "transparent"},
                    "encoding": {"shape": shape, "stroke": color},
                },
                {**age, "transform": is_range},
            ],
        },
        first=("calendar_quarter", "part", "share", "low_share", "high_share", "staleness_days"),
    )
