"""`aigap review`: what waits is listed with its evidence, a decision is written down, one on nothing is refused."""

import csv
import io
import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta

import pytest

from orchestration.commands import main as cli
from support.review_rows import ODD, REVIEW
from support.small_warehouse import INFO, MACROS, change_build, publish_small, small_home
from warehouse.readers.changes import diff, text
from warehouse.readers.doctor import examine
from warehouse.store import macros
from warehouse.store.decisions import load
from warehouse.store.home import Home, record_refresh
from warehouse.store.publish import publish

FILING = "0001045810-26-000081"
WAITING = f"{FILING}/networking_revenue/2026-07-26"

#: The gap of 2026Q2 moves on two days without a new statement.
CHANGED = """
    create temp table moved as
    from marts.ai_revenue_gap_versions
    where calendar_quarter = '2026Q2' and scenario = 'measured' and known_to is null;
    update marts.ai_revenue_gap_versions set known_to = '2026-08-28'
    where calendar_quarter = '2026Q2' and scenario = 'measured' and known_to is null;
    insert into marts.ai_revenue_gap_versions
    select * replace (ai_revenue_usd + 1 as ai_revenue_usd, date '2026-08-28' as known_from, '2026-08-29' as known_to)
    from moved;
    insert into marts.ai_revenue_gap_versions
    select * replace (ai_revenue_usd + 2 as ai_revenue_usd, date '2026-08-29' as known_from) from moved;
"""
CHANGES_MACROS = "\n".join(
    re.search(rf"create or replace macro marts\.{name}\(.*?;", macros.SHARED, re.DOTALL)[0]
    for name in ("known_day", "gap_changes")
)

pytestmark = pytest.mark.slow  # a generation a test, looked over by another process


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = small_home(tmp_path_factory.mktemp("review"))
    change_build(home, REVIEW)
    publish_small(home)
    return home


@pytest.fixture
def home(template, tmp_path, monkeypatch):
    home = Home(shutil.copytree(template.root, tmp_path / "a home", symlinks=True))
    monkeypatch.setenv("AIGAP_HOME", str(home.root))
    monkeypatch.setenv("LOGNAME", "jane")
    return home


@pytest.fixture
def aigap(capsys):
    def run(*argv):
        try:
            code = cli.main(argv)
        except SystemExit as stop:
            code = stop.code
        return (code, *capsys.readouterr())

    return run


# --- the list ---------------------------------------------------------------------------------------


def test_what_waits_is_listed_with_its_evidence_and_what_to_do(aigap, home):
    assert aigap("review") == (
        0,
        "2 waiting for a decision\n"
        "\n"
        "set aside: NVIDIA networking_revenue 2026Q2\n"
        f"    {WAITING}\n"
        "    10-Q filed 2026-08-26, period to 2026-07-26, states 14000000\n"
        "    because: a thousandth of the quarter before\n"
        "    to do: compare with the filing, then accept or reject\n"
        "\n"
        "pending: Alphabet\n"
        "    0001652044-26-000077\n"
        "    10-Q filed 2026-07-24\n"
        "    because: EDGAR lists no XBRL for it yet\n"
        "    to do: aigap fetch asks again\n",
        "",
    )


def test_all_shows_what_was_decided_by_whom_when_and_why(aigap, home):
    code, out, _ = aigap("review", "--all")
    assert code == 0
    assert out.startswith("2 waiting for a decision, 2 decided\n")
    assert "    accepted by Jane Doe on 2026-08-27: the press release says the same\n" in out
    assert "    rejected by Jane Doe on 2026-08-28: filed in thousands\n" in out


def test_every_format_holds_the_same_rows(aigap, home):
    rows = json.loads(aigap("review", "--all", "--format", "json")[1])
    assert [row["state"] for row in rows] == ["set_aside", "pending", "rejected", "accepted"]
    assert rows[0]["target"] == WAITING
    read = list(csv.DictReader(io.StringIO(aigap("review", "--all", "--format", "csv")[1])))
    assert [row["target"] for row in read] == [row["target"] for row in rows]
    assert aigap("review", "--format", "md")[1].count("\n") == 4


def test_an_older_file_has_no_list_and_says_so(aigap, tmp_path):
    home = small_home(tmp_path)
    change_build(home, "drop table if exists marts.review")
    publish_small(home)
    code, out, err = aigap("review", "--home", str(home.root))
    assert (code, out) == (1, "")
    assert "has no marts.review" in err
    assert "run aigap refresh" in err


