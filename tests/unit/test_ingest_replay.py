"""Replay: archived bytes to records, offline; what cannot be read is set aside, the rest goes on."""

import random
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ingest import replay as replay_module
from ingest.archive import Archive
from ingest.records import FACTS, FILINGS, PAYLOADS, SET_ASIDE
from ingest.replay import outdated, replay
from support import tiny
from support.tiny import CIK, Q1, Q2, Q3

AT = datetime(2026, 9, 1, tzinfo=UTC)


def put(archive, data, path, kind, report=None, at=AT, **about):
    if report:
        about |= dict(accession=report.accession, form=report.form, filed_on=report.filed)
    return archive.put(data, f"https://{path}", kind=kind, retrieved_at=at, cik=CIK, **about)


def put_document(archive, report, data=None, at=AT, **about):
    kind = "inline_xbrl" if report.inline else "xbrl_instance"
    body = data or (tiny.inline if report.inline else tiny.instance)(report)
    return put(archive, body, f"{tiny.folder(report.accession)}/{report.document}", kind, report, at, **about)


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path)


@pytest.fixture
def full(archive):
    """Two filings with everything around them."""
    for path, body in tiny.site([Q1, Q2]).items():
        kinds = {"submissions": "submissions", "companyfacts": "companyfacts", "index.json": "filing_index"}
        if kind := next((kind for part, kind in kinds.items() if part in path), None):
            put(archive, body, path, kind)
    put_document(archive, Q1)
    put_document(archive, Q2)
    return archive


def test_an_empty_archive_gives_empty_tables(archive):
    result = replay(archive)
    assert (result.facts.schema, result.filings.schema, result.payloads.schema) == (FACTS, FILINGS, PAYLOADS)
    assert result.facts.num_rows == result.filings.num_rows == result.payloads.num_rows == 0


def test_documents_come_before_company_facts_and_carry_their_source(full):
    result = replay(full)
    rows = result.facts.to_pylist()
    assert [(r["source_kind"], r["accession"], r["value"]) for r in rows] == [
        ("xbrl_instance", Q1.accession, 100),
        ("xbrl_instance", Q2.accession, 120),
        ("companyfacts", Q1.accession, 100),
        ("companyfacts", Q2.accession, 120),
    ]
    assert rows[0]["sha256"] in result.payloads["sha256"].to_pylist()
    assert rows[0]["source_url"].endswith(f"{Q1.stem}_htm.xml")
    assert (rows[0]["period_start"], rows[0]["period_end"], rows[0]["form"]) == (Q1.start, Q1.end, "10-Q")
    assert result.filings["accession"].to_pylist() == [Q2.accession, Q1.accession]


def test_every_payload_is_accounted_for(full):
    status = {row["kind"]: (row["status"], row["error"]) for row in replay(full).payloads.to_pylist()}
    assert status == {
        "submissions": ("parsed", None),
        "companyfacts": ("parsed", None),
        "xbrl_instance": ("parsed", None),
        "filing_index": ("kept", None),
    }


def test_what_is_loaded_is_not_parsed_again(full, monkeypatch):
    first = replay(full)
    put_document(full, Q3)
    second = replay(full, loaded=set(first.payloads["sha256"].to_pylist()))
    assert second.facts["accession"].to_pylist() == [Q3.accession]
    assert second.payloads.num_rows == 1


