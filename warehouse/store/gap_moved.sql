    -- The gaps that `before` and `after` put differently, and the statements that one rests on and the other does not.
    moved as (
        select
            coalesce(after.calendar_quarter, before.calendar_quarter) as calendar_quarter,
            coalesce(after.scenario, before.scenario) as scenario,
            case
                when before.scenario is null then 'new'
                when after.scenario is null then 'gone'
                else 'moved'
            end as change,
            before.run_rate_usd as run_rate_before_usd,
            after.run_rate_usd as run_rate_after_usd,
            before.ai_revenue_usd as ai_revenue_before_usd,
            after.ai_revenue_usd as ai_revenue_after_usd,
            before.gap_usd as gap_before_usd,
            after.gap_usd as gap_after_usd,
            after.gap_usd - before.gap_usd as gap_change_usd,
            after.known_from,
            list_filter(
                coalesce(after.fact_ids, []), lambda id : not list_contains(coalesce(before.fact_ids, []), id)
            ) as new_fact_ids,
            list_filter(
                coalesce(before.fact_ids, []), lambda id : not list_contains(coalesce(after.fact_ids, []), id)
            ) as dropped_fact_ids
        from after
        full join before on after.calendar_quarter = before.calendar_quarter and after.scenario = before.scenario
        where
            before.scenario is null
            or after.scenario is null
            or before.required_revenue_usd <> after.required_revenue_usd
            or before.ai_revenue_usd is distinct from after.ai_revenue_usd
    ),
