"""What the raw tables hold follows from the payloads that are there, never from which runs read them or when.

The archive of one small company grows, loses payloads and gains others at the same addresses; after each step a build
file that has seen every step before is compared with one made from nothing.
"""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.archive import Archive
from ingest.bundle import build_bundle, read_bundle, verify_bundle
from ingest.records import FACTS, FILINGS, PAYLOADS
from ingest.shipping import Bundle
from orchestration import assets
from support import tiny
from support.tiny import CIK, Q1, Q2
from warehouse.store.home import Home
from warehouse.store.load import open_build

AT = datetime(2026, 9, 1, tzinfo=UTC)
TABLES = ("xbrl_facts", "fact_conflicts", "filings", "payloads", "set_aside")
pytestmark = pytest.mark.slow

NOTHING = assets._Curated(None, {})  # no curated table is loaded here


def url_of(path):
    return f"https://{path}"


def document_url(report):
    return url_of(f"{tiny.folder(report.accession)}/{report.document}")


def shipped() -> Bundle:
    where = dict(cik=CIK, accession=Q1.accession, form="10-Q", filed_on=date.fromisoformat(Q1.filed))
    where |= dict(source_url=document_url(Q1), sha256="b" * 64)
    period = dict(period_start=Q1.start, period_end=Q1.end)
    fact = dict(concept="us-gaap:Revenues", dimensions="", unit="USD", value=90, decimals="0", **period)
    facts = pa.Table.from_pylist([where | fact | dict(source_kind="xbrl_instance")], FACTS)
    read = dict(sha256="b" * 64, url=document_url(Q1), accession=Q1.accession, kind="xbrl_instance", status="parsed")
    return Bundle(
        facts,
        pa.Table.from_pylist([where], FILINGS),
        pa.Table.from_pylist([read], PAYLOADS),
        manifest={"sources": [{**read, "rows": 1}]},
        content_hash="",
    )


def _conflicted(report):
    more = b'<us-gaap:Revenues contextRef="c" unitRef="u" decimals="0">7</us-gaap:Revenues></xbrli:xbrl>'
    return tiny.instance(report).replace(b"</xbrli:xbrl>", more)


_FACTS, _LIST = tiny.facts_path(), tiny.list_path()
INLINE = Q2._replace(inline=True)
#: What EDGAR may serve: address, kind, report, body.
SERVED = {
    "Q1": (document_url(Q1), "xbrl_instance", Q1, tiny.instance(Q1)),
    "Q1 wrong": (document_url(Q1), "xbrl_instance", Q1, tiny.instance(Q1._replace(revenue=1000))),
    "Q1 broken": (document_url(Q1), "xbrl_instance", Q1, b"<xbrl>&"),
    "Q2": (document_url(Q2), "xbrl_instance", Q2, tiny.instance(Q2)),
    "Q2 x10": (document_url(Q2), "xbrl_instance", Q2, tiny.instance(Q2._replace(revenue=Q2.revenue * 10))),
    "Q2 in doubt": (document_url(Q2), "xbrl_instance", Q2, _conflicted(Q2)),
    "Q2 inline": (document_url(INLINE), "inline_xbrl", INLINE, tiny.inline(INLINE._replace(revenue=121))),
    "facts": (url_of(_FACTS), "companyfacts", None, tiny.company_facts([Q1, Q2])),
    "facts wrong": (url_of(_FACTS), "companyfacts", None, tiny.company_facts([Q1, Q2._replace(revenue=3)])),
    "facts odd": (
        url_of(_FACTS),
        "companyfacts",
        None,
        tiny.company_facts([Q1, Q2]).replace(f'"val":{Q2.revenue}'.encode(), b'"val":1e400'),
    ),
    "list": (url_of(_LIST), "submissions", None, tiny.site([Q1, Q2])[_LIST]),
    "list wrong": (url_of(_LIST), "submissions", None, tiny.site([Q1, Q2._replace(form="10-Q/A")])[_LIST]),
}


def rows_of(connection):
    return {table: connection.execute(f"from raw.{table} order by all").fetchall() for table in TABLES}


def put(archive, name, day):
    url, kind, report, body = SERVED[name]
    about = dict(accession=report.accession, form=report.form, filed_on=report.filed) if report else {}
    archive.put(body, url, kind=kind, retrieved_at=AT + timedelta(days=day), cik=CIK, **about)


def remove(archive, name):
    url, *_, body = SERVED[name]
    for entry in archive.entries():
        if entry.url == url and archive.holds(entry) and archive.get(entry.sha256) == body:
            for path in (archive.root / entry.sha256[:2]).glob(f"{entry.sha256}*"):
                path.unlink()


def load(connection, archive, bundle=None):
    said = []
    assets._load(connection, bundle or shipped(), archive, NOTHING, said.append)
    return said


def from_nothing(archive, folder, bundle=None):
    with open_build(Home(folder)) as connection:
        load(connection, archive, bundle)
        return rows_of(connection)


