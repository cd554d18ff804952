"""Asking Epoch AI for its table of revenue reports, once a day, if the user wants that.

Belongs here: the one address, what is refused before it is archived, and finding the archived vintages. Does not belong
here: HTTP, what a row says (epoch.py).

Off unless AIGAP_EPOCH=1: only then may the client ask that host at all, and only then are archived vintages used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date

from ingest.archive import Archive, Entry
from ingest.curated.epoch import CSV_ADDRESS, Vintage, parse_epoch
from ingest.edgar.client import Client
from ingest.records import IngestError, PayloadError

SETTING = "AIGAP_EPOCH"
KIND = "epoch_revenue_reports"
HOST = "https://epoch.ai"


def is_on(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the user asked for Epoch's table.

    :raises IngestError: the setting is neither 1 nor 0.
    """
    value = environ.get(SETTING, "").strip()
    if value not in ("", "0", "1"):
        raise IngestError(
            f"{SETTING}={value[:40]!r}: 1 adds Epoch AI's table of revenue reports, 0 or nothing does not"
        )
    return value == "1"


def fetch_epoch(archive: Archive, client: Client, address: str = CSV_ADDRESS) -> Entry | None:
    """Archive the table as it is today; None where today's is there already or nothing changed since the last.

    Epoch overwrites the file under its address, so the archive's address of a vintage ends in "#" and its day.

    :raises FetchError: not to be had.
    :raises PayloadError: it is not the table we know, or holds less than half of the last one's rows; nothing is kept,
        and the last good one stays.
    """
    held = _entries(archive)
    last = held[-1] if held else None
    response = client.get(address, "csv")
    day = response.retrieved_at.date()
    vintage = parse_epoch(response.body, day)
    if last is not None:
        old = archive.get(last.sha256) if archive.is_intact(last.sha256) else None
        if old == response.body:
            return None
        if old is not None and 2 * len(vintage.reports) < (before := len(parse_epoch(old, day).reports)):
            raise PayloadError(
                f"Epoch's table of {day} states {len(vintage.reports)} revenues, the last one stated {before}: a cut "
                "or stale copy, not used; the last good table stays, and the next fetch asks again"
            )
    about = {"kind": KIND, "etag": response.etag, "last_modified": response.last_modified}
    url = f"{CSV_ADDRESS}#{day}"
    sha256 = archive.put(response.body, url, retrieved_at=response.retrieved_at, **about)
    return next(entry for entry in _entries(archive) if (entry.sha256, entry.url) == (sha256, url))


def vintages(archive: Archive) -> tuple[list[Vintage], list[str]]:
    """The archived vintages, oldest first, and a line for each that cannot be read: the others stand."""
    found: list[Vintage] = []
    problems: list[str] = []
    for entry in _entries(archive):
        try:
            found.append(parse_epoch(archive.get(entry.sha256), _day(entry)))
        except IngestError as error:
            problems.append(str(error))
    return found, problems


def _entries(archive: Archive) -> list[Entry]:
    """Of each day the last."""
    by_day = {_day(entry): entry for entry in archive.entries() if entry.kind == KIND}
    return [by_day[day] for day in sorted(by_day)]


def _day(entry: Entry) -> date:
    return date.fromisoformat(entry.url.rpartition("#")[2])
