{{ config(meta={'dagster': {'ref': {'name': 'stg_edgar__facts'}}}) }}
-- Which facts count is decided on the way in, by ingest/rules.py, and said there: none that was loaded is left out unseen.
select loaded.fact_id, loaded.accession, loaded.form, loaded.concept, loaded.period_start, loaded.period_end, loaded.filed_on
from {{ source('raw', 'xbrl_facts') }} as loaded
left join {{ ref('stg_edgar__facts') }} as facts on loaded.fact_id = facts.fact_id
where facts.fact_id is null
