-- Who along the supply chain of AI spends how much on plant and equipment, by year and industry (SIC)?
-- An industry is all its filers, whatever they sell; one that no data set at hand names has no SIC and is left out.
-- A filer that states no quarters (20-F) has none here. `filers` says how many stand behind a number.
with chain (sic, link) as (
    values
    ('3559', '1 chip-making machines'), ('3674', '2 semiconductors'), ('3571', '3 computers'), ('3572', '3 computers'),
    ('3576', '3 computers'), ('3612', '4 power equipment'), ('3613', '4 power equipment'), ('4911', '5 electricity'),
    ('6798', '6 real estate trusts'), ('7370', '7 software and clouds'), ('7371', '7 software and clouds'),
    ('7372', '7 software and clouds'), ('7374', '7 software and clouds'), ('5961', '8 online shops, Amazon too')
)

select
    chain.link,
    left(filer_capex.calendar_quarter, 4) as calendar_year,
    count(distinct filer_capex.cik) as filers,
    sum(filer_capex.capex_usd) as capex_usd
from filer_capex
inner join filers on filer_capex.cik = filers.cik
inner join chain on filers.sic = chain.sic
where filer_capex.calendar_quarter between '2022Q1' and '2025Q4'
group by all
order by chain.link, calendar_year;
