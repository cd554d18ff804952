"""marts.review: whatever is set aside stands there once, and its target can be decided on or the row says what else."""

import re

import pytest

from orchestration.commands import main as cli
from orchestration.history import compiled_models
from support.chain import chain, raw_shapes
from support.review_rows import REVIEW
from support.small_filings import CAPEX, CIK, COMPANY, CONCEPTS, customer_share, decision, fact
from support.small_warehouse import change_build, publish_small, small_home
from warehouse.store.decisions import is_target, load

URL = "https://www.sec.gov/Archives/edgar/data/1/{}/x.htm"


def accession(number):
    return f"0000000001-25-{number:06}"


def payload(number, kind="xbrl_instance", **more):
    return dict(
        sha256=f"{number:064}", url=URL.format(number), accession=accession(number), kind=kind, bytes=9,
        status="quarantined", error="it is no XML",
    ) | more  # fmt: skip


def aside(number, kind, **more):
    return dict(
        item_id=f"a{number}", kind=kind, cik=CIK, accession=accession(number), reason="it is no XML",
        sha256=f"{number:064}",
    ) | more  # fmt: skip


#: One of each kind of thing that is received and not used as it stands.
RAW = dict(
    companies=[COMPANY, COMPANY | dict(cik="0001045810", ticker="NVDA", company="NVIDIA")],
    metric_concepts=CONCEPTS,
    xbrl_facts=[
        fact(accession(1), "2025-07-30", "2025-04-01", "2025-06-30", -6_000),
        fact(accession(2), "2025-10-30", "2025-07-01", "2025-09-30", 7_000),
        customer_share(accession(3), "2.30"),
        # the dates of a half year on a quarter's value: the difference is negative
        fact(accession(4), "2024-04-30", "2024-01-01", "2024-03-31", 10_000),
        fact(accession(5), "2024-07-30", "2024-01-01", "2024-06-30", 9_000),
    ],
    fact_conflicts=[
        dict(fact_id=f"x-{accession(2)}-{CAPEX}--2025-07-01-2025-09-30", kept_value=7_000, other_value=7_001,
             kept_source_kind="xbrl_instance", other_source_kind="companyfacts"),
    ],
    set_aside=[
        aside(10, "fact", concept=CAPEX, period_end="2025-06-30", stated="1e99", reason="more than any amount"),
        aside(11, "entry", accession=None, reason="its filing date is empty"),
        aside(12, "entry", reason="its form is null"),
        aside(13, "filing", stated="10-Q"),
        aside(14, "filing", stated="10-Q"),
    ],
    payloads=[
        payload(13),
        payload(14),
        payload(15, kind="filing_index", error="it is that of another folder"),
        payload(16, kind="submissions", accession=None, error="a page of HTML"),
    ],
    pending_filings=[
        dict(cik=CIK, accession=accession(14), form="10-Q", filed_on="2025-07-30", reason="x.xml cannot be used"),
        dict(cik=CIK, accession=accession(17), form="10-Q", filed_on="2025-07-30", reason="no XBRL as yet"),
    ],
    held_back=[dict(target=f"submissions/{CIK}", cik=CIK, since="2026-09-01 12:00:00+00", reason="goes back")],
)  # fmt: skip


@pytest.fixture(scope="module")
def reviewed(refreshed, manifest):
    """reviewed(decisions) gives the rows of the mart as mappings."""
    models, shapes = compiled_models(manifest, ["review"]), raw_shapes(refreshed.home.build)

    def run(decisions=()):
        with chain(models, shapes, RAW | {"decisions": decisions}) as con:
            return con.execute("from marts.review").to_arrow_table().to_pylist()

    return run


