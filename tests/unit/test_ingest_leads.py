"""Which sentences of an exhibit are leads, on sentences written for this test in many filers' manners."""

from __future__ import annotations

import html
import re
import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.companies import parse_companies
from ingest.leads import KINDS, Lead, find_leads, reported_day
from ingest.parsers.exhibit_text import decode, sentences
from ingest.records import IngestError


def page(sentence: str, heading: str = "") -> bytes:
    bold = f"<p style='font-weight:700'>{html.escape(heading)}</p>" if heading else ""
    return f"<html><body>{bold}<p>{html.escape(sentence)}</p></body></html>".encode()


def only(sentence: str, heading: str = "", names: tuple[str, ...] = ()) -> Lead | None:
    leads = find_leads(page(sentence, heading), names)
    assert len(leads) < 2
    return leads[0] if leads else None


LEADS = [
    ("ai_run_rate", "", "Our AI business is now at an annual revenue run rate above $21 billion.", ()),
    ("ai_run_rate", "", "AI ARR was $310 million, up from $140 million a year ago.", ()),
    ("ai_run_rate", "", "Our AI products crossed $1 billion in annual contract value.", ()),
    ("ai_run_rate", "", "Annualized revenue from AI exceeded $300 million.", ()),
    (
        "ai_run_rate",
        "",
        "“Our AI offerings left the year at a $1.1 billion run rate,” said Pat Doe, chief executive.",
        (),
    ),
    ("ai_run_rate", "", "Helper and Lake 7 ARR exceeds $2.2 billion", ("Helper",)),
    ("ai_run_rate", "", "Grew Chatty—an AI tool that answers the phone—to a $2 billion revenue run rate business.", ()),
    (
        "ai_run_rate",
        "",
        "The AI revenue run rate of Exampleton's cloud is over $12 billion (40 times Exampleton in 2009)",
        (),
    ),
    ("ai_run_rate", "", "Margins fell (our AI revenue grows fast and is a multi-billion-dollar annual run rate).", ()),
    ("ai_revenue", "", "AI revenue of $7.7 billion, up 90% year over year, driven by accelerators.", ()),
    ("ai_revenue", "", "We expect AI chip revenue of $19.5 billion in the first quarter, up 200%.", ()),
    ("ai_revenue", "", "Record Data Center revenue of $61.3 billion, up 70% from a year ago", ()),
    ("ai_revenue", "", "Data Center segment revenue of $5.1 billion was up 30% year-over-year.", ()),
    (
        "ai_revenue",
        "Data Center",
        "Third-quarter revenue was a record $12.2 billion, up 30% from the last quarter.",
        (),
    ),
    ("ai_revenue", "Data Center", "Segment revenue was $4.1 billion, up 21%, driven by server processors.", ()),
    ("ai_revenue", "", "AI server shipments generated $9.1 billion of revenue in the quarter.", ()),
    ("ai_revenue", "", "In the quarter we recognized $3.1 billion in AI revenue.", ()),
    ("ai_revenue", "", "Custom AI silicon contributed revenue of more than $500 million in the third quarter.", ()),
    ("ai_revenue", "", "Revenue from generative AI services more than doubled to RMB 8.4 billion.", ()),
    ("ai_revenue", "", "AI revenue exceeded $1 billion for the first time, while total revenue was $14.7 billion.", ()),
    ("ai_revenue", "", "Total revenue was $22.6 billion, of which AI accounted for $9.8 billion.", ()),
    ("ai_revenue", "", "We shipped $9.0 billion of Quasar architecture revenue in the quarter.", ("Quasar",)),
    ("ai_revenue", "", "Revenue was $1,210 million, an increase of 200% from a year ago.", ("*",)),
    ("ai_revenue", "", "First quarter 2026 revenue of $2.2 billion, up 110% year over year", ("*",)),
    ("backlog", "", "Revenue backlog was $99.4 billion as of June 30, 2026.", ()),
    ("backlog", "", "The cloud grew, ending the quarter with $140 billion in backlog.", ()),
    ("backlog", "", "We left the quarter with an AI server backlog of $17.4 billion.", ()),
    ("backlog", "", "Remaining performance obligations of $7.7 billion, up 31% year over year", ()),
    ("backlog", "", "RPO should pass half-a-trillion dollars soon.", ()),
    ("capex_guidance", "", "We expect to spend about $70 billion on capital expenditures in 2027.", ()),
    ("capex_guidance", "Outlook", "Capital expenditures of $21 billion to $23 billion", ()),
    ("capex_guidance", "", "Capital spending for 2026 should land between €4.0 billion and €4.5 billion.", ()),
    ("capex_guidance", "", "Full year capex is now expected to be $50 billion, $15 billion more than we said.", ()),
    ("capex_guidance", "", "Capital expenditures, including finance leases, will be $60-65 billion in 2026.", ()),
]

