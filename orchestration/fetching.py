"""Asking EDGAR for what is new: what the job's first step and `aigap fetch` have in common.

Belongs here: which client, what is already known, what to tell. Does not belong here: HTTP, parsing,
Dagster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ingest.archive import Archive
from ingest.companies import watch_list
from ingest.curated import epoch_fetch
from ingest.edgar.client import Client, identity
from ingest.edgar.exhibits import fetch_exhibits
from ingest.edgar.fetch import FetchResult, Problem, documents_at_hand, fetch
from ingest.edgar.urls import EDGAR, Hosts
from ingest.records import IngestError
from ingest.shipping import Bundle
from warehouse.formats import one_line
from warehouse.store.decisions import lifted_guards, load, standing
from warehouse.store.home import Home


def rejected_filings(home: Home) -> frozenset[str]:
    """Accessions that an operator rejected: nobody waits for them any more."""
    return frozenset(target for target, last in standing(load(home).made).items() if last.verdict == "reject")


def ask_edgar(home: Home, bundle: Bundle, say: Callable[[str], None], hosts: Hosts = EDGAR) -> FetchResult:
    """Archive what EDGAR has and neither the archive nor the bundle holds.

    :param say: told one line a filing, and one for each whose facts are in its own documents alone.
    :raises FetchError: SEC_USER_AGENT does not say who asks, or there is no place for the queue before EDGAR. Whatever
        else goes wrong is in the result.
    """
    user_agent, archive = identity(), Archive(home.archive)
    has_epoch = epoch_fetch.is_on()
    if has_epoch:
        hosts = replace(hosts, others=(*hosts.others, epoch_fetch.HOST))
    known, since = documents_at_hand(bundle.facts)
    archive.clean()
    archive.upgrade()
    with Client(user_agent, hosts=hosts) as client:
        result = fetch(
            archive,
            client,
            watch_list(),
            known | rejected_filings(home),
            since=since,
            lifted=lifted_guards(home),
            on_progress=lambda p: say(one_line(f"{p.ticker} ({p.done + 1} of {p.total}): {p.text}")),
        )
        if not result.stopped:
            exhibits = fetch_exhibits(archive, client, watch_list(), say)
            result.fetched += exhibits.fetched
            result.failed += [Problem(*problem) for problem in exhibits.failed]
            result.stopped = exhibits.stopped
        if has_epoch:
            _ask_epoch(archive, client, result, say)
    for accession in result.lagging:
        say(f"{accession}: company facts lack it as yet; read from the filing's own documents")
    return result


def _ask_epoch(archive: Archive, client: Client, result: FetchResult, say: Callable[[str], None]) -> None:
    try:
        entry = epoch_fetch.fetch_epoch(archive, client)
    except IngestError as error:
        result.failed.append(Problem("Epoch AI", None, str(error)))
        return
    say("Epoch AI: " + ("a new table of revenue reports" if entry else "nothing new"))
    result.fetched += [entry] if entry else []


def problems(result: FetchResult) -> list[str]:
    """What could not be got, was refused or is still to come, a line each; one line where a reason is that of several
    companies."""
    return _lines([*result.failed, *result.quarantined, *result.pending])


def contradictions(result: FetchResult) -> list[str]:
    """What EDGAR says otherwise than before, or than the watch list, a line each."""
    return _lines(result.contradictions)


def _lines(found: Iterable[Problem]) -> list[str]:
    whose: dict[str, list[str]] = {}
    for p in found:
        whose.setdefault(p.reason, []).append(" ".join(filter(None, (p.ticker, p.accession))))
    return [one_line(f"{', '.join(names)}: {reason}") for reason, names in whose.items()]
