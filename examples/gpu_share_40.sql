-- What would the gap be if chips were 40 % of a data center's cost, not half of it?
-- gap_with(gpu_share_of_tco, end_user_gross_margin) computes it from what is published; nothing is rebuilt.
select
    calendar_quarter,
    measured.required_revenue_usd as required_at_50_usd,
    other.required_revenue_usd as required_at_40_usd,
    measured.gap_usd as gap_at_50_usd,
    other.gap_usd as gap_at_40_usd
from gap_with(0.40, 0.50) as other
inner join marts.ai_revenue_gap as measured using (calendar_quarter)
where measured.scenario = 'measured'
order by calendar_quarter desc
limit 4;