#: Each looks like a lead and is none.
DECOYS = [
    ("", "In 2025 Examplecloud had 24% growth with a $140 billion revenue run rate."),  # the cloud as a whole
    ("", "The pull of its AI capabilities lifts Examplecloud's growth (now at a $90 billion annual run rate)."),
    ("", "Cloud revenue rose 28% to $3.3 billion, led by growth across AI Infrastructure and Generative AI Solutions."),
    ("", "Cloud revenue grew 28% to $3.3 billion, fueled by AI training workloads."),
    ("", "Our generative AI book of business now stands at more than $8.5 billion."),  # bookings
    ("", "AI orders were $30 billion in the first nine months."),
    ("", "AI is changing every industry, and we delivered revenue of $5.2 billion."),
    ("", "As demand for AI grows, total revenue rose 12% to $14.9 billion."),
    ("", "Our AI-powered productivity savings reached $4.5 billion in annual run rate."),
    ("", "We invested $3 billion in AI infrastructure during the year."),
    ("", "The market for AI accelerators will exceed $1 trillion by 2030."),
    ("", "We acquired Example Labs, an AI company with $100 million of ARR, for $2.8 billion."),
    ("", "Gross margin fell due to a $4.1 billion charge for excess inventory within Data Center."),
    ("", "Assistant seats grew by half and cloud revenue was $49.1 billion."),
    ("", "Capital expenditures totaled $11.1 billion in the quarter."),
    ("", "Capital expenditures, including finance leases, were $8.4 billion."),
    ("", "The plan brings capital expenditure reductions of more than $9 billion in 2027."),
    ("", "Total expenses will be in the range of $96-99 billion."),
    ("", "Revenue is expected to be $41.0 billion, plus or minus 2%."),
    ("", "New AI cards start at $599."),
    ("", "The assistant now has over 600 million AI users."),
    ("Gaming and AI PC", "Third-quarter revenue was $2.8 billion, up 15% from the last quarter."),
    ("Automotive", "Third-quarter revenue was $261 million, up 3%."),
    ("Data Center", "Gaming revenue was $2.1 billion."),
    ("Data Center", "Operating income was $19 billion."),
]


@pytest.mark.parametrize(("kind", "heading", "sentence", "names"), LEADS)
def test_what_is_a_lead(kind, heading, sentence, names):
    lead = only(sentence, heading, names)
    assert lead is not None
    assert (lead.kind, lead.heading, lead.sentence) == (kind, heading, sentence)
    assert any(amount.role == "stated" for amount in lead.amounts)


@pytest.mark.parametrize(("heading", "sentence"), DECOYS)
def test_what_only_looks_like_one(heading, sentence):
    assert only(sentence, heading) is None


def test_a_pure_play_has_revenue_and_no_other_leads():
    assert only("Operating income was $19 million, compared with $78 million a year ago.", names=("*",)) is None
    assert only("Revenue was $900 million.", names=()) is None


