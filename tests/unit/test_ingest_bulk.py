import os
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.bulk import BulkStore, load_zip
from ingest.bundle import read_bundle
from ingest.parsers.companyfacts import parse_companyfacts
from ingest.records import FACTS, IngestError
from orchestration.bulk import bulk_load
from support.bulk import companyfacts, write_data_set, write_zip
from warehouse.errors import Busy
from warehouse.store.home import Home, refresh_lock

#: As many members as SEC's own zip has.
FULL = 18_000
CHECKOUT = Path(__file__).resolve().parents[2]


def quiet(*_):
    pass


@pytest.fixture(scope="module")
def rows():
    """Undimensioned facts of the bundle, one statement a key."""
    facts = read_bundle().facts
    facts = facts.filter(pc.equal(facts["dimensions"], "")).slice(0, 4000).to_pylist()
    key = ("accession", "concept", "unit", "period_start", "period_end")
    return list({tuple(row[name] for name in key): row for row in facts}.values())


def member(rows, number, count=20, **more):
    """A filer of his own whose facts are some of the bundle's."""
    cik = f"{number:010d}"
    some = [rows[(number * 7 + at) % len(rows)] | more for at in range(count)]
    return f"CIK{cik}.json", companyfacts(some, cik, f"Filer {number} \u00e9")


def zipped(path, rows, numbers, **more):
    return write_zip(path, dict(member(rows, number, **more) for number in numbers))


def kept(root, folder="facts"):
    files = BulkStore(root).files(folder)
    return pa.concat_tables([FACTS.empty_table(), *(pq.read_table(f, schema=FACTS) for f in files)])


def as_parsed(zip_path):
    """What the parser says of each member by itself."""
    with zipfile.ZipFile(zip_path) as file:
        return Counter(
            row for name in file.namelist() for row in statements(parse_companyfacts(file.read(name), "", ""))
        )


def statements(table):
    names = ("cik", "accession", "concept", "unit", "period_start", "period_end", "value", "form", "filed_on")
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


@pytest.mark.slow
def test_a_zip_of_full_member_count_is_read_whole(tmp_path, rows):
    few = [member(rows, number, count=3) for number in range(1, 101)]
    bodies = {}
    for number in range(1, FULL + 1):
        name, body = few[number % 100]
        cik = f"{number:010d}"
        bodies[f"CIK{cik}.json"] = body.replace(b'{"cik":%d' % int(name[3:13]), b'{"cik":%d' % number, 1)
    path = write_zip(tmp_path / "companyfacts.zip", bodies)
    told = []
    loaded = load_zip(path, BulkStore(tmp_path / "bulk"), lambda *a: told.append(a))
    assert (loaded.members, loaded.known, loaded.damaged) == (FULL, 0, {})
    assert loaded.facts == FULL * 3
    found = kept(tmp_path / "bulk")
    assert found.num_rows == FULL * 3
    assert len(pc.unique(found["cik"])) == FULL
    assert told[-1][1:] == (FULL, FULL), "progress ends with all of them"
    assert len({len(a) for a in told}) == 1
    years = {path.parent.name for path in BulkStore(tmp_path / "bulk").files("facts")}
    assert years == {f"filed_year={year}" for year in pc.unique(pc.year(found["filed_on"])).to_pylist()}


def test_what_is_kept_is_what_the_parser_says_to_the_last_digit(tmp_path, rows):
    exact = [row | {"value": Decimal("12345678901234.0123456789")} for row in rows[:1]]
    bodies = dict(member(rows, number, count=200) for number in range(1, 6))
    bodies["CIK0000000099.json"] = companyfacts(exact, "0000000099", "Exact")
    path = write_zip(tmp_path / "companyfacts.zip", bodies)
    load_zip(path, BulkStore(tmp_path / "bulk"), quiet, 1)
    assert Counter(statements(kept(tmp_path / "bulk"))) == as_parsed(path)
    names = pq.read_table(BulkStore(tmp_path / "bulk").files("filers")[0]).to_pylist()
    assert names[0]["name"] == "Filer 1 \u00e9"


def test_a_newer_zip_adds_only_what_is_new(tmp_path, rows):
    store = tmp_path / "bulk"
    load_zip(zipped(tmp_path / "a.zip", rows, range(1, 11)), BulkStore(store), quiet, 1)
    bodies = dict(member(rows, number, count=20 + 5 * (number == 3)) for number in range(1, 12))
    newer = write_zip(tmp_path / "b.zip", bodies)
    loaded = load_zip(newer, BulkStore(store), quiet, 1)
    assert (loaded.members, loaded.known, loaded.facts) == (2, 9, 5 + 20)
    assert Counter(statements(kept(store))) == as_parsed(newer)
    again = load_zip(newer, BulkStore(store), quiet, 1)
    assert (again.members, again.known, again.facts) == (0, 11, 0)


