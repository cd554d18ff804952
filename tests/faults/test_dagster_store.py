"""Dagster's own files: damaged, locked, of another shape or odd name, and how many of them are kept."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from orchestration import store
from orchestration.instance import instance_of
from orchestration.store import close_left_over_runs, prune
from warehouse.store.home import Home

MAIN = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")


@dg.asset(key=["marts", "gap"], check_specs=[dg.AssetCheckSpec("adds_up", asset=["marts", "gap"])])
def gap():
    yield dg.MaterializeResult(metadata={"note": "x" * 20_000}, check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset
def broken():
    raise ValueError("as told")


_DEFS = dg.Definitions(
    assets=[gap, broken],
    jobs=[dg.define_asset_job("quarterly_refresh", [gap]), dg.define_asset_job("failing", [broken])],
)


def run(instance: dg.DagsterInstance, job: str = "quarterly_refresh") -> str:
    """One small run, with the events of a real one; returns its id."""
    done = _DEFS.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)
    assert done.success is (job != "failing")
    return done.run_id


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Home:
    """A home with one run, of which another was killed."""
    home = Home(tmp_path_factory.mktemp("store") / "home")
    with instance_of(home) as instance:
        run(instance)
        killed = instance.create_run_for_job(_DEFS.resolve_job_def("quarterly_refresh"))
        instance.report_engine_event("started", killed)
        instance.handle_run_event(killed.run_id, _started(killed))
    return home


def _started(killed: dg.DagsterRun) -> dg.DagsterEvent:
    return dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, killed.job_name, message="started")


@pytest.fixture
def home(template, tmp_path) -> Home:
    return Home(shutil.copytree(template.root, tmp_path / "home"))


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all, and longer than a header of one is " * 100)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _scrambled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 : len(data) - 4096] = bytes(len(data) - 8192)
    path.write_bytes(data)


def _other_schema(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table runs (id integer)")
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('from the future')")
        connection.commit()


def _two_versions(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("insert into alembic_version values ('another')")
        connection.commit()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "mine").touch()


DAMAGE = (_garbage, _truncated, _empty, _scrambled, _other_schema, _two_versions, _folder)


def flat(home: Home) -> None:
    """Everything of the logs written ahead in the files themselves, so that damage is damage."""
    for path in home.dagster.rglob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma journal_mode = delete")


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__[1:])
def test_a_damaged_file_is_set_aside_and_made_anew_in_one_line(home, damage):
    flat(home)
    for name in MAIN:
        damage(home.dagster / name)
    said: list[str] = []
    with instance_of(home, said.append) as instance:
        close_left_over_runs(instance, "quarterly_refresh")
        done = run(instance)
        assert instance.get_run_by_id(done).is_success
        assert instance.get_latest_materialization_event(dg.AssetKey(["marts", "gap"])).run_id == done
        assert instance.all_instigator_state() == []
    assert len(said) == len(MAIN), said
    for name, line in zip(MAIN, said, strict=True):
        file = Path(name).name
        assert line.startswith(f"Dagster's {file} could not be used (")
        assert "\n" not in line
        assert "sqlalche.me" not in line
        (aside,) = (home.dagster / name).parent.glob(f"{file}.set-aside-*Z")
        assert aside.name in line
    with instance_of(home, pytest.fail) as instance:  # the next start finds nothing wrong
        assert instance.get_run_by_id(done).is_success


@pytest.mark.parametrize("name", MAIN)
def test_only_the_damaged_file_is_set_aside(home, name):
    flat(home)
    before = {other: (home.dagster / other).stat().st_ino for other in MAIN if other != name}
    _garbage(home.dagster / name)
    said: list[str] = []
    with instance_of(home, said.append):
        pass
    assert len(said) == 1
    assert {other: (home.dagster / other).stat().st_ino for other in before} == before


@pytest.mark.parametrize("damage", [_garbage, _other_schema, _two_versions, _folder], ids=lambda d: d.__name__[1:])
def test_a_damaged_file_of_a_run_holds_nothing_up(home, damage):
    """Also not that of a killed run, to which the next refresh has to write."""
    flat(home)
    for path in (home.dagster / "history" / "runs").glob("*.db"):
        if path.stem != "index":
            damage(path)
    said: list[str] = []
    with instance_of(home, said.append) as instance:
        (left,) = close_left_over_runs(instance, "quarterly_refresh")
        assert instance.get_run_by_id(left).status == dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(run(instance)).is_success
    assert said == []


def test_a_file_that_another_program_keeps_locked_is_waited_for_and_then_left_to_it(home, monkeypatch):
    monkeypatch.setattr(store, "WAIT_SECONDS", 1)
    said: list[str] = []
    with closing(sqlite3.connect(home.dagster / MAIN[0], isolation_level=None)) as shell:
        shell.execute("begin exclusive")
        started = time.monotonic()
        with instance_of(home, said.append) as instance:
            run(instance)
        assert time.monotonic() - started >= 1
    assert len(said) == 1
    assert "another program has kept it locked for 1 s" in said[0]


def test_a_lock_that_is_let_go_costs_only_the_wait(home):
    said: list[str] = []
    with closing(sqlite3.connect(home.dagster / MAIN[1], isolation_level=None, check_same_thread=False)) as shell:
        import threading

        shell.execute("begin immediate")
        threading.Timer(0.7, lambda: shell.execute("rollback")).start()
        with instance_of(home, said.append) as instance:
            assert instance.get_runs_count() == 2
    assert said == []


def test_a_full_disk_is_not_blamed_on_the_file(home, monkeypatch):
    def full(*_, **__):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(store.sqlite3, "connect", full)
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        store.mend(home.dagster, pytest.fail)


def test_no_more_than_three_of_one_file_are_set_aside(home):
    for _ in range(6):
        (home.dagster / MAIN[0]).write_bytes(b"garbage" * 1000)
        (home.dagster / f"{MAIN[0]}-wal").write_bytes(b"")
        store.mend(home.dagster, lambda _: None)
    aside = sorted(path.name for path in (home.dagster / "history").glob("runs.db.set-aside-*"))
    assert len([name for name in aside if name.endswith("Z")]) == 3
    assert len(aside) == 6, "and what lay beside them"


def test_settings_that_are_no_text_are_written_anew(home):
    (home.dagster / "dagster.yaml").write_bytes(b"\xff\xfe\x00garbage")
    with instance_of(home) as instance:
        assert instance.run_monitoring_enabled


def test_a_run_that_was_killed_before_it_said_that_it_started_is_closed_too_if_it_was_ours(home):
    job = _DEFS.resolve_job_def("quarterly_refresh")
    with instance_of(home) as instance:
        ours = instance.create_run_for_job(job, tags=store.OURS)
        queued = instance.create_run_for_job(job)
        assert ours.run_id in close_left_over_runs(instance, "quarterly_refresh")
        assert instance.get_run_by_id(ours.run_id).status == dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(queued.run_id).status == dg.DagsterRunStatus.NOT_STARTED, (
            "the daemon's, on its way"
        )


ODD = [
    "a # 100% of %41%2F %(here)s?b#c%d", "-[a-z]* {curly}{{x}};semi", "quote'd \"twice\" $HOME `id` $(id)\nnew line",
    " ünï 名前 back\\slash a+b=c&d@e:f ",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_the_store_lies_where_it_should_whatever_the_folder_is_called(tmp_path, name):
    home = Home(tmp_path / name)
    with instance_of(home) as instance:
        assert not instance.telemetry_enabled, "our settings are in force"
        assert isinstance(instance.event_log_storage, store.KeptOpenEventLog)
        done = run(instance)
        assert [*instance.event_log_storage.get_all_run_ids()] == [done]
    assert [path.name for path in tmp_path.iterdir()] == [name]
    files = {path.relative_to(home.dagster).as_posix() for path in home.dagster.rglob("*.db")}
    assert files == {*MAIN, f"history/runs/{done}.db"}
    with instance_of(home, pytest.fail) as instance:
        assert instance.get_run_by_id(done).is_success


# --- how much is kept -----------------------------------------------------------------------------


def size(home: Home) -> int:
    return sum(path.stat().st_size for path in home.dagster.rglob("*") if path.is_file())


def test_what_is_kept_does_not_grow_with_the_number_of_runs(tmp_path):
    home = Home(tmp_path / "home")
    sizes = []
    with instance_of(home) as instance:
        for _ in range(24):
            last = run(instance)
            prune(instance, keep=3)
            sizes.append(size(home))
        assert instance.get_runs_count() == len(instance.event_log_storage.get_all_run_ids()) == 3
        assert instance.get_latest_materialization_event(dg.AssetKey(["marts", "gap"])).run_id == last
        checks = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey(["marts", "gap"]), "adds_up"), limit=100
        )
        assert len(checks) == 3
    assert sizes[2] > 1.3 * sizes[0], "a run costs something"
    # SQLite's own write-ahead log fills up first, once.
    assert max(sizes[18:]) <= 1.1 * max(sizes[12:18])


def test_the_newest_success_is_kept_however_many_runs_failed_since(tmp_path):
    with instance_of(Home(tmp_path)) as instance:
        run(instance)
        good = run(instance)
        failed = [run(instance, "failing") for _ in range(4)]
        waiting = instance.create_run_for_job(_DEFS.resolve_job_def("quarterly_refresh")).run_id
        assert len(prune(instance, keep=2)) == 3
        assert {r.run_id for r in instance.get_runs()} == {good, waiting, *failed[2:]}
        assert instance.get_latest_materialization_event(dg.AssetKey(["marts", "gap"])).run_id == good
        assert prune(instance, keep=2) == []


def test_files_of_runs_that_nobody_lists_are_removed(home):
    (home.dagster / MAIN[0]).unlink()
    with instance_of(home) as instance:
        mine = run(instance)
        assert len(prune(instance, keep=1)) == 2
        assert instance.event_log_storage.get_all_run_ids() == [mine]


def test_a_resource_that_a_run_holds_prunes_and_a_store_that_cannot_be_is_no_reason_to_fail(home, monkeypatch):
    from orchestration import resources
    from orchestration.resources import Warehouse

    seen = []

    def refuse(instance):
        seen.append(instance)
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(resources, "prune", refuse)
    with instance_of(home) as instance:
        context = dg.build_init_resource_context(instance=instance)
        with Warehouse(root=str(home.root)).yield_for_execution(context) as held:
            assert held.home == home
        assert seen == [instance]
