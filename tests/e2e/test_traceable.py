"""G1: every published number made again from the statements it cites, and those against the shipped facts."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest

from ingest.bundle import BUNDLE_DIR


@pytest.fixture(scope="module")
def con(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        yield connection


def rows(con, query: str) -> list[dict]:
    found = con.sql(query)
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def cited(con) -> dict[str, dict]:
    return {row["fact_id"]: row for row in rows(con, "from marts.citations")}


def test_every_cited_fact_is_the_shipped_one_under_the_same_filing_and_hash(con):
    """Both ways: not one citation differs from the facts file in any column a reader would check."""
    columns = "accession, form, concept, dimensions, unit, period_start, period_end, value, filed_on, sha256"
    con.execute("set threads = 2")
    missing = con.sql(
        f"(select {columns} from marts.citations where source_kind = 'xbrl') except "
        f"(select {columns} from read_parquet('{str(BUNDLE_DIR / 'facts.parquet').replace(chr(39), chr(39) * 2)}'))"
    ).fetchall()
    assert missing == []
    (count,) = con.sql("select count(*) from marts.citations where source_kind = 'xbrl'").fetchone()
    assert count > 1500


def from_statements(statements: list[dict]) -> Decimal:
    """A quarter from its citations: the longest period less the others, proceeds taken off."""
    amounts: dict[tuple, Decimal] = defaultdict(Decimal)
    for statement in statements:
        sign = -1 if statement["metric"] == "ppe_sale_proceeds" else 1
        amounts[statement["period_start"], statement["period_end"]] += sign * statement["value"]
    longest = max(amounts, key=lambda period: period[1] - period[0])
    return 2 * amounts[longest] - sum(amounts.values())


@pytest.mark.parametrize(
    ("mart", "key", "amount"),
    [
        ("nvidia_data_center_revenue_versions", "calendar_quarter", "data_center_usd"),
        ("hyperscaler_capex_versions", "ticker || calendar_quarter || capex_basis", "capex_usd"),
    ],
)
def test_every_version_of_a_reported_or_derived_quarter_follows_from_its_citations(con, cited, mart, key, amount):
    versions = rows(con, f"select *, {key} as row_key from marts.{mart}")
    assert len(versions) > 30
    kinds = defaultdict(int)
    for version in versions:
        statements = [cited[fact_id] for fact_id in version["fact_ids"]]
        # The parts of Data Center and NVIDIA's total stand in the same row and cite their own statements.
        own = [s for s in statements if s["metric"] == ("data_center_revenue" if "nvidia" in mart else s["metric"])]
        assert own, (version["row_key"], version["known_from"])
        assert from_statements(own) == version[amount], (version["row_key"], version["known_from"])
        assert max(s["filed_on"] for s in own) <= version["known_from"]
        assert (len(own) > 1) == (version["value_kind"] == "derived"), (version["row_key"], version["known_from"])
        kinds[version["value_kind"]] += 1
    assert set(kinds) == {"reported", "derived"}


def half_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def test_every_version_of_the_gap_follows_from_its_own_inputs(con):
    """Run rate, the two shares and AI revenue make the rest, to the dollar, in every version that ever stood."""
    versions = rows(con, "from marts.ai_revenue_gap_versions")
    assert len(versions) > 250
    for version in versions:
        if version["run_rate_basis"] == "spending_estimate":  # the case starts from step 2
            assert (version["run_rate_usd"], version["gpu_share_of_tco"]) == (None, None)
            spend = version["data_center_spend_usd"]
        else:
            spend = half_up(Decimal(version["run_rate_usd"]) / version["gpu_share_of_tco"])
        required = half_up(Decimal(spend) / (1 - version["end_user_gross_margin"]))
        assert (version["data_center_spend_usd"], version["required_revenue_usd"]) == (spend, required)
        if version["ai_revenue_usd"] is None:
            assert version["gap_usd"] is None
        else:
            assert version["gap_usd"] == required - version["ai_revenue_usd"]


def test_every_run_rate_follows_from_the_quarters_of_its_day(con):
    """4 x the quarter, the last four, or 4 x what all vendors state, as the tables of that very day have them."""
    published = "('forecast_run_rate', 'spending_estimate')"
    versions = rows(con, f"from marts.ai_revenue_gap_versions where run_rate_basis not in {published}")
    history = defaultdict(list)
    for row in rows(con, "from marts.nvidia_data_center_revenue_versions"):
        history[row["calendar_quarter"]].append((row["known_from"], row["known_to"], row["data_center_usd"]))

    def on(quarter: str, day) -> int | None:
        return next((usd for start, end, usd in history[quarter] if start <= day and (end is None or day < end)), None)

    def back(quarter: str, steps: int) -> str:
        number = int(quarter[:4]) * 4 + int(quarter[-1]) - 1 - steps
        return f"{number // 4}Q{number % 4 + 1}"

    for version in versions:
        quarter, day = version["calendar_quarter"], version["known_from"]
        if version["run_rate_basis"] == "actual_run_rate":
            expected = 4 * on(quarter, day)
        elif version["run_rate_basis"] == "all_accelerators":
            (tracked,) = con.execute(
                "select sum(revenue_usd) from marts.accelerator_revenue_versions "
                "where calendar_quarter = ? and known_from <= ? and (known_to is null or known_to > ?)",
                [quarter, day, day],
            ).fetchone()
            expected = 4 * tracked
        else:
            expected = sum(on(back(quarter, steps), day) for steps in range(4))
        assert version["run_rate_usd"] == expected, (quarter, version["scenario"], day)