def test_another_value_for_a_known_statement_is_kept_beside_it(tmp_path, rows):
    store = tmp_path / "bulk"
    load_zip(zipped(tmp_path / "a.zip", rows, [1], count=2), BulkStore(store), quiet, 1)
    loaded = load_zip(zipped(tmp_path / "b.zip", rows, [1], count=2, value=Decimal(7)), BulkStore(store), quiet, 1)
    assert loaded.facts == 2
    assert kept(store).num_rows == 4


def overwrite(path, name):
    """Some bytes of one member's compressed content, as a bad disk does."""
    with zipfile.ZipFile(path) as file:
        at = file.getinfo(name).header_offset + 30 + len(name)
    data = bytearray(path.read_bytes())
    data[at + 40 : at + 60] = bytes(20)
    path.write_bytes(data)


DAMAGE = ("its bytes in the zip", "cut short", "no company facts", "another filer")


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_member_is_named_and_the_others_are_loaded(tmp_path, rows, what):
    bodies = dict(member(rows, number) for number in range(1, 6))
    name = "CIK0000000003.json"
    if what == "cut short":
        bodies[name] = bodies[name][:-30]
    elif what == "no company facts":
        bodies[name] = b"<html>Request Rate Threshold Exceeded</html>"
    elif what == "another filer":
        bodies[name] = bodies["CIK0000000004.json"]
    path = write_zip(tmp_path / "companyfacts.zip", bodies)
    if what == "its bytes in the zip":
        overwrite(path, name)
    said = []
    home = Home(tmp_path / "home")
    assert bulk_load(path, home, lambda *a: said.append(a[0]), 1) == 1
    assert any(line.startswith(f"damaged: {name}: ") for line in said), said
    assert said[-1].endswith("4 members, 0 unchanged, 1 damaged")
    assert set(pc.unique(kept(home.bulk)["cik"]).to_pylist()) == {f"{n:010d}" for n in (1, 2, 4, 5)}
    good = zipped(tmp_path / "good.zip", rows, range(1, 6))
    assert bulk_load(good, home, lambda *a: said.append(a[0]), 1) == 0, "a damaged member is tried again"
    assert said[-1] == "good.zip: 20 new facts from 1 members, 4 unchanged, 0 damaged"


@pytest.mark.parametrize("content", [b"", b"PK no zip", None])
def test_what_is_no_such_zip_is_refused_in_a_line(tmp_path, content):
    path = tmp_path / "x.zip"
    if content is None:
        write_zip(path, {"readme.txt": b"hello"})
    else:
        path.write_bytes(content)
    with pytest.raises(IngestError, match=r"x\.zip is (no whole zip|neither companyfacts\.zip nor)"):
        load_zip(path, BulkStore(tmp_path / "bulk"), quiet)
    with pytest.raises(IngestError, match="there is no"):
        load_zip(tmp_path / "none.zip", BulkStore(tmp_path / "bulk"), quiet)


def test_one_load_at_a_time(tmp_path, rows):
    home = Home(tmp_path)
    script = "import sys; from support.bulk import *; from orchestration.bulk import bulk_load"
    with refresh_lock(Home(home.bulk)):
        code = f"{script}\nfrom warehouse.store.home import Home\nfrom pathlib import Path\n" + (
            f"bulk_load(Path('x.zip'), Home(Path({str(tmp_path)!r})), print)"
        )
        environment = os.environ | {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}"}
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert Busy.__name__ in other.stderr


@pytest.mark.slow
def test_a_killed_load_is_taken_up_where_it_was(tmp_path, rows):
    path = zipped(tmp_path / "companyfacts.zip", rows, range(1, 201), count=200)
    code = (
        "import sys, ingest.bulk.load as load\nfrom pathlib import Path\nfrom ingest.bulk import BulkStore\n"
        "load.BATCH_MEMBERS = 4\n"
        "if __name__ == '__main__':\n"
        f"    load.load_zip(Path({str(path)!r}), BulkStore(Path({str(tmp_path / 'bulk')!r})), lambda *_: None, 2)\n"
    )
    script = tmp_path / "load.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen([sys.executable, str(script)], env=environment, start_new_session=True)
    store = tmp_path / "bulk"
    until = time.monotonic() + 60
    while len(BulkStore(store).batches) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert process.poll() is None, "it is under way"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while time.monotonic() < until and subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True).stdout:
        time.sleep(0.1)
    assert not subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True).stdout, "its processes end too"
    before = len(BulkStore(store).known("companyfacts"))
    assert 0 < before < 200
    with (store / "manifest.jsonl").open("ab") as file:
        file.write(b'{"batch": "9')  # as a power cut leaves it
    loaded = load_zip(path, BulkStore(store), quiet, 2)
    assert (loaded.members, loaded.known) == (200 - before, before)
    assert Counter(statements(kept(store))) == as_parsed(path)
    named = {str(f) for folder in ("facts", "filers") for f in BulkStore(store).files(folder)}
    assert {str(p) for p in store.rglob("*.parquet*")} == named, "nothing of the killed load is left"


def test_a_damaged_manifest_is_named(tmp_path):
    (tmp_path / "manifest.jsonl").write_text("nonsense\n{}\n")
    with pytest.raises(IngestError, match=r"manifest\.jsonl, line 1 is damaged"):
        BulkStore(tmp_path)


