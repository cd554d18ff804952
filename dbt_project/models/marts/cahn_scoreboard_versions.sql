{#- The ten companies Cahn gave 10 or 5 billion of AI revenue a year in September 2023, against what each has stated since, by
    quarter: the latest statement carried, before netting, because his figure is what a company earns and not what is new. -#}
with assumed as (
    select
        fact_id,
        text_value as member,
        cast(value as bigint) as assumed_usd,
        known_on
    from {{ ref('stg_curated__scenario_parameters') }}
    where scenario = 'cahn_2023' and parameter = 'assumed_member_revenue_usd'
),

-- The list is frozen. Who on it goes by another name in the statements, or in the retellings of it:
names as (
    select listed_names.* from (
        values
        ('Google', 'Alphabet (AI)', ''),
        ('Microsoft', 'Microsoft (AI business)', ''),
        ('Apple', 'Apple (AI)', ''),
        ('Meta', 'Meta (AI)', ''),
        ('Oracle', 'Oracle (Nvidia rental)', 'rental of GPUs alone'),
        ('ByteDance', 'ByteDance', 'a Korean retelling has Baidu in its place'),
        ('Alibaba', 'Alibaba (AI-related products)', ''),
        ('Tencent', 'Tencent', ''),
        ('X', 'xAI', 'xAI, inside SpaceX since 2026: what SpaceX rents out to other labs is not counted for it'),
        ('Tesla', 'Tesla (AI)', '')
    ) as listed_names (member, company, note)
),

quarters as (
    select calendar_quarter, opened_on from {{ ref('int_ai_revenue_quarters') }}
    where calendar_quarter >= '2023Q3'
),

stated as (
    select * from {{ ref('int_ai_revenue_gross') }}
    where ai_revenue_basis = 'measured_run_rate'
),

-- A statement from a weak source, or one nobody can open, is no more than a hint that there is one.
hints as (
    select
        figures.company,
        quarters.calendar_quarter,
        greatest(min(figures.known_on), quarters.opened_on) as known_from
    from {{ ref('int_usable_figures') }} as figures
    inner join quarters on {{ calendar_quarter_of('figures.period_end') }} <= quarters.calendar_quarter
    where
        not figures.is_headline_grade and not figures.is_own and figures.withdrawn_on is null
        and figures.metric in ('annualized_run_rate', 'quarterly_revenue', 'half_year_revenue', 'annual_revenue')
    group by figures.company, quarters.calendar_quarter, quarters.opened_on
),

members as (
    select
        assumed.member,
        names.company,
        assumed.assumed_usd,
        assumed.fact_id,
        names.note,
        quarters.calendar_quarter,
        greatest(assumed.known_on, quarters.opened_on) as opened_on
    from assumed
    inner join names on assumed.member = names.member
    cross join quarters
),

days as (
    select member, calendar_quarter, opened_on as known_from from members
    union
    select members.member, members.calendar_quarter, greatest(stated.known_from, members.opened_on)
    from members
    inner join stated on members.company = stated.company and members.calendar_quarter = stated.calendar_quarter
    union
    select members.member, members.calendar_quarter, greatest(stated.known_to, members.opened_on)
    from members
    inner join stated on members.company = stated.company and members.calendar_quarter = stated.calendar_quarter
    where stated.known_to is not null
    union
    select members.member, members.calendar_quarter, greatest(hints.known_from, members.opened_on)
    from members
    inner join hints on members.company = hints.company and members.calendar_quarter = hints.calendar_quarter
),

as_known as (
    select
        members.member,
        members.calendar_quarter,
        days.known_from,
        members.company,
        members.assumed_usd,
        stated.gross_usd as stated_usd,
        stated.gross_usd - members.assumed_usd as difference_usd,
        stated.speaks_on,
        stated.staleness_days,
        case
            when stated.gross_usd >= members.assumed_usd then 'met'
            when stated.gross_usd is not null then 'not met'
            when stated.company is not null or hints.company is not null then 'nothing to cite'
            else 'states nothing'
        end as verdict,
        members.note,
        {{ array_union_sorted(array_of('members.fact_id'), 'coalesce(stated.fact_ids, ' ~ no_ids() ~ ')') }} as fact_ids
    from days
    inner join members on days.member = members.member and days.calendar_quarter = members.calendar_quarter
    left join stated
        on
            members.company = stated.company
            and members.calendar_quarter = stated.calendar_quarter
            and {{ in_force('stated', 'days.known_from') }}
    left join hints
        on
            members.company = hints.company
            and members.calendar_quarter = hints.calendar_quarter
            and hints.known_from <= days.known_from
),

{%- set columns = [
    'member', 'calendar_quarter', 'company', 'assumed_usd', 'stated_usd', 'difference_usd', 'speaks_on', 'staleness_days',
    'verdict', 'note', 'fact_ids',
] %}

final as (
    {{ versions_of('as_known', key=['member', 'calendar_quarter'], state=columns[2:], columns=columns) }}
)

select * from final
order by member, calendar_quarter, known_from
