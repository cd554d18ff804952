"""A filing that an operator rejects is out of every number from that day on, and was in all of them before."""

from datetime import date

import pytest

from orchestration.history import compiled_models
from support.rebuild import rebuilt
from support.small_filings import decision

DAY = "2026-12-01"  # after everything that ships
#: Accession -> marts that leaned on it, among others.
REJECTED = {
    "0001045810-25-000209": {"nvidia_data_center_revenue", "customer_concentration", "ai_revenue_gap"},
    "0001045810-25-000023": {"nvidia_data_center_revenue", "customer_concentration", "microsoft_share_of_nvidia"},
    # only curated figures are read from it
    "0001045810-26-000075": {"nvidia_data_center_revenue", "customer_concentration"},
    "0001193125-26-323660": {"hyperscaler_capex", "ai_revenue"},
    # what one counted company pays another
    "0001769628-26-000104": {"ai_revenue"},
}
#: What lists statements, used or not, and what holds predictions against what was said when they were made.
REGISTERS = (
    "citations",
    "review",
    "ai_revenue_backtest",
    "nvidia_nowcast",
    "nvidia_nowcast_scores",
    "requirement_benchmarks",
)
#: Rows of other marts that quote one of those.
QUOTES = {"standing_statements": "statement <> 'next_quarter'"}


def of(decisions):
    """raw.decisions with these rows."""
    values = ", ".join("(" + ", ".join(f"'{value}'" for value in row.values()) + ")" for row in decisions)
    return (
        "select * from origin.raw.decisions union all by name select * replace (number::integer as number, "
        "decided_at::timestamptz as decided_at, decided_on::date as decided_on) "
        f"from (values {values}) as made({', '.join(decisions[0])})"
    )


@pytest.fixture(scope="module")
def models(manifest):
    return compiled_models(manifest, None)


@pytest.fixture(scope="module")
def decided(refreshed, models):
    """The shipped warehouse with those filings rejected on DAY, beside `origin`, the one without."""
    rows = [decision(number, target, "reject", DAY) for number, target in enumerate(REJECTED, start=1)]
    with rebuilt(refreshed.home.build, models, {"decisions": of(rows)}) as con:
        yield con


def cited(con, database, mart):
    """SQL for the rows of a mart that lean on a rejected filing, with that filing; None where a mart cites nothing."""
    columns = {name for (name,) in con.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = 'marts' and table_name = ?",
        [database, mart],
    ).fetchall()}  # fmt: skip
    ids = "unnest(mart.fact_ids)" if "fact_ids" in columns else "mart.fact_id" if "fact_id" in columns else None
    if ids is None:
        return None
    holds = [*(["known_to is null"] if "known_to" in columns else []), *([QUOTES[mart]] if mart in QUOTES else [])]
    still = f" where {' and '.join(holds)}" if holds else ""
    return (
        f"select distinct source_accession from (select {ids} as fact_id from {database}.marts.{mart} as mart{still}) "
        f"inner join {database}.marts.citations using (fact_id) where source_accession in {tuple(REJECTED)}"
    )


def marts(con):
    return [name for (name,) in con.execute(
        "select table_name from duckdb_tables() where database_name = 'build' and schema_name = 'marts' order by all"
    ).fetchall() if name not in REGISTERS]  # fmt: skip


def columns(con, mart, *but):
    return ", ".join(name for name, *_ in con.execute(f"describe marts.{mart}").fetchall() if not name.endswith(but))


def differences(con, mart, select):
    """Rows that only one of the two warehouses has; `select` has %s where the database's name belongs."""
    one, other = select % "origin", select % "build"
    found = con.execute(f"(({one}) except all ({other})) union all (({other}) except all ({one}))").fetchall()
    return {mart: found[0]} if found else {}


def test_no_mart_leans_on_a_rejected_filing(decided):
    leaned, leans = {accession: set() for accession in REJECTED}, []
    for mart in marts(decided):
        if before := cited(decided, "origin", mart):
            for (accession,) in decided.execute(before).fetchall():
                leaned[accession].add(mart)
            leans += [(mart, *row) for row in decided.execute(cited(decided, "build", mart)).fetchall()]
    assert {mart for mart, *_ in leans} == set(), leans
    for accession, expected in REJECTED.items():
        assert leaned[accession] >= expected, (accession, leaned[accession])


def test_every_day_before_the_decision_stays_what_it_was(decided):
    versioned = [mart for mart in marts(decided) if mart.endswith("_versions") or mart == "customer_concentration"]
    assert len(versioned) > 9
    found = {}
    for mart in versioned:
        until = f"coalesce(least(known_to, date '{DAY}'), date '{DAY}')"
        held = f"select {columns(decided, mart, 'known_to')}, {until} from %s.marts.{mart}"
        found |= differences(decided, mart, f"{held} where known_from < date '{DAY}'")
    assert found == {}


def test_each_of_those_decisions_is_listed(decided):
    rows = decided.execute("select distinct split_part(target, '/', 1), state, decided_on from marts.review").fetchall()
    assert sorted(rows) == sorted((accession, "rejected", date.fromisoformat(DAY)) for accession in REJECTED)


def test_what_rests_on_nothing_else_is_missing_by_name(decided):
    rows = decided.execute(
        "select was.company, was.metric, is_now.reason_missing from origin.marts.coverage as was "
        "inner join build.marts.coverage as is_now using (company, metric, calendar_quarter) "
        "where was.is_present and not is_now.is_present and was.metric like 'capex%'"
    ).fetchall()
    of_the_filing = f"rejected by somebody on {DAY}: because"
    assert {reason for company, _, reason in rows if company == "Microsoft"} == {of_the_filing}
    assert all(reason == of_the_filing or reason.startswith("missing leg: ") for *_, reason in rows), rows


def test_a_rejection_taken_back_lets_everything_count_again(refreshed, models):
    """From that day on: in between it did not, and what came back is what was there."""
    words = [(target, *word) for word in (("reject", DAY), ("withdraw", "2026-12-10")) for target in REJECTED]
    said = [decision(number, *word) for number, word in enumerate(words, start=1)]
    with rebuilt(refreshed.home.build, models, {"decisions": of(said)}) as con:
        found = {}
        for mart in marts(con):
            now = f"select {columns(con, mart, 'known_from', 'known_to')} from %s.marts.{mart}"
            if mart.endswith("_versions") or mart == "customer_concentration":
                now += " where known_to is null"
            found |= differences(con, mart, now)
        assert found == {}
