"""Facts as a table: the columns, and the rules that hold whatever the source."""

import re
from datetime import date
from decimal import Decimal

import pytest

from ingest.aside import set_aside_table
from ingest.parsers.xbrl import (
    facts_table,
    impossible_table,
    parse_instance,
    periodic_only,
    rejected_table,
    split_impossible,
)
from ingest.records import FACTS, PayloadError
from support import xbrl
from support.xbrl import context, fact, instance

WHERE = {
    "cik": "0001045810",
    "accession": "0001045810-25-000209",
    "form": "10-Q",
    "filed_on": date(2025, 8, 27),
    "source_url": "https://www.sec.gov/Archives/edgar/data/1045810/000104581025000209/nvda-20250727_htm.xml",
    "sha256": "00" * 32,
}


def test_a_row_says_what_when_where_and_how_exactly():
    table = facts_table(parse_instance(instance(fact("9007199254740993", decimals="INF"))), **WHERE)
    assert table.schema == FACTS
    assert table.to_pylist() == [
        {
            **WHERE,
            "concept": "us-gaap:Revenues",
            "dimensions": "",
            "unit": "USD",
            "period_start": date(2025, 4, 28),
            "period_end": date(2025, 7, 27),
            "value": Decimal(9_007_199_254_740_993),
            "decimals": "INF",
            "source_kind": "xbrl_instance",
            "frame": None,
            "fy": None,
            "fp": None,
        }
    ]


def test_nil_is_no_row():
    document = parse_instance(instance(fact("", xsi_nil="true", decimals=None) + fact("0", name="us-gaap:Zero")))
    assert facts_table(document, **WHERE)["concept"].to_pylist() == ["us-gaap:Zero"]


def test_a_document_without_facts_is_an_empty_table():
    table = facts_table(parse_instance(instance("")), **WHERE)
    assert table.schema == FACTS
    assert table.num_rows == 0


def test_a_document_of_another_company_is_refused():
    with pytest.raises(
        PayloadError, match="0001045810-25-000209: the document speaks of CIK 0001045810, not 0000320193"
    ):
        facts_table(parse_instance(instance("")), **{**WHERE, "cik": "0000320193"})


def test_periods_that_end_after_the_filing_are_split_off():
    resources = xbrl.CONTEXTS + context("late", "2025-04-28/2025-10-26") + context("day", "2025-08-28") + xbrl.UNITS
    facts = fact("1") + fact("2", contextRef="late") + fact("3", contextRef="day") + fact("4", contextRef="i1")
    kept, rejected = split_impossible(facts_table(parse_instance(instance(facts, resources)), **WHERE))
    assert kept["value"].to_pylist() == [1, 4]
    assert rejected["value"].to_pylist() == [2, 3]


def test_what_is_split_off_or_cannot_be_read_is_set_aside_by_name():
    resources = context("late", "2025-04-28/2025-10-26") + context("back", "2025-07-27/2025-04-28") + xbrl.UNITS
    document = parse_instance(instance(fact("12.50", contextRef="late") + fact("2", contextRef="back"), resources))
    where = {name: WHERE[name] for name in ("cik", "accession", "source_url", "sha256")}
    aside = [
        *impossible_table(split_impossible(facts_table(document, **WHERE))[1]).to_pylist(),
        *rejected_table(document, **where).to_pylist(),
    ]
    assert [(row["concept"], row["period_end"], row["stated"], row["reason"]) for row in aside] == [
        (
            "us-gaap:Revenues",
            date(2025, 10, 26),
            "12.5000000000 USD",
            f"its period ends 2025-10-26, after its filing of {WHERE['filed_on']}: a mis-dated context",
        ),
        ("us-gaap:Revenues", date(2025, 4, 28), "2", "period starts 2025-07-27, after its end 2025-04-28"),
    ]
    assert all({name: row[name] for name in where} == where and row["kind"] == "fact" for row in aside)
    assert len({row["item_id"] for row in aside}) == 2
    assert all(re.fullmatch("a[0-9a-f]{20}", row["item_id"]) for row in aside)


def test_the_id_of_what_is_set_aside_does_not_depend_on_the_payload():
    row = dict(kind="entry", cik="0001045810", stated="x", reason="y", source_url="u")
    first, again, other = (
        set_aside_table([row | more])["item_id"][0] for more in ({}, {"sha256": "1"}, {"stated": "z"})
    )
    assert first == again != other
    twice = set_aside_table([row, row | {"stated": "half a \ud800 pair" * 100}, row])
    assert twice.num_rows == 2
    twice.validate(full=True)


def test_periods_that_start_after_their_end_are_split_off():
    table = facts_table(parse_instance(instance(fact("1"))), **WHERE)
    at = table.schema.get_field_index("period_start")
    backwards = table.set_column(at, FACTS.field(at), [[date(2025, 7, 28)]])
    assert [part.num_rows for part in split_impossible(backwards)] == [0, 1]


def test_only_periodic_forms_are_kept():
    forms = ["10-K", "10-Q/A", "8-K", "20-F", "6-K", "10-KT", "DEF 14A", "424B5", "S-1"]
    table = facts_table(parse_instance(instance(fact("1"))), **WHERE)
    at = table.schema.get_field_index("form")
    rows = table.take([0] * len(forms)).set_column(at, FACTS.field(at), [forms])
    assert periodic_only(rows)["form"].to_pylist() == forms[:6]
