"""As known on any day: rebuilt from what was public then, row for row what the as-of tables say."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.history import differences_at, knowledge_days, models_with_history, versioned_marts
from orchestration.run import as_of
from warehouse.errors import Mistake

#: Of about 250 knowledge days; the first and the last are among them.
SAMPLE = 25
_MARTS = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "marts"
VERSIONED = versioned_marts(path.stem for path in _MARTS.glob("*.sql"))


def test_a_rebuild_at_a_past_day_is_what_the_as_of_tables_say(refreshed, manifest):
    days = knowledge_days(refreshed.home.build)
    assert len(days) > 200
    step = (len(days) - 1) / (SAMPLE - 1)
    sample = [days[round(i * step)] for i in range(SAMPLE)]
    assert len(set(sample)) == SAMPLE
    models = models_with_history(manifest)
    found = [difference for day in sample for difference in differences_at(refreshed.home.build, models, day)]
    assert found == []


def test_the_comparison_can_fail(refreshed, manifest):
    """A rebuild that derives anything otherwise than the published versions is found out: the comparison can fail."""
    models = models_with_history(manifest)
    cheat = [replace(m, sql=m.sql.replace("4 * value_usd", "5 * value_usd")) for m in models]
    assert cheat != models
    found = differences_at(refreshed.home.build, cheat, date(2024, 6, 20))
    assert {d.mart for d in found} == {"ai_revenue_gap", "ai_revenue_gap_components"}


@pytest.mark.parametrize("mart", VERSIONED)
def test_the_current_table_is_the_open_versions(published, mart):
    with duckdb.connect(str(published), read_only=True) as con:
        current, still_open = (
            f"select * from marts.{mart}",
            f"select * exclude (known_to) from marts.{mart}_versions where known_to is null",
        )
        assert con.sql(f"({current}) except all ({still_open})").fetchall() == []
        assert con.sql(f"({still_open}) except all ({current})").fetchall() == []


@pytest.mark.parametrize("mart", VERSIONED)
def test_a_version_opens_only_where_its_own_row_changed(published, mart):
    with duckdb.connect(str(published), read_only=True) as con:
        columns = con.table(f"marts.{mart}").columns
        same = " and ".join(f"a.{c} is not distinct from b.{c}" for c in columns if c != "known_from")
        repeated = con.sql(
            f"select b.* from marts.{mart}_versions as a inner join marts.{mart}_versions as b "
            f"on a.known_to = b.known_from and {same}"
        ).fetchall()
    assert repeated == []


def test_the_boundary_of_a_day(published):
    """NVIDIA's 10-Q for 2025-07-27 was filed on 2025-08-27: the quarter is there that day and not the day before."""
    with duckdb.connect(str(published), read_only=True) as con:

        def shown(day):
            return con.execute(
                "select count(*) from marts.revenue_as_of(cast(? as date)) where calendar_quarter = '2025Q2'", [day]
            ).fetchone()[0]

        filed = date(2025, 8, 27)
        assert (shown(filed - timedelta(days=1)), shown(filed)) == (0, 1)


def test_changes_name_the_filing(published):
    with duckdb.connect(str(published), read_only=True) as con:
        rows = con.sql(
            "select calendar_quarter, change, because from marts.gap_changes(date '2025-08-26', date '2025-08-27') "
            "where scenario = 'cahn_method'"
        ).fetchall()
    assert [(quarter, change) for quarter, change, _ in rows] == [("2025Q2", "new")]
    assert any("0001045810-25-000209" in reason for reason in rows[0][2])


@pytest.fixture(scope="module")
def past(refreshed, tmp_path_factory):
    """The file of the day of the 2024 essay."""
    file = tmp_path_factory.mktemp("past") / "past.duckdb"
    assert as_of(refreshed.home, date(2024, 6, 20), file) == 0
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    with duckdb.connect(str(file), read_only=True) as con:
        yield con


def test_the_file_of_a_past_day_has_every_mart_as_it_was_known_then(past, published):
    past.execute(f"attach '{published}' as today (read_only)")
    defined = (
        "select table_name, column_name, data_type, is_nullable, comment from duckdb_columns() "
        "where schema_name = 'marts' and not internal and database_name {} 'today' order by all"
    )
    assert past.sql(defined.format("<>")).fetchall() == past.sql(defined.format("=")).fetchall()
    for mart in VERSIONED:
        known = "known_from <= date '2024-06-20' and (known_to is null or known_to > date '2024-06-20')"
        then = f"select * exclude (known_to) from today.marts.{mart}_versions where {known}"
        assert past.sql(f"(from marts.{mart}) except all ({then})").fetchall() == [], mart
        assert past.sql(f"({then}) except all (from marts.{mart})").fetchall() == [], mart


def test_nothing_in_the_file_of_a_past_day_became_known_later(past):
    late = (
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' "
        "and column_name in ('known_from', 'filed_on', 'first_known_on', 'released_on', 'reported_on', 'decided_on')"
    )
    columns = past.sql(late).fetchall()
    assert len(columns) > 25
    for table, column in columns:
        found = past.sql(f"select max({column}) from marts.{table}").fetchall()[0][0]
        assert found is None or found <= date(2024, 6, 20), (table, column)
    # Also where there are no versions: what funding and nowcast said then, and the macros answer.
    assert past.sql("select max(calendar_quarter) from nvidia_nowcast").fetchall() >= [("2024Q2",)]
    assert past.sql("select count(*) from funding_rounds").fetchall() > [(10,)]
    assert past.sql("select required_revenue_usd from gap_as_of(date '2024-06-20') limit 1").fetchall()
    assert past.sql("select warnings[1] from meta.build").fetchall() == [
        ("rebuilt from what was public by 2024-06-20; the checks ran on the file of today, not on this one",)
    ]


@pytest.mark.parametrize(
    ("day", "name", "said"),
    [
        (date(2010, 1, 1), "past.duckdb", "2010-01-01 is not between "),
        (date(2999, 1, 1), "past.duckdb", "2999-01-01 is not between "),
        (date(2024, 6, 20), "past.csv", "whose name ends in .duckdb"),
        (date(2024, 6, 20), "none/past.duckdb", "there is no folder "),
    ],
)
def test_a_day_or_a_name_that_cannot_be_is_refused(refreshed, tmp_path, day, name, said):
    with pytest.raises(Mistake, match=said):
        as_of(refreshed.home, day, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_past_day_replaces_nothing(refreshed, tmp_path):
    there = tmp_path / "past.duckdb"
    there.write_text("mine")
    for file in (there, refreshed.home.published, refreshed.home.root / "new.duckdb"):
        with pytest.raises(Mistake, match="write to a new file outside"):
            as_of(refreshed.home, date(2024, 6, 20), file)
    assert there.read_text() == "mine"
