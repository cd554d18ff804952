"""Figures and a scenario of the user's own, through a refresh: they count where asked for, and move nothing else."""

from __future__ import annotations

import csv
import shutil

import duckdb
import pytest
from conftest import run_aigap

from ingest.curated.figures import COLUMNS
from warehouse.store.home import Home

_ROW = dict.fromkeys(COLUMNS, "") | {
    "metric": "annualized_run_rate",
    "unit": "USD",
    "qualifier": "estimated",
    "period_type": "run_rate",
    "known_on_basis": "published",
    "source_kind": "estimate",
    "layer": "model",
    "source_title": "A model of mine",
    "source_url": "https://example.org/model",
    "confidence": "medium",
}
#: Alphabet states nothing usable; OpenAI is counted, and has statements of March and August 2026 around this one.
_FIGURES = [
    _ROW | {"company": "Alphabet (AI)", "value": "5000000000", "period_end": "2025-12-31", "known_on": "2026-02-10"},
    _ROW | {"company": "Alphabet (AI)", "value": "5000000000", "period_end": "2026-08-31", "known_on": "2026-09-10"},
    _ROW | {"company": "OpenAI", "value": "41000000000", "period_end": "2026-06-15", "known_on": "2026-08-11"},
]
_SCENARIO = {
    "gpu_share_of_tco": ("0.5", ""),
    "end_user_gross_margin": ("0.5", ""),
    "run_rate_basis": ("", "actual_run_rate"),
    "ai_revenue_basis": ("", "own:estimated_run_rate"),
}


@pytest.fixture(scope="module")
def home(refreshed, tmp_path_factory) -> Home:
    home = Home(shutil.copytree(refreshed.home.root, tmp_path_factory.mktemp("own") / "home", symlinks=True))
    home.figures.mkdir()
    with (home.figures / "mine.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(_FIGURES)
    with (home.root / "scenarios.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["scenario", "parameter", "value", "text_value", "known_on", "source_title", "source_url", "note"]
        )
        for name, (value, text) in _SCENARIO.items():
            writer.writerow(
                ["mine", name, value, text, "2026-01-01", "A model of mine", "https://example.org/model", ""]
            )
    done = run_aigap(home, "refresh")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def con(home, published):
    with duckdb.connect() as connection:
        for name, path in (("mine", home.published), ("shipped", published)):
            connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name} (read_only)")
        yield connection


def test_nothing_that_ships_moves_by_a_dollar(con):
    """Every row of every mart is still there as it was, and each new one says whose it is."""
    tables = con.execute(
        "select table_name from duckdb_tables() where database_name = 'shipped' and schema_name = 'marts'"
    )
    marks = (
        "scenario like 'own:%'",
        "ai_revenue_basis like 'own:%'",
        "fact_id like 'o%'",
        "company like 'scenario own:%'",
    )
    for (table,) in tables.fetchall():
        columns = {row[0] for row in con.execute(f"describe shipped.marts.{table}").fetchall()}
        gone = con.execute(f"from shipped.marts.{table} except all from mine.marts.{table}").fetchall()
        assert gone == [], table
        mark = " or ".join(m for m in marks if m.split()[0] in columns) or "false"
        new = f"(from mine.marts.{table} except all from shipped.marts.{table})"
        unmarked = con.execute(f"from {new} where not coalesce({mark}, false)").fetchall()
        assert unmarked == [], table


def test_the_users_scenario_counts_them(con):
    rows = con.execute(
        """select company, ai_revenue_basis, central_usd from mine.marts.ai_revenue_series
           where calendar_quarter = '2026Q2' and company in ('Alphabet (AI)', 'OpenAI')
           and ai_revenue_basis like '%estimated_run_rate'"""
    ).fetchall()
    series = {(company, basis): amount for company, basis, amount in rows}
    assert series["Alphabet (AI)", "own:estimated_run_rate"] == 5_000_000_000
    assert ("Alphabet (AI)", "estimated_run_rate") not in series
    more = series["OpenAI", "own:estimated_run_rate"] - series["OpenAI", "estimated_run_rate"]
    assert more > 1_000_000_000
    gap = dict(
        con.execute(
            """select scenario, ai_revenue_usd from mine.marts.ai_revenue_gap
               where calendar_quarter = '2026Q2' and scenario in ('measured', 'own:mine')"""
        ).fetchall()
    )
    # A lab's revenue moves what is netted at clouds only where a default is a part of it: here it is not.
    assert gap["own:mine"] - gap["measured"] == 5_000_000_000 + more


def test_wherever_they_show_they_say_whose_they_are(home):
    shown = run_aigap(home, "show", "--scenario", "own:mine", "--last", "1").stdout
    assert "your own figures counted" in shown
    tree = run_aigap(home, "explain", "2026Q2", "--scenario", "own:mine").stdout
    assert tree.count("Own figure: A model of mine") == 3
    assert "Own figure" not in run_aigap(home, "explain", "2026Q2").stdout
    assert "your own" not in run_aigap(home, "show", "--last", "1").stdout
