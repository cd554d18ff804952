"""The gap table on a terminal: fitted to its width, with a bar a row, in colour where that is wanted.

Belongs here: what a terminal can show and how wide things are. Does not belong here: what a row says (show.py).
Where standard output is no terminal none of this is used: the text is the same everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TextIO

BOLD, DIM, GREEN, RED, YELLOW = "1", "2", "32", "31", "33"
_SMALLEST_BAR = 12
_LARGEST_BAR = 40
#: What goes first where the terminal is narrow; the quarter, what is required, AI revenue and the gap stay.
_DISPENSABLE = ("spend", "like for like", "run rate", "known from", "covered")


class Terminal(NamedTuple):
    """What standard output can show.

    :ivar width: columns.
    :ivar has_colour: escape sequences are wanted.
    :ivar has_blocks: its encoding has block characters.
    """

    width: int
    has_colour: bool
    has_blocks: bool

    @property
    def characters(self) -> tuple[str, str]:
        """Of a bar: what is there, what is missing."""
        return ("█", "░") if self.has_blocks else ("#", ".")

    def paint(self, code: str, text: str) -> str:
        """`text` in a colour, where colours are wanted. What `text` holds must be harmless already."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colour and text else text


def terminal(stream: TextIO, environment: Mapping[str, str]) -> Terminal | None:
    """What `stream` is, None if no terminal. NO_COLOR (any text), CLICOLOR=0 and TERM=dumb turn colour off; COLUMNS
    overrides the width.
    """
    if not stream.isatty():
        return None
    plain = environment.get("NO_COLOR") or environment.get("CLICOLOR") == "0" or environment.get("TERM") == "dumb"
    given = environment.get("COLUMNS", "")
    try:
        width = int(given) if given.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        width = 0
    return Terminal(width or 80, not plain, _can_encode("█░", stream.encoding))


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def left_out(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> tuple[list[str], int]:
    """Which columns to leave out for a table of `width`, and how long the bars beside it are, 0 for none.

    Columns go, in a fixed order, until bars fit; if they never do, until the table does. "like for like" goes only for
    a bar, and only if all rows say yes; "known from" and "covered" never go for a bar.

    :param cells: rows of the widest table, as text.
    """
    sizes = {name: max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(columns)}
    unlike = any(row[columns.index("like for like")] != "yes" for row in cells)
    for_bars = [c for c in _DISPENSABLE[:3] if c in columns and not (unlike and c == "like for like")]
    for count in range(len(for_bars) + 1):
        room = width - 2 - _taken(sizes, for_bars[:count])
        if room >= _SMALLEST_BAR:
            return for_bars[:count], min(room, _LARGEST_BAR)
    gone: list[str] = []
    for name in _DISPENSABLE:
        if _taken(sizes, gone) > width and name in columns and not (unlike and name == "like for like"):
            gone.append(name)
    return gone, 0


def _taken(sizes: Mapping[str, int], gone: Sequence[str]) -> int:
    kept = [size for name, size in sizes.items() if name not in gone]
    return sum(kept) + 2 * (len(kept) - 1)


def bar(screen: Terminal, length: int, part: int | None, whole: int, largest: int) -> str:
    """`whole` as a bar, full length where it is `largest`; the `part` of it that is there differs in its character
    too, not by colour alone. What is more than nothing shows.
    """
    full, empty = screen.characters
    cells = max(1, _nearest(length * whole, largest)) if largest > 0 and whole > 0 else 0
    there = min(cells, max(1, _nearest(cells * part, whole))) if cells and part and part > 0 else 0
    return screen.paint(GREEN, full * there) + screen.paint(RED, empty * (cells - there))


def _nearest(above: int, below: int) -> int:
    return (2 * above + below) // (2 * below)


def wrapped(screen: Terminal, text: str) -> str:
    """Sentences, each on its own lines, broken at the width, at 120 at most. An address is never broken."""
    from textwrap import fill

    return "".join(
        fill(line, min(120, max(20, screen.width - 1)), break_long_words=False, break_on_hyphens=False) + "\n"
        for line in text.splitlines()
    )
