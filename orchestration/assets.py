"""Everything of the graph that is not a dbt model: sources, raw tables, the published file and its report.

Belongs here: which tables there are, what each is made from, and calls into ingest and warehouse in
the right order. Does not belong here: parsing, SQL that derives anything, how a file is published.

Longer than 400 lines because the graph reads as one: what a step makes is the next one's input, from sources to page.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.archive import Archive
from ingest.bundle import BUNDLE_DIR, read_bundle
from ingest.companies import companies_table, metric_concepts_table, watch_list
from ingest.curated.edges import read_ai_revenue_edges
from ingest.curated.epoch_figures import with_epoch
from ingest.curated.figures import FigureSet, read_figures
from ingest.curated.files import refused_table
from ingest.curated.fx import with_dollars
from ingest.curated.own import with_own_figures, with_own_scenarios
from ingest.curated.roles import read_ai_revenue_roles
from ingest.curated.scenarios import read_scenarios
from ingest.edgar.fetch import FetchResult
from ingest.edgar.guards import Guards
from ingest.edgar.holdings import documents_at_hand, pending_filings
from ingest.parsers.acceptance import DAYS_AHEAD, with_acceptance
from ingest.replay import outdated, replay, superseded
from ingest.rules import forms_table, spans_table
from ingest.shipping import Bundle
from orchestration import checks, models
from orchestration.dbt_process import Dbt, Outcome
from orchestration.fetching import ask_edgar, contradictions, problems, rejected_filings
from orchestration.resources import Edgar, Inputs, Loaded, Warehouse, name_of
from warehouse.formats import one_line
from warehouse.readers import words
from warehouse.readers.read import open_published, query
from warehouse.report import is_current, write_site
from warehouse.store.decisions import read_decisions
from warehouse.store.home import Home
from warehouse.store.load import (
    LoadResult,
    discard_build,
    forget_payloads,
    load_facts,
    load_filings,
    load_payloads,
    load_set_aside,
    loaded_payloads,
    noted_payloads,
    replace_rows,
)
from warehouse.store.publish import BuildInfo, publish

#: Runs that write the build file take turns.
POOL = "warehouse_writer"

Say = Callable[[str], None]

# --- sources: EDGAR -------------------------------------------------------------------------------


@dg.asset(
    key=checks.ARCHIVE,
    group_name="sources",
    kinds={"python", "file"},
    check_specs=[checks.EDGAR_ANSWERED, checks.EDGAR_CONSISTENT],
    pool=POOL,
    description="Payloads as EDGAR served them, by sha256, kept before anything reads them. "
    "Runs of the schedule ask EDGAR for new filings where SEC_USER_AGENT says who asks; offline otherwise.",
)
def archive(context: dg.AssetExecutionContext, warehouse: Warehouse, edgar: Edgar, inputs: Inputs) -> Iterator[Any]:
    store = Archive(warehouse.home.archive)
    result = FetchResult()
    if edgar.is_live:
        result = ask_edgar(warehouse.home, read_bundle(inputs.bundle), context.log.info, edgar.hosts)
        context.log.info(f"EDGAR: {len(result.new_accessions)} new filings, {result.requests_sent} requests")
        if found := problems(result):
            context.log.warning(f"not everything could be fetched ({len(found)}), the rest goes on; first: {found[0]}")
        for line in contradictions(result):
            context.log.warning(line)
    else:
        context.log.info("offline: EDGAR is not asked for new filings")
    yield dg.MaterializeResult(
        metadata={
            "mode": "live" if edgar.is_live else "offline",
            "payloads": sum(1 for _ in store.entries()),
            "new payloads": len(result.fetched),
            "new accessions": result.new_accessions,
            "read from filings alone": result.lagging,
            "requests": result.requests_sent,
        }
    )
    yield checks.warn_if_any(checks.EDGAR_ANSWERED, problems(result))
    yield checks.warn_if_any(checks.EDGAR_CONSISTENT, contradictions(result))


# --- sources: what ships; raw: all of it as tables ------------------------------------------------

BUNDLE = dg.AssetKey(["sources", "bundle"])
CURATED = dg.AssetKey(["sources", "curated"])
WATCH_LIST = dg.AssetKey(["sources", "watch_list"])
DECISIONS = dg.AssetKey(["sources", "decisions"])
RULES = dg.AssetKey(["sources", "rules"])


def _source(key: dg.AssetKey, kinds: set[str], description: str) -> dg.AssetSpec:
    return dg.AssetSpec(key, description=description, group_name="sources", kinds=kinds)


def _raw(name: str, description: str, *deps: dg.AssetKey) -> dg.AssetSpec:
    return dg.AssetSpec(
        ["raw", name],
        deps=deps,
        description=description,
        group_name="raw",
        kinds={"duckdb", "table"},
        metadata={"dagster/table_name": f"raw.{name}"},
    )


SOURCE_SPECS = (
    _source(BUNDLE, {"parquet", "file"}, "The facts that ship with the project, checked against their manifest."),
    _source(CURATED, {"csv", "file"}, "Hand-entered figures with source, day and confidence (ingest/curated)."),
    _source(WATCH_LIST, {"file"}, "Companies, and the concepts that carry each metric (ingest/companies.toml)."),
    _source(DECISIONS, {"file"}, "An operator's decisions, with reason and day (aigap review)."),
    _source(RULES, {"python"}, "Which forms count and how long a quarter lasts (ingest/rules.py)."),
)
RAW_SPECS = (
    _raw("xbrl_facts", "Every numeric XBRL fact as one filing states it.", BUNDLE, checks.ARCHIVE),
    _raw("fact_conflicts", "Facts given with two values; one holds.", BUNDLE, checks.ARCHIVE),
    _raw("filings", "Filings as the submissions lists give them.", BUNDLE, checks.ARCHIVE),
    _raw("payloads", "Every payload read, and how that went.", BUNDLE, checks.ARCHIVE),
    _raw("companies", "The watch list.", WATCH_LIST),
    _raw("metric_concepts", "Concept and dimensions by company and metric.", WATCH_LIST),
    _raw("forms", "The forms whose facts are read.", RULES),
    _raw("spans", "How long a quarter, half, nine months or year lasts.", RULES),
    _raw("curated_figures", "Hand-entered figures.", CURATED),
    _raw("refused_rows", "Hand-entered rows that cannot be right, with the reason.", CURATED),
    _raw("doubtful_rows", "Hand-entered rows that may speak of another day than they say.", CURATED),
    _raw("ai_revenue_roles", "How a company's AI revenue rows count.", CURATED),
    _raw("ai_revenue_edges", "Payments between companies whose AI revenue is counted.", CURATED),
    _raw("set_aside", "Single facts and entries that cannot be used, with the reason.", BUNDLE, checks.ARCHIVE),
    _raw("pending_filings", "Filings that EDGAR lists and whose facts are still to come.", checks.ARCHIVE),
    _raw("held_back", "Answers of EDGAR that are not used as yet: they go back behind an earlier one.", checks.ARCHIVE),
    _raw("decisions", "What an operator decided about something set aside or doubtful.", DECISIONS),
    _raw("scenario_parameters", "Scenario parameters with their sources.", CURATED),
)
RAW_CHECKS = (
    checks.NO_CONFLICTING_FACTS,
    checks.NOTHING_QUARANTINED,
    checks.NOTHING_SET_ASIDE,
    checks.NOTHING_FROM_THE_FUTURE,
    checks.NOTHING_PENDING,
    checks.NO_REFUSED_ROWS,
    checks.NO_DOUBTFUL_DATES,
    checks.DECISIONS_READABLE,
)


def _code_hash() -> str:
    """Over the source of ingest: another parser reads the same bytes anew."""
    root = BUNDLE_DIR.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


class _Curated(NamedTuple):
    figures: FigureSet
    tables: dict[str, pa.Table]


def _read_curated(folder: Path | None, home: Home) -> _Curated:
    roles, companies = read_ai_revenue_roles(folder), watch_list()
    figures = with_own_figures(with_epoch(read_figures(folder), roles, Archive(home.archive)), home.figures)
    figures = with_dollars(figures)
    scenarios, bad = with_own_scenarios(read_scenarios(folder), home.root)
    figures = replace(figures, refused=[*figures.refused, *bad])
    return _Curated(
        figures,
        {
            "companies": companies_table(companies),
            "metric_concepts": metric_concepts_table(companies),
            "forms": forms_table(),
            "spans": spans_table(),
            "curated_figures": figures.table,
            "refused_rows": refused_table(figures.refused),
            "doubtful_rows": refused_table(figures.doubtful),
            "ai_revenue_roles": roles,
            "ai_revenue_edges": read_ai_revenue_edges(folder),
            "scenario_parameters": scenarios,
        },
    )


def _load(connection: duckdb.DuckDBPyConnection, bundle: Bundle, store: Archive, curated: _Curated, say: Say) -> None:
    """What ships and what was fetched. Known payloads are not read again, unless one of them no longer holds: then all
    are, so that what the build file holds follows from what is there now."""
    shipped = bundle.parsed()
    fetched = replay(store, shipped | loaded_payloads(connection), say)
    if changed := outdated(store, bundle.payloads, noted_payloads(connection), fetched):
        say(f"reading all payloads anew, {len(changed)} that were read do not hold any more; the first, {changed[0]}")
        forget_payloads(connection)
        fetched = replay(store, shipped)
    loads: list[LoadResult] = []
    if not loaded_payloads(connection).issuperset(shipped):
        of_old_bytes = pc.is_in(bundle.facts["source_url"], pa.array(superseded(fetched), pa.string()))
        loads += [
            load_facts(connection, bundle.facts.filter(pc.invert(of_old_bytes)), bundle.payloads),
            load_filings(connection, with_acceptance(bundle.filings), bundle.payloads, DAYS_AHEAD),
            load_set_aside(connection, bundle.set_aside, bundle.payloads),
        ]
        load_payloads(connection, bundle.payloads)
    if fetched.payloads.num_rows:
        loads += [
            load_facts(connection, fetched.facts, fetched.payloads),
            load_filings(connection, with_acceptance(fetched.filings), fetched.payloads, DAYS_AHEAD),
            load_set_aside(connection, fetched.set_aside, fetched.payloads),
        ]
        load_payloads(connection, fetched.payloads)
    loads += [replace_rows(connection, name, table) for name, table in curated.tables.items()]
    for load in loads:
        say(
            f"{load.table}: {load.inserted} new rows, {load.known} known"
            + f", {load.conflicts} conflicts" * bool(load.conflicts)
        )


def _pending(bundle: Bundle, store: Archive, home: Home) -> pa.Table:
    """What the next fetch will ask for again."""
    at_hand, since = documents_at_hand(bundle.facts)
    return pending_filings(store, watch_list(), at_hand | rejected_filings(home), since)


def _lines(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [one_line(row[0]) for row in connection.execute(query).fetchall()]


def _complaints(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """What was found wrong on the way in, by check name."""
    return {
        checks.NO_CONFLICTING_FACTS.name: _lines(
            connection,
            "select concat_ws(' ', f.accession, f.concept, f.dimensions, f.period_end, 'is', c.kept_value, 'and', "
            "c.other_value) from raw.fact_conflicts as c inner join raw.xbrl_facts as f using (fact_id) order by all",
        ),
        checks.NOTHING_QUARANTINED.name: _lines(
            connection, "select concat(url, ': ', error) from raw.payloads where status = 'quarantined' order by all"
        ),
        # A whole filing that could not be read stands under the check before; of single facts, those that could be a
        # metric of the watch list.
        checks.NOTHING_SET_ASIDE.name: _lines(
            connection,
            """
            select concat_ws(' ', kind, accession, concept, dimensions, period_start, period_end, reason)
            from raw.set_aside
            where case kind
                when 'filing' then sha256 not in (select sha256 from raw.payloads where status = 'quarantined')
                when 'fact' then period_end is null and concept in (select concept from raw.metric_concepts)
                    or (cik, concept, dimensions) in (select (cik, concept, dimensions) from raw.metric_concepts)
                else true
            end
            order by all
            """,
        ),
        checks.NOTHING_FROM_THE_FUTURE.name: _lines(
            connection,
            f"""
            with dated as (
                select distinct accession, filed_on, sha256 from raw.xbrl_facts
                union
                select accession, filed_on, sha256 from raw.filings
            )
            select concat(
                dated.accession, ' is dated ', dated.filed_on, ', received on ', payloads.retrieved_at::date,
                ': EDGAR or a clock is wrong'
            )
            from dated inner join raw.payloads using (sha256)
            where dated.filed_on > payloads.retrieved_at::date + {DAYS_AHEAD}
            union
            select concat(file, ', line ', line, ': known on ', known_on, ', which is after today')
            from raw.curated_figures where known_on > current_date + {DAYS_AHEAD}
            order by all
            """,
        ),
        checks.NOTHING_PENDING.name: _lines(
            connection,
            "select concat_ws(' ', c.ticker, p.form, 'filed', p.filed_on, p.accession || ':', p.reason) "
            "from raw.pending_filings as p left join raw.companies as c using (cik) order by p.filed_on, p.accession",
        ),
        **{
            spec.name: _lines(
                connection, f"select concat(file, ', line ', line, ': ', reason) from raw.{table} order by file, line"
            )
            for spec, table in ((checks.NO_REFUSED_ROWS, "refused_rows"), (checks.NO_DOUBTFUL_DATES, "doubtful_rows"))
        },
    }


def _newest_filings(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    """Metadata of a raw table whose rows belong to filings: how many filings, and the ten newest."""
    rows = connection.execute(
        f"select r.filed_on, c.ticker, r.form, r.accession, count(*) over () from raw.{table} as r "
        "inner join raw.companies as c using (cik) group by all order by r.filed_on desc, r.accession desc limit 10"
    ).fetchall()
    if not rows:
        return {}
    newest = f"{rows[0][1]} {rows[0][2]} {rows[0][3]} filed {rows[0][0]}"
    table_rows = [
        dg.TableRecord({"filed_on": str(r[0]), "ticker": r[1], "form": r[2], "accession": r[3]}) for r in rows
    ]
    return {
        "newest filing": newest,
        "accessions": rows[0][4],
        "newest accessions": dg.MetadataValue.table(table_rows),
    }


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows by "schema.table"; exact, because the build file's tables are written whole or appended to."""
    query = "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
    return dict(connection.execute(query).fetchall())