def test_replay_needs_no_network(full, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    assert replay(full).facts.num_rows == 4


def test_inline_and_extracted_forms_of_a_filing_give_the_same_fact(archive):
    put_document(archive, Q1)
    put_document(archive, Q1._replace(inline=True))
    rows = replay(archive).facts.to_pylist()
    assert [row["source_kind"] for row in rows] == ["inline_xbrl", "xbrl_instance"]
    same = [{k: row[k] for k in ("concept", "unit", "period_start", "period_end", "value", "decimals")} for row in rows]
    assert same[0] == same[1]


BAD = {
    "not xml": (b"<xbrl>&", "not an XBRL instance"),
    "a 403 page": (b"<!DOCTYPE html><html><title>Request Rate Threshold Exceeded</title></html>", "wait ten minutes"),
    "another company": (tiny.instance(Q2, "0000000077"), "speaks of CIK 0000000077"),
    "another form": (tiny.instance(Q2._replace(form="8-K")), "filed as 10-Q, but its cover says '8-K'"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_a_bad_document_is_set_aside_and_the_rest_goes_on(full, data, message):
    sha256 = put_document(full, Q3, data)
    told = []
    result = replay(full, on_progress=told.append)
    assert result.facts.num_rows == 4
    (row,) = [row for row in result.payloads.to_pylist() if row["sha256"] == sha256]
    assert row["status"] == "quarantined"
    assert message in row["error"]
    assert any("set aside" in line and Q3.accession in line for line in told)
    (aside,) = result.set_aside.to_pylist()
    assert (aside["kind"], aside["accession"], aside["sha256"]) == ("filing", Q3.accession, sha256)
    assert aside["reason"] == row["error"]


@pytest.mark.parametrize("form", ["10-Q/A", "10-QT", "10-QT/A"])
def test_a_cover_may_leave_amendment_and_transition_out(archive, form):
    put_document(archive, Q2._replace(form=form), tiny.instance(Q2))
    assert replay(archive).facts["form"].to_pylist() == [form]


def test_a_damaged_payload_is_never_used(full):  # T48
    entry = next(entry for entry in full.entries() if entry.accession == Q2.accession)
    (full.root / entry.sha256[:2] / entry.sha256).write_bytes(tiny.instance(Q2._replace(revenue=999)))
    result = replay(full)
    assert 999 not in result.facts["value"].to_pylist()
    (row,) = [row for row in result.payloads.to_pylist() if row["status"] == "quarantined"]
    assert "is damaged" in row["error"]


def test_a_sidecar_without_its_filing_sets_the_payload_aside(archive):
    put(archive, tiny.instance(Q1), "x_htm.xml", "xbrl_instance")
    (row,) = replay(archive).payloads.to_pylist()
    assert "does not say which filing" in row["error"]


def test_a_parsers_own_mistake_does_not_take_the_others_down(full, monkeypatch):
    def broken(data, url, sha256):
        raise KeyError("oops")

    monkeypatch.setattr(replay_module, "read_companyfacts", broken)
    result = replay(full)
    assert result.facts.num_rows == 2
    (row,) = [row for row in result.payloads.to_pylist() if row["status"] == "quarantined"]
    assert "KeyError: 'oops'" in row["error"]


def with_fact(report, name, *texts, **attributes):
    """The report's document with one more fact, stated as often as there are texts."""
    given = {"contextRef": "c", "unitRef": "u", "decimals": "0", **attributes}
    written = " ".join(f'{key}="{value}"' for key, value in given.items())
    more = "".join(f"<{name} {written}>{text}</{name}>" for text in texts)
    return tiny.instance(report).replace(b"</xbrli:xbrl>", f"{more}</xbrli:xbrl>".encode())


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("us-gaap:Assets", "1e400"), "1e400 does not fit"),
        (("us-gaap:Assets", "0.12345678901"), "0.12345678901 does not fit"),
        (("us-gaap:Assets", "many"), "'many' is not a number"),
    ],
)
def test_one_odd_fact_is_set_aside_by_name_and_the_filing_is_used(full, more, reason):
    put_document(full, Q3, with_fact(Q3, *more))
    told = []
    result = replay(full, on_progress=told.append)
    assert (Q3.accession, Q3.revenue) in [(r["accession"], r["value"]) for r in result.facts.to_pylist()]
    assert result.set_aside.schema == SET_ASIDE
    (row,) = result.set_aside.to_pylist()
    assert reason in row["reason"]
    assert (row["kind"], row["cik"], row["accession"], row["concept"]) == ("fact", CIK, Q3.accession, more[0])
    assert (row["period_start"], row["period_end"]) == (Q3.start, Q3.end)
    assert any(Q3.accession in line and "1 set aside" in line for line in told)


def test_a_line_with_two_values_sets_that_line_aside_alone(archive):
    put_document(archive, Q1, with_fact(Q1, "us-gaap:Other", "1", "2"))
    result = replay(archive)
    assert [(r["concept"], r["value"]) for r in result.facts.to_pylist()] == [("us-gaap:Revenues", Q1.revenue)]
    (row,) = result.set_aside.to_pylist()
    assert (row["kind"], row["concept"]) == ("fact", "us-gaap:Other")
    assert row["stated"] == "USD 1 (decimals 0) and 2 (decimals 0)"


@pytest.mark.parametrize("value", ["1e19", "9999999999999999999999999999"])
def test_a_value_that_fits_is_kept_however_large(archive, value):
    put_document(archive, Q1, with_fact(Q1, "us-gaap:Assets", value))
    result = replay(archive)
    assert Decimal(value) in result.facts["value"].to_pylist()
    assert result.set_aside.num_rows == 0


def late(report, by=60):
    """The report's document with its period moved beyond the filing."""
    return tiny.instance(report).replace(str(report.end).encode(), str(report.end + timedelta(days=by)).encode())


def test_a_filing_of_impossible_facts_alone_is_named(archive):
    put_document(archive, Q1, late(Q1))
    result = replay(archive)
    assert result.facts.num_rows == 0
    (row,) = result.set_aside.to_pylist()
    assert (row["kind"], row["accession"], row["stated"]) == ("filing", Q1.accession, "10-Q")
    assert row["reason"].startswith("none of its 1 facts can be used; the first, us-gaap:Revenues: its period ends")


