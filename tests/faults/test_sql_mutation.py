"""The SQL broken on purpose, one rule at a time: each time a check of the project says so.

A change of a model's SQL that nobody notices is a rule without a test. Every mutant names the check that kills it; that
check passes on the SQL as it is and fails on the mutant. `AIGAP_MUTANTS=all pytest -s` runs every check against every
mutant and prints all that fail.
"""

import os
from typing import NamedTuple

import pytest
from e2e import test_model_rules, test_screens
from golden import test_beyond_cahn, test_golden_values

from orchestration.history import compiled_models
from support.rebuild import Project, rebuilt


class Mutant(NamedTuple):
    """A model with texts of its compiled SQL replaced, the rule that this breaks, and the check that fails then."""

    rule: str
    model: str
    changes: tuple[tuple[str, str], ...]
    killed_by: str


def _mutant(rule: str, model: str, old: str, new: str, killed_by: str) -> Mutant:
    return Mutant(rule, model, ((old, new),), killed_by)


MUTANTS = [
    # --- which facts are read ---
    _mutant(
        "a quarter has 80 to 100 days",
        "stg_edgar__facts",
        "between spans.shortest_days and spans.longest_days",
        "between spans.shortest_days - 20 and spans.longest_days + 20",
        "rule test_a_span_is_that_of_the_rules",
    ),
    _mutant(
        "only periodic forms are read",
        "stg_edgar__facts",
        "dated.form = forms.form",
        "forms.form = '10-Q'",
        "rule test_the_forms_read_are_those_of_the_rules",
    ),
    _mutant(
        "a period ends before its filing",
        "stg_edgar__facts",
        "dated.period_end <= dated.filed_on",
        "true",
        "rule test_a_period_ends_before_its_filing",
    ),
    _mutant(
        "a filing is known from its acceptance",
        "stg_edgar__facts",
        "coalesce(filings.known_from, source.filed_on)",
        "source.filed_on",
        "rule test_a_filing_is_known_from_its_acceptance",
    ),
    _mutant(
        "the dimensions are those of the watch list",
        "int_metric_observations",
        "and facts.dimensions = concepts.dimensions",
        "",
        "golden test_every_nvidia_quarter",
    ),
    _mutant(
        "only US dollars are summed",
        "int_metric_observations",
        "unit = 'USD' and",
        "",
        "rule test_t21_an_observation_is_its_exact_line_in_dollars",
    ),
    _mutant(
        "a concept counts while it is valid",
        "int_metric_observations",
        "and facts.period_end between concepts.valid_from and concepts.valid_to",
        "",
        "rule test_t21_an_observation_is_its_exact_line_in_dollars",
    ),
    _mutant(
        "proceeds are taken off",
        "int_metric_observations",
        "-1 as sign",
        "1 as sign",
        "golden test_capex_as_the_filing_prints_it",
    ),
    # --- versions and quarters ---
    _mutant(
        "an amendment is the last word of its day",
        "int_observation_versions",
        "like '%/A' then 1",
        "like '%/A' then 9",
        "chain test_an_amendment_of_the_same_day_is_the_later_word",
    ),
    _mutant(
        "the report accepted later is the last word of a day",
        "int_observation_versions",
        "coalesce(observations.known_at, '') desc",
        "coalesce(observations.known_at, '')",
        "chain test_of_two_reports_of_a_day_the_one_accepted_later_is_the_last_word",
    ),
    _mutant(
        "a restatement opens a version",
        "int_observation_versions",
        "case when previous_value_usd = coalesce(value_usd, -1) then 0",
        "case when previous_value_usd is not null then 0",
        "chain test_a_press_figure_meets_the_filing_of_its_own_time",
    ),
    _mutant(
        "what is rejected gives way to the statement before it",
        "int_observation_versions",
        "and other.used_from <= gone.used_to",
        "and other.used_from > gone.used_to",
        "chain test_a_rejected_statement_counts_until_that_day_and_the_one_before_it_holds_again",
    ),
    _mutant(
        "a quarter is the longer period less the shorter",
        "int_quarter_candidates",
        "value_usd - shorter_usd",
        "value_usd + shorter_usd",
        "chain test_a_difference_is_of_one_vintage",
    ),
    _mutant(
        "the difference of two periods is a quarter long",
        "int_quarter_candidates",
        "(longer.period_end - shorter.period_end)\n            between a_quarter.shortest_days and "
        "a_quarter.longest_days",
        "true",
        "rule test_a_difference_that_is_no_quarter_long_is_none",
    ),
    _mutant(
        "the shorter statement is that of the longer one's time",
        "int_quarter_candidates",
        "(shorter_from <= known_from and (shorter_to is null or shorter_to > known_from))",
        "(shorter_from <= known_from)",
        "chain test_a_difference_is_of_one_vintage",
    ),
    _mutant(
        "what recasts one of two legs changes nothing",
        "int_quarter_candidates",
        "or (shorter_previous_from is not null and shorter_from > previous_from)",
        "or true",
        "chain test_a_difference_is_of_one_vintage",
    ),
    _mutant(
        "a leg that comes late is of another vintage where its year was recast",
        "int_quarter_candidates",
        "and not is_recast_between",
        "",
        "chain test_a_leg_that_comes_late_is_not_used_where_its_year_was_recast_meanwhile",
    ),
    _mutant(
        "a rejected leg takes its difference with it",
        "int_quarter_candidates",
        "withdrawn_on,\n            shorter_withdrawn_on,",
        "withdrawn_on,",
        "chain test_a_rejected_leg_takes_its_difference_with_it",
    ),
    _mutant(
        "a difference that cannot be right is set aside",
        "int_quarter_candidates",
        "screened.reason is null or used.row_id is not null as is_used",
        "true as is_used",
        "chain test_the_dates_of_a_half_year_on_a_quarter_are_noticed",
    ),
    _mutant(
        "money that flows one way is not negative",
        "int_observation_screens",
        "when statements.value_usd < 0 then",
        "when false then",
        "chain test_what_cannot_be_right_is_set_aside_by_name_and_the_rest_is_published",
    ),
    _mutant(
        "a part is not larger than its whole",
        "int_observation_screens",
        "when statements.value_usd > whole.value_usd + 1000000",
        "when false",
        "chain test_what_cannot_be_right_is_set_aside_by_name_and_the_rest_is_published",
    ),
    _mutant(
        "a wrong total is no measure of its parts",
        "int_observation_screens",
        "where statements.source_kind = 'xbrl' and statements.value_usd > 0 and not",
        "where statements.source_kind = 'xbrl' and statements.value_usd > 0 and true or not",
        "chain test_what_cannot_be_right_is_set_aside_by_name_and_the_rest_is_published",
    ),
    _mutant(
        "what stands apart vouches for nobody",
        "int_observation_screens",
        "statement.is_accepted or not coalesce",
        "true or not coalesce",
        "chain test_one_wrong_filing_vouches_for_no_other_and_a_right_one_is_not_blamed",
    ),
    _mutant(
        "a period does not end after the one the filing reports on",
        "int_observation_screens",
        "(statements.period_end - reported_periods.report_end) > 10",
        "(statements.period_end - reported_periods.report_end) > 1000",
        "chain test_a_period_that_the_filing_cannot_report_on",
    ),
    _mutant(
        "a required line is stated for the filing's own period",
        "int_observation_screens",
        "when own_periods.has_own_period = 0",
        "when false",
        "chain test_a_period_that_the_filing_cannot_report_on",
    ),
    _mutant(
        "an acceptance counts from its day",
        "int_usable_observations",
        "greatest(statement.known_from, decisions.decided_on)",
        "statement.known_from",
        "chain test_an_accepted_statement_counts_from_the_day_it_was_accepted",
    ),
    _mutant(
        "a press figure meets the filing of its time",
        "reconciliation",
        "case when candidates.known_from > press.known_from then candidates.known_from end,",
        "",
        "chain test_a_press_figure_meets_the_filing_of_its_own_time",
    ),
    _mutant(
        "a quarter is named after the day in its middle",
        "int_quarter_candidates",
        "/ 2) as integer",
        "/ 1) as integer",
        "golden test_every_nvidia_quarter",
    ),
    _mutant(
        "a fiscal year is named after the year it ends in",
        "int_quarter_candidates",
        "> companies.fiscal_year_end_month then 1",
        "> companies.fiscal_year_end_month then 0",
        "golden test_t01_a_fiscal_quarter_is_named_after_its_dates",
    ),
    _mutant(
        "a filing goes before a press figure",
        "int_metric_quarters",
        "when 'xbrl' then 1 else 2 end",
        "when 'xbrl' then 2 else 1 end",
        "unit a_filing_replaces_a_press_figure",
    ),
    _mutant(
        "a reported quarter goes before a derived one",
        "int_metric_quarters",
        "when 'reported' then 1 else 2 end",
        "when 'reported' then 2 else 1 end",
        "rule test_which_candidate_is_the_quarter",
    ),
    _mutant(
        "of several candidates the newest counts",
        "int_metric_quarters",
        "known_from desc",
        "known_from",
        "rule test_which_candidate_is_the_quarter",
    ),
    _mutant(
        "a version holds from its first day on",
        "int_metric_quarters",
        "days.known_on >= candidates.known_from",
        "days.known_on > candidates.known_from",
        "unit a_filing_replaces_a_press_figure",
    ),
    _mutant(
        "a version ends before its last day",
        "int_metric_quarters",
        "days.known_on < candidates.known_to",
        "days.known_on <= candidates.known_to",
        "rule test_which_candidate_is_the_quarter",
    ),
    _mutant(
        "every platform stands in its own column",
        "nvidia_data_center_revenue_versions",
        "'networking_revenue' then quarters.value_usd",
        "'compute_revenue' then quarters.value_usd",
        "golden test_each_part_of_data_center_stands_in_its_own_column",
    ),
    _mutant(
        "each basis of capex stands under its own name",
        "hyperscaler_capex_versions",
        "then 'cash_gross'",
        "then 'cash_net_of_proceeds'",
        "dbt hyperscaler_capex_versions_key_is_unique",
    ),
    # --- the chain of the gap ---
    _mutant(
        "a run rate is four quarters",
        "int_run_rates",
        "4 * value_usd",
        "3 * value_usd",
        "golden test_required_revenue_at_half_and_half",
    ),
    _mutant(
        "twelve months need four quarters",
        "int_run_rates",
        "where quarters_known = 4",
        "where quarters_known >= 3",
        "rule test_twelve_months_need_all_four_quarters",
    ),
    _mutant(
        "dollars are rounded half up",
        "ai_revenue_gap_versions",
        "1000000 + cast(with_run_rate.gpu_share_of_tco * 1000000 as hugeint))",
        "1000000)",
        "rule test_the_chain_rounds_half_up_and_compares_like_with_like",
    ),
    _mutant(
        "cost is what the margin leaves",
        "ai_revenue_gap_versions",
        "(1 - end_user_gross_margin)",
        "end_user_gross_margin",
        "unit the_chain_of_the_gap",
    ),
    _mutant(
        "the gap is what is required less what exists",
        "ai_revenue_gap_versions",
        "required_revenue_usd - ai_revenue_usd",
        "required_revenue_usd + ai_revenue_usd",
        "unit the_chain_of_the_gap",
    ),
    _mutant(
        "coverage is what exists by what is required",
        "ai_revenue_gap_versions",
        "(2 * cast(ai_revenue_usd as hugeint) * 1000000 + cast(required_revenue_usd as hugeint))",
        "(2 * cast(required_revenue_usd as hugeint) * 1000000 + cast(required_revenue_usd as hugeint))",
        "rule test_the_chain_rounds_half_up_and_compares_like_with_like",
    ),
    _mutant(
        "only like is compared with like",
        "ai_revenue_gap_versions",
        "(run_rate_basis = 'trailing_12m' and ai_revenue_basis like '%measured_trailing_12m')",
        "(run_rate_basis = 'trailing_12m' and ai_revenue_basis like '%measured_run_rate')",
        "rule test_the_chain_rounds_half_up_and_compares_like_with_like",
    ),
    _mutant(
        "an assumption speaks of no earlier quarter",
        "ai_revenue_gap_versions",
        "(with_run_rate.assumed_on + cast(-92 as integer))",
        "(with_run_rate.assumed_on + cast(-9200 as integer))",
        "rule test_the_chain_rounds_half_up_and_compares_like_with_like",
    ),
    _mutant(
        "the current table is the last version, not the first",
        "ai_revenue_gap",
        "where known_to is null",
        "qualify row_number() over (partition by calendar_quarter, scenario order by known_from) = 1",
        "dbt assert_components_sum_to_gap",
    ),
    _mutant(
        "revenue that exists is taken off",
        "ai_revenue_gap_components_versions",
        "-1 * case gap.ai_revenue_end",
        "1 * case gap.ai_revenue_end",
        "dbt assert_components_sum_to_gap",
    ),
    _mutant(
        "a forecast is held against the quarter as first reported",
        "forecast_errors",
        "order by known_from) as place",
        "order by known_from desc) as place",
        "rule test_a_forecast_is_held_against_the_quarter_as_first_reported",
    ),
    # --- AI revenue ---
    _mutant(
        "the end customer's dollar counts once",
        "int_ai_revenue_versions",
        "gross.gross_usd - cast((2 * cast(gross.gross_usd as hugeint) * cast(netting.share * 1000000 as hugeint)",
        "gross.gross_usd - cast((0 * cast(gross.gross_usd as hugeint) * cast(netting.share * 1000000 as hugeint)",
        "golden test_measured_revenue_counts_the_end_customers_dollar_once",
    ),
    _mutant(
        "a company within another counts there",
        "int_ai_revenue_netting",
        "when superseded_by is not null then 1",
        "when superseded_by is not null then 0",
        "golden test_measured_revenue_counts_the_end_customers_dollar_once",
    ),
    _mutant(
        "no statement is used before it was made",
        "int_ai_revenue_statements_known",
        "days.known_from >= statements.known_on",
        "days.known_from >= date '2000-01-01'",
        "dbt ai_revenue_versions_does_not_look_ahead",
    ),
    _mutant(
        "no statement is used of a later quarter",
        "int_ai_revenue_carried",
        "on known.speaks_on <= quarters.quarter_end",
        "on true",
        "rule test_a_quarter_rests_on_what_was_said_of_it_or_before",
    ),
    _mutant(
        "the latest statement is carried forward",
        "int_ai_revenue_carried",
        "carried_from desc",
        "carried_from",
        "rule test_a_quarter_rests_on_what_was_said_of_it_or_before",
    ),
    _mutant(
        "weak sources feed no headline",
        "int_ai_revenue_statements_known",
        "select 'central', 2",
        "select 'central', 3",
        "rule test_weak_statements_feed_the_high_end_alone_and_the_newer_word_holds",
    ),
    _mutant(
        "the user's own figures feed nothing shipped",
        "int_ai_revenue_statements_known",
        "(range_ends.counts_own or not statements.is_own)",
        "true",
        "rule test_own_statements_feed_the_ends_of_their_own_alone",
    ),
    _mutant(
        "what is a part of a counted company is counted once",
        "int_ai_revenue_statements",
        "coalesce(roles.role, 'not_disclosed') = 'not_disclosed'",
        "coalesce(roles.role, 'not_disclosed') <> 'counted'",
        "rule test_the_user_may_speak_of_who_states_nothing_usable_and_not_of_a_part",
    ),
    _mutant(
        "a year is no point beside a finer statement",
        "int_ai_revenue_points",
        "where coarse.statement_id is null",
        "where true",
        "rule test_a_year_is_no_point_where_something_finer_is_known",
    ),
    _mutant(
        "trailing is four quarters",
        "int_ai_revenue_trailing",
        "when windowed.quarters_observed = 4",
        "when windowed.quarters_observed >= 3",
        "rule test_trailing_revenue_is_of_four_whole_quarters_and_no_less",
    ),
    _mutant(
        "a weak payment moves no headline",
        "int_ai_revenue_netting",
        "sum(case when is_headline_grade then share else 0 end) as share",
        "sum(share) as share",
        "rule test_a_weak_payment_moves_the_range_and_not_the_centre",
    ),
    _mutant(
        "a payment is no more than what the payee earns",
        "int_ai_revenue_edge_shares",
        "cast(least(1, share, most_share) as decimal(9, 6)) as share",
        "cast(least(900, share) as decimal(9, 6)) as share",
        "rule test_a_years_payment_falls_on_its_quarters_in_the_payees_own_shape",
    ),
    _mutant(
        "the bridge leaves nothing out",
        "ai_revenue_bridge_versions",
        "coalesce(comparable_before_usd - before_usd, 0) as netting_usd",
        "cast(0 as bigint) as netting_usd",
        "dbt assert_bridge_adds_up",
    ),
    _mutant(
        "a version counts until the next one, not with it",
        "int_ai_revenue_totals",
        "days.known_from < versions.known_to",
        "days.known_from <= versions.known_to",
        "dbt assert_components_sum_to_gap",
    ),
    # --- customers ---
    _mutant(
        "a region is no customer",
        "int_customer_shares",
        "and customer_member like 'nvda:%Customer%'",
        "",
        "rule test_t19_a_share_that_is_no_single_customers_is_left_out",
    ),
    _mutant(
        "a share of sales through one country is no customer's",
        "int_customer_shares",
        "and dimensions not like '%StatementGeographicalAxis%'",
        "",
        "rule test_t19_a_share_that_is_no_single_customers_is_left_out",
    ),
    _mutant(
        "wrongly dated contexts are put right",
        "int_customer_shares",
        "coalesce(context_corrections.true_end, eligible.period_end)",
        "eligible.period_end",
        "golden test_wrongly_dated_contexts_are_corrected",
    ),
    _mutant(
        "a year's disclosure bounds that year's quarters",
        "int_microsoft_share_as_known",
        "and days.period_end <= shares.period_end",
        "",
        "rule test_a_years_disclosure_bounds_that_years_quarters",
    ),
    _mutant(
        "what NVIDIA says of the quarter is the centre",
        "microsoft_share_of_nvidia_versions",
        "when 'nvidia_disclosure_quarter' then 1",
        "when 'nvidia_disclosure_quarter' then 9",
        "golden test_microsofts_share_obeys_nvidia",
    ),
    _mutant(
        "what NVIDIA discloses caps the range",
        "microsoft_share_of_nvidia_versions",
        "coalesce(points.nvidia_high_share, 1)",
        "1",
        "dbt assert_no_bound_contradicts_nvidia",
    ),
    _mutant(
        "a clash is named",
        "microsoft_share_of_nvidia_versions",
        "which clashes with its word",
        "beside its word",
        "dbt assert_no_bound_contradicts_nvidia",
    ),
    # --- beside the chain ---
    _mutant(
        "a filed quarter comes before a typed one",
        "int_ai_revenue_statements",
        "case stated.source_kind when 'xbrl' then 1 else 0 end",
        "0",
        "rule test_a_pure_plays_filed_quarter_comes_before_the_typed_one",
    ),
    _mutant(
        "only who sells AI compute alone states AI revenue with its total",
        "int_ai_revenue_statements",
        "role = 'ai_compute'",
        "true",
        "rule test_a_pure_plays_filed_quarter_comes_before_the_typed_one",
    ),
    _mutant(
        "a case may start from spending",
        "ai_revenue_gap_versions",
        "scenarios.frozen_spend_usd is not null",
        "false",
        "golden test_cahns_third_edition_starts_from_spending",
    ),
    _mutant(
        "a list of companies is held against statements, not estimates",
        "cahn_scoreboard_versions",
        "ai_revenue_basis = 'measured_run_rate'",
        "ai_revenue_basis = 'estimated_run_rate'",
        "golden test_cahns_list_against_what_was_stated",
    ),
    _mutant(
        "shortage is well below the usual stock",
        "supply_state_versions",
        "usual.inventory_days * cast(0.8 as decimal(3, 2))",
        "usual.inventory_days * cast(0.4 as decimal(3, 2))",
        "golden test_supply_by_its_rule",
    ),
    _mutant(
        "chips are used up from the quarter after",
        "amortized_requirement",
        "items.number + items.lag_quarters + exploded.passed + 1 as number",
        "items.number + items.lag_quarters + exploded.passed as number",
        "golden test_chips_of_six_years_are_written_off_in_twenty_four_quarters",
    ),
    _mutant(
        "a run rate of chips is four quarters",
        "int_accelerator_revenue",
        "when 'annualized_run_rate' then",
        "when 'never' then",
        "golden test_accelerators_of_a_quarter",
    ),
    _mutant(
        "a printed percent is half a point either way",
        "buyer_share_of_nvidia",
        "cast(0.005 as decimal(9, 6))",
        "cast(0 as decimal(9, 6))",
        "golden test_hyperscale_and_concentration",
    ),
    _mutant(
        "no ratio crosses a redefinition",
        "cloud_economics",
        "and max(is_redefined) over last_three = 0",
        "",
        "golden test_no_ratio_crosses_a_redefinition",
    ),
    _mutant(
        "a median is in the middle",
        "nvidia_nowcast",
        "place in (4, 5)",
        "place in (1, 2)",
        "golden test_the_prototypes_nowcasts",
    ),
    _mutant(
        "a nowcast reads nothing that came later",
        "nvidia_nowcast",
        "opened.known_from >= reported.known_from",
        "true",
        "dbt nvidia_nowcast_does_not_look_ahead",
    ),
]


#: They only warn, and of the shipped numbers they do: of benchmarks we stand away from, of growth that was told late.
WARN_OF_WHAT_SHIPS = {"dbt assert_ai_revenue_against_benchmarks", "dbt assert_growth_is_explained"}


@pytest.fixture(scope="module")
def project(refreshed, manifest):
    with rebuilt(refreshed.home.build, compiled_models(manifest, None)) as con:
        yield Project(
            con, refreshed.home.build, manifest, [test_golden_values, test_beyond_cahn], test_model_rules, test_screens
        )


def test_t87_the_sql_as_it_is_passes_every_check(project):
    """Without this a mutant would be killed by a check that always fails."""
    assert len(project.checks) > 100
    assert set(project.failed()) <= WARN_OF_WHAT_SHIPS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_t87_a_broken_rule_fails_the_check_that_is_named(project, mutant):
    changed = project.changed(mutant.model, mutant.changes)
    if os.environ.get("AIGAP_MUTANTS") == "all":
        killers = project.failed(changed)
        print(f"{mutant.rule}: {', '.join(killers) or 'SURVIVED'}")
        assert mutant.killed_by in killers
    else:
        assert project.failed(changed, [mutant.killed_by]) == [mutant.killed_by]
