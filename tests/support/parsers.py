"""What every parser owes whatever bytes it is given: a sound result, or one of the errors it declares.

Belongs here: one target a parser, and valid documents to start from; tests/unit/test_parsers_fuzz.py and
fuzz/fuzz_parsers.py both run the targets. Does not belong here: breaking the documents.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

import pyarrow as pa

from ingest.curated import figures, files
from ingest.curated.corrections import parse_corrections
from ingest.parsers import companyfacts
from ingest.parsers.submissions import parse_submissions
from ingest.parsers.xbrl import (
    Document,
    facts_table,
    impossible_table,
    parse_inline,
    parse_instance,
    periodic_only,
    rejected_table,
    split_impossible,
)
from ingest.payload import KINDS, check_payload
from ingest.records import FACTS, FIGURES, FILINGS, SET_ASIDE, CuratedError, PayloadError
from support import fake_edgar, tiny, xbrl

SHA = "0" * 64
_API = "https://data.sec.gov/submissions/"


def _sound(table: pa.Table, schema: pa.Schema) -> None:
    """Every cell can be read: Arrow's own check covers offsets, UTF-8 and the width of a DECIMAL."""
    assert table.schema == schema
    table.validate(full=True)


def _sound_document(document: Document) -> None:
    table = facts_table(
        document,
        cik=document.entity.zfill(10),
        accession="0001045810-25-000209",
        form="10-Q",
        filed_on=date(2025, 8, 27),
        source_url="u",
        sha256=SHA,
    )
    _sound(table, FACTS)
    where = dict(cik="0001045810", accession="0001045810-25-000209", source_url="u", sha256=SHA)
    _sound(rejected_table(document, **where), SET_ASIDE)
    _sound(impossible_table(split_impossible(periodic_only(table))[1]), SET_ASIDE)
    assert all(isinstance(text, str) for text in document.cover.values())
    assert len(document.facts) + len(document.rejected) <= document.stated_count


def _payload(data: bytes) -> None:
    check_payload(data[1:], KINDS[data[0] % len(KINDS)] if data else KINDS[0])


def _company_facts(data: bytes) -> None:
    table, aside = companyfacts.read_companyfacts(data, "u", SHA)
    _sound(table, FACTS)
    _sound(aside, SET_ASIDE)
    body = check_payload(data, "companyfacts")
    if companyfacts._read_quickly(body) is not None:
        # The quick reading may accept what the strict one refuses, but never reads anything else.
        try:
            cik, series = companyfacts._series(companyfacts.strict_json(body))
            counts, rows, odd = companyfacts._strict_rows(series)
        except PayloadError:
            return
        assert not odd
        assert companyfacts._table(cik, series, counts, rows, "u", SHA) == table


def _submissions(name: str, data: bytes) -> None:
    _sound(parse_submissions(data, _API + name, SHA).filings, FILINGS)


def _figures(data: bytes) -> None:
    rows, refused = figures.parse_figures("figures.csv", data)
    _sound(pa.Table.from_pylist(rows, FIGURES), FIGURES)
    files.refused_table(refused)


#: Parser -> what runs it; it returns, or raises one of DECLARED.
TARGETS: dict[str, Callable[[bytes], object]] = {
    "payload": _payload,
    "instance": lambda data: _sound_document(parse_instance(data)),
    "inline": lambda data: _sound_document(parse_inline(data)),
    "companyfacts": _company_facts,
    "submissions": partial(_submissions, "CIK0000000042.json"),
    "submissions_page": partial(_submissions, "CIK0000000042-submissions-001.json"),
    "figures": _figures,
    "corrections": parse_corrections,
}
DECLARED = (PayloadError, CuratedError)


def survives(target: str, data: bytes) -> bool:
    """Run a target; whether the parser accepted the bytes. Anything but a declared error is raised."""
    try:
        TARGETS[target](data)
    except DECLARED:
        return False
    return True


# --- valid documents ------------------------------------------------------------------------------

_CUSTOMER = xbrl.explicit("srt:MajorCustomersAxis", "nvda:CustomerAMember") + xbrl.typed("nvda:LineAxis", "a line")
_RESOURCES = xbrl.CONTEXTS + xbrl.context("c2", "2025-04-28/2025-07-27T00:00:00", _CUSTOMER) + xbrl.UNITS
_COVER = {"DocumentType": "10-Q", "EntityCentralIndexKey": "0001045810", "AmendmentFlag": "false"}


