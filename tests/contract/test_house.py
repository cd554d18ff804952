"""Every file finds its room at a glance: what belongs in it is in its head, and it is not long without a reason."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    path.relative_to(ROOT)
    for room in ("aigap", "ingest", "warehouse", "orchestration")
    for path in sorted((ROOT / room).rglob("*.py"))
]
LONGEST = 400
REASON = f"Longer than {LONGEST} lines because "


def too_long(source: str) -> bool:
    return source.count("\n") > LONGEST and REASON not in (ast.get_docstring(ast.parse(source)) or "")


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_long_file_says_why(path):
    assert not too_long((ROOT / path).read_text("utf-8")), f"split {path}, or say in its head: {REASON}..."


def test_a_long_file_without_a_reason_is_found():
    body = "x = 1\n" * LONGEST
    assert too_long('"""What it is."""\n' + body)
    assert too_long(f"# {REASON}it is a comment\n" + body)
    assert not too_long(f'"""What it is.\n\n{REASON}it is one table."""\n' + body)
    assert not too_long(body)
