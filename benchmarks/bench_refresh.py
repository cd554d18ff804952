"""How long `aigap refresh` takes on the shipped facts, against a plain `dbt build` of the same project and raw data.

Usage: python benchmarks/bench_refresh.py [--rounds N] [--check]

Works in a folder of its own. After one refresh (which also parses the dbt project once for each side) both
sides run in turns, each as a fresh process, so that a busy machine slows both; medians are compared. The plain side
gets a copy of the refresh's build file, so both build the same models from the same rows and run the same tests.
Prints seconds, their ratio, and each side's peak resident memory. With --check, exit 1 if the ratio
is above 1.5 or the refresh takes 1 GB.

A first refresh (no build file yet) is timed apart, as is one with --full.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"
RATIO_LIMIT = 1.5
MEMORY_LIMIT = 1 << 30


class Run(NamedTuple):
    """Wall-clock seconds, processor seconds and peak resident bytes of one process and its children."""

    seconds: float
    processor: float
    peak: int


def measure(command: list[str], environment: dict[str, str], log: Path) -> Run:
    """Run a command to its end.

    :raises SystemExit: it failed; its output is shown.
    """
    started = time.perf_counter()
    output = [(os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)]
    pid = os.posix_spawn(command[0], command, environment, file_actions=[*output, (os.POSIX_SPAWN_DUP2, 1, 2)])
    _, status, used = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed:\n{log.read_text()}")
    # ru_maxrss is in KiB on Linux, and is that of the largest process, not their sum.
    return Run(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aigap-bench-") as folder:
        home, plain = Path(folder) / "home", Path(folder) / "plain"
        plain.mkdir()
        environment = {
            **{k: v for k, v in os.environ.items() if k not in ("SEC_USER_AGENT", "DAGSTER_HOME")},
            "AIGAP_HOME": str(home),
            "AIGAP_BUILD_DUCKDB": str(plain / "build.duckdb"),
            "DO_NOT_TRACK": "1",
        }
        scripts = Path(sys.executable).parent
        refresh = [str(scripts / "aigap"), "refresh"]
        folders = ["--project-dir", PROJECT, "--profiles-dir", PROJECT, "--target-path", plain, "--log-path", plain]
        build = [str(scripts / "dbt"), "build", *map(str, folders)]
        log = Path(folder) / "log"

        first = measure(refresh, environment, log)
        shutil.copyfile(home / "build.duckdb", plain / "build.duckdb")
        measure(build, environment, log)
        sides: dict[str, list[Run]] = {"dbt build": [], "aigap refresh": []}
        for _ in range(args.rounds):
            sides["dbt build"].append(measure(build, environment, log))
            sides["aigap refresh"].append(measure(refresh, environment, log))
        full = measure([*refresh, "--full"], environment, log)

    print(f"{'':24}{'seconds':>10}{'processor s':>14}{'peak MB':>10}")
    rows = {"first refresh": [first], "refresh --full": [full], **sides}
    for name, runs in rows.items():
        seconds, processor = (statistics.median(r[i] for r in runs) for i in (0, 1))
        print(f"{name:24}{seconds:10.2f}{processor:14.2f}{max(r.peak for r in runs) / 1e6:10.0f}")
    wall, processor = (
        statistics.median(r[i] for r in sides["aigap refresh"]) / statistics.median(r[i] for r in sides["dbt build"])
        for i in (0, 1)
    )
    peak = max(r.peak for r in [first, full, *sides["aigap refresh"]])
    print(f"ratio of medians of {args.rounds}: {wall:.2f} (limit {RATIO_LIMIT}), by processor time {processor:.2f}")
    return int(args.check and (wall > RATIO_LIMIT or peak >= MEMORY_LIMIT))


if __name__ == "__main__":
    sys.exit(main())
