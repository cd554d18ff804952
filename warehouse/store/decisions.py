"""What an operator decided about values set aside, doubtful or wrong: a file of the home that only grows.

Belongs here: that file's format, reading it, adding to it, two of them made one. Does not belong here: what a decision
does (dbt_project, and for guards orchestration), whether there is anything that it speaks of (review.py).

One JSON object a line; a decision's number is its line. A line that cannot be read is no decision: it is named, and
nothing else waits for it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from warehouse.errors import Mistake, WarehouseError
from warehouse.formats import one_line
from warehouse.store.home import Home, sync

if TYPE_CHECKING:
    import pyarrow as pa

#: Verdict -> what it does.
VERDICTS = {
    "accept": "use something as filed, although it was set aside or held back",
    "reject": "do not use something, although nothing objects to it",
    "withdraw": "take a decision back",
}
#: What `aigap fetch` holds back because it contradicts what was served before, by kind.
GUARDS = ("submissions", "companyfacts")

_FILING = re.compile(r"[0-9]{10}-[0-9]{2}-[0-9]{6}(/[a-z][a-z0-9_]*(/[0-9]{4}-[0-9]{2}-[0-9]{2})?)?")
_GUARD = re.compile(rf"({'|'.join(GUARDS)})/([0-9]{{1,10}})")
_LONGEST = 2000
_FEWEST_LETTERS = 3


class Decision(NamedTuple):
    """One line of the file.

    :ivar decided_on: the New York day from which it holds.
    """

    number: int
    target: str
    verdict: str
    why: str
    decided_by: str
    decided_at: datetime
    decided_on: date

    def __str__(self) -> str:
        return f"{self.verdict} {self.target}, by {self.decided_by} on {self.decided_on}: {self.why}"


class Decisions(NamedTuple):
    """All of them in order, and a sentence for each line that is none."""

    made: list[Decision]
    damaged: list[str]


# --- what may be said -----------------------------------------------------------------------------


def target_of(text: str) -> str:
    """A target as it is written down: a guard's CIK gets its ten digits.

    :raises Mistake: it is none.
    """
    text = text.strip()
    if guard := _GUARD.fullmatch(text):
        return f"{guard[1]}/{guard[2]:0>10}"
    if not (found := _FILING.fullmatch(text)) or not (found[2] is None or _is_day(found[2][1:])):
        raise Mistake(
            f"{one_line(text)!r} is nothing to decide on: write ACCESSION, ACCESSION/METRIC or "
            f"ACCESSION/METRIC/PERIOD-END, as aigap review lists them, or {' or '.join(f'{g}/CIK' for g in GUARDS)}"
        )
    return text


def is_target(text: str) -> bool:
    """Can it be decided on? The mart lists more: an entry without accession, a payload by its address."""
    try:
        return target_of(text) == text
    except Mistake:
        return False


def is_guard(target: str) -> bool:
    """Does it speak of what `aigap fetch` holds back, rather than of what a filing states?"""
    return target.startswith(GUARDS)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text) is not None
    except ValueError:
        return False


def overlap(one: str, other: str) -> bool:
    """Do two targets speak of a value in common? A filing holds its metrics, a metric its periods."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _words(text: str, what: str, letters: int = 0) -> str:
    text = text.strip()
    if not text or sum(c.isalpha() for c in text) < letters or len(text) > _LONGEST or not text.isprintable():
        raise Mistake(f"{what} must be said in words, on one line of at most {_LONGEST} characters, not {text[:60]!r}")
    return text


# --- reading --------------------------------------------------------------------------------------


def load(home: Home) -> Decisions:
    """Every decision of the home.

    :raises WarehouseError: the file is there and cannot be opened. To go on without it would use what was rejected.
    """
    return _parsed(home, read_bytes(home))


def read_bytes(home: Home) -> bytes:
    """The file as it is, never with half a line that is being added."""
    try:
        with home.decisions.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise WarehouseError(
            f"{home.decisions} cannot be read ({error.strerror}): what was decided is not known; make it readable"
        ) from error


def standing(made: Iterable[Decision]) -> dict[str, Decision]:
    """The last word on each target; none where that was to withdraw."""
    last = {decision.target: decision for decision in made}
    return {target: decision for target, decision in last.items() if decision.verdict != "withdraw"}


def lifted_guards(home: Home) -> dict[str, datetime]:
    """Guards that an operator lifted, such as `submissions/0001045810`, and since when: what they held back until then
    is accepted as EDGAR serves it."""
    last = standing(load(home).made)
    return {t: d.decided_at for t, d in last.items() if d.verdict == "accept" and is_guard(t)}


def read_decisions(home: Home, say: Callable[[str], None] | None = None) -> pa.Table:
    """All decisions in the order they were made, with the columns of raw.decisions.

    :param say: told of each line that is none (default: the log).
    :raises WarehouseError: see load.
    """
    import logging

    import pyarrow as pa

    say = say or logging.getLogger(__name__).warning

    schema = pa.schema(
        [
            ("number", pa.int32()),
            ("target", pa.string()),
            ("verdict", pa.string()),
            ("why", pa.string()),
            ("decided_by", pa.string()),
            ("decided_at", pa.timestamp("us", "UTC")),
            ("decided_on", pa.date32()),
        ]
    )
    found = load(home)
    for line in found.damaged:
        say(line)
    return pa.Table.from_pylist([decision._asdict() for decision in found.made], schema)


