{{ config(severity='warn') }}
-- Microsoft reports three-month and year-to-date columns: of one filing, the difference must be the quarter it reports.
with candidates as (
    select * from {{ ref('int_quarter_candidates') }}
    where ticker = 'MSFT' and metric = 'capex_cash_gross' and source_kind = 'xbrl' and is_used
)

select
    reported.accession,
    reported.calendar_quarter,
    reported.value_usd as reported_usd,
    derived.value_usd as derived_usd
from candidates as reported
inner join candidates as derived
    on reported.calendar_quarter = derived.calendar_quarter and reported.accession = derived.accession
where reported.value_kind = 'reported' and derived.value_kind = 'derived' and reported.value_usd <> derived.value_usd
