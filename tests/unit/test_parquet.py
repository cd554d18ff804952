"""`--format parquet`: what DuckDB may write, and what becomes of a query that fails."""

from pathlib import Path

import duckdb
import pytest

from orchestration.commands import main as cli
from support.small_warehouse import published_home
from warehouse.errors import Mistake, WarehouseError
from warehouse.readers.read import copy_parquet, open_published

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = published_home(tmp_path_factory.mktemp("parquet"))
    return home


@pytest.fixture
def run(home, capsys):
    def command(*arguments):
        code = cli.main([*map(str, arguments), "--home", str(home.root)])
        return (code, *capsys.readouterr())

    return command


def saved(path):
    with duckdb.connect() as connection:
        return connection.execute(f"from '{path}'").fetchall()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select 1 as a, 0.5 as b", 1),
        ("select 1 as a;", 1),
        ("select ';' as a ; -- done;", 1),
        ("select 'ü;' as a -- ; ü\n;;", 1),
        ("with a as (select 1 as x) from a /* ; */", 1),
        ("describe marts.citations", 18),
        ("values (1, 2), (3, 4)", 2),
        ("from range(20000)", 20_000),
        ("from gap_with(0.4, 0.5)", 2),
    ],
)
def test_any_one_query_can_be_saved(run, tmp_path, query, rows):
    assert run("sql", query, "--format", "parquet", "--out", tmp_path / "a.parquet") == (0, "", "")
    assert len(saved(tmp_path / "a.parquet")) == rows
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_the_order_of_the_rows_stays(run, tmp_path):
    assert (
        run("sql", "from range(5000) as r(i) order by i desc", "--format", "parquet", "--out", tmp_path / "a")[0] == 0
    )
    assert saved_as_list(tmp_path / "a") == list(range(4999, -1, -1))


def saved_as_list(path):
    with duckdb.connect() as connection:
        return [row[0] for row in connection.execute(f"from read_parquet('{path}')").fetchall()]


def test_an_older_file_is_replaced_only_by_a_whole_new_one(run, tmp_path):
    path = tmp_path / "a.parquet"
    assert run("sql", "select 1 as a", "--format", "parquet", "--out", path)[0] == 0
    code, out, err = run("sql", "select error('no') as a", "--format", "parquet", "--out", path)
    assert (code, out) == (2, "")
    assert saved(path) == [(1,)]
    assert run("sql", "select 2 as a", "--format", "parquet", "--out", path)[0] == 0
    assert saved(path) == [(2,)]
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("drop table marts.citations", "aigap sql only reads"),
        ("copy (select 1) to '/tmp/x.parquet'", "aigap sql only reads"),
        ("select 1) to '/tmp/x.parquet'; --", "syntax error"),
        ("select 1; select 2", "one statement at a time"),
        ("explain select 1", "a plan is no table"),
        ("from read_csv('/etc/passwd')", "disabled by configuration"),
        ("", "there is no query"),
    ],
)
def test_it_refuses_what_aigap_sql_refuses(run, tmp_path, query, message):
    code, out, err = run("sql", query, "--format", "parquet", "--out", tmp_path / "a.parquet")
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_the_connection_may_write_that_file_and_no_other(home, tmp_path):
    allowed, other = tmp_path / "it's allowed", tmp_path / "other"
    other.write_text("mine")
    with open_published(home, may_write=allowed) as connection:
        assert copy_parquet(connection, "select 1 as a", allowed) == 1
        with pytest.raises(Mistake, match="disabled by configuration"):
            copy_parquet(connection, "select 1 as a", other)
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"copy (select 1) to '{other}'")
        with pytest.raises(duckdb.Error):
            connection.execute("set allowed_paths = ['/']")
        with pytest.raises(duckdb.Error):
            connection.execute("create table marts.x (i integer)")
    assert other.read_text() == "mine"
    with open_published(home) as connection, pytest.raises(Mistake, match="disabled by configuration"):
        copy_parquet(connection, "select 1 as a", allowed)


def test_a_query_that_runs_too_long_leaves_nothing(run, tmp_path):
    endless = "select sum(a.i * b.i) as s from range(10000000) as a(i), range(10000000) as b(i)"
    code, _, err = run("sql", endless, "--format", "parquet", "--out", tmp_path / "a.parquet", "--timeout", "0.2")
    assert code == 2
    assert "longer than 0.2 seconds" in err
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_not_blamed_on_the_published_file(home):
    with open_published(home, may_write=FULL) as connection, pytest.raises(WarehouseError) as raised:
        copy_parquet(connection, "from range(100000)", FULL)
    assert "cannot be written to" in str(raised.value)
    assert "damaged" not in str(raised.value)


def test_without_a_file_to_write_it_says_what_is_missing(run):
    for command in (["show"], ["sql", "select 1"]):
        code, out, err = run(*command, "--format", "parquet")
        assert (code, out) == (2, "")
        assert "--format parquet --out gap.parquet" in err


def test_the_published_file_is_not_replaced_by_an_answer(run, home):
    before = home.live()
    for style in ("csv", "parquet"):
        code, _, err = run("sql", "select 1 as a", "--format", style, "--out", home.published)
        assert code == 2
        assert "is named as a database is" in err
    assert home.live() == before


def test_show_refuses_an_unknown_scenario_as_ever(run, tmp_path):
    code, _, err = run("show", "--scenario", "nope", "--format", "parquet", "--out", tmp_path / "a.parquet")
    assert code == 2
    assert "there is no scenario 'nope'" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("style", ["table", "md", "csv", "json"])
def test_text_goes_to_a_file_too(run, tmp_path, style):
    assert run("sql", "select 1 as a", "--format", style, "--out", tmp_path / "a.txt") == (0, "", "")
    assert run("sql", "select 1 as a", "--format", style)[1] == (tmp_path / "a.txt").read_text("utf-8")
