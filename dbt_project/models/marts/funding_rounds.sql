{#- Money that AI labs raised, round by round: equity, debt and the valuation after it, as announced or reported. -#}
with figures as (
    select * from {{ ref('int_usable_figures') }}
    where
        metric in ('round_equity', 'round_debt', 'post_money_valuation')
        and unit = 'USD' and is_citable and not is_own and withdrawn_on is null
),

final as (
    select
        company,
        period_end as closed_on,
        series as round,
        cast(max(case when metric = 'round_equity' then coalesce(value, low_value) end) as bigint) as equity_usd,
        cast(max(case when metric = 'round_debt' then coalesce(value, low_value) end) as bigint) as debt_usd,
        cast(max(case when metric = 'post_money_valuation' then coalesce(value, low_value) end) as bigint)
            as post_money_valuation_usd,
        max(case confidence when 'low' then 'low' when 'medium' then 'medium' else 'high' end) as confidence,
        max(known_on) as known_from,
        {{ agg_array_union(array_of('fact_id')) }} as fact_ids
    from figures
    group by company, period_end, series
)

select * from final
order by company, closed_on, round
