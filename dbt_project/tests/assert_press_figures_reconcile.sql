{{ config(severity='warn') }}
-- A press figure that disagrees with the filing of its own time beyond its rounding: the filing is published, one of the two is
-- wrong. Look at both; correct the figure (corrections.csv), or reject the filing (aigap review).
select ticker, metric, calendar_quarter, filing_usd, press_usd, difference_usd, tolerance_usd
from {{ ref('reconciliation') }}
where abs(difference_usd) > tolerance_usd
