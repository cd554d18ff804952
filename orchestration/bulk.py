"""What the commands `aigap bulk load` and `aigap bulk build` do.

Belongs here: zips into the home's bulk facts, and from those, by the models of the watch list, the file of every filer.
Does not belong here: arguments and exit codes (cli.py), reading zips (ingest.bulk), SQL.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.bulk import BulkStore, load_zip
from ingest.companies import companies_table, metric_concepts_table, watch_list
from ingest.records import FACTS, PAYLOADS
from ingest.rules import forms_table, spans_table
from orchestration.dbt_process import Dbt
from warehouse.errors import FAILED, Mistake, WarehouseError
from warehouse.settings import memory_limit
from warehouse.store.home import Home, refresh_lock
from warehouse.store.load import discard_build, load_facts, open_build, replace_rows
from warehouse.store.universe import load_universe, write_universe

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestration.run import Progress

METRIC = "capex_cash_gross"
_DERIVED = "int_metric_quarters"
#: So many facts are loaded at a time.
_ROWS_AT_ONCE = 500_000


def bulk_load(path: Path, home: Home, say: Progress, processes: int | None = None) -> int:
    """Add what is new in SEC's companyfacts.zip or a Financial Statement Data Set to the home's bulk facts.

    :return: exit code: 1 where a member is damaged; it is named, and all others are loaded.
    :raises IngestError: the file is none of the two. :raises Busy: another load is running.
    """
    with refresh_lock(Home(home.bulk)):
        loaded = load_zip(path, BulkStore(home.bulk), say, processes)
    for name, why in sorted(loaded.damaged.items()):
        say(f"damaged: {name}: {why}")
    say(
        f"{path.name}: {loaded.facts:,} new facts from {loaded.members:,} members, {loaded.known:,} unchanged, "
        f"{len(loaded.damaged):,} damaged"
    )
    return FAILED if loaded.damaged else 0


def bulk_build(home: Home, say: Progress) -> int:
    """Make the file of every filer (Home.universe) from the bulk facts, with the models of the watch list.

    :return: 0.
    :raises Mistake: there are no bulk facts. :raises WarehouseError: a model or a check of it failed.
    """
    build = Home(home.bulk / "build")
    with refresh_lock(Home(home.bulk)):
        store = BulkStore(home.bulk)
        if not store.batches:
            raise Mistake(f"{home.bulk} holds no facts: aigap bulk load FILE.zip")
        discard_build(build)
        with Dbt(build) as dbt:
            _load(store, build, say)
            say("deriving quarters")
            for outcome in dbt.build([f"+{_DERIVED}", f"{_DERIVED}_key_is_unique"]):
                if not outcome.is_good:
                    raise WarehouseError(f"bulk build: {outcome}: {outcome.message}")
        filers, quarters = write_universe(home, build)
        shutil.rmtree(build.root)
    say(f"{home.universe}: {filers:,} filers, {quarters:,} quarters of capital expenditure")
    return 0


def standard_concepts() -> list[str]:
    """The concepts of US GAAP by which the watch list states METRIC, the one that most companies use first."""
    used = Counter(
        line.concept
        for company in watch_list()
        for line in company.metrics
        if line.metric == METRIC and line.concept.startswith("us-gaap:")
    )
    return [concept for concept, _ in sorted(used.items(), key=lambda item: (-item[1], item[0]))]


def _load(store: BulkStore, build: Home, say: Progress) -> None:
    import pyarrow.compute as pc

    companies = tuple(c for c in watch_list() if any(line.metric == METRIC for line in c.metrics))
    lines = metric_concepts_table(companies)
    lines = lines.filter(pc.equal(lines["metric"], METRIC))
    concepts = standard_concepts()
    wanted = sorted({*concepts, *lines["concept"].to_pylist()})
    with open_build(build) as connection:
        for facts, payloads in _statements(store, wanted):
            found = load_facts(connection, facts, payloads)
            say(f"{found.inserted:,} facts of {METRIC}")
        replace_rows(connection, "forms", forms_table())
        replace_rows(connection, "spans", spans_table())
        count = load_universe(connection, store.files("filers"), companies_table(companies), lines, concepts, METRIC)
    say(f"{count:,} filers; {memory_limit()} of memory for the engine")


def _statements(store: BulkStore, concepts: list[str]) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Undimensioned facts of these concepts with what they were read from, so many at a time. A data set rounds
    days: its facts of a filer count only where company facts have nothing of him."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    named = pa.concat_tables(
        [ds.dataset(path).to_table(columns=["cik", "source_kind"]) for path in store.files("filers")]
    )
    of_facts = pc.unique(named.filter(pc.equal(named["source_kind"], "companyfacts"))["cik"])
    which = (
        pc.field("concept").isin(concepts)
        & (pc.field("dimensions") == "")
        & ((pc.field("source_kind") == "companyfacts") | ~pc.field("cik").isin(of_facts))
    )
    tables: list[pa.Table] = []
    sources: list[dict[str, object]] = []
    for batch in store.batches.values():
        files = [str(store.root / name) for name in batch.files if name.startswith("facts/")]
        if not files:
            continue
        found = ds.dataset(files, schema=FACTS).to_table(filter=which)
        origins = found.group_by(["sha256", "source_url", "source_kind"]).aggregate([])
        as_of = datetime.fromisoformat(batch.as_of)
        sources += [
            dict(sha256=row["sha256"], url=row["source_url"], kind=row["source_kind"], bytes=0, retrieved_at=as_of,
                 status="parsed")
            for row in origins.to_pylist()
        ]  # fmt: skip
        tables.append(found)
        if sum(table.num_rows for table in tables) >= _ROWS_AT_ONCE:
            yield pa.concat_tables(tables), pa.Table.from_pylist(sources, PAYLOADS)
            tables, sources = [], []
    if tables:
        yield pa.concat_tables(tables), pa.Table.from_pylist(sources, PAYLOADS)