def test_an_impossible_fact_among_others_is_named_by_itself(archive):
    context = tiny.instance(Q1)
    start = context.index(b"<xbrli:context")
    end = context.index(b"</xbrli:context>") + len(b"</xbrli:context>")
    again = context[start:end].replace(b'id="c"', b'id="late"').replace(str(Q1.end).encode(), b"2030-01-01")
    data = with_fact(Q1, "us-gaap:Revenues", "7", contextRef="late").replace(
        b"<xbrli:context", again + b"<xbrli:context", 1
    )
    put_document(archive, Q1, data)
    result = replay(archive)
    assert result.facts["value"].to_pylist() == [Q1.revenue]
    (row,) = result.set_aside.to_pylist()
    assert (row["kind"], str(row["period_end"])) == ("fact", "2030-01-01")


def test_a_filing_stands_once_for_each_list_that_names_it(archive):
    put(archive, tiny.site([Q1])[tiny.list_path()], tiny.list_path(), "submissions")
    put(archive, tiny.site([Q1, Q2])[tiny.list_path()], tiny.list_path(), "submissions", at=AT + timedelta(days=1))
    result = replay(archive)
    assert sorted(result.filings["accession"].to_pylist()) == sorted([Q1.accession, Q1.accession, Q2.accession])


# --- one address, other bytes ------------------------------------------------------------------------------


def test_of_a_document_the_newest_retrieval_is_the_one_read(archive):
    old = put_document(archive, Q1, tiny.instance(Q1._replace(revenue=1000)))
    new = put_document(archive, Q1, at=AT + timedelta(days=1))
    for result in (replay(archive), replay(archive, loaded={old})):
        assert result.facts["value"].to_pylist() == [Q1.revenue]
        assert result.payloads["sha256"].to_pylist() == [new]
    assert replay(archive, loaded={new}).payloads.num_rows == 0
    assert archive.is_intact(old)


def test_a_document_that_cannot_be_read_leaves_the_one_before_it_in_force(archive):
    good = put_document(archive, Q1)
    bad = put_document(archive, Q1, b"<xbrl>&", at=AT + timedelta(days=1))
    result = replay(archive)
    assert result.facts["value"].to_pylist() == [Q1.revenue]
    assert {row["sha256"]: row["status"] for row in result.payloads.to_pylist()} == {good: "parsed", bad: "quarantined"}
    assert replay(archive, loaded={good}).payloads["sha256"].to_pylist() == [bad]


def test_what_was_read_and_holds_no_more_is_named(archive):
    nothing = PAYLOADS.empty_table()
    put_document(archive, Q1, tiny.instance(Q1._replace(revenue=1000)))
    put_document(archive, Q2)
    first = replay(archive)
    known = set(first.payloads["sha256"].to_pylist())
    assert outdated(archive, nothing, first.payloads, replay(archive, known)) == []
    put_document(archive, Q1, at=AT + timedelta(days=1))
    (line,) = outdated(archive, nothing, first.payloads, replay(archive, known))
    assert f"{Q1.stem}_htm.xml" in line
    assert "was served again with other bytes" in line
    gone = next(entry for entry in archive.entries() if entry.accession == Q2.accession)
    (archive.root / gone.sha256[:2] / gone.sha256).unlink()
    lines = outdated(archive, nothing, first.payloads, replay(archive, known))
    assert [line.rpartition(") ")[2] for line in lines] == ["was served again with other bytes", "is gone"]
    assert outdated(archive, first.payloads, first.payloads, replay(Archive(archive.root / "empty"))) == []


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_retrieval_does_not_matter(tmp_path, seed):
    sources = [
        (tiny.company_facts([Q1]), tiny.facts_path(), "companyfacts", None),
        (tiny.company_facts([Q1, Q2]), tiny.facts_path(), "companyfacts", None),
        (tiny.site([Q1])[tiny.list_path()], tiny.list_path(), "submissions", None),
        (tiny.site([Q1, Q2])[tiny.list_path()], tiny.list_path(), "submissions", None),
        *((tiny.instance(r), f"{tiny.folder(r.accession)}/{r.document}", "xbrl_instance", r) for r in (Q1, Q2, Q3)),
    ]
    results = []
    for order in (sources, random.Random(seed).sample(sources, len(sources))):
        archive = Archive(tmp_path / str(len(results)))
        for day, (data, path, kind, report) in enumerate(order):
            put(archive, data, path, kind, report, at=AT + timedelta(days=day))
        results.append(replay(archive))
    for name in ("facts", "filings"):
        one, other = (sorted(getattr(result, name).to_pylist(), key=str) for result in results)
        assert one == other
    columns = [name for name in PAYLOADS.names if name != "retrieved_at"]
    assert results[0].payloads.select(columns).equals(results[1].payloads.select(columns))
