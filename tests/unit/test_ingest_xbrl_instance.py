"""XBRL instances: contexts, units, values, and that both forms of a document give the same facts."""

from datetime import date
from decimal import Decimal

import pytest

from ingest.parsers.xbrl import Fact, parse_inline, parse_instance
from ingest.parsers.xbrl.document import most_precise
from ingest.records import PayloadError
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
        ("2025-07-27Z", None, date(2025, 7, 27)),
        ("2025-04-28+05:30/2025-07-27-04:00", date(2025, 4, 28), date(2025, 7, 27)),
        ("2025-07-27T24:00:00", None, date(2025, 7, 27)),
        ("2025-04-27T24:00:00Z/2025-07-28T00:00:00.000Z", date(2025, 4, 28), date(2025, 7, 27)),
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


def rejected(document):
    """Of a document that also states assets of 5: what it rejected, once it is sure that the assets are there."""
    assert [(fact.concept, fact.value) for fact in document.facts] == [("us-gaap:Assets", 5)]
    return [(r.concept, r.reason) for r in document.rejected]


SOUND = fact("5", "us-gaap:Assets", contextRef="i1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1e400", "1e400 does not fit"),
        ("-1E9999", "-1E9999 does not fit"),
        ("1" * 29, "does not fit"),
        ("0.00000000001", "does not fit"),
        *((text, "is not a number") for text in ("NaN", "INF", "1_000", "1,000", "\uff11", "--1", "0x10", "1e99999")),
        *((text, "is empty or has child elements") for text in ("", "  ", "<nvda:a>1</nvda:a>")),
    ],
)
def test_one_fact_that_is_no_number_is_rejected_and_its_neighbours_stay(text, reason):
    ((concept, said),) = rejected(parse_instance(instance(fact(text) + SOUND)))
    assert concept == "us-gaap:Revenues"
    assert reason in said


def test_a_rejected_fact_says_where_it_stands():
    dimension = explicit("srt:ProductOrServiceAxis", "nvda:DataCenterMember")
    resources = context("d", "2025-04-28/2025-07-27", dimension) + xbrl.UNITS
    (only,) = parse_instance(instance(fact("1e400", contextRef="d"), resources)).rejected
    assert only.dimensions == "srt:ProductOrServiceAxis=nvda:DataCenterMember"
    assert (only.period_start, only.period_end, only.stated) == (date(2025, 4, 28), date(2025, 7, 27), "1e400")


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
    ("facts", "resources", "reason"),
    [
        (fact("1", unitRef="none"), "", "unit 'none' is not in the document"),
        (fact("1", contextRef="none"), "", "context 'none' is not in the document"),
        (fact("1", contextRef="a"), context("a", "27.07.2025"), "context a cannot be read: 27.07.2025"),
        (fact("1", contextRef="a"), context("a", "2025-02-30"), "context a cannot be read"),
        (fact("1", contextRef="a"), context("a", "2025-07-27T12:00:00"), "context a cannot be read"),
        (fact("1", contextRef="a"), context("a", "2025-07-27+99:00"), "context a cannot be read"),
        (fact("1", contextRef="a"), context("a", "0001-01-01T00:00:00"), "context a cannot be read"),
        (fact("1", contextRef="a"), context("a", "9999-12-31T24:00:00/9999-12-31"), "context a cannot be read"),
        (
            fact("1", contextRef="a"),
            context("a", "2025-07-27", explicit("srt:Axis", "srt:A") + explicit("srt:Axis", "srt:B")),
            "an axis stands twice",
        ),
        (fact("1", contextRef="a"), context("a", "2025-07-27", explicit("srt:Axis", "")), "no axis or no member"),
        (fact("1", contextRef="a"), context("a", "2025-07-27", explicit("srt:Axis", "q:B")), "is not declared"),
        (
            fact("1", contextRef="a"),
            context("a", "2025-07-27", "<nvda:segment>Gaming</nvda:segment>"),
            "context a holds nvda:segment, which is not a dimension",
        ),
        (
            fact("1", contextRef="a"),
            context("a", "2025-07-27", scenario="<nvda:plan>B</nvda:plan>"),
            "context a holds nvda:plan, which is not a dimension",
        ),
        (
            fact("1", contextRef="a"),
            context("a", "2025-07-27", cik="0000000001"),
            "context a speaks of entity ['0000000001'], the document of 0001045810",
        ),
        (
            fact("1", contextRef="a"),
            context("a", "2025-07-27") + context("a", "2025-07-26"),
            "context id a stands for two different contexts",
        ),
        (fact("1", unitRef="u"), '<xbrli:unit id="u"/>', "unit u: a measure is missing"),
        (
            fact("1", unitRef="u"),
            unit("u", "iso4217:USD") + unit("u", "iso4217:EUR"),
            "unit id u stands for two different units",
        ),
        ("<nvda:Tuple><nvda:A/></nvda:Tuple>", "", "tuples are not supported"),
        (fact("1", precision="3", decimals=None), "", "a value without decimals"),
        (fact("1", decimals="two"), "", "decimals is 'two'"),
        (fact("1", decimals="two") + fact("1", decimals="three"), "", "decimals is 't"),
    ],
)
def test_what_is_wrong_with_one_fact_rejects_that_fact(facts, resources, reason):
    for _, said in rejected(parse_instance(instance(facts + SOUND, xbrl.CONTEXTS + xbrl.UNITS + resources))):
        assert reason in said


