"""The tables of every filer: a build file of their facts, and the file that people open.

Belongs here: what of bulk facts goes into a build file, and the shape of ai_revenue_gap_universe.duckdb. Does not
belong here: deriving quarters (dbt_project), reading zips (ingest.bulk), the published file (publish.py).

A file of its own: the published one is the same whether or not somebody loads bulk facts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.errors import WarehouseError
from warehouse.store.home import Home
from warehouse.store.load import SETTINGS, SPILL_LIMIT, replace_rows
from warehouse.store.publish import STORAGE_VERSION
from warehouse.store.verify import literal

#: A fiscal year that ends in a month's first days, by weeks, is the month's before.
_FISCAL_YEAR_END = """
    select f.cik, mode(month(f.period_end - 6)) as fiscal_year_end_month
    from raw.xbrl_facts as f
    inner join raw.spans as s on f.period_end - f.period_start + 1 between s.shortest_days and s.longest_days
    where s.span = 'year'
    group by f.cik
"""

#: The newest word on each filer; what only data sets state is the newest that one of them stated.
_FILERS = """
    create table filers as
    select
        cik,
        arg_max(name, seen_on) as name,
        arg_max(sic, seen_on) filter (where sic is not null) as sic,
        max(seen_on) as seen_on
    from read_parquet($files)
    group by cik
"""

_VERSIONS = """
    create table filer_capex_versions (
        cik varchar not null, calendar_quarter varchar not null, fiscal_quarter varchar, period_start date not null,
        period_end date not null, capex_usd bigint not null, value_kind varchar not null, concept varchar not null,
        formula varchar not null, accessions varchar[] not null, first_known_on date not null, known_from date not null,
        known_to date, primary key (cik, calendar_quarter, known_from)
    );
    insert into filer_capex_versions
    with stated as (
        select q.cik, q.calendar_quarter, q.known_from, list_sort(list(distinct f.accession)) as accessions
        from (
            select cik, calendar_quarter, known_from, unnest(fact_ids) as fact_id
            from build.intermediate.int_metric_quarters
        ) as q
        inner join build.raw.xbrl_facts as f on q.fact_id = f.fact_id
        group by all
    )
    select
        q.cik, q.calendar_quarter, q.fiscal_quarter, q.period_start, q.period_end, q.value_usd, q.value_kind, q.concept,
        q.formula, stated.accessions, q.first_known_on, q.known_from, q.known_to
    from build.intermediate.int_metric_quarters as q
    inner join stated using (cik, calendar_quarter, known_from)
    order by q.cik, q.calendar_quarter, q.known_from;
    create view filer_capex as select * exclude (known_to) from filer_capex_versions where known_to is null;
    create table filers as
    select f.cik, f.name, f.sic, f.seen_on from build.main.filers as f order by f.cik;
