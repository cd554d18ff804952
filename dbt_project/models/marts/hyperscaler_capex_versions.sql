with quarters as (
    select * from {{ ref('int_metric_quarters') }}
    where metric in ('capex_cash_gross', 'capex_cash_net_of_proceeds', 'capex_including_finance_leases')
),

companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

final as (
    select
        quarters.ticker,
        quarters.calendar_quarter,
        quarters.fiscal_quarter,
        quarters.period_start,
        quarters.period_end,
        case quarters.metric
            when 'capex_cash_gross' then 'cash_gross'
            when 'capex_cash_net_of_proceeds' then 'cash_net_of_proceeds'
            else 'including_finance_leases'
        end as capex_basis,
        quarters.value_usd as capex_usd,
        quarters.value_kind,
        quarters.source_kind,
        quarters.formula,
        companies.role as company_role,
        quarters.first_known_on,
        quarters.known_from,
        quarters.known_to,
        quarters.fact_ids
    from quarters
    inner join companies on quarters.cik = companies.cik
    where quarters.period_end >= cast('2018-01-01' as date)
)

select * from final