def test_amounts_with_their_ends_and_what_they_are():
    lead = only(
        "We now expect 2026 capital expenditures of $66-72 billion, narrowed from our prior outlook of $64-72 billion "
        "and up approximately $30 billion year-over-year at the mid-point."
    )
    assert lead is not None
    billion = Decimal(10**9)
    assert [(a.text, a.low, a.high, a.role) for a in lead.amounts] == [
        ("$66-72 billion", 66 * billion, 72 * billion, "stated"),
        ("$64-72 billion", 64 * billion, 72 * billion, "prior"),
        ("$30 billion", 30 * billion, 30 * billion, "change"),
    ]
    assert lead.is_forward
    assert [period.text for period in lead.periods] == ["2026"]


def test_what_grew_from_one_amount_to_another_is_no_range():
    lead = only("AI revenue rose from $1.2 billion to $2.4 billion in the fourth quarter of fiscal 2026.")
    assert lead is not None
    assert [(a.text, a.role) for a in lead.amounts] == [("$1.2 billion", "prior"), ("$2.4 billion", "stated")]
    assert [p.text for p in lead.periods] == ["fourth quarter of fiscal 2026"]


def test_an_amount_in_words_has_no_number():
    lead = only("AI is a multi-billion-dollar business that grew 150%.")
    assert lead is not None
    assert [(a.text, a.low, a.high) for a in lead.amounts] == [("multi-billion-dollar", None, None)]


def test_an_id_hangs_on_filing_and_words_alone():
    lead = only("AI revenue was $2 billion.")
    assert lead is not None
    moved = find_leads(b"<p>Longer page.</p>" + page("AI revenue was $2 billion."))[0]
    assert moved.start != lead.start
    assert moved.id("0000000001-26-000001") == lead.id("0000000001-26-000001")
    assert lead.id("0000000001-26-000001") != lead.id("0000000001-26-000002")


# --- the text -------------------------------------------------------------------------------------


def test_offsets_count_through_tags_and_entities():
    data = (
        b"<div><font>In 2026 our&#160;<b>AI</b> revenue was &#36;2.5&nbsp;billion</font><font>, up &gt;9%.</font></div>"
    )
    (lead,) = find_leads(data)
    document = decode(data)
    assert lead.sentence == "In 2026 our AI revenue was $2.5 billion, up >9%."
    assert document[lead.start : lead.end].startswith("In 2026")
    assert document[lead.start : lead.end].endswith("9%.")
    assert document[lead.amounts[0].start : lead.amounts[0].end] == "&#36;2.5&nbsp;billion"


@pytest.mark.parametrize(
    "data",
    [
        b"<p><b>Data Center</b></p><ul><li>Third-quarter revenue was $9 billion.</ul>",
        b"<table><tr><td><b>Data Center</b></td></tr>"
        b"<tr><td>&#8226;</td><td>Third-quarter revenue was $9 billion.</td></tr></table>",
        b"<div style='text-decoration:underline'>Data Center<br>\n<font style='font-weight:400;text-decoration:none'>"
        b"Third-quarter revenue was $9 billion.</font></div>",
        b"<P><STRONG>Data Center</STRONG><P>Third-quarter revenue was\n<BR>a record $9 billion.",
    ],
)
def test_headings_in_many_manners(data):
    (lead,) = find_leads(data)
    assert lead.heading == "Data Center"


def test_the_head_of_a_column_is_no_heading():
    data = (
        b"<p><b>Gaming</b></p><table><tr><th>Data Center</th><th>Gaming</th></tr><tr><td>1</td><td>2</td></tr></table>"
        b"<p>Third-quarter revenue was $9 billion.</p>"
    )
    assert find_leads(data) == []


def test_plain_text_and_old_encodings():
    assert find_leads(b"DATA\n\nAI revenue was\n$2 billion in 2026.\n\nOther text.")[0].sentence == (
        "AI revenue was $2 billion in 2026."
    )
    assert find_leads("“AI revenue was £2 billion – a record”".encode("cp1252"))[0].amounts[0].currency == "GBP"