def test_everything_stands_there_once(reviewed):
    found = [(row["target"], row["kind"], row["state"]) for row in reviewed()]
    assert sorted(found) == sorted([
        (f"{accession(1)}/capex_cash_gross/2025-06-30", "statement", "set_aside"),
        (f"{accession(2)}/capex_cash_gross/2025-09-30", "conflict", "set_aside"),
        (accession(3), "fact", "set_aside"),
        (f"{accession(5)}/capex_cash_gross/2024-06-30", "difference", "set_aside"),
        (accession(10), "fact", "set_aside"),
        ("a11", "entry", "set_aside"),
        (accession(12), "entry", "set_aside"),
        (accession(13), "filing", "set_aside"),
        (accession(14), "filing", "pending"),
        (accession(15), "payload", "set_aside"),
        (URL.format(16), "payload", "set_aside"),
        (accession(17), "filing", "pending"),
        (f"submissions/{CIK}", "answer", "set_aside"),
    ])  # fmt: skip


def test_the_command_takes_every_target_or_the_row_says_what_else_to_do(reviewed, tmp_path, monkeypatch, capsys):
    rows = reviewed()
    home = small_home(tmp_path)
    change_build(home, REVIEW + "delete from marts.review")
    cells = [
        ", ".join("null" if v is None else "'" + str(v).replace("'", "''") + "'" for v in r.values()) for r in rows
    ]
    change_build(home, f"insert into marts.review ({', '.join(rows[0])}) values " + ", ".join(f"({c})" for c in cells))
    publish_small(home)
    monkeypatch.setenv("AIGAP_HOME", str(home.root))
    monkeypatch.setattr("ingest.companies.watch_list", lambda: (type("Company", (), {"cik": CIK, "name": "Test"}),))
    for row in rows:
        if not is_target(row["target"]):
            assert row["what_to_do"].startswith("nothing to decide: "), row
            assert "aigap fetch" in row["what_to_do"]
            continue
        assert re.search("aigap review (accept|reject)", row["what_to_do"]), row
        for verdict in ("accept", "reject"):
            code = cli.main(["review", verdict, row["target"], "--why", "looked at by hand", "--by", "Jane"])
            assert code == 0, (row, capsys.readouterr().err)
    assert len(load(home).made) == 2 * sum(is_target(row["target"]) for row in rows)


@pytest.mark.parametrize(("verdict", "state"), [("accept", "accepted"), ("reject", "rejected")])
def test_what_is_decided_waits_no_more(reviewed, verdict, state):
    targets = [row["target"] for row in reviewed() if is_target(row["target"])]
    made = [decision(n, target, verdict, "2026-09-02") for n, target in enumerate(targets, start=1)]
    rows = {row["target"]: row for row in reviewed(made)}
    for target, row in rows.items():
        if is_target(target):
            assert (row["state"], row["decided_by"], row["why"]) == (state, "somebody", "because")
            assert row["what_to_do"] == "decided; aigap review withdraw takes it back"
        else:
            assert (row["state"], row["decided_by"]) == ("set_aside", None)
    assert set(targets) <= set(rows)


def test_a_decision_on_what_nothing_objects_to_is_listed(reviewed):
    made = [
        decision(1, f"{accession(4)}/capex_cash_gross", "accept", "2026-09-02"),
        decision(2, "0000000009-25-000001", "reject", "2026-09-02"),
        decision(3, f"companyfacts/{CIK}", "accept", "2026-09-02"),
        decision(4, "0000000009-25-000002", "reject", "2026-09-02"),
        decision(5, "0000000009-25-000002", "withdraw", "2026-09-02"),
    ]
    found = {row["target"]: (row["kind"], row["state"], row["company"]) for row in reviewed(made) if row["why"]}
    assert found == {
        f"{accession(4)}/capex_cash_gross/2024-03-31": ("statement", "accepted", "Test"),
        "0000000009-25-000001": ("decision", "rejected", None),
        f"companyfacts/{CIK}": ("decision", "accepted", "Test"),
    }


def test_an_answer_refused_after_it_was_accepted_waits_again(reviewed):
    before = [decision(1, f"submissions/{CIK}", "accept", "2026-08-31")]
    found = [(row["kind"], row["state"]) for row in reviewed(before) if row["target"].startswith("submissions")]
    assert sorted(found) == [("answer", "set_aside"), ("decision", "accepted")]
