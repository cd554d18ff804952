-- A press figure that disagrees with the filing beyond its own rounding is a fault of one of them: look, do not average.
select ticker, metric, calendar_quarter, filing_usd, press_usd, difference_usd, tolerance_usd
from {{ ref('reconciliation') }}
where abs(difference_usd) > tolerance_usd
