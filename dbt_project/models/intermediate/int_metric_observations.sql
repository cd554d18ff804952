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

a_quarter as (
    select * from {{ ref('stg_rules__spans') }}
    where span = 'quarter'
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
        -- A figure that no company can state has no value here, and is set aside (int_observation_screens).
        case when abs(facts.value) < 1000000000000000 then cast(facts.value as bigint) end as value_usd,
        facts.known_from,
        facts.known_at,
        facts.report_date,
        facts.form,
        cast(null as date) as withdrawn_on,
        facts.accession,
        'reported' as value_kind,
        'as reported' as formula,
        {{ array_of('facts.fact_id') }} as fact_ids
    from facts
    inner join concepts on {{ is_line('facts', 'concepts') }}
),

-- A basis that a company defines as a sum or difference of two lines of one cash-flow statement.
formulas as (
    select
        'AMZN' as ticker, 'capex_cash_net_of_proceeds' as metric, 'capex_cash_gross' as base_metric, -1 as sign,
        'ppe_sale_proceeds' as other_metric, 'purchases of property and equipment - proceeds' as formula
    union all
    select
        'META', 'capex_cash_net_of_proceeds', 'capex_cash_gross', -1, 'ppe_sale_proceeds',
        'purchases of property and equipment - proceeds'
    union all
    select
        'META', 'capex_including_finance_leases', 'capex_cash_net_of_proceeds', 1, 'finance_lease_principal_payments',
        'purchases of property and equipment, net + principal payments on finance leases'
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
        cast(null as string) as known_at,
        cast(null as date) as report_date,
        cast(null as string) as form,
        figures.withdrawn_on,
        figures.fact_id as accession,
        'reported' as value_kind,
        'as reported' as formula,
        {{ array_of('figures.fact_id') }} as fact_ids,
        figures.accession as decided_as
    from figures
    inner join companies on figures.ticker = companies.ticker
    where
        figures.metric in (select concepts.metric from concepts)
        or figures.metric in (select formulas.metric from formulas)
),

net_of_proceeds as (
    {{ combine_lines('from_filings', "formulas.metric = 'capex_cash_net_of_proceeds'") }}
),

net_or_stated as (
    select * from from_filings
    union all
    select * from net_of_proceeds
),

including_leases as (
    {{ combine_lines('net_or_stated', "formulas.metric = 'capex_including_finance_leases'") }}
),

stated as (
    select * from net_or_stated
    union all
    select * from including_leases
),

-- A filing that states a half year and its second quarter says what the first was: that is how a company recasts it.
first_quarters as (
    select
        half.cik,
        half.metric,
        half.concept,
        half.line,
        half.priority,
        half.source_kind,
        'quarter' as span,
        half.period_start,
        {{ add_days('second.period_start', -1) }} as period_end,
        half.value_usd - second.value_usd as value_usd,
        half.known_from,
        half.known_at,
        half.report_date,
        half.form,
        half.withdrawn_on,
        half.accession,
        'derived' as value_kind,
        'half year - second quarter of the same filing' as formula,
        {{ array_union_sorted('half.fact_ids', 'second.fact_ids') }} as fact_ids
    from stated as half
    inner join stated as second
        on
            half.cik = second.cik
            and half.metric = second.metric
            and half.concept = second.concept
            and half.accession = second.accession
            and half.period_end = second.period_end
    inner join a_quarter
        on
            {{ days_between('half.period_start', 'second.period_start') }}
            between a_quarter.shortest_days and a_quarter.longest_days
    where half.span = 'half' and second.span = 'quarter'
),

unioned as (
    select
        *,
        accession as decided_as,
        false as is_implied
    from stated
    union all
    select
        *,
        false as is_implied
    from curated
    union all
    select
        *,
        accession as decided_as,
        true as is_implied
    from first_quarters
),

final as (
    select
        concat(metric, '|', cast(fact_ids as string)) as observation_id,
        *
    from unioned
)

select * from final