def _instance() -> bytes:
    cover = "".join(f'<dei:{name} contextRef="c1">{text}</dei:{name}>' for name, text in _COVER.items())
    facts = [
        xbrl.fact("46743000000"),
        xbrl.fact("46700000000", decimals="-8"),
        xbrl.fact("-0.23", "us-gaap:ConcentrationRiskPercentage", unitRef="pure", contextRef="c2", decimals="2"),
        xbrl.fact("", "us-gaap:Goodwill", contextRef="i1", decimals=None, xsi_nil="true"),
        xbrl.fact("1.08", "us-gaap:EarningsPerShareBasic", unitRef="usdPerShare", decimals="INF"),
        xbrl.fact(
            "<xbrli:numerator>1</xbrli:numerator><xbrli:denominator>4</xbrli:denominator>",
            "us-gaap:Other",
            decimals="INF",
        ),
    ]
    return xbrl.instance(cover + "".join(facts), _RESOURCES)


def _inline() -> bytes:
    cover = "".join(
        f'<ix:nonNumeric name="dei:{name}" contextRef="c1">{text}</ix:nonNumeric>' for name, text in _COVER.items()
    )
    end = (
        '<ix:nonNumeric name="dei:DocumentPeriodEndDate" contextRef="c1" format="ixt:date-monthname-day-year-en"'
        ' continuedAt="k1">July 27, <ix:exclude>page 1</ix:exclude></ix:nonNumeric>'
        '<ix:continuation id="k1">2025</ix:continuation>'
    )
    numbers = [
        xbrl.non_fraction("46,743", format="ixt:num-dot-decimal", scale="6"),
        xbrl.non_fraction("1.234,5", "us-gaap:Costs", format="ixt:num-comma-decimal", sign="-"),
        xbrl.non_fraction("—", "us-gaap:Goodwill", format="ixt:fixed-zero", contextRef="i1"),
        xbrl.non_fraction("twenty-one", "nvda:Sites", format="ixt-sec:numwordsen", unitRef="pure", decimals="INF"),
        xbrl.non_fraction("", "us-gaap:Land", xsi_nil="true", decimals=None),
        xbrl.non_fraction(xbrl.non_fraction("7", "us-gaap:Inner"), "us-gaap:Outer"),
        '<ix:fraction name="us-gaap:Ratio" contextRef="c2" unitRef="pure"><ix:numerator>1</ix:numerator>'
        "<ix:denominator>4</ix:denominator></ix:fraction>",
    ]
    return xbrl.inline(cover + end + "<p>" + "</p><p>".join(numbers) + "</p>", _RESOURCES)


def _csv(name: str, lines: int) -> bytes:
    return b"".join((files.curated_dir() / name).read_bytes().splitlines(keepends=True)[:lines])


def seeds(target: str) -> list[bytes]:
    """Valid documents that the target accepts."""
    reports = [tiny.Q1, tiny.Q2, tiny.Q3]
    documents: dict[str, list[bytes]] = {
        "instance": [_instance(), tiny.instance(tiny.Q1)],
        "inline": [_inline(), tiny.inline(tiny.Q1)],
        "companyfacts": [tiny.company_facts(reports), tiny.company_facts([tiny.Q1]).replace(b":", b": ")],
        "submissions": [tiny.site(reports)[tiny.list_path()]],
        "submissions_page": [
            b'{"accessionNumber":["0000000042-20-000001"],"form":["10-K"],"filingDate":["2020-02-01"],'
            b'"acceptanceDateTime":["2020-02-01T16:30:00.000Z"],"reportDate":[""],"primaryDocument":["a.htm"]}'
        ],
        "figures": [_csv("nvidia_revenue.csv", 4), _csv("customer_concentration.csv", 6)],
        "corrections": [
            b"figure_id,previous_value,replaced_by,corrected_on,reason\nc0000000000000000,1000000,,2026-01-31,slip\n",
            _csv("corrections.csv", 4),
        ],
    }
    index = fake_edgar.filing_index(tiny.CIK, tiny.Q1.accession, {tiny.Q1.document: "900"})
    by_kind = {
        "companyfacts": documents["companyfacts"][0],
        "submissions": documents["submissions"][0],
        "submissions_page": documents["submissions_page"][0],
        "filing_index": index,
        "xbrl_instance": documents["instance"][0],
        "inline_xbrl": documents["inline"][0],
        "exhibit": b"<html><body><p>AI revenue ran at $1 billion a year.</p></body></html>",
    }
    documents["payload"] = [bytes([place]) + by_kind[kind] for place, kind in enumerate(KINDS)]
    return documents[target]
