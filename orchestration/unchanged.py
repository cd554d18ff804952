"""Whether a refresh would find anything to do, decided in a blink: without Dagster, dbt or DuckDB.

A refresh reads files, the day and settings, and it writes files. Where all that it reads and all that it wrote is as
the last good one left it, it would publish nothing and is not run. Files are told by name, size and time of change.
What damages a file and leaves those is found by `aigap doctor`, and by the first refresh of the next day, a whole one.

Belongs here: what a refresh depends on. Does not belong here: the refresh (run.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from warehouse.store.home import Home, read_last_refresh, record_refresh, refresh_lock, replace_file

#: Where the rooms lie, in the checkout as in a wheel.
CODE = Path(__file__).resolve().parents[1]
ROOMS = ("aigap", "ingest", "warehouse", "orchestration", "dbt_project")


class State(NamedTuple):
    """Digests of everything a refresh reads, and of everything it leaves behind."""

    inputs: str
    outputs: str


def state(home: Home, *, code: Path = CODE, environ: Mapping[str, str] = os.environ, day: date | None = None) -> State:
    """As it is now.

    :param day: today, in UTC: what is known, due or dated ahead depends on it.
    """
    written = {home.build, home.generations, home.published, home.report}
    kept_by_others = {home.dagster, home.dbt, home.docs, home.lock, home.last_refresh, home.bulk, home.universe}
    said = sorted(f"{name}={value}" for name, value in environ.items() if name.startswith("AIGAP_"))
    inputs = [str(day or datetime.now(UTC).date()), sys.version, *said]
    inputs += sorted(name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith(".dist-info"))
    inputs += _files(*(code / room for room in ROOMS))
    if home.root.is_dir():
        inputs += _files(*(path for path in home.root.iterdir() if path not in written | kept_by_others))
    return State(_digest(inputs), _digest(_files(*written, home.dbt / "build.json")))


def _files(*paths: Path) -> Iterator[str]:
    """Every file below, in order, with what would change if it did."""
    for path in sorted(paths):
        if path.is_dir():
            yield from _files(*(child for child in path.iterdir() if child.name != "__pycache__"))
        else:
            seen = path.lstat() if path.exists() or path.is_symlink() else None
            target = os.readlink(path) if path.is_symlink() else ""
            yield f"{path}\0{target}\0{seen and (seen.st_size, seen.st_mtime_ns, seen.st_ino)}"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _note(home: Home) -> Path:
    return home.dbt / "unchanged.json"


def note(home: Home, before: State) -> None:
    """Remember what a good refresh worked with and left.

    :param before: the state when it began. What came while it ran has not been read: then nothing is remembered.
    """
    now = state(home)
    if now.inputs == before.inputs:
        replace_file(_note(home), json.dumps({**now._asdict(), "last": read_last_refresh(home)}).encode())


def skip(home: Home) -> str | None:
    """What to say instead of refreshing, noted as the outcome; None where something may have changed.

    :raises Busy: another process refreshes.
    """
    if not _note(home).is_file():
        return None
    with refresh_lock(home):
        try:
            noted = json.loads(_note(home).read_text("utf-8"))
            if State(noted["inputs"], noted["outputs"]) != state(home):
                return None
            said = f"nothing has changed since {noted['last']['at']}: {noted['last']['message']}"
        except (OSError, ValueError, TypeError, KeyError):
            return None
        record_refresh(home, "unchanged", said, datetime.now(UTC).isoformat(timespec="seconds"))
    return said
