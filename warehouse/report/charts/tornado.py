"""What each sourced range does to the gap of a quarter."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, by, fill, key, listed, query

TOPIC, ORDER = "gap", 35


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select *, difference_usd as chart_usd, varied || ', ' || range_end || ' end' as chart_label,
            if(varied_to is null, 'the other end of the range', 'taken: ' || varied_to::decimal(9, 2)) as chart_note,
            case varied when 'gpu_share_of_tco' then 'GPUs’ share of cost' when 'end_user_gross_margin' then 'Margin'
                when 'ai_revenue' then 'AI revenue' else 'All together' end as chart_row, 'derived' as value_kind
        from marts.gap_sensitivity order by calendar_quarter desc, varied = 'all together', varied, range_end
        """,
    )
    y = {
        "field": "chart_row",
        "type": "ordinal",
        "scale": {"domain": listed(rows, "chart_row")},
        "axis": {"title": None, "grid": False},
    }
    x = {"field": "chart_usd", "type": "quantitative", "axis": None, "scale": {"padding": 70}}
    ends = [
        {
            "transform": [{"filter": f"datum.range_end == '{end}' && datum.chart_usd != 0"}],
            "mark": {"type": "text", "align": align, "dx": dx},
            "encoding": {"x": x, "text": {"field": "chart_text"}},
        }
        for end, align, dx in (("low", "right", -6), ("high", "left", 6))
    ]
    fills = {"low": "var(--measured)", "high": "var(--required)"}
    return Chart(
        id="tornado",
        title="What each range does to the gap",
        shows="against scenario measured",
        lede="Every sourced range, taken to either end one at a time and all together: by how much the gap moves.",
        description="Tornado chart of the change of the gap at the ends of each sourced range.",
        key=key(
            (fill(fills["low"]), "square", "end that makes the gap smaller"),
            (fill(fills["high"]), "square", "end that makes it larger"),
        ),
        rows=rows,
        spec={
            "height": 160,
            "encoding": {"y": y},
            "layer": [
                {"mark": {"type": "bar", "height": 22}, "encoding": {"x": x, "fill": by("range_end", fills)}},
                *ends,
            ],
        },
        where={"calendar_quarter": "quarter"},
        first=("calendar_quarter", "varied", "range_end", "varied_to", "difference_usd", "gap_usd"),
    )
