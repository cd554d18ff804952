"""The filings of the next quarters arrive, sound and faulty; each is published right, within its run, and alone.

The short form plays the quarter that is due, from the day after the newest thing we ship; `make rehearse` eight
quarters from each of STARTS, and writes docs/rehearsal.md. AIGAP_REHEARSE_SEED and AIGAP_REHEARSE_STARTS (days, by
comma) play others: a problem names both. AIGAP_REHEARSE_DAYS: filings of how many days come in one run.
"""

import fcntl
import json
import logging
import os
import re
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ingest.bundle import read_bundle
from support.rehearsal import Figures, Play, Rehearsal
from support.rehearsal_history import History

TABLE = Path(__file__).resolve().parents[2] / "docs" / "rehearsal.md"
LONG = bool(os.environ.get("AIGAP_REHEARSE"))
SEED = int(os.environ.get("AIGAP_REHEARSE_SEED", "1"))
DAYS = int(os.environ.get("AIGAP_REHEARSE_DAYS", "1"))
STARTS = "2020-03-02,2021-06-01,2022-03-01,2023-03-01,2024-03-01,2025-03-03,today"


@pytest.fixture(scope="module")
def bundle():
    return read_bundle()


@pytest.fixture(scope="module")
def history(bundle, refreshed):
    return History(bundle, refreshed.home.published)


@pytest.fixture
def rehearse(bundle, history, refreshed, manifest, tmp_path, caplog):
    caplog.set_level(logging.WARNING)

    def run(play: Play, compiled: Path = manifest) -> Figures:
        return Rehearsal(play, history, bundle, compiled, refreshed.home.root / "dbt", tmp_path).run()

    return run


@pytest.fixture(scope="module")
def today(published):
    """The day after the newest number that ships."""
    with duckdb.connect(str(published), read_only=True) as con:
        newest = con.execute("select max(known_from) from marts.nvidia_data_center_revenue").fetchone()[0]
    return newest + timedelta(1)


def test_the_quarter_that_is_due_is_published_right(rehearse, today):
    figures = rehearse(Play(today, SEED, quarters=1, faults=0.8, days_per_run=21))
    assert not figures.problems, "\n".join(figures.problems)
    assert figures.published + figures.set_aside == figures.arrivals > 80
    assert figures.set_aside > 0
    assert figures.under_dagster == 1


def test_a_warehouse_that_is_wrong_by_a_dollar_is_seen(rehearse, today, manifest, tmp_path):
    """The judge can say no: capex of one company a dollar too high, in every version."""
    project = json.loads(manifest.read_text("utf-8"))
    (node,) = (n for n in project["nodes"].values() if n["name"] == "hyperscaler_capex")
    changed = re.sub(
        r"(?m)^( *)capex_usd,$",
        r"\1capex_usd + cast(capex_basis = 'cash_gross' as int) as capex_usd,",
        node["compiled_code"],
    )
    assert changed != node["compiled_code"]
    node["compiled_code"] = changed
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(project), "utf-8")
    figures = rehearse(Play(today, SEED, quarters=0, faults=0, whole_job_every=1000, days_per_run=60), wrong)
    assert figures.wrong > 0
    assert "'capex_cash_gross'" in figures.problems[0]


@pytest.mark.skipif(not LONG, reason="an hour or more: make rehearse")
@pytest.mark.parametrize("start", os.environ.get("AIGAP_REHEARSE_STARTS", STARTS).split(","))
def test_eight_quarters_from(start, rehearse, today, tmp_path_factory):
    figures = rehearse(Play(today if start == "today" else date.fromisoformat(start), SEED, days_per_run=DAYS))
    base = tmp_path_factory.getbasetemp()
    write_table(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base, figures)
    assert not figures.problems, "\n".join(figures.problems)
    assert figures.wrong == figures.blocked == 0


def write_table(folder: Path, figures: Figures) -> None:
    """docs/rehearsal.md, from the figures of all starts so far."""
    columns = ("arrivals", "published", "set_aside", "blocked", "wrong", "runs", "under_dagster")
    with (folder / "rehearsal.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / f"rehearsal-{figures.start}.json").write_text(json.dumps(asdict(figures), default=str))
        rows = [json.loads(path.read_text()) for path in sorted(folder.glob("rehearsal-*.json"))]
        lines = [
            "# The next two years, rehearsed",
            "",
            f"Made by `make rehearse` (seed {SEED}, filings of {DAYS} days in one run); do not edit. What each column"
            " means stands in support/rehearsal.py.",
            "",
            f"| start | {' | '.join(c.replace('_', ' ') for c in columns)} |",
            f"|---|{'---:|' * len(columns)}",
            *(f"| {row['start']} | {' | '.join(str(row[c]) for c in columns)} |" for row in rows),
            f"| all | {' | '.join(str(sum(row[c] for row in rows)) for c in columns)} |",
        ]
        TABLE.write_text("\n".join(lines) + "\n", "utf-8")
