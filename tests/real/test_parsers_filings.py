"""Real filings: both forms agree, company facts agree, NVIDIA's platforms add up, faults are refused."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

from ingest.parsers.companyfacts import _read_quickly, parse_companyfacts
from ingest.parsers.submissions import parse_submissions
from ingest.parsers.xbrl import Document, parse_inline, parse_instance
from ingest.payload import gunzip
from ingest.records import PayloadError
from support.real import FILINGS, body, document

PAIRS = ("nvda-20240128", "aapl-20220924", "aapl-20230930")
#: Quarter or year end, in the names of NVIDIA's files, and Data Center revenue in $M of the filing's
#: own period: the quarter of a 10-Q, the year of a 10-K (those end in January).
DATA_CENTER = {
    "20200426": 1141, "20200726": 1752, "20201025": 1900, "20210131": 6696,
    "20210502": 2048, "20210801": 2366, "20211031": 2936, "20220130": 10613,
    "20220501": 3750, "20220731": 3806, "20221030": 3833, "20230129": 15005,
    "20230430": 4284, "20230730": 10323, "20231029": 14514, "20240128": 47525,
    "20240428": 22563, "20240728": 26272, "20241027": 30771, "20250126": 115186,
    "20250427": 39112, "20250727": 41096,
}  # fmt: skip
REVENUES = ("us-gaap:Revenues", "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax")
STANDARD = ("us-gaap", "dei", "srt", "ecd", "invest")


@pytest.mark.parametrize("name", PAIRS)
def test_inline_document_and_extracted_instance_state_the_same_facts(shared, name):
    shown, extracted = document(shared, f"{name}.htm"), document(shared, f"{name}_htm.xml")
    assert set(shown.facts) == set(extracted.facts)
    assert len(set(shown.facts)) == len(shown.facts) > 900
    assert shown.cover == extracted.cover
    assert set(shown.cover) == {"DocumentType", "DocumentPeriodEndDate", "AmendmentFlag", "EntityCentralIndexKey"}
    assert (shown.entity, shown.context_count, shown.stated_count) == (
        extracted.entity,
        extracted.context_count,
        extracted.stated_count,
    )


def test_every_document_at_hand_can_be_read(shared):
    """No conflict, no rejected fact, no unknown transform, and the cover and entity are those of the path."""
    paths = [p for p in (shared / FILINGS).glob("*/*/*") if p.name.split(".")[1] == "htm" or "_htm.xml" in p.name]
    assert len(paths) > 75
    for path in paths:
        read = document(shared, path.name.removesuffix(".gz"))
        assert read.rejected == ()
        assert int(read.entity) == int(path.parts[-3])
        assert int(read.cover["EntityCentralIndexKey"]) == int(path.parts[-3])
        assert read.cover["AmendmentFlag"] == ("true" if read.cover["DocumentType"].endswith("/A") else "false")
        assert date.fromisoformat(read.cover["DocumentPeriodEndDate"])


def _revenue(read: Document) -> dict[tuple, dict[str, int]]:
    """Per period: product member (or "" for the total) -> $M."""
    periods: dict[tuple, dict[str, int]] = defaultdict(dict)
    axis = "srt:ProductOrServiceAxis="
    for fact in read.facts:
        if fact.concept in REVENUES and ";" not in fact.dimensions and fact.value is not None:
            if fact.dimensions.startswith(axis):
                member = fact.dimensions.removeprefix(axis + "nvda:")
                periods[fact.period_start, fact.period_end][member] = int(fact.value / 10**6)
            elif not fact.dimensions:
                periods[fact.period_start, fact.period_end][""] = int(fact.value / 10**6)
    return {period: members for period, members in periods.items() if "DataCenterMember" in members}


@pytest.mark.parametrize("end", DATA_CENTER)
def test_nvidia_data_center_revenue_and_platforms_add_up_to_the_total(shared, end):
    periods = _revenue(document(shared, f"nvda-{end}.htm"))
    assert len(periods) in (2, 3, 4)
    for members in periods.values():
        platforms = [v for m, v in members.items() if m not in ("", "ComputeMember", "NetworkingMember")]
        assert sum(platforms) == members[""]
        if "ComputeMember" in members:
            assert members["ComputeMember"] + members["NetworkingMember"] == members["DataCenterMember"]
    last = date(int(end[:4]), int(end[4:6]), int(end[6:]))
    own = {(p[1] - p[0]).days: members for p, members in periods.items() if p[1] == last}
    span = max(own) if last.month == 1 else min(own)
    assert own[span]["DataCenterMember"] == DATA_CENTER[end]


def test_the_cloud_customer_and_the_distributor_of_july_2023(shared):
    shares = {
        fact.dimensions.partition(";")[0].removeprefix("srt:MajorCustomersAxis=nvda:"): fact.value
        for fact in document(shared, "nvda-20230730.htm").facts
        if fact.concept == "us-gaap:ConcentrationRiskPercentage1"
        and fact.dimensions.endswith(
            "us-gaap:ConcentrationRiskByBenchmarkAxis=us-gaap:SalesRevenueNetMember"
            ";us-gaap:ConcentrationRiskByTypeAxis=us-gaap:CustomerConcentrationRiskMember"
        )
        and fact.period_start == date(2023, 5, 1)
    }
    assert shares == {
        "CloudServiceProviderMember": Decimal("0.22"),
        "DataCenterDistributorCustomerMember": Decimal("0.17"),
    }


def test_goodwill_is_the_more_precise_of_its_two_statements(shared):
    goodwill = [
        (fact.value, fact.decimals)
        for fact in document(shared, "nvda-20250126.htm").facts
        if fact.concept == "us-gaap:Goodwill" and not fact.dimensions and fact.period_end == date(2025, 1, 26)
    ]
    assert goodwill == [(Decimal(5_188_000_000), "-6")]  # "5.2 billion" in the text


@pytest.fixture(scope="module")
def company_facts(shared) -> dict[str, dict[tuple, Decimal]]:
    """Accession -> (concept, unit, start, end) -> value, from the unaltered payloads."""
    filings: dict[str, dict[tuple, Decimal]] = defaultdict(dict)
    columns = ("accession", "concept", "unit", "period_start", "period_end", "value")
    for path in (shared / "edgar/data.sec.gov/api/xbrl/companyfacts").glob("CIK*"):
        table = parse_companyfacts(path.read_bytes(), "", "")
        for accession, *key, value in zip(*(table[c].to_pylist() for c in columns), strict=True):
            filings[accession][tuple(key)] = value
    return filings


def _as_company_facts(read: Document) -> dict[tuple, Decimal]:
    """Undimensioned standard facts as that API states them: six decimals, one day is an instant."""
    return {
        (f.concept, f.unit, None if f.period_start == f.period_end else f.period_start, f.period_end): round(f.value, 6)
        for f in read.facts
        if not f.dimensions and f.value is not None and f.concept.partition(":")[0] in STANDARD
    }


def test_undimensioned_standard_facts_equal_company_facts(shared, company_facts):
    """Both ways, all of them: 57 filings of five companies, 22,228 facts, none missing, none extra."""
    compared = filings = 0
    for path in (shared / FILINGS).glob("*/*/*"):
        folder, name = path.parts[-2], path.name.removesuffix(".gz")
        accession = f"{folder[:10]}-{folder[10:12]}-{folder[12:]}"
        is_document = name.endswith((".htm", "_htm.xml")) or name == "msft-20150930.xml"
        if not is_document or accession not in company_facts:
            continue
        ours = _as_company_facts(document(shared, name))
        theirs = company_facts[accession]
        assert ours.keys() == theirs.keys(), accession
        differing = {key: (ours[key], theirs[key]) for key in ours if ours[key] != theirs[key]}
        assert not differing, accession
        filings += 1
        compared += len(ours)
    assert filings >= 57
    assert compared >= 22_000


def test_the_quick_reading_of_company_facts_serves_what_edgar_serves(shared):
    for path in (shared / "edgar/data.sec.gov/api/xbrl/companyfacts").glob("CIK*"):
        assert _read_quickly(gunzip(path.read_bytes())) is not None, path.name


def test_company_facts_of_another_layout_are_the_same_facts(shared):
    """The copy others re-indented takes the strict reading."""
    path = shared / "edgar/unplaced/META/companyfacts-reformatted-2021-04-29.json.gz"
    table = parse_companyfacts(path.read_bytes(), "", "")
    assert _read_quickly(gunzip(path.read_bytes())) is None
    assert table.num_rows == 9893
    assert set(table["cik"].to_pylist()) == {"0001326801"}


def test_submissions_at_hand(shared):
    for path in [
        *(shared / "edgar").glob("data.sec.gov/submissions/CIK*"),
        *(shared / "edgar").glob("unplaced/*/submissions-wrapped-*"),
        *(shared / "edgar").glob("vintages/*/data.sec.gov/submissions/CIK*"),
    ]:
        found = parse_submissions(path.read_bytes(), f"https://data.sec.gov/submissions/{path.name}", "")
        filings = found.filings
        assert filings.num_rows > 700
        assert filings["filed_on"].null_count == 0
        assert all(page.name.startswith(f"CIK{filings['cik'][0]}") for page in found.older_pages)
        assert found.lines == filings.num_rows
        assert found.set_aside.num_rows == 0


#: The pages saved as filings are titled "Request Rate Threshold Exceeded" and say "Undeclared
#: Automated Tool": the second is the cause, and what the reader can act on.
FAULTS = {
    "403-page-saved-as-filing/789019-msft-20240930_raw.htm": "SEC_USER_AGENT",
    "403-page-saved-as-filing/92122-000009212219000063-soga8-kpscdecision12x19.htm": "SEC_USER_AGENT",
    "403-page-saved-as-filing/1341439-000119312519191922-d776427d8k.htm": "SEC_USER_AGENT",
    "403-page-saved-as-filing/1341439-0001193125-19-191922.txt": "SEC_USER_AGENT",
    "403-request-rate-threshold-exceeded.html": "Request Rate Threshold Exceeded",
    "403-undeclared-automated-tool.html": "SEC_USER_AGENT",
    "404-nosuchkey-saved-as-filing/alphabet_10k_2024.txt": "404",
    "404-nosuchkey-saved-as-filing/amazon_10q_2023.txt": "404",
    "404-nosuchkey-saved-as-filing/meta_10q_2024.txt": "404",
    "404-nosuchkey-saved-as-filing/nvidia_8k_2024.txt": "404",
    "404-nosuchkey-saved-as-filing/pfizer_10k_2024.txt": "404",
    **{f"http/403-www.sec.gov-0{n}.xml": "403" for n in range(1, 6)},
    "http/404-data.sec.gov-01.xml": "404",
}


def test_every_fault_at_hand_is_listed(shared):
    at_hand = {p.relative_to(shared / "edgar/faults").as_posix() for p in (shared / "edgar/faults").rglob("*.*")}
    assert {name for name in at_hand if not name.endswith(".headers.json")} == set(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_error_pages_saved_as_payloads_are_refused_for_what_they_are(shared, name):
    data = (shared / "edgar/faults" / name).read_bytes()
    for parse in (
        parse_inline,
        parse_instance,
        lambda data: parse_companyfacts(data, "", ""),
        lambda data: parse_submissions(data, "", ""),
    ):
        with pytest.raises(PayloadError, match=FAULTS[name]):
            parse(data)


def test_a_filing_cut_short_is_refused_however_it_was_cut(shared):
    whole = body(shared, "nvda-20250727.htm")
    for cut in (whole[: len(whole) // 2], whole[:-9], whole[: len(whole) // 2] + b"</html>"):
        with pytest.raises(PayloadError, match=r"cut short|not well-formed"):
            parse_inline(cut)


def test_a_full_submission_text_file_is_not_a_document(shared):
    with pytest.raises(PayloadError, match="full submission text file"):
        parse_inline(body(shared, "0001045810-26-000024.txt"))
