"""Whatever bytes come, a parser returns or raises an error it declares, soon and in little memory.

Documents are broken in the ways that reach deep: a valid one with elements gone, repeated or moved, hostile attribute
values and numbers, wrong types in JSON, and plain damage to bytes. The coverage-guided run of the same targets is in
fuzz/; documents that it found stand among the regression tests here.
"""

from __future__ import annotations

import copy
import json
import re
import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from ingest.curated.figures import parse_figures
from support import xbrl
from support.parsers import TARGETS, seeds, survives

ROOT = Path(__file__).resolve().parents[2]
#: A document takes milliseconds; the deadline is for what would take minutes.
SETTINGS = settings(
    max_examples=100, deadline=timedelta(seconds=5), suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

NUMBERS = (
    "0", "-0", "-1", "1e400", "-1e400", "1e999999999999999999999", "1E-400", "NaN", "-Infinity", "INF",
    "9007199254740993", "0.1", "1" * 29, "1" * 81, "9" * 5000, "0x10", "1_000", "१२३", "1,2,3", "1.2.3", "--1", "+1",
    ".", "",
)  # fmt: skip
DAYS = (
    "0001-01-01",
    "0001-01-01T00:00:00",
    "9999-12-31",
    "2025-02-30",
    "2025-13-01",
    "0000-00-00",
    "２０２５-01-01",
    "",
)
TEXTS = (
    "\u0000", "\ud800", "\u202e", "'; drop table x; --", "{{ 7 * 7 }}", "=HYPERLINK(1)", "../../etc/passwd",
    "a" * 70_000, "http://[", "http://[::1", "c1 c2", "\n", "-999", "-9999", "ixt:nothing", "ixt:num-unit-decimal",
    "none:format", "ixt-sec:numwordsen", "us-gaap:", ":Revenues", "<![CDATA[x]]>",
    "]]>", "&amp;", "&nope;", "true", "fixed-true",
)  # fmt: skip
HOSTILE = st.sampled_from([*NUMBERS, *DAYS, *TEXTS]) | st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn, target: str) -> bytes:
    """A valid document with bytes flipped, cut out, repeated, moved or replaced, or its end gone."""
    data = draw(st.sampled_from(seeds(target)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([1, 4, 30, 300])))
        part = draw(
            st.sampled_from([b"", data[start:end] * 2, data[start:end][::-1], data[start:end] * 50])
            | st.binary(max_size=8)
            | HOSTILE.map(lambda text: text.encode("utf-8", "surrogatepass"))
        )
        data = data[:start] + part + data[end:]
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 5)) == 0 else data


def _writable(text: str) -> str:
    """As much of a text as lxml lets into a tree."""
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]", "", text)


