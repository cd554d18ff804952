{#- What part of a payee's revenue of a quarter each payer is known to pay, on each day of knowledge: an amount over the payee's
    own revenue of the period it was paid for, so that it falls on that period's quarters in the payee's own shape. A
    quarter outside every period takes the share of the nearest one: one method for all quarters of a version. -#}

{#- :param basis: the estimated run rates that are netted, of which those of `own:` have the user's figures among them. -#}
{% macro edge_shares(basis) %}
with edges as (
    select
        *,
        coalesce(period_start, period_end) as first_day,
        case confidence when 'high' then 1 when 'medium' then 2 else 3 end as confidence_rank
    from {{ ref('int_usable_edges') }}
    where not is_default and is_citable
),

gross as (
    select * from {{ ref('int_ai_revenue_gross') }}
    where ai_revenue_basis = '{{ basis }}' and gross_usd is not null
),

quarters as (
    select * from {{ ref('int_ai_revenue_quarters') }}
),

days as (
    select distinct known_from from gross
    union
    select known_to from gross
    where known_to is not null
    union
    select known_on from {{ ref('int_usable_edges') }}
    union
    select withdrawn_on from {{ ref('int_usable_edges') }}
    where withdrawn_on is not null
),

rates as (
    select
        days.known_from,
        gross.company,
        gross.calendar_quarter,
        gross.layer,
        gross.gross_usd,
        gross.fact_ids
    from days
    inner join gross on {{ in_force('gross', 'days.known_from') }}
),

quarters_paid as (
    select distinct
        edges.fact_id,
        quarters.calendar_quarter,
        {{ days_between(
            'greatest(edges.first_day, quarters.quarter_start)', 'least(edges.period_end, quarters.quarter_end)'
        ) }} + 1 as overlap_days,
        -- A run rate is a year's pace on one day.
        case edges.period_type
            when 'run_rate' then 4 * ({{ days_between('quarters.quarter_start', 'quarters.quarter_end') }} + 1)
            else {{ days_between('edges.first_day', 'edges.period_end') }} + 1
        end as days_paid,
        {{ days_between('quarters.quarter_start', 'quarters.quarter_end') }} + 1 as quarter_days
    from edges
    inner join quarters on edges.first_day <= quarters.quarter_end and edges.period_end >= quarters.quarter_start
),

-- The amount that falls on the days of each quarter, and what the payee earned in them.
parts as (
    select
        rates.known_from,
        edges.fact_id,
        {{ divide_usd(
            'quarters_paid.overlap_days * rates.gross_usd', 'cast(4 * quarters_paid.quarter_days as decimal(9, 6))'
        ) }} as payee_usd,
        {% for end in ['low', 'amount', 'high'] %}
            {{ divide_usd(
                'quarters_paid.overlap_days * coalesce(edges.' ~ end ~ '_usd, edges.amount_usd)',
                'cast(quarters_paid.days_paid as decimal(9, 6))',
            ) }} as {{ end }}_usd,
        {% endfor %}
        rates.fact_ids
    from edges
    inner join quarters_paid on edges.fact_id = quarters_paid.fact_id
    inner join rates
        on
            edges.payee = rates.company
            and quarters_paid.calendar_quarter = rates.calendar_quarter
            and {{ in_force('edges', 'rates.known_from', 'known_on', 'withdrawn_on') }}
    where edges.amount_usd is not null
),

amounts as (
    select
        known_from,
        fact_id,
        {{ share_of('cast(sum(low_usd) as bigint)', 'cast(sum(payee_usd) as bigint)') }} as low_share,
        {{ share_of('cast(sum(amount_usd) as bigint)', 'cast(sum(payee_usd) as bigint)') }} as share,
        {{ share_of('cast(sum(high_usd) as bigint)', 'cast(sum(payee_usd) as bigint)') }} as high_share,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from parts
    group by known_from, fact_id
),

-- Payers of which only the sum is stated stand together; what is counted of them is the sum over those that are.
payers as (
    select
        rates.known_from,
        rates.calendar_quarter,
        named.fact_id,
        cast(sum(rates.gross_usd) as bigint) as gross_usd
    from (
        select distinct edges.fact_id, exploded.payer
        from edges {{ explode_ids(listed('edges.payer'), 'payer') }}
    ) as named
    inner join rates on named.payer = rates.company
    group by rates.known_from, rates.calendar_quarter, named.fact_id
),

candidates as (
    select
        payees.known_from,
        payees.company as payee,
        edges.payer,
        payees.calendar_quarter,
        edges.is_headline_grade,
        edges.confidence_rank,
        edges.known_on,
        edges.fact_id,
        payees.gross_usd as payee_usd,
        payers.gross_usd as payer_usd,
        case
            when edges.share_of = 'payer_revenue' then coalesce({{ share_of(
                multiply_usd('payers.gross_usd', 'edges.share'), 'payees.gross_usd'
            ) }}, 0)
            else coalesce(amounts.share, edges.share)
        end as share,
        coalesce(amounts.low_share, edges.low_share) as low_share,
        coalesce(amounts.high_share, edges.high_share) as high_share,
        edges.payer_layer,
        case
            when edges.first_day > quarters.quarter_end then {{ days_between('quarters.quarter_end', 'edges.first_day') }}
            when edges.period_end < quarters.quarter_start then {{ days_between('edges.period_end', 'quarters.quarter_start') }}
            else 0
        end as days_away,
        {{ array_union_sorted(array_of('edges.fact_id'), 'coalesce(amounts.fact_ids, ' ~ no_ids() ~ ')') }} as fact_ids
    from edges
    inner join rates as payees
        on
            edges.payee = payees.company
            and {{ in_force('edges', 'payees.known_from', 'known_on', 'withdrawn_on') }}
    inner join quarters on payees.calendar_quarter = quarters.calendar_quarter
    left join amounts on payees.known_from = amounts.known_from and edges.fact_id = amounts.fact_id
    left join payers
        on
            edges.fact_id = payers.fact_id
            and payees.known_from = payers.known_from
            and payees.calendar_quarter = payers.calendar_quarter
    where edges.amount_usd is null or amounts.fact_id is not null
),

nearest as (
    {{ latest_of(
        'candidates',
        key=['known_from', 'payee', 'payer', 'calendar_quarter', 'is_headline_grade'],
        order=['days_away', 'confidence_rank', 'known_on desc', 'fact_id'],
    ) }}
),

-- Outside its period an application's payment is no more than what is counted of the application: beyond that it would net a
-- dollar that nobody counts.
capped as (
    select
        *,
        case
            when payer_layer = 'application' and days_away > 0 then {{ share_of('coalesce(payer_usd, 0)', 'payee_usd') }}
            else 1
        end as most_share
    from nearest
),

final as (
    select
        known_from,
        payee,
        payer,
        calendar_quarter,
        is_headline_grade,
        payee_usd,
        payer_usd,
        cast(least(1, share, most_share) as decimal(9, 6)) as share,
        cast(least(1, coalesce(low_share, share), most_share) as decimal(9, 6)) as low_share,
        cast(least(1, coalesce(high_share, share), most_share) as decimal(9, 6)) as high_share,
        days_away,
        fact_ids
    from capped
)

select * from final
{% endmacro %}
