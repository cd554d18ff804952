"""As known on any day: rebuilt from what was public then, row for row what the as-of tables say."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.history import differences_at, knowledge_days, models_with_history, versioned_marts

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
