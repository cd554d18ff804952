"""The ten companies on Cahn's list of 2023 against what each states."""

from __future__ import annotations

import duckdb

from warehouse.report.spec import Chart, fill, key, listed, query, stroke, usd

TOPIC, ORDER = "revenue", 20


def chart(connection: duckdb.DuckDBPyConnection) -> Chart:
    rows = query(
        connection,
        """
        select *, coalesce(stated_usd, 0) as chart_usd, member || ', ' || calendar_quarter as chart_label,
            verdict || coalesce(', ' || staleness_days || ' days old', '') as chart_verdict, note as chart_note
        from marts.cahn_scoreboard order by calendar_quarter desc, assumed_usd desc, member
        """,
    )
    y = {
        "field": "member",
        "type": "ordinal",
        "scale": {"domain": listed(rows, "member")},
        "axis": {"title": None, "grid": False},
    }
    return Chart(
        id="scoreboard",
        title="Cahn’s ten companies",
        shows="what each states of AI revenue",
        lede="In 2023 Cahn gave ten companies 10 or 5 billion of AI revenue a year. What each states by the chosen "
        "quarter, before anything is netted.",
        description="Bar chart of stated AI revenue beside the amount assumed for each company.",
        key=key((fill("var(--measured)"), "square", "stated"), (stroke("var(--cahn)", 3), "line", "assumed in 2023")),
        rows=rows,
        spec={
            "height": 300,
            "padding": 4,
            "encoding": {"y": y},
            "layer": [
                {
                    "mark": {"type": "bar", "height": 14, "fill": "var(--measured)"},
                    "encoding": {
                        "x": {
                            **usd("chart_usd"),
                            "axis": {**usd("x")["axis"], "grid": False, "labelFlush": False, "labelSeparation": 6},
                        }
                    },
                },
                {
                    "mark": {"type": "tick", "stroke": "var(--cahn)", "thickness": 3, "size": 20},
                    "encoding": {"x": {"field": "assumed_usd", "type": "quantitative"}},
                },
                {
                    "mark": {"type": "text", "align": "left", "fill": "var(--muted)", "fontSize": 11},
                    "encoding": {"x": {"value": {"expr": "width + 8"}}, "text": {"field": "chart_verdict"}},
                },
            ],
        },
        where={"calendar_quarter": "quarter"},
        first=("calendar_quarter", "member", "assumed_usd", "stated_usd", "verdict", "staleness_days"),
    )