def test_a_document_that_speaks_of_no_entity_is_refused():
    for resources in (xbrl.UNITS, context("a", "2025-07-27", cik="")):
        with pytest.raises(PayloadError, match="no context names an entity"):
            parse_instance(instance(fact("1"), resources))


def test_the_entity_is_that_of_most_contexts():
    resources = context("a", "2025-07-27", cik="0000000001") + xbrl.CONTEXTS + xbrl.UNITS
    document = parse_instance(instance(fact("1", contextRef="a") + SOUND, resources))
    assert document.entity == "0001045810"
    assert len(document.rejected) == 1


def test_a_document_of_facts_that_cannot_be_read_is_refused_as_a_whole_in_the_end():
    with pytest.raises(PayloadError, match="more than 10000 facts cannot be read"):
        parse_instance(instance(fact("x", decimals="y") * 10_001))


# --- lexical forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("decimals", ["+0", "00", "-0", " 0 ", "\n0"])
def test_decimals_have_one_form(decimals):
    (only,) = parse_instance(instance(fact("1", decimals=decimals))).facts
    assert only.decimals == "0"


def test_blanks_around_attributes_are_none():
    resources = context(" c ", "2025-07-27") + unit(" u ", "iso4217:USD")
    body = fact("1", contextRef="c ", unitRef=" u", decimals=" -6 ") + fact(
        " ", "us-gaap:Assets", contextRef="\tc", unitRef="u", decimals=None, xsi_nil=" true "
    )
    document = parse_instance(instance(body, resources))
    assert document.rejected == ()
    assert [(f.value, f.decimals) for f in document.facts] == [(1, "-6"), (None, None)]


@pytest.mark.parametrize(
    "after",
    ["<!-- made by a machine -->", "<?page 7?>", "\n<!--a--> <?b c?>\n<!--d-->\n", f"<!-- {'x' * 20_000} -->"],
)
def test_what_xml_allows_around_the_root(after):
    data = instance(fact("1")) + after.encode()
    assert len(parse_instance(data).facts) == 1
    head = b'<?xml version="1.0"?><!-- <!DOCTYPE x> --><?pi <!DOCTYPE?>'
    assert len(parse_instance(head + data.partition(b"?>")[2]).facts) == 1


def test_a_text_may_quote_a_doctype():
    quoted = '<nvda:NoteTextBlock contextRef="c1"><![CDATA[<!DOCTYPE html><p>as filed</p>]]></nvda:NoteTextBlock>'
    assert len(parse_instance(instance(quoted + fact("1"))).facts) == 1


# --- names -----------------------------------------------------------------------------------------------

_BASE = (
    'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:xbrldi="http://xbrl.org/2006/xbrldi"'
    ' xmlns:iso4217="http://www.xbrl.org/2003/iso4217"'
)


