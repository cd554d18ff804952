-- What could an honest reader have computed on the day of Cahn's second essay, and what do we say of the same quarters
-- now? Change the date: any past day works.
select
    calendar_quarter,
    past.scenario,
    past.required_revenue_usd as required_then_usd,
    present.required_revenue_usd as required_now_usd,
    past.ai_revenue_usd as ai_revenue_then_usd,
    present.ai_revenue_usd as ai_revenue_now_usd,
    past.known_from as known_then,
    present.known_from as known_now
from gap_as_of(date '2024-06-20') as past
inner join marts.ai_revenue_gap as present using (calendar_quarter, scenario)
where past.scenario in ('cahn_2024', 'measured')
order by calendar_quarter desc, past.scenario
limit 5;
