"""Every filer's capital expenditure, derived by the models of the watch list from bulk zips."""

import re

import duckdb
import pytest

from ingest.companies import watch_list
from orchestration.bulk import METRIC, bulk_build, bulk_load, standard_concepts
from support.bulk import bundle_zip, sic_data_set
from support.examples import FOLDER, universe_blocks
from support.readme import filled
from warehouse.errors import Mistake
from warehouse.store.home import Home

README = FOLDER / "universe" / "README.md"


def quiet(*_):
    pass


@pytest.fixture(scope="module")
def universe(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("universe") / "a home")
    folder = tmp_path_factory.mktemp("zips")
    assert bulk_load(bundle_zip(folder / "companyfacts.zip"), home, quiet, 1) == 0
    assert bulk_load(sic_data_set(folder / "2026q1.zip"), home, quiet, 1) == 0
    assert bulk_build(home, quiet) == 0
    return home


@pytest.fixture(scope="module")
def tables(universe, published):
    with duckdb.connect() as connection:
        for name, path in (("universe", universe.universe), ("published", published)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        yield connection


def test_of_the_watch_list_it_says_what_the_watch_list_says(tables):
    """Quarter by quarter and to the dollar, wherever filings alone give the number."""
    ciks = {company.ticker: company.cik for company in watch_list()}
    tables.execute("create or replace temp table known (ticker varchar, cik varchar)")
    tables.executemany("insert into known values (?, ?)", list(ciks.items()))
    compared, equal = tables.execute(
        """
        select
            count(*),
            count(*) filter (where (u.capex_usd, u.period_end) = (p.capex_usd, p.period_end))
        from published.marts.hyperscaler_capex as p
        inner join known using (ticker)
        left join universe.filer_capex as u using (cik, calendar_quarter)
        where
            p.capex_basis = 'cash_gross'
            and p.source_kind = 'xbrl'
            -- a press figure may be part of a difference; bulk facts have none
            and list_filter(p.fact_ids, lambda id: id[1] <> 'x') = []
        """
    ).fetchone()
    assert compared > 150
    assert equal == compared


def test_a_filer_that_nobody_watches_has_quarters_too(tables):
    watched = {company.cik for company in watch_list() if any(line.metric == METRIC for line in company.metrics)}
    found = {cik for (cik,) in tables.execute("select distinct cik from universe.filer_capex").fetchall()}
    assert found & watched
    assert found - watched


def test_versions_are_half_open_and_their_sources_are_named(tables):
    assert tables.execute(
        """
        select count(*) from (
            select *, lead(known_from) over (partition by cik, calendar_quarter order by known_from) as next_from
            from universe.filer_capex_versions
        ) where known_to <= known_from or known_to > next_from or accessions = [] or first_known_on > known_from
        """
    ).fetchone() == (0,)
    assert tables.execute("select count(*) from universe.filer_capex_versions where known_to is not null").fetchone()[0]


def test_every_table_and_column_is_described(tables):
    missing = tables.execute(
        "select table_name, null from duckdb_tables() where database_name = 'universe' and comment is null union all "
        "select table_name, column_name from duckdb_columns() where database_name = 'universe' and comment is null "
        "and table_name <> 'filer_capex' and not internal"
    ).fetchall()
    assert missing == []


def test_the_common_concepts_are_those_of_the_watch_list():
    assert standard_concepts()[0] == "us-gaap:PaymentsToAcquirePropertyPlantAndEquipment"


def test_readers_of_the_gap_pay_nothing_for_it(universe):
    """A file of its own, read-only, and nothing left of the way there."""
    assert universe.universe.stat().st_mode & 0o777 == 0o444
    assert sorted(path.name for path in universe.bulk.iterdir()) == [
        "facts",
        "filers",
        "manifest.jsonl",
        "refresh.lock",
    ]
    assert not universe.build.exists()


def test_without_bulk_facts_it_says_what_to_do(tmp_path):
    with pytest.raises(Mistake, match="aigap bulk load"):
        bulk_build(Home(tmp_path), quiet)


def test_the_examples_print_what_their_readme_shows(universe):
    text = README.read_text("utf-8")
    made = universe_blocks(universe)
    assert text == filled(text, made), "run: cd tests && ../.venv/bin/python -m support.examples --universe"
    for name in made:
        assert f"<!-- {name} -->" in text
        assert re.match(r"-- .*\?\n", (FOLDER / "universe" / name).read_text("utf-8"))
