import errno
import os
import shutil
import stat
from pathlib import Path

import duckdb
import pytest

from support.small_warehouse import INFO, MACROS, change_build, publish_small, small_home
from warehouse.errors import PublishError
from warehouse.store import verify
from warehouse.store.home import SCHEMA_VERSION, Home
from warehouse.store.publish import publish

pytestmark = pytest.mark.slow  # a generation or two a test, each looked over by another process


@pytest.fixture
def home(tmp_path):
    return small_home(tmp_path)


def rows(home, sql):
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


# --- what a generation holds ----------------------------------------------------------------------------


def test_a_generation_is_what_was_built_and_says_how(home):
    published = publish_small(home)
    assert published.generation == 1
    assert published.is_new
    assert published.rows["ai_revenue_gap"] == 3
    assert set(published.rows) > {"ai_revenue_gap", "scenarios", "citations"}
    assert home.live() == published.path == home.generations / "ai_revenue_gap-000001.duckdb"
    assert not os.path.isabs(os.readlink(home.published)), "the folder can be moved"
    assert stat.S_IMODE(published.path.stat().st_mode) == 0o444
    assert rows(home, "select gap_usd from marts.ai_revenue_gap where scenario = 'measured' order by all desc") == [
        (1324368000000,),
        (None,),
    ]
    assert rows(
        home,
        "select generation, schema_version, newest_filing_on::varchar, newest_accession, bundle_hash, curated_hash, "
        "content_hash, checks_passed, warnings from meta.build",
    ) == [(1, SCHEMA_VERSION, "2026-08-26", "0001045810-26-000081", "b" * 64, "c" * 64, published.content_hash, 3, [])]
    assert rows(home, "select accession, status from meta.processed_accessions order by all") == [
        ("0001045810-26-000081", "parsed"),
        ("0001045810-26-000082", "quarantined"),
    ]
    assert rows(home, "select distinct schema_name from duckdb_tables() order by all") == [("marts",), ("meta",)]


def test_keys_not_null_and_comments_come_along(home):
    publish_small(home)
    assert rows(home, "select comment from duckdb_tables() where table_name = 'ai_revenue_gap'") == [
        ("The gap; it's by calendar quarter and scenario.",)
    ]
    column = "schema_name = 'marts' and column_name = 'gap_usd' and comment is not null"
    assert rows(home, f"select comment from duckdb_columns() where {column}") == [
        ("required_revenue_usd - ai_revenue_usd, whole USD.",)
    ]
    assert rows(home, "select count(*) from duckdb_columns() where schema_name = 'meta' and comment is null") == [(0,)]
    assert rows(
        home,
        "select constraint_type, count(*) from duckdb_constraints() where table_name = 'ai_revenue_gap' group by all "
        "order by all",
    ) == [("NOT NULL", 12), ("PRIMARY KEY", 1)]


def test_macros_answer_with_and_without_their_schema(home):
    publish_small(home)
    assert rows(home, "select count(*) from marts.explain_gap('2026Q2')") == [(4,)]
    assert rows(home, "from explain_gap('2026Q2')") == rows(home, "from marts.explain_gap('2026Q2')")
    assert rows(home, "select spend_usd from gap_with(0.25, 0.5) where calendar_quarter = '2026Q2'") == [
        (1424368000000,)
    ]


def test_warnings_are_published_beside_the_numbers(home):
    publish(home, INFO._replace(warnings=("benchmark 'x' is off", "b")), macros=MACROS)
    assert rows(home, "select warnings from meta.build") == [(["benchmark 'x' is off", "b"],)]


# --- when nothing changed -------------------------------------------------------------------------------


def test_nothing_new_publishes_nothing_unless_forced(home):
    first = publish_small(home)
    second = publish_small(home)
    assert (second.generation, second.is_new, second.content_hash, second.rows) == (
        1,
        False,
        first.content_hash,
        first.rows,
    )
    forced = publish_small(home, force=True)
    assert (forced.generation, forced.is_new, forced.content_hash) == (2, True, first.content_hash)


