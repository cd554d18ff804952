-- Microsoft reports three-month and year-to-date columns: the difference must be the quarter it reports.
with candidates as (
    select * from {{ ref('int_quarter_candidates') }}
    where ticker = 'MSFT' and metric = 'capex_cash_gross' and source_kind = 'xbrl' and known_to is null
)

select
    reported.calendar_quarter,
    reported.value_usd as reported_usd,
    derived.value_usd as derived_usd
from candidates as reported
inner join candidates as derived on reported.calendar_quarter = derived.calendar_quarter
where reported.value_kind = 'reported' and derived.value_kind = 'derived' and reported.value_usd <> derived.value_usd
