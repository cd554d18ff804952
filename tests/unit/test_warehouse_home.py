import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import Busy, Mistake, WarehouseError
from warehouse.store.home import (
    Home,
    find_home,
    generation_number,
    held_by,
    lock_holder,
    read_last_refresh,
    record_refresh,
    refresh_lock,
    refuse_foreign,
    replace_file,
)

HOLD = """
import sys
from pathlib import Path
from warehouse.store.home import Home, refresh_lock
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


def test_an_installed_copy_keeps_its_data_where_the_platform_does(tmp_path, monkeypatch):
    monkeypatch.setattr("warehouse.store.home.checkout", lambda: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert find_home({}).root.is_relative_to(tmp_path)
    assert find_home({}).root.name == "ai-revenue-gap"
    if sys.platform == "linux":
        assert find_home({}).root == tmp_path / ".local" / "share" / "ai-revenue-gap"
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
        assert find_home({}).root == tmp_path / "elsewhere" / "ai-revenue-gap"
    assert os.listdir(tmp_path) == []


def test_without_any_home_the_message_says_what_to_set(monkeypatch):
    monkeypatch.setattr("warehouse.store.home.checkout", lambda: None)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user whom nobody knows
    with pytest.raises(Mistake, match="no home folder; set AIGAP_HOME"):
        find_home({})
    with pytest.raises(Mistake, match="~nobody-there/x.*write the whole path"):
        find_home({"AIGAP_HOME": "~nobody-there/x"})


@pytest.mark.parametrize("name", ["archive", "dagster", "dbt", "docs", "figures", "generations", "report"])
def test_a_file_where_a_folder_of_ours_goes_is_foreign(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(Mistake, match=f"{name} is not aigap's, which keeps a folder .*move it away"):
        refuse_foreign(Home(tmp_path))
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["build.duckdb", "ai_revenue_gap.duckdb", "refresh.lock", "decisions.jsonl"])
def test_a_folder_where_a_file_of_ours_goes_is_foreign(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(Mistake, match=f"{name} is not aigap's, which keeps a file .*move it away"):
        refuse_foreign(Home(tmp_path))


def test_a_database_where_no_refresh_ever_ran_is_somebody_elses(tmp_path):
    home = Home(tmp_path)
    refuse_foreign(home)
    home.build.write_bytes(b"another project's")
    with pytest.raises(Mistake, match=r"build\.duckdb was there before any refresh"):
        refuse_foreign(home)
    home.build.unlink()
    with refresh_lock(home):
        home.build.write_bytes(b"ours")
    refuse_foreign(home)


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
            assert held_by(home).process == os.getpid()
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


@pytest.mark.parametrize("where", ["refresh.lock", "last_refresh.json"])
def test_a_link_in_the_place_of_a_file_of_ours_is_not_followed(tmp_path, where):
    home = Home(tmp_path / "home")
    home.root.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (home.root / where).symlink_to(victim)
    if where == "refresh.lock":
        with pytest.raises(WarehouseError, match="cannot be written"), refresh_lock(home):
            pass
    else:
        record_refresh(home, "published", "x", "2026-11-22T07:00:00Z")
        assert read_last_refresh(home)["message"] == "x"
    assert victim.read_text() == "mine"


def test_a_small_file_is_replaced_under_a_name_that_nobody_knew(tmp_path, monkeypatch):
    path = tmp_path / "note.json"
    seen = set()
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.add(Path(a).name), replace(a, b)))
    for number in range(20):
        replace_file(path, str(number).encode())
    assert path.read_text() == "19"
    assert len(seen) == 20
    assert os.listdir(tmp_path) == ["note.json"]


def test_what_cannot_be_replaced_is_left_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "note.json"
    replace_file(path, b"before")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"after")
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"before", ["note.json"])


@given(message=st.text(), before=st.text())
def test_a_note_is_written_over_the_one_before_where_no_other_file_can_be_made(tmp_path_factory, message, before):
    """As on a disk without room: in one block, whole, whatever was said before."""
    home = Home(tmp_path_factory.mktemp("full"))
    record_refresh(home, "published", before, "2026-11-22T07:00:00Z")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warehouse.store.home.beside", lambda path: path.with_name("no such folder") / "x")
        record_refresh(home, "failed", message, "2026-11-22T08:00:00Z")
    note = read_last_refresh(home)
    assert (note["outcome"], note["at"]) == ("failed", "2026-11-22T08:00:00Z")
    assert "\n" not in note["message"]
    assert home.last_refresh.stat().st_size <= 4096


def test_a_long_note_is_cut_to_one_block(tmp_path):
    home = Home(tmp_path)
    record_refresh(home, "failed", "check x: " + "名" * 5000, "2026-11-22T07:00:00Z")
    assert home.last_refresh.stat().st_size <= 4096
    assert read_last_refresh(home)["message"].startswith("check x: 名名")
    assert read_last_refresh(home)["message"].endswith("…")


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
