-- Which statement is the run rate of a quarter, and where can I open it?
-- Every addend: leave the last condition out. A footnote of it all: aigap cite 2025Q2
select
    explained.calendar_quarter,
    explained.signed_usd,
    explained.formula,
    explained.company,
    explained.value as stated_usd,
    explained.period_start,
    explained.period_end,
    explained.source_title,
    explained.accession,
    explained.filed_on,
    explained.source_url
from explain_gap('2025Q2') as explained
where explained.scenario = 'measured' and explained.component = 'nvidia_data_center_run_rate';
