"""Knowledge intervals as algebra: generated filing histories through the compiled models, against a few lines of
Python.

The histories hold what EDGAR holds: year-to-date chains, comparatives, restatements of one operand, amendments, a
renamed tag, two filings on one day. The oracle knows nothing of intervals: for a day it looks only at the statements
made by then.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.history import compiled_models
from support.chain import chain, raw_shapes

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
        quarter_values = [draw(st.integers(40, 90)) for _ in range(4)]
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


def versions(statements: list[Statement], year: int, first: int, last: int) -> list[Statement]:
    """What was said of a period, a statement for each day on which that changed."""
    said = [s for s in statements if (s.year, s.first, s.last) == (year, first, last)]
    a_day = {s.filed_on: s for s in sorted(said, key=lambda s: (s.filed_on, s.accession))}
    changes: list[Statement] = []
    for statement in a_day.values():
        if not changes or changes[-1].value != statement.value:
            changes.append(statement)
    return changes


def in_force(changes: list[Statement], day: date) -> Statement | None:
    return max((s for s in changes if s.filed_on <= day), key=lambda s: s.filed_on, default=None)


def differences(statements: list[Statement], year: int, quarter: int) -> list[tuple[date, date, int]]:
    """(known from, day of the longer statement, value) of a quarter as a difference of statements of one vintage."""
    longer, shorter = versions(statements, year, 1, quarter), versions(statements, year, 1, quarter - 1)
    recasts = [s.filed_on for last in SPANS.values() for s in versions(statements, year, 1, last)[1:]]
    found = []
    for place, minuend in enumerate(longer):
        subtrahend = in_force(shorter, minuend.filed_on)
        beside = any(
            (s.accession, s.year, s.first, s.last) == (minuend.accession, year, 1, quarter - 1) for s in statements
        )
        if subtrahend:
            since = subtrahend is not shorter[0] and subtrahend.filed_on > longer[place - 1].filed_on
            if place == 0 or beside or since:
                found.append((minuend.filed_on, minuend.filed_on, minuend.value - subtrahend.value))
        elif shorter and (place == 0 or beside):
            late = shorter[0]
            if not any(minuend.filed_on < day <= late.filed_on for day in recasts):
                found.append((late.filed_on, minuend.filed_on, minuend.value - late.value))
    if quarter > 2 and longer and longer[0].filed_on not in [known_from for known_from, _, _ in found]:
        day = longer[0].filed_on
        parts = [in_force(versions(statements, year, part, part), day) for part in range(1, quarter)]
        if all(parts):
            found.append((day, day, longer[0].value - sum(part.value for part in parts if part)))
    return found


def believed(statements: list[Statement], year: int, quarter: int, day: date) -> int | None:
    """What an honest reader takes the quarter to be on `day`: as stated, else the newest difference."""
    stated = in_force(versions(statements, year, quarter, quarter), day)
    if stated or quarter == 1:
        return stated and stated.value
    known = [found for found in differences(statements, year, quarter) if found[0] <= day]
    return max(known)[2] if known else None


@pytest.fixture(scope="module")
def models(manifest):
    return compiled_models(manifest, ["int_metric_quarters"])


@pytest.fixture(scope="module")
def shapes(refreshed):
    return raw_shapes(refreshed.home.build)


def run_models(models, shapes, statements: list[Statement]) -> list[tuple]:
    """The rows of int_metric_quarters for a history: quarter, value, known_from, known_to."""
    # Every other filing came after hours the day before: EDGAR's date is one day earlier than the reader's.
    late = {s.accession: s.filed_on for s in statements if s.accession % 2}
    facts = [
        dict(
            fact_id=f"x{i}",
            cik=CIK,
            accession=f"{s.accession:06}",
            form="10-Q",
            filed_on=s.filed_on - timedelta(days=s.accession in late),
            concept=s.concept,
            dimensions="",
            unit="USD",
            period_start=s.period()[0],
            period_end=s.period()[1],
            value=s.value,
            source_kind="xbrl_instance",
        )
        for i, s in enumerate(statements)
    ]
    concept = dict(cik=CIK, metric="capex_cash_gross", dimensions="", is_required=False, same_as=NEW, part_of="")
    raw = {
        "companies": [
            dict(cik=CIK, ticker="TEST", company="Test", role="hyperscaler", fiscal_year_end_month=12),
        ],
        # No limit to steps: what is set aside is another test's (test_screens.py).
        "metric_concepts": [
            concept | dict(concept=NEW, priority=1, max_step=0),
            concept | dict(concept=OLD, priority=2, max_step=0),
        ],
        "filings": [dict(cik=CIK, accession=f"{a:06}", known_from=day) for a, day in late.items()],
        "xbrl_facts": facts,
    }
    with chain(models, shapes, raw) as con:
        return con.execute(
            "select calendar_quarter, value_usd, known_from, known_to from intermediate.int_metric_quarters "
            "order by 1, 3"
        ).fetchall()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(statements=histories())
def test_every_day_shows_what_was_said_by_then(models, shapes, statements):
    rows = run_models(models, shapes, statements)
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
