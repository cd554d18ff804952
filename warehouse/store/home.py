"""Where the project keeps its files: one folder, AIGAP_HOME.

Belongs here: the folder's layout, the lock that one refresh holds, and the record of the last refresh.
Does not belong here: opening any DuckDB file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from warehouse.errors import Busy, Mistake, WarehouseError

#: Version of the published tables. Raise it when a name or meaning in them changes.
SCHEMA_VERSION = 2

_GENERATION = re.compile(r"ai_revenue_gap-([0-9]{6,})\.duckdb")


class Home(NamedTuple):
    """The folder and what lies where in it. Nothing is created by looking."""

    root: Path

    @property
    def build(self) -> Path:
        """The private build file: one writer, disposable."""
        return self.root / "build.duckdb"

    @property
    def published(self) -> Path:
        """What readers open: a symbolic link to the newest good generation."""
        return self.root / "ai_revenue_gap.duckdb"

    @property
    def generations(self) -> Path:
        """Published files, immutable, one a publish."""
        return self.root / "generations"

    @property
    def archive(self) -> Path:
        """Payloads as received, by sha256."""
        return self.root / "archive"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME."""
        return self.root / "dagster"

    @property
    def dbt(self) -> Path:
        """What dbt makes of the project, and what the build file was made from."""
        return self.root / "dbt"

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def docs(self) -> Path:
        """dbt's documentation as a page."""
        return self.root / "docs"

    @property
    def lock(self) -> Path:
        """Held (flock) for as long as a refresh runs; its record says by whom."""
        return self.root / "refresh.lock"

    @property
    def last_refresh(self) -> Path:
        """How the last refresh ended."""
        return self.root / "last_refresh.json"

    @property
    def decisions(self) -> Path:
        """What an operator decided (aigap review): one JSON object a line, only ever appended to."""
        return self.root / "decisions.jsonl"

    @property
    def bulk(self) -> Path:
        """Facts of every filer (aigap bulk load), and what is made from them on the way."""
        return self.root / "bulk"

    @property
    def universe(self) -> Path:
        """Tables of every filer, made from `bulk` (aigap bulk build)."""
        return self.root / "ai_revenue_gap_universe.duckdb"

    @property
    def figures(self) -> Path:
        """The user's own figures: CSV files with the header of ingest/curated."""
        return self.root / "figures"

    @property
    def lead_verdicts(self) -> Path:
        """What a person said of leads (aigap leads): one JSON object a line."""
        return self.root / "leads.jsonl"

    def generation(self, number: int) -> Path:
        """Path of one generation."""
        return self.generations / f"ai_revenue_gap-{number:06d}.duckdb"

    def live(self) -> Path | None:
        """The generation the link names, or None without a link. It may not exist (dangling)."""
        try:
            return self.root / os.readlink(self.published)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WarehouseError(
                f"{self.published} is not the symbolic link that aigap publishes through ({error.strerror}); "
                "move that file away and run aigap refresh"
            ) from error

    def generation_numbers(self) -> list[int]:
        """Numbers of all complete generations, ascending."""
        names = (m for p in _names(self.generations) if (m := _GENERATION.fullmatch(p)))
        return sorted(int(m[1]) for m in names)

    def next_generation(self) -> int:
        """A number above every one ever used here: a leftover (such as a generation's .wal) counts too."""
        names = (m for p in _names(self.generations) if (m := _GENERATION.match(p)))
        live = self.live()
        match = _GENERATION.fullmatch(live.name) if live else None
        return 1 + max([int(m[1]) for m in names] + ([int(match[1])] if match else []), default=0)


def generation_number(path: Path) -> int | None:
    """12 for `.../ai_revenue_gap-000012.duckdb`, None for any other name."""
    match = _GENERATION.fullmatch(path.name)
    return int(match[1]) if match else None


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def find_home(environ: Mapping[str, str] = os.environ) -> Home:
    """AIGAP_HOME (relative to the working directory, `~` allowed), else `data` in the checkout; for an installed copy
    the folder where this platform keeps a user's data (Linux: ~/.local/share/ai-revenue-gap, or XDG_DATA_HOME).

    :raises Mistake: this user has no home folder.
    """
    if named := environ.get("AIGAP_HOME"):
        with contextlib.suppress(RuntimeError):
            return Home(Path(named).expanduser().absolute())
        raise Mistake(f"AIGAP_HOME is {named!r}, and there is no such user's home; write the whole path")
    if base := checkout():
        return Home(base / "data")
    from platformdirs import user_data_path

    try:
        return Home(user_data_path("ai-revenue-gap", appauthor=False))
    except RuntimeError:
        raise Mistake("this user has no home folder; set AIGAP_HOME to a folder of your own") from None


def checkout() -> Path | None:
    """The checkout this code is run from; None for an installed copy, whose folder nobody writes to."""
    folder = Path(__file__).resolve().parents[2]
    return folder if os.path.isfile(folder / "pyproject.toml") else None


