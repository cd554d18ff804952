"""One zip into the store: which members are new, in which batches, over several processes.

Belongs here: planning, processes, the manifest's lines. Does not belong here: reading a member.

A killed load loses the batches under way and nothing else: what the manifest names is not read again.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

from ingest.bulk import company_facts, data_sets
from ingest.bulk.company_facts import Written
from ingest.bulk.store import Batch, BulkStore
from ingest.records import IngestError

#: Uncompressed bytes of a batch: what a process holds at a time is some four times as much.
BATCH_BYTES = 48 * 1024 * 1024
#: A batch has at most so many members: what is lost when a load is killed.
BATCH_MEMBERS = 500

Say = Callable[[str, int, int], None]


class Loaded(NamedTuple):
    """What a load did. `members`: read now; `known`: unchanged since an earlier load; `damaged`: member -> reason."""

    kind: str
    members: int
    known: int
    facts: int
    damaged: dict[str, str]


def _batches(members: list[zipfile.ZipInfo]) -> Iterator[list[str]]:
    names: list[str] = []
    size = 0
    for member in members:
        if names and (size + member.file_size > BATCH_BYTES or len(names) == BATCH_MEMBERS):
            yield names
            names, size = [], 0
        names.append(member.filename)
        size += member.file_size
    if names:
        yield names


def _end_with_caller() -> None:
    """A process of the pool would wait for its next batch for ever where whoever started it was killed."""
    caller = multiprocessing.parent_process()
    assert caller is not None

    def watch() -> None:
        caller.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _as_of(members: list[zipfile.ZipInfo]) -> str:
    return max("{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}+00:00".format(*m.date_time) for m in members)


def load_zip(path: Path, store: BulkStore, say: Say, processes: int | None = None) -> Loaded:
    """Add what is new in a companyfacts.zip or a Financial Statement Data Set.

    :param say: told of each batch: what, members done, members to do.
    :param processes: how many at a time (default: as many as there are processors for this one).
    :raises IngestError: it is no zip, neither of the two, or a process died.
    """
    try:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
            names = [member.filename for member in members]
            if data_sets.is_data_set(names):
                return _data_set(path, store, say, data_sets.mark(file), _as_of(members))
    except FileNotFoundError:
        raise IngestError(f"there is no {path}") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise IngestError(f"{path} is no whole zip ({error}): get it again") from error
    filers = sorted(
        {m.filename: m for m in members if company_facts.MEMBER.fullmatch(m.filename)}.values(),
        key=lambda m: m.filename,
    )
    if not filers:
        raise IngestError(f"{path} is neither companyfacts.zip nor a Financial Statement Data Set")
    store.tidy()
    known = store.known(company_facts.KIND)
    new = [member for member in filers if known.get(member.filename) != f"{member.CRC:08x}"]
    changed = frozenset(member.filename for member in new if member.filename in known)
    done = facts = 0
    damaged: dict[str, str] = {}
    count = processes or len(os.sched_getaffinity(0))
    # Not forked: Arrow has threads.
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _end_with_caller)
    try:
        under_way: dict[Future[Written], tuple[str, int]] = {}
        for batch, part in zip(store.numbers(), _batches(new), strict=False):
            job = pool.submit(company_facts.write_batch, path, part, store.root, batch, changed.intersection(part))
            under_way[job] = batch, len(part)
        for job in as_completed(under_way):
            batch, size = under_way[job]
            written = job.result()
            if written.members:
                line = Batch(
                    batch, company_facts.KIND, _as_of(filers), written.members, written.files, written.facts, []
                )
                store.commit(line)
            done, facts, damaged = done + size, facts + written.facts, damaged | written.damaged
            say(f"{facts:,} facts", done, len(new))
    except BrokenProcessPool as error:
        raise IngestError(f"a process that read {path} died; load it again, what was done is kept") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return Loaded(company_facts.KIND, done - len(damaged), len(filers) - len(new), facts, damaged)


def _data_set(path: Path, store: BulkStore, say: Say, mark: str, as_of: str) -> Loaded:
    """A data set is one batch; another publication of the same quarter (by the zip's name) takes its place."""
    store.tidy()
    old = [b for b in store.batches.values() if b.kind == data_sets.KIND and path.name in b.members]
    if any(batch.members[path.name] == mark for batch in old):
        return Loaded(data_sets.KIND, 0, 1, 0, {})
    batch = next(store.numbers())
    written = data_sets.write_data_set(path, store.root, batch)
    if not written.damaged:
        replaced = [b.batch for b in old]
        store.commit(Batch(batch, data_sets.KIND, as_of, {path.name: mark}, written.files, written.facts, replaced))
    say(f"{written.facts:,} facts", 1, 1)
    return Loaded(data_sets.KIND, 1 - len(written.damaged), 0, written.facts, written.damaged)
