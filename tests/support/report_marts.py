"""A published file with hand-made marts, for the page: few rows, hand-checked sums, and sources that mean harm.

Belongs here: the smallest marts that every chart of the page can draw. Does not belong here: assertions.
NVIDIA's data-center revenue: 2025Q3 51,215 M (x 4 = 204,860 M; required at 0.5 and 0.5: 819,440 M), 2026Q2 89,023 M
(x 4 = 356,092 M; required 1,424,368 M).
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml

_MARTS = Path(__file__).resolve().parents[2] / "dbt_project/models/marts"
#: Would run, if any of it became markup or an address.
HOSTILE = '</script><img src=x onerror="window.hacked=1"><!--<script>{{data}}'
FORMULA = '=HYPERLINK("http://evil.example")'
ACCESSION = "0001045810-25-000230"
FILING = "https://www.sec.gov/Archives/edgar/data/1045810/000104581025000230/nvda-20251026.htm"

_SQL = f"""
create schema marts;
create table marts.ai_revenue_gap_versions as
with revenue(calendar_quarter, run_rate_usd, ai_revenue_usd, known_from, fact) as (values
    ('2025Q1', 156448000000, null, date '2025-05-28', 'x3'), ('2025Q2', 164384000000, null, date '2025-08-27', 'x3'),
    ('2025Q3', 204860000000, 30000000000, date '2025-11-19', 'x1'),
    ('2026Q2', 356092000000, 110000000000, date '2026-08-26', 'x2')
),
scenarios(scenario, gpu_share_of_tco, end_user_gross_margin) as (
    values ('measured', 0.5, 0.5), ('low', 0.55, 0.33), ('high', 0.39, 0.65), ('cahn_method', 0.5, 0.5)
),
chain as (
    select *, (run_rate_usd / gpu_share_of_tco)::bigint as data_center_spend_usd
    from revenue cross join scenarios
)
select calendar_quarter, scenario, 'actual_run_rate' as run_rate_basis,
    if(scenario = 'cahn_method', 'assumed', 'measured_run_rate') as ai_revenue_basis,
    scenario != 'cahn_method' as is_like_for_like, run_rate_usd, gpu_share_of_tco::decimal(9, 6) as gpu_share_of_tco,
    data_center_spend_usd, end_user_gross_margin::decimal(9, 6) as end_user_gross_margin,
    (data_center_spend_usd / (1 - end_user_gross_margin))::bigint as required_revenue_usd,
    if(scenario = 'cahn_method', 70000000000, ai_revenue_usd)::bigint as ai_revenue_usd,
    null::bigint as gap_usd, null::decimal(18, 6) as coverage_share,
    if(scenario = 'cahn_method' or ai_revenue_usd is null, null, 2)::bigint as companies_counted,
    null::bigint as max_staleness_days, known_from, null::date as known_to, ['s1', fact, 'c1'] as fact_ids
from chain;
insert into marts.ai_revenue_gap_versions
    select * replace ('2025Q4' as calendar_quarter, 'cahn_2024' as scenario, 'forecast_run_rate' as run_rate_basis,
        600000000000 as required_revenue_usd, 100000000000 as ai_revenue_usd, date '2024-06-20' as known_from,
        ['s1'] as fact_ids)
    from marts.ai_revenue_gap_versions where scenario = 'cahn_method' and calendar_quarter = '2025Q3';
-- 2025Q3 was first thought to have earned 20 billion.
update marts.ai_revenue_gap_versions set known_from = '2026-01-19'
    where scenario = 'measured' and calendar_quarter = '2025Q3';
insert into marts.ai_revenue_gap_versions
    select * replace (20000000000 as ai_revenue_usd, date '2025-11-19' as known_from, known_from as known_to)
    from marts.ai_revenue_gap_versions where scenario = 'measured' and calendar_quarter = '2025Q3';
update marts.ai_revenue_gap_versions set gap_usd = required_revenue_usd - ai_revenue_usd,
    coverage_share = (ai_revenue_usd::decimal(38, 6) / required_revenue_usd)::decimal(18, 6);
