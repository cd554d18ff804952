import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.aside import set_aside_table
from ingest.companies import COMPANIES
from ingest.curated.files import REFUSED
from ingest.curated.roles import AI_REVENUE_ROLES
from ingest.curated.scenarios import SCENARIOS
from ingest.parsers.acceptance import KNOWN_FILINGS, with_acceptance
from ingest.records import EDGES, FACTS, FIGURES, FILINGS, PAYLOADS, PENDING, SET_ASIDE
from warehouse.errors import Busy, LoadError, WarehouseError, reason
from warehouse.store import load, publish
from warehouse.store.home import Home
from warehouse.store.load import (
    forget_payloads,
    load_facts,
    load_filings,
    load_payloads,
    load_set_aside,
    noted_payloads,
    open_build,
    replace_rows,
)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "a home")


@pytest.fixture
def build(home):
    with open_build(home) as connection:
        yield connection


def fact(**changes):
    row = dict(
        cik="0001045810", accession="0001045810-26-000081", form="10-Q", filed_on=date(2026, 8, 26),
        concept="us-gaap:Revenues", dimensions="", unit="USD", period_start=date(2026, 4, 27),
        period_end=date(2026, 7, 26), value=Decimal(96221000000), decimals="-6", source_kind="inline_xbrl",
        source_url="https://www.sec.gov/x", sha256="2" * 64, frame=None, fy=None, fp=None,
    )  # fmt: skip
    return row | changes


def facts(*rows):
    return pa.Table.from_pylist(list(rows), FACTS)


def filing(**changes):
    row = dict(
        cik="0001045810", accession="0001045810-26-000081", form="10-Q", filed_on=date(2026, 8, 26),
        accepted_at_received=None, report_date=None, primary_document=None, source_url="u", sha256="2" * 64,
    )  # fmt: skip
    return row | changes


def payload(sha256, day=None, url="u", status="parsed", kind="submissions"):
    at = datetime(2026, 9, day, tzinfo=UTC) if day else None
    return dict(
        sha256=sha256, url=url, accession=None, kind=kind, bytes=1, retrieved_at=at, status=status, error=None
    )  # fmt: skip


def payloads(*rows):
    return pa.Table.from_pylist(list(rows), PAYLOADS)


def filings(*rows):
    return with_acceptance(pa.Table.from_pylist(list(rows), FILINGS))


# --- definitions -----------------------------------------------------------------------------------


def test_every_raw_and_meta_table_and_column_is_described(build):
    missing = build.execute(
        "select table_name from duckdb_tables() where comment is null "
        "union all select table_name || '.' || column_name from duckdb_columns() where comment is null and not internal"
    ).fetchall()
    assert missing == []


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        ("filings", KNOWN_FILINGS),
        ("payloads", PAYLOADS),
        ("set_aside", SET_ASIDE),
        ("pending_filings", PENDING),
        ("companies", COMPANIES),
        ("ai_revenue_roles", AI_REVENUE_ROLES),
        ("ai_revenue_edges", EDGES),
        ("curated_figures", FIGURES),
        ("refused_rows", REFUSED),
        ("doubtful_rows", REFUSED),
        ("scenario_parameters", SCENARIOS),
    ],
)
def test_raw_tables_have_the_columns_that_ingest_hands_over(build, table, schema):
    columns = build.execute(f"select column_name from duckdb_columns() where table_name = '{table}'").fetchall()
    assert [c for (c,) in columns] == schema.names


def test_facts_are_kept_as_ingest_hands_them_over_under_their_id(build):
    columns = build.execute("select column_name from duckdb_columns() where table_name = 'xbrl_facts'").fetchall()
    assert [c for (c,) in columns] == ["fact_id", *FACTS.names]


# --- facts -------------------------------------------------------------------------------------------


