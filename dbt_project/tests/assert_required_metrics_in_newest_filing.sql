{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_metric_observations'}}}) }}
-- A required metric that the newest whole report (10-Q, 10-K) of its company no longer states: the tag drifted, or a member
-- was renamed. Find its new name in the filing, add it to ingest/companies.toml with its first date, and refresh again. Company
-- facts carry no dimensional facts, so a filing known only from there answers for undimensioned metrics alone.
with facts as (
    select facts.*
    from {{ ref('stg_edgar__facts') }} as facts
    inner join {{ ref('stg_rules__forms') }} as forms on facts.form = forms.form
    where forms.is_whole_report
),

newest as (
    select
        cik,
        accession,
        max(case when source_kind = 'companyfacts' then 0 else 1 end) as has_document,
        row_number() over (partition by cik order by max(filed_on) desc, max(period_end) desc, accession desc) as place
    from facts
    group by cik, accession
),

required as (
    select cik, metric, max(case when dimensions = '' then 0 else 1 end) as is_dimensional
    from {{ ref('stg_watch_list__metric_concepts') }}
    where is_required
    group by cik, metric
)

select newest.cik, newest.accession, required.metric
from newest
inner join required on newest.cik = required.cik
left join {{ ref('int_metric_observations') }} as observations
    on newest.cik = observations.cik and newest.accession = observations.accession and required.metric = observations.metric
where
    newest.place = 1
    and (newest.has_document = 1 or required.is_dimensional = 0)
    and observations.accession is null
