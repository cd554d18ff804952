"""Our facts equal those of edgartools, fact by fact, on ten filings of eight companies.

edgartools is an independent reader of XBRL instances. Of five filings the instance itself is at
hand. Of the other five there is only the inline document, which edgartools would read unscaled; it
gets what support/extract.py makes of it, which is held against EDGAR's own extraction first.

edgartools keeps every statement of a fact; of several the one with the most decimals counts here,
as EDGAR itself publishes it. It leaves values as text, which is what makes the comparison exact.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

from ingest.parsers.xbrl import Document
from support.extract import extract_instance
from support.real import body, document

INSTANCES = (
    "nvda-20240128_htm.xml",
    "aapl-20220924_htm.xml",
    "aapl-20230930_htm.xml",
    "amzn-20221231_htm.xml",
    "msft-20150930.xml",
)
INLINE = ("nvda-20250727.htm", "goog-20250630.htm", "meta-20230630.htm", "orcl-20230831.htm", "tsla-20250630.htm")
PAIRS = ("nvda-20240128", "aapl-20220924", "aapl-20230930")


def _unit(unit: dict) -> str:
    def local(measure: str) -> str:
        return measure.rpartition(":")[2]

    if unit["type"] == "simple":
        return local(unit["measure"])
    return "*".join(map(local, unit["numerator"])) + "/" + "*".join(map(local, unit["denominator"]))


def _precision(decimals: str | None) -> float:
    return float("inf") if decimals in (None, "INF") else int(decimals)


def edgartools_facts(instance: bytes) -> dict[tuple, Decimal | None]:
    """(concept, dimensions, unit, start, end) -> value, as edgartools reads them."""
    from edgar.xbrl.xbrl import XBRL  # seconds, which only who runs these tests need wait

    parser = XBRL().parser
    parser.parse_instance_content(instance.decode())
    stated = defaultdict(list)
    for fact in parser.facts.values():
        if fact.unit_ref is None:
            continue
        context = parser.contexts[fact.context_ref]
        period = context.period
        start, end = (
            (None, period["instant"]) if period["type"] == "instant" else (period["startDate"], period["endDate"])
        )
        dimensions = ";".join(f"{axis}={member}" for axis, member in sorted(context.dimensions.items()))
        key = (
            fact.element_id,
            dimensions,
            _unit(parser.units[fact.unit_ref]),
            start and date.fromisoformat(start),
            date.fromisoformat(end),
        )
        stated[key].append((_precision(fact.decimals), Decimal(fact.value) if fact.value else None))
    return {key: max(values, key=lambda value: value[0])[1] for key, values in stated.items()}


def our_facts(ours: Document) -> dict[tuple, Decimal | None]:
    """The same of ours; edgartools writes a typed member without our mark for it."""
    return {
        (f.concept, f.dimensions.replace("=~", "="), f.unit, f.period_start, f.period_end): f.value for f in ours.facts
    }


@pytest.mark.parametrize("name", INSTANCES)
def test_instances_give_the_facts_edgartools_gives(shared, name):
    ours = our_facts(document(shared, name))
    assert ours == edgartools_facts(body(shared, name))
    assert len(ours) > 900


@pytest.mark.parametrize("name", INLINE)
def test_inline_documents_give_the_facts_edgartools_gives(shared, name):
    ours = our_facts(document(shared, name))
    assert ours == edgartools_facts(extract_instance(body(shared, name)))
    assert len(ours) > 450


@pytest.mark.parametrize("name", PAIRS)
def test_the_extractor_gives_what_edgar_extracts(shared, name):
    ours = edgartools_facts(extract_instance(body(shared, f"{name}.htm")))
    assert ours == edgartools_facts(body(shared, f"{name}_htm.xml"))