def _parsed(home: Home, data: bytes) -> Decisions:
    made, damaged = [], []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            made.append(_decision(number, line))
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError, Mistake) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else one_line(str(error))[:200]
            damaged.append(
                f"{home.decisions}, line {number} is no decision ({reason}) and is left out: correct or delete that "
                "line, or decide anew with aigap review"
            )
    return Decisions(made, damaged)


def _decision(number: int, line: bytes) -> Decision:
    import json

    row = json.loads(line.decode())
    at = datetime.fromisoformat(row["decided_at"])
    if at.tzinfo is None or row["verdict"] not in VERDICTS:
        raise ValueError("decided_at has no time zone" if at.tzinfo is None else "the verdict is none")
    return Decision(
        number,
        target_of(row["target"]),
        row["verdict"],
        _words(row["why"], "the reason"),
        _words(row["decided_by"], "who decided"),
        at.astimezone(UTC),
        date.fromisoformat(row["decided_on"]),
    )


# --- adding ---------------------------------------------------------------------------------------


def decide(home: Home, target: str, verdict: str, why: str, by: str, now: datetime) -> tuple[Decision, bool]:
    """Write one decision down; it is on disk when this returns.

    :param target: see target_of.
    :param now: with a time zone; its day in New York is the one from which the decision holds.
    :return: what stands now, and whether that is new: the same verdict again is not written twice.
    :raises Mistake: the reason says nothing, or there is nothing to withdraw.
    :raises WarehouseError: the file cannot be written; it is as it was.
    """
    import json
    from zoneinfo import ZoneInfo

    target, by = target_of(target), _words(by, "who decides (--by)")
    why = _words(why, "the reason (--why)", _FEWEST_LETTERS)
    if not home.root.is_dir():
        raise Mistake(f"there is no {home.root} to decide for: set AIGAP_HOME, or run aigap refresh first")
    with _held(home) as handle:
        before = _read(handle)
        last = standing(_parsed(home, before).made)
        if verdict == "withdraw" and target not in last:
            others = [str(decision) for other, decision in last.items() if overlap(other, target)]
            said = f"; what stands: {'; '.join(others)}" if others else ""
            raise Mistake(f"nothing was decided on {target}{said}")
        if target in last and last[target].verdict == verdict:
            return last[target], False
        at = now.astimezone(UTC)
        made = {
            "target": target,
            "verdict": verdict,
            "why": why,
            "decided_by": by,
            "decided_at": at.isoformat(timespec="microseconds"),
            "decided_on": at.astimezone(ZoneInfo("America/New_York")).date().isoformat(),
        }
        line = json.dumps(made, ensure_ascii=False).encode()
        _add(home, handle, before, [line])
        start = before if before.endswith(b"\n") or not before else before + b"\n"
        return _decision(start.count(b"\n") + 1, line), True


def merge(home: Home, theirs: bytes, *, force: bool = False) -> int:
    """Add what another home's file says and this one does not, in its order; damaged lines too, which stay named.

    :param force: leave out what contradicts a later word of this home.
    :return: how many lines were added: none the second time.
    :raises Mistake: one of theirs is older than a word of ours on the same thing, and would come after it.
    :raises WarehouseError: the file cannot be written; it is as it was.
    """
    if not _new_lines(theirs, b""):
        return 0
    with _held(home) as handle:
        before = _read(handle)
        ours, new = _parsed(home, before).made, []
        for line in _new_lines(theirs, before):
            for decision in _parsed(home, line).made:
                later = [d for d in ours if overlap(d.target, decision.target) and d.decided_at > decision.decided_at]
                if later and not force:
                    raise Mistake(
                        f"two histories of decisions: {home.decisions} says {later[-1]}; the backup, which this home "
                        f"does not know, {decision}. The later word would not be the last. Nothing was changed; "
                        "--force keeps what is said here"
                    )
                if later:
                    break
            else:
                new.append(line)
        if new:
            _add(home, handle, before, new)
        return len(new)


def _new_lines(data: bytes, known: bytes) -> list[bytes]:
    there = set(known.split(b"\n"))
    return [line for line in data.split(b"\n") if line.strip() and line not in there]


@contextmanager
def _held(home: Home) -> Iterator[int]:
    """The file, made where there is none, and nobody else adds to it meanwhile. A refresh may run: it reads it once."""
    try:
        handle = os.open(home.decisions, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WarehouseError(f"{home.decisions} cannot be written ({error.strerror}); nothing was decided") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _read(handle: int) -> bytes:
    return os.pread(handle, os.fstat(handle).st_size, 0)


def _add(home: Home, handle: int, before: bytes, lines: Iterable[bytes]) -> None:
    """All lines or none. Half a line that a power cut left stays a line of its own."""
    data = b"".join(line + b"\n" for line in lines)
    if before and not before.endswith(b"\n"):
        data = b"\n" + data
    try:
        if os.write(handle, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
        sync(home.root)
    except OSError as error:
        os.ftruncate(handle, len(before))
        raise WarehouseError(f"{home.decisions} was not written ({error.strerror}); nothing was decided") from error