def test_fact_id_is_the_documented_hash(build):
    load_facts(build, facts(fact(), fact(period_start=None)))
    assert (
        build.execute("select fact_id from raw.xbrl_facts order by period_start nulls last").fetchall()
        == build.execute(
            "select 'x' || left(md5(t), 20) from (values "
            "(1, '0001045810|0001045810-26-000081|us-gaap:Revenues||USD|2026-04-27|2026-07-26'), "
            "(2, '0001045810|0001045810-26-000081|us-gaap:Revenues||USD||2026-07-26')) as v (n, t) order by n"
        ).fetchall()
    )


def test_the_first_value_stays_and_another_goes_to_conflicts(build):
    first = load_facts(build, facts(fact()))
    again = load_facts(build, facts(fact(), fact(source_kind="companyfacts", sha256="3" * 64)))
    other = facts(fact(value=Decimal(1), source_kind="companyfacts", sha256="4" * 64))
    third = load_facts(build, other)
    assert (first.inserted, first.known, first.conflicts) == (1, 0, 0)
    assert (again.inserted, again.known, again.conflicts) == (0, 2, 0)
    assert (third.inserted, third.known, third.conflicts) == (0, 1, 1)
    assert load_facts(build, other).conflicts == 0, "the same conflict is noted once"
    assert build.execute("select value, source_kind from raw.xbrl_facts").fetchall() == [
        (Decimal(96221000000), "inline_xbrl")
    ]
    assert build.execute("select * exclude (fact_id) from raw.fact_conflicts").fetchall() == [
        (Decimal(96221000000), Decimal(1), "inline_xbrl", "companyfacts", "4" * 64)
    ]


def test_within_one_load_the_filings_own_document_wins_in_any_order(home):
    rows = [
        fact(source_kind="companyfacts", value=Decimal(3), sha256="3" * 64),
        fact(source_kind="xbrl_instance", value=Decimal(1), sha256="9" * 64),
        fact(source_kind="inline_xbrl", value=Decimal(2), sha256="1" * 64),
        *(fact(concept=f"us-gaap:C{i}", value=Decimal(i)) for i in range(50)),
    ]
    seen = set()
    for seed in range(4):
        random.Random(seed).shuffle(rows)
        load.discard_build(home)
        with open_build(home) as build:
            assert load_facts(build, facts(*rows)) == ("raw.xbrl_facts", 53, 51, 2, 2)
            kept = build.execute("select value from raw.xbrl_facts where concept = 'us-gaap:Revenues'").fetchall()
            assert kept == [(Decimal(1),)]
            seen.add(str(build.execute("from raw.xbrl_facts order by all").fetchall()))
    assert len(seen) == 1


@pytest.mark.parametrize("value", [Decimal(96221000000), Decimal(7)])
def test_a_document_overrules_company_facts_whichever_comes_first(home, value):
    """What the build file holds must not depend on whether the document came with company facts or in a later run."""
    api = facts(fact(source_kind="companyfacts", value=value, sha256="3" * 64))
    seen = []
    for order in ((facts(fact()), api), (api, facts(fact()))):
        load.discard_build(home)
        with open_build(home) as build:
            for table in order:
                load_facts(build, table)
            seen.append(
                [build.execute(f"from raw.{t} order by all").fetchall() for t in ("xbrl_facts", "fact_conflicts")]
            )
    assert seen[0] == seen[1]
    assert seen[0][0][0][-6] == "inline_xbrl"
    assert len(seen[0][1]) == (value == 7)


ROUTES = {
    "inline": fact(source_kind="inline_xbrl", value=Decimal(2), sha256="1" * 64, source_url="https://a/x.htm"),
    "extracted": fact(source_kind="xbrl_instance", value=Decimal(1), sha256="9" * 64, source_url="https://a/x_htm.xml"),
    "exhibit": fact(source_kind="xbrl_instance", value=Decimal(5), sha256="0" * 64, source_url="https://a/z_htm.xml"),
    "api": fact(source_kind="companyfacts", value=Decimal(3), sha256="8" * 64, source_url="https://a/api"),
    "api later": fact(source_kind="companyfacts", value=Decimal(2), sha256="3" * 64, source_url="https://a/api"),
}
DAYS = {"inline": 1, "extracted": 1, "exhibit": 1, "api": 2, "api later": 3}


