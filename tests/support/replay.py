"""Time played over the pipeline: a day comes, EDGAR lists what was filed by it, and the numbers follow.

Belongs here: a world that holds only what was public by a day, one day's pass through the pipeline, and what must hold
after it. Does not belong here: which days.

The pass is the pipeline's own code, asset by asset, without Dagster around it; the models are the SQL that dbt compiled
for the session's refresh, run in a tenth of dbt's time (e2e/test_sensor.py plays one filing with Dagster and dbt).
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.bundle import BUNDLE_DIR, seal_bundle
from ingest.companies import watch_list
from ingest.curated.figures import read_figures
from ingest.edgar.client import Client
from ingest.shipping import Bundle
from orchestration import assets, fetching
from orchestration.resources import Edgar, Inputs, Warehouse
from support.clock import VirtualClock
from support.fake_edgar import FakeEdgar
from warehouse.errors import PublishError
from warehouse.store.home import Home
from warehouse.store.load import open_build
from warehouse.store.publish import BuildInfo, Published, publish

CURATED = BUNDLE_DIR.with_name("curated")
NVIDIA = "0001045810"
#: A company like any other that asks: EDGAR wants a name and an address.
ASKED_BY = "Test test@example.org"


def filing_days(bundle: Bundle) -> dict[date, str]:
    """The days on which NVIDIA filed a 10-K or 10-Q that the bundle was built from, and its accession."""
    found = [s for s in bundle.manifest["sources"] if s["cik"] == NVIDIA and s.get("form") in ("10-K", "10-Q")]
    return {date.fromisoformat(s["filed_on"]): s["accession"] for s in sorted(found, key=lambda s: s["filed_on"])}


def with_company_facts_of(bundle: Bundle, *ciks: str) -> Bundle:
    """The bundle without the company facts of others, which are most of it."""
    facts = bundle.facts
    wanted = pc.or_(pc.not_equal(facts["source_kind"], "companyfacts"), pc.is_in(facts["cik"], pa.array(ciks)))
    return replace(bundle, facts=facts.filter(wanted))


def bundle_before(bundle: Bundle, day: date, out: Path) -> Path:
    """A bundle of what was filed before `day`; returns `out`."""
    out.mkdir(parents=True)
    manifest = {**bundle.manifest, "files": {}}
    manifest["sources"] = [s for s in bundle.manifest["sources"] if s.get("filed_on", "") < str(day)]
    for name, table in (("facts.parquet", bundle.facts), ("filings.parquet", bundle.filings)):
        table = table.filter(pc.less(table["filed_on"], day))
        pq.write_table(table, out / name)
        data = (out / name).read_bytes()
        manifest["files"][name] = {"sha256": sha256(data).hexdigest(), "bytes": len(data), "rows": table.num_rows}
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    seal_bundle(out)
    return out


@cache
def _said_from() -> dict[tuple[str, int], date]:
    """From which day the tables show each hand-entered figure (file, line): a correction's own day, where one put it in
    the place of another."""
    table = read_figures().table.select(["file", "line", "known_on"])
    return {(file, line): day for file, line, day in zip(*table.to_pydict().values(), strict=True)}


def curated_until(day: date, out: Path) -> Path:
    """The curated files without the rows that became known, or were corrected, after `day`; returns `out`."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for path in sorted(CURATED.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        numbered = [row for line, row in enumerate(rows, start=2) if _said_from().get((path.name, line), day) <= day]
        for at in [header.index(name) for name in ("known_on", "corrected_on") if name in header]:
            numbered = [row for row in numbered if row[at] <= str(day)]
        with (out / path.name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *numbered])
    return out


