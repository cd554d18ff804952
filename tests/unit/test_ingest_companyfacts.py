"""Company facts: exact values, the same from both readings, and refusals that say what is wrong."""

import json
from datetime import date
from decimal import Context, Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.parsers.companyfacts import _read_quickly, parse_companyfacts, read_companyfacts
from ingest.records import FACTS, SET_ASIDE, PayloadError

URL = "https://data.sec.gov/api/xbrl/companyfacts/CIK0001045810.json"
ROW = {
    "start": "2025-04-28",
    "end": "2025-07-27",
    "val": 46743000000,
    "accn": "0001045810-25-000209",
    "fy": 2026,
    "fp": "Q2",
    "form": "10-Q",
    "filed": "2025-08-27",
    "frame": "CY2025Q2",
}


def payload(rows: list[dict], *, indent: int | None = None, unit: str = "USD", cik: object = 1045810) -> bytes:
    entry = {"label": "Revenues", "description": 'Amount of "revenue" [net: {of}] returns.', "units": {unit: rows}}
    whole = {"cik": cik, "entityName": "NVIDIA CORP", "facts": {"us-gaap": {"Revenues": entry}}}
    return json.dumps(whole, indent=indent, separators=None if indent else (",", ":")).encode()


def parse(body: bytes) -> pa.Table:
    return parse_companyfacts(body, URL, "ab" * 32)


def test_one_fact_whole():
    table = parse(payload([ROW]))
    assert table.schema == FACTS
    assert table.to_pylist() == [
        {
            "cik": "0001045810",
            "accession": "0001045810-25-000209",
            "form": "10-Q",
            "filed_on": date(2025, 8, 27),
            "concept": "us-gaap:Revenues",
            "dimensions": "",
            "unit": "USD",
            "period_start": date(2025, 4, 28),
            "period_end": date(2025, 7, 27),
            "value": Decimal(46743000000),
            "decimals": None,
            "source_kind": "companyfacts",
            "source_url": URL,
            "sha256": "ab" * 32,
            "frame": "CY2025Q2",
            "fy": 2026,
            "fp": "Q2",
        }
    ]


def test_what_a_row_may_lack():
    bare = {key: ROW[key] for key in ("end", "val", "accn", "form", "filed")}
    row = parse(payload([bare | {"fy": None, "fp": None}])).to_pylist()[0]
    assert [row[name] for name in ("period_start", "frame", "fy", "fp")] == [None] * 4


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "text",
    ["9007199254740993", "-9223372036854775809", "0.1", "6e-06", "0.1234567891", "1234567890123456789012345678", "-0"],
)
def test_values_are_exact(text, indent):
    body = payload([ROW], indent=indent).replace(b"46743000000", text.encode())
    assert parse(body)["value"].to_pylist() == [Decimal(text)]


def test_both_readings_agree():
    rows = [ROW | {"val": at * 1000 + 0.5, "end": f"2025-07-{at:02d}", "start": None} for at in range(1, 29)]
    compact, spread = payload(rows), payload(rows, indent=2)
    assert _read_quickly(compact) is not None
    assert _read_quickly(spread) is None
    assert parse(compact).equals(parse(spread))


@pytest.mark.parametrize("text", ["a]b", "a},{b", 'a"},{"b', "[{", "}]", "[{}]", "]]"])
def test_brackets_in_text_do_not_confuse_the_quick_reading(text):
    rows = [ROW | {"frame": text}, ROW]
    assert parse(payload(rows)).equals(parse(payload(rows, indent=1)))
    assert parse(payload(rows))["frame"].to_pylist() == [text, "CY2025Q2"]


@pytest.mark.parametrize("text", [b"[{", b"}]", b"[{}]", b"[{of}]", b"},{"])
def test_brackets_in_a_description_do_not_confuse_it_either(text):
    table = parse(payload([ROW, ROW]).replace(b"[net: {of}]", text))
    assert table.equals(parse(payload([ROW, ROW])))


def test_no_facts_is_an_empty_table():
    table = parse(b'{"cik":1,"facts":{}}')
    assert table.schema == FACTS
    assert table.num_rows == 0


def test_several_concepts_and_units_keep_their_rows():
    whole = json.loads(payload([ROW, ROW | {"end": "2025-07-28"}]))
    whole["facts"]["us-gaap"]["Revenues"]["units"]["EUR"] = [ROW | {"val": 3}]
    whole["facts"]["dei"] = {"Shares": {"units": {"shares": [ROW | {"val": 4}], "pure": []}}}
    table = parse(json.dumps(whole, separators=(",", ":")).encode())
    assert list(zip(*(table[c].to_pylist() for c in ("concept", "unit", "value")), strict=True)) == [
        ("us-gaap:Revenues", "USD", 46743000000),
        ("us-gaap:Revenues", "USD", 46743000000),
        ("us-gaap:Revenues", "EUR", 3),
        ("dei:Shares", "shares", 4),
    ]