@pytest.mark.parametrize(
    "change",
    [
        "update marts.ai_revenue_gap set gap_usd = gap_usd + 1 where scenario = 'cahn_method'",
        "comment on column marts.ai_revenue_gap.scenario is 'another description'",
        "insert into raw.payloads values ('9', 'u', '0000000000-26-000001', 'inline_xbrl', 1, null, 'parsed', null)",
    ],
    ids=["a number", "a description", "a filing without news"],
)
def test_anything_a_reader_could_notice_is_published(home, change):
    publish_small(home)
    change_build(home, change)
    assert publish_small(home).generation == 2


def test_other_macros_or_inputs_are_published(home):
    publish_small(home)
    assert publish(home, INFO, macros=MACROS + "\n-- v2").generation == 2
    assert publish(home, INFO._replace(curated_hash="d" * 64), macros=MACROS + "\n-- v2").generation == 3


# --- the content hash -------------------------------------------------------------------------------------


def test_content_hash_does_not_depend_on_row_order_or_clock_zone(tmp_path):
    hashes = set()
    for order, zone in (("asc", "UTC"), ("desc", "Asia/Tokyo")):
        with duckdb.connect(str(tmp_path / order)) as connection:
            connection.execute(
                f"set TimeZone = '{zone}'; create schema marts; create table marts.t as select i, i::varchar as s, "
                "timestamptz '2026-01-01 00:00:00+00' + interval (i) hour as h "
                f"from range(500) as r(i) order by i {order}"
            )
            hashes.add(verify.schema_hash(connection, "marts")[1])
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select '' as a", "select null::varchar as a"),
        ("select 'a,' as a, 'b' as b", "select 'a' as a, ',b' as b"),
        ("select 'N' as a", "select null::varchar as a"),
        ("select 1 as a", "select 1 as b"),
        ("select 1 as a", "select 1::bigint as a"),
        ("select 1 as a", "select 1 as a union all select 1"),
        ("select 1 as a where false", "select 1 as b where false"),
        ("select '2:ab' as a, 'c' as b", "select '2:a' as a, 'bc' as b"),
    ],
)
def test_content_hash_tells_tables_apart(one, other):
    with duckdb.connect() as connection:
        connection.execute(f"create table t as {one}; create schema o; create table o.t as {other}")
        assert verify.table_hash(connection, "main", "t") != verify.table_hash(connection, "o", "t")


# --- refusing to publish ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("drop table marts.citations", "marts.citations was not built"),
        ("alter table marts.coverage drop reason_missing", "marts.coverage lacks reason_missing"),
        ("create view marts.v as select 1 as a", "marts.v is a view"),
        ("delete from marts.ai_revenue_gap", "marts.ai_revenue_gap has no rows"),
    ],
)
def test_incomplete_marts_are_not_published(home, change, message):
    live = publish_small(home).path
    change_build(home, change)
    with pytest.raises(PublishError, match=message):
        publish_small(home)
    assert home.live() == live
    assert os.listdir(home.generations) == [live.name]


def test_what_readers_have_goes_where_that_is_asked_for(home, monkeypatch):
    publish_small(home)
    change_build(home, "alter table marts.coverage drop reason_missing")
    assert publish_small(home, force=True).is_new
    change_build(home, "drop table marts.coverage")
    monkeypatch.setattr("warehouse.store.publish.SCHEMA_VERSION", SCHEMA_VERSION + 1)
    assert publish_small(home).is_new


def test_a_macro_that_does_not_bind_stops_the_publish(home):
    live = publish_small(home).path
    with pytest.raises(PublishError, match="nowhere"):
        publish(home, INFO, macros="create or replace macro marts.bad(x) as table select nowhere from marts.coverage;")
    assert home.live() == live
    assert os.listdir(home.generations) == [live.name]


def test_without_a_build_file_it_says_what_to_run(home):
    home.build.unlink()
    with pytest.raises(PublishError, match="run aigap refresh"):
        publish_small(home)


def test_a_build_file_that_is_still_open_is_not_published(home):
    with duckdb.connect(str(home.build)) as connection:
        connection.execute("update marts.ai_revenue_gap set gap_usd = 1 where scenario = 'measured'")
        with pytest.raises(PublishError, match="is still open"):
            publish_small(home)
    assert publish_small(home).is_new


def test_a_plain_file_in_the_links_place_is_never_overwritten(home):
    home.published.write_bytes(b"mine")
    with pytest.raises(Exception, match="is not the symbolic link"):
        publish_small(home)
    assert home.published.read_bytes() == b"mine"