@dataclass
class World:
    """A folder in which it is always some day: its EDGAR, its inputs and its home."""

    root: Path
    server: FakeEdgar
    bundle: Path
    #: A manifest with the compiled SQL of every model.
    compiled: Path
    _instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)
    _clock: VirtualClock = field(default_factory=VirtualClock)

    @property
    def home(self) -> Home:
        return Home(self.root / "home")

    @property
    def inputs(self) -> Inputs:
        return Inputs(bundle_dir=str(self.bundle), curated_dir=str(self.root / "curated"))

    @property
    def edgar(self) -> Edgar:
        return Edgar(is_live=True, data_host=self.server.hosts.data, www_host=self.server.hosts.www)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(root=str(self.home.root))

    def becomes(self, day: date) -> None:
        """It is the evening of `day`, also on the clock by which payloads are dated."""
        self.server.today = day
        self._clock.now = datetime(day.year, day.month, day.day, 22, tzinfo=UTC).timestamp()
        curated_until(day, self.root / "curated")

    # One pass ---------------------------------------------------------------------------------

    def fetch(self) -> None:
        """The job's first step, on a clock on which waiting for one's turn at EDGAR takes no time."""
        politely = partial(Client, clock=self._clock, sleep=self._clock.sleep)
        with patch.object(fetching, "Client", politely), patch.dict(os.environ, SEC_USER_AGENT=ASKED_BY):
            self._run(assets.archive, self.edgar)

    def load(self) -> None:
        """Its second step: only payloads not read before are parsed."""
        self._run(assets.load_raw)

    def _run(self, asset: dg.AssetsDefinition, *resources: Edgar) -> None:
        with dg.build_asset_context(instance=self._instance) as context:
            for _ in asset(context, self.warehouse, *resources, self.inputs):
                pass

    def run_models(self) -> None:
        """All models, by the SQL that `compiled` holds; no checks."""
        nodes = json.loads(self.compiled.read_text("utf-8"))["nodes"]
        with self.build_file() as connection:
            connection.begin()  # one sync of the file, not one for each model
            for node in _in_order(nodes):
                connection.execute(f"create schema if not exists {node['schema']}")
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                connection.execute(
                    f"create or replace {kind} {node['schema']}.{node['name']} as {node['compiled_code']}"
                )
            connection.commit()

    def publish(self) -> Published:
        loaded = self.warehouse.loaded
        assert loaded is not None
        return publish(self.home, BuildInfo(loaded.bundle_hash, loaded.curated_hash, 0))

    @contextmanager
    def build_file(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = open_build(self.home)
        try:
            yield connection
        finally:
            connection.close()


def _in_order(nodes: dict[str, dict]) -> list[dict]:
    """The models, each after those it reads."""
    order: dict[str, dict] = {}

    def visit(key: str) -> None:
        node = nodes.get(key)
        if key not in order and node is not None and node["resource_type"] == "model":
            for parent in node["depends_on"]["nodes"]:
                visit(parent)
            order[key] = node

    for key in sorted(nodes):
        visit(key)
    return list(order.values())


# --- a day, and what must hold on it --------------------------------------------------------------

#: The first scenario is Cahn's. Before he asked there is no gap to publish.
FIRST_ESSAY = date(2023, 9, 20)
#: Current marts and their versions. Not hyperscaler_capex, and not Microsoft's share, whose ceiling is its capital
#: expenditure: filings whose documents do not ship never come.
COMPARED = ("ai_revenue_gap", "nvidia_data_center_revenue", "ai_revenue")


def play(world: World, day: date, accession: str, published: Path) -> None:
    """What was filed since the day before comes in one pass, `accession` among it; nothing is fetched twice.

    The numbers are then, row for row, what `published`, which knows all that came later, says of `day`.
    """
    asked = len(world.server.log)
    world.becomes(day)
    world.fetch()
    world.load()
    world.run_models()
    documents = [seen.path for seen in world.server.log[asked:] if seen.path.endswith((".htm", ".xml"))]
    assert any(accession.replace("-", "") in path for path in documents)
    assert len(documents) == len(set(documents))
    if day < FIRST_ESSAY:
        with pytest.raises(PublishError, match=r"marts.ai_revenue_gap has no rows"):
            world.publish()
        assert_as_of(world.home.build, published, day)
    else:
        assert world.publish().is_new
        assert accession in processed(world.home)
        assert_as_of(world.home.published, published, day)


def processed(home: Home) -> set[str]:
    """The accessions that the published file was made from."""
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return {row[0] for row in connection.execute("select accession from meta.processed_accessions").fetchall()}


def assert_as_of(now: Path, later: Path, day: date) -> None:
    """The current marts of the file `now` are those that the file `later` gives as of `day`."""
    with duckdb.connect() as connection:
        # Under the name of the build file: what is not a table there names its database.
        connection.execute(f"attach '{now}' as build (read_only)")
        connection.execute(f"attach '{later}' as later (read_only)")
        for mart in COMPARED:
            stands = f"select * from build.marts.{mart}"
            was = (
                f"select * exclude (known_to) from later.marts.{mart}_versions "
                f"where known_from <= date '{day}' and (known_to is null or known_to > date '{day}')"
            )
            too_much = connection.sql(f"({stands}) except all ({was})").fetchall()
            missing = connection.sql(f"({was}) except all ({stands})").fetchall()
            assert (too_much, missing) == ([], []), f"{mart} as of {day}: {too_much[:1]} for {missing[:1]}"
        # And not because nothing equals nothing.
        assert connection.sql("from build.marts.nvidia_data_center_revenue limit 1").fetchall()


def assert_no_news_is_cheap(world: World) -> None:
    """One conditional request a company, and nothing published. The server gives validators."""
    asked = len(world.server.log)
    world.fetch()
    world.load()
    assert not world.publish().is_new
    seen = world.server.log[asked:]
    assert sorted(request.path for request in seen) == sorted(
        f"data.sec.gov/submissions/CIK{company.cik}.json" for company in watch_list()
    )
    assert all("If-None-Match" in request.headers for request in seen)
