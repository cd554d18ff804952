"""Replay: archived bytes to records, offline; what cannot be read is set aside, the rest goes on."""

import random
import socket
from datetime import UTC, datetime, timedelta

import pytest

from ingest import replay as replay_module
from ingest.archive import Archive
from ingest.bundle import PAYLOADS
from ingest.records import FACTS, FILINGS
from ingest.replay import replay
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
    "a conflict": (
        tiny.instance(Q2).replace(
            b"</xbrli:xbrl>",
            b'<us-gaap:Revenues contextRef="c" unitRef="u" decimals="0">7</us-gaap:Revenues></xbrli:xbrl>',
        ),
        "us-gaap:Revenues",
    ),
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

    monkeypatch.setattr(replay_module, "parse_companyfacts", broken)
    result = replay(full)
    assert result.facts.num_rows == 2
    (row,) = [row for row in result.payloads.to_pylist() if row["status"] == "quarantined"]
    assert "KeyError: 'oops'" in row["error"]


def test_facts_whose_period_cannot_be_are_left_out_and_counted(archive):
    late = Q1._replace(filed="2026-05-28")
    data = tiny.instance(late).replace(str(late.end).encode(), b"2026-06-30")
    put_document(archive, late, data)
    result = replay(archive)
    assert (result.facts.num_rows, result.rejected_facts) == (0, 1)


def test_a_filing_listed_twice_stands_once(archive):
    put(archive, tiny.site([Q1])[tiny.list_path()], tiny.list_path(), "submissions")
    put(archive, tiny.site([Q1, Q2])[tiny.list_path()], tiny.list_path(), "submissions", at=AT + timedelta(days=1))
    result = replay(archive)
    assert sorted(result.filings["accession"].to_pylist()) == [Q1.accession, Q2.accession]


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
    assert results[0].facts.equals(results[1].facts)
    assert results[0].filings.equals(results[1].filings)
    columns = [name for name in PAYLOADS.names if name != "retrieved_at"]
    assert results[0].payloads.select(columns).equals(results[1].payloads.select(columns))
