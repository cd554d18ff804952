{#- Sentences that stand until a number makes them false: each computed from a mart, with the condition that would make it false,
    whether it holds today, and the day the number in it last changed. -#}
with measured as (
    select * from {{ ref('ai_revenue_gap') }}
    where scenario = 'measured' and gap_usd is not null
),

amortized as (
    select * from {{ ref('amortized_requirement') }}
    where scenario = 'amortized' and ai_revenue_usd is not null
),

tracked as (
    select * from {{ ref('accelerator_revenue') }}
    where vendor = 'NVIDIA' and share_of_tracked is not null
),

supply as (
    select * from {{ ref('supply_state') }}
    where state is not null
),

clouds as (
    select * from {{ ref('cloud_economics') }}
    where ticker in ('AMZN', 'GOOGL') and capex_to_cloud_revenue_share is not null
),

concentration as (
    select concentration.*
    from {{ ref('revenue_concentration') }} as concentration
    inner join measured on concentration.calendar_quarter = measured.calendar_quarter
),

nowcast as (
    select * from {{ ref('nvidia_nowcast') }}
    where method = 'guidance_beat' and high_usd is not null
),

scoreboard as (
    select
        calendar_quarter,
        sum(case when verdict = 'met' then 1 else 0 end) as met,
        count(*) as members,
        max(known_from) as known_from,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from {{ ref('cahn_scoreboard') }}
    group by calendar_quarter
),

newest as (
    {% for relation in ['measured', 'amortized', 'tracked', 'supply', 'concentration', 'nowcast', 'scoreboard'] %}
        select '{{ relation }}' as relation, max(calendar_quarter) as calendar_quarter
        from {{ relation }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

stated as (
    select
        1 as place,
        'coverage' as statement,
        measured.calendar_quarter,
        concat(
            'Measured AI revenue covers ', {{ percent_text('measured.coverage_share') }},
            ' of what the data centers around one year of NVIDIA chips must earn over their life.'
        ) as sentence,
        'the share is above 100 %' as false_when,
        measured.coverage_share <= 1 as holds,
        measured.known_from,
        measured.fact_ids
    from measured
    inner join newest on newest.relation = 'measured' and measured.calendar_quarter = newest.calendar_quarter
    union all
    select
        2,
        'yearly_requirement',
        amortized.calendar_quarter,
        concat(
            'With lives as disclosed and 10 % on capital a year must earn ', {{ billions_text('amortized.required_year_usd') }},
            '; measured revenue is ', {{ percent_text('amortized.coverage_share') }}, ' of that.'
        ),
        'the share is above 100 %',
        amortized.coverage_share <= 1,
        amortized.known_from,
        amortized.fact_ids
    from amortized
    inner join newest on newest.relation = 'amortized' and amortized.calendar_quarter = newest.calendar_quarter
    union all
    select
        3,
        'cahns_list',
        scoreboard.calendar_quarter,
        concat(
            cast(cast(scoreboard.met as bigint) as string), ' of the ', cast(scoreboard.members as string),
            ' companies on the list of 2023 state the AI revenue they were given there.'
        ),
        'half of them do',
        2 * scoreboard.met < scoreboard.members,
        scoreboard.known_from,
        scoreboard.fact_ids
    from scoreboard
    inner join newest on newest.relation = 'scoreboard' and scoreboard.calendar_quarter = newest.calendar_quarter
    union all
    select
        4,
        'nvidias_part',
        tracked.calendar_quarter,
        concat(
            'NVIDIA has ', {{ percent_text('tracked.share_of_tracked') }}, ' of the accelerator revenue that ',
            cast(tracked.vendors_stated as string), ' vendors state: less than the 90 % it was once said to have.'
        ),
        'the share is 90 % or more',
        tracked.share_of_tracked < cast(0.9 as decimal(3, 2)),
        tracked.known_from,
        tracked.fact_ids
    from tracked
    inner join newest on newest.relation = 'tracked' and tracked.calendar_quarter = newest.calendar_quarter
    union all
    select
        5,
        'supply',
        supply.calendar_quarter,
        concat(
            'Supply is piling up: stock and orders are ', cast(cast(supply.inventory_days as integer) as string), ' and ',
            coalesce(cast(cast(supply.commitment_days as integer) as string), 'an unstated number of'),
            ' days of the sales of NVIDIA.'
        ),
        'the state of marts.supply_state is shortage or balance',
        supply.state = 'stock-piling',
        supply.known_from,
        supply.fact_ids
    from supply
    inner join newest on newest.relation = 'supply' and supply.calendar_quarter = newest.calendar_quarter
    union all
    select
        6,
        'one_company',
        concentration.calendar_quarter,
        concat(
            concentration.largest_company, ' is ', {{ percent_text('concentration.largest_share') }},
            ' of the AI revenue counted, the two largest ', {{ percent_text('concentration.two_largest_share') }}, '.'
        ),
        'the two largest are less than half',
        concentration.two_largest_share >= cast(0.5 as decimal(3, 2)),
        concentration.known_from,
        concentration.fact_ids
    from concentration
    inner join newest on newest.relation = 'concentration' and concentration.calendar_quarter = newest.calendar_quarter
    union all
    select
        7,
        'next_quarter',
        nowcast.calendar_quarter,
        concat(
            'Data-center revenue of ', nowcast.calendar_quarter, ' is expected between ', {{ billions_text('nowcast.low_usd') }},
            ' and ', {{ billions_text('nowcast.high_usd') }}, '.'
        ),
        'it is reported outside of that',
        coalesce(nowcast.is_within, true),
        nowcast.known_from,
        nowcast.fact_ids
    from nowcast
    inner join newest on newest.relation = 'nowcast' and nowcast.calendar_quarter = newest.calendar_quarter
    union all
    select
        8,
        'capex_over_cloud',
        max(clouds.calendar_quarter),
        concat(
            'Over four quarters Amazon and Alphabet spent ',
            max(case when clouds.ticker = 'AMZN' then {{ percent_text('clouds.capex_to_cloud_revenue_share') }} end),
            ' and ',
            max(case when clouds.ticker = 'GOOGL' then {{ percent_text('clouds.capex_to_cloud_revenue_share') }} end),
            ' of their cloud revenue on capital expenditure.'
        ),
        'either is below 100 %',
        min(clouds.capex_to_cloud_revenue_share) >= 1,
        max(clouds.known_from),
        {{ agg_array_union('clouds.fact_ids') }}
    from clouds
    where clouds.calendar_quarter in (select max(of_both.calendar_quarter) from clouds as of_both)
    having count(*) = 2
),

final as (
    select
        place,
        statement,
        calendar_quarter,
        sentence,
        false_when,
        holds,
        known_from,
        fact_ids
    from stated
)

select * from final
order by place
