{#- Forms that state results: periodic reports, their amendments, and 8-K recasts (a later vintage). Proxy statements and
    prospectuses restate selected numbers, some off by 1,000: never read. -#}
with source as (
    select * from {{ source('raw', 'xbrl_facts') }}
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
    select *
    from dated
    where
        form in (
            '10-K', '10-K/A', '10-KT', '10-KT/A', '10-Q', '10-Q/A', '20-F', '20-F/A', '40-F', '40-F/A', '6-K', '8-K', '8-K/A'
        )
        and period_end <= filed_on
        and (period_start is null or period_start <= period_end)
),

spanned as (
    select
        *,
        {{ days_between('period_start', 'period_end') }} + 1 as span_days
    from eligible
),

final as (
    select
        fact_id,
        cik,
        accession,
        form,
        filed_on,
        known_from,
        known_at,
        report_date,
        concept,
        dimensions,
        unit,
        period_start,
        period_end,
        span_days,
        case
            when period_start is null then 'instant'
            when span_days between 80 and 100 then 'quarter'
            when span_days between 165 and 200 then 'half'
            when span_days between 255 and 290 then 'nine_months'
            when span_days between 350 and 380 then 'year'
            else 'odd'
        end as span,
        value,
        decimals,
        source_kind,
        source_url,
        sha256
    from spanned
)

select * from final
