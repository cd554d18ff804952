{{ config(meta={'dagster': {'ref': {'name': 'int_metric_quarters'}}}) }}
-- Where a filing states a fiscal year and the four quarters in it are known from filings, they sum to it to the dollar (years
-- of the published range; before it Alphabet restated 2015 as a year only, and NVIDIA changed from thousands to millions).
with years as (
    select * from {{ ref('int_observation_versions') }}
    where span = 'year' and known_to is null and source_kind = 'xbrl' and period_start >= cast('2017-01-01' as date)
),

quarters as (
    select * from {{ ref('int_metric_quarters') }}
    where known_to is null and source_kind = 'xbrl'
),

summed as (
    select
        years.cik,
        years.metric,
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
    group by years.cik, years.metric, years.period_start, years.period_end, years.value_usd
)

select * from summed
where quarters_known = 4 and quarters_usd <> year_usd