# --- what fails after readers see it, and links that somebody laid -----------------------------------------------


def test_a_sync_that_fails_after_the_link_moved_is_told_as_it_is(home, monkeypatch):
    """Readers see the new numbers: nobody may be told that the published ones are unchanged."""
    before = publish_small(home)
    change_build(home, "update marts.ai_revenue_gap set gap_usd = gap_usd + 1 where scenario = 'cahn_method'")
    fsync, moved = os.fsync, []

    def fails_once_readers_see_it(handle):
        if home.live() != before.path:
            moved.append(os.readlink(f"/proc/self/fd/{handle}"))
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fails_once_readers_see_it)
    done = publish_small(home)
    assert moved == [str(home.root)]
    assert (done.is_new, done.generation, home.live()) == (True, 2, done.path)
    assert f"readers see {done.path.name}, but whether that outlives a power cut is not known" in done.warning
    assert "Input/output error" in done.warning
    monkeypatch.undo()
    assert publish_small(home, force=True).warning == ""


@pytest.mark.parametrize("folder", ["generations", "file"])
def test_a_sync_that_fails_before_leaves_readers_what_they_had(home, monkeypatch, folder):
    before = publish_small(home)
    fsync = os.fsync

    def fails(handle):
        if Path(os.readlink(f"/proc/self/fd/{handle}")).is_dir() is (folder == "generations"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(PublishError, match="Input/output error; the published numbers are unchanged"):
        publish_small(home, force=True)
    assert home.live() == before.path
    monkeypatch.undo()
    assert publish_small(home, force=True).is_new


def test_clearing_up_that_fails_after_the_link_moved_is_no_failure(home, monkeypatch):
    for _ in range(3):
        publish_small(home, force=True)

    def fails(*_):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("warehouse.store.publish._collect", fails)
    assert publish_small(home, force=True).generation == 4


def test_nothing_is_written_through_a_link_that_lies_in_the_way(home, tmp_path):
    """Of every name that can be known before: those of earlier versions, with this process's number."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    home.generations.mkdir()
    for path in (home.generations / f".new-{os.getpid()}.duckdb", home.root / f".link-{os.getpid()}"):
        path.symlink_to(victim)
    (tmp_path / "folder").mkdir()
    (home.generations / ".new-spill").symlink_to(tmp_path / "folder")
    publish_small(home)
    assert victim.read_text() == "mine"
    assert os.listdir(tmp_path / "folder") == []
    assert not home.live().is_symlink()


ODD = [
    "a # 100% of %41 {x}{{y}}", "quote'd \"twice\"; drop table x; --", "-[a-z]* $(id) `id`\nnew line",
    " ünï 名前 \\ &=+:@ ",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_home_may_be_called_anything(home, tmp_path, name):
    odd = Home(home.root.rename(tmp_path / name))
    done = publish_small(odd)
    assert rows(odd, "select count(*) from marts.ai_revenue_gap") == [(3,)]
    assert publish_small(odd, force=True).generation == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {p.name for p in odd.generations.iterdir()} == {done.path.name, odd.live().name}


# --- generations ----------------------------------------------------------------------------------------------


def test_three_generations_are_kept_and_numbers_grow(home):
    for expected in range(1, 6):
        assert publish_small(home, force=True).generation == expected
    assert home.generation_numbers() == [3, 4, 5]
    shutil.rmtree(home.generations)
    assert publish_small(home).generation == 6, "the link remembers the number of the lost generation"


def test_leftovers_of_killed_publishes_are_cleared(home):
    home.generations.mkdir()
    (home.generations / ".new-1.duckdb").write_bytes(b"x")
    (home.generations / ".new-1.duckdb.wal").write_bytes(b"x")
    (home.generations / ".new-spill").mkdir()
    (home.generations / ".new-spill" / "a").touch()
    os.symlink("nowhere", home.root / ".link-1")
    publish_small(home)
    assert os.listdir(home.generations) == ["ai_revenue_gap-000001.duckdb"]
    assert not [name for name in os.listdir(home.root) if name.startswith(".link")]


def test_a_reproducible_build_says_when_it_was(home, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764547200")
    publish_small(home)
    assert rows(home, "select epoch(built_at)::bigint from meta.build") == [(1764547200,)]
