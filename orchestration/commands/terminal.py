"""What a command says and where it goes: answers to standard output or a file, everything else to standard error.

Belongs here: streams, progress, how the command itself is called here. Does not belong here: what is said.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from warehouse.formats import emit, harmless, one_line, render
from warehouse.readers.outfile import new_file


def put(text: str, out: Path | None, *, is_painted: bool = False) -> None:
    """Write `text` where the user wants it: to the file, or to standard output."""
    if out is None:
        emit(text, is_painted=is_painted)
        return
    with new_file(out) as file:
        file.write_text(text, "utf-8", newline="")


def put_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], style: str, out: Path | None = None) -> None:
    """Write rows in one of the formats."""
    put(rendered(columns, rows, style, out), out)


def rendered(columns: Sequence[str], rows: Sequence[Sequence[Any]], style: str, out: Path | None) -> str:
    """Rows in one of the formats. Whatever is no terminal gets every address whole."""
    return render(columns, rows, style, cut_addresses=out is None and sys.stdout.isatty())


def say(message: str) -> None:
    """A line to standard error under the command's name."""
    note(f"aigap: {harmless(as_called(message))}\n")


def note(text: str) -> None:
    """To standard error. That nobody can be told is no reason to stop."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


# --- the command's own name ---------------------------------------------------------------------


def as_called(text: str) -> str:
    """`text` with every `aigap COMMAND` in it as it runs from here: with its path, where PATH does not lead to it."""
    called = _called()
    return text if called == "aigap" else re.sub(r"(?<![\w./-])aigap (?=[a-z])", lambda _: f"{called} ", text)


def _called() -> str:
    path = Path(sys.argv[0])
    if path.name != "aigap" or not path.is_file():
        return "aigap"
    for folder in os.get_exec_path():
        found = Path(folder, "aigap")
        if os.access(found, os.X_OK):
            if found.samefile(path):
                return "aigap"
            break
    path, here = path.absolute(), Path.cwd()
    if " " in str(path):
        return f"'{path}'"
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


# --- progress -----------------------------------------------------------------------------------


class Progress:
    """How far a long command is: one line that is rewritten on a terminal, plain lines elsewhere. Goes to stderr."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._shown = 0

    def __call__(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Tell of a step.

        :param done: steps finished, out of `total`; leave both out for a line that stays.
        """
        counted = f"[{done}/{total}] " if done is not None and total is not None else ""
        line = counted + one_line(message)
        if not self._is_terminal:
            note(line + "\n")
            return
        line = line[: max(20, _terminal_width() - 1)]
        stays = not counted or done == total
        note("\r" + line.ljust(self._shown) + ("\n" if stays else ""))
        self._shown = 0 if stays else len(line)


def _terminal_width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return 80


# --- standard streams ---------------------------------------------------------------------------


class _Closed(io.TextIOBase):
    """Standard output where the caller closed it: an answer written to it is lost, which is a failure."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        if text:
            raise OSError(errno.EBADF, "it is closed")
        return 0


def open_streams() -> None:
    """Give the number of a closed standard stream to nothing: it would be the next file's that is opened, and what a
    child says would be written into that."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            stream = _Closed() if name == "stdout" else open(number, mode, closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def give_stdout_up() -> None:
    """What could not be written must not be tried again on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
