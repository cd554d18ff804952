import csv as csv_module
import io
import json as json_module
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.formats import csv, json, one_line, percent, plain, render, table, usd

HOSTILE = '=HYPERLINK("http://evil.example")'


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "-"),
        (0, "$0M"),
        (1_424_368_000_000, "$1,424.4B"),
        (-89_023_000_000, "-$89.0B"),
        (512_400_000, "$512M"),
        (999_499_999, "$999M"),
        (999_500_000, "$1.0B"),
        (1_049_999_999, "$1.0B"),
        (1_050_000_000, "$1.1B"),
        (-250_000_000, "-$250M"),
    ],
)
def test_usd(amount, text):
    assert usd(amount) == text


@given(st.integers(10**9, 10**16))
def test_usd_is_within_half_of_its_last_digit(amount):
    shown = Decimal(usd(amount)[1:-1].replace(",", "")) * 10**9
    assert abs(shown - amount) <= 50_000_000


def test_percent_and_plain():
    assert [percent(v) for v in (None, Decimal("0.070206"), Decimal(1), Decimal("-0.5"))] == [
        "-",
        "7.0%",
        "100.0%",
        "-50.0%",
    ]
    values = (None, True, 7, Decimal("89023000000.0000000000"), Decimal("0.5000"), Decimal("0E-10"))
    assert [plain(v) for v in values] == [
        "", "true", "7", "89023000000", "0.5", "0",
    ]  # fmt: skip
    assert plain(["x1", "c2"]) == "x1 c2"
    assert plain({"a": Decimal("1.50")}) == "a: 1.5"
    assert plain(b"\x01\xff") == "01ff"
    assert plain(date(2026, 8, 26)) == "2026-08-26"


def test_table_aligns_numbers_right_and_text_left():
    assert table(["name", "usd"], [["a", 5], ["bcd", 1200], [None, None]]) == (
        "name   usd\n"
        "----  ----\n"
        "a        5\n"
        "bcd   1200\n"
        "\n"
    )  # fmt: skip


def test_table_without_rows_keeps_its_header():
    assert table(["a", "bb"], []) == "a  bb\n-  --\n"


def test_table_cuts_long_cells_and_counts_wide_letters():
    lines = table(["a", "b"], [["x" * 100, 1], ["日本", 2]]).splitlines()
    assert lines[2].startswith("x" * 59 + "…  ")
    assert lines[3] == "日本" + " " * 56 + "  2"


def test_nothing_in_a_table_reaches_the_terminal_as_a_command():
    text = table(["a"], [["\x1b[31mred\x07"], ["two\nlines"], ["\u202eright to left"], ["\r\x00"]])
    assert "\\x1b[31mred\\x07" in text
    assert "two\\nlines" in text
    assert "\\u202e" in text
    assert all(c == "\n" or c.isprintable() for c in text)


def test_json_keeps_every_digit():
    value = {
        "usd": 9007199254740993,
        "exact": Decimal("9007199254740993.0000000001"),
        "share": Decimal("0.070206"),
        "whole": Decimal("89023000000.0000000000"),
        "day": date(2026, 8, 26),
        "at": datetime(2026, 8, 26, 1, 2),
        "ids": ["x1", 'say "hi"\n\u2028'],
        "none": None,
        "nan": float("nan"),
        "inf": float("inf"),
        "yes": True,
        "empty": [],
        "nothing": {},
    }
    read = json_module.loads(json(value), parse_float=Decimal)
    assert read == {
        **value,
        "whole": 89023000000,
        "day": "2026-08-26",
        "at": "2026-08-26T01:02:00",
        "nan": None,
        "inf": None,
    }


leaves = (
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False, places=6)
)


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_json_of_anything_reads_back(value):
    assert json_module.loads(json(value), parse_float=Decimal, parse_int=Decimal) == _numbers(value)


def _numbers(value):
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    if isinstance(value, dict):
        return {k: _numbers(v) for k, v in value.items()}
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_csv_is_inert_in_a_spreadsheet_and_exact():
    rows = [
        [HOSTILE, -5, Decimal("-1.50"), ["x1", "x2"]],
        ["-2+3", None, None, []],
        ['quote " and\nline', 1, 2, ["@x"]],
    ]
    text = csv(["label", "usd", "share", "=ids"], rows)
    assert list(csv_module.reader(io.StringIO(text))) == [
        ["label", "usd", "share", "'=ids"],
        ["'" + HOSTILE, "-5", "-1.5", "x1 x2"],
        ["'-2+3", "", "", ""],
        ['quote " and\nline', "1", "2", "'@x"],
    ]


@given(st.text())
def test_no_text_starts_a_formula(text):
    _, (cell,) = csv_module.reader(io.StringIO(csv(["a"], [[text]]), newline=""))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell.removeprefix("'") == text.removeprefix("'")


def test_render_gives_the_same_rows_in_each_format():
    assert render(["a", "b"], [(1, "x")], "csv") == "a,b\n1,x\n"
    assert json_module.loads(render(["a", "b"], [(1, "x")], "json")) == [{"a": 1, "b": "x"}]
    assert render(["a", "b"], [(1, "x")], "table") == "a  b\n-  -\n1  x\n"


def test_two_columns_of_one_name_both_reach_json():
    assert json_module.loads(render(["a", "a", "a_2"], [(1, 2, 3)], "json")) == [{"a": 1, "a_2": 2, "a_2_2": 3}]


def test_a_query_plan_is_drawn_not_tabulated():
    assert render(["explain_key", "explain_value"], [("plan", "┌─┐\n└\x1b┘\n")], "table") == "┌─┐\n└\\x1b┘\n"


def test_one_line_leaves_ordinary_text_alone():
    assert one_line("AI's $200B question: für 3 €") == "AI's $200B question: für 3 €"


def test_emit_survives_a_terminal_without_unicode():
    code = "from warehouse.formats import emit; emit('日本 …\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONIOENCODING": "ascii"}
    )
    assert done.stdout == "\\u65e5\\u672c \\u2026\n"
