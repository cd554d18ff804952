"""The shipped bundle against the payloads it was made from."""

import csv
from collections import Counter
from datetime import date

import pytest

from ingest.bundle import read_bundle, verify_bundle
from ingest.companies import watch_list
from ingest.shipping import Bundle


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle()


def test_the_shipped_bundle_is_what_the_payloads_give(shared):
    verify_bundle(shared / "edgar")


def test_every_document_and_company_payload_at_hand_is_in_it(shared, bundle):
    kinds = Counter(source["kind"] for source in bundle.manifest["sources"])
    # 85 documents are at hand; three filings are there in both forms, of which the instance is taken.
    assert kinds == {"companyfacts": 11, "submissions": 12, "inline_xbrl": 73, "xbrl_instance": 5}
    # CoreWeave's come with the first fetch: none of its payloads is at hand.
    watched = {company.cik for company in watch_list() if company.ticker != "CRWV"}
    assert {source["cik"] for source in bundle.manifest["sources"]} == watched


def test_filed_dates_and_forms_agree_with_the_folders_list(shared, bundle):
    with (shared / "edgar/MANIFEST.csv").open(newline="") as file:
        listed = {row["accession"]: row for row in csv.DictReader(file) if row["accession"]}
    documents = [source for source in bundle.manifest["sources"] if "accession" in source]
    assert len(documents) == 78
    for source in documents:
        row = listed[source["accession"]]
        assert (source["form"], source["filed_on"]) == (row["form"], row["filed"]), source["accession"]


def test_a_fact_has_one_row_per_source_kind(bundle):
    columns = ("cik", "accession", "concept", "dimensions", "unit", "period_start", "period_end", "source_kind")
    keys = Counter(zip(*(bundle.facts[name].to_pylist() for name in columns), strict=True))
    assert max(keys.values()) == 1


def test_nothing_in_it_looks_ahead(bundle):
    for row in zip(*(bundle.facts[c].to_pylist() for c in ("period_start", "period_end", "filed_on")), strict=True):
        start, end, filed_on = row
        assert end <= filed_on
        assert start is None or start <= end
    assert max(bundle.facts["filed_on"].to_pylist()) == date(2026, 7, 29)


def test_all_filings_of_documents_are_listed(bundle):
    listed = set(zip(bundle.filings["cik"].to_pylist(), bundle.filings["accession"].to_pylist(), strict=True))
    assert len(listed) == bundle.filings.num_rows
    documents = {(s["cik"], s["accession"]) for s in bundle.manifest["sources"] if "accession" in s}
    assert documents <= listed
