{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'stg_edgar__facts'}}}) }}
-- The midpoint rule gives the calendar quarter that the SEC's own frames give, in every framed quarter.
select raw_facts.fact_id, facts.period_start, facts.period_end, raw_facts.frame
from {{ source('raw', 'xbrl_facts') }} as raw_facts
inner join {{ ref('stg_edgar__facts') }} as facts on raw_facts.fact_id = facts.fact_id
where
    raw_facts.frame like 'CY____Q_'
    and facts.span = 'quarter'
    and substr(raw_facts.frame, 3, 6) <> {{ calendar_quarter_of(period_midpoint('facts.period_start', 'facts.period_end')) }}
