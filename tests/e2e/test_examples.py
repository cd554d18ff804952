"""The examples run on what is published, and print what their README shows."""

import re

import duckdb
import pytest

from support.examples import FOLDER, FORMATS, README, blocks, files
from support.readme import filled

FILES = files()


@pytest.fixture(scope="module")
def made(refreshed):
    return blocks(refreshed.home)


def test_there_are_five_queries_and_a_script():
    assert [path.suffix for path in FILES].count(".sql") == 5
    assert [path.suffix for path in FILES].count(".py") == 1


def test_every_output_in_their_readme_is_what_they_print(made):
    text = README.read_text("utf-8")
    expected = filled(text, made)
    assert text == expected, "run: cd tests && ../.venv/bin/python -m support.examples <AIGAP_HOME>"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_is_in_the_readme_with_the_command_that_runs_it(path):
    text = README.read_text("utf-8")
    if path.suffix == ".py":
        assert f"`.venv/bin/python examples/{path.name} data/ai_revenue_gap.duckdb`" in text
    else:
        style = f"--format {FORMATS[path.name]} " if path.name in FORMATS else ""
        assert f"`aigap sql - {style}< examples/{path.name}`" in text


def test_the_readme_shows_no_output_of_a_file_that_is_gone():
    shown = set(re.findall(r"^<!-- (\S+) -->$", README.read_text("utf-8"), re.MULTILINE))
    assert {name.removeprefix("/") for name in shown} == {path.name for path in FILES}


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".sql"], ids=lambda path: path.name)
def test_each_query_answers_in_a_plain_duckdb_shell(path, published):
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(path.read_text("utf-8")).fetchall()
    assert rows
    # Its question is its first line.
    assert re.match(r"(-- .*\n)*-- .*\?", path.read_text("utf-8"))


def test_the_answers_agree_with_each_other(published):
    """The gap at 40 % is the gap at 50 % plus a quarter of what is required; the bounds enclose the headline."""
    with duckdb.connect(str(published), read_only=True) as connection:
        for _, at_50, at_40, gap_50, gap_40 in connection.execute((FOLDER / "gpu_share_40.sql").read_text()).fetchall():
            assert abs(at_40 - at_50 * 5 // 4) <= 1
            assert gap_40 - gap_50 == at_40 - at_50
        today = {row[0]: row for row in connection.execute((FOLDER / "gap_today.sql").read_text()).fetchall()}
        assert today["low"][4] < today["measured"][4] < today["high"][4]
        (cited,) = connection.execute((FOLDER / "cite_this_number.sql").read_text()).fetchall()
        # NVIDIA's 10-Q for the quarter to 2025-07-27: data center revenue 41,096 million.
        assert (cited[1], cited[4], cited[8]) == (4 * 41_096_000_000, 41_096_000_000, "0001045810-25-000209")