def _raw_results(
    bundle: Bundle, curated: _Curated, counts: Mapping[str, int], newest: Mapping[str, Mapping[str, Any]]
) -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult(
        asset_key=BUNDLE,
        metadata={
            "facts": bundle.facts.num_rows,
            "filings": bundle.filings.num_rows,
            "payloads": bundle.payloads.num_rows,
            "content hash": bundle.content_hash,
        },
    )
    refused = len(curated.figures.refused)
    yield dg.MaterializeResult(asset_key=CURATED, metadata={"rows": curated.figures.table.num_rows, "refused": refused})
    yield dg.MaterializeResult(asset_key=WATCH_LIST, metadata={"companies": curated.tables["companies"].num_rows})
    yield dg.MaterializeResult(asset_key=DECISIONS, metadata={"decisions": counts["raw.decisions"]})
    yield dg.MaterializeResult(asset_key=RULES, metadata={"forms": counts["raw.forms"], "spans": counts["raw.spans"]})
    for spec in RAW_SPECS:
        name = ".".join(spec.key.path)
        yield dg.MaterializeResult(
            asset_key=spec.key, metadata={"dagster/row_count": counts[name], **newest.get(name, {})}
        )


@dg.multi_asset(specs=[*SOURCE_SPECS, *RAW_SPECS], check_specs=RAW_CHECKS, name="load_raw", pool=POOL)
def load_raw(context: dg.AssetExecutionContext, warehouse: Warehouse, inputs: Inputs) -> Iterator[Any]:
    """Read bundle, archive and curated files into the raw tables of the build file."""
    bundle, curated = read_bundle(inputs.bundle), _read_curated(inputs.curated, warehouse.home)
    store = Archive(warehouse.home.archive)
    fingerprint = f"{_code_hash()[:16]}-{bundle.content_hash[:16]}"
    before = warehouse.loaded
    warehouse.note(None)
    if warehouse.full or before is None or before.fingerprint != fingerprint:
        discard_build(warehouse.home)
    with warehouse.build_file(context.log.warning) as connection:
        _load(connection, bundle, store, curated, context.log.info)
        found: dict[str, list[str]] = {checks.DECISIONS_READABLE.name: []}
        decisions = read_decisions(warehouse.home, found[checks.DECISIONS_READABLE.name].append)
        replace_rows(connection, "decisions", decisions)
        replace_rows(connection, "pending_filings", _pending(bundle, store, warehouse.home))
        replace_rows(connection, "held_back", Guards(store.root, {}).held_back())
        found |= _complaints(connection)
        counts = row_counts(connection)
        newest = {f"raw.{name}": _newest_filings(connection, name) for name in ("xbrl_facts", "filings")}
    found[checks.NOTHING_QUARANTINED.name] += store.damaged()
    reports = [checks.warn_if_any(spec, found[spec.name]) for spec in RAW_CHECKS]
    warnings = [f"{name_of(r)} ({r.description})" for r in reports if not r.passed]
    for line in warnings:
        context.log.warning(line)
    results = {name_of(r): "pass" if r.passed else "warn" for r in reports}
    warehouse.note(Loaded(fingerprint, bundle.content_hash, inputs.curated_hash(), warnings, results))
    yield from _raw_results(bundle, curated, counts, newest)
    yield from reports


