"""AI revenue as algebra: generated statements and payments through the compiled models.

Belongs here: what must hold whatever was said: the bridge adds up, the panel ignores entrants, a run rate between two
statements lies between them, netting never exceeds revenue, no day knows more than was said by then. Does not belong
here: what the shipped figures come to.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.history import compiled_models
from support.rebuild import rebuilt

MARTS = ("ai_revenue_series", "ai_revenue_totals", "ai_revenue_bridge", "ai_revenue_panel")
LAYERS = {"Lab": "model", "Cloud": "cloud_infrastructure", "App": "application"}
CENTRE_AND_ENDS = "company, calendar_quarter, low_usd, central_usd, high_usd, fact_ids"
START = date(2024, 1, 1)
M = 1_000_000
SETTINGS = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@st.composite
def statements(draw: st.DrawFn) -> list[dict]:
    """Run rates and quarters of three companies over two years, some of them weak, some known late, some withdrawn."""
    rows = []
    for company, layer in LAYERS.items():
        for _ in range(draw(st.integers(1, 5))):
            day = START + timedelta(days=draw(st.integers(0, 700)))
            known = day + timedelta(days=draw(st.sampled_from([0, 30, 200])))
            row = {
                "company": company,
                "layer": layer,
                "metric": "annualized_run_rate",
                "value": draw(st.integers(1, 900)) * M,
                "period_end": day,
                "known_on": known,
                "confidence": draw(st.sampled_from(["high", "medium", "medium", "low"])),
                "withdrawn_on": known + timedelta(days=100) if draw(st.integers(0, 5)) == 0 else None,
            }
            if draw(st.booleans()):
                first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
                last = (first + timedelta(days=95)).replace(day=1) - timedelta(days=1)
                row |= {"metric": "quarterly_revenue", "period_start": first, "period_end": last}
                row["known_on"] = max(known, last)
                row["withdrawn_on"] = None
            rows.append(row)
    return rows


@st.composite
def payments(draw: st.DrawFn) -> list[dict]:
    """What the lab pays the cloud and the application the lab: amounts larger than any revenue among them."""
    rows = []
    for payer, payee in (("Lab", "Cloud"), ("App", "Lab")):
        for _ in range(draw(st.integers(0, 2))):
            year = draw(st.sampled_from([2024, 2025]))
            rows.append(
                {
                    "payer": payer,
                    "payer_layer": LAYERS[payer],
                    "payee": payee,
                    "payee_layer": LAYERS[payee],
                    "value": draw(st.integers(1, 2000)) * M,
                    "unit": "USD",
                    "period_start": date(year, 1, 1),
                    "period_end": date(year, 12, 31),
                    "known_on": date(year + 1, 1, 1) + timedelta(days=draw(st.integers(0, 300))),
                    "confidence": draw(st.sampled_from(["high", "medium", "low"])),
                }
            )
    share = {"payer": "(any)", "payee": "(any)", "unit": "share", "period_type": "instant"}
    rows.append(
        share
        | {"payer_layer": "application", "payee_layer": "model", "value": 0.5, "share_of": "payer_revenue"}
        | {"period_end": date(2023, 9, 20), "known_on": date(2023, 9, 20), "confidence": "medium"}
    )
    return rows


def _select(table: str, rows: list[dict]) -> str:
    """SQL that selects `rows` in the shape of a raw table; columns that a row leaves out are null."""

    def literal(value: object) -> str:
        if value is None:
            return "null"
        return f"date '{value}'" if isinstance(value, date) else repr(value) if isinstance(value, str) else str(value)

    selects = [f"select {', '.join(f'{literal(v)} as {k}' for k, v in row.items())}" for row in rows]
    return " union all by name ".join([f"select * from origin.raw.{table} where false", *selects])


def _figure(number: int, row: dict) -> dict:
    return {
        "figure_id": f"c{number:020}",
        "unit": "USD",
        "source_kind": "company_statement",
        "source_title": "t",
        "source_url": "u",
        "is_citable": True,
        "overlaps_with": "others",
        "file": "ai_revenue.csv",
        **row,
    }


def _edge(number: int, row: dict) -> dict:
    common = {"edge_id": f"e{number:020}", "period_type": "year", "source_kind": "estimate", "is_citable": True}
    return common | {"source_title": "t", "source_url": "u"} | row


@pytest.fixture(scope="module")
def run(refreshed, manifest):
    """run(statements, payments) opens a connection with the marts made from them and nothing else."""
    models = compiled_models(manifest, MARTS)

    @contextmanager
    def made(said: list[dict], paid: list[dict], until: date = date.max):
        # As on a day: what was said by then, and still stood.
        figures = [
            row | {"withdrawn_on": withdrawn if withdrawn and withdrawn <= until else None}
            for row in (_figure(number, row) for number, row in enumerate(said))
            if row["known_on"] <= until
            for withdrawn in [row.get("withdrawn_on")]
        ]
        edges = [row for row in (_edge(number, row) for number, row in enumerate(paid)) if row["known_on"] <= until]
        roles = [{"company": company, "role": "counted"} for company in {*LAYERS, *(row["company"] for row in said)}]
        raw = {
            "curated_figures": _select("curated_figures", figures),
            "ai_revenue_edges": _select("ai_revenue_edges", edges),
            "ai_revenue_roles": _select("ai_revenue_roles", roles),
            # NVIDIA's reports open the quarters.
            "xbrl_facts": "select * from origin.raw.xbrl_facts where dimensions like '%=nvda:DataCenterMember' "
            f"and filed_on <= date '{until}' and accession not in "
            f"(select accession from origin.raw.filings where known_from > date '{until}')",
        }
        with rebuilt(refreshed.home.build, models, raw, macros=False) as con:
            yield con

    return made


@SETTINGS
@given(said=statements(), paid=payments())
def test_the_bridge_adds_up_and_netting_stays_within_revenue(run, said, paid):
    with run(said, paid) as con:
        assert con.execute("select count(*) from marts.ai_revenue_series_versions").fetchone()[0] > 0
        wrong = con.execute(
            """select * from marts.ai_revenue_bridge_versions
               where before_usd + growth_usd + catch_up_usd + entrant_usd + exit_usd + netting_usd <> after_usd"""
        ).fetchall()
        assert wrong == []
        sums = con.execute(
            """select calendar_quarter, ai_revenue_basis, coalesce(any_value(central_usd), 0), sum(after_usd)
               from marts.ai_revenue_totals as totals
               inner join marts.ai_revenue_bridge using (calendar_quarter, ai_revenue_basis) group by all"""
        ).fetchall()
        assert [row for row in sums if row[2] != row[3]] == []
        outside = con.execute(
            """select * from marts.ai_revenue_series_versions where overlap_usd > gross_usd or overlap_usd < 0
               or overlap_share not between 0 and 1 or low_usd > central_usd or central_usd > high_usd"""
        ).fetchall()
        assert outside == []


@SETTINGS
@given(said=statements(), paid=payments(), value=st.integers(1, 10**6))
def test_the_panel_ignores_an_entrant(run, said, paid, value):
    """A company whose first word comes in 2025Q4 is no part of that quarter's panel, however large it is."""
    entrant = [
        {"company": "New", "layer": "model", "metric": "annualized_run_rate", "value": value * M, "confidence": "high"}
        | {"period_end": date(2025, 11, 15), "known_on": date(2025, 12, 1)}
    ]

    def panel(figures):
        with run(figures, paid) as con:
            rows = con.execute(
                """select ai_revenue_basis, companies, before_usd, after_usd, growth_share from marts.ai_revenue_panel
                   where calendar_quarter = '2025Q4' order by all"""
            ).fetchall()
            entered = con.execute(
                "select sum(entrant_usd) from marts.ai_revenue_bridge where company = 'New' and "
                "calendar_quarter = '2025Q4' and ai_revenue_basis = 'estimated_run_rate'"
            ).fetchone()[0]
            return rows, entered

    without, _ = panel(said)
    with_entrant, entered = panel([*said, *entrant])
    assert entered == value * M
    opened = {row[0] for row in without}
    assert [row for row in with_entrant if row[0] in opened] == without


