{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_metric_quarters'}}}) }}
-- On the day a filing stated a fiscal year, its four quarters, as then known from filings, summed to it within their rounding.
-- A year that
-- is recast alone leaves the quarters as they are, so years are compared as first stated (published range: from 2017 on).
with years as (
    select * from {{ ref('int_observation_versions') }}
    where
        span = 'year' and source_kind = 'xbrl' and previous_from is null and period_start >= cast('2017-01-01' as date)
),

quarters as (
    select * from {{ ref('int_metric_quarters') }}
    where source_kind = 'xbrl'
),

summed as (
    select
        years.cik,
        years.metric,
        years.accession,
        years.period_start,
        years.period_end,
        years.value_usd as year_usd,
        count(*) as quarters_known,
        sum(quarters.value_usd) as quarters_usd
    from years
    inner join quarters
        on
            years.cik = quarters.cik
            and years.metric = quarters.metric
            and quarters.period_start >= years.period_start
            and quarters.period_end <= years.period_end
            and years.known_from >= quarters.known_from
            and (quarters.known_to is null or years.known_from < quarters.known_to)
    group by years.cik, years.metric, years.accession, years.period_start, years.period_end, years.value_usd
)

select * from summed
where quarters_known = 4 and abs(quarters_usd - year_usd) > 2000000
