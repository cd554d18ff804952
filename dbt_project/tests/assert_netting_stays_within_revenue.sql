{{ config(meta={'dagster': {'ref': {'name': 'ai_revenue_series_versions'}}}) }}
-- Netting never takes out more than there is, and the centre lies in its range.
select company, calendar_quarter, ai_revenue_basis, known_from, gross_usd, overlap_usd, low_usd, central_usd, high_usd
from {{ ref('ai_revenue_series_versions') }}
where
    overlap_share < 0 or overlap_share > 1
    or overlap_usd < 0 or overlap_usd > gross_usd
    or low_usd < 0 or low_usd > central_usd or central_usd > high_usd
