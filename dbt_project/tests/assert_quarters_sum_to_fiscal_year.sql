{{ config(meta={'dagster': {'ref': {'name': 'int_metric_quarters'}}}) }}
-- Where a filing states a fiscal year and the four quarters in it are known from filings, they sum to it to the dollar.
with years as (
    select * from {{ ref('int_observation_versions') }}
    where span = 'year' and known_to is null and source_kind = 'xbrl'
),

quarters as (
    select * from {{ ref('int_metric_quarters') }}
    where known_to is null and source_kind = 'xbrl'
),

summed as (
    select
        years.cik,
        years.metric,
        years.concept,
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
            and years.concept = quarters.concept
            and quarters.period_start >= years.period_start
            and quarters.period_end <= years.period_end
    group by years.cik, years.metric, years.concept, years.period_start, years.period_end, years.value_usd
)

select * from summed
where quarters_known = 4 and quarters_usd <> year_usd