def named(prefixes: dict[str, str], concept: str, member: str, axis: str = "s:ProductOrServiceAxis", cik="0001045810"):
    """Concept and dimensions of the one fact of an instance with these prefixes, and its cover."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in prefixes.items())
    resources = context("c", "2025-04-28/2025-07-27", explicit(axis, member), cik=cik)
    resources += context("all", "2025-04-28/2025-07-27", cik=cik) + xbrl.UNITS
    cover = '<d:DocumentType contextRef="all">10-Q</d:DocumentType>'
    body = f"{resources}{cover}{fact('1', concept, contextRef='c')}"
    document = parse_instance(f"<xbrli:xbrl {_BASE} {declared}>{body}</xbrli:xbrl>".encode())
    (only,) = document.facts
    assert document.cover == {"DocumentType": "10-Q"}
    return only.concept, only.dimensions


_TAXONOMIES = {
    "g": "http://fasb.org/us-gaap/2026",
    "s": "http://fasb.org/srt/2026",
    "d": "http://xbrl.sec.gov/dei/2026",
}


def test_a_prefix_is_only_a_spelling():
    prefixes = _TAXONOMIES | {"n": "http://www.nvidia.com/20261025"}
    assert named(prefixes, "g:Revenues", "n:DataCenterMember") == (
        "us-gaap:Revenues",
        "srt:ProductOrServiceAxis=nvda:DataCenterMember",
    )
    assert named(prefixes, "n:Purchases", "g:ProductMember")[0] == "nvda:Purchases"


def test_prefixes_may_have_changed_places():
    prefixes = {
        "us-gaap": "http://www.nvidia.com/20261025",
        "nvda": "http://fasb.org/us-gaap/2026",
        "s": _TAXONOMIES["s"],
        "d": _TAXONOMIES["d"],
    }
    assert named(prefixes, "nvda:Revenues", "us-gaap:DataCenterMember") == (
        "us-gaap:Revenues",
        "srt:ProductOrServiceAxis=nvda:DataCenterMember",
    )


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("http://fasb.org/us-gaap/2018-01-31", "us-gaap"),
        ("http://xbrl.us/us-gaap/2009-01-31", "us-gaap"),
        ("https://xbrl.sec.gov/dei/2021q4", "dei"),
        ("http://xbrl.sec.gov/country/2023", "country"),
        ("http://xbrl.ifrs.org/taxonomy/2023-03-23/ifrs-full", "ifrs-full"),
        ("http://fasb.org.evil.example/us-gaap/2026", "x"),
    ],
)
def test_taxonomies_are_named_by_their_address(uri, name):
    assert named(_TAXONOMIES | {"x": uri, "nvda": "http://www.nvidia.com/2026"}, "x:Thing", "g:A")[0] == f"{name}:Thing"


def test_the_companys_own_namespace_is_called_as_the_watch_list_calls_it():
    amazon = _TAXONOMIES | {"a1": "http://www.amazon.com/20261231"}
    assert named(amazon, "a1:ProceedsFromX", "g:A", cik="0001018724")[0] == "amzn:ProceedsFromX"
    # The watch list names nothing of Alphabet's own: as the document says.
    alphabet = _TAXONOMIES | {"goog": "http://www.google.com/20261231"}
    assert named(alphabet, "goog:Thing", "g:A", cik="0001652044")[0] == "goog:Thing"


def test_another_namespace_is_not_taken_for_the_companys_own():
    prefixes = _TAXONOMIES | {"nvda": "http://www.nvidia.com/2026", "m": "http://www.mellanox.com/2026"}
    assert named(prefixes, "m:Thing", "g:A")[0] == "m:Thing"
    # Two that could be: neither is.
    prefixes = _TAXONOMIES | {"n": "http://www.nvidia.com/2026", "m": "http://www.mellanox.com/2026"}
    assert named(prefixes, "m:Thing", "n:A") == ("m:Thing", "srt:ProductOrServiceAxis=n:A")
    # A borrowed name does not make it ours.
    prefixes = _TAXONOMIES | {"us-gaap": "http://www.mellanox.com/2026", "nvda": "http://www.nvidia.com/2026"}
    assert named(prefixes, "us-gaap:Revenues", "g:A")[0] == "_http-www.mellanox.com-2026:Revenues"


def test_a_default_namespace_and_a_prefix_declared_again_below_are_understood():
    body = '<Revenues xmlns="http://fasb.org/us-gaap/2025" contextRef="c1" unitRef="usd" decimals="0">1</Revenues>'
    assert parse_instance(instance(body)).facts[0].concept == "us-gaap:Revenues"
    again = context("a", "2025-07-27", explicit("srt:Axis", "us-gaap:AMember")).replace(
        "<xbrldi:explicitMember", '<xbrldi:explicitMember xmlns:us-gaap="http://www.nvidia.com/2025"'
    )
    (only,) = parse_instance(instance(fact("1", contextRef="a"), again + xbrl.UNITS)).facts
    assert only.dimensions == "srt:Axis=nvda:AMember"


# --- stated more than once -------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (fact("1", decimals="0") + fact("2", decimals="0"), "USD 1 (decimals 0) and 2 (decimals 0)"),
        (fact("", xsi_nil="true", decimals=None) + fact("5", decimals="0"), "USD nil and 5 (decimals 0)"),
    ],
)
def test_values_that_contradict_each_other_reject_that_fact_and_are_both_named(facts, said):
    document = parse_instance(instance(facts + SOUND))
    ((concept, reason),) = rejected(document)
    assert concept == "us-gaap:Revenues"
    assert reason.startswith(f"is stated with different values in one filing: {said}")
    assert document.rejected[0].stated == said
    assert document.rejected[0].period_end == date(2025, 7, 27)


def test_each_fact_in_doubt_is_named():
    body = "".join(fact(v, name=f"us-gaap:{c}", decimals="0") for c in "AB" for v in ("1", "2"))
    assert [concept for concept, _ in rejected(parse_instance(instance(body + SOUND)))] == ["us-gaap:A", "us-gaap:B"]


def test_a_statement_that_cannot_be_read_leaves_the_others_of_its_fact():
    document = parse_instance(instance(fact("x", decimals="0") + fact("7", decimals="+0") + fact("7", decimals="?")))
    assert [(f.value, f.decimals) for f in document.facts] == [(7, "0")]
    assert [r.reason for r in document.rejected] == ["'x' is not a number", "decimals is '?', not a number or INF"]
