"""How long the reading commands take, against a bare Python process that opens the same file and runs the same query.

Usage: python benchmarks/bench_cli.py [--rounds N] [--check]

Reads what is published in AIGAP_HOME. Both sides run in turn, so that a busy machine slows both; medians are compared.
With --check, exit 1 if a command takes more than 1.5 times its bare counterpart.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from warehouse.store.home import find_home

LIMIT = 1.5
NEWEST = "(select max(calendar_quarter) from marts.ai_revenue_gap where scenario = 'measured')"
GAP = "from marts.ai_revenue_gap where scenario = 'measured' order by calendar_quarter desc limit 12"
TREE = f"from explain_gap({NEWEST})"


def bare(path: Path, sql: str) -> list[str]:
    """A process that does nothing but answer `sql`."""
    code = (
        "import duckdb, sys\n"
        "with duckdb.connect(sys.argv[1], read_only=True) as connection:\n"
        "    for row in connection.execute(sys.argv[2]).fetchall(): print(*row)"
    )
    return [sys.executable, "-c", code, str(path), sql]


def seconds(command: list[str]) -> float:
    """Wall-clock seconds of one run."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    path = find_home().published
    aigap = str(Path(sys.executable).with_name("aigap"))
    quarter = subprocess.run(bare(path, f"select {NEWEST}"), check=True, capture_output=True, text=True).stdout.strip()
    pairs = {
        "show": (bare(path, GAP), [aigap, "show"]),
        "explain": (bare(path, TREE.replace(NEWEST, f"'{quarter}'")), [aigap, "explain", quarter]),
        "sql": (bare(path, GAP), [aigap, "sql", GAP]),
    }
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in pairs}
    for _ in range(args.rounds):
        for name, commands in pairs.items():
            for side, command in zip(times[name], commands, strict=True):
                side.append(seconds(command))
    slowest = 0.0
    print(f"{'command':8}  {'bare ms':>8}  {'aigap ms':>8}  ratio  (medians of {args.rounds})")
    for name, sides in times.items():
        plain, ours = (statistics.median(side) for side in sides)
        slowest = max(slowest, ours / plain)
        print(f"{name:8}  {plain * 1000:8.0f}  {ours * 1000:8.0f}  {ours / plain:5.2f}")
    return 1 if args.check and slowest > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