def values(rows):
    """Revenue by accession."""
    return {row[2]: int(row[10]) for row in rows["xbrl_facts"]}


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(SERVED))), min_size=2, max_size=6))
def test_any_history_gives_what_one_run_gives(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("history")
    archive = Archive(folder / "archive")
    with open_build(Home(folder / "home")) as connection:
        load(connection, archive)
        for day, (is_put, name) in enumerate(steps):
            put(archive, name, day) if is_put else remove(archive, name)
            load(connection, archive)
        assert rows_of(connection) == from_nothing(archive, folder / "anew")


#: What a record says, without which of several payloads that say the same it was read from.
_SAID = {"xbrl_facts": slice(None), "fact_conflicts": slice(0, -1), "filings": slice(0, 7), "set_aside": slice(None)}


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(SERVED))), min_size=2, max_size=6))
def test_what_is_sealed_gives_what_the_archive_gave(tmp_path_factory, steps):
    """A refresh from the new bundle alone is one from the old bundle and the archive beside it; a second release from
    an archive that went on growing is too."""
    folder = tmp_path_factory.mktemp("release")
    archive, bundle = Archive(folder / "archive"), shipped()
    for half, some in enumerate((steps[: len(steps) // 2], steps[len(steps) // 2 :])):
        for day, (is_put, name) in enumerate(some):
            put(archive, name, 10 * half + day) if is_put else remove(archive, name)
        if not list(archive.entries()):
            continue
        build_bundle(archive.root, folder / f"bundle-{half}", onto=shipped())
        verify_bundle(archive.root, folder / f"bundle-{half}")
        bundle = read_bundle(folder / f"bundle-{half}")
        both = from_nothing(archive, folder / f"both-{half}")
        alone = from_nothing(Archive(folder / "empty"), folder / f"alone-{half}", bundle)
        for table, said in _SAID.items():
            assert [row[said] for row in alone[table]] == [row[said] for row in both[table]], table
        assert from_nothing(archive, folder / f"beside-{half}", bundle)["xbrl_facts"] == both["xbrl_facts"]


@pytest.fixture
def world(tmp_path):
    with open_build(Home(tmp_path / "home")) as connection:
        yield connection, Archive(tmp_path / "archive")


def test_a_filing_ten_times_too_large_can_be_deleted_and_fetched_again(world):
    connection, archive = world
    put(archive, "Q2 x10", 1)
    load(connection, archive)
    assert values(rows_of(connection))[Q2.accession] == Q2.revenue * 10
    remove(archive, "Q2 x10")
    (said,) = [line for line in load(connection, archive) if "reading all payloads anew" in line]
    assert "is gone" in said
    assert Q2.accession not in values(rows_of(connection))
    put(archive, "Q2", 2)
    load(connection, archive)
    assert values(rows_of(connection))[Q2.accession] == Q2.revenue


def test_what_a_deleted_payload_had_displaced_comes_back(world):
    connection, archive = world
    put(archive, "facts", 1)
    put(archive, "Q2 x10", 2)
    load(connection, archive)
    assert values(rows_of(connection))[Q2.accession] == Q2.revenue * 10
    assert len(rows_of(connection)["fact_conflicts"]) == 2, "company facts say 120, and 100 where the bundle says 90"
    remove(archive, "Q2 x10")
    load(connection, archive)
    assert values(rows_of(connection))[Q2.accession] == Q2.revenue
    assert len(rows_of(connection)["fact_conflicts"]) == 1


def test_right_bytes_later_at_the_same_address_take_the_place_of_the_wrong_ones(world):
    connection, archive = world
    put(archive, "Q2 x10", 1)
    load(connection, archive)
    put(archive, "Q2", 2)
    (said,) = [line for line in load(connection, archive) if "reading all payloads anew" in line]
    assert "was served again with other bytes" in said
    assert values(rows_of(connection)) == {Q1.accession: 90, Q2.accession: Q2.revenue}
    assert not [line for line in load(connection, archive) if "anew" in line], "once"


def test_what_ships_gives_way_to_the_same_document_fetched_again(world):
    connection, archive = world
    load(connection, archive)
    assert values(rows_of(connection)) == {Q1.accession: 90}
    put(archive, "Q1", 1)
    load(connection, archive)
    assert values(rows_of(connection)) == {Q1.accession: Q1.revenue}
    assert rows_of(connection)["fact_conflicts"] == []
    put(archive, "Q1 broken", 2)
    load(connection, archive)
    assert values(rows_of(connection)) == {Q1.accession: Q1.revenue}


@pytest.mark.parametrize(("right", "wrong"), [("Q2", "Q2 x10"), ("list", "list wrong")])
def test_what_an_address_says_last_holds_also_where_it_had_said_so_before(world, right, wrong):
    connection, archive = world
    seen = []
    for day, name in enumerate((right, wrong, right)):
        put(archive, name, day)
        load(connection, archive)
        rows = rows_of(connection)
        seen.append((values(rows), [row[:4] for row in rows["filings"]]))
    assert seen[0] == seen[2] != seen[1]
