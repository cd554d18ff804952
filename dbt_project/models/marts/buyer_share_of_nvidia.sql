{#- Who buys from NVIDIA, by quarter: the large clouds' part of data-center revenue as NVIDIA words it, Hyperscale since it is
    reported, single companies where somebody estimates them, and how concentrated its sales are by its own disclosures.
    The measures are different things and are never added: a part of data-center revenue, a part of all revenue, an index. -#}
with figures as (
    select * from {{ ref('int_usable_figures') }}
    where is_citable and not is_own and withdrawn_on is null and value is not null
),

data_center as (
    select * from {{ ref('nvidia_data_center_revenue') }}
),

shares as (
    select * from {{ ref('int_customer_shares') }}
    where span = 'quarter' and basis = 'revenue' and customer_kind <> 'indirect' and known_to is null
),

as_worded as (
    select
        {{ calendar_quarter_of(period_midpoint('period_start', 'period_end')) }} as calendar_quarter,
        'Large cloud providers' as buyer,
        'share of data-center revenue' as measure,
        cast(case qualifier when 'at_least' then value when 'approximate' then value - 0.03 end as decimal(9, 6)) as low_share,
        cast(case qualifier when 'approximate' then value end as decimal(9, 6)) as central_share,
        cast(case qualifier when 'at_most' then value when 'approximate' then value + 0.03 end as decimal(9, 6)) as high_share,
        note as words,
        'reported' as value_kind,
        known_on as known_from,
        {{ array_of('fact_id') }} as fact_ids
    from figures
    where metric = 'large_cloud_share_of_data_center_revenue'
),

hyperscale as (
    select
        calendar_quarter,
        'Hyperscale' as buyer,
        'share of data-center revenue' as measure,
        cast({{ share_of('hyperscale_usd', 'data_center_usd') }} as decimal(9, 6)) as share,
        known_from,
        fact_ids
    from data_center
    where hyperscale_usd is not null
),

microsoft as (
    select
        calendar_quarter,
        'Microsoft' as buyer,
        'share of revenue' as measure,
        low_share,
        central_share,
        high_share,
        method as words,
        'estimated' as value_kind,
        known_from,
        fact_ids
    from {{ ref('microsoft_share_of_nvidia') }}
    where coalesce(low_share, central_share, high_share) is not null
),

others as (
    select
        {{ calendar_quarter_of(
            'case when period_start is null then period_end else ' ~ period_midpoint('period_start', 'period_end') ~ ' end'
        ) }} as calendar_quarter,
        company as buyer,
        'share of revenue' as measure,
        cast(case when qualifier <> 'at_most' then value end as decimal(9, 6)) as low_share,
        cast(case when qualifier not in ('at_least', 'at_most') then value end as decimal(9, 6)) as central_share,
        cast(case when qualifier <> 'at_least' then value end as decimal(9, 6)) as high_share,
        concat(estimator, ': ', qualifier, ', ', period_label) as words,
        'estimated' as value_kind,
        known_on as known_from,
        {{ array_of('fact_id') }} as fact_ids
    from figures
    where
        metric = 'share_of_nvidia_revenue' and coalesce(ticker, '') <> 'MSFT' and source_kind = 'estimate'
        and period_type in ('quarter', 'instant')
),

-- Customers of one quarter as its own filing has them; a later one repeats them under other letters.
first_filed as (
    select
        period_end,
        min(known_from) as known_from
    from shares
    group by period_end
),

disclosed as (
    select
        {{ calendar_quarter_of(period_midpoint('shares.period_start', 'shares.period_end')) }} as calendar_quarter,
        shares.period_end,
        shares.known_from,
        cast(sum(coalesce(shares.share, 0)) as decimal(9, 6)) as named_share,
        count(shares.share) as customers,
        -- Printed to the percent: half a point either way.
        cast(
            sum(coalesce((shares.share - cast(0.005 as decimal(9, 6))) * (shares.share - cast(0.005 as decimal(9, 6))), 0))
            as decimal(18, 6)
        ) as low_squares,
        cast(
            sum(coalesce((shares.share + cast(0.005 as decimal(9, 6))) * (shares.share + cast(0.005 as decimal(9, 6))), 0))
            as decimal(18, 6)
        ) as high_squares,
        {{ agg_array_union(array_of('shares.fact_id')) }} as fact_ids
    from shares
    inner join first_filed on shares.period_end = first_filed.period_end and shares.known_from = first_filed.known_from
    group by shares.period_start, shares.period_end, shares.known_from
),

-- The rest are customers below 10 %: infinitely many at one end, as few as there can be at the other.
rests as (
    select
        *,
        1 - named_share as rest_share,
        cast(floor((1 - named_share) * 10) as integer) as tenths
    from disclosed
),

concentration as (
    select
        calendar_quarter,
        'All customers' as buyer,
        'Herfindahl index of revenue' as measure,
        cast(low_squares as decimal(9, 6)) as low_share,
        cast(null as decimal(9, 6)) as central_share,
        cast(
            high_squares + tenths * cast(0.01 as decimal(9, 6))
            + (rest_share - tenths * cast(0.1 as decimal(9, 6))) * (rest_share - tenths * cast(0.1 as decimal(9, 6)))
            as decimal(9, 6)
        ) as high_share,
        concat(cast(customers as string), ' direct customers at or above 10 %') as words,
        'derived' as value_kind,
        known_from,
        fact_ids
    from rests
),

unioned as (
    select * from as_worded
    union all
    select
        calendar_quarter,
        buyer,
        measure,
        share as low_share,
        share as central_share,
        share as high_share,
        'Hyperscale, as reported' as words,
        'derived' as value_kind,
        known_from,
        fact_ids
    from hyperscale
    union all
    select * from microsoft
    union all
    select * from others
    union all
    select * from concentration
),

final as (
    select
        calendar_quarter,
        buyer,
        measure,
        cast(low_share as decimal(9, 6)) as low_share,
        cast(central_share as decimal(9, 6)) as central_share,
        cast(high_share as decimal(9, 6)) as high_share,
        words,
        value_kind,
        known_from,
        fact_ids
    from unioned
)

select * from final
order by calendar_quarter, buyer, measure, known_from, words
