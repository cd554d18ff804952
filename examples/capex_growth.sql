-- Whose capital expenditure grew most: the last four reported quarters against the four before?
-- Bases differ (capex_basis): compare growth, do not add amounts. A company with a hole among the eight quarters is out,
-- and marts.coverage says why there is a hole.
with numbered as (
    select
        ticker,
        capex_basis,
        calendar_quarter,
        capex_usd,
        cast(left(calendar_quarter, 4) as integer) * 4 + cast(right(calendar_quarter, 1) as integer) as quarter_number
    from marts.hyperscaler_capex
    where capex_basis in ('cash_gross', 'cash_net_of_proceeds')
),

newest as (
    select
        *,
        max(quarter_number) over (partition by ticker, capex_basis) - quarter_number as quarters_ago
    from numbered
)

select
    ticker,
    capex_basis,
    max(calendar_quarter) as last_quarter,
    sum(capex_usd) filter (where quarters_ago < 4) as last_four_usd,
    sum(capex_usd) filter (where quarters_ago >= 4) as four_before_usd,
    round(100.0 * last_four_usd / four_before_usd - 100, 1) as growth_percent
from newest
where quarters_ago < 8
group by ticker, capex_basis
having count(*) = 8
order by growth_percent desc, ticker;
