"""What is expected, and what is there. Missing is a row, not an absence."""

from __future__ import annotations

from typing import Any

import duckdb

from warehouse.report.spec import SHAPES, Chart, fill, fits, key, quarters, query, span, stroke

TOPIC, ORDER = "method", 20


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select calendar_quarter, company, replace(metric, '_', ' ') as metric, is_present,
            coalesce(reason_missing, 'present') as reason_missing,
            case metric when 'ai_revenue_gap' then 'The gap' when 'ai_revenue' then company
                else company || ', ' || replace(metric, '_', ' ') end as chart_row,
            company || ', ' || replace(metric, '_', ' ') || ', ' || calendar_quarter as chart_label,
            if(is_present, 'present', 'missing') as chart_kind, reason_missing as chart_note
        from marts.coverage
        order by metric = 'ai_revenue', company, metric, calendar_quarter
        """,
    )
    present = sum(row["is_present"] for row in rows.dicts())

    def either(there: Any, missing: Any) -> Any:
        return {"condition": {"test": "datum.is_present", "value": there}, "value": missing}

    axis = {"title": None, "grid": False, "labelLimit": fits(128, 320), "labelFontSize": fits(10, 12)}
    return Chart(
        id="coverage",
        title="What is there, and what is missing",
        shows="every figure that could be expected",
        lede="Every figure that could be expected, by quarter. Point at one that is missing for the reason.",
        description=f"Grid of companies and metrics by quarter, {span(rows)}: {present} of {len(rows.values)} "
        "expected figures are present.",
        key=key(
            (fill("var(--measured)"), "square", "present"),
            *([(stroke("var(--missing)", 1.5), "cross", "expected and missing")] if present < len(rows.values) else []),
        ),
        rows=rows,
        spec={
            "height": 15 * len({row["chart_row"] for row in rows.dicts()}),
            "mark": {"type": "point", "opacity": 1, "strokeWidth": 1.1},
            "encoding": {
                "x": quarters(rows),
                "y": {"field": "chart_row", "type": "ordinal", "sort": None, "axis": axis},
                "shape": either(SHAPES["square"], SHAPES["cross"]),
                "size": either(fits(30, 120), fits(14, 36)),
                "fill": either("var(--measured)", "transparent"),
                "stroke": either("transparent", "var(--missing)"),
            },
        },
    )
