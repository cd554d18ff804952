import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from orchestration import unchanged
from warehouse.errors import Busy
from warehouse.store.home import Home, read_last_refresh, record_refresh, refresh_lock


@pytest.fixture
def home(tmp_path, monkeypatch):
    code = tmp_path / "code"
    for room in unchanged.ROOMS:
        (code / room).mkdir(parents=True)
        (code / room / "a.py").write_text("a = 1\n")
    whole = unchanged.state
    monkeypatch.setattr(unchanged, "state", lambda home, **said: whole(home, code=code, **said))
    home = Home(tmp_path / "home")
    for name in ("archive/ab/1.json", "dbt/build.json", "report/index.html", "dagster/run.db", "docs/index.html"):
        (home.root / name).parent.mkdir(parents=True)
        (home.root / name).write_text("{}")
    home.build.write_text("build")
    home.generations.mkdir()
    for number in (1, 2):
        home.generation(number).write_text("marts")
    home.published.symlink_to(home.generation(1).relative_to(home.root))
    record_refresh(home, "published", "published ai_revenue_gap-000001.duckdb: 7 checks passed", "2026-12-01T00:00:00")
    unchanged.note(home, unchanged.state(home))
    return home


def test_what_has_not_changed_is_not_refreshed_and_the_outcome_says_since_when(home):
    for _ in range(2):  # the second time it still says when it was last built, not when it was last asked
        said = unchanged.skip(home)
        assert said == (
            "nothing has changed since 2026-12-01T00:00:00: published ai_revenue_gap-000001.duckdb: 7 checks passed"
        )
        last = read_last_refresh(home)
        assert (last["outcome"], last["message"]) == ("unchanged", said)
        assert last["at"] > "2026-12-01T00:00:00"


def touched(path):
    os.utime(path, ns=(1, 1))


CHANGES = {
    "a module of the parsers": lambda home: touched(home.root.parent / "code/ingest/a.py"),
    "a new model": lambda home: (home.root.parent / "code/dbt_project/new.sql").write_text("select 1"),
    "a figure of the user's": lambda home: (home.figures.mkdir(), (home.figures / "mine.csv").write_text("x")),
    "a decision": lambda home: home.decisions.write_text("{}\n"),
    "own scenarios": lambda home: (home.root / "scenarios.csv").write_text("x"),
    "a payload": lambda home: (home.archive / "ab/2.json").write_text("{}"),
    "a payload rewritten": lambda home: touched(home.archive / "ab/1.json"),
    "a payload gone": lambda home: (home.archive / "ab/1.json").unlink(),
    "the build file": lambda home: touched(home.build),
    "no build file": lambda home: home.build.unlink(),
    "what was checked": lambda home: (home.dbt / "build.json").write_text("null"),
    "the published file": lambda home: touched(home.generation(1)),
    "another generation put in place": lambda home: (
        home.published.unlink(),
        home.published.symlink_to(home.generation(2).relative_to(home.root)),
    ),
    "no published file": lambda home: home.published.unlink(),
    "no page": lambda home: shutil.rmtree(home.report),
    "the page": lambda home: (home.report / "index.html").write_text("edited"),
    "a damaged note": lambda home: (home.dbt / "unchanged.json").write_text('{"inputs": 1'),
    "a note of another kind": lambda home: (home.dbt / "unchanged.json").write_text("[]"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_a_refresh_reads_or_writes_makes_the_next_one_whole(home, change):
    change(home)
    assert unchanged.skip(home) is None
    assert read_last_refresh(home)["outcome"] == "published"


def test_history_of_runs_and_locks_are_no_reason_to_refresh(home):
    touched(home.dagster / "run.db")
    touched(home.docs / "index.html")
    with refresh_lock(home):
        pass
    (home.root.parent / "code/ingest/__pycache__").mkdir()
    (home.root.parent / "code/ingest/__pycache__/a.pyc").write_text("x")
    assert unchanged.skip(home)


def test_the_next_day_and_another_setting_are_refreshed(home, monkeypatch):
    now = unchanged.state(home)
    assert unchanged.state(home, day=datetime.now(UTC).date()) == now
    assert unchanged.state(home, day=datetime.now(UTC).date() + timedelta(days=1)).inputs != now.inputs
    monkeypatch.setenv("AIGAP_MEMORY_LIMIT", "2GB")
    assert unchanged.skip(home) is None


def test_what_came_while_a_refresh_ran_is_not_taken_as_read(home):
    before = unchanged.state(home)
    home.decisions.write_text("{}\n")
    unchanged.note(home, before)
    assert unchanged.skip(home) is None


def test_a_home_never_refreshed_is_left_alone(tmp_path):
    assert unchanged.skip(Home(tmp_path / "none")) is None
    assert not (tmp_path / "none").exists()


def test_it_waits_for_no_one_and_says_who_is_at_it(home, monkeypatch):
    def held(_):
        raise Busy("a refresh is already running")

    monkeypatch.setattr(unchanged, "refresh_lock", held)
    with pytest.raises(Busy, match="already running"):
        unchanged.skip(home)
