"""AI revenue by company and layer, on the basis of the chosen scenario; what another counts lies below the line."""

from __future__ import annotations

import duckdb

from warehouse.readers.words import PACE
from warehouse.report.spec import OPEN, Chart, above, by, fill, key, only, quarters, query, span, stroke, usd

TOPIC, ORDER, START = "revenue", 10, True

_LAYERS = {
    "model": ("var(--model)", "Models"),
    "cloud_infrastructure": ("var(--cloud)", "Cloud infrastructure"),
    "application": ("var(--application)", "Applications"),
}


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        f"""
        with parts as (
            select *, 'counted' as part, central_usd as chart_usd, layer || if(is_carried, '-carried', '') as chart_fill
            from marts.ai_revenue_series
            union all by name
            select *, 'overlap, not counted' as part, -overlap_usd as chart_usd, layer || '-overlap' as chart_fill
            from marts.ai_revenue_series where central_usd is not null
        )
        select calendar_quarter, company, layer, part, abs(chart_usd) as part_usd, observed_metric, speaks_on,
            staleness_days, is_carried, overlap_method, source_kind, confidence, known_from, fact_ids,
            ai_revenue_basis, chart_usd, company || ', ' || calendar_quarter || ', ' || part as chart_label, chart_fill,
            case layer when 'model' then 0 when 'cloud_infrastructure' then 1 else 2 end as chart_order,
            part = 'counted' and calendar_quarter = min(calendar_quarter) over (partition by company, ai_revenue_basis)
                as chart_first,
            {OPEN} as chart_open,
            replace(observed_metric, '_', ' ') || ' of ' || speaks_on
                || if(is_carried, ', carried ' || staleness_days || ' days', '')
                || if(part = 'counted', '', '; ' || overlap_method)
                || '; confidence ' || coalesce(confidence, 'unstated') as chart_note,
            case when source_kind in ('xbrl', 'press_release', 'company_filing', 'company_statement')
                then 'as the company states it' else source_kind end as chart_kind
        from parts where chart_usd != 0
        order by ai_revenue_basis, calendar_quarter desc, chart_order, company, part
        """,
    )
    fills = {name: color for name, (color, _) in _LAYERS.items()}
    fills |= {f"{name}-carried": f"url(#carried-{name})" for name in _LAYERS}
    fills |= {f"{name}-overlap": f"url(#hatch-{name})" for name in _LAYERS}
    sums = {
        "aggregate": [{"op": "count", "as": "companies"}, {"op": "sum", "field": "chart_usd", "as": "total"}],
        "groupby": ["calendar_quarter", "chart_open"],
    }
    total = "datum.total >= 1e10 ? format(datum.total / 1e9, '.0f') : format(datum.total / 1e9, '.1f')"
    texts = [
        {**above(row, text), "transform": [*only("datum.part == 'counted'"), sums, {"calculate": total, "as": "sum"}]}
        for row, text in enumerate(("companies", "sum"))
    ]
    return Chart(
        id="ai-revenue",
        title="Measured AI revenue, by layer",
        lede="Each segment is one company. Above each bar its total in billions of dollars at a year’s pace, and the "
        "number of companies in it. The end customer’s dollar counts once: what is already in another company’s "
        "revenue lies below the line and stays out of the sum.",
        caveat=PACE,
        description=f"Stacked bar chart, {span(rows)}, with totals and numbers of companies.",
        key=key(
            *((fill(color), "square", words) for color, words in _LAYERS.values()),
            (fill("url(#carried-model)"), "square", "carried from an older statement"),
            (stroke("var(--ink)", 1.5), "square", "first statement of a company"),
            (fill("url(#hatch-model)"), "square", "counted elsewhere"),
            (stroke("var(--muted)", 1.5, "stroke-dasharray:3 2"), "square", "quarter not reported in full"),
        ),
        rows=rows,
        spec={
            "height": 340,
            "padding": {"left": 4, "top": 6, "bottom": 4, "right": 4},
            "encoding": {"x": quarters(rows, paddingInner=0.18)},
            "layer": [
                {
                    "mark": {"type": "bar", "strokeWidth": 0.8},
                    "encoding": {
                        "y": usd("chart_usd", stack="zero"),
                        "order": {"field": "chart_order", "type": "quantitative"},
                        "detail": {"field": "company"},
                        "fill": by("chart_fill", fills),
                        "fillOpacity": {"condition": {"test": "datum.chart_open", "value": 0.4}, "value": 1},
                        "stroke": {
                            "condition": [
                                {"test": "datum.chart_first", "value": "var(--ink)"},
                                {"test": "datum.chart_open", "value": "var(--muted)"},
                            ],
                            "value": "var(--paper)",
                        },
                        "strokeDash": {"condition": {"test": "datum.chart_open", "value": [3, 2]}, "value": [1, 0]},
                    },
                },
                *texts,
            ],
        },
        where={"ai_revenue_basis": "ai_basis"},
        first=("calendar_quarter", "company", "part", "part_usd", "staleness_days", "is_carried"),
    )
