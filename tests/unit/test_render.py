"""What the writer renders parses back to the same facts."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.bundle import read_bundle
from ingest.parsers.companyfacts import parse_companyfacts
from ingest.parsers.submissions import parse_submissions
from ingest.parsers.xbrl import facts_table, parse_inline, parse_instance
from ingest.records import FACTS, FILINGS
from support import render

CIK = "0001045810"
ACCESSION = "0001045810-25-000209"
PARSERS = {"xbrl_instance": parse_instance, "inline_xbrl": parse_inline}
FILED = date(2025, 8, 27)
END = date(2025, 7, 27)
ABOUT = dict(cik=CIK, accession=ACCESSION, form="10-Q", filed_on=FILED, source_url="u", sha256="s")


@pytest.fixture(scope="module")
def bundle():
    return read_bundle()


def and_back(facts: pa.Table, kind: str) -> pa.Table:
    """Facts of one filing through a document and its parser."""
    body = render.WRITERS[kind](facts, cik=CIK, form="10-Q", report_date=END)
    document = PARSERS[kind](body)
    assert document.cover == {"DocumentType": "10-Q", "DocumentPeriodEndDate": str(END)}
    assert document.rejected == ()
    return facts_table(document, **ABOUT)


MEMBERS = ("srt:ProductOrServiceAxis=nvda:DataCenterMember", "nvda:TermAxis=~a & b <c>; 2025-07-27", "x-y:Axis=x-y:M.1")
#: Of DECIMAL(38, 10).
LARGEST = 10**28 - 1
COLUMNS = {
    "concept": st.sampled_from(["us-gaap:Revenues", "nvda:SomeThing", "odd-prefix.1:Other_Thing"]),
    "dimensions": st.lists(st.sampled_from(MEMBERS), unique=True).map(lambda pairs: ";".join(sorted(pairs))),
    "unit": st.sampled_from(["USD", "shares", "pure", "USD/shares", "segment", "USD*shares/Contract"]),
    "period_start": st.sampled_from([None, date(2025, 4, 28), END]),
    "value": st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-LARGEST, max_value=LARGEST),
    "decimals": st.sampled_from(["INF", "-6", "-3", "0", "2", "-99"]),
}


@pytest.mark.parametrize("kind", PARSERS)
@settings(max_examples=100, deadline=None)
@given(drawn=st.lists(st.fixed_dictionaries(COLUMNS), max_size=8))
def test_any_facts_of_a_filing_come_back(kind, drawn):
    unique = {tuple(row[name] for name in ("concept", "dimensions", "unit", "period_start")): row for row in drawn}
    rows = [{**ABOUT, "source_kind": kind, "period_end": END, **row} for row in unique.values()]
    facts = pa.Table.from_pylist(rows, FACTS)
    assert and_back(facts, kind).to_pylist() == facts.to_pylist()


@pytest.mark.parametrize("kind", PARSERS)
def test_a_real_filing_comes_back_in_either_form(bundle, kind):
    facts = bundle.facts.filter(pc.equal(bundle.facts["accession"], ACCESSION))
    facts = facts.filter(pc.equal(facts["source_kind"], "inline_xbrl"))
    assert facts.num_rows > 100
    same = [name for name in FACTS.names if name not in ("source_kind", "source_url", "sha256")]
    assert and_back(facts, kind).select(same).equals(facts.select(same))


def test_company_facts_come_back(bundle):
    facts = bundle.facts.filter(pc.equal(bundle.facts["source_kind"], "companyfacts"))
    facts = facts.filter(pc.equal(facts["cik"], CIK))
    again = parse_companyfacts(render.company_facts(facts), "u", "s")
    same = [name for name in FACTS.names if name not in ("source_url", "sha256")]
    assert again.select(same).equals(facts.select(same))


def test_a_list_of_filings_comes_back(bundle):
    filings = bundle.filings.filter(pc.equal(bundle.filings["cik"], CIK))
    found = parse_submissions(render.submissions(CIK, filings.to_pylist()), "u", "s")
    again = found.filings
    order = [("filed_on", "descending"), ("accession", "descending")]
    same = [name for name in FILINGS.names if name not in ("source_url", "sha256")]
    assert again.select(same).equals(filings.sort_by(order).select(same))
    assert (found.older_pages, found.set_aside.num_rows) == ((), 0)