@pytest.mark.slow
@pytest.mark.parametrize("leading", [None, *ROUTES])
def test_which_statement_holds_does_not_depend_on_the_order_of_runs(home, leading):
    """All of them in one load, and each in a load of its own, in any order."""
    named = {name: row for name, row in ROUTES.items() if leading is None or name not in ("extracted", leading)}
    read = {name: payload(row["sha256"], DAYS[name], row["source_url"]) for name, row in named.items()}
    seen = set()
    some = list(permutations(named))[:: 31 if leading is None else 5]
    for order in (*some, None):
        load.discard_build(home)
        with open_build(home) as build:
            if order is None:
                load_facts(build, facts(*named.values()), payloads(*read.values()))
            for name in order or ():
                load_facts(build, facts(named[name]), payloads(read[name]))
                load_payloads(build, payloads(read[name]))
            seen.add(
                str([build.execute(f"from raw.{t} order by all").fetchall() for t in ("xbrl_facts", "fact_conflicts")])
            )
    assert len(seen) == 1
    if leading is None:
        assert "'9999" in seen.pop(), "the extracted instance, and of two the one whose address comes first"


STATED = st.lists(
    st.tuples(
        st.sampled_from(sorted(ROUTES)), st.sampled_from("abc"), st.integers(1, 3), st.sampled_from(["-6", None])
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stated=STATED, split=st.integers(0, len(ROUTES)))
def test_what_is_kept_is_the_best_of_all_statements_of_a_key(build, stated, split):
    """Held to the rule itself: a ranking of every statement of every key, for payloads loaded in one run or two."""
    forget_payloads(build)
    rows = [
        (name, ROUTES[name] | dict(accession=key, value=Decimal(value), decimals=decimals))
        for name, key, value, decimals in stated
    ]
    names = sorted({name for name, _ in rows})
    for part in (names[:split], names[split:]):
        read = payloads(*(payload(ROUTES[n]["sha256"], DAYS[n], ROUTES[n]["source_url"]) for n in part))
        load_facts(build, facts(*(row for name, row in rows if name in part)), read)
        load_payloads(build, read)
    order = ["extracted", "exhibit", "inline", "api", "api later"]
    best = {}
    for _, row in sorted(rows, key=lambda r: (order.index(r[0]), r[1]["value"], r[1]["decimals"] or "~")):
        best.setdefault(row["accession"], row)
    kept = build.execute("select accession, value, decimals, sha256 from raw.xbrl_facts order by all").fetchall()
    assert kept == sorted(tuple(r[c] for c in ("accession", "value", "decimals", "sha256")) for r in best.values())
    others = {(r["accession"], r["value"]) for _, r in rows if r["value"] != best[r["accession"]]["value"]}
    noted = build.execute("select accession, other_value from raw.fact_conflicts join raw.xbrl_facts using (fact_id)")
    assert sorted(noted.fetchall()) == sorted(others)


def test_a_restatement_is_another_fact_because_its_filing_differs(build):
    load_facts(build, facts(fact()))
    later = fact(accession="0001045810-27-000001", value=Decimal(5), filed_on=date(2027, 2, 1))
    assert load_facts(build, facts(later)).inserted == 1
    assert build.execute("select count(*) from raw.fact_conflicts").fetchone() == (0,)


def test_big_decimals_stay_exact(build):
    exact = Decimal("9007199254740993.0000000001")
    load_facts(build, facts(fact(value=exact)))
    assert build.execute("select value from raw.xbrl_facts").fetchone() == (exact,)


@pytest.mark.parametrize("column", ["cik", "accession", "concept", "dimensions", "unit", "period_end", "source_kind"])
def test_a_fact_without_its_key_is_refused_and_nothing_of_its_load_stays(build, column):
    with pytest.raises(LoadError, match=rf"raw\.xbrl_facts refuses the 2 rows.*{column}"):
        load_facts(build, facts(fact(concept="us-gaap:Other"), fact(**{column: None})))
    assert build.execute("select count(*) from raw.xbrl_facts").fetchone() == (0,)
    assert load_facts(build, facts(fact())).inserted == 1, "the connection is usable after a refusal"


# --- the rest -----------------------------------------------------------------------------------------


WORDS = {
    "a form that was wrong once": (dict(form="10-Q/A"), {}, {}),
    "a day that cannot be": (dict(filed_on=date(2062, 1, 1)), {}, {}),
    "a day that moves on": ({}, dict(filed_on=date(2026, 8, 28)), dict(filed_on=date(2026, 8, 28))),
    "a day that moves back": ({}, dict(filed_on=date(2026, 8, 20)), dict(filed_on=date(2026, 8, 26))),
}


@pytest.mark.parametrize("name", WORDS)
def test_the_newest_word_on_a_filing_holds_but_no_day_moves_back(home, name):
    """Whichever list is read first: one that was wrong once is made good by the next."""
    first, then, kept = WORDS[name]
    both = {"9" * 64: (filing(**first, sha256="9" * 64), 1), "3" * 64: (filing(**then, sha256="3" * 64), 2)}
    for order in (*permutations(both), None):
        load.discard_build(home)
        with open_build(home) as build:
            if order is None:
                rows = payloads(*(payload(sha, day) for sha, (_, day) in both.items()))
                load_filings(build, filings(*(row for row, _ in both.values())), rows)
            for sha in order or ():
                row, day = both[sha]
                load_filings(build, filings(row), payloads(payload(sha, day)))
                load_payloads(build, payloads(payload(sha, day)))
            form, filed_on = build.execute("select form, filed_on from raw.filings").fetchone()
            assert dict(form=form, filed_on=filed_on) == dict(form="10-Q", filed_on=date(2026, 8, 26)) | kept


def test_an_acceptance_time_replaces_a_bare_filing_date_and_not_the_reverse(build):
    load_filings(build, filings(filing()))
    load_filings(build, filings(filing(accepted_at_received="2026-08-26T16:42:00.000Z")))
    load_filings(build, filings(filing()))
    assert build.execute("select known_at, known_from, known_from_basis from raw.filings").fetchall() == [
        ("2026-08-26T16:42:00-04:00", date(2026, 8, 26), "new_york_clock")
    ]


def test_the_newest_word_on_a_payload_replaces_the_older(build):
    row = dict(sha256="2" * 64, url="u", accession=None, kind="inline_xbrl", bytes=1, retrieved_at=None)
    load_payloads(build, pa.Table.from_pylist([row | dict(status="quarantined", error="html")], PAYLOADS))
    assert load.loaded_payloads(build) == set(), "a quarantined payload is tried again"
    result = load_payloads(build, pa.Table.from_pylist([row | dict(status="parsed", error=None)], PAYLOADS))
    assert (result.inserted, result.known) == (0, 1)
    assert build.execute("select status, error from raw.payloads").fetchall() == [("parsed", None)]
    assert load.loaded_payloads(build) == {"2" * 64}


# --- set aside ----------------------------------------------------------------------------------------


def aside(sha256, *reasons, kind="fact", url="u"):
    return set_aside_table(dict(kind=kind, reason=reason, source_url=url, sha256=sha256) for reason in reasons)


def reasons(build):
    return [row[0] for row in build.execute("select reason from raw.set_aside order by all").fetchall()]


def take(build, table, *rows):
    result = load_set_aside(build, table, payloads(*rows))
    load_payloads(build, payloads(*rows))
    return result


def test_a_payload_read_anew_gives_its_rows_anew(build):
    assert take(build, aside("2" * 64, "a", "b"), payload("2" * 64)).inserted == 2
    assert take(build, aside("2" * 64, "a", "b"), payload("2" * 64)).inserted == 0
    assert reasons(build) == ["a", "b"]
    take(build, aside("2" * 64), payload("2" * 64))
    assert reasons(build) == []


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_of_an_address_the_newest_retrieval_that_could_be_read_says_what_is_set_aside(build, order):
    """A list that was odd once is made good by the next."""
    rows = {
        1: (aside("1" * 64, "odd then"), payload("1" * 64, 1)),
        2: (aside("2" * 64, "odd now"), payload("2" * 64, 2)),
        3: (aside("3" * 64), payload("3" * 64, 3, status="quarantined")),
    }
    take(build, aside("4" * 64, "elsewhere", url="v"), payload("4" * 64, 1, url="v"))
    for number in order:
        table, row = rows[number]
        take(build, table, row)
    assert reasons(build) == ["elsewhere", "odd now"]


def test_a_filing_that_could_not_be_read_stays_named(build):
    take(build, aside("1" * 64, "unread", kind="filing"), payload("1" * 64, 2, status="quarantined"))
    take(build, aside("2" * 64), payload("2" * 64, 1))
    assert reasons(build) == ["unread"]


def test_all_that_was_read_from_payloads_can_be_forgotten(build):
    load_facts(build, facts(fact(), fact(value=Decimal(1), sha256="3" * 64)))
    load_filings(build, filings(filing()))
    take(build, aside("2" * 64, "a"), payload("2" * 64))
    assert noted_payloads(build).schema.names == PAYLOADS.names
    forget_payloads(build)
    for table in ("xbrl_facts", "fact_conflicts", "filings", "set_aside", "payloads"):
        assert build.execute(f"select count(*) from raw.{table}").fetchone() == (0,), table


def test_configuration_is_replaced_whole_and_other_tables_never(build):
    def companies(*ciks):
        rows = [dict(cik=c, ticker="T", company="N", role="reference", fiscal_year_end_month=1) for c in ciks]
        return pa.Table.from_pylist(rows, COMPANIES)

    replace_rows(build, "companies", companies("0000000001", "0000000002"))
    assert replace_rows(build, "companies", companies("0000000002")) == ("raw.companies", 1, 1, 0, 0)
    assert build.execute("select cik from raw.companies").fetchall() == [("0000000002",)]
    with pytest.raises(LoadError, match=r"raw\.companies refuses the 2 rows"):
        replace_rows(build, "companies", companies("0000000003", "0000000003"))
    assert build.execute("select cik from raw.companies").fetchall() == [("0000000002",)]
    with pytest.raises(LoadError, match="not replaced as a whole"):
        replace_rows(build, "xbrl_facts", facts())


# --- the build file itself ----------------------------------------------------------------------------


def told(home):
    said = []
    with open_build(home, said.append) as build:
        count = build.execute("select count(*) from raw.xbrl_facts").fetchone()
    return said, count[0]


def filled(home):
    with open_build(home) as build:
        load_facts(build, facts(fact()))


def test_a_sound_build_file_is_kept(home):
    filled(home)
    assert told(home) == ([], 1)


def test_a_build_file_of_another_version_is_made_anew(home):
    filled(home)
    with duckdb.connect(str(home.build)) as build:
        build.execute("update raw.build_file set schema_fingerprint = 'old'")
    said, count = told(home)
    assert "another version of aigap made it" in said[0]
    assert count == 0


def test_a_foreign_database_in_its_place_is_made_anew(home):
    home.root.mkdir()
    with duckdb.connect(str(home.build)) as build:
        build.execute("create table mine (a int)")
    assert "it has no raw.build_file" in told(home)[0][0]


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut", "header"])
def test_a_damaged_build_file_is_made_anew(home, damage):
    filled(home)
    data = home.build.read_bytes()
    home.build.write_bytes(
        {
            "garbage": b"not a database" * 1000,
            "empty": b"",
            "cut": data[: len(data) // 3],
            "header": b"\0" * 8 + data[8:],
        }[damage]
    )
    said, count = told(home)
    assert count == 0
    assert damage == "empty" or "made the build file anew" in said[0]


def test_a_write_ahead_log_left_by_a_killed_run_is_never_replayed(home):
    filled(home)
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom warehouse.store.home import Home\n"
        "from warehouse.store.load import open_build\n"
        "b = open_build(Home(Path(sys.argv[1])))\nb.execute('create table raw.half as select 1')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(home.root)], check=False)
    assert home.build.with_name("build.duckdb.wal").exists()
    said, count = told(home)
    assert "a run was killed while writing it" in said[0]
    assert count == 0


def test_a_build_file_open_elsewhere_is_busy_and_not_deleted(home):
    filled(home)
    code = (
        "import sys\nfrom pathlib import Path\nfrom warehouse.store.home import Home\n"
        "from warehouse.store.load import open_build\n"
        "b = open_build(Home(Path(sys.argv[1])))\nb.execute('create table raw.half as select 1')\n"
        "print('open', flush=True)\nsys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    try:
        with pytest.raises(Busy, match=r"build\.duckdb is open in another process"):
            open_build(home)
        assert home.build.with_name("build.duckdb.wal").exists(), "the other process still needs its log"
        home.build.with_name("build.duckdb.wal").rename(home.root / "aside")
        with pytest.raises(Busy, match=r"build\.duckdb is open in another process"):
            open_build(home)
    finally:
        other.kill()
        other.wait()


def test_a_home_that_cannot_be_written_is_told_apart_from_a_damaged_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WarehouseError, match="set AIGAP_HOME"):
        open_build(Home(tmp_path / "file"))


def test_too_little_memory_is_said_and_costs_no_build_file(home, monkeypatch):
    """It is no fault of the file, nor of the disk."""
    open_build(home).close()
    before, said = home.build.read_bytes(), []
    monkeypatch.setitem(load.SETTINGS, "memory_limit", "1KB")
    with pytest.raises(WarehouseError, match=r"build\.duckdb cannot be opened: .*Out of Memory") as raised:
        open_build(home, said.append)
    assert reason(raised.value).endswith("(AIGAP_MEMORY_LIMIT is the database engine's part)")
    assert (home.build.read_bytes(), said) == (before, [])


def test_a_loading_process_needs_no_network_and_little_memory(build):
    settings = dict(build.execute("select name, value from duckdb_settings()").fetchall())
    assert settings["autoinstall_known_extensions"] == "false"
    assert settings["autoload_known_extensions"] == "false"
    assert settings["TimeZone"] == "UTC"
    assert settings["memory_limit"] == "953.6 MiB"
    assert int(settings["threads"]) <= max(2, os.cpu_count() or 1)


def test_what_is_spilled_to_disk_has_a_limit_that_holds(home, monkeypatch):
    """Given with the connection DuckDB takes it and heeds it not."""
    for module in (load, publish):
        monkeypatch.setattr(module, "SPILL_LIMIT", "set max_temp_directory_size = '1MB'")
    monkeypatch.setitem(load.SETTINGS, "memory_limit", "30MB")
    much = "select count(*) from (select md5(i::varchar) as t from range(600000) as r (i) order by t limit 599999)"
    with open_build(home) as build, pytest.raises(duckdb.OutOfMemoryException, match="max_temp_directory_size"):
        build.execute(much)
    with publish._workbench(home, home.root / "spill") as connection:
        with pytest.raises(duckdb.OutOfMemoryException, match="max_temp_directory_size"):
            connection.execute(much)
        connection.execute("set max_temp_directory_size = '2GB'")
        connection.execute(much)
