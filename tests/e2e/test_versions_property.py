"""Knowledge intervals as algebra: generated filing histories through the compiled models, against a few lines of
Python.

The histories hold what EDGAR holds: year-to-date chains, comparatives, restatements of one operand, amendments, a
renamed tag, two filings on one day. The oracle knows nothing of intervals: for a day it looks only at the statements
made by then.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.history import compiled_models

CIK = "0000000001"
OLD, NEW = "us-gaap:OldTag", "us-gaap:NewTag"
SPANS = {"quarter": 1, "half": 2, "nine_months": 3, "year": 4}
STARTS = {1: (1, 1), 2: (4, 1), 3: (7, 1), 4: (10, 1)}
ENDS = {1: (3, 31), 2: (6, 30), 3: (9, 30), 4: (12, 31)}


class Statement(NamedTuple):
    """Quarters `first` to `last` of `year` were `value`, as a reader could know from `filed_on`."""

    accession: int
    filed_on: date
    concept: str
    year: int
    first: int
    last: int
    value: int

    def period(self) -> tuple[date, date]:
        return date(self.year, *STARTS[self.first]), date(self.year, *ENDS[self.last])


@st.composite
def histories(draw: st.DrawFn) -> list[Statement]:
    """Filings of two fiscal years and their later restatements; some year-to-date columns are left out."""
    statements = []
    accession = 0
    for year in (2022, 2023):
        quarter_values = [draw(st.integers(1, 50)) for _ in range(4)]
        for last in range(1, 5):
            filed = date(year, *ENDS[last]) + timedelta(days=draw(st.integers(15, 60)))
            for filing in range(draw(st.integers(1, 3))):
                accession += 1
                if filing:  # an amendment or a comparative a year on: same day, soon after, or much later
                    filed += timedelta(days=draw(st.sampled_from([0, 1, 30, 365])))
                    if draw(st.booleans()):
                        quarter_values[draw(st.integers(0, last - 1))] += draw(st.integers(-3, 3))
                concept = OLD if year == 2022 and draw(st.booleans()) else NEW
                if last == 1 or draw(st.integers(0, 4)):  # now and then the year-to-date column is missing
                    statements.append(Statement(accession, filed, concept, year, 1, last, sum(quarter_values[:last])))
                if last > 1 and draw(st.integers(0, 3)) == 0:  # and now and then a three-month column is there
                    statements.append(Statement(accession, filed, concept, year, last, last, quarter_values[last - 1]))
    return statements


def believed(statements: list[Statement], year: int, quarter: int, day: date) -> int | None:
    """What an honest reader takes the quarter to be on `day`: the newest statement of each period, a stated quarter
    before a difference of two year-to-date statements.
    """

    def latest(first: int, last: int) -> int | None:
        said = [s for s in statements if (s.year, s.first, s.last) == (year, first, last) and s.filed_on <= day]
        return max(said, key=lambda s: (s.filed_on, s.accession)).value if said else None

    stated = latest(quarter, quarter)
    if stated is not None or quarter == 1:
        return stated
    longer, shorter = latest(1, quarter), latest(1, quarter - 1)
    return None if longer is None or shorter is None else longer - shorter


@pytest.fixture(scope="module")
def models(manifest):
    return [m for m in compiled_models(manifest) if m.name in {
        "stg_edgar__facts", "stg_watch_list__companies", "stg_watch_list__metric_concepts", "stg_curated__figures",
        "int_metric_observations", "int_observation_versions", "int_quarter_candidates", "int_metric_quarters",
    }]  # fmt: skip


def run_models(models, statements: list[Statement], database: str) -> list[tuple]:
    """The rows of int_metric_quarters for a history: quarter, value, known_from, known_to."""
    con = duckdb.connect(database)
    try:
        con.execute("create schema raw; create schema staging; create schema intermediate")
        con.execute(
            "create table raw.companies as select ? as cik, 'TEST' as ticker, 'Test' as company, 'hyperscaler' as "
            "role, 12 as fiscal_year_end_month",
            [CIK],
        )
        con.execute(
            """create table raw.metric_concepts as
               select ? as cik, 'capex_cash_gross' as metric, concept, '' as dimensions, priority, false as
               is_required, ? as same_as,
                      null::date as valid_from, null::date as valid_to, null::date as filed_from, null::date as filed_to
               from (values (?, 1), (?, 2)) as t (concept, priority)""",
            [CIK, NEW, NEW, OLD],
        )
        con.execute(
            """create table raw.curated_figures as select '' as figure_id, '' as company, '' as ticker, '' as metric,
            0::decimal(38, 10) as value,
                      null::decimal(38, 10) as low_value, null::decimal(38, 10) as high_value, '' as unit, '' as
                      qualifier, '' as period_type,
                      null::date as period_start, null::date as period_end, '' as period_label, null::date as
                      known_on, '' as known_on_basis,
                      '' as series, '' as basis, '' as source_kind, '' as estimator, '' as layer, '' as
                      overlaps_with, '' as source_title,
                      '' as source_url, '' as confidence, true as is_citable, '' as note where false"""
        )
        con.execute(
            """create table raw.xbrl_facts (fact_id varchar, cik varchar, accession varchar, form varchar, filed_on
            date, concept varchar,
                      dimensions varchar, unit varchar, period_start date, period_end date, value decimal(38, 10),
                      decimals varchar,
                      source_kind varchar, source_url varchar, sha256 varchar)"""
        )
        # Every other filing came after hours the day before: EDGAR's date is one day earlier than the reader's.
        con.execute("create table raw.filings (cik varchar, accession varchar, known_from date)")
        late = {s.accession: s.filed_on for s in statements if s.accession % 2}
        con.executemany(
            "insert into raw.filings values (?, ?, ?)",
            [(CIK, f"{accession:06}", known_from) for accession, known_from in late.items()],
        )
        con.executemany(
            "insert into raw.xbrl_facts values (?, ?, ?, '10-Q', ?, ?, '', 'USD', ?, ?, ?, null, 'xbrl_instance', '', "
            "'')",
            [
                (
                    f"x{i}",
                    CIK,
                    f"{s.accession:06}",
                    s.filed_on - timedelta(days=s.accession in late),
                    s.concept,
                    *s.period(),
                    s.value,
                )
                for i, s in enumerate(statements)
            ],
        )
        for model in models:
            kind = "view" if model.materialized == "view" else "table"
            con.execute(f"create {kind} {model.schema}.{model.name} as {model.sql}")
        return con.execute(
            "select calendar_quarter, value_usd, known_from, known_to from intermediate.int_metric_quarters order by "
            "1, 3"
        ).fetchall()
    finally:
        con.close()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(statements=histories())
def test_every_day_shows_what_was_said_by_then(models, tmp_path_factory, statements):
    folder = tmp_path_factory.mktemp("history")
    rows = run_models(models, statements, str(folder / "build.duckdb"))
    intervals: dict[str, list[tuple]] = {}
    for quarter, value, known_from, known_to in rows:
        intervals.setdefault(quarter, []).append((value, known_from, known_to))

    for versions in intervals.values():
        for (_, start, end), following in zip(versions, [*versions[1:], None], strict=True):
            assert end is None or start < end
            assert end == (following[1] if following else None), "intervals must touch, and only the last is open"

    days = {s.filed_on for s in statements}
    for day in sorted(days | {d - timedelta(days=1) for d in days}):
        for year in (2022, 2023):
            for quarter in range(1, 5):
                shown = [
                    value
                    for value, start, end in intervals.get(f"{year}Q{quarter}", [])
                    if start <= day and (end is None or day < end)
                ]
                expected = believed(statements, year, quarter, day)
                assert shown == ([] if expected is None else [expected]), (year, quarter, day)