def test_abbreviations_end_no_sentence():
    texts = [
        s.text for s in sentences("<p>Example Inc. had AI revenue of $2.5 billion in the U.S. Its peers had none.</p>")
    ]
    assert texts == ["Example Inc. had AI revenue of $2.5 billion in the U.S. Its peers had none."]


def test_the_same_sentence_twice_is_one_lead():
    body = "<p>AI revenue was $2 billion.</p>"
    assert len(find_leads((body + body).encode())) == 1


def test_the_day_reported_on():
    assert reported_day(
        page("Example today reported revenue for the fourth quarter ended January 26, 2025, of $3 billion.")
    ) == (date(2025, 1, 26))
    assert reported_day(page("for the quarter ended Smarch 41, 2025")) is None
    assert reported_day(b"") is None


@pytest.mark.parametrize(
    "hostile",
    ["<p" * 200_000, "<!--" * 200_000, "<b>" * 200_000, "<script>" * 100_000, "&#" * 200_000, "$1 to " * 60_000],
)
def test_hostile_pages_take_no_time(hostile):
    before = time.process_time()
    find_leads(hostile.encode())
    assert time.process_time() - before < 5


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<b>",
                "</b>",
                "<td>",
                "<tr>",
                "</tr>",
                "<br>",
                "<",
                "&amp;",
                "AI ",
                "revenue was ",
                "$2 billion",
                ". ",
                "Data Center",
                "\n\n",
                "é",
                "capital expenditures will be ",
            ]
        ),
        max_size=40,
    )
)
def test_any_page_gives_leads_whose_offsets_hold(parts):
    data = "".join(parts).encode()
    document = decode(data)
    for lead in find_leads(data):
        assert lead.kind in KINDS
        assert 0 <= lead.start < lead.end <= len(document)
        for amount in lead.amounts:
            assert lead.start <= amount.start < amount.end <= lead.end
            assert re.sub(r"<[^>]*>", "", document[amount.start : amount.end]).startswith("$2")


@given(st.binary(max_size=400))
def test_any_bytes_are_read(data):
    for lead in find_leads(data):
        assert lead.amounts


# --- the watch list -------------------------------------------------------------------------------

COMPANY = '[[company]]\nticker = "X"\ncik = "0000000001"\nname = "X"\nrole = "reference"\nfiscal_year_end_month = 12\n'


def test_names_go_with_exhibits():
    (company,) = parse_companies(COMPANY + 'reads_exhibits = true\nai_names = ["Helper"]\n')
    assert (company.reads_exhibits, company.ai_names) == (True, ("Helper",))
    assert not parse_companies(COMPANY)[0].reads_exhibits
    with pytest.raises(IngestError, match="line 1, X: ai_names go with reads_exhibits = true"):
        parse_companies(COMPANY + 'ai_names = ["Helper"]\n')
    with pytest.raises(IngestError, match="ai_names 1 '1' must be a valid string"):
        parse_companies(COMPANY + "reads_exhibits = true\nai_names = [1]\n")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"0000000001"', '"1"', "line 1, X: cik '1' must match pattern"),
        ('"reference"', '"chips"', "line 1, X: role 'chips' must be 'accelerator_vendor', "),
        ("month = 12", "month = 13", "line 1, X: fiscal_year_end_month '13' must be less than or equal to 12"),
        ('name = "X"\n', "", "line 1, X: name is missing"),
        ("month = 12", 'month = 12\nrank = "1"', "line 1, X: rank is not known here"),
        (
            "month = 12",
            'month = 12\nmetrics = [{ metric = "m", concept = "c", valid_from = "2020" }]',
            "line 1, X: metrics 1 valid_from '2020' must be a day written YYYY-MM-DD",
        ),
        ("month = 12", "month = 12\n" + COMPANY, r"ticker \['X'\] stands twice"),
    ],
)
def test_a_company_that_cannot_be_right_is_refused_with_its_line(old, new, said):
    with pytest.raises(IngestError, match=f"companies.toml[,:] {said}"):
        parse_companies(COMPANY.replace(old, new))
