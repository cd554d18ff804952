"""How processes of Python are started here: in an environment of ours, without code from the current folder, and for no
longer than whoever started them lives.

Belongs here: what a child inherits, and its end. Does not belong here: what a child does.

Run as a program it is the first thing in such a child: `python -P -m orchestration.child MODULE ARGUMENT...` runs
MODULE as `python -m` would, and ends itself and every process it started once its standard input has no writer left,
which is when its caller is gone, however that happened.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Mapping

#: Variables of Python that change where it writes or how it hashes, not what it does.
_PYTHON = ("PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONPATH", "PYTHONPYCACHEPREFIX")
#: Seconds that a process has to end by itself when its caller is gone.
GRACE_SECONDS = 5


def command(module: str, *arguments: str) -> list[str]:
    """What to run for `python -m module`, with nothing of the current folder on the path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What of `environ` a child may see: whatever dbt, Dagster and Python take as a setting is ours to give, not the
    caller's (DBT_EXCLUDE_RESOURCE_TYPES=test would switch off every check)."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _PYTHON or not name.startswith(("DBT_", "DAGSTER_", "PYTHON"))
    }
    # An empty entry, as in PYTHONPATH=:/x, and a relative one mean the current folder.
    path = [entry for entry in kept.pop("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(entry)]
    return kept | ({"PYTHONPATH": os.pathsep.join(path)} if path else {}) | {"PYTHONSAFEPATH": "1", "DO_NOT_TRACK": "1"}


def settle() -> None:
    """Give this process that environment too, before it imports Dagster or dbt."""
    clean = environment()
    os.environ.clear()
    os.environ.update(clean)


def _end_with_caller() -> None:
    while os.read(0, 4096):
        pass
    # The caller made this process the leader of a group, and what it started belongs to it.
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_caller, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
