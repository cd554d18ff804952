"""T43: a publish killed at random moments, again and again, while two processes read.

AIGAP_KILLS says how often (20; 200 is the long form), AIGAP_SEED repeats the draws of a run. `pytest -rP` shows
the figures of a run that passed.
"""

import os
import random
import signal
import time
from collections import Counter
from subprocess import Popen, TimeoutExpired

from support.small_warehouse import (
    STEP,
    Readers,
    change_build,
    publish_elsewhere,
    publish_small,
    small_home,
    steps_read,
)
from warehouse.store.home import Home

KILLS = int(os.environ.get("AIGAP_KILLS") or 20)
SEED = int(os.environ.get("AIGAP_SEED") or random.randrange(1_000_000))


def stage(home: Home, number: int, ended: int) -> str:
    """Where the publish of generation `number` was when its process ended, by what it left."""
    if ended == 0:
        return "finished"
    if home.live() == home.generation(number):
        return "live"
    if any(home.root.glob(".link-*")):
        return "link made"
    if home.generation(number).exists():
        return "named"
    # It becomes read-only when the last byte is in.
    written = [path.stat().st_mode & 0o222 for path in home.generations.glob(".new-*.duckdb")]
    return ("writing" if written[0] else "audit") if written else "nothing written"


def end(publisher: Popen[str], seconds: float | None) -> tuple[int, float]:
    """Let a waiting publisher publish, and kill it after so long (None: never); how it ended, and after how long."""
    assert publisher.stdin is not None
    assert publisher.stdout is not None
    assert publisher.stdout.readline() == "ready\n"
    publisher.stdin.write("\n")
    publisher.stdin.flush()
    started = time.monotonic()
    try:
        publisher.wait(seconds)
    except TimeoutExpired:
        publisher.kill()
    took = time.monotonic() - started
    said = publisher.communicate(timeout=60)[1]
    assert publisher.returncode in (0, -signal.SIGKILL), (said, SEED)
    return publisher.returncode, took


def test_t43_random_kills_tear_nothing_lose_nothing_and_need_no_repair(tmp_path):
    home = small_home(tmp_path)
    publish_small(home)
    moments, landed, step = random.Random(SEED), Counter(), 1
    with Readers(home, pause=0.1) as readers:
        change_build(home, STEP)
        ended, lifetime = end(publish_elsewhere(home, waits=True), None)
        assert ended == 0
        publisher = publish_elsewhere(home, waits=True)
        while landed.total() - landed["finished"] < KILLS:
            change_build(home, STEP)
            step += 1
            before, number = steps_read(home), home.next_generation()
            ended, took = end(publisher, lifetime * moments.random())
            publisher = publish_elsewhere(home, waits=True)  # imports while this one looks
            # How long a publish lives changes with what else the machine does.
            lifetime = lifetime * 1.02 if ended else took
            landed[stage(home, number, ended)] += 1
            is_live = home.live() == home.generation(number)
            assert steps_read(home) == ([step, step] if is_live else before), (landed, SEED)
        publisher.kill()
        publisher.communicate()
    change_build(home, STEP)
    done = publish_small(home)

    figures = (
        f"seed {SEED}: {KILLS} kills, {dict(landed)}; {sum(readers.counts)} reads: {len(readers.torn)} torn, "
        f"{len(readers.backwards)} backwards, {len(readers.errors)} errors"
    )
    print(figures)
    assert readers.problems == [], figures
    assert min(readers.counts) >= KILLS / 2, figures
    assert done.is_new, figures
    assert steps_read(home) == [step + 1, step + 1], figures
    assert [path.name for path in home.root.iterdir() if path.name.startswith(".")] == [], figures
    assert sorted(os.listdir(home.generations)) == [home.generation(n).name for n in home.generation_numbers()], figures
    assert len(home.generation_numbers()) == 3, figures