create table marts.ai_revenue_gap as
    select * exclude (known_to) from marts.ai_revenue_gap_versions where known_to is null;
comment on column marts.ai_revenue_gap.gap_usd is 'required_revenue_usd - ai_revenue_usd, whole "USD".';

create table marts.ai_revenue_gap_components as
select calendar_quarter, scenario, 1 as component_order, 'nvidia_data_center_run_rate' as component,
    run_rate_usd as signed_usd, 'reported' as value_kind, '4 x the quarter' as formula,
    [coalesce(fact_ids[2], 's1')] as fact_ids
from marts.ai_revenue_gap
union all
select calendar_quarter, scenario, 2, 'rest_of_data_center', data_center_spend_usd - run_rate_usd, 'assumed',
    'run rate / share - run rate', ['s1'] from marts.ai_revenue_gap
union all
select calendar_quarter, scenario, 3, 'end_user_gross_margin', required_revenue_usd - data_center_spend_usd, 'assumed',
    'spend / (1 - margin) - spend', ['s1'] from marts.ai_revenue_gap
union all
select calendar_quarter, scenario, 4, if(scenario like 'cahn%', 'ai_revenue:assumed', 'ai_revenue:<i>Evil & Co'),
    -ai_revenue_usd, 'estimated', 'stated', ['c1'] from marts.ai_revenue_gap where ai_revenue_usd is not null;

create table marts.citations (
    fact_id varchar primary key, company varchar, metric varchar, value decimal(38, 10), unit varchar,
    accession varchar, form varchar, concept varchar, dimensions varchar, period_start date, period_end date,
    filed_on date, source_kind varchar, source_title varchar, source_url varchar, sha256 varchar, confidence varchar
);
insert into marts.citations values
    ('x1', 'NVIDIA', 'data_center_revenue', 51215000000, 'USD', '{ACCESSION}', '10-Q', 'us-gaap:Revenues', '',
     '2025-07-28', '2025-10-26', '2025-11-19', 'xbrl', 'NVIDIA 10-Q filed 2025-11-19', '{FILING}', null, 'high'),
    ('x2', 'NVIDIA', 'data_center_revenue', 89023000000, 'USD', '0001045810-26-000081', '10-Q', 'us-gaap:Revenues', '',
     '2026-04-27', '2026-07-26', '2026-08-26', 'xbrl', 'NVIDIA 10-Q', 'https://www.sec.gov/x2', null, 'high'),
    ('x3', 'NVIDIA', 'data_center_revenue', 41096000000, 'USD', '0001045810-25-000209', '10-Q', 'us-gaap:Revenues', '',
     '2025-04-28', '2025-07-27', '2025-08-27', 'xbrl', 'NVIDIA 10-Q', 'https://www.sec.gov/x3', null, 'high'),
    ('s1', 'scenario measured', 'gpu_share_of_tco', 0.5, null, null, null, null, '', null, null, '2023-09-20',
     'assumption', '{FORMULA}', 'https://example.org/s', null, 'high'),
    ('c1', '<i>Evil & Co', 'annualized_run_rate', 110000000000, 'USD', null, null, null, '', null, '2026-06-30',
     '2026-07-15', 'press_report', '{HOSTILE}', 'javascript:window.hacked=1', null, 'medium');

create table marts.ai_revenue_benchmarks as
select '2026Q2' as calendar_quarter, 'A' as benchmark, 'measured_run_rate' as ai_revenue_basis,
    63000000000 as benchmark_usd, date '2026-05-17' as known_from
union all select '2026Q2', 'B', 'measured_run_rate', 175000000000, date '2026-06-25';

create table marts.ai_revenue_totals as
select '2026Q2' as calendar_quarter, 'measured_run_rate' as ai_revenue_basis, 95000000000 as low_usd,
    110000000000 as central_usd, 130000000000 as high_usd, 300000000 as stale_usd, ['c1'] as fact_ids;
