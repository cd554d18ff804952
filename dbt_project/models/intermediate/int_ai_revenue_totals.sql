{#- The end customer's dollar, counted once: the sum over companies of what is left after netting, per quarter and basis. A
    company without a central figure (weak statements only, or less than four quarters on the trailing basis) is listed, not
    added. -#}
with versions as (
    select * from {{ ref('int_ai_revenue_versions') }}
),

days as (
    select distinct calendar_quarter, ai_revenue_basis, known_from from versions
    union
    select calendar_quarter, ai_revenue_basis, known_to from versions
    where known_to is not null
),

as_known as (
    select
        days.calendar_quarter,
        days.ai_revenue_basis,
        days.known_from,
        cast(sum(versions.counted_usd) as bigint) as ai_revenue_usd,
        cast(sum(versions.low_usd) as bigint) as low_usd,
        cast(sum(versions.high_usd) as bigint) as high_usd,
        count(case when versions.counted_usd is not null and not versions.is_superseded then 1 end) as companies_counted,
        count(case when versions.company is not null and versions.counted_usd is null then 1 end) as companies_listed,
        max(case when versions.counted_usd is not null and not versions.is_superseded then versions.staleness_days end)
            as max_staleness_days,
        cast(sum(case when versions.staleness_days > 100 then coalesce(versions.counted_usd, 0) else 0 end) as bigint)
            as stale_usd,
        max(case when versions.is_partial and versions.counted_usd is not null then 1 else 0 end) = 1 as is_partial,
        {{ agg_array_union('case when versions.counted_usd is not null then versions.fact_ids else ' ~ no_ids() ~ ' end') }}
            as fact_ids,
        {{ agg_array_union('versions.range_fact_ids') }} as range_fact_ids
    from days
    left join versions
        on
            days.calendar_quarter = versions.calendar_quarter
            and days.ai_revenue_basis = versions.ai_revenue_basis
            and {{ in_force('versions', 'days.known_from') }}
    group by days.calendar_quarter, days.ai_revenue_basis, days.known_from
),

{%- set columns = [
    'calendar_quarter', 'ai_revenue_basis', 'low_usd', 'ai_revenue_usd', 'high_usd', 'companies_counted', 'companies_listed',
    'max_staleness_days', 'stale_usd', 'is_partial', 'fact_ids', 'range_fact_ids',
] %}

final as (
    {{ versions_of(
        'as_known',
        key=['calendar_quarter', 'ai_revenue_basis'],
        state=columns[2:],
        columns=columns,
        present='companies_counted + companies_listed > 0',
    ) }}
)

select * from final
