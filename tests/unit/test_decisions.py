"""The file of decisions: what it takes, what it survives, two of them made one."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import Mistake, WarehouseError
from warehouse.store.decisions import decide, lifted_guards, load, merge, overlap, read_bytes, read_decisions, standing
from warehouse.store.decisions import target_of as parsed
from warehouse.store.home import Home

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
FILING = "0001045810-26-000081"
LINE = f"{FILING}/data_center_revenue/2026-07-26"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def said(home, target, verdict, minutes=0, why="the press release says the same"):
    return decide(home, target, verdict, why, "Jane Doe", NOW + timedelta(minutes=minutes))


# --- one decision -----------------------------------------------------------------------------------


def test_a_decision_is_one_line_with_who_when_why_and_the_new_york_day(home):
    late = datetime(2026, 9, 2, 3, 59, 59, 5, tzinfo=UTC)  # a minute before midnight in New York
    decision, is_new = decide(home, LINE, "accept", " checked by hand ", "Jäne", late)
    assert (is_new, decision.number, decision.decided_on) == (True, 1, date(2026, 9, 1))
    assert json.loads(home.decisions.read_text("utf-8")) == {
        "target": LINE,
        "verdict": "accept",
        "why": "checked by hand",
        "decided_by": "Jäne",
        "decided_at": "2026-09-02T03:59:59.000005+00:00",
        "decided_on": "2026-09-01",
    }
    assert read_decisions(home).to_pylist() == [decision._asdict()]


def test_decisions_are_only_ever_appended(home):
    before = b""
    for place, verdict in enumerate(("accept", "reject", "withdraw", "accept")):
        decision, _ = said(home, FILING, verdict, place)
        after = home.decisions.read_bytes()
        assert after.startswith(before)
        assert (decision.number, after.count(b"\n")) == (place + 1, place + 1)
        before = after
    assert [d.verdict for d in load(home).made] == ["accept", "reject", "withdraw", "accept"]
    assert standing(load(home).made) == {FILING: load(home).made[3]}


def test_the_same_verdict_again_is_not_written_twice(home):
    first, _ = said(home, FILING, "reject")
    assert said(home, FILING, "reject", 5, why="another reason") == (first, False)
    assert len(load(home).made) == 1


def test_what_was_never_decided_cannot_be_withdrawn(home):
    said(home, FILING, "reject")
    with pytest.raises(Mistake, match=f"nothing was decided on {LINE}; what stands: reject {FILING}, by Jane"):
        said(home, LINE, "withdraw")
    said(home, FILING, "withdraw", 1)
    with pytest.raises(Mistake, match=f"nothing was decided on {FILING}$"):
        said(home, FILING, "withdraw", 2)
    assert standing(load(home).made) == {}


@pytest.mark.parametrize("why", ["", "  ", "...", "12", "ok", "two\nlines", "red \x1b[31m", "\u202eback", "x" * 2001])
def test_a_reason_is_words(home, why):
    with pytest.raises(Mistake, match="must be said in words"):
        said(home, FILING, "reject", why=why)
    assert not home.decisions.exists()


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (f" {FILING} ", FILING),
        (LINE, LINE),
        ("submissions/1045810", "submissions/0001045810"),
        ("companyfacts/0001045810", "companyfacts/0001045810"),
    ],
)
def test_a_target_is_a_filing_a_metric_a_period_or_a_guard(typed, written):
    assert parsed(typed) == written


@pytest.mark.parametrize(
    "typed",
    ["", "NVDA", "000104581026000081", f"{FILING}/", f"{FILING}/Revenues", f"{LINE}/x", f"{FILING}/capex/2026-02-30",
     f"{FILING}//2026-07-26", "submissions/", "submissions/NVDA", "frames/0001045810", f"{FILING}\n/x", "../../etc",
     "０００１０４５８１０-26-000081", "submissions/00010458100"],
)  # fmt: skip
def test_anything_else_is_no_target(typed):
    with pytest.raises(Mistake, match="is nothing to decide on"):
        parsed(typed)


def test_targets_overlap_where_one_holds_the_other():
    assert overlap(FILING, LINE)
    assert overlap(LINE, FILING)
    assert overlap(LINE, LINE)
    assert not overlap(f"{FILING}/capex", f"{FILING}/capex_cash_gross")
    assert not overlap(FILING, "0001045810-26-000082")


def test_a_guard_is_lifted_until_that_is_withdrawn(home):
    said(home, "submissions/1045810", "accept")
    said(home, "companyfacts/1652044", "reject")
    said(home, FILING, "accept")
    assert lifted_guards(home) == {"submissions/0001045810": NOW}
    said(home, "submissions/1045810", "withdraw", 1)
    assert lifted_guards(home) == {}


def test_there_is_nothing_to_decide_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(Mistake, match="set AIGAP_HOME"):
        said(Home(tmp_path / "typo"), FILING, "accept")
    assert os.listdir(tmp_path) == []


# --- damage -----------------------------------------------------------------------------------------

GOOD = {
    "target": FILING, "verdict": "reject", "why": "filed in thousands", "decided_by": "Jane Doe",
    "decided_at": "2026-09-01T12:00:00+00:00", "decided_on": "2026-09-01",
}  # fmt: skip


def damaged_lines():
    yield from (b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 100_000, b"\0" * 40)
    for name in GOOD:
        yield json.dumps({k: v for k, v in GOOD.items() if k != name}).encode()
        for odd in (None, 7, [], "", "\ud800", "a\x1b[2Jb", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
            yield json.dumps(GOOD | {name: odd}).encode()
    yield json.dumps(GOOD | {"decided_at": "2026-09-01T12:00:00"}).encode()
    yield json.dumps(GOOD | {"verdict": "ACCEPT"}).encode()


def test_a_damaged_line_is_named_and_takes_nothing_down(home):
    good = json.dumps(GOOD).encode()
    for bad in damaged_lines():
        home.decisions.write_bytes(good + b"\n" + bad + b"\n\n" + good + b"\n")
        told = []
        table = read_decisions(home, told.append)
        if not told:  # words that a person may well use
            assert b"9999-12-31" in bad or b"0001-01-01" in bad, bad
            continue
        assert table["number"].to_pylist() == [1, 4], bad
        assert told[0].startswith(f"{home.decisions}, line 2 is no decision (")
        assert told[0].endswith("correct or delete that line, or decide anew with aigap review")
        assert told[0].isprintable()


@given(st.binary(max_size=200))
def test_whatever_the_file_holds_a_refresh_reads_it(tmp_path_factory, data):
    home = Home(tmp_path_factory.getbasetemp())
    home.decisions.write_bytes(data)
    found = load(home)
    lines = [line for line in data.split(b"\n") if line.strip()]
    assert len(found.made) + len(found.damaged) == len(lines)


def test_half_a_line_of_a_power_cut_does_not_swallow_the_next_decision(home):
    said(home, FILING, "accept")
    whole = home.decisions.read_bytes()
    home.decisions.write_bytes(whole + whole[:40])
    decision, _ = said(home, LINE, "reject", 1)
    assert decision.number == 3
    assert [d.number for d in load(home).made] == [1, 3]
    assert [line.split(" is no")[0] for line in load(home).damaged] == [f"{home.decisions}, line 2"]


def test_a_full_disk_leaves_the_file_as_it_was(home):
    said(home, FILING, "accept")
    before = home.decisions.read_bytes()
    code = (
        "import resource, signal, sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from warehouse.store.home import Home; from warehouse.store.decisions import decide\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 20}, resource.RLIM_INFINITY))\n"
        f"decide(Home(Path(sys.argv[1])), {LINE!r}, 'reject', 'no room for it', 'Jane', datetime.now(UTC))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home.root)], capture_output=True, text=True, check=False)
    assert "nothing was decided" in done.stderr
    assert home.decisions.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_stops_with_its_name(home):
    said(home, FILING, "accept")
    home.decisions.chmod(0)
    with pytest.raises(WarehouseError, match=r"decisions.jsonl cannot be read"):
        load(home)


def test_a_folder_in_its_place_stops_with_its_name(home):
    home.decisions.mkdir()
    with pytest.raises(WarehouseError, match=r"decisions.jsonl cannot be read"):
        read_bytes(home)
    with pytest.raises(WarehouseError, match=r"decisions.jsonl cannot be written"):
        said(home, FILING, "accept")


def test_decisions_made_at_once_are_all_there(home):
    code = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from warehouse.store.home import Home; from warehouse.store.decisions import decide\n"
        "for n in range(20):\n"
        "    decide(Home(Path(sys.argv[1])), f'{int(sys.argv[2]):010}-26-{n:06}', 'accept', 'at once', 'Jane', "
        "datetime.now(UTC))"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(home.root), str(n)]) for n in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    found = load(home)
    assert (len(found.made), found.damaged) == (60, [])
    assert [d.number for d in found.made] == list(range(1, 61))


# --- two files made one -------------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path):
    home = Home(tmp_path / "other")
    home.root.mkdir()
    return home


def test_a_merge_adds_what_is_new_once_in_its_order(home, other):
    said(home, FILING, "accept")
    other.decisions.write_bytes(home.decisions.read_bytes())
    said(home, "submissions/1", "accept", 1)
    said(other, FILING, "reject", 2)
    said(other, FILING, "withdraw", 3)
    theirs = other.decisions.read_bytes()
    assert merge(home, theirs) == 2
    assert [d.verdict for d in load(home).made] == ["accept", "accept", "reject", "withdraw"]
    whole = home.decisions.read_bytes()
    assert merge(home, theirs) == 0
    assert home.decisions.read_bytes() == whole


def test_an_older_word_does_not_come_after_a_later_one(home, other):
    said(other, FILING, "reject", 1)
    said(other, "submissions/1", "accept", 1)
    said(home, LINE, "accept", 2)
    before = home.decisions.read_bytes()
    theirs = other.decisions.read_bytes()
    with pytest.raises(Mistake, match=f"says accept {LINE}.*does not know, reject {FILING}.*Nothing was changed"):
        merge(home, theirs)
    assert home.decisions.read_bytes() == before
    assert merge(home, theirs, force=True) == 1
    assert list(standing(load(home).made)) == [LINE, "submissions/0000000001"]


def test_damaged_lines_travel_and_stay_named(home, other):
    other.decisions.write_bytes(b"{half a li\n")
    assert merge(home, other.decisions.read_bytes()) == 1
    assert len(load(home).damaged) == 1
    assert merge(home, other.decisions.read_bytes()) == 0


def test_a_merge_of_nothing_makes_no_file(home):
    assert merge(home, b"") == merge(home, b"\n\n") == 0
    assert not home.decisions.exists()


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from([FILING, LINE, "submissions/1"])), max_size=8))
def test_a_merge_keeps_the_last_word_or_is_refused(tmp_path_factory, words):
    """Decisions alternate between two homes; where the merge goes through, both orders agree on every target."""
    root = tmp_path_factory.mktemp("merge")
    homes = [Home(root / name) for name in "ab"]
    for home in homes:
        home.root.mkdir()
    for minute, (place, target) in enumerate(words):
        verdict = "reject" if target in standing(load(homes[place]).made) else "accept"
        said(homes[place], target, verdict, minute)
    try:
        merge(homes[0], read_bytes(homes[1]))
    except Mistake:
        return
    made = load(homes[0]).made
    for target, decision in standing(made).items():
        about = [d for d in made if overlap(d.target, target)]
        assert decision.decided_at == max(d.decided_at for d in about if d.target == target)
