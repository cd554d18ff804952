"""Publishing under faults: kills at every named point, a full disk, damage, readers and rivals at work meanwhile."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from support.small_warehouse import (
    READ,
    STEP,
    Readers,
    change_build,
    publish_elsewhere,
    publish_small,
    small_home,
    steps_read,
)
from warehouse.errors import BUSY, NotPublished
from warehouse.readers.doctor import examine
from warehouse.readers.read import open_published, query
from warehouse.store.faults import PUBLISH_POINTS
from warehouse.store.home import Home


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = small_home(tmp_path_factory.mktemp("template"))
    publish_small(home)
    return home


@pytest.fixture
def home(template, tmp_path):
    """One generation published, and a build file that differs from it."""
    home = Home(shutil.copytree(template.root, tmp_path / "a home", symlinks=True))
    change_build(home, STEP)
    return home


def result(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out.strip(), err.strip()


# --- T42, T58: killed anywhere ------------------------------------------------------------------------------


@pytest.mark.parametrize("point", PUBLISH_POINTS)
def test_t42_killed_at_any_point_leaves_one_whole_generation_and_the_next_run_completes(home, point):
    killed = publish_elsewhere(home, env={**os.environ, "AIGAP_CRASH_AT": point})
    assert result(killed)[0] == -signal.SIGKILL
    has_flipped = PUBLISH_POINTS.index(point) >= PUBLISH_POINTS.index("publish.flipped")
    assert steps_read(home) == ([1, 1] if has_flipped else [0, 0])
    finished = publish_small(home)
    assert steps_read(home) == [1, 1]
    assert finished.is_new is not has_flipped
    assert home.live() == finished.path
    assert not list(home.generations.glob(".new-*"))
    assert not list(home.root.glob(".link-*"))


def test_every_named_point_is_passed(template):
    source = (os.path.join(os.path.dirname(sys.modules["warehouse.store.publish"].__file__), "publish.py"),)
    with open(source[0], encoding="utf-8") as file:
        text = file.read()
    assert all(f'crash_point("{point}")' in text for point in PUBLISH_POINTS)


# --- T46: disk full ------------------------------------------------------------------------------------------


def test_t46_a_full_disk_stops_the_publish_cleanly(home):
    live = home.live()
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from support.small_warehouse import publish_small\n"
        "from warehouse.store.home import Home\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))\n"
        "try: publish_small(Home(Path(sys.argv[2])))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    tests = os.path.dirname(os.path.dirname(__file__))
    done = subprocess.run(
        [sys.executable, "-c", code, tests, str(home.root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("PublishError publishing stopped: ")
    assert "the published numbers are unchanged" in done.stdout
    assert os.listdir(home.generations) == [live.name], "nothing half-written is left to fill the disk"
    assert steps_read(home) == [0, 0]
    assert publish_small(home).is_new
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def read_everything(home):
    with open_published(home) as connection:
        for schema, table in query(connection, "select schema_name, table_name from duckdb_tables()").rows:
            query(connection, f"from {schema}.{table}")


# --- T47: damage ----------------------------------------------------------------------------------------------


def damage(home, how):
    live = home.live()
    data = bytearray(live.read_bytes())
    if how == "cut":
        data = data[: len(data) * 2 // 3]
    else:
        position = {"flipped in a block": data.index(b"https://www.sec.gov/x2"), "flipped in the header": 4100}[how]
        data[position] ^= 0x10
    live.chmod(0o644)
    live.write_bytes(data)
    live.chmod(0o444)


@pytest.mark.parametrize("how", ["cut", "flipped in a block", "flipped in the header"])
def test_t47_damage_is_found_and_the_next_refresh_repairs_it(template, tmp_path, how):
    home = Home(shutil.copytree(template.root, tmp_path / "home", symlinks=True))
    damage(home, how)
    findings = {f.check: f for f in examine(home, date(2026, 11, 22)) if f.status == "fail"}
    found = findings.get("integrity") or findings["published"]
    assert "is damaged" in found.detail
    assert "aigap refresh" in found.detail
    with pytest.raises(NotPublished, match="is damaged"):
        read_everything(home)
    # The build file says nothing new, and is published all the same: the damaged generation is not "the same".
    assert publish_small(home).is_new
    assert steps_read(home) == [0, 0]


# --- T49: stale logs -------------------------------------------------------------------------------------------


def test_t49_a_stale_log_beside_the_link_is_never_replayed(home, tmp_path):
    """A log as a killed writer leaves it, laid where DuckDB would look if the link were the file."""
    writer = (
        "import duckdb, os, sys\nc = duckdb.connect(sys.argv[1])\nc.execute('checkpoint')\n"
        "c.execute('delete from marts.scenarios')\nos.kill(os.getpid(), 9)"
    )
    scratch = tmp_path / "scratch.duckdb"
    scratch.write_bytes(home.live().read_bytes())
    subprocess.run([sys.executable, "-c", writer, str(scratch)], check=False)
    log = scratch.with_name("scratch.duckdb.wal").read_bytes()
    assert log
    home.published.with_name("ai_revenue_gap.duckdb.wal").write_bytes(log)
    assert steps_read(home) == [0, 0]
    assert publish_small(home).is_new
    assert steps_read(home) == [1, 1]
    assert any(f.check == "stale log" and f.status == "warn" for f in examine(home, date(2026, 11, 22)))


# --- T54: rivals ------------------------------------------------------------------------------------------------


def test_t54_of_four_publishes_at_once_one_runs_and_the_others_say_busy(home):
    # The first holds the lock until told: a child that stops itself while it has it.
    code = (
        "import sys; from pathlib import Path; from warehouse.store.home import Home, refresh_lock\n"
        "with refresh_lock(Home(Path(sys.argv[1]))):\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    busy = [publish_elsewhere(home) for _ in range(3)]
    for process in busy:
        code, _, err = result(process)
        assert code == BUSY
        assert f"a refresh is already running (process {holder.pid} since" in err
    holder.communicate("")
    rivals = [publish_elsewhere(home) for _ in range(4)]
    results = [result(process) for process in rivals]
    assert sorted({code for code, _, _ in results}) in ([0], [0, BUSY])
    numbers = [int(out) for code, out, _ in results if code == 0]
    assert len(set(numbers)) == len(numbers), "no two publishes made the same generation"
    assert steps_read(home) == [1, 1]


# --- T56: readers ------------------------------------------------------------------------------------------------


def test_t56_two_readers_through_twenty_publishes_see_no_error_nothing_torn_nothing_backwards(home):
    # This one never reconnects: it must keep the generation it opened, whatever is collected meanwhile.
    with open_published(home) as holder, Readers(home) as readers:
        for expected in range(1, 21):
            publish_small(home)
            change_build(home, STEP)
            assert query(holder, READ).rows[0][0] == 0
            assert steps_read(home) == [expected, expected], "a new connection in the same process sees the newest"
    assert readers.problems == []
    assert min(readers.counts) >= 20
    assert len(home.generation_numbers()) == 3


# --- T62: other places -----------------------------------------------------------------------------------------------


def test_t62_time_zone_locale_and_hash_seed_do_not_change_the_content_hash(home):
    tests = os.path.dirname(os.path.dirname(__file__))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\n"
        "from support.small_warehouse import publish_small\nfrom warehouse.store.home import Home\n"
        "print(publish_small(Home(Path(sys.argv[2])), force=True).content_hash)"
    )
    hashes = set()
    for zone, locale, seed in (
        ("UTC", "C", "0"),
        ("America/New_York", "de_DE.UTF-8", "1"),
        ("Asia/Tokyo", "C", "random"),
    ):
        env = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code, tests, str(home.root)], capture_output=True, text=True, check=True, env=env
        )
        hashes.add(done.stdout)
    assert len(hashes) == 1


# --- T57: someone opens it for writing ------------------------------------------------------------------------------


def test_t57_opening_it_for_writing_is_refused_to_anyone_but_root(home):
    # As root the mode does not bind, so the test gives root up; pytest's folders would not let that user through.
    code = (
        "import duckdb, os, sys\nos.chdir(sys.argv[1])\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "print(duckdb.connect('ai_revenue_gap.duckdb', read_only=True).execute('select count(*) from marts.scenarios')"
        ".fetchone())\n"
        "try: duckdb.connect('ai_revenue_gap.duckdb'); print('opened')\n"
        "except duckdb.Error as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)
        root = shutil.copytree(home.root, os.path.join(open_to_all, "home"), symlinks=True)
        done = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("(2,)\n")
    assert "Permission denied" in done.stdout or "read-only" in done.stdout.lower()


def test_t52_a_home_of_another_user_can_be_read_and_says_why_it_cannot_be_refreshed(home):
    code = (
        "import json, os, sys\nfrom pathlib import Path\nfrom warehouse.store.home import Home, refresh_lock\n"
        "from warehouse.readers.read import open_published, query\nhome = Home(Path(sys.argv[1]))\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "with open_published(home) as c: print(query(c, 'select count(*) from marts.scenarios').rows)\n"
        "try:\n    with refresh_lock(home): pass\nexcept Exception as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)
        root = Path(shutil.copytree(home.root, os.path.join(open_to_all, "home"), symlinks=True))
        root.chmod(0o555)
        (root / "refresh.lock").chmod(0o444)
        done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True)
        root.chmod(0o755)
    assert done.stdout.startswith("[(2,)]\n")
    assert "cannot be written (Permission denied); set AIGAP_HOME to a folder of your own" in done.stdout


def test_t57_a_writer_as_root_spoils_at_most_the_generation_it_opened(home):
    if os.geteuid() != 0:
        pytest.skip("only root can open the published file for writing")
    writer = (
        "import duckdb, sys\nc = duckdb.connect(sys.argv[1])\nc.execute('update marts.scenarios set value = 99')\n"
        "print('open', flush=True)\nsys.stdin.read()"
    )
    shell = subprocess.Popen(
        [sys.executable, "-c", writer, str(home.published)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert shell.stdout is not None
    assert shell.stdout.readline() == "open\n"
    started = time.monotonic()
    assert publish_small(home).is_new
    assert time.monotonic() - started < 20
    assert steps_read(home) == [1, 1]
    shell.kill()
    shell.wait()
    assert steps_read(home) == [1, 1]


# --- T66: a clock that jumps ------------------------------------------------------------------------------------


def test_t66_generations_keep_their_order_whatever_the_clock_says(home, monkeypatch):
    stated = []
    for days in (0, -1, 365, -400):

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None, days=days):
                return datetime.now(tz) + timedelta(days=days)

        monkeypatch.setattr("warehouse.store.publish.datetime", Clock)
        stated.append(publish_small(home))
        change_build(home, STEP)
        # What a copy or a clock did to the files' own times decides nothing either.
        os.utime(home.live(), (0, 0))
    assert [done.generation for done in stated] == [2, 3, 4, 5]
    assert [home.generation(n) for n in home.generation_numbers()] == [done.path for done in stated[1:]]
    assert home.live() == stated[-1].path
    assert steps_read(home) == [4, 4]
    built = []
    for number in home.generation_numbers():
        with duckdb.connect(str(home.generation(number)), read_only=True) as connection:
            built += connection.execute("select built_at::date from meta.build").fetchone()
    assert [(later - built[0]).days for later in built] == [0, 366, -399]
