"""Accelerators by generation, beside what was claimed."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import SHAPES, Chart, fill, key, listed, query

TOPIC, ORDER = "hardware", 20


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select *, gpu as chart_label, 'compared with ' || coalesce(compared_with, 'nothing') as chart_note,
            'estimated' as value_kind
        from marts.gpu_generations order by released_on, gpu
        """,
    )
    y = {
        "field": "gpu",
        "type": "ordinal",
        "scale": {"domain": listed(rows, "gpu")},
        "axis": {"title": None, "grid": False, "labelLimit": 160},
    }
    x = {
        "field": "performance_ratio",
        "type": "quantitative",
        "axis": {"title": "times that of the H100", "tickCount": 5},
    }
    return Chart(
        id="gpu-generations",
        title="A generation’s gain, and what was claimed",
        shows="dense BF16 performance",
        lede="Performance of each accelerator over that of the H100 (an H100’s over the A100’s). Data in part from "
        "Epoch AI (CC BY 4.0); prices are estimates.",
        description="Bars of performance ratios by accelerator, with the claim where one was made.",
        key=key((fill("var(--c0)"), "square", "record"), (fill("var(--cahn)"), "diamond", "claimed")),
        rows=rows,
        spec={
            "height": 22 * max(1, len(rows.values)),
            "encoding": {"y": y},
            "layer": [
                {"mark": {"type": "bar", "height": 12, "fill": "var(--c0)"}, "encoding": {"x": x}},
                {
                    "transform": [{"filter": "isValid(datum.claimed_performance_ratio)"}],
                    "mark": {
                        "type": "point",
                        "shape": SHAPES["diamond"],
                        "size": 110,
                        "fill": "var(--cahn)",
                        "opacity": 1,
                    }
                    | {"strokeWidth": 0},
                    "encoding": {"x": {**x, "field": "claimed_performance_ratio"}},
                },
            ],
        },
        first=(
            "gpu",
            "released_on",
            "performance_ratio",
            "claimed_performance_ratio",
            "low_price_usd",
            "compared_with",
        ),
    )
