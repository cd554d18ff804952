"""XBRL instances: contexts, units, values, and that both forms of a document give the same facts."""

from datetime import date
from decimal import Decimal

import pytest

from ingest.records import ConflictError, PayloadError
from ingest.xbrl import Fact, parse_inline, parse_instance
from ingest.xbrl.document import most_precise
from support import xbrl
from support.xbrl import context, explicit, fact, inline, instance, non_fraction, typed, unit


def test_one_fact_whole():
    document = parse_instance(instance(fact("41096000000")))
    quarter = (date(2025, 4, 28), date(2025, 7, 27))
    assert document.facts == (Fact("us-gaap:Revenues", "", "USD", *quarter, Decimal(41_096_000_000), "-6"),)
    assert document.source_kind == "xbrl_instance"


def test_both_forms_give_the_same_document():
    shown = non_fraction("41,096", scale="6", format="ixt:num-dot-decimal") + (
        '<ix:nonNumeric name="dei:DocumentType" contextRef="c1">10-Q</ix:nonNumeric>'
    )
    extracted = fact("41096000000") + '<dei:DocumentType contextRef="c1">10-Q</dei:DocumentType>'
    one, other = parse_inline(inline(shown)), parse_instance(instance(extracted))
    assert (one.facts, one.cover, one.entity) == (other.facts, other.cover, other.entity)


def test_dimensions_are_canonical_whatever_their_order_and_place():
    product = explicit("srt:ProductOrServiceAxis", "nvda:DataCenterMember")
    party = typed("us-gaap:RelatedPartyAxis", " Party \n One ")
    resources = (
        context("a", "2025-07-27", product + party)
        + context("b", "2025-07-27", party + product)
        + context("c", "2025-07-27", party, scenario=product)
        + xbrl.UNITS
    )
    document = parse_instance(instance("".join(fact("1", contextRef=name) for name in "abc"), resources))
    (only,) = document.facts
    assert only.dimensions == "srt:ProductOrServiceAxis=nvda:DataCenterMember;us-gaap:RelatedPartyAxis=~Party One"
    assert only.period_start is None


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("2025-07-27", None, date(2025, 7, 27)),
        ("2025-07-28T00:00:00", None, date(2025, 7, 27)),
        ("2025-04-28/2025-07-27", date(2025, 4, 28), date(2025, 7, 27)),
        ("2025-04-28T00:00:00/2025-07-28T00:00:00", date(2025, 4, 28), date(2025, 7, 27)),
        (" 2025-04-28 / 2025-07-27 ", date(2025, 4, 28), date(2025, 7, 27)),
    ],
)
def test_an_end_at_midnight_is_the_day_before(period, start, end):
    document = parse_instance(instance(fact("1", contextRef="p"), context("p", period) + xbrl.UNITS))
    assert (document.facts[0].period_start, document.facts[0].period_end) == (start, end)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (unit("u", "iso4217:USD"), "USD"),
        (unit("u", "iso4217:TWD"), "TWD"),
        (unit("u", "xbrli:shares"), "shares"),
        (unit("u", "xbrli:pure"), "pure"),
        (unit("u", "nvda:segment"), "segment"),
        (unit("u", "iso4217:USD", per="xbrli:shares"), "USD/shares"),
        (unit("u", "nvda:mile", "nvda:hour"), "hour*mile"),
    ],
)
def test_units_are_named_as_company_facts_names_them(written, name):
    document = parse_instance(instance(fact("1", unitRef="u"), xbrl.CONTEXTS + written))
    assert document.facts[0].unit == name


@pytest.mark.parametrize("text", ["1e400", "NaN", "INF", "1_000", "1,000", "\uff11", "", "  ", "--1", "0x10"])
def test_text_that_is_not_a_number_names_concept_and_context(text):
    with pytest.raises(PayloadError, match="us-gaap:Revenues, context c1: "):
        parse_instance(instance(fact(text)))


@pytest.mark.parametrize(
    ("text", "value"), [("9007199254740993", 2**53 + 1), ("-0.5", "-0.5"), (" +7 ", 7), (".5", "0.5")]
)
def test_numbers_are_exact(text, value):
    assert parse_instance(instance(fact(text, decimals="INF"))).facts[0].value == Decimal(value)


def test_nil_states_no_value():
    assert parse_instance(instance(fact("", xsi_nil="true", decimals=None))).facts[0].value is None


