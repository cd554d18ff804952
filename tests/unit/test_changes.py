"""What moved between two days: at which company, and by which statement that became known in between."""

from __future__ import annotations

import re
from datetime import date

import pytest

from support.small_warehouse import INFO, MACROS, change_build, small_home
from warehouse.readers.changes import attributed, changes, text
from warehouse.readers.read import open_published
from warehouse.store import macros
from warehouse.store.publish import publish

_MACROS = "\n".join(
    re.search(rf"create or replace macro marts\.{name}\(.*?;", macros.SHARED, re.DOTALL)[0]
    for name in ("known_day", "gap_changes")
)
#: On 2026-09-10 a letter puts Example at 130 and Other at 9 billion, of which the low end takes half.
_LETTER = """
    insert into marts.citations by name
    select 'c2' as fact_id, 'Example' as company, 'annualized_run_rate' as metric, date '2026-09-10' as filed_on,
        date '2026-09-10' as known_from, 'company_statement' as source_kind, 'A letter' as source_title,
        'https://example.org/c' as source_url, 'high' as confidence;
    insert into marts.citations by name
    select 'c3' as fact_id, 'Example' as company, 'annualized_run_rate' as metric, date '2026-07-01' as filed_on,
        date '2026-07-01' as known_from, 'company_statement' as source_kind, 'An old page' as source_title,
        'https://example.org/d' as source_url, 'high' as confidence;
    insert into marts.ai_revenue_series_versions values
        ('Example', '2026Q2', 'measured_run_rate', 50e9, 100e9, 110e9, '2026-07-15', '2026-09-10'),
        ('Example', '2026Q2', 'measured_run_rate', 65e9, 130e9, 140e9, '2026-09-10', null),
        ('Other', '2026Q2', 'measured_run_rate', 4.5e9, 9e9, 9e9, '2026-09-10', null),
        ('Silent', '2026Q2', 'measured_run_rate', 1e9, 1e9, 1e9, '2026-07-15', null);
    create temp table old as select * from marts.ai_revenue_gap_versions
    where calendar_quarter = '2026Q2' and scenario = 'measured' and known_to is null;
    update marts.ai_revenue_gap_versions set known_to = '2026-09-10'
    where calendar_quarter = '2026Q2' and scenario = 'measured' and known_to is null;
    insert into marts.ai_revenue_gap_versions
    select * replace (139000000000 as ai_revenue_usd, 1285368000000 as gap_usd, date '2026-09-10' as known_from,
        ['c2', 'c3', 's1', 'x2'] as fact_ids) from old;
    insert into marts.ai_revenue_gap_versions
    select * replace ('low' as scenario, 'low' as ai_revenue_end) from marts.ai_revenue_gap_versions
    where calendar_quarter = '2026Q2' and scenario = 'measured' and known_from >= date '2026-08-26';
"""


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    home = small_home(tmp_path_factory.mktemp("changes"))
    change_build(home, _LETTER)
    publish(home, INFO, macros=MACROS + _MACROS)
    with open_published(home) as connection:
        yield connection


def test_dollars_are_attributed_to_companies_and_add_up(connection):
    (row,) = changes(connection, date(2026, 9, 9), date(2026, 9, 10), "measured").as_dicts()
    assert row["by_company"] == [
        {"company": "Example", "change_usd": 30_000_000_000},
        {"company": "Other", "change_usd": 9_000_000_000},
    ]
    assert sum(c["change_usd"] for c in row["by_company"]) == row["ai_revenue_after_usd"] - row["ai_revenue_before_usd"]


def test_an_end_of_the_range_is_attributed_on_that_end(connection):
    (row,) = changes(connection, date(2026, 9, 9), date(2026, 9, 10), "low").as_dicts()
    assert [c["change_usd"] for c in row["by_company"]] == [15_000_000_000, 4_500_000_000]


def test_only_what_became_known_in_the_window_is_a_reason(connection):
    """An old page that the new version cites too is none: it was there before."""
    found = changes(connection, date(2026, 9, 9), date(2026, 9, 10), "measured")
    assert found.as_dicts()[0]["because"] == ["A letter"]
    assert "  AI revenue +$39.0B: Example +$30.0B, Other +$9.0B\n  A letter\n" in text(found, "")
    before = changes(connection, date(2026, 6, 1), date(2026, 9, 9), "cahn_method")
    assert "AI's $200B Question" not in str(before.as_dicts()[0]["because"])


def test_what_is_less_than_a_line_can_write_is_said_so():
    assert attributed([{"company": "A", "change_usd": 1}]) == ["AI revenue moved by less than is written here"]
    assert attributed([]) == []