create table marts.ai_revenue_bridge as
select '2026Q2' as calendar_quarter, 'measured_run_rate' as ai_revenue_basis, '<i>Evil & Co' as company,
    40000000000 as before_usd, 60000000000 as growth_usd, 0 as catch_up_usd, 10000000000 as entrant_usd, 0 as exit_usd,
    0 as netting_usd, 110000000000 as after_usd;

create table marts.ai_revenue_series as
select company, calendar_quarter, 'measured_run_rate' as ai_revenue_basis, layer,
    'annualized_run_rate' as observed_metric, date '2026-06-30' as speaks_on, overlap_usd,
    'amount paid' as overlap_method, counted_usd as central_usd, staleness_days, staleness_days > 0 as is_carried,
    'press_report' as source_kind, 'medium' as confidence, date '2026-07-15' as known_from, ['c1'] as fact_ids
from (values ('<i>Evil & Co', '2026Q2', 'model', 80000000000, 0, 0),
        ('Cloud', '2026Q2', 'cloud_infrastructure', 29700000000, 40000000000, 0),
        ('App', '2026Q2', 'application', 300000000, 100000000, 120), ('App', '2025Q3', 'application', 30000000000, 0, 0)
    ) as t(company, calendar_quarter, layer, counted_usd, overlap_usd, staleness_days);

create table marts.hyperscaler_capex as
select ticker, calendar_quarter, 'FY' as fiscal_quarter, date '2026-04-01' as period_start,
    date '2026-06-30' as period_end,
    capex_basis, capex_usd, 'reported' as value_kind, 'xbrl' as source_kind, 'as reported' as formula,
    date '2026-07-29' as known_from, ['x2'] as fact_ids
from (values ('MSFT', '2026Q2', 'cash_gross', 35000000000), ('AMZN', '2026Q2', 'cash_gross', 54000000000),
        ('MSFT', '2026Q1', 'cash_gross', 31000000000), ('MSFT', '2026Q2', 'including_finance_leases', 40000000000)
    ) as t(ticker, calendar_quarter, capex_basis, capex_usd);

create table marts.microsoft_share_of_nvidia as
select '2026Q2' as calendar_quarter, 0.145::decimal(18, 6) as low_share, 0.19::decimal(18, 6) as central_share,
    0.234::decimal(18, 6) as high_share, 'all points' as method, 'estimated' as value_kind, 546 as staleness_days,
    date '2026-08-26' as known_from, ['x2'] as fact_ids;
create table marts.microsoft_share_estimates as
select '2026Q2' as calendar_quarter, method, estimator, if(method like 'capex%', 'bound', 'point') as kind,
    null::decimal(18, 6) as low_share, share::decimal(18, 6) as share, null::decimal(18, 6) as high_share,
    'estimated' as value_kind,
    date '2026-08-26' as known_from, 0 as staleness_days, ['x2'] as fact_ids
from (values ('capex_floor', 'capex x 0.39', 0.145), ('capex_ceiling', 'capex x 0.55', 0.234),
    ('third_party_carried_forward', 'UBS', 0.19), ('nvidia_disclosure_quarter', 'NVIDIA', null)
    ) as t(method, estimator, share);

create table marts.coverage as
select * from (values ('NVIDIA', 'data_center_revenue', '2026Q2', true, null),
    ('<i>Evil & Co', 'ai_revenue', '2025Q3', false, 'not stated, <b>ever</b>')
    ) as t(company, metric, calendar_quarter, is_present, reason_missing);
"""


def _add_the_others(connection: duckdb.DuckDBPyConnection) -> None:
    """Every mart that has no rows here, empty and with the columns that its yml promises."""
    has = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    for path in sorted(_MARTS.glob("*.yml")):
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", []):
            if model["name"] not in has:
                columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
                connection.execute(f"create table marts.{model['name']} ({columns})")


def write_marts(path: Path, *, empty: bool = False) -> Path:
    """A DuckDB file with these marts; with `empty`, the tables without a row."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(_SQL)
        _add_the_others(connection)
        if empty:
            tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
            for (table,) in tables:
                connection.execute(f"delete from marts.{table}")
    return path