def test_fraction_item():
    (only,) = parse_instance(
        instance(
            '<nvda:Ratio contextRef="c1" unitRef="pure" decimals="INF"><xbrli:numerator>1</xbrli:numerator>'
            "<xbrli:denominator>4</xbrli:denominator></nvda:Ratio>"
        )
    ).facts
    assert only.value == Decimal("0.25")


@pytest.mark.parametrize(
    ("facts", "resources", "message"),
    [
        (fact("1"), xbrl.UNITS, "contexts speak of 0 entities"),
        (fact("1"), xbrl.CONTEXTS, "unit 'usd' is not in the document"),
        ("", context("a", "2025-07-27") + context("b", "2025-07-27", cik="0000000001"), "contexts speak of 2 entities"),
        ("", context("a", "27.07.2025"), "context a cannot be read: 27.07.2025"),
        ("", context("a", "2025-02-30"), "context a cannot be read"),
        ("", context("a", "2025-07-27T12:00:00"), "context a cannot be read"),
        ("", context("a", "2025-07-27", explicit("x:Axis", "x:A") + explicit("x:Axis", "x:B")), "an axis stands twice"),
        ("", context("a", "2025-07-27", explicit("x:Axis", "")), "no axis or no member"),
        (
            "",
            context("a", "2025-07-27", "<nvda:segment>Gaming</nvda:segment>"),
            "nvda:segment, which is not a dimension",
        ),
        ("", xbrl.CONTEXTS + '<xbrli:unit id="u"/>', "unit u: a measure is missing"),
        ("<nvda:Tuple><nvda:A/></nvda:Tuple>", xbrl.CONTEXTS, "tuples are not supported"),
        (fact("<nvda:a>1</nvda:a>"), xbrl.CONTEXTS + xbrl.UNITS, "is empty or has child elements"),
        (fact("1", precision="3", decimals=None), xbrl.CONTEXTS + xbrl.UNITS, "a value without decimals"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(facts, resources, message):
    with pytest.raises(PayloadError, match=message):
        parse_instance(instance(facts, resources))


def test_prefixes_are_those_the_document_declares():
    (only,) = parse_instance(instance('<abc:Thing xmlns:abc="urn:abc" contextRef="c1" unitRef="usd" decimals="0">1'
                                      "</abc:Thing>")).facts  # fmt: skip
    assert only.concept == "abc:Thing"
    with pytest.raises(PayloadError, match="default namespace"):
        parse_instance(instance('<Thing xmlns="urn:abc" contextRef="c1" unitRef="usd" decimals="0">1</Thing>'))


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ([("4190", "-1"), ("4193", "0")], ("4193", "0")),
        ([("4193", "0"), ("4190", "-1")], ("4193", "0")),
        ([("4193", "INF"), ("4193.4", "0")], ("4193", "INF")),
        ([("4193", "INF"), ("4193.6", "0")], None),
        ([("4193", "INF"), ("4193", "0")], ("4193", "INF")),
        ([("0.5", "0"), ("1", "0")], None),  # equal precision, different values, intervals that touch
        ([("4190", "-1"), ("4196", "0")], None),
        ([("4190", "-1"), ("4195", "0")], ("4195", "0")),  # a half may have been rounded either way
        ([("10", "-1"), ("8", "0"), ("7.6", "1")], ("7.6", "1")),
        ([("10", "-1"), ("8", "0"), ("12", "0")], None),
        ([("0", "-6"), ("0", "INF")], ("0", "INF")),
    ],
)
def test_rounding_intervals_decide_between_duplicates(stated, kept):
    place = most_precise([(Decimal(value), decimals) for value, decimals in stated])
    assert (None if place is None else stated[place]) == kept


def test_nil_beside_a_value_is_a_conflict():
    with pytest.raises(ConflictError, match=r"us-gaap:Revenues, .*: nil and 5 \(decimals 0\)"):
        parse_instance(instance(fact("", xsi_nil="true", decimals=None) + fact("5", decimals="0")))


def test_a_conflict_lists_every_fact_in_doubt():
    body = "".join(fact(v, name=f"us-gaap:{c}", decimals="0") for c in "AB" for v in ("1", "2"))
    with pytest.raises(ConflictError, match=r"^2 facts .*us-gaap:A.*us-gaap:B"):
        parse_instance(instance(body))
