"""Company facts cut at an earlier day must be what was served then, wherever two answers of one address are at hand."""

import gzip
from datetime import date

import pytest

from ingest.parsers.companyfacts import parse_companyfacts

FULL = "edgar/data.sec.gov/api/xbrl/companyfacts/CIK{cik}.json.gz"


def facts_of(path):
    """Key -> value of each fact, with the day it was filed; proxies and prospectuses are not read anywhere."""
    data = path.read_bytes()
    table = parse_companyfacts(gzip.decompress(data) if path.suffix == ".gz" else data, "u", "0" * 64)
    columns = ["accession", "concept", "unit", "period_start", "period_end", "value", "filed_on"]
    rows = zip(*(table[c].to_pylist() for c in columns), strict=True)
    return {tuple(row[:5]): (row[5], row[6]) for row in rows}


@pytest.mark.parametrize(
    ("cik", "later", "served_on"),
    [
        ("0000789019", "edgar/unplaced/MSFT/companyfacts-trimmed-2026-07-29.json", date(2026, 1, 28)),
        ("0001652044", "edgar/unplaced/GOOGL/companyfacts-trimmed-2026-07-23.json", date(2026, 6, 4)),
    ],
)
def test_a_later_payload_cut_at_the_day_of_the_older_one_is_the_older_one(shared, cik, later, served_on):
    """The later payload holds some concepts only: of those, from its first filing on, the two must be equal."""
    older, newer = facts_of(shared / FULL.format(cik=cik)), facts_of(shared / later)
    cut = {key: value for key, value in newer.items() if value[1] <= served_on}
    first = min(filed for _, filed in newer.values())
    concepts = {key[1] for key in newer}
    last = max(filed for _, filed in older.values())
    assert last <= served_on
    at_hand = {key: v for key, v in older.items() if key[1] in concepts and first <= v[1] <= served_on}
    assert len(cut) > 150
    assert {key for key in cut if key not in older} == set(), (
        "a fact filed before the older payload was served is not in it"
    )
    assert {key: (cut[key], older[key]) for key in cut if cut[key] != older[key]} == {}
    # The trimmed payload dropped comparatives and superseded rows; of what both hold nothing differs.
    assert len(set(at_hand) & set(cut)) == len(cut)
