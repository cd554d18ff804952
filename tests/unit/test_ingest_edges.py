"""What read_ai_revenue_edges accepts and refuses, on small files."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.curated.edges import read_ai_revenue_edges
from ingest.curated.roles import AI_REVENUE_ROLES
from ingest.records import EDGES, CuratedError

COLUMNS = tuple(n for n in EDGES.names if n not in ("edge_id", "is_citable"))
EDGE = dict.fromkeys(COLUMNS, "") | {
    "payer": "Lab",
    "payer_layer": "model",
    "payee": "Cloud",
    "payee_layer": "cloud_infrastructure",
    "value": "24100000000",
    "unit": "USD",
    "qualifier": "exact",
    "period_type": "year",
    "period_start": "2025-07-01",
    "period_end": "2026-06-30",
    "known_on": "2026-07-29",
    "known_on_basis": "published",
    "source_kind": "company_filing",
    "source_title": "10-K",
    "source_url": "https://www.sec.gov/Archives/edgar/data/1/a.htm",
    "confidence": "high",
}
SHARE = {"value": "0.79", "unit": "share", "share_of": "payee_revenue"}
DEFAULT = SHARE | {"payer": "(any)", "payee": "(any)"}


def folder_of(folder: Path, *edges: dict[str, str]) -> Path:
    def write(name: str, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(rows)

    names = ("Lab", "Cloud", "Editor")
    roles = [{"company": name, "role": "counted", "canonical": name} for name in names]
    write("ai_revenue_roles.csv", tuple(AI_REVENUE_ROLES.names), roles)
    write("ai_revenue_edges.csv", COLUMNS, list(edges))
    return folder


def test_edges_come_out_typed(tmp_path: Path) -> None:
    table = read_ai_revenue_edges(folder_of(tmp_path, EDGE, EDGE | DEFAULT, EDGE | {"payer": "Lab; Editor"}))
    assert table.schema == EDGES
    amount, default, joint = table.to_pylist()
    assert (amount["value"], amount["period_end"], amount["is_citable"]) == (Decimal("24.1e9"), date(2026, 6, 30), True)
    assert (default["share_of"], default["low_value"]) == ("payee_revenue", None)
    assert len({amount["edge_id"], default["edge_id"], joint["edge_id"]}) == 3


def test_an_edge_keeps_its_id_when_its_amount_is_put_right(tmp_path: Path) -> None:
    ids = [
        read_ai_revenue_edges(folder_of(tmp_path, EDGE | {"value": value}))["edge_id"].to_pylist()
        for value in ("24100000000", "25000000000")
    ]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"payer": "Nobody"}, "payer 'Nobody' has no role"),
        ({"payer": "Lab; Nobody"}, "payer 'Nobody' has no role"),
        ({"payee": "Lab"}, "Lab cannot pay itself"),
        ({"payer": "Lab; Cloud"}, "Cloud cannot pay itself"),
        ({"payer": "(any)"}, "a default, which is a share"),
        ({"payee_layer": "all"}, "payee_layer 'all'"),
        ({"value": ""}, "value is required"),
        ({"value": "24100"}, "24100 USD is not a plausible payment"),
        ({"low_value": "25000000000"}, "must rise"),
        ({"unit": "EUR"}, "unit 'EUR'"),
        ({"share_of": "payee_revenue"}, "share_of 'payee_revenue'"),
        (SHARE | {"value": "1.59"}, "1.59 share is not a plausible payment"),
        (SHARE | {"share_of": ""}, "share_of ''"),
        ({"period_type": "instant", "period_start": ""}, "an amount has a period"),
        ({"period_type": "quarter"}, "365 days, not a quarter"),
        ({"period_type": "forecast", "period_start": ""}, "period_type 'forecast'"),
        ({"known_on": ""}, "known_on is missing"),
        ({"source_title": ""}, "source_title is missing"),
        ({"source_url": "https://www.sec.gov/"}, "cannot be cited, so confidence must be low"),
        ({}, "stands twice"),
    ],
)
def test_one_bad_edge_refuses_the_file(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    with pytest.raises(CuratedError, match="line 3") as caught:
        read_ai_revenue_edges(folder_of(tmp_path, EDGE, EDGE | change))
    assert reason in str(caught.value)