@SETTINGS
@given(said=statements(), paid=payments(), theirs=statements())
def test_the_users_own_figures_move_nothing_shipped_and_count_where_they_are_asked_for(run, said, paid, theirs):
    """Every shipped row of every version is as without them; the own basis is what they would give if they shipped."""
    # Of quarters that NVIDIA's filings have opened: an own figure opens none.
    theirs = [row for row in theirs if row["period_end"] < date(2025, 7, 1)]
    own = [row | {"file": "own:mine.csv"} for row in theirs]

    def shipped(con):
        return {
            mart: con.execute(
                f"select * from marts.{mart}_versions where ai_revenue_basis not like 'own:%' order by all"
            ).fetchall()
            for mart in MARTS
        }

    with run(said, paid) as con:
        without = shipped(con)
        assert con.execute("select * from marts.ai_revenue_series where ai_revenue_basis like 'own:%'").fetchall() == []
    with run([*said, *own], paid) as con:
        assert shipped(con) == without
        counted = con.execute(
            f"""select substr(ai_revenue_basis, 5), {CENTRE_AND_ENDS} from marts.ai_revenue_series
                where ai_revenue_basis like 'own:%' order by all"""
        ).fetchall()
    with run([*said, *theirs], paid) as con:
        if_shipped = con.execute(
            f"select ai_revenue_basis, {CENTRE_AND_ENDS} from marts.ai_revenue_series order by all"
        ).fetchall()
    assert counted == (if_shipped if own else [])


