import os
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.errors import Busy, WarehouseError
from warehouse.home import (
    Home,
    find_home,
    generation_number,
    lock_holder,
    read_last_refresh,
    record_refresh,
    refresh_lock,
)

HOLD = """
import sys
from pathlib import Path
from warehouse.home import Home, refresh_lock
with refresh_lock(Home(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_home_is_data_beside_the_code_unless_named(tmp_path, monkeypatch):
    assert find_home({}).root == Path(__file__).resolve().parents[2] / "data"
    assert find_home({"AIGAP_HOME": ""}).root == find_home({}).root
    assert find_home({"AIGAP_HOME": f"{tmp_path}/with a space"}).root == tmp_path / "with a space"
    monkeypatch.chdir(tmp_path)
    assert find_home({"AIGAP_HOME": "here"}).root == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home({"AIGAP_HOME": "~/x"}).root == tmp_path / "x"


def test_looking_creates_nothing(tmp_path):
    home = Home(tmp_path / "none")
    assert (home.live(), home.generation_numbers(), home.next_generation(), lock_holder(home)) == (None, [], 1, None)
    assert not home.root.exists()


def test_generation_numbers_never_come_back(tmp_path):
    home = Home(tmp_path)
    home.generations.mkdir()
    home.generation(7).touch()
    home.generation(12).touch()
    (home.generations / "ai_revenue_gap-000020.duckdb.wal").touch()
    (home.generations / "notes.txt").touch()
    assert home.generation_numbers() == [7, 12]
    assert home.next_generation() == 21
    assert generation_number(home.generation(12)) == 12
    assert generation_number(Path("build.duckdb")) is None


def test_a_dangling_link_still_counts(tmp_path):
    home = Home(tmp_path)
    os.symlink("generations/ai_revenue_gap-000009.duckdb", home.published)
    assert home.live() == home.generation(9)
    assert home.next_generation() == 10


def test_a_plain_file_in_the_links_place_is_named(tmp_path):
    home = Home(tmp_path)
    home.published.write_bytes(b"mine")
    with pytest.raises(WarehouseError, match="is not the symbolic link"):
        home.live()


def test_lock_is_shared_by_the_steps_of_one_process_and_refused_to_another(tmp_path):
    home = Home(tmp_path)
    with refresh_lock(home):
        with refresh_lock(home):
            assert lock_holder(home) == f"process {os.getpid()}"
        other = subprocess.run([sys.executable, "-c", HOLD, str(tmp_path)], capture_output=True, text=True, check=False)
        assert f"Busy: a refresh is already running (process {os.getpid()} since" in other.stderr
    assert lock_holder(home) is None


def test_lock_of_a_killed_process_is_free_again(tmp_path):
    process = hold(tmp_path)
    with pytest.raises(Busy, match=f"process {process.pid} since"), refresh_lock(Home(tmp_path)):
        pass
    holder = lock_holder(Home(tmp_path))
    assert holder is not None
    assert holder.startswith(f"process {process.pid} since")
    process.kill()
    process.wait()
    assert lock_holder(Home(tmp_path)) is None
    with refresh_lock(Home(tmp_path)):
        pass


def test_a_home_that_cannot_be_made_is_an_error_that_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WarehouseError, match="set AIGAP_HOME"), refresh_lock(Home(tmp_path / "file" / "home")):
        pass


def test_last_refresh_is_kept_and_a_broken_note_is_none(tmp_path):
    home = Home(tmp_path)
    assert read_last_refresh(home) is None
    record_refresh(home, "failed", "check gap_is_positive", "2026-11-22T07:00:00Z")
    assert read_last_refresh(home) == {
        "outcome": "failed",
        "message": "check gap_is_positive",
        "at": "2026-11-22T07:00:00Z",
    }
    for broken in ("", "[]", '{"outcome": "failed"}', "{"):
        home.last_refresh.write_text(broken)
        assert read_last_refresh(home) is None
