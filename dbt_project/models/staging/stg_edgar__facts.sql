{#- Which forms are read and how long a quarter lasts are rules of ingest (raw.forms, raw.spans): nothing that was loaded is
    left out here (assert_every_loaded_fact_is_read). -#}
with source as (
    select * from {{ source('raw', 'xbrl_facts') }}
),

forms as (
    select form from {{ source('raw', 'forms') }}
),

spans as (
    select * from {{ source('raw', 'spans') }}
),

filings as (
    select cik, accession, known_from, known_at, report_date from {{ source('raw', 'filings') }}
),

-- A filing that no submissions list at hand names is known from the day it was filed.
dated as (
    select
        source.*,
        filings.known_at,
        filings.report_date,
        coalesce(filings.known_from, source.filed_on) as known_from
    from source
    left join filings on source.cik = filings.cik and source.accession = filings.accession
),

eligible as (
    select
        dated.*,
        {{ days_between('dated.period_start', 'dated.period_end') }} + 1 as span_days
    from dated
    inner join forms on dated.form = forms.form
    where
        dated.period_end <= dated.filed_on
        and (dated.period_start is null or dated.period_start <= dated.period_end)
),

final as (
    select
        eligible.fact_id,
        eligible.cik,
        eligible.accession,
        eligible.form,
        eligible.filed_on,
        eligible.known_from,
        eligible.known_at,
        eligible.report_date,
        eligible.concept,
        eligible.dimensions,
        eligible.unit,
        eligible.period_start,
        eligible.period_end,
        eligible.span_days,
        case when eligible.period_start is null then 'instant' else coalesce(spans.span, 'odd') end as span,
        eligible.value,
        eligible.decimals,
        eligible.source_kind,
        eligible.source_url,
        eligible.sha256
    from eligible
    left join spans on eligible.span_days between spans.shortest_days and spans.longest_days
)

select * from final
