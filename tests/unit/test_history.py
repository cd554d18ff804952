"""A rebuild of a past day knows nothing of a correction that came later."""

from dataclasses import replace
from datetime import date

import pyarrow as pa

from ingest.records import FIGURES
from orchestration.history import Model, differences_at
from warehouse.store.home import Home
from warehouse.store.load import open_build, replace_rows

#: What a versioned mart does with a correction: nothing of a withdrawn figure is said.
SAID = Model(
    "marts",
    "said",
    "table",
    "select figure_id, known_on as known_from from raw.curated_figures where withdrawn_on is null",
)


def test_a_figure_is_said_until_the_day_it_was_withdrawn(tmp_path):
    home = Home(tmp_path)
    figure = dict.fromkeys(FIGURES.names) | {
        "figure_id": "c1",
        "known_on": date(2026, 4, 29),
        "withdrawn_on": date(2026, 11, 25),
    }
    with open_build(home) as connection:
        replace_rows(connection, "curated_figures", pa.Table.from_pylist([figure], FIGURES))
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create table marts.said_versions as "
            "select 'c1' as figure_id, date '2026-04-29' as known_from, date '2026-11-25' as known_to"
        )
    models = [SAID, replace(SAID, name="said_versions", materialized="view")]
    days = (date(2026, 4, 28), date(2026, 4, 29), date(2026, 11, 24), date(2026, 11, 25))
    assert [difference for day in days for difference in differences_at(home.build, models, day)] == []
    forgetful = SAID.sql.replace("where withdrawn_on is null", "")
    (difference,) = differences_at(home.build, [replace(SAID, sql=forgetful), models[1]], days[-1])
    assert (difference.only_rebuilt, difference.only_as_of) == (1, 0)
