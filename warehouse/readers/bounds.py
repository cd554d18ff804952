"""A bound on what one query may cost this process, where DuckDB's own limits end.

Belongs here: the process's memory and clock. Does not belong here: what a query may say or touch (read.py).

DuckDB counts its buffers, not what one function call builds, and stops between two chunks of rows, not within one:
`select md5(repeat('x', 4000000000))` took 4 GB under a limit of 1 GB, and 33 s of the 20 it was given.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import USAGE, Mistake

#: Address space on top of what the process has: DuckDB's 1 GB, its threads, and the rows as Python values.
EXTRA_BYTES = 2 << 30
#: Seconds after the time-out at which a query that did not stop ends with its process.
GRACE_SECONDS = 5


@contextmanager
def bounded(timeout_seconds: float) -> Iterator[None]:
    """Hold whatever runs inside to EXTRA_BYTES more memory, and end the process if it outlives its time-out by far.

    :raises Mistake: the memory did not suffice.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    watchdog = threading.Timer(timeout_seconds + GRACE_SECONDS, _end, [timeout_seconds])
    watchdog.daemon = True
    watchdog.start()
    # Where the query keeps the interpreter busy too, no thread gets to speak: the kernel ends it without a word.
    is_main = threading.current_thread() is threading.main_thread()
    if is_main:
        signal.setitimer(signal.ITIMER_REAL, timeout_seconds + 2 * GRACE_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (_limit(soft, hard), hard))
    try:
        yield
    except MemoryError:
        raise Mistake("the query needs more memory than aigap gives it; ask for fewer or smaller values") from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        watchdog.cancel()
        if is_main:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _limit(soft: int, hard: int) -> int:
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return soft  # not Linux: DuckDB's own limit must do
    limits = (soft, hard, used + EXTRA_BYTES)
    return min(limit for limit in limits if limit != resource.RLIM_INFINITY)


def _end(timeout_seconds: float) -> None:
    print(f"aigap: the query ran longer than {timeout_seconds:g} seconds and did not stop by itself", file=sys.stderr)
    sys.stderr.flush()
    os._exit(USAGE)
