{#- Every statement of a watched metric: XBRL facts picked by exact concept and dimension set, and curated figures of the
    same metric beside them. One row a statement. -#}
with companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

concepts as (
    select * from {{ ref('stg_watch_list__metric_concepts') }}
),

facts as (
    select * from {{ ref('stg_edgar__facts') }}
    where unit = 'USD' and span in ('quarter', 'half', 'nine_months', 'year')
),

figures as (
    select * from {{ ref('stg_curated__figures') }}
    where unit = 'USD' and is_headline_grade and value is not null and period_type in ('quarter', 'half', 'year')
),

from_filings as (
    select
        facts.cik,
        concepts.metric,
        facts.concept,
        concepts.same_as as line,
        concepts.priority,
        'xbrl' as source_kind,
        facts.span,
        facts.period_start,
        facts.period_end,
        cast(facts.value as bigint) as value_usd,
        facts.filed_on as known_from,
        facts.accession,
        'reported' as value_kind,
        'as reported' as formula,
        {{ array_of('facts.fact_id') }} as fact_ids
    from facts
    inner join concepts
        on
            facts.cik = concepts.cik
            and facts.concept = concepts.concept
            and facts.dimensions = concepts.dimensions
            and facts.period_end between concepts.valid_from and concepts.valid_to
),

curated as (
    select
        companies.cik,
        figures.metric,
        'curated' as concept,
        'curated' as line,
        90 as priority,
        'press_release' as source_kind,
        figures.period_type as span,
        figures.period_start,
        figures.period_end,
        cast(figures.value as bigint) as value_usd,
        figures.known_on as known_from,
        figures.fact_id as accession,
        'reported' as value_kind,
        'as reported' as formula,
        {{ array_of('figures.fact_id') }} as fact_ids
    from figures
    inner join companies on figures.ticker = companies.ticker
    where figures.metric in (
        'total_revenue', 'data_center_revenue', 'compute_revenue', 'networking_revenue', 'hyperscale_revenue',
        'ai_clouds_industrial_enterprise_revenue', 'capex_cash_gross', 'capex_cash_net_of_proceeds',
        'capex_including_finance_leases'
    )
),

-- A basis that a company defines as a sum or difference of two lines of one cash-flow statement.
formulas as (
    select 'META' as ticker, 'capex_including_finance_leases' as metric, 'capex_cash_net_of_proceeds' as base_metric, 1 as sign,
        'finance_lease_principal_payments' as other_metric, 'purchases of property and equipment, net + principal payments on finance leases' as formula
    union all
    select 'AMZN', 'capex_cash_net_of_proceeds', 'capex_cash_gross', -1,
        'ppe_sale_proceeds', 'purchases of property and equipment - proceeds from sales and incentives'
),

combined as (
    select
        base.cik,
        formulas.metric,
        base.concept,
        base.line,
        base.priority,
        base.source_kind,
        base.span,
        base.period_start,
        base.period_end,
        base.value_usd + formulas.sign * other.value_usd as value_usd,
        base.known_from,
        base.accession,
        'derived' as value_kind,
        formulas.formula,
        {{ array_union_sorted('base.fact_ids', 'other.fact_ids') }} as fact_ids
    from formulas
    inner join companies on formulas.ticker = companies.ticker
    inner join from_filings as base on companies.cik = base.cik and formulas.base_metric = base.metric
    inner join from_filings as other
        on
            base.cik = other.cik
            and formulas.other_metric = other.metric
            and base.accession = other.accession
            and base.period_start = other.period_start
            and base.period_end = other.period_end
),

final as (
    select * from from_filings
    union all
    select * from combined
    union all
    select * from curated
)

select * from final
