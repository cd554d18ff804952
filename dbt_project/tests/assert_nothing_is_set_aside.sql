{{ config(severity='warn') }}
-- No statement of a filing is set aside without a decision: each row names company, metric, quarter, accession and what is
-- wrong. The rest is published; aigap review lists them, and accept or reject decides.
select target, company, metric, calendar_quarter, accession, stated, reason
from {{ ref('review') }}
where state = 'set_aside' and kind in ('statement', 'difference') and calendar_quarter >= '2018Q1'
