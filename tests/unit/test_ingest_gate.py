"""The queue before EDGAR is the user's, whichever home a program works in, and nobody else's."""

import os
import stat

import pytest

from ingest.edgar import gate
from ingest.edgar.client import Client
from ingest.edgar.gate import NAME, BlockedError, Gate, user_folder
from support import fake_edgar
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar

PAGE = "data.sec.gov/x.json"


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def no_home(monkeypatch, tmp_path):
    """A user without a home folder; temporary files are in a folder of the test's."""
    monkeypatch.setattr(gate.pwd, "getpwuid", lambda _: (_ for _ in ()).throw(KeyError("uid")))
    monkeypatch.setattr(gate.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path / f"ai-revenue-gap-{os.geteuid()}"


def test_it_lies_in_the_users_folder_for_state(tmp_path, monkeypatch):
    assert user_folder({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "ai-revenue-gap"
    monkeypatch.setattr(gate.pwd, "getpwuid", lambda _: type("User", (), {"pw_dir": str(tmp_path / "jane")})())
    # Not in HOME: sudo and service managers leave that of another user there.
    assert user_folder({"HOME": "/root"}) == tmp_path / "jane/.local/state/ai-revenue-gap"
    assert user_folder({"XDG_STATE_HOME": "relative"}) == tmp_path / "jane/.local/state/ai-revenue-gap"
    assert stat.S_IMODE((tmp_path / "ai-revenue-gap").stat().st_mode) == 0o700


def test_without_a_home_it_lies_among_temporary_files_under_the_users_number(no_home):
    assert user_folder({}) == no_home
    assert stat.S_IMODE(no_home.stat().st_mode) == 0o700


@pytest.mark.parametrize("planted", ["a link", "open to all", "a file", "not writable"])
def test_a_folder_that_another_could_have_made_is_not_used(no_home, planted, tmp_path):
    if planted == "a link":
        (tmp_path / "elsewhere").mkdir()
        no_home.symlink_to(tmp_path / "elsewhere")
    elif planted == "a file":
        no_home.write_text("")
    else:
        no_home.mkdir()
        no_home.chmod(0o777 if planted == "open to all" else 0o500)
    if planted == "not writable" and os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    with pytest.raises(BlockedError, match=r"no place for the queue before EDGAR.*Set XDG_STATE_HOME"):
        user_folder({})
    assert not (tmp_path / "elsewhere" / NAME).exists()


@pytest.mark.parametrize("planted", ["a link", "a pipe", "a folder"])
def test_what_is_planted_in_its_place_is_neither_followed_nor_waited_for(tmp_path, clock, planted):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = tmp_path / NAME
    {"a link": lambda: path.symlink_to(victim), "a pipe": lambda: os.mkfifo(path), "a folder": path.mkdir}[planted]()
    with pytest.raises(BlockedError, match=f"{NAME}, the queue before EDGAR, cannot be used .*nothing was asked"):
        Gate(tmp_path, 8, clock, clock.sleep).wait()
    assert victim.read_text() == "precious"


def test_two_homes_share_one_rate_and_one_pause(tmp_path, clock):
    """Each client works for another home; neither says where the queue is."""
    with FakeEdgar(pages={PAGE: b"{}"}) as edgar:
        one, other = (Client("Test a@b.org", hosts=edgar.hosts, clock=clock, sleep=clock.sleep) for _ in range(2))
        began = clock.now
        for _ in range(8):
            one.get(f"{edgar.url}/{PAGE}", "json")
            other.get(f"{edgar.url}/{PAGE}", "json")
        assert clock.now - began >= 15 / 8
        edgar.fault(PAGE, fake_edgar.status(429))
        with pytest.raises(BlockedError, match="request rate was exceeded"):
            one.get(f"{edgar.url}/{PAGE}", "json")
        asked = len(edgar.log)
        with pytest.raises(BlockedError, match="none is sent"):
            other.get(f"{edgar.url}/{PAGE}", "json")
        assert len(edgar.log) == asked


@pytest.mark.parametrize(
    "content", [b'{"next_at": 1e999, "paused_until": NaN}', b'{"next_at": NaN, "paused_until": 1e999}']
)
def test_no_number_in_the_file_stalls_for_ever(tmp_path, clock, content):
    (tmp_path / NAME).write_bytes(content)
    queue = Gate(tmp_path, 8, clock, clock.sleep)
    for _ in range(2):
        try:
            queue.wait()
        except BlockedError:
            clock.now += 601
    queue.wait()
    assert sum(clock.sleeps) < 1
