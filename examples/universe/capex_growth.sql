-- Whose capital expenditure grew most, of every filer: the last four quarters against the four before?
-- Filers with a hole among the eight quarters are out, and so are those below 100 million dollars.
with numbered as (
    select
        cik,
        calendar_quarter,
        capex_usd,
        cast(left(calendar_quarter, 4) as integer) * 4 + cast(right(calendar_quarter, 1) as integer) as quarter_number
    from filer_capex
),

newest as (
    select
        *,
        max(quarter_number) over (partition by cik) - quarter_number as quarters_ago
    from numbered
)

select
    filers.name,
    filers.sic,
    max(newest.calendar_quarter) as last_quarter,
    sum(newest.capex_usd) filter (where newest.quarters_ago < 4) as last_four_usd,
    sum(newest.capex_usd) filter (where newest.quarters_ago >= 4) as four_before_usd,
    round(100.0 * last_four_usd / four_before_usd - 100, 1) as growth_percent
from newest
inner join filers on newest.cik = filers.cik
where newest.quarters_ago < 8
group by newest.cik, filers.name, filers.sic
having count(*) = 8 and four_before_usd >= 100000000
order by growth_percent desc, filers.name
limit 20;
