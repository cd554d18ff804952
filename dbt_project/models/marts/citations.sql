{#- Every statement that any mart may lean on: one row a fact id, with the document a reader can open. -#}
with companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

facts as (
    select * from {{ ref('stg_edgar__facts') }}
),

concepts as (
    select distinct cik, concept, dimensions, metric, filed_from, filed_to
    from {{ ref('stg_watch_list__metric_concepts') }}
),

figures as (
    select * from {{ ref('stg_curated__figures') }}
),

parameters as (
    select * from {{ ref('stg_curated__scenario_parameters') }}
),

edges as (
    select * from {{ ref('stg_curated__ai_revenue_edges') }}
),

concentration as (
    select fact_id from {{ ref('int_customer_shares') }}
    where source_kind = 'xbrl'
),

watched as (
    select
        facts.*,
        coalesce(concepts.metric, 'customer_share') as metric
    from facts
    left join concepts
        on
            facts.cik = concepts.cik
            and facts.concept = concepts.concept
            and facts.dimensions = concepts.dimensions
            and facts.filed_on between concepts.filed_from and concepts.filed_to
    where concepts.metric is not null or facts.fact_id in (select concentration.fact_id from concentration)
),

from_filings as (
    select
        watched.fact_id,
        companies.company,
        watched.metric,
        watched.value,
        watched.unit,
        watched.accession,
        watched.form,
        watched.concept,
        watched.dimensions,
        watched.period_start,
        watched.period_end,
        watched.filed_on,
        watched.known_from,
        'xbrl' as source_kind,
        concat(companies.company, ' ', watched.form, ' filed ', cast(watched.filed_on as string)) as source_title,
        -- Company facts name no document: the filing's own folder is what a reader can open.
        case
            when watched.source_kind = 'companyfacts'
                then concat(
                    'https://www.sec.gov/Archives/edgar/data/', cast(cast(watched.cik as integer) as string), '/',
                    replace(watched.accession, '-', ''), '/'
                )
            else watched.source_url
        end as source_url,
        watched.accession as source_accession,
        watched.source_url as payload_url,
        watched.sha256,
        'high' as confidence
    from watched
    inner join companies on watched.cik = companies.cik
),

from_figures as (
    select
        fact_id,
        company,
        metric,
        value,
        unit,
        cast(null as string) as accession,
        cast(null as string) as form,
        cast(null as string) as concept,
        series as dimensions,
        period_start,
        period_end,
        known_on as filed_on,
        known_on as known_from,
        source_kind,
        source_title,
        source_url,
        accession as source_accession,
        source_url as payload_url,
        cast(null as string) as sha256,
        confidence
    from figures
    where is_citable
),

from_parameters as (
    select
        fact_id,
        concat('scenario ', scenario) as company,
        parameter as metric,
        value,
        cast(null as string) as unit,
        cast(null as string) as accession,
        cast(null as string) as form,
        cast(null as string) as concept,
        coalesce(text_value, '') as dimensions,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        known_on as filed_on,
        known_on as known_from,
        'assumption' as source_kind,
        source_title,
        source_url,
        cast(null as string) as source_accession,
        source_url as payload_url,
        cast(null as string) as sha256,
        'high' as confidence
    from parameters
),

from_edges as (
    select
        fact_id,
        concat(payer, ' to ', payee) as company,
        'ai_revenue_payment' as metric,
        coalesce(cast(amount_usd as decimal(38, 10)), cast(share as decimal(38, 10))) as value,
        case when amount_usd is null then 'share' else 'USD' end as unit,
        cast(null as string) as accession,
        cast(null as string) as form,
        cast(null as string) as concept,
        coalesce(share_of, '') as dimensions,
        period_start,
        period_end,
        known_on as filed_on,
        known_on as known_from,
        source_kind,
        source_title,
        source_url,
        accession as source_accession,
        source_url as payload_url,
        cast(null as string) as sha256,
        confidence
    from edges
    where is_citable
),

final as (
    select * from from_filings
    union all
    select * from from_figures
    union all
    select * from from_edges
    union all
    select * from from_parameters
)

select * from final
order by fact_id
