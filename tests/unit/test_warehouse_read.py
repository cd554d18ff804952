import os
import shutil
import subprocess
import sys
import time

import duckdb
import pytest

from support.small_warehouse import published_home
from warehouse.errors import Mistake, NotPublished, WarehouseError
from warehouse.readers import read
from warehouse.readers.read import open_published, query, run_select
from warehouse.store.home import SCHEMA_VERSION, Home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = published_home(tmp_path_factory.mktemp("read"))
    return home


@pytest.fixture
def connection(home):
    with open_published(home) as connection:
        yield connection


@pytest.fixture
def copy(home, tmp_path):
    return Home(shutil.copytree(home.root, tmp_path / "copy", symlinks=True))


# --- what may be asked ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from marts.ai_revenue_gap",
        "with a as (select 1 as x) from a",
        "from marts.scenarios",
        "table marts.scenarios",
        "values (1), (2)",
        "describe marts.citations",
        "show all tables",
        "summarize marts.scenarios",
        "explain from marts.scenarios",
        "from explain_gap('2026Q2')",
        "pivot marts.ai_revenue_gap on scenario in ('measured') using sum(gap_usd) group by calendar_quarter",
        "-- a comment\nselect 1 ; ",
    ],
)
def test_reading_statements_answer(connection, sql):
    assert run_select(connection, sql).rows


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "there is no query"),
        ("-- nothing", "there is no query"),
        ("select 1; select 2", "one statement at a time"),
        ("pivot marts.ai_revenue_gap on scenario using sum(gap_usd)", "name them"),
        ("selec 1", "syntax error"),
        ("select nope from marts.scenarios", "nope"),
        ("from marts.no_such_table", "no_such_table"),
        *(
            (sql, f"only reads.*not {kind}")
            for kind, sql in {
                "ATTACH": "attach 'x.duckdb' as x",
                "COPY": "copy (select 1) to 'x'",
                "SET": "set threads = 1",
                "LOAD": "install httpfs",
                "CALL": "call pragma_version()",
                "CREATE": "create temp table t as select 1",
                "INSERT": "insert into marts.scenarios select * from marts.scenarios",
                "DELETE": "delete from marts.scenarios",
                "UPDATE": "update marts.scenarios set note = ''",
                "DROP": "drop table marts.scenarios",
                "EXPORT": "export database 'x'",
                "TRANSACTION": "begin",
                "PREPARE": "prepare p as select 1",
                "VACUUM": "vacuum",
                "DETACH": "detach x",
                "ALTER": "alter table marts.scenarios drop note",
            }.items()
        ),
    ],
)
def test_anything_else_is_refused_with_the_reason(connection, sql, message):
    with pytest.raises(Mistake, match=rf"(?s){message}"):
        run_select(connection, sql)


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('/etc/passwd')", "read_text('/etc/passwd')", "read_blob('/etc/passwd')", "read_json('/etc/passwd')",
        "read_parquet('/etc/passwd')", "glob('/*')", "'/etc/passwd'", "sniff_csv('/etc/passwd')",
        "read_csv('https://example.org/x.csv')", "read_duckdb('/tmp/x.duckdb')", "parquet_metadata('/etc/passwd')",
    ],
)  # fmt: skip
def test_a_query_sees_no_other_file(connection, source):
    with pytest.raises(Mistake, match="disabled by configuration|does not exist|not in the catalog"):
        run_select(connection, f"from {source}")


@pytest.mark.parametrize("inner", ["copy (select 1) to '/tmp/aigap_x'", "delete from marts.scenarios"])
def test_explain_analyze_does_not_smuggle_a_write_in(connection, inner):
    with pytest.raises(Mistake):
        run_select(connection, f"explain analyze {inner}")
    assert not os.path.exists("/tmp/aigap_x")


def test_a_query_sees_no_python_variable_and_no_way_to_unlock(connection):
    secret_rows = [(1,)]
    with pytest.raises(Mistake, match="secret_rows"):
        run_select(connection, "from secret_rows")
    for statement in ("set enable_external_access = true", "set lock_configuration = false", "reset threads"):
        with pytest.raises(duckdb.Error, match="locked|Cannot change"):
            connection.execute(statement)
    assert secret_rows