def test_a_failed_refresh_and_a_damaged_line_are_told_beside_the_list(aigap, home):
    record_refresh(home, "failed", "check x\x1b[2J", "2026-11-22T07:00:00Z")
    home.decisions.write_text("{\n")
    code, out, err = aigap("review")
    assert code == 0
    assert out.startswith("2 waiting")
    assert "decisions.jsonl, line 1 is no decision" in err
    assert "the last refresh failed (2026-11-22T07:00:00Z: check x\\x1b[2J)" in err


def test_hostile_text_is_harmless_in_the_list(aigap, home):
    change_build(home, "update marts.review set reason = 'x' || chr(27) || '[2J' || chr(10) || 'set aside: forged'")
    publish_small(home)
    out = aigap("review")[1]
    assert all(c.isprintable() or c == "\n" for c in out)
    assert "\nset aside: forged" not in out


def test_what_has_no_metric_or_no_accession_is_listed_and_never_proposed(aigap, home):
    change_build(home, ODD)
    publish_small(home)
    out = aigap("review")[1]
    assert out.startswith("4 waiting")
    assert "\nset aside: payload\n    https://data.sec.gov/submissions/CIK0001045810.json\n" in out
    assert "\nset aside: NVIDIA us-gaap:Revenues\n    0001045810-26-000081\n" in out
    assert "us-gaap" not in aigap("review", "reject", f"{FILING}/revenues", "--why", "filed in thousands")[2]
    assert aigap("review", "reject", "https://data.sec.gov/x", "--why", "a page of HTML")[0] == 2
    assert findings(home)["set aside"].detail.startswith("3 (")


# --- deciding ---------------------------------------------------------------------------------------


def test_a_decision_is_written_down_told_and_shown_until_a_refresh_builds_with_it(aigap, home):
    code, out, err = aigap("review", "accept", WAITING, "--why", "the press release says the same")
    assert (code, err) == (0, "")
    (made,) = load(home).made
    assert out == f"decision 1: {made}\nThe next aigap refresh builds with it.\n"
    assert (made.target, made.verdict, made.decided_by) == (WAITING, "accept", "jane")
    assert f"    decided since: accept {WAITING}, by jane on " in aigap("review")[1]
    assert aigap("review", "--format", "json")[2].startswith("aigap: 1 decisions are newer than these rows")
    record_refresh(home, "unchanged", "x", (datetime.now(UTC) + timedelta(seconds=1)).isoformat())
    assert "decided since" not in aigap("review")[1]


def test_a_decision_on_what_no_screen_found_is_listed_until_it_is_built(aigap, home):
    aigap("review", "reject", "0001045810-26-000052", "--why", "filed in thousands", "--by", "Jane Doe")
    assert "the next aigap refresh builds with:\n    reject 0001045810-26-000052, by Jane Doe" in aigap("review")[1]


def test_twice_is_once(aigap, home):
    command = ("review", "reject", FILING, "--why", "filed in thousands")
    assert aigap(*command)[0] == 0
    code, out, _ = aigap(*command)
    assert code == 0
    assert out.startswith("nothing new: this stands already as decision 1: ")
    assert len(load(home).made) == 1


def test_the_home_named_before_the_verdict_is_the_one_decided_for(aigap, home, tmp_path):
    other = Home(shutil.copytree(home.root, tmp_path / "other", symlinks=True))
    assert aigap("review", "--home", str(other.root), "accept", FILING, "--why", "checked by hand")[0] == 0
    assert (len(load(other).made), len(load(home).made)) == (1, 0)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("0001045810-26-000018", "nothing at hand is 0001045810-26-000018; nearest: .*0001045810-26-000081"),
        (f"{FILING}/data_centre_revenue", f"nearest: {FILING}/data_center_revenue"),
        (f"{FILING}/data_center_revenue/2026-07-31", f"nearest: {FILING}/data_center_revenue/2026-07-26"),
        ("submissions/0001045811", r"nearest: submissions/0001045810 \(NVIDIA\)"),
        ("NVDA", "'NVDA' is nothing to decide on"),
    ],
)
def test_a_target_that_nothing_matches_is_refused_with_the_nearest(aigap, home, target, message):
    code, out, err = aigap("review", "reject", target, "--why", "filed in thousands")
    assert (code, out) == (2, "")
    assert re.search(message, err), err
    assert not home.decisions.exists()


def test_force_writes_it_down_all_the_same(aigap, home):
    target = "0001045810-27-000001"
    code, _, err = aigap("review", "reject", target, "--why", "announced as misfiled")
    assert (code, "--force" in err) == (2, True)
    assert aigap("review", "reject", target, "--why", "announced as misfiled", "--force")[0] == 0
    assert aigap("review", "reject", "nonsense", "--why", "announced as misfiled", "--force")[0] == 2


