"""Any error as one line: its cause, and what to do where that is known."""

import re
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse import errors
from warehouse.errors import Mistake, PublishError, reason

SQLALCHEMY = """sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database or disk is full
[SQL: INSERT INTO event_logs (run_id, event) VALUES (?, ?)]
[parameters: ('1', '{...}')]
(Background on this error at: https://sqlalche.me/e/20/e3q8)"""
DBT = """Runtime Error in model int_metric_observations (models/intermediate/int_metric_observations.sql)
  Conversion Error: Casting value "1e19" to type DECIMAL(38,10) failed

  LINE 3: select
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SQLALCHEMY, "OperationalError: database or disk is full; the disk is full (room, inodes or quota): free some"),
        (
            DBT,
            "Runtime Error in model int_metric_observations (models/intermediate/int_metric_observations.sql): "
            'Conversion Error: Casting value "1e19" to type DECIMAL(38,10) failed',
        ),
        ("Runtime Error\n  Could not find profile named 'mine'", "Runtime Error: Could not find profile named 'mine'"),
        (
            "orchestration.dbt_process.DbtFailed: Compilation Error\n  x is undefined",
            "DbtFailed: Compilation Error: x is undefined",
        ),
        ("Got 3 results, configured to fail if != 0", "Got 3 results, configured to fail if != 0"),
        ("\n\n  first\nsecond", "first"),
        ("", ""),
        ("Runtime Error", "Runtime Error"),
    ],
)
def test_a_text_is_one_line_with_its_cause(text, line):
    assert reason(text) == line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("odd"), "ValueError: odd"),
        (KeyError("filingDate"), "KeyError: 'filingDate'"),
        (PublishError("marts.x has no rows"), "marts.x has no rows"),
        (Mistake("there is no scenario"), "there is no scenario"),
        (AssertionError(), "AssertionError:"),
        (
            OSError(24, "Too many open files"),
            "OSError: [Errno 24] Too many open files; too few files may be open: raise the limit (ulimit -n)",
        ),
        (
            NotADirectoryError(20, "Not a directory", "/x/refresh.lock"),
            "NotADirectoryError: [Errno 20] Not a directory: '/x/refresh.lock'; set AIGAP_HOME to a folder",
        ),
        (
            MemoryError(),
            "MemoryError:; give it more memory (AIGAP_MEMORY_LIMIT is the database engine's part)",
        ),
    ],
)
def test_of_an_error_the_kind_is_said_unless_it_is_ours(error, line):
    assert reason(error) == line


def test_what_to_do_is_said_once(monkeypatch):
    for said in errors._REMEDIES.values():
        assert reason(f"No space left on device; {said}") == f"No space left on device; {said}"
    mine = "/x cannot be written (Permission denied); set AIGAP_HOME to a folder of your own"
    assert reason(PublishError(mine)) == mine


def test_a_limit_on_files_is_told_from_a_disk_that_failed(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert reason("disk I/O error").endswith("see aigap doctor")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    assert reason("disk I/O error").endswith("(ulimit -f)")


@given(st.text())
def test_whatever_the_text_it_is_one_line_of_bounded_length(text):
    line = reason(text)
    assert len(line.splitlines()) <= 1
    assert len(line) < 800
    assert reason(line) in (line, re.sub(r"^(\w+\.)+", "", line))
