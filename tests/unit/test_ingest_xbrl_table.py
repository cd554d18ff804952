"""Facts as a table: the columns, and the rules that hold whatever the source."""

from datetime import date
from decimal import Decimal

import pytest

from ingest.records import FACTS, PayloadError
from ingest.xbrl import facts_table, parse_instance, periodic_only, split_impossible
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
