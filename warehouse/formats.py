"""Rows as text: an aligned table, Markdown, CSV, JSON.

Belongs here: how a value looks. Does not belong here: which values. Text from outside (a source's title, a
member's name) is data in every format: no terminal escape in a table, no formula in a spreadsheet cell, no markup
in Markdown. What may act on whoever looks is decided by one_line alone, for terminal, log, page and workbook.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from warehouse.errors import WarehouseError

FORMATS = ("table", "md", "csv", "json")
_CELL_WIDTH = 60


# --- single values ------------------------------------------------------------------------------


def usd(amount: int | None) -> str:
    """Whole dollars for reading: $1,424.4B, $512M, -$3.0B; a dash for none. Rounded half up, in integers."""
    if amount is None:
        return "-"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size < 999_500_000:
        return f"{sign}${(size + 500_000) // 1_000_000:,}M"
    tenths = (size + 50_000_000) // 100_000_000
    return f"{sign}${tenths // 10:,}.{tenths % 10}B"


def percent(share: Decimal | None) -> str:
    """A share 0..1 for reading: 13.3%."""
    return "-" if share is None else f"{share * 100:.1f}%"


def plain(value: Any) -> str:
    """Any value as text, exact: a DECIMAL without its trailing zeros, a list joined by spaces, '' for NULL."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, (list, tuple)):
        return " ".join(plain(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return str(value)


def _decimal(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _numeric(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> set[int]:
    """Indices of the columns that hold numbers."""
    return {
        i
        for i in range(len(columns))
        if any(row[i] is not None for row in rows) and all(row[i] is None or _is_number(row[i]) for row in rows)
    }


# --- table --------------------------------------------------------------------------------------


def one_line(text: str) -> str:
    """`text` without anything that acts where it is shown: control characters, line breaks, bidirectional and invisible
    marks become \\x.. escapes. Spaces of every width stay."""
    if text.isprintable():
        return text
    from unicodedata import category

    return "".join(c if c.isprintable() or category(c) == "Zs" else c.encode("unicode_escape").decode() for c in text)


def harmless(text: str) -> str:
    """The same for text of several lines, which stay lines."""
    return text if text.isprintable() else "\n".join(map(one_line, text.split("\n")))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    right: Iterable[int] = (),
    cut_addresses: bool = True,
) -> str:
    """Aligned columns under their names; numbers to the right, cells over 60 characters cut with an ellipsis.

    :param right: indices of columns of text that reads as numbers.
    :param cut_addresses: also those that hold a web address.
    """
    numeric = set(right) | _numeric(columns, rows)
    cells = [[one_line(c) for c in columns]] + [[one_line(plain(value)) for value in row] for row in rows]
    cells = [[_cut(c, cut_addresses) for c in line] for line in cells]
    widths = [max(_width(line[i]) for line in cells) for i in range(len(columns))]
    lines = []
    for line in cells:
        padded = [
            " " * (widths[i] - _width(c)) + c if i in numeric else c + " " * (widths[i] - _width(c))
            for i, c in enumerate(line)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]]) + "\n"


def _cut(text: str, cut_addresses: bool) -> str:
    is_whole = len(text) <= _CELL_WIDTH or ("://" in text and not cut_addresses)
    return text if is_whole else text[: _CELL_WIDTH - 1] + "…"


# --- Markdown -----------------------------------------------------------------------------------


def markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Iterable[int] = ()) -> str:
    """A table as GitHub and most others read it, every value whole; numbers to the right.

    :param right: indices of columns of text that reads as numbers.
    """
    numeric = set(right) | _numeric(columns, rows)
    rule = ["---:" if i in numeric else "---" for i in range(len(columns))]
    lines = [[markdown_text(c) for c in columns], rule, *([markdown_text(plain(v)) for v in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_text(text: str) -> str:
    """`text` as one line of Markdown that shows it as it is: nothing in it is markup, HTML or a hidden link."""
    text = re.sub(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", one_line(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- JSON ---------------------------------------------------------------------------------------


def json(value: Any) -> str:
    """`value` as JSON. A DECIMAL is a number with all its digits (never through a float); dates are ISO text."""
    return "".join(_json(value, "\n")) + "\n"


def _json(value: Any, line: str) -> Iterable[str]:
    from json import dumps

    if value is None or isinstance(value, (bool, int)):
        yield dumps(value)
    elif isinstance(value, float):
        yield dumps(value) if value == value and abs(value) != float("inf") else "null"
    elif isinstance(value, Decimal):
        yield _decimal(value)
    elif isinstance(value, (date, datetime, time)):
        yield dumps(value.isoformat())
    elif isinstance(value, dict):
        inner = line + "  "
        items = (f"{_json_text(str(k))}: {''.join(_json(v, inner))}" for k, v in value.items())
        yield _enclosed("{", items, "}", line)
    elif isinstance(value, (list, tuple)):
        inner = line + "  "
        yield _enclosed("[", ("".join(_json(v, inner)) for v in value), "]", line)
    else:
        yield _json_text(str(value) if isinstance(value, timedelta) else plain(value))


def _json_text(text: str) -> str:
    """As exact as JSON is: what must not reach a terminal as it is becomes a \\u escape, which reads back as it was."""
    from json import dumps

    shown = dumps(text, ensure_ascii=False)
    return shown if shown.isprintable() else "".join(c if c.isprintable() else dumps(c)[1:-1] for c in shown)


def _enclosed(opening: str, items: Iterable[str], closing: str, line: str) -> str:
    inner = line + "  "
    body = f",{inner}".join(items)
    return f"{opening}{inner}{body}{line}{closing}" if body else opening + closing


# --- CSV ----------------------------------------------------------------------------------------


def csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """RFC 4180 with a header. Text that a spreadsheet would run as a formula starts with an apostrophe."""
    lines = [[_quoted(_inert(c)) for c in columns]]
    lines += [[plain(v) if _is_number(v) else _quoted(_inert(plain(v))) for v in row] for row in rows]
    # A lone empty cell is quoted: a line with nothing on it would not be read as a row.
    return "".join((",".join(line) or '""') + "\n" for line in lines)


def _quoted(text: str) -> str:
    """Written out, not the csv module's: that one leaves a carriage return bare, which it then cannot read."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text


def _inert(text: str) -> str:
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


# --- all of them --------------------------------------------------------------------------------


def render(columns: Sequence[str], rows: Sequence[Sequence[Any]], style: str, *, cut_addresses: bool = True) -> str:
    """Rows in one of FORMATS; as JSON, a list of objects; a query plan as it is drawn.

    :param cut_addresses: as table() has it.
    """
    if style == "csv":
        return csv(columns, rows)
    if style == "json":
        names = _distinct(columns)
        return json([dict(zip(names, row, strict=True)) for row in rows])
    if style == "md":
        return markdown(columns, rows)
    if list(columns) == ["explain_key", "explain_value"]:
        return "".join(f"{one_line(line)}\n" for row in rows for line in str(row[1]).splitlines())
    return table(columns, rows, cut_addresses=cut_addresses)


def _distinct(columns: Sequence[str]) -> list[str]:
    """Two columns of one name would be one key of an object: the second becomes name_2."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def emit(text: str, *, is_painted: bool = False) -> None:
    """Write `text` to standard output whatever its encoding: what cannot be encoded becomes a \\u escape. A terminal
    gets nothing to act on, even where a file or a pipe gets the bytes as they are (CSV).

    :param is_painted: it holds escape sequences of our own, and has been through one_line before it got them.
    :raises BrokenPipeError: whoever read it has left.
    :raises WarehouseError: it cannot be written; whatever was printed before counts too.
    """
    if not is_painted and sys.stdout.isatty():
        text = harmless(text)
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WarehouseError(f"standard output cannot be written ({error.strerror})") from error