@st.composite
def rearranged_xml(draw: st.DrawFn, target: str) -> bytes:
    """A well-formed document whose elements are gone, repeated, moved, nested, renamed, or say hostile things."""
    root = etree.fromstring(draw(st.sampled_from(seeds(target))))
    for _ in range(draw(st.integers(1, 4))):
        elements = list(root.iterdescendants())
        if not elements:
            break
        one, other = (draw(st.sampled_from(elements)) for _ in range(2))
        match draw(st.sampled_from(["drop", "repeat", "move", "text", "attribute", "attribute", "rename", "unset"])):
            case "drop":
                one.getparent().remove(one)
            case "repeat":
                for _ in range(draw(st.sampled_from([1, 2, 60]))):
                    one.addnext(copy.deepcopy(one))
            case "move":
                other.append(copy.deepcopy(one))
            case "text":
                one.text = _writable(draw(HOSTILE))
            case "attribute":
                names = [*one.keys(), "scale", "sign", "format", "decimals", "contextRef", "continuedAt", "target"]
                one.set(draw(st.sampled_from(names)), _writable(draw(HOSTILE)))
            case "rename":
                one.tag = other.tag
            case "unset":
                for name in one.keys():  # noqa: SIM118 (an element iterates over its children)
                    del one.attrib[name]
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _places(value: object) -> list[tuple[object, object]]:
    """Every container in a JSON value with each of its keys."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in [(value, key), *_places(value[key])]]


@st.composite
def rearranged_json(draw: st.DrawFn, target: str) -> bytes:
    """A JSON document whose values have other types, are gone, repeated, or hostile."""
    value = json.loads(draw(st.sampled_from(seeds(target))))
    for _ in range(draw(st.integers(1, 4))):
        places = _places(value)
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["drop", "repeat", "replace", "replace", "rename"])):
            case "drop":
                del container[key]
            case "repeat" if isinstance(container, list):
                container.extend(copy.deepcopy([container[key]] * draw(st.sampled_from([1, 40]))))
            case "rename" if isinstance(container, dict):
                container[draw(HOSTILE)] = container.pop(key)
            case _:
                container[key] = draw(JSON)
    compact = draw(st.booleans())
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), separators=(",", ":") if compact else None)
    # json cannot write what it should not read: numbers as no parser expects them.
    number = draw(st.sampled_from(NUMBERS))
    text = re.sub(r'(?<=":)\s*-?[0-9]+(?=[,}])', number, text, count=draw(st.integers(0, 1)))
    return text.encode("utf-8", "surrogatepass")


CELLS = st.sampled_from(['"', '""', ",", "\r\n", "\r", "\0", "", " "]) | HOSTILE


@st.composite
def rearranged_csv(draw: st.DrawFn, target: str) -> bytes:
    """A CSV file whose cells are hostile, moved or missing."""
    lines = [line.split(",") for line in draw(st.sampled_from(seeds(target))).decode().splitlines()]
    for _ in range(draw(st.integers(1, 5))):
        cells = lines[draw(st.integers(min(1, len(lines) - 1), len(lines) - 1))]
        place = draw(st.integers(0, len(cells) - 1))
        cells[place] = draw(CELLS)
        if draw(st.integers(0, 9)) == 0:
            cells.insert(place, draw(CELLS))
    return "\n".join(map(",".join, lines)).encode("utf-8", "surrogatepass")


REARRANGED = {
    "instance": rearranged_xml,
    "inline": rearranged_xml,
    "companyfacts": rearranged_json,
    "submissions": rearranged_json,
    "submissions_page": rearranged_json,
    "figures": rearranged_csv,
    "corrections": rearranged_csv,
}


@pytest.mark.parametrize("target", TARGETS)
def test_a_valid_document_is_accepted(target):
    """Else the others would be refused for what they have in common, and nothing would be tested."""
    assert all(survives(target, data) for data in seeds(target))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_damage_is_refused_in_the_declared_way(target):
    @SETTINGS
    @given(damaged(target))
    def runs(data: bytes) -> None:
        survives(target, data)

    runs()


@pytest.mark.slow
@pytest.mark.parametrize("target", REARRANGED)
def test_well_formed_nonsense_is_refused_in_the_declared_way(target):
    accepted = []

    @SETTINGS
    @given(REARRANGED[target](target))
    def runs(data: bytes) -> None:
        accepted.append(survives(target, data))

    runs()
    assert any(accepted), "every document was refused: the changes are too coarse to reach far"
    assert not all(accepted)


# --- found once -----------------------------------------------------------------------------------

_END = 'name="dei:DocumentPeriodEndDate" contextRef="c1" format="ixt:date-monthname-day-year-en"'
_ROW = b'{"end":"2025-07-27","val":%b,"accn":"0001045810-25-000209","form":"10-Q","filed":"2025-08-27"}'
_FACTS = b'{"cik":1045810,"facts":{"us-gaap":{"%b":{"units":{"USD":[' + _ROW + b"]}}}}}"


FOUND = {
    "a year beyond the calendar": ("inline", xbrl.inline(f"<ix:nonNumeric {_END}>May 1, {'9' * 20}</ix:nonNumeric>")),
    "midnight at the start of time": (
        "instance",
        xbrl.instance("", xbrl.context("c1", "0001-01-01T00:00:00") + xbrl.UNITS),
    ),
    "an exponent beyond Decimal": ("companyfacts", _FACTS % (b"Revenues", b"1e99999999999999999999")),
    "half a surrogate pair, escaped": ("companyfacts", _FACTS % (rb"Rev\ud800enues", b"1")),
    "half a surrogate pair, as bytes": ("companyfacts", _FACTS % (b"Rev\xed\xa0\x80enues", b"1")),
    "bytes that are no text, in a list of facts": ("companyfacts", _FACTS % (b"Revenues", b'1,"fp":"\xb0"')),
    "half a surrogate pair in a list": (
        "submissions_page",
        seeds("submissions_page")[0].replace(b'"10-K"', rb'"\udc00"'),
    ),
    "corrections that are not UTF-8": ("corrections", seeds("corrections")[0] + b"\xff"),
    "a correction of no number": ("corrections", seeds("corrections")[0].replace(b"1000000", b"NaN")),
}


#: What is wrong there concerns one fact, which is rejected.
ONE_FACT = {"a year beyond the calendar", "midnight at the start of time"}


@pytest.mark.parametrize("name", FOUND)
def test_what_once_broke_a_parser_is_refused(name):
    target, data = FOUND[name]
    assert survives(target, data) == (name in ONE_FACT)


def test_an_address_that_is_none_refuses_its_row_not_the_file():
    rows, refused = parse_figures("a.csv", seeds("figures")[0].replace(b"https://", b"http://[", 1))
    assert (len(rows), len(refused)) == (2, 1)


# --- bounds ---------------------------------------------------------------------------------------

_NESTED = '<ix:nonFraction name="us-gaap:A" contextRef="c1" unitRef="usd" decimals="0">'


def _chain(length: int) -> bytes:
    links = "".join(f'<ix:continuation id="k{n}" continuedAt="k{n + 1}"/>' for n in range(length))
    return xbrl.inline(f'<ix:nonNumeric {_END} continuedAt="k0">July 27,</ix:nonNumeric>{links}')


#: Documents of up to 5 MB whose cost could grow faster than their size: target, and what writes it.
GREEDY = {
    "comments after the end": ("instance", lambda: xbrl.instance("") + b"<!---->" * 500 + b"x"),
    "a long chain of continuations": ("inline", lambda: _chain(40_000)),
    "nested facts that share a long text": (
        "inline",
        lambda: xbrl.inline(_NESTED * 200 + "1" * 5_000_000 + "</ix:nonFraction>" * 200),
    ),
    "one fact stated very often": (
        "instance",
        lambda: xbrl.instance("".join(xbrl.fact(str(n % 7), decimals=str(-1 - n % 9)) for n in range(40_000))),
    ),
    "keys that stand twice, at the end of many": (
        "companyfacts",
        lambda: b'{"cik":1,"facts":{%b"a":1,"a":2}}' % b"".join(b'"k%d":1,' % n for n in range(200_000)),
    ),
    "brackets": ("companyfacts", lambda: b'{"cik":1,"facts":' + b"[" * 1_000_000 + b"}"),
    "many empty lists": ("companyfacts", lambda: b'{"cik":1,"facts":[' + b"[]," * 1_000_000 + b"[]]}"),
    "many lists of facts": ("companyfacts", lambda: b'{"cik":1,"facts":[' + b'[{"val":1}],' * 200_000 + b"[]]}"),
    "many columns": ("submissions_page", lambda: b'{"accessionNumber":[%b""],"filingDate":[]}' % (b'"",' * 1_000_000)),
    "an open quote": ("figures", lambda: seeds("figures")[0] + b'"' + b"a,\n" * 1_000_000),
    "many rows of nothing": ("figures", lambda: seeds("figures")[0] + b",,,,\n" * 200_000),
}


@pytest.mark.parametrize("name", GREEDY)
@pytest.mark.slow
def test_no_document_takes_long(name):
    target, write = GREEDY[name]
    data = write()
    start = time.process_time()
    survives(target, data)
    assert time.process_time() - start < 5


_MEASURE = """
import resource, sys
from unit.test_parsers_fuzz import GREEDY
from support.parsers import seeds, survives

for target in {target for target, _ in GREEDY.values()}:
    survives(target, seeds(target)[0])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for target, write in GREEDY.values():
    survives(target, write())
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_no_document_takes_much_memory():
    """In a process of its own, whose peak is theirs."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (60, 60)),
    )
    assert int(done.stdout) < 400, f"{done.stdout.strip()} MB"


# --- the coverage-guided harness ------------------------------------------------------------------


def test_the_harness_runs_every_target_over_its_documents(tmp_path):
    for name, (target, data) in FOUND.items():
        folder = tmp_path / target
        folder.mkdir(exist_ok=True)
        (folder / name.replace(" ", "-")).write_bytes(data)
    done = subprocess.run(
        [sys.executable, ROOT / "fuzz" / "fuzz_parsers.py", "all", "--replay", "--corpus", tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == list(TARGETS)
    assert f"companyfacts: {len(seeds('companyfacts'))} valid and 4 other documents" in done.stdout
