"""The sensor that starts a refresh when EDGAR lists a filing that the published file does not know.

Belongs here: what a tick asks, what it concludes, and the run it requests. Does not belong here: HTTP and the filing
calendar (ingest.edgar.poll), the run itself.

What is new is never a matter of dates or of what an earlier tick said: it is what EDGAR lists, less what the archive
holds, and what the archive holds, less what the published file was made from. So a tick missed, doubled or cut off
loses nothing, and days without a daemon end in one run for all that came meanwhile. The cursor only saves requests.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import duckdb

from ingest.archive import Archive
from ingest.bundle import read_bundle
from ingest.companies import watch_list
from ingest.edgar.client import Client, Limits, identity
from ingest.edgar.holdings import DOCUMENT_KINDS, documents_at_hand, not_archived
from ingest.edgar.poll import Intervals, Poll, due, dump, load, poll
from ingest.records import FetchError
from orchestration.console import LOGGED
from orchestration.fetching import rejected_filings
from orchestration.jobs import refresh_job
from orchestration.resources import Edgar, Inputs
from warehouse.errors import WarehouseError
from warehouse.readers.read import open_published
from warehouse.store.home import Home, lock_holder

NAME = "new_filing_sensor"
#: Tag of a run: which filings it was started for.
BATCH = "aigap/batch"
#: Minutes between two looks at a company's list: in its filing windows, and otherwise.
ENVIRONMENT = ("AIGAP_POLL_MINUTES", "AIGAP_POLL_MINUTES_OTHERWISE")

#: One attempt a list, and no new one after 30 s: Dagster ends a tick at 60. The next one goes on where it stopped.
_LIMITS = Limits(connect=5, read=10, total=15, attempts=1)
_ROUND_SECONDS = 30
#: A run that did not bring its filings in is repeated after one hour, then two, four, ..., at most a day.
_RETRY_SECONDS, _RETRY_AT_MOST = 3600, 86_400


def intervals(environ: Mapping[str, str] = os.environ) -> Intervals:
    """How often to ask, from the environment.

    :raises ValueError: one of the two is not a positive number of minutes.
    """
    found = []
    for name, default in zip(ENVIRONMENT, Intervals(), strict=True):
        try:
            found.append(float(environ[name]) * 60 if environ.get(name) else default)
        except ValueError:
            found.append(0.0)
        if not 0 < found[-1] < float("inf"):
            raise ValueError(f"{name} is {environ[name]!r}; a number of minutes above 0 is needed")
    return Intervals(*found)


class _Tried(NamedTuple):
    """The runs that were started for one set of filings."""

    runs: int
    unfinished: str | None
    ended_at: float


def _tried(instance: dg.DagsterInstance, batch: str) -> _Tried:
    records = instance.get_run_records(dg.RunsFilter(tags={BATCH: batch}))
    unfinished = next((r.dagster_run.run_id for r in records if not r.dagster_run.is_finished), None)
    return _Tried(len(records), unfinished, max((r.end_time or 0.0 for r in records), default=0.0))


@cache
def _at_hand(bundle: Path) -> tuple[frozenset[str], dict[str, date]]:
    """Kept for the life of the process: the bundle changes with the code."""
    return documents_at_hand(read_bundle(bundle).facts)


def _unpublished(archive: Archive, home: Home) -> set[str]:
    """Filings with an archived document that the published file was not made from: a refresh was cut off."""
    archived = {e.sha256: e.accession for e in archive.entries() if e.kind in DOCUMENT_KINDS and e.accession}
    if not archived:
        return set()
    try:
        with open_published(home) as published:
            rows = published.execute("select sha256 from meta.processed_accessions").fetchall()
    except (WarehouseError, duckdb.Error):
        rows = []
    return {archived[sha] for sha in archived.keys() - {row[0] for row in rows}}


def _verdict(context: dg.SensorEvaluationContext, wanted: Collection[str], now: float) -> dg.RunRequest | dg.SkipReason:
    """One run for all filings that are wanted, unless one is under way or has just been tried in vain."""
    names = ", ".join(sorted(wanted)[:5]) + (f" and {len(wanted) - 5} more" if len(wanted) > 5 else "")
    batch = sha256("\n".join(sorted(wanted)).encode()).hexdigest()
    tried = _tried(context.instance, batch)
    if tried.unfinished:
        return dg.SkipReason(f"run {tried.unfinished[:8]} is on its way for {names}")
    wait = min(_RETRY_SECONDS * 2 ** min(tried.runs - 1, 5), _RETRY_AT_MOST) if tried.runs else 0
    if 0 <= now - tried.ended_at < wait:
        minutes = (tried.ended_at + wait - now) / 60
        return dg.SkipReason(
            f"{tried.runs} runs could not bring in {names} (their logs say why); the next is due in {minutes:.0f} min"
        )
    key = f"{batch}-{tried.runs + 1}" if tried.runs else batch
    tags = {BATCH: batch, "aigap/started_by": NAME, "aigap/filings": names}
    return dg.RunRequest(run_key=key, tags=tags, run_config=LOGGED)


def _said(seen: Poll, companies: Sequence[object]) -> str:
    asked = f"nothing new: {seen.asked} of {len(companies)} companies were asked"
    return "; ".join([asked, *seen.problems])


def new_filing_sensor(
    home: Home, edgar: Edgar, inputs: Inputs, clock: Callable[[], float] = time.time
) -> dg.SensorDefinition:
    """Asks EDGAR for the watch list's new filings and requests a run of `quarterly_refresh` for them.

    Off without SEC_USER_AGENT. Whatever EDGAR answers, a tick ends in a run or in a reason why not.

    :param clock: epoch seconds.
    :raises ValueError: the interval in the environment is not one.
    """
    every = intervals()

    @dg.sensor(
        name=NAME,
        job=refresh_job,
        minimum_interval_seconds=max(1, round(min(every))),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"A new 10-Q, 10-K or 20-F of the watch list starts a refresh. Each list is asked for every "
        f"{every.in_window / 60:g} minutes while a filing is due, else every {every.otherwise / 60:g} "
        f"({', '.join(ENVIRONMENT)}). Off where SEC_USER_AGENT is not set.",
    )
    def new_filings(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            user_agent = identity()
        except FetchError as error:
            return dg.SkipReason(f"off: {error}")
        if not edgar.is_live:
            return dg.SkipReason("off: runs of this process do not ask EDGAR; set SEC_USER_AGENT before it starts")
        if holder := lock_holder(home):
            return dg.SkipReason(f"a refresh is running ({holder}); what it leaves is looked for afterwards")
        now, companies, listings = clock(), watch_list(), load(context.cursor)
        known, since = _at_hand(inputs.bundle)
        deadline = time.monotonic() + _ROUND_SECONDS
        try:
            with Client(user_agent, hosts=edgar.hosts, limits=_LIMITS, clock=clock) as client:
                turn = due(companies, listings, now, every)
                seen = poll(client, turn, since, listings, now, lambda: time.monotonic() < deadline)
        except FetchError as error:
            return dg.SkipReason(str(error))
        context.update_cursor(dump(seen.listings))
        if seen.blocked:
            return dg.SkipReason(seen.blocked)
        try:
            archive = Archive(home.archive)
            settled = known | rejected_filings(home)
            listed = {cik: listing.filings for cik, listing in seen.listings.items()}
            missing = {filing.accession for filing in not_archived(archive, listed, settled)}
            wanted = missing | _unpublished(archive, home)
            return _verdict(context, wanted, now) if wanted else dg.SkipReason(_said(seen, companies))
        except Exception as error:
            # Raised, it would lose the cursor, and the next tick would ask every company again.
            return dg.SkipReason(f"what is missing cannot be told: {type(error).__name__}: {error}")

    return new_filings
