-- How large is the gap today, and between which bounds?
-- low and high take the ends of the published ranges of both shares; trailing counts twelve months instead of a run rate.
select
    scenario,
    calendar_quarter,
    required_revenue_usd,
    ai_revenue_usd,
    gap_usd,
    round(100 * coverage_share, 1) as covered_percent,
    known_from
from marts.ai_revenue_gap
where
    scenario in ('measured', 'low', 'high', 'trailing')
    and calendar_quarter = (select max(calendar_quarter) from marts.ai_revenue_gap where scenario = 'measured')
order by gap_usd;
