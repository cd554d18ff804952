"""Inline XBRL: every feature of the value of a fact, on documents small enough to check by eye."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.parsers.xbrl import Fact, parse_inline
from support import xbrl
from support.xbrl import context, inline, non_fraction

#: What the SEC's registry does not take for a number.
NO_WORDS = (
    "umpteen", "one hundred and", "and one", "hundred", "one and two", "one million and two", "twenty-", "twenty zero",
    "one-hundred", "one thousand and one hundred", "no one", "TWO", "two" * 500, ", one", "one,, two",
)  # fmt: skip
DASHES = "-\u058a\u05be\u2010\u2011\u2012\u2013\u2014\u2015\ufe58\ufe63\uff0d"
QUARTER = (date(2025, 4, 28), date(2025, 7, 27))


def value_of(text: str, **attributes: str) -> Decimal | None:
    """The value of a document with this one fact."""
    (only,) = parse_inline(inline(non_fraction(text, **attributes))).facts
    return only.value


def reason_for(text: str, **attributes: str) -> str:
    """Why the one fact is rejected, in a document whose other facts stay."""
    document = parse_inline(inline(non_fraction(text, **attributes) + non_fraction("5", "us-gaap:Assets")))
    assert [(fact.concept, fact.value) for fact in document.facts] == [("us-gaap:Assets", 5)]
    (only,) = document.rejected
    assert only.concept == attributes.get("name", "us-gaap:Revenues")
    return only.reason


def test_one_fact_whole():
    document = parse_inline(inline(non_fraction("41,096", scale="6", format="ixt:num-dot-decimal")))
    assert document.facts == (Fact("us-gaap:Revenues", "", "USD", *QUARTER, Decimal(41_096_000_000), "-6"),)
    assert (document.source_kind, document.entity) == ("inline_xbrl", "0001045810")
    assert (document.context_count, document.unit_count, document.stated_count) == (2, 4, 1)


@pytest.mark.parametrize(
    ("text", "attributes", "expected"),
    [
        ("46743", {}, "46743"),
        ("46743", {"scale": "6"}, "46743000000"),
        ("0.5", {"scale": "-2"}, "0.005"),
        ("12", {"scale": "-4", "decimals": "4"}, "0.0012"),
        ("1.2", {"scale": "12"}, "1200000000000"),
        ("9007199254740993", {"decimals": "INF"}, "9007199254740993"),
        ("0.0000000001", {"decimals": "INF"}, "0.0000000001"),
        ("(46,743)"[1:-1], {"sign": "-", "format": "ixt:num-dot-decimal"}, "-46743"),
        ("46,743.50", {"format": "ixt:num-dot-decimal"}, "46743.50"),
        ("46.743,50", {"format": "ixt:num-comma-decimal"}, "46743.50"),
        ("46 743,50", {"format": "ixt:num-comma-decimal"}, "46743.50"),
        ("46\u00a0743.50", {"format": "ixt:num-dot-decimal"}, "46743.50"),
        ("46,743.50", {"format": "ixt:numdotdecimal"}, "46743.50"),
        ("46.743,50", {"format": "ixt:numcommadecimal"}, "46743.50"),
        (" 46,743\n", {"format": "ixt:num-dot-decimal"}, "46743"),
        ("\u2014", {"format": "ixt:fixed-zero", "scale": "6"}, "0"),
        ("nothing at all", {"format": "ixt:fixed-zero"}, "0"),
        ("\u2014", {"format": "ixt:zerodash", "scale": "6"}, "0"),
        ("-", {"format": "ixt:numdash"}, "0"),
        ("12 dollars and 5 cents", {"format": "ixt:num-unit-decimal"}, "12.05"),
        ("1,234 dollars 56 cents", {"format": "ixt:numunitdecimal"}, "1234.56"),
        ("two", {"format": "ixt-sec:numwordsen"}, "2"),
        ("None", {"format": "ixt-sec:numwordsen"}, "0"),
        ("no", {"format": "ixt-sec:numwordsen"}, "0"),
        ("Twenty-one", {"format": "ixt-sec:numwordsen"}, "21"),
        ("two thousand, one hundred and six", {"format": "ixt-sec:numwordsen"}, "2106"),
        ("nine hundred ninety-nine million", {"format": "ixt-sec:numwordsen"}, "999000000"),
        ("four", {"format": "ixt-sec:numwordsen", "scale": "9"}, "4000000000"),
        ("nil", {"format": "ixt-sec:numwordsen", "scale": "6"}, "0"),
        ("Nil", {"format": "ixt-sec:numwordsen"}, "0"),
        ("Zero", {"format": "ixt-sec:numwordsen"}, "0"),
        ("fifteen hundred", {"format": "ixt-sec:numwordsen"}, "1500"),
        ("Twelve hundred and five", {"format": "ixt-sec:numwordsen"}, "1205"),
        ("one thousand and six", {"format": "ixt-sec:numwordsen"}, "1006"),
        ("Three million, two hundred\n and five thousand", {"format": "ixt-sec:numwordsen"}, "3205000"),
        ("one quadrillion two", {"format": "ixt-sec:numwordsen"}, "1000000000000002"),
        *((f"Thirty{dash}nine", {"format": "ixt-sec:numwordsen"}, "39") for dash in DASHES),
        *((dash, {"format": "ixt:zerodash"}, "0") for dash in DASHES),
        ("5", {"scale": " 6 ", "format": " ixt:num-dot-decimal "}, "5000000"),
    ],
)
def test_value(text, attributes, expected):
    assert value_of(text, **attributes) == Decimal(expected)


def test_older_transformation_registry():
    older = 'xmlns:ixt="http://www.xbrl.org/inlineXBRL/transformation/2015-02-26"'
    document = parse_inline(inline(non_fraction("1.234,5", format="ixt:numcommadecimal"), transforms=older))
    assert document.facts[0].value == Decimal("1234.5")


def test_parentheses_stand_outside_and_only_sign_negates():
    document = parse_inline(inline(f"({non_fraction('1,254', sign='-', scale='6', format='ixt:num-dot-decimal')})"))
    assert document.facts[0].value == Decimal(-1_254_000_000)
    assert reason_for("(5)", sign="-").startswith("'(5)' does not follow")


def test_nil_is_not_zero():
    document = parse_inline(inline(non_fraction("\u2014", xsi_nil="true", decimals=None, format="ixt:nocontent")))
    assert document.facts[0].value is None
    assert document.facts[0].decimals is None


@pytest.mark.parametrize(
    ("text", "attributes", "message"),
    [
        ("5", {"format": "ixt:num-roman"}, "transform num-roman (http://www.xbrl.org/"),
        ("5", {"format": "other:num-dot-decimal"}, "transform num-dot-decimal (None) is not known"),
        ("", {"format": "ixt:nocontent"}, "is not known for a numeric fact"),
        ("", {}, "'' does not follow the plain number form"),
        ("-5", {}, "'-5' does not follow"),
        ("5,0", {}, "'5,0' does not follow"),
        ("1.2.3", {"format": "ixt:num-dot-decimal"}, "does not follow ixt:num-dot-decimal"),
        ("1,5.0", {"format": "ixt:num-comma-decimal"}, "does not follow"),
        ("\uff15", {}, "does not follow"),
        ("5e3", {}, "does not follow"),
        ("NaN", {}, "does not follow"),
        ("x", {"format": "ixt:zerodash"}, "'x' does not follow ixt:zerodash"),
        ("twenty eleven", {"format": "ixt-sec:numwordsen"}, "does not follow"),
        ("one million two billion", {"format": "ixt-sec:numwordsen"}, "does not follow"),
        *((text, {"format": "ixt-sec:numwordsen"}, "does not follow") for text in NO_WORDS),
        ("5", {"scale": "six"}, "scale is 'six'"),
        ("5", {"scale": "400"}, "scale is '400'"),
        ("5", {"sign": "+"}, "sign is '+'"),
        ("5", {"decimals": None}, "a value without decimals"),
        ("5", {"decimals": "two"}, "decimals is 'two'"),
        ("5", {"contextRef": "nowhere"}, "context 'nowhere' is not in the document"),
        ("5", {"unitRef": "nothing"}, "unit 'nothing' is not in the document"),
        ("5" * 500, {}, "5' is not a number"),
        ("<b>5</b>", {}, "holds {http://www.w3.org/1999/xhtml}b"),
        ("5", {"name": "nothing:Revenues"}, "'nothing:Revenues' names no concept"),
        ("5", {"name": "Revenues"}, "'Revenues' names no concept"),
    ],
)
def test_a_value_that_cannot_be_read_rejects_that_fact(text, attributes, message):
    assert message in reason_for(text, **attributes)


def test_nested_facts_share_one_text():
    inner = non_fraction("1,234", name="us-gaap:Cash", contextRef="i1", scale="3", format="ixt:num-dot-decimal")
    outer = non_fraction(inner, name="us-gaap:CashAndEquivalents", contextRef="i1", scale="6",
                         format="ixt:num-dot-decimal")  # fmt: skip
    values = {fact.concept: fact.value for fact in parse_inline(inline(outer)).facts}
    assert values == {"us-gaap:CashAndEquivalents": Decimal("1234E6"), "us-gaap:Cash": Decimal("1234E3")}


def test_facts_in_text_blocks_continuations_and_hidden_are_found():
    body = (
        '<ix:nonNumeric name="us-gaap:TextBlock" contextRef="c1" continuedAt="k1">First '
        + non_fraction("1", name="us-gaap:A")
        + '</ix:nonNumeric><ix:continuation id="k1">then <ix:exclude>page 7 '
        + non_fraction("2", name="us-gaap:B")
        + "</ix:exclude></ix:continuation>"
    )
    document = parse_inline(inline(body, hidden=non_fraction("3", name="us-gaap:C")))
    assert {fact.concept: fact.value for fact in document.facts} == {
        "us-gaap:C": Decimal(3),
        "us-gaap:A": Decimal(1),
        "us-gaap:B": Decimal(2),
    }


def test_fraction_is_exact_or_refused():
    def fraction(over: str, under: str) -> bytes:
        return inline(
            '<ix:fraction name="nvda:Ratio" contextRef="c1" unitRef="pure">'
            f"<ix:numerator>{over}</ix:numerator><ix:denominator>{under}</ix:denominator></ix:fraction>"
        )

    (fact,) = parse_inline(fraction("3", "8")).facts
    assert (fact.value, fact.decimals) == (Decimal("0.375"), "INF")
    for over, under in (("1", "3"), ("1", "0")):
        (only,) = parse_inline(fraction(over, under)).rejected
        assert (only.concept, only.reason) == ("nvda:Ratio", f"the fraction {over}/{under} has no exact decimal form")


def test_targets_are_separate_documents():
    body = non_fraction("1") + non_fraction("2", target="exhibit", name="us-gaap:Other")
    document = parse_inline(inline(body))
    assert [fact.value for fact in document.facts] == [Decimal(1)]
    assert document.other_target_count == 1
    assert [fact.value for fact in parse_inline(inline(body), target="exhibit").facts] == [Decimal(2)]


def test_ids_used_again_are_harmless_unless_they_contradict():
    again = inline(non_fraction("1", id="f1") + non_fraction("1", id="f1"), xbrl.CONTEXTS * 2 + xbrl.UNITS * 2)
    assert len(parse_inline(again).facts) == 1
    for more, reason in (
        (context("c1", "2025-07-27"), "context id c1 stands for two different contexts"),
        (xbrl.unit("usd", "iso4217:EUR"), "unit id usd stands for two different units"),
    ):
        document = parse_inline(inline(non_fraction("1"), xbrl.CONTEXTS + xbrl.UNITS + more))
        assert [r.reason for r in document.rejected] == [reason]


def test_cover_is_plain_text_as_in_the_extracted_instance():
    def cover(name: str, text: str, more: str = "") -> str:
        return f'<ix:nonNumeric name="dei:{name}" contextRef="c1" {more}>{text}</ix:nonNumeric>'

    body = (
        cover("DocumentType", "<b>10-Q</b>")
        + cover("DocumentPeriodEndDate", "July 27, 2025", 'format="ixt:date-monthname-day-year-en"')
        + cover("AmendmentFlag", "FALSE", 'format="ixt:fixed-false"')
        + cover("EntityCentralIndexKey", "00010", 'continuedAt="k"')
        + '<ix:continuation id="k">45810</ix:continuation>'
    )
    assert parse_inline(inline(body)).cover == {
        "DocumentType": "10-Q",
        "DocumentPeriodEndDate": "2025-07-27",
        "AmendmentFlag": "false",
        "EntityCentralIndexKey": "0001045810",
    }
    for text, form, message in (
        ("Someday", "ixt:date-monthname-day-year-en", "'Someday' does not follow"),
        ("maybe", "ixt-sec:boolballotbox", "not for 'maybe'"),
        ("27/7", "ixt:date-lunar", "ixt:date-lunar is not known"),
    ):
        document = parse_inline(inline(cover("DocumentPeriodEndDate", text, f'format="{form}"') + non_fraction("1")))
        assert (document.cover, len(document.facts)) == ({}, 1)
        assert [r.concept for r in document.rejected] == ["dei:DocumentPeriodEndDate"]
        assert message in document.rejected[0].reason


@pytest.mark.parametrize(
    ("form", "text", "date_or_flag"),
    [
        ("ixt:datemonthdayyearen", "Sept. 28, 2024", "2024-09-28"),
        ("ixt:date-day-monthname-year-en", "28 September 2024", "2024-09-28"),
        ("ixt:date-month-day-year", "9/28/24", "2024-09-28"),
        ("ixt:date-year-month-day", "2024-9-28", "2024-09-28"),
        ("ixt:fixed-true", "yes", "true"),
        ("ixt:booleanfalse", "No", "false"),
        ("ixt-sec:boolballotbox", "\u2612", "true"),
        ("ixt-sec:boolballotbox", " \u2610 ", "false"),
    ],
)
def test_cover_transforms(form, text, date_or_flag):
    body = f'<ix:nonNumeric name="dei:AmendmentFlag" contextRef="c1" format="{form}">{text}</ix:nonNumeric>'
    assert parse_inline(inline(body)).cover == {"AmendmentFlag": date_or_flag}


def test_a_continuation_that_loops_or_leads_nowhere_gives_no_cover():
    first = '<ix:nonNumeric name="dei:DocumentType" contextRef="c1" continuedAt="k">10</ix:nonNumeric>'
    for rest in ("", '<ix:continuation id="k" continuedAt="k">-Q</ix:continuation>'):
        (only,) = parse_inline(inline(first + rest)).rejected
        assert only.reason == "continuation 'k' is missing, repeated or circular"


def test_precision_duplicates_keep_the_larger_decimals():
    # Goodwill of NVIDIA's 10-K for 2025-01-26: 5,188 million in the table, 5.2 billion in the text.
    body = non_fraction("5.2", name="us-gaap:Goodwill", contextRef="i1", decimals="-8", scale="9") + non_fraction(
        "5188", name="us-gaap:Goodwill", contextRef="i1", decimals="-6", scale="6"
    )
    document = parse_inline(inline(body))
    assert [(fact.value, fact.decimals) for fact in document.facts] == [(Decimal("5188E6"), "-6")]
    assert document.stated_count == 2


def test_conflicting_duplicates_set_that_fact_aside():
    body = non_fraction("5.2", decimals="-8", scale="9") + non_fraction("5300", decimals="-6", scale="6")
    document = parse_inline(inline(body + non_fraction("1", "us-gaap:Assets")))
    assert [fact.concept for fact in document.facts] == ["us-gaap:Assets"]
    (only,) = document.rejected
    assert only.stated == "USD 5200000000 (decimals -8) and 5300000000 (decimals -6)"
    assert (only.concept, only.period_start, only.period_end) == ("us-gaap:Revenues", *QUARTER)


def test_names_are_those_of_the_namespaces():
    body = (
        '<ix:nonNumeric name="d:DocumentType" contextRef="c">10-Q</ix:nonNumeric>'
        + non_fraction("1", "g:Revenues", contextRef="c")
        + f'<div xmlns:g="http://www.nvidia.com/2025">{non_fraction("2", "g:Revenues", contextRef="c")}</div>'
        + non_fraction("two", "nvda:Sites", contextRef="c", format="words:numwordsen")
    )
    prefixes = (
        'xmlns:g="http://fasb.org/us-gaap/2025" xmlns:d="http://xbrl.sec.gov/dei/2025"'
        ' xmlns:words="http://www.sec.gov/inlineXBRL/transformation/2015-08-31"'
    )
    resources = context("c", "2025-04-28/2025-07-27", xbrl.explicit("srt:Axis", "g:AMember")) + xbrl.CONTEXTS
    for nested in (True, False):
        text = body if nested else body.replace('<div xmlns:g="http://www.nvidia.com/2025">', "<div>")
        document = parse_inline(inline(text, resources + xbrl.UNITS, namespaces=prefixes))
        concepts = {fact.concept: fact.value for fact in document.facts}
        if nested:
            assert concepts == {"us-gaap:Revenues": 1, "nvda:Revenues": 2, "nvda:Sites": 2}
        else:
            assert [r.concept for r in document.rejected] == ["us-gaap:Revenues"], "1 and 2 contradict each other"
        assert {fact.dimensions for fact in document.facts} == {"srt:Axis=us-gaap:AMember"}
    document = parse_inline(inline(body.replace('contextRef="c"', 'contextRef="c1"'), namespaces=prefixes))
    assert document.cover == {"DocumentType": "10-Q"}


def test_facts_of_an_impossible_period_are_rejected_and_counted():
    resources = context("back", "2025-07-27/2025-04-28") + context("ever", "forever") + xbrl.CONTEXTS + xbrl.UNITS
    body = non_fraction("1", contextRef="back") + non_fraction("2", contextRef="ever") + non_fraction("3")
    document = parse_inline(inline(body, resources))
    assert [fact.value for fact in document.facts] == [Decimal(3)]
    assert [(r.concept, r.context, r.reason) for r in document.rejected] == [
        ("us-gaap:Revenues", "back", "period starts 2025-07-27, after its end 2025-04-28"),
        ("us-gaap:Revenues", "ever", "period is forever"),
    ]


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("0.00000000001", "0"),
        ("1", "-11"),
        ("12345678901234567890123456789", "0"),
        ("70501214003151496249438759502", "0"),  # Arrow alone would wrap these two around, silently
        ("7", "28"),
        ("5" * 60, "0"),
    ],
)
def test_a_value_the_store_cannot_hold_exactly_is_rejected_and_counted(text, scale):
    document = parse_inline(inline(non_fraction(text, decimals="INF", scale=scale) + non_fraction("1", unitRef="pure")))
    assert [(fact.unit, fact.value) for fact in document.facts] == [("pure", Decimal(1))]
    assert document.stated_count == 2
    assert "does not fit" in document.rejected[0].reason


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**40), st.integers(-14, 20), st.booleans())
def test_every_value_is_exact_or_rejected(number, scale, negative):
    sign = {"sign": "-"} if negative else {}
    document = parse_inline(inline(non_fraction(str(number), decimals="INF", scale=str(scale), **sign)))
    true = Decimal(f"{'-' if negative else ''}{number}E{scale}")
    assert len(document.facts) + len(document.rejected) == 1
    if document.facts:
        assert document.facts[0].value == true
    else:
        assert abs(true) >= 10**28 or number % 10 ** max(0, -scale - 10)
