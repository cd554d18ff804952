"""Payloads that are not what they say, and bytes built to harm, are refused before any parser reads them."""

import gzip
import time
import tracemalloc
import zlib

import pytest

from ingest import payload
from ingest.parsers.xbrl import parse_inline, parse_instance
from ingest.payload import check_payload, gunzip
from ingest.records import PayloadError
from support.xbrl import inline, instance

SUBMISSIONS = b'{"cik":"0001045810","filings":{"recent":{"accessionNumber":[]},"files":[]}}'
COMPANYFACTS = b'{"cik":1045810,"entityName":"NVIDIA CORP","facts":{}}'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("companyfacts", COMPANYFACTS),
        ("submissions", SUBMISSIONS),
        ("submissions_page", b'{"accessionNumber":[],"filingDate":[]}'),
        ("filing_index", b'<!DOCTYPE html><html><a href="/Archives/edgar/data/1/2/a.htm">a</a></html>'),
        ("filing_index", b'{"directory":{"item":[]}}'),
        ("xbrl_instance", instance("")),
        ("xbrl_instance", instance("") + b"\n<!-- generated -->\n"),
        ("inline_xbrl", inline("")),
    ],
)
def test_the_right_payload_comes_back_decompressed(kind, body):
    assert check_payload(body, kind) == body
    assert check_payload(gzip.compress(body), kind) == body


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("companyfacts", b"", "payload is empty"),
        ("companyfacts", b" \n", "payload is empty"),
        ("companyfacts", b"<html><title>Undeclared Automated Tool</title></html>", "set SEC_USER_AGENT"),
        ("inline_xbrl", b"<html><title>SEC.gov | Request Rate Threshold Exceeded</title></html>", "wait ten minutes"),
        ("xbrl_instance", b"<Error><Code>NoSuchKey</Code></Error>", "404 answer"),
        ("submissions", b"<Error><Code>AccessDenied</Code></Error>", "403 answer"),
        ("xbrl_instance", b"<ownershipDocument><documentType>4</documentType></ownershipDocument>", "ownership form"),
        ("inline_xbrl", b"<SEC-DOCUMENT>0001045810-26-000024.txt", "full submission text file"),
        ("inline_xbrl", b"<html><body>A press release</body></html>", "HTML without inline XBRL"),
        ("inline_xbrl", instance(""), "not an inline XBRL document"),
        ("xbrl_instance", inline(""), "read it as inline_xbrl"),
        ("xbrl_instance", b"%PDF-1.7", "not an XBRL instance"),
        ("companyfacts", SUBMISSIONS, "JSON without facts"),
        ("submissions", COMPANYFACTS, "JSON without filings, accessionNumber"),
        ("companyfacts", COMPANYFACTS[:-5], "cut short"),
        ("inline_xbrl", inline("")[:-9], "cut short"),
        ("xbrl_instance", instance("")[:-9], "cut short"),
        ("companyfacts", b"\x1f\x8b" + b"rubbish", "damaged gzip"),
        ("companyfacts", gzip.compress(COMPANYFACTS, mtime=0)[:-10], "gzip cut short"),
        ("companyfacts", gzip.compress(COMPANYFACTS, mtime=0) + b"more", "bytes after its gzip stream"),
        ("filing_index", b"<html>nothing here</html>", "not a filing index"),
        ("filing_index", b"{}", "not a filing index"),
    ],
)
def test_the_wrong_payload_is_named_for_what_it_is(kind, body, message):
    with pytest.raises(PayloadError, match=message):
        check_payload(body, kind)


def test_what_a_real_filing_quotes_is_not_mistaken_for_an_error_page():
    text = "<p>Undeclared Automated Tool, Request Rate Threshold Exceeded</p>"
    assert check_payload(inline(text), "inline_xbrl")
    quoted = COMPANYFACTS.replace(b"NVIDIA CORP", b"Undeclared Automated Tool")
    assert check_payload(quoted, "companyfacts")


def test_an_unknown_kind_is_the_callers_mistake():
    with pytest.raises(ValueError, match="expected_kind must be one of"):
        check_payload(b"{}", "press_release")


def test_a_gzip_bomb_stops_at_the_cap_without_the_memory(monkeypatch):
    monkeypatch.setattr(payload, "MAX_BYTES", 1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    assert 200 * (1 << 20) / len(bomb) > 900  # more than 900:1
    tracemalloc.start()
    try:
        with pytest.raises(PayloadError, match="decompresses to more than 1048576 bytes"):
            gunzip(bomb)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_bodies_over_the_cap_are_refused(monkeypatch):
    monkeypatch.setattr(payload, "MAX_BYTES", 100)
    monkeypatch.setattr(payload, "MAX_COMPRESSED", 100)
    with pytest.raises(PayloadError, match="has 101 bytes, more than 100"):
        gunzip(b"x" * 101)
    with pytest.raises(PayloadError, match="compressed bytes, more than 100"):
        gunzip(b"\x1f\x8b" + b"x" * 100)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE = {
    "external entity": '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "external DTD": '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/evil.dtd">',
    "parameter entity": '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>',
    "billion laughs": f'<!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]>',
    "quadratic": f'<!DOCTYPE r [<!ENTITY q "{"q" * 100_000}">]>',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_doctype_is_refused_unread(name):
    for parse, document in ((parse_instance, instance("")), (parse_inline, inline(""))):
        hostile = document.replace(b"?>\n", b"?>\n" + HOSTILE[name].encode(), 1)
        start = time.perf_counter()
        with pytest.raises(PayloadError, match="DOCTYPE"):
            parse(hostile)
        assert time.perf_counter() - start < 0.1


def test_an_undefined_entity_is_not_text():
    with pytest.raises(PayloadError, match="not well-formed"):
        parse_inline(inline("<p>&nbsp;</p>"))


def test_a_depth_bomb_is_refused():
    with pytest.raises(PayloadError, match="not well-formed"):
        parse_inline(inline("<div>" * 5000 + "</div>" * 5000))


def test_encodings_that_could_hide_a_doctype_are_refused():
    for hidden in (
        instance("").decode().encode("utf-16"),
        instance("").replace(b'encoding="utf-8"', b'encoding="utf-7"'),
        instance("").replace(b'encoding="utf-8"', b"encoding='ibm037'"),
    ):
        with pytest.raises(PayloadError):
            parse_instance(hidden)
    assert parse_instance(b"\xef\xbb\xbf" + instance("")).entity == "0001045810"
    assert parse_instance(instance("").replace(b"utf-8", b"US-ASCII")).entity == "0001045810"


def test_markup_cut_inside_is_refused_not_repaired():
    whole = inline("<p>a</p><p>b</p>")
    with pytest.raises(PayloadError, match="not well-formed"):
        parse_inline(whole.replace(b"</p>", b"", 1))
