"""Money has no scale of its own: all dollars times k give the gap times k, and the same shares."""

import pytest

from orchestration.history import compiled_models
from support.rebuild import rebuilt

#: Columns of dollars in the raw tables: table -> columns, and which rows hold dollars.
DOLLARS = {
    "xbrl_facts": (["value"], "unit = 'USD'"),
    "curated_figures": (["value", "low_value", "high_value"], "unit = 'USD'"),
    "ai_revenue_edges": (["value", "low_value", "high_value"], "unit = 'USD'"),
    "scenario_parameters": (["value"], "parameter like '%_usd'"),
}
KEYS = {
    "ai_revenue_gap": ["calendar_quarter", "scenario"],
    "ai_revenue_gap_versions": ["calendar_quarter", "scenario", "known_from"],
    "nvidia_data_center_revenue": ["calendar_quarter"],
    "hyperscaler_capex": ["ticker", "calendar_quarter", "capex_basis"],
    "ai_revenue": ["company", "calendar_quarter"],
    "microsoft_share_of_nvidia": ["calendar_quarter"],
    "customer_concentration": ["fact_id"],
}
#: Of numbers that are stated, not computed, the multiple is exact.
EXACT = [("nvidia_data_center_revenue", "data_center_usd"), ("hyperscaler_capex", "capex_usd")]


def scaled(k: int) -> dict[str, str]:
    """What to read in the place of each raw table that holds dollars."""
    selects = {}
    for table, (columns, which) in DOLLARS.items():
        replaced = ", ".join(
            f"cast(case when {which} then {k} * {column} else {column} end as decimal(38, 10)) as {column}"
            for column in columns
        )
        selects[table] = f"select * replace ({replaced}) from origin.raw.{table}"
    return selects


@pytest.fixture(scope="module", params=[3, 10])
def pairs(request, refreshed, manifest):
    """k, and a function that joins a mart as it is (`a`) with the same mart of k times the dollars (`b`)."""
    models = compiled_models(manifest, None)
    with (
        rebuilt(refreshed.home.build, models) as plain,
        rebuilt(refreshed.home.build, models, scaled(request.param)) as times_k,
    ):

        def joined(mart, *columns):
            keys = KEYS[mart]
            select = f"select {', '.join([*keys, *columns])} from marts.{mart} order by {', '.join(keys)}"
            a, b = plain.execute(select).fetchall(), times_k.execute(select).fetchall()
            assert [row[: len(keys)] for row in a] == [row[: len(keys)] for row in b]
            assert a
            return [(*one[len(keys) :], *other[len(keys) :]) for one, other in zip(a, b, strict=True)]

        yield request.param, joined


@pytest.mark.parametrize(("mart", "column"), EXACT)
def test_t82_stated_dollars_scale_exactly(pairs, mart, column):
    k, joined = pairs
    assert all(b == k * a for a, b in joined(mart, column))


@pytest.mark.parametrize("mart", ["ai_revenue_gap", "ai_revenue_gap_versions"])
def test_t82_the_gap_scales_and_coverage_stays(pairs, mart):
    """A rounded dollar is within half a dollar of the truth, so k of them are within k/2 of k times it: one rounding
    may move a multiple by (k + 1) / 2. Required revenue is rounded, then divided by 1 - margin and rounded again; AI
    revenue is a sum over companies of amounts that go through shares of six places. Coverage keeps its six places.
    """
    k, joined = pairs
    one = (k + 1) / 2
    stated = ["ai_revenue_basis", "end_user_gross_margin", "companies_counted"]
    dollars = ["run_rate_usd", "required_revenue_usd", "ai_revenue_usd", "gap_usd", "coverage_share"]
    for row in joined(mart, *stated, *dollars):
        _, margin, companies, rate, required, ai, gap, share = row[:8]
        _, _, companies_k, rate_k, required_k, ai_k, gap_k, share_k = row[8:]
        if rate is None:  # a scenario that starts from somebody's estimate of the spending
            assert rate_k is None
            continue
        assert rate_k == k * rate
        assert companies_k == companies
        of_required = one / (1 - float(margin)) + one
        assert abs(required_k - k * required) <= of_required
        if gap is None:
            assert (ai_k, gap_k, share_k) == (ai, None, None)
            continue
        # A company's number goes through a share or two of six places on its way into the sum.
        of_ai = 4 * one * (companies or 0) + 2 * k * ai / 1_000_000
        assert abs(ai_k - k * ai) <= of_ai
        assert abs(gap_k - k * gap) <= of_required + of_ai
        assert abs(share_k - share) * 1_000_000 <= 1


def test_t82_what_is_counted_of_a_company_scales(pairs):
    k, joined = pairs
    for row in joined("ai_revenue", "run_rate_usd", "counted_usd", "trailing_12m_usd"):
        (rate, counted, trailing), (rate_k, counted_k, trailing_k) = row[:3], row[3:]
        assert rate_k == k * rate
        assert abs(counted_k - k * counted) <= 4 * (k + 1) / 2 + 2 * k * counted / 1_000_000
        assert (trailing is None) == (trailing_k is None)
        assert trailing is None or abs(trailing_k - k * trailing) <= 4 * (k + 1) / 2 + 2 * k * trailing / 1_000_000


def test_t82_shares_stay(pairs):
    """Customers' shares are stated. Microsoft's rests on a rounded dollar amount, a millionth at most."""
    _, joined = pairs
    assert all(a == b for a, b in joined("customer_concentration", "share"))
    for row in joined("microsoft_share_of_nvidia", "low_share", "central_share", "high_share"):
        for a, b in zip(row[:3], row[3:], strict=True):
            assert (a is None) == (b is None)
            assert a is None or abs(a - b) * 1_000_000 <= 1