@pytest.mark.parametrize(
    "target",
    [FILING, f"{FILING}/data_center_revenue", f"{FILING}/data_center_revenue/2026-07-26", "0001652044-26-000077",
     "0001045810-26-000082", "submissions/1045810", "companyfacts/0001652044"],
)  # fmt: skip
def test_what_is_at_hand_can_be_decided_on(aigap, home, target):
    """Cited, listed, quarantined (known to meta.processed_accessions alone), and the guards of the watch list."""
    code, out, err = aigap("review", "reject", target, "--why", "filed in thousands")
    assert (code, err) == (0, "")
    assert ("fetch asks EDGAR" in out) == target.startswith(("sub", "comp"))


def test_a_filing_that_only_figures_were_read_from_can_be_decided_on(aigap, home):
    target = "0001045810-26-000077"
    assert aigap("review", "reject", target, "--why", "the release was corrected")[0] == 2
    change_build(
        home,
        "alter table marts.citations add column source_accession varchar; "
        f"update marts.citations set source_accession = '{target}' where source_kind <> 'xbrl'",
    )
    publish_small(home)
    assert aigap("review", "reject", target, "--why", "the release was corrected")[0] == 0


def test_a_filing_that_came_with_a_failed_refresh_can_be_decided_on(aigap, home):
    target = "0001045810-26-000099"
    assert aigap("review", "reject", target, "--why", "every fact is impossible")[0] == 2
    change_build(
        home,
        "insert into raw.payloads (sha256, url, accession, kind, bytes, status) values "
        f"(repeat('9', 64), 'https://www.sec.gov/x9', '{target}', 'inline_xbrl', 10, 'parsed')",
    )
    assert aigap("review", "reject", f"{target}/capex_cash_gross", "--why", "every fact is impossible")[0] == 0


def test_before_anything_is_published_a_target_must_be_forced_or_built(aigap, tmp_path):
    home = small_home(tmp_path)
    at = ("--home", str(home.root))
    assert aigap("review", "reject", "0001045810-26-000082", "--why", "every fact is impossible", *at)[0] == 0
    assert aigap("review", "reject", "0001045810-26-000001", "--why", "every fact is impossible", *at)[0] == 2


@pytest.mark.parametrize("argv", [["accept"], ["accept", FILING], ["maybe", FILING, "--why", "x"], ["reject", "--why"]])
def test_half_a_decision_is_usage(aigap, home, argv):
    code, _, err = aigap("review", *argv)
    assert code == 2
    assert "usage: aigap review" in err


def test_withdrawing_needs_no_target_at_hand_but_a_decision(aigap, home):
    target = "0001045810-27-000001"
    code, _, err = aigap("review", "withdraw", target, "--why", "the 10-Q/A is there")
    assert (code, "nothing was decided on" in err) == (2, True)
    aigap("review", "reject", target, "--why", "announced as misfiled", "--force")
    assert aigap("review", "withdraw", target, "--why", "the 10-Q/A is there")[0] == 0
    assert [d.verdict for d in load(home).made] == ["reject", "withdraw"]