"""

_COMMENTS = {
    "table filers": "Every filer of the bulk facts.",
    "column filers.cik": "SEC Central Index Key, ten digits.",
    "column filers.name": "As the newest publication names it.",
    "column filers.sic": "Standard Industrial Classification, four digits, as data sets state it, else null.",
    "column filers.seen_on": "Newest filing at hand.",
    "view filer_capex": "Purchases of property and equipment of every filer, discrete quarters, as they stand now.",
    "table filer_capex_versions": "The same with its history: a version holds from known_from until known_to.",
    "column filer_capex_versions.cik": "SEC Central Index Key, ten digits.",
    "column filer_capex_versions.calendar_quarter": "Calendar quarter that contains the middle day of the fiscal one.",
    "column filer_capex_versions.fiscal_quarter": "By the month in which the filer's years end, such as FY27Q2.",
    "column filer_capex_versions.period_start": "First day of the quarter.",
    "column filer_capex_versions.period_end": "Last day of the quarter; of a data set the end of a month.",
    "column filer_capex_versions.capex_usd": "Whole USD.",
    "column filer_capex_versions.value_kind": "reported, or derived from year-to-date statements of one vintage.",
    "column filer_capex_versions.concept": "XBRL concept of the line.",
    "column filer_capex_versions.formula": "How the number comes from its statements, in words.",
    "column filer_capex_versions.accessions": "The filings it rests on.",
    "column filer_capex_versions.first_known_on": "First day the same value was public.",
    "column filer_capex_versions.known_from": "Day it was filed: bulk facts have no hour of acceptance.",
    "column filer_capex_versions.known_to": "Day a newer version replaced it (exclusive); null while it stands.",
}


def load_universe(
    connection: duckdb.DuckDBPyConnection,
    filers: Sequence[Path],
    watched: pa.Table,
    watched_concepts: pa.Table,
    concepts: Sequence[str],
    metric: str,
) -> int:
    """Make every filer whose facts are in raw.xbrl_facts a company of the watch list; returns how many there are.

    :param connection: a build file with facts, forms and spans.
    :param filers: Parquet files of who files.
    :param watched: companies of the watch list that state `metric`, which keep their own concepts.
    :param watched_concepts: these. :param concepts: those of all others, the first is taken first. A line of theirs may
        jump: no operator looks at thousands of filers, so only a negative difference is set aside (max_step 0).
    """
    connection.execute(_FILERS, {"files": [str(path) for path in filers]})
    connection.register("watched", watched)
    companies = connection.execute(
        f"""
        select
            filed.cik,
            filed.cik as ticker,
            coalesce(filers.name, filed.cik) as company,
            'filer' as role,
            cast(coalesce(ends.fiscal_year_end_month, 12) as integer) as fiscal_year_end_month
        from (select distinct cik from raw.xbrl_facts) as filed
        left join filers using (cik)
        left join ({_FISCAL_YEAR_END}) as ends using (cik)
        where filed.cik not in (select cik from watched)
        union all
        select * from watched
        order by cik
        """
    ).to_arrow_table()
    replace_rows(connection, "companies", companies)
    connection.register("given", watched_concepts)
    connection.register("general", pa.table({"concept": list(concepts), "priority": range(1, len(concepts) + 1)}))
    rows = connection.execute(
        """
        select * from given
        union all by name
        select
            companies.cik, $metric as metric, general.concept, '' as dimensions,
            cast(general.priority as integer) as priority, false as is_required, general.concept as same_as,
            '' as part_of, 0 as max_step
        from raw.companies as companies cross join general
        where companies.role = 'filer'
        """,
        {"metric": metric},
    ).to_arrow_table()
    for name in ("watched", "given", "general"):
        connection.unregister(name)
    replace_rows(connection, "metric_concepts", rows)
    return companies.num_rows


def write_universe(home: Home, build: Home) -> tuple[int, int]:
    """Make the file of every filer anew from a build file whose quarters are derived; returns (filers, quarters).

    :raises WarehouseError: a key stands twice, or the file cannot be written. What was there stays then.
    """
    new = home.bulk / "universe.duckdb.new"
    new.unlink(missing_ok=True)
    try:
        with duckdb.connect(config=SETTINGS | {"temp_directory": str(home.bulk / "spill")}) as connection:
            connection.execute(SPILL_LIMIT)
            connection.execute(f"attach {literal(str(build.build))} as build (read_only)")
            connection.execute(f"attach {literal(str(new))} as out (storage_version '{STORAGE_VERSION}')")
            connection.execute("use out")  # the view keeps the names it is made with
            connection.execute(_VERSIONS)
            for what, comment in _COMMENTS.items():
                kind, _, name = what.partition(" ")
                connection.execute(f"comment on {kind} {name} is {literal(comment)}")
            counts = connection.execute(
                "select (select count(*) from filers), (select count(*) from filer_capex)"
            ).fetchone()
            connection.execute("use memory")
            connection.execute("detach out")
        assert counts is not None
        new.chmod(0o444)
        os.replace(new, home.universe)
    except duckdb.Error as error:
        raise WarehouseError(f"{home.universe} cannot be made: {str(error).splitlines()[0]}") from error
    return counts[0], counts[1]