def test_rows_are_bounded_and_the_cut_is_told(connection):
    found = run_select(connection, "from range(100) as r(i)", max_rows=10)
    assert (len(found.rows), found.is_cut, found.columns) == (10, True, ["i"])
    assert not run_select(connection, "from range(10) as r(i)", max_rows=10).is_cut


def test_time_is_bounded(connection):
    started = time.monotonic()
    with pytest.raises(Mistake, match=r"longer than 0\.3 seconds"):
        run_select(
            connection, "select sum(a.i * b.i) from range(10000000) a(i), range(1000000) b(i)", timeout_seconds=0.3
        )
    assert time.monotonic() - started < 10
    assert run_select(connection, "select 1").rows == [(1,)], "the connection is usable after it"


@pytest.mark.slow
def test_memory_is_bounded_and_nothing_spills_to_disk(connection):
    settings = dict(connection.execute("select name, value from duckdb_settings()").fetchall())
    assert settings["memory_limit"] == "953.6 MiB"
    assert settings["temp_directory"] == ""
    with pytest.raises(Mistake, match="(?i)memory"):
        run_select(connection, "select list(repeat('x', 10000) || i) from range(1000000) as r(i)")


# --- opening ------------------------------------------------------------------------------------------------


def test_nothing_published_says_what_to_run(tmp_path):
    with pytest.raises(NotPublished, match="nothing is published in .* run aigap refresh"):
        open_published(Home(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_dangling_link_says_so(copy):
    copy.live().unlink()
    with pytest.raises(NotPublished, match=r"ai_revenue_gap-000001\.duckdb, which is gone; run aigap refresh"):
        open_published(copy)


def test_a_generation_collected_while_opening_is_tried_again(copy, monkeypatch):
    real, calls = read._attached, []

    def attached(path):
        calls.append(path)
        if len(calls) == 1:  # a publish flips the link and collects what it named before
            copy.generation(2).write_bytes(copy.generation(1).read_bytes())
            copy.generation(1).unlink()
            copy.published.unlink()
            os.symlink("generations/ai_revenue_gap-000002.duckdb", copy.published)
            raise duckdb.IOException("Cannot open file: No such file or directory")
        return real(path)

    monkeypatch.setattr(read, "_attached", attached)
    with open_published(copy) as connection:
        assert query(connection, "select count(*) from marts.scenarios").rows == [(2,)]
    assert len(calls) == 2


@pytest.mark.parametrize("damage", ["garbage", "cut", "header"])
def test_a_damaged_file_says_so_instead_of_answering(copy, damage):
    data = copy.live().read_bytes()
    copy.live().chmod(0o644)
    copy.live().write_bytes(
        {"garbage": b"not a database" * 1000, "cut": data[:30000], "header": data[:100] + b"\xff" * 8 + data[108:]}[
            damage
        ]
    )
    with pytest.raises(NotPublished, match="is damaged .* run aigap refresh"):
        open_published(copy)


def test_a_connection_of_the_same_process_that_reads_is_no_hindrance(copy):
    """A notebook has several, some of DuckDB's own settings, some of ours, which are locked."""
    theirs = duckdb.connect(str(copy.published), read_only=True)
    with theirs, open_published(copy) as first, open_published(copy) as second:
        assert query(second, "from marts.scenarios").rows == query(first, "from marts.scenarios").rows


def test_a_connection_of_the_same_process_in_the_way_is_not_called_damage(copy):
    copy.live().chmod(0o644)
    with duckdb.connect(str(copy.published)), pytest.raises(NotPublished, match="cannot be opened"):
        open_published(copy)


def test_tables_of_another_version_are_not_read(copy):
    copy.live().chmod(0o644)
    with duckdb.connect(str(copy.live())) as connection:
        connection.execute("update meta.build set schema_version = 99")
    with pytest.raises(WarehouseError, match=rf"of aigap \(tables 99, this one reads {SCHEMA_VERSION}\)"):
        open_published(copy)


def test_reading_imports_nothing_slow(home):
    code = (
        "import sys\nfrom pathlib import Path\nfrom warehouse.store.home import Home\n"
        "from warehouse.readers.read import open_published, query, run_select\n"
        "with open_published(Home(Path(sys.argv[1]))) as c:\n"
        "    run_select(c, 'from marts.ai_revenue_gap')\n"
        "slow = ('dagster', 'dbt', 'pandas', 'numpy', 'pyarrow', 'lxml', 'requests', 'hashlib')\n"
        "print([m for m in slow if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home.root)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