@settings(max_examples=300, deadline=None)
@given(st.integers(-(10**40), 10**40), st.integers(0, 14), st.sampled_from(["", "e-3", "E-10", "e5", "e30"]))
def test_every_value_is_exact_or_refused(number, places, exponent):
    text = f"{Decimal(number).scaleb(-places, Context(prec=60)):f}{exponent}"
    true = Decimal(text)
    fits = abs(true) < 10**28 and true == true.quantize(Decimal("1e-10"), context=Context(prec=90))
    body = payload([ROW]).replace(b"46743000000", text.encode())
    if fits:
        assert parse(body)["value"].to_pylist() == [true]
    else:
        with pytest.raises(PayloadError, match="out of range"):
            parse(body)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("46743000000", "NaN", "NaN stands where a number is expected"),
        ("46743000000", "-Infinity", "-Infinity stands where a number"),
        ("46743000000", "1e400", "us-gaap:Revenues, 0001045810-25-000209, 2025-07-27: 1E\\+400 is out of range"),
        ("46743000000", "12345678901234567890123456789", "is out of range"),
        ("46743000000", "0.12345678901", "is out of range"),
        ("46743000000", '"46743000000"', "val is '46743000000'"),
        ("46743000000", "true", "val is True"),
        ("46743000000", "null", "val is None"),
        ('"val"', '"value"', "val is None"),
        ('"fy"', '"val"', "the JSON key 'val' stands twice"),
        ('"entityName"', '"cik"', "the JSON key 'cik' stands twice"),
        ('"label"', '"units"', "the JSON key 'units' stands twice"),
        ('"filed"', '"field"', "filed is None, not a day"),
        ('"2025-07-27"', '"27.07.2025"', "CIK 0001045810.*end is '27.07.2025', not a day"),
        ('"2025-07-27"', '"0000-01-01"', "year 0"),
        ('"accn"', '"accession"', "accn is None, not a text"),
        ("1045810", '"NVDA"', "ten digits expected"),
        ('"units"', '"unit"', "val is None"),
        ('"us-gaap"', '"facts":[],"x"', "stands|company facts"),
    ],
)
def test_what_is_wrong_is_said(old, new, message, indent):
    body = payload([ROW], indent=indent)
    changed = body.decode().replace(old, new, 1)
    assert changed != body.decode()
    with pytest.raises(PayloadError, match=message):
        parse(changed.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"cik":1,"facts":[]}',
        b'{"cik":1,"facts":{"us-gaap":3}}',
        b'{"cik":1,"facts":{"us-gaap":{"A":{"units":{"USD":7}}}}}',
        b'{"cik":1,"facts":{"us-gaap":{"A":{"units":{"USD":[7]}}}}}',
        b'{"cik":1,"facts":' + b"[" * 100_000 + b"}",
    ],
)
def test_other_shapes_are_refused(body):
    with pytest.raises(PayloadError):
        parse(body)


# --- one fact among others ---------------------------------------------------------------------------------

ODD = {
    "a value that does not fit": ({"val": 10**28}, "is out of range"),
    "a value that is a text": ({"val": "12"}, "val is '12', not a number"),
    "an end that is no day": ({"end": "2025-06-31"}, "day is out of range"),
    "an end that is nothing": ({"end": None}, "end is None, not a day"),
    "a start that is no day": ({"start": 2025}, "start is 2025, not a day"),
    "no accession": ({"accn": None}, "accn is None, not a text"),
    "a form that is none": ({"form": ["10-Q"]}, "not a text"),
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ODD)
def test_one_odd_fact_is_set_aside_and_named_and_its_neighbours_stay(name, indent):
    change, reason = ODD[name]
    body = payload([ROW, ROW | change, ROW | {"end": "2025-04-27"}], indent=indent)
    read = read_companyfacts(body, URL, "ab" * 32)
    assert read.facts["period_end"].to_pylist() == [date(2025, 7, 27), date(2025, 4, 27)]
    assert read.set_aside.schema == SET_ASIDE
    (row,) = read.set_aside.to_pylist()
    assert reason in row["reason"]
    assert (row["kind"], row["cik"], row["source_url"]) == ("fact", "0001045810", URL)
    assert (row["concept"], row["dimensions"]) == ("us-gaap:Revenues", "")
    assert row["accession"] == (None if "accn" in change else ROW["accn"])
    assert row["period_end"] == (None if "end" in change else date(2025, 7, 27))


@pytest.mark.parametrize("text", ["1e400", "1e99999999999999999999", "null"])
def test_so_is_a_number_that_no_parser_expects(text):
    body = payload([ROW, ROW | {"end": "2025-04-27"}]).replace(b"46743000000", text.encode(), 1)
    read = read_companyfacts(body, URL, "ab" * 32)
    assert (read.facts.num_rows, read.set_aside.num_rows) == (1, 1)


def test_a_concept_without_units_and_a_list_that_is_none_are_set_aside():
    whole = json.loads(payload([ROW]))
    whole["facts"]["us-gaap"] |= {"Odd": {"label": "x"}, "Odder": 7, "Oddest": {"units": {"USD": {"val": 1}}}}
    read = read_companyfacts(json.dumps(whole).encode(), URL, "ab" * 32)
    assert read.facts.num_rows == 1
    assert sorted(read.set_aside["concept"].to_pylist()) == ["us-gaap:Odd", "us-gaap:Odder", "us-gaap:Oddest"]


def test_what_describes_the_filing_only_never_costs_a_fact():
    row = parse(payload([ROW | {"fy": "2026", "fp": 2, "frame": True}])).to_pylist()[0]
    assert (row["value"], row["fy"], row["fp"], row["frame"]) == (46743000000, None, None, None)


def test_odd_facts_of_forms_that_are_never_used_are_not_worth_a_row():
    read = read_companyfacts(payload([ROW, ROW | {"form": "424B5", "val": 10**28}]), URL, "ab" * 32)
    assert (read.facts.num_rows, read.set_aside.num_rows) == (1, 0)


def test_a_payload_of_odd_facts_is_refused():
    with pytest.raises(PayloadError, match="more than 10000 company facts cannot be read"):
        parse(payload([ROW, *[7] * 10_001]))
