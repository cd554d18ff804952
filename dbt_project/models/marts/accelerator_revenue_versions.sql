{#- What the vendors of AI accelerators that say anything sold in a quarter, and each one's part of what is tracked, in every
    knowledge interval. The part is of those who said something of that very quarter: it moves when another one speaks. -#}
with vendors as (
    select * from {{ ref('int_accelerator_revenue') }}
    where calendar_quarter >= '2018Q1'
),

days as (
    select calendar_quarter, known_from from vendors
    union
    select calendar_quarter, known_to from vendors
    where known_to is not null
),

known as (
    select
        days.known_from as as_of,
        vendors.*
    from days
    inner join vendors
        on days.calendar_quarter = vendors.calendar_quarter and {{ in_force('vendors', 'days.known_from') }}
),

tracked as (
    select
        calendar_quarter,
        as_of,
        cast(sum(revenue_usd) as bigint) as tracked_usd,
        count(*) as vendors_stated,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from known
    group by calendar_quarter, as_of
),

-- A day on which a vendor's word no longer stands ends its version.
ever as (
    select distinct vendor, calendar_quarter from vendors
),

as_known as (
    select
        ever.vendor,
        ever.calendar_quarter,
        days.known_from,
        known.basis,
        known.revenue_usd,
        known.value_kind,
        tracked.tracked_usd,
        tracked.vendors_stated,
        case
            when tracked.vendors_stated > 1 then {{ share_of('known.revenue_usd', 'tracked.tracked_usd') }}
        end as share_of_tracked,
        tracked.fact_ids
    from ever
    inner join days on ever.calendar_quarter = days.calendar_quarter
    left join known
        on
            ever.vendor = known.vendor
            and ever.calendar_quarter = known.calendar_quarter
            and days.known_from = known.as_of
    left join tracked on ever.calendar_quarter = tracked.calendar_quarter and days.known_from = tracked.as_of
),

{%- set columns = [
    'vendor', 'calendar_quarter', 'basis', 'revenue_usd', 'value_kind', 'tracked_usd', 'vendors_stated', 'share_of_tracked',
    'fact_ids',
] %}

final as (
    {{ versions_of(
        'as_known', key=['vendor', 'calendar_quarter'], state=columns[2:], columns=columns, present='revenue_usd is not null'
    ) }}
)

select * from final
order by vendor, calendar_quarter, known_from