@SETTINGS
@given(said=statements(), paid=payments(), day=st.integers(0, 900))
def test_no_day_knows_more_than_was_said_by_then(run, said, paid, day):
    until = START + timedelta(days=day)
    with run(said, paid, until) as con:
        columns = {mart: ", ".join(con.table(f"marts.{mart}").columns) for mart in MARTS}
        then = {mart: con.execute(f"select * from marts.{mart} order by all").fetchall() for mart in MARTS}
    with run(said, paid) as con:
        as_of = {
            mart: con.execute(
                f"select {columns[mart]} from marts.{mart}_versions where known_from <= ? and "
                "(known_to is null or known_to > ?) order by all",
                [until, until],
            ).fetchall()
            for mart in MARTS
        }
    assert then == as_of


@SETTINGS
@given(said=statements(), paid=payments())
def test_an_estimate_lies_between_its_statements(run, said, paid):
    """A mean of interpolated days is within the run rates it rests on; a reported quarter is itself x 4."""
    with run(said, paid) as con:
        rows = con.execute(
            """select observed_metric, gross_usd, min(run_rate_usd), max(run_rate_usd)
               from intermediate.int_ai_revenue_gross as gross
               cross join unnest(gross.fact_ids) as used (fact_id)
               inner join intermediate.int_ai_revenue_statements as statements on used.fact_id = statements.fact_id
               where ai_revenue_basis = 'estimated_run_rate' and gross_usd is not null
               group by gross.company, calendar_quarter, known_from, observed_metric, gross_usd"""
        ).fetchall()
    assert [row for row in rows if not row[2] <= row[1] <= row[3]] == []
    assert [row for row in rows if row[0] == "quarterly_revenue" and row[1] != row[2]] == []


@pytest.fixture(scope="module")
def log_linear():
    """The macro itself, as DuckDB computes it: f(first, last, of_days) -> the value on each day."""
    path = Path(__file__).resolve().parents[2] / "dbt_project" / "macros" / "dialect.sql"
    environment = jinja2.Environment(undefined=jinja2.ChainableUndefined)
    macro = environment.from_string(path.read_text("utf-8")).module.log_linear_usd
    con = duckdb.connect()

    def values(first: int, last: int, of_days: int) -> list[int]:
        text = macro(f"cast({first} as bigint)", f"cast({last} as bigint)", "day", str(of_days))
        return [row[0] for row in con.execute(f"select {text} from range({of_days + 1}) as t (day)").fetchall()]

    return values


@given(
    first=st.integers(1, 10**12),
    last=st.integers(1, 10**12),
    of_days=st.integers(1, 400),
)
@settings(deadline=None)
def test_interpolation_passes_through_its_statements_and_is_monotone_between(log_linear, first, last, of_days):
    values = log_linear(first, last, of_days)
    assert (values[0], values[-1]) == (first, last)
    assert values == sorted(values, reverse=first > last)
