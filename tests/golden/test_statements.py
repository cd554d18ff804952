"""Statements of AI revenue as documents make them, checked by hand: value, the day it speaks of, the day it became
public, and where it stands. A correction of one of them is a change of this table, said why. tests/real holds those of
which the document is at hand against its text.
"""

from datetime import date
from decimal import Decimal

import pytest

from ingest.curated.figures import read_figures

M = 1_000_000
SEC = "https://www.sec.gov/Archives/edgar/data/"
MICROSOFT = "Microsoft (AI business)"
AGENTFORCE = "Salesforce (Agentforce)"
INTELLIGENT_CLOUD = "Microsoft (Intelligent Cloud)"
GOOGLE_CLOUD = "Alphabet (Google Cloud)"
AWS = "Amazon (AWS)"
AMAZON_Q2 = "1018724/000101872426000024/amzn-20260630xex991.htm"

#: Company, value (M), speaks of, public on, address below sec.gov/Archives/edgar/data or whole.
STATEMENTS = [
    (MICROSOFT, 13_000, "2024-12-31", "2025-01-29", "789019/000095017025010484/msft-ex99_1.htm"),
    (MICROSOFT, 37_000, "2026-03-31", "2026-04-29", "789019/000119312526191457/msft-ex99_1.htm"),
    ("Amazon (AWS AI business)", 15_000, "2026-03-31", "2026-04-09", "1018724/000110465926041034/tm263815d2_8k.htm"),
    ("Amazon (AWS AI business)", 25_000, "2026-06-30", "2026-07-30", AMAZON_Q2),
    (AGENTFORCE, 800, "2026-01-31", "2026-02-25", "1108524/000110852426000056/crm-q4fy26xexhibit991.htm"),
    (AGENTFORCE, 1_200, "2026-04-30", "2026-05-27", "1108524/000110852426000125/crm-q1fy27xexhibit991.htm"),
    ("CoreWeave", 747, "2024-12-31", "2025-03-31", "1769628/000119312525067651/d899798d424b4.htm"),
    ("CoreWeave", Decimal("1571.9"), "2025-12-31", "2026-03-02", "1769628/000176962826000104/crwv-20251231.htm"),
    ("CoreWeave", 2_078, "2026-03-31", "2026-05-08", "1769628/000176962826000222/crwv-20260331.htm"),
    (INTELLIGENT_CLOUD, 25_880, "2023-12-31", "2024-01-30", "789019/000095017024008809/msft-ex99_1.htm"),
    (INTELLIGENT_CLOUD, 24_092, "2024-09-30", "2024-10-30", "789019/000095017024118955/msft-ex99_1.htm"),
    (INTELLIGENT_CLOUD, 29_878, "2025-06-30", "2025-07-30", "789019/000095017025100226/msft-ex99_1.htm"),
    (GOOGLE_CLOUD, 9_192, "2023-12-31", "2024-01-30", "1652044/000165204424000014/googexhibit991q42023.htm"),
    (GOOGLE_CLOUD, 11_955, "2024-12-31", "2025-02-04", "1652044/000165204425000010/googexhibit991q42024.htm"),
    (GOOGLE_CLOUD, 15_157, "2025-09-30", "2025-10-29", "1652044/000165204425000087/googexhibit991q32025.htm"),
    (GOOGLE_CLOUD, 10_347, "2024-06-30", "2024-07-23", "1652044/000165204424000076/googexhibit991q22024.htm"),
    (AWS, 25_037, "2024-03-31", "2024-04-30", "1018724/000101872424000081/amzn-20240331xex991.htm"),
    (AWS, 28_786, "2024-12-31", "2025-02-06", "1018724/000101872425000002/amzn-20241231xex991.htm"),
    (AWS, 33_006, "2025-09-30", "2025-10-30", "1018724/000101872425000121/amzn-20250930xex991.htm"),
    ("Workday (AI)", 400, "2026-01-31", "2026-02-24",
     "https://www.insidermonkey.com/blog/workday-inc-nasdaqwday-q4-2026-earnings-call-transcript-1703967"),
]  # fmt: skip

#: Company, value (M), the year before: what a stated growth says of it.
GROWN = [
    (MICROSOFT, 13_000, Decimal("1.75"), "2023-12-31", 4_730),
    (MICROSOFT, 37_000, Decimal("1.23"), "2025-03-31", 16_600),
    (AGENTFORCE, 800, Decimal("1.69"), "2025-01-31", 297),
    (AGENTFORCE, 1_200, Decimal("2.05"), "2025-04-30", 393),
]


@pytest.fixture(scope="module")
def said():
    return [r for r in read_figures().table.to_pylist() if r["withdrawn_on"] is None]


@pytest.mark.parametrize(("company", "value", "speaks_of", "public_on", "where"), STATEMENTS)
def test_statement(said, company, value, speaks_of, public_on, where):
    url = where if where.startswith("http") else SEC + where
    (row,) = [r for r in said if (r["company"], r["source_url"], r["value"]) == (company, url, value * M)]
    assert (row["period_end"], row["stated_on"]) == (date.fromisoformat(speaks_of), date.fromisoformat(public_on))
    assert row["confidence"] != "low"


@pytest.mark.parametrize(("company", "stated", "growth", "speaks_of", "before"), GROWN)
def test_growth_is_a_statement_about_the_year_before(said, company, stated, growth, speaks_of, before):
    (row,) = [r for r in said if r["company"] == company and r["period_end"].isoformat() == speaks_of]
    assert (row["value"], row["qualifier"]) == (before * M, "derived")
    assert abs(stated / (1 + growth) - before) < Decimal("0.005") * before


def test_what_is_no_ai_revenue_or_has_no_day_is_not_said(said):
    assert not [r for r in said if r["company"] in ("Zscaler (AI)", "Box (AI)")]
    (anthropic,) = [
        r
        for r in said
        if r["company"] == "Anthropic" and r["metric"] == "annual_revenue" and r["period_end"].year == 2025
    ]
    assert (anthropic["value"], anthropic["stated_on"]) == (4_600 * M, date(2026, 9, 28))