FILING = dict(adsh="0000000007-24-000001", cik="7", name="Seven", sic="3674", fye="0131", form="10-Q", filed="20240530")
NUMBER = dict(
    adsh=FILING["adsh"], tag="PaymentsToAcquirePropertyPlantAndEquipment", version="us-gaap/2023", ddate="20240430",
    qtrs="1", uom="USD", value="1234567890123456789.1234",
)  # fmt: skip


@pytest.mark.parametrize("layout", ["old", "new"])
def test_a_data_set_is_read_in_either_layout(tmp_path, layout):
    other = FILING | dict(adsh="0000000008-24-000001", cik="8", form="S-1")
    numbers = [
        NUMBER,
        NUMBER | dict(tag="Own", version=FILING["adsh"], qtrs="4", value="-5.0000"),
        NUMBER | dict(tag="Assets", qtrs="0", coreg="Sub Co"),
        NUMBER | dict(tag="Nothing", value=""),
        NUMBER | dict(tag="Ahead", ddate="20300131"),
        NUMBER | dict(adsh=other["adsh"]),
        NUMBER | dict(adsh="0000000009-24-000001"),
    ]
    if layout == "new":
        numbers.append(NUMBER | dict(tag="Split", segments="Product=Chips;Geography=US;", coreg="Sub Co"))
    path = write_data_set(tmp_path / "2024q2.zip", layout, [FILING, other], numbers)
    assert load_zip(path, BulkStore(tmp_path / "bulk"), quiet).facts == 3 + (layout == "new")
    found = {row["concept"]: row for row in kept(tmp_path / "bulk").to_pylist()}
    capex = found["us-gaap:PaymentsToAcquirePropertyPlantAndEquipment"]
    assert capex["value"] == Decimal("1234567890123456789.1234"), "no double in between"
    assert (capex["cik"], capex["form"], capex["filed_on"]) == ("0000000007", "10-Q", date(2024, 5, 30))
    assert (capex["period_start"], capex["period_end"]) == (date(2024, 2, 1), date(2024, 4, 30))
    assert (capex["dimensions"], capex["unit"], capex["source_kind"]) == ("", "USD", "financial_data_set")
    assert (found["custom:Own"]["period_start"], found["custom:Own"]["value"]) == (date(2023, 5, 1), Decimal(-5))
    assert (found["us-gaap:Assets"]["period_start"], found["us-gaap:Assets"]["dimensions"]) == (
        None,
        "Coregistrant=Sub Co",
    )
    if layout == "new":
        assert found["us-gaap:Split"]["dimensions"] == "Coregistrant=Sub Co;Geography=US;Product=Chips"
    filers = pq.read_table(BulkStore(tmp_path / "bulk").files("filers")[0]).to_pylist()
    assert [(f["cik"], f["sic"], f["fiscal_year_end"]) for f in filers] == [("0000000007", "3674", "0131")]


def test_a_data_set_published_anew_takes_the_place_of_the_old(tmp_path):
    store = tmp_path / "bulk"
    old = write_data_set(tmp_path / "2024q2.zip", "old", [FILING], [NUMBER, NUMBER | dict(tag="Gone")])
    assert load_zip(old, BulkStore(store), quiet).facts == 2
    assert load_zip(old, BulkStore(store), quiet).known == 1
    new = write_data_set(tmp_path / "2024q2.zip", "new", [FILING], [NUMBER | dict(value="1.0000")])
    assert load_zip(new, BulkStore(store), quiet).facts == 1
    assert kept(store)["value"].to_pylist() == [Decimal(1)]
    assert len(list(store.rglob("*.parquet"))) == 2


def test_old_data_sets_have_names_in_another_encoding(tmp_path):
    filing = FILING | dict(name="Société")
    path = write_data_set(tmp_path / "2009q3.zip", "old", [filing], [NUMBER], "windows-1252")
    load_zip(path, BulkStore(tmp_path / "bulk"), quiet)
    assert pq.read_table(BulkStore(tmp_path / "bulk").files("filers")[0])["name"].to_pylist() == ["Société"]


@pytest.mark.parametrize("what", ["a column", "a value", "bytes"])
def test_a_damaged_data_set_is_named_and_nothing_of_it_kept(tmp_path, what):
    numbers = [NUMBER | dict(value="many")] if what == "a value" else [NUMBER] * 50
    path = write_data_set(tmp_path / "2024q2.zip", "old", [FILING], numbers)
    if what == "a column":
        with zipfile.ZipFile(path) as file:
            members = {n: file.read(n).replace(b"qtrs", b"quart") for n in file.namelist()}
        write_zip(path, members)
    if what == "bytes":
        overwrite(path, "num.txt")
    home, said = Home(tmp_path / "home"), []
    assert bulk_load(path, home, lambda *a: said.append(a[0])) == 1
    assert any(line.startswith("damaged: 2024q2.zip: ") for line in said)
    assert BulkStore(home.bulk).batches == {}