# --- models ---------------------------------------------------------------------------------------


def dbt_models(manifest: models.Manifest, started: Dbt | None = None) -> dg.AssetsDefinition:
    """The dbt project as one step: all models and tests in one dbt invocation.

    :param started: a dbt process for the one run that is to come; without it each run starts its own.
    """
    specs, check_specs = models.model_specs(manifest), models.check_specs(manifest)
    names = {spec.metadata[models.UNIQUE_ID]: name_of(spec) for spec in check_specs}

    @dg.multi_asset(
        specs=specs,
        check_specs=check_specs,
        name="dbt_build",
        can_subset=True,
        pool=POOL,
        # A test of a source stands on a raw table, which another step makes.
        allow_arbitrary_check_specs=True,
    )
    def dbt_build(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
        picked = models.selection(manifest, context.selected_asset_keys, context.selected_asset_check_keys)
        loaded = warehouse.loaded
        if loaded is None:
            raise dg.Failure("The raw tables are not loaded: materialize them first (aigap refresh does).")
        loaded = loaded._replace(results={name: r for name, r in loaded.results.items() if name not in names.values()})
        warehouse.note(loaded)
        outcomes: list[Outcome] = []
        with nullcontext(started) if started else Dbt(warehouse.home) as dbt:
            for outcome in dbt.build(picked):
                outcomes.append(outcome)
                if outcome.kind == "model" or outcome.status not in ("success", "pass"):
                    context.log.info(str(outcome))
                yield from models.results([outcome], specs, check_specs)
        if problem := models.verdict(outcomes):
            raise dg.Failure(f"dbt: {problem}", allow_retries=False)
        if picked is None:
            warnings = [f"{o.name} ({o.message})" for o in outcomes if o.status == "warn"]
            results = {names[o.unique_id]: o.status for o in outcomes if o.unique_id in names}
            warehouse.note(loaded._replace(results=loaded.results | results, warnings=loaded.warnings + warnings))

    return dbt_build


# --- publish --------------------------------------------------------------------------------------


def published_file(manifest: models.Manifest) -> dg.AssetsDefinition:
    """The published file, after all marts and their checks."""
    marts = [spec.key for spec in models.model_specs(manifest) if spec.group_name == "marts"]
    defined = [*RAW_CHECKS, *models.check_specs(manifest)]

    @dg.asset(
        key=["meta", "build"],
        deps=marts,
        group_name="publish",
        kinds={"duckdb", "file"},
        pool=POOL,
        metadata={"dagster/table_name": "meta.build"},
        description="ai_revenue_gap.duckdb, what people open: a new immutable generation of the marts, audited in "
        "another process, then put in place at once. Its table meta.build says in one row what it was made from. "
        "Happens only after every check has passed; otherwise the last good file stays.",
    )
    def publish_marts(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        loaded = warehouse.approved(defined)
        done = publish(
            warehouse.home,
            BuildInfo(loaded.bundle_hash, loaded.curated_hash, loaded.checks_passed, tuple(loaded.warnings)),
            force=warehouse.full,
        )
        said = f"{loaded.checks_passed} checks passed" + f", {len(loaded.warnings)} warned" * bool(loaded.warnings)
        message = f"{'published' if done.is_new else 'nothing new; still'} {done.path.name}: {said}"
        context.log.info(message)
        if done.warning:
            context.log.warning(done.warning)
            message += f"; {done.warning}"
        warehouse.record("published" if done.is_new else "unchanged", message)
        rows = [dg.TableRecord({"table": f"marts.{name}", "rows": count}) for name, count in done.rows.items()]
        return dg.MaterializeResult(
            metadata={
                **_headline(warehouse.home),
                "generation": done.generation,
                "is new": done.is_new,
                "path": dg.MetadataValue.path(str(done.path)),
                "content hash": done.content_hash,
                "checks passed": loaded.checks_passed,
                "warnings": loaded.warnings,
                "dagster/row_count": 1,
                "rows": dg.MetadataValue.table(rows),
            }
        )

    return publish_marts


def _headline(home: Home) -> dict[str, str | int]:
    """The gap of the newest quarter, which Dagster plots over the runs, and what its AI revenue changed by, in words:
    two quarters are not to be subtracted."""
    with open_published(home) as connection:
        rows = query(
            connection,
            "from marts.ai_revenue_gap where scenario = 'measured' and gap_usd is not null "
            "order by calendar_quarter desc limit 1",
        ).as_dicts()
        evidence = words.read_evidence(connection)
    if not rows:
        return {}
    (row,) = rows
    return {"quarter": row["calendar_quarter"], "gap, USD": row["gap_usd"], "change": words.change(row, evidence)}


# --- report ---------------------------------------------------------------------------------------


@dg.asset(
    key=["report", "index"],
    deps=[dg.AssetKey(["meta", "build"])],
    group_name="publish",
    kinds={"html", "file"},
    pool=POOL,
    description="report/index.html, the published numbers as a site that loads nothing from elsewhere. Written anew "
    "only where the published file or the site's own program has changed.",
)
def report(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    published, page = warehouse.home.published, warehouse.home.report / "index.html"
    is_new = not is_current(published, page)
    if is_new:
        write_site(published, page.parent, is_whole=False)  # pictures take seconds: aigap report
        context.log.info(f"{page}")
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(str(page)), "bytes": page.stat().st_size, "is new": is_new}
    )
