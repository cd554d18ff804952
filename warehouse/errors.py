"""The errors warehouse raises on purpose, and what others raise in a person's words. A message says what, where, and
what to do next.

Belongs here: error classes, the exit code each one stands for, the nearest right word, one line for any error. Does not
belong here: anything else.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Iterable

FAILED = 1
USAGE = 2
BUSY = 75


class WarehouseError(Exception):
    """Base of them all: the work cannot be done, and the last published numbers are untouched."""

    exit_code = FAILED


class Busy(WarehouseError):
    """Another process is refreshing, or holds the build file; trying again later is enough."""

    exit_code = BUSY


class LoadError(WarehouseError):
    """A table handed to the raw layer does not fit it; names table, column or row."""


class PublishError(WarehouseError):
    """A new generation failed its audit or could not be written; readers keep the old one."""


class BackupError(WarehouseError):
    """A backup is not whole, or could not be written; names the file. Nothing was changed."""


class NotPublished(WarehouseError):
    """No published file can be opened."""


class Mistake(WarehouseError):
    """What the user asked for cannot be: an unknown quarter, a statement that is no query."""

    exit_code = USAGE


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean low?`, or '' where nothing known is like the word."""
    from difflib import get_close_matches

    spelled = {name.casefold(): name for name in known}
    near = get_close_matches(word.strip().casefold(), spelled, n=1, cutoff=0.7)
    return f"; did you mean {spelled[near[0]]}?" if near else ""


# --- one line for any error -----------------------------------------------------------------------

_TOO_LARGE = "files may not grow that large here: raise the limit (ulimit -f)"
#: What the machine refused, as Python, DuckDB and SQLite put it, and what a person does about it.
_REMEDIES = {
    "No space left on device|disk is full|Disk quota exceeded": "the disk is full (room, inodes or quota): free some",
    "File too large": _TOO_LARGE,
    "Too many open files": "too few files may be open: raise the limit (ulimit -n)",
    "unable to open database file": "the disk is full (inodes), or too few files may be open (ulimit -n)",
    "[Oo]ut of [Mm]emory|could not allocate|Cannot allocate memory|MemoryError|bad_alloc": "give it more memory "
    "(AIGAP_MEMORY_LIMIT is the database engine's part)",
    "can't start new thread|temporarily unavailable": "too few processes may run: raise the limit (ulimit -u)",
    "disk I/O error|Input/output error": "the disk failed, or is full: see aigap doctor",
    "Read-only file system|Permission denied|readonly database": "use a folder you may write to (AIGAP_HOME)",
    "Not a directory|Too many levels of symbolic links": "set AIGAP_HOME to a folder",
}
#: What SQLAlchemy adds to another's error, and a line that names no cause yet.
_NOISE = re.compile(r"\[SQL:|\[parameters:|\(Background on this error")
_HEADING = re.compile(r"(.*: )?\w+ Error( in .*)?:?")
_LONGEST = 600


def reason(error: BaseException | str) -> str:
    """An error, or the text of one, as one line: its cause, and what to do where that is known.

    Our own errors say both by themselves; of others the class is named.
    """
    text = str(error)
    if isinstance(error, BaseException) and not is_ours(error):
        text = f"{type(error).__name__}: {text}"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _NOISE.match(line.strip())] or [""]
    # "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) ...": where a class is from says nothing to a person.
    line = re.sub(r"^(\w+\.)+(?=\w+(:|$))|(?<=: )\(sqlite3\.\w+\) ", "", lines[0])
    if _HEADING.fullmatch(line) and len(lines) > 1:
        line = f"{line.rstrip(':')}: {lines[1]}"
    line = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
    return line + _remedy(text)


def is_ours(error: BaseException) -> bool:
    """Whether the message of `error` was written for a person to read."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return not names.isdisjoint(("WarehouseError", "IngestError", "DbtFailed"))


def _remedy(text: str) -> str:
    if "AIGAP_HOME" in text or any(said in text for said in _REMEDIES.values()):
        return ""
    for pattern, what_to_do in _REMEDIES.items():
        if re.search(pattern, text):
            # SQLite says no more of a limit than this.
            if "disk I/O error" in text and resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
                what_to_do = _TOO_LARGE
            return f"; {what_to_do}"
    return ""
