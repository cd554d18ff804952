"""What a run works with: the folder it writes under, and EDGAR where one may ask it.

Belongs here: resources, that is, things with a lifetime. Does not belong here: what is done with them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import duckdb

from ingest.bundle import BUNDLE_DIR
from ingest.edgar.urls import EDGAR, Hosts
from orchestration.store import prune
from warehouse.errors import Busy, PublishError, reason
from warehouse.store.home import Home, held_by, record_refresh, refresh_lock, replace_file
from warehouse.store.load import open_build

#: How long a run that the daemon started waits for one that a person started (a refresh takes well under a minute).
WAIT_SECONDS = 900


class Loaded(NamedTuple):
    """What a build file was made from, and what was said about it.

    :ivar fingerprint: of the parsers' code and the bundle; a build file with another one is made anew.
    :ivar warnings: checks that warned, as "schema.table: check".
    :ivar results: how each check ended that has run since, pass or warn, by the same name.
    """

    fingerprint: str
    bundle_hash: str
    curated_hash: str
    warnings: list[str]
    results: dict[str, str]

    @property
    def checks_passed(self) -> int:
        return sum(result == "pass" for result in self.results.values())


def name_of(check: dg.AssetCheckSpec | dg.AssetCheckResult) -> str:
    """A check as a person is told of it, "schema.table: check"; no two have the same name."""
    assert check.asset_key is not None
    name = check.name if isinstance(check, dg.AssetCheckSpec) else check.check_name
    return f"{'.'.join(check.asset_key.path)}: {name}"


class Warehouse(dg.ConfigurableResource):
    """The files under AIGAP_HOME. Holding it means holding the refresh lock: one writer at a time.

    Not dagster-duckdb's resource: that one opens every file for writing and keeps it after an exception.
    """

    root: str
    #: Make the build file anew, and publish even if nothing changed.
    full: bool = False

    @property
    def home(self) -> Home:
        return Home(Path(self.root))

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        # `aigap refresh` holds the lock already: taking it again in one process is allowed.
        deadline = time.monotonic() + WAIT_SECONDS
        while (holder := held_by(self.home)) and holder.process != os.getpid():
            if time.monotonic() > deadline:
                raise Busy(f"gave up after {WAIT_SECONDS} s: a refresh is still running ({holder})")
            if context.log:
                context.log.info(f"waiting: a refresh is already running ({holder})")
            time.sleep(5)
        with refresh_lock(self.home):
            if context.instance:
                try:
                    prune(context.instance)
                except Exception as error:  # the history of runs holds nothing that a run needs
                    if context.log:
                        context.log.warning(f"old runs are still listed: {reason(error)}")
            yield self

    @contextmanager
    def build_file(self, say: Any) -> Iterator[duckdb.DuckDBPyConnection]:
        """The build file, open for writing and closed again whatever happens.

        :param say: told when the file had to be made anew.
        """
        connection = open_build(self.home, say)
        try:
            yield connection
        finally:
            connection.close()

    def record(self, outcome: str, message: str) -> None:
        """Note how the run ended, for `show` and `doctor`: published, unchanged or failed."""
        record_refresh(self.home, outcome, message, datetime.now(UTC).isoformat(timespec="seconds"))

    # What the build file holds, and whether it passed: kept beside it, so that a publish started on its
    # own (from the UI) cannot pass what nobody checked.

    @property
    def _note(self) -> Path:
        return self.home.dbt / "build.json"

    @property
    def loaded(self) -> Loaded | None:
        """What the raw tables were last loaded from; None before the first load or after a broken one."""
        try:
            return Loaded(**json.loads(self._note.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError, RecursionError):
            return None

    def note(self, loaded: Loaded | None) -> None:
        """Remember what the build file holds; None while it changes."""
        self._note.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._note, json.dumps(loaded._asdict() if loaded else None).encode())

    def approved(self, defined: Iterable[dg.AssetCheckSpec]) -> Loaded:
        """What the build file holds, all of it checked.

        :param defined: the checks there are. That none failed is not enough: one that did not run has not passed.
        :raises PublishError: one that blocks has no result since the build file changed, or none that passed.
        """
        loaded = self.loaded
        results = loaded.results if loaded else {}
        missing = sorted(name for spec in defined if spec.blocking and results.get(name := name_of(spec)) != "pass")
        if loaded is None or missing:
            named = ", ".join(missing[:5]) + f" and {len(missing) - 5} more" * (len(missing) > 5)
            raise PublishError(
                f"the build file has not passed its checks ({named or 'nothing is loaded'}): run aigap refresh; "
                "the published numbers are unchanged"
            )
        return loaded


class Edgar(dg.ConfigurableResource):
    """EDGAR, or the local server that a test puts in its place; asked only where `is_live`.

    Who asks stands in SEC_USER_AGENT and is read when asking: a resource's values end up in the run
    database and in the UI, where nobody's e-mail address belongs.
    """

    is_live: bool = False
    data_host: str = EDGAR.data
    www_host: str = EDGAR.www

    @property
    def hosts(self) -> Hosts:
        return Hosts(data=self.data_host, www=self.www_host)


class Inputs(dg.ConfigurableResource):
    """The folders that facts and figures come from; empty text means what ships with the package."""

    bundle_dir: str = ""
    curated_dir: str = ""

    @property
    def bundle(self) -> Path:
        return Path(self.bundle_dir) if self.bundle_dir else BUNDLE_DIR

    @property
    def curated(self) -> Path | None:
        """None for the shipped folder, which must then be complete."""
        return Path(self.curated_dir) if self.curated_dir else None

    def curated_hash(self) -> str:
        """Over the names and bytes of the curated files."""
        folder = self.curated or BUNDLE_DIR.with_name("curated")
        digest = sha256()
        for path in sorted(folder.glob("*.csv")):
            digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
        return digest.hexdigest()