def refuse_foreign(home: Home) -> None:
    """Refuse a folder in which another's file has one of our names: what is to be written there would replace it.

    :raises Mistake: a file stands where a folder of ours goes, a folder where a file goes, or a build.duckdb where no
        refresh ever ran.
    :raises WarehouseError: the published file is none that aigap published.
    """
    move = "move it away, or set AIGAP_HOME to a folder of your own"
    own = (part for name in dir(Home) if isinstance(part := getattr(home, name), Path) and part != home.root)
    for path in own:
        is_folder = not path.suffix
        if path.exists() and path.is_dir() != is_folder:
            needed = "a folder" if is_folder else "a file"
            raise Mistake(f"{path} is not aigap's, which keeps {needed} of that name there; {move}")
    if home.build.exists() and not home.lock.exists():
        raise Mistake(f"{home.build} was there before any refresh, and one would replace it; {move}")
    if home.root.is_dir():
        home.live()


# --- one refresh at a time ----------------------------------------------------------------------

#: Lock path -> [file descriptor, depth]: the steps of one run share the lock of their process.
_held: dict[Path, list[int]] = {}


def _try_lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Holder(NamedTuple):
    """Who holds a lock; process 0 where its record cannot be read (it is just being written, or is of another
    version)."""

    process: int
    since: str = ""

    def __str__(self) -> str:
        return (
            f"process {self.process}" + f" since {self.since}" * bool(self.since) if self.process else "another process"
        )


def _holder(handle: int) -> Holder:
    import json

    try:
        return Holder(**json.loads(os.pread(handle, 200, 0)))
    except (ValueError, TypeError):
        return Holder(0)


@contextlib.contextmanager
def refresh_lock(home: Home) -> Iterator[None]:
    """Hold the home for one refresh; taking it again inside the same process is allowed.

    The kernel frees the lock when the process ends, however it ends: no stale lock, nothing to clean by hand.

    :raises Busy: another process holds it; says which.
    """
    import json

    if home.lock in _held:
        _held[home.lock][1] += 1
        try:
            yield
        finally:
            _held[home.lock][1] -= 1
        return
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        # What a link names is not ours to empty.
        handle = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise WarehouseError(
            f"{home.root} cannot be written ({error.strerror}); set AIGAP_HOME to a folder of your own"
        ) from error
    try:
        # A second look after 50 ms: lock_holder may hold a shared lock for an instant.
        if not _try_lock(handle, fcntl.LOCK_EX):
            time.sleep(0.05)
            if not _try_lock(handle, fcntl.LOCK_EX):
                raise Busy(f"a refresh is already running ({_holder(handle)}); the published numbers stay readable")
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"process": os.getpid(), "since": started}).encode(), 0)
        _held[home.lock] = [handle, 1]
        try:
            yield
        finally:
            del _held[home.lock]
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def held_by(home: Home) -> Holder | None:
    """Who refreshes right now, or None."""
    if home.lock in _held:
        return Holder(os.getpid())
    try:
        handle = os.open(home.lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return None if _try_lock(handle, fcntl.LOCK_SH) else _holder(handle)
    finally:
        os.close(handle)


def lock_holder(home: Home) -> str | None:
    """:func:`held_by` in words ("process 123 since ..."), or None."""
    return str(holder) if (holder := held_by(home)) else None


# --- small files ----------------------------------------------------------------------------------


def sync(path: Path) -> None:
    """Make what a file holds, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def beside(path: Path, ending: str = "") -> Path:
    """A hidden name in the folder of `path` that nobody can know before, so that nobody can lay a link there."""
    return path.with_name(f".{path.name}.{os.urandom(8).hex()}{ending}")


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of whatever `path` is, in one step and for good: after a power cut it holds one or the
    other, whole. A link in its place is replaced, never followed."""
    temporary = beside(path)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


# --- how the last refresh ended -------------------------------------------------------------------

#: A note fits into the block that a file has anyway, so that it can be written anew where no other is to be had.
_NOTE_BYTES = 4096


def record_refresh(home: Home, outcome: str, message: str, at: str) -> None:
    """Note how a refresh ended, for `show` and `doctor`: also on a disk that is full, over the note before.

    :param outcome: published, unchanged, imported, fetched (after a fetch that failed) or failed.
    :param message: one line; for a failure, the check or step that blocked it.
    :param at: UTC, ISO 8601.
    :raises OSError: neither could be written.
    """
    import json

    note = {"outcome": outcome, "message": " ".join(message.split()), "at": at}
    while len(text := json.dumps(note, ensure_ascii=False).encode("utf-8", "backslashreplace")) >= _NOTE_BYTES:
        note["message"] = note["message"][: len(note["message"]) * 3 // 4] + "…"
    try:
        replace_file(home.last_refresh, text + b"\n")
    except OSError:
        handle = os.open(home.last_refresh, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            os.pwrite(handle, text + b"\n", 0)
            os.ftruncate(handle, len(text) + 1)
        finally:
            os.close(handle)


def read_last_refresh(home: Home) -> dict[str, Any] | None:
    """What record_refresh wrote last, or None (also for an unreadable note: it is a courtesy, not data)."""
    import json

    try:
        note = json.loads(home.last_refresh.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return note if isinstance(note, dict) and {"outcome", "message", "at"} <= note.keys() else None