def test_a_machine_that_does_not_say_who_you_are_is_told_how(aigap, home, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr("getpass.getuser", nobody)
    code, _, err = aigap("review", "reject", FILING, "--why", "filed in thousands")
    assert (code, "--by NAME" in err) == (2, True)


# --- shown where numbers are shown ----------------------------------------------------------------------


def test_explain_says_under_the_statement_who_accepted_it_and_what_else_is_out_of_the_quarter(aigap, home):
    out = aigap("explain", "2026Q2")[1]
    address = out.index("    https://www.sec.gov/x2\n")
    told = "    accepted by Jane Doe on 2026-08-27: the press release says the same\n"
    assert out[address:].startswith("    https://www.sec.gov/x2\n" + told)
    assert out.count("accepted by Jane Doe") == 1
    assert out.endswith(
        "NVIDIA data_center_revenue of 0001045810-26-000052/data_center_revenue/2026-04-26, "
        "rejected by Jane Doe on 2026-08-28: filed in thousands\n"
    )
    assert "networking_revenue" not in out, "no gap rests on it"


def test_explain_carries_decisions_in_every_format(aigap, home):
    tree = json.loads(aigap("explain", "2026Q2", "--format", "json")[1])
    (citation,) = tree["components"][0]["citations"]
    assert (citation["decision"]["state"], citation["decision"]["decided_by"]) == ("accepted", "Jane Doe")
    assert [row["state"] for row in tree["review"]] == ["accepted", "rejected"]
    rows = list(csv.DictReader(io.StringIO(aigap("explain", "2026Q2", "--format", "csv")[1])))
    assert [bool(row["decision"]) for row in rows] == [row["fact_id"] == "x2" for row in rows]


def test_a_quarter_that_is_not_there_says_what_coverage_says_of_it(aigap, home):
    change_build(
        home,
        "insert into marts.coverage values ('All', 'ai_revenue_gap', '2026Q3', false, 'set aside: a thousandth of it')",
    )
    publish_small(home)
    code, _, err = aigap("explain", "2026Q3")
    assert (code, "2026Q3 is not at hand (set aside: a thousandth of it); at hand: 2026Q2" in err) == (2, True)


@pytest.mark.parametrize("style", ["plain", "markdown", "bibtex"])
def test_a_footnote_says_what_stands_by_hand(aigap, home, style):
    out = aigap("cite", "2026Q2", "--style", style)[1]
    said = "accepted by Jane Doe on 2026-08-27: the press release says the same."
    assert said in out
    assert "rejected" not in out


def test_a_decision_between_the_two_days_is_a_reason_for_a_change(aigap, home):
    change_build(home, CHANGED)
    publish(home, INFO, macros=MACROS + CHANGES_MACROS)
    between = aigap("changes", "--since", "2026-08-27", "--until", "2026-08-28")[1]
    assert "rejected by Jane Doe on 2026-08-28: filed in thousands" in between
    assert "accepted" not in between
    assert "no source changed" in aigap("changes", "--since", "2026-08-28", "--until", "2026-08-29")[1]


def test_a_diff_names_decisions_that_came_and_went(home):
    change_build(
        home,
        "update marts.review set why = 'a better reason' where state = 'accepted'; "
        "update marts.ai_revenue_gap set ai_revenue_usd = ai_revenue_usd + 1, gap_usd = gap_usd - 1",
    )
    publish_small(home)
    shown = text(diff(home.generation(1), home.generation(2)), "")
    target = f"{FILING}/data_center_revenue"
    assert f"  + {target} accepted by Jane Doe on 2026-08-27: a better reason\n" in shown
    assert f"  - {target} accepted by Jane Doe on 2026-08-27: the press release says the same\n" in shown
    assert "rejected" not in shown


def test_files_without_the_mart_are_explained_cited_and_compared_as_before(aigap, tmp_path):
    home = small_home(tmp_path)
    change_build(home, "drop table if exists marts.review")
    publish_small(home)
    publish_small(home, force=True)
    for command in (["explain", "2026Q2"], ["cite", "2026Q2"]):
        code, out, _ = aigap(*command, "--home", str(home.root))
        assert (code, "Jane" in out) == (0, False)
    assert diff(home.generation(1), home.generation(2)).rows == []


# --- doctor ---------------------------------------------------------------------------------------------


def findings(home):
    return {f.check: f for f in examine(home, date(2026, 11, 22))}


def test_doctor_names_what_waits_and_what_to_run(home):
    found = findings(home)
    assert found["set aside"].status == found["pending"].status == "warn"
    assert found["set aside"].detail == f"1 ({WAITING}: a thousandth of the quarter before); run aigap review"
    assert found["pending"].detail == "1 (0001652044-26-000077: EDGAR lists no XBRL for it yet); run aigap review"
    assert found["quarantined"].detail.startswith("1 (0001045810-26-000082)")
    assert found["decisions"] == ("decisions", "ok", "0 made, 2 in what is published")


def test_doctor_says_what_is_decided_and_not_yet_built(aigap, home):
    aigap("review", "accept", WAITING, "--why", "the press release says the same")
    found = findings(home)
    assert found["decisions"].detail == "1 made, 1 of them after the last refresh: run aigap refresh"
    assert found["decisions"].status == "warn"
    assert found["set aside"].status == "ok"
    assert found["set aside"].detail == "1, all decided since"


def test_doctor_names_a_damaged_decision(home):
    home.decisions.write_text("{\n")
    found = findings(home)
    assert found["decisions"].status == "warn"
    assert "decisions.jsonl, line 1 is no decision" in found["decisions"].detail


def test_doctor_of_a_file_without_the_list_says_to_refresh(tmp_path):
    home = small_home(tmp_path)
    change_build(home, "drop table if exists marts.review")
    publish_small(home)
    assert findings(home)["review"].status == "warn"
    assert "run aigap refresh" in findings(home)["review"].detail


def test_doctor_tells_of_a_note_of_the_last_refresh_that_cannot_be_read(home):
    home.last_refresh.write_text("{")
    assert findings(home)["last refresh"].status == "warn"
    assert "cannot be read" in findings(home)["last refresh"].detail
