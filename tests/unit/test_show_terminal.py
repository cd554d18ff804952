"""`aigap show` on a real pseudo-terminal, and the functions behind what it draws."""

import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.small_warehouse import published_home
from support.terminal import ESCAPE, on_terminal
from warehouse.readers.bars import Terminal, bar, left_out, terminal, wrapped

pytestmark = pytest.mark.slow  # a process a test


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = published_home(tmp_path_factory.mktemp("terminal"))
    return home


def through_pipe(home, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "aigap", *arguments],
        env={**os.environ, "AIGAP_HOME": str(home.root), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


# --- the command ---------------------------------------------------------------------------------------------------


def test_a_wide_terminal_shows_the_whole_table_with_bars_in_colour(home):
    said = on_terminal(home, "show")
    plain = ESCAPE.sub("", said)
    table = through_pipe(home, "show").splitlines()
    shown = plain.splitlines()
    assert shown[0] == table[0]
    # The newest quarter's bar is the longest: it takes all the room there is, and 7 % of it are there.
    assert shown[2].startswith(table[2])
    assert len(shown[2]) == 120
    assert re.search(r"  ██░{15,}$", shown[2])
    # No AI revenue is known of the other one.
    assert re.search(r"  ░+$", shown[3])
    assert "\x1b[32m██\x1b[0m\x1b[31m░" in said
    assert "█ AI revenue, ░ the rest of what is required; the longest bar is $1,424.4B" in plain


@pytest.mark.parametrize("columns", [200, 120, 100, 80, 60, 44])
def test_no_line_is_longer_than_the_terminal(home, columns):
    plain = ESCAPE.sub("", on_terminal(home, "show", columns=columns))
    assert max(map(len, plain.splitlines())) <= columns
    flat = " ".join(plain.split())
    for part in ("The gap: $1,324.4B.", "Stands on: 4 x the quarter NVIDIA reported", "not every year."):
        assert part in flat
    head = plain.splitlines()[0]
    for name in ("quarter", "required", "AI revenue", "gap"):
        assert name in head
    # What is not shown is named.
    gone = [name for name in ("run rate", "spend", "like for like", "covered", "known from") if name not in head]
    if gone:
        told = flat[flat.index("left out at this width: ") :]
        assert all(name in told[:100] for name in gone)
    else:
        assert "left out" not in flat


def test_what_is_not_like_for_like_is_said_before_there_is_room_for_a_bar(home):
    plain = ESCAPE.sub("", on_terminal(home, "show", "--scenario", "cahn_method", columns=80))
    assert "like for like" in plain.splitlines()[0]
    assert "░" not in plain
    assert "\x1b[33mNot like for like" in on_terminal(home, "show", "--scenario", "cahn_method", columns=80)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"CLICOLOR": "0"}, {"TERM": "dumb"}])
def test_colour_can_be_turned_off_and_the_bars_stay(home, environment):
    said = on_terminal(home, "show", **environment)
    assert "\x1b" not in said
    assert re.search(r"█░+", said)


def test_an_empty_no_color_is_none(home):
    assert "\x1b[32m" in on_terminal(home, "show", NO_COLOR="", CLICOLOR="1")


def test_columns_overrides_the_width(home):
    plain = ESCAPE.sub("", on_terminal(home, "show", columns=200, COLUMNS="60"))
    assert max(map(len, plain.splitlines())) <= 60


def test_a_terminal_without_block_characters_gets_others(home):
    said = on_terminal(home, "show", PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert re.search(r"  \x1b\[32m##\x1b\[0m\x1b\[31m\.+\x1b\[0m$", said, re.MULTILINE)
    assert said.isascii()


def test_every_scenario_fits_too(home):
    plain = ESCAPE.sub("", on_terminal(home, "show", "--scenario", "all", columns=130))
    assert plain.splitlines()[0].split()[:2] == ["quarter", "scenario"]
    assert max(map(len, plain.splitlines())) <= 130


@pytest.mark.parametrize("style", ["csv", "json", "md"])
def test_other_formats_are_the_same_on_a_terminal(home, style):
    assert on_terminal(home, "show", "--format", style) == through_pipe(home, "show", "--format", style)


def test_elsewhere_nothing_changes_whatever_is_set(home):
    plain = through_pipe(home, "show")
    assert "\x1b" not in plain
    assert "█" not in plain
    assert through_pipe(home, "show", CLICOLOR="1", CLICOLOR_FORCE="1", COLUMNS="40", TERM="xterm") == plain


def test_a_file_gets_the_plain_table(home, tmp_path):
    said = on_terminal(home, "show", "--out", str(tmp_path / "gap.txt"))
    assert said == ""
    assert (tmp_path / "gap.txt").read_text("utf-8") == through_pipe(home, "show")


# --- what is drawn -------------------------------------------------------------------------------------------------

PLAIN = Terminal(80, False, True)


@given(st.integers(1, 60), st.integers(-10, 10**13), st.integers(1, 10**13), st.integers(0, 10**13))
def test_a_bar_is_never_longer_than_it_may_be_and_shows_whatever_there_is(length, part, whole, more):
    drawn = bar(PLAIN, length, part, whole, whole + more)
    assert 1 <= len(drawn) <= length
    assert drawn == "█" * drawn.count("█") + "░" * drawn.count("░")
    assert (drawn.count("█") > 0) == (part > 0)
    if more == 0:
        assert len(drawn) == length


def test_a_bar_of_nothing_is_none():
    assert bar(PLAIN, 10, None, 0, 10) == ""
    assert bar(PLAIN, 10, None, 0, 0) == ""
    assert bar(PLAIN, 10, None, 10, 10) == "░" * 10
    assert bar(PLAIN, 10, 10, 10, 10) == "█" * 10


@given(st.integers(10, 300), st.sampled_from(["yes", "no"]))
def test_what_is_left_out_makes_room(width, alike):
    columns = [
        "quarter",
        "run rate",
        "spend",
        "required",
        "AI revenue",
        "gap",
        "covered",
        "like for like",
        "known from",
    ]
    cells = [["2026Q2", "$356.1B", "$712.2B", "$1,424.4B", "$110.8B", "$1,313.6B", "7.8%", alike, "2026-08-26"]]
    gone, length = left_out(columns, cells, width)
    sizes = [max(len(c), len(v)) for c, v in zip(columns, cells[0], strict=True) if c not in gone]
    table = sum(sizes) + 2 * (len(sizes) - 1)
    assert not length or (length >= 12 and table + 2 + length <= width)
    assert length or table <= width or len(gone) >= 4
    assert alike == "yes" or "like for like" not in gone
    if length:
        assert "known from" not in gone


def test_an_address_is_never_broken():
    address = "https://www.sec.gov/Archives/edgar/data/1045810/000104581025000209/nvda-20250727.htm"
    assert address in wrapped(Terminal(40, False, True), f"see {address} for more").splitlines()


def test_what_is_no_terminal_has_no_screen(tmp_path):
    with (tmp_path / "f").open("w") as stream:
        assert terminal(stream, {"TERM": "xterm"}) is None
