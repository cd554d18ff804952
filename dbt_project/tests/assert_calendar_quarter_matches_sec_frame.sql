{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'stg_edgar__facts'}}}) }}
-- The midpoint rule gives the calendar quarter that the SEC's own frames give, in every framed quarter.
select fact_id, period_start, period_end, frame
from {{ source('raw', 'xbrl_facts') }}
where
    frame like 'CY____Q_'
    and period_start is not null
    and {{ days_between('period_start', 'period_end') }} + 1 between 80 and 100
    and substr(frame, 3, 6) <> {{ calendar_quarter_of(period_midpoint('period_start', 'period_end')) }}
