"""The gap under any GPU share and margin."""

from __future__ import annotations

import duckdb

from warehouse.readers.words import LIFETIME
from warehouse.report.spec import SHAPES, Chart, Spec, fits, key, only, query, stroke

TOPIC, ORDER = "gap", 30


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    # The script computes the cells, in whole dollars like gap_with().
    rows = query(
        connection,
        """
        select calendar_quarter, scenario, run_rate_usd, gpu_share_of_tco, end_user_gross_margin, required_revenue_usd,
            ai_revenue_usd, gap_usd, known_from, fact_ids
        from marts.ai_revenue_gap where run_rate_usd is not null
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
    pointer = {"type": "point", "filled": True, "opacity": 1, "size": 90, "fill": "var(--ink)"}
    yours = only("datum.chart_part == 'yours'")
    return Chart(
        id="sensitivity",
        title="What if the assumptions are wrong?",
        lede="The gap of the chosen quarter for every pair of assumptions; stronger colour, larger gap. The marks at "
        "the edges stand where your shares are, and start at those of the chosen scenario.",
        caveat=LIFETIME,
        description="Heat map of the gap by the GPUs’ share of the cost of a data center and the gross margin of their "
        "users. A smaller share or a higher margin makes the gap larger.",
        key=key(
            (stroke("var(--ink)", 3), "square", "The cell of your shares"),
            (stroke("var(--ink)", 1, "stroke-dasharray:3 2"), "square", "Cells of the headline and the sourced ends"),
        ),
        rows=rows,
        spec={
            "height": 400,
            "padding": {"left": 4, "top": 14, "bottom": 4, "right": 14},
            "layer": [
                {
                    "transform": only("datum.chart_part == 'cell'"),
                    "mark": {"type": "rect", "stroke": "var(--paper)", "strokeWidth": 1},
                    "encoding": {
                        **boxes,
                        "fill": {"field": "chart_usd", "type": "quantitative", "scale": heat, "legend": None},
                    },
                },
                {
                    "transform": only("datum.chart_part == 'scenario'"),
                    "mark": {"type": "rect", "fill": "transparent", "stroke": "var(--ink)", "strokeDash": [3, 2]},
                    "encoding": boxes,
                },
                {
                    "transform": yours,
                    "mark": {"type": "rect", "fill": "transparent", "stroke": "var(--ink)", "strokeWidth": 3},
                    "encoding": boxes,
                },
                {
                    "transform": yours,
                    "mark": {**pointer, "shape": SHAPES["down"]},
                    "encoding": {"x": {"field": "gpu", **gpu}, "y": {"value": -6}},
                },
                {
                    "transform": yours,
                    "mark": {**pointer, "shape": "triangle-left"},
                    "encoding": {"x": {"value": {"expr": "width + 6"}}, "y": {"field": "margin", **margin}},
                },
                {
                    "transform": only("datum.chart_part == 'cell'"),
                    "mark": {"type": "text", "fontSize": fits(9, 12)},
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
