"""The day a filing was public: T63 (false and true Z), T64 (after hours, weekend), T65 (daylight saving, leap day,
year end)."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parsers.acceptance import CUT_OFF, KNOWN_FILINGS, NEW_YORK, accepted, edgar_date, with_acceptance
from ingest.records import FILINGS


def test_nvidia_says_z_and_means_new_york():
    """10-K 0001045810-26-000021 was accepted at 16:42 in New York; read as UTC it would be 11:42, in the trading
    day."""
    known = accepted("2026-02-25T16:42:19.000Z", date(2026, 2, 25))
    assert known.known_at == datetime(2026, 2, 25, 16, 42, 19, tzinfo=NEW_YORK)
    assert (known.known_from, known.basis) == (date(2026, 2, 25), "new_york_clock")


def test_apple_says_z_and_means_it():
    """21:30:33 in New York would be dated the next day; the filing date says it was 16:30."""
    known = accepted("2026-01-29T21:30:33.000Z", date(2026, 1, 29))
    assert known.known_at == datetime(2026, 1, 29, 16, 30, 33, tzinfo=NEW_YORK)
    assert known.basis == "utc_clock"


def test_apple_after_hours_belongs_to_the_next_morning():
    """Accepted 2023-11-02 18:08 New York time (22:08 UTC), dated 2023-11-03."""
    known = accepted("2023-11-02T22:08:27.000Z", date(2023, 11, 3))
    assert known.known_from == date(2023, 11, 3)


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2025-08-27T17:30:00", date(2025, 8, 27)),
        ("2025-08-27T17:30:01", date(2025, 8, 28)),
        ("2025-08-27T21:59:59", date(2025, 8, 28)),
        ("2025-08-29T17:31:00", date(2025, 9, 1)),  # a Friday evening: Monday (Labor Day is not known to the rule)
        ("2025-08-30T12:00:00", date(2025, 9, 1)),
        ("2025-12-31T18:00:00", date(2026, 1, 1)),
        ("2028-02-29T09:00:00", date(2028, 2, 29)),
        ("2026-11-01T01:30:00", date(2026, 11, 2)),  # the hour that exists twice, on a Sunday
        ("2027-03-14T02:30:00", date(2027, 3, 15)),  # the hour that does not exist, on a Sunday
    ],
)
def test_the_cut_off_to_the_second(clock, day):
    assert edgar_date(datetime.fromisoformat(clock).replace(tzinfo=NEW_YORK)) == day


def test_a_header_is_new_york_time():
    known = accepted("20260306163125", date(2026, 3, 6), header=True)
    assert known.known_at == datetime(2026, 3, 6, 16, 31, 25, tzinfo=NEW_YORK)
    assert known.basis == "header"


def test_without_an_acceptance_time_the_filing_date_counts():
    assert accepted(None, date(2020, 5, 21)) == (None, date(2020, 5, 21), "filing_date")


def test_a_time_that_fits_no_reading_is_taken_late():
    known = accepted("2025-07-04T09:00:00.000Z", date(2025, 7, 3))
    assert known.basis == "contradiction"
    assert known.known_from == date(2025, 7, 4)


ODD = {
    "14 digits": "20250703090000",
    "leap second": "2025-06-30T23:59:60.000Z",
    "year 1": "0001-01-01T00:00:00.000Z",
    "year 9999": "9999-12-31T23:59:59.000Z",
    "hour 24": "2025-07-03T24:00:00.000Z",
    "a week": "2025-W27-4T09:00:00Z",
    "no seconds": "2025-07-03T09:00Z",
    "a word": "soon",
    "other digits": "2025-07-0\uff13T09:00:00Z",
    "another year": "2062-07-03T09:00:00.000Z",
    "another month": "2025-05-03T09:00:00.000Z",
}


@pytest.mark.parametrize("received", ODD.values(), ids=ODD)
def test_a_time_that_is_none_leaves_the_filing_known_from_its_filing_date(received):
    assert accepted(received, date(2025, 7, 3)) == (None, date(2025, 7, 3), "unreadable_time")


@pytest.mark.parametrize("received", ["2025-07-03T09:00:00Z", "20250703", "20250732090000", "soon"])
def test_a_header_that_is_none_as_well(received):
    assert accepted(received, date(2025, 7, 3), header=True) == (None, date(2025, 7, 3), "unreadable_time")


@pytest.mark.parametrize(
    "received", ["2025-07-03T09:00:00+02:00", "2025-07-03 09:00:00.123456789Z", " 2025-07-03T09:00:00 "]
)
def test_other_ways_to_write_a_time(received):
    assert accepted(received, date(2025, 7, 3)).basis == "new_york_clock"


@given(st.text() | st.datetimes().map(lambda moment: moment.isoformat() + "Z"), st.dates())
def test_no_text_and_no_day_stops_a_refresh(received, filed_on):
    known = accepted(received, filed_on)
    assert known.known_from >= filed_on
    assert (known.known_from - filed_on) <= timedelta(days=34)


@given(
    st.datetimes(min_value=datetime(2009, 1, 1), max_value=datetime(2035, 12, 31)),
    st.integers(min_value=-3, max_value=6),
)
def test_nothing_is_known_before_it_is_filed(moment, shift):
    filed_on = moment.date() + timedelta(days=shift)
    known = accepted(moment.isoformat() + "Z", filed_on)
    assert known.known_from >= filed_on
    assert known.known_at is not None
    if known.basis != "contradiction":
        assert known.known_at.astimezone(NEW_YORK).date() <= known.known_from
        assert known.known_at.time() <= CUT_OFF or known.known_at.date() < known.known_from


def test_filings_gain_the_moment_and_the_day():
    rows = [
        {"cik": "0001045810", "accession": "a", "filed_on": date(2026, 2, 25)}
        | {"accepted_at_received": "2026-02-25T16:42:19.000Z"},
        {"cik": "0000320193", "accession": "b", "filed_on": date(2020, 1, 2), "accepted_at_received": None},
        {"cik": "0000320193", "accession": "c", "filed_on": None, "accepted_at_received": None},
    ]
    table = with_acceptance(pa.Table.from_pylist(rows, FILINGS))
    assert table.schema == KNOWN_FILINGS
    assert table["known_at"].to_pylist() == ["2026-02-25T16:42:19-05:00", None, None]
    assert table["known_from"].to_pylist() == [date(2026, 2, 25), date(2020, 1, 2), None]
    assert table["known_from_basis"].to_pylist() == ["new_york_clock", "filing_date", "unknown"]
