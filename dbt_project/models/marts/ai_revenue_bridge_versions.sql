{#- The change of measured AI revenue from one quarter to the next, company by company, as dollars of five kinds that add up to
    it exactly. The payer's part of a dollar is held at the later quarter's: what a changed netting share moves stands by
    itself. -#}
with series as (
    select * from {{ ref('int_ai_revenue_versions') }}
),

quarters as (
    select * from {{ ref('int_ai_revenue_quarters') }}
),

neighbours as (
    select
        later.calendar_quarter,
        earlier.calendar_quarter as previous_quarter,
        later.opened_on
    from quarters as later
    inner join quarters as earlier
        on {{ quarter_number('later.calendar_quarter') }} = {{ quarter_number('earlier.calendar_quarter') }} + 1
),

sides as (
    {% for is_later, side_quarter in [(1, 'calendar_quarter'), (0, 'previous_quarter')] %}
        select
            neighbours.calendar_quarter,
            neighbours.opened_on,
            {{ is_later }} as is_later,
            series.company,
            series.ai_revenue_basis,
            series.gross_usd,
            series.overlap_share,
            series.counted_usd,
            series.staleness_days,
            series.is_superseded,
            series.known_from,
            series.known_to,
            series.fact_ids
        from neighbours
        inner join series on neighbours.{{ side_quarter }} = series.calendar_quarter
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

days as (
    select calendar_quarter, company, ai_revenue_basis, greatest(known_from, opened_on) as known_from from sides
    union
    select calendar_quarter, company, ai_revenue_basis, known_to from sides
    where known_to > opened_on
),

paired as (
    select
        days.calendar_quarter,
        days.company,
        days.ai_revenue_basis,
        days.known_from,
        max(case when sides.is_later = 0 and not sides.is_superseded then sides.gross_usd end) as gross_before_usd,
        max(case when sides.is_later = 0 and not sides.is_superseded then sides.counted_usd end) as before_usd,
        max(case when sides.is_later = 1 and not sides.is_superseded then sides.counted_usd end) as after_usd,
        max(case when sides.is_later = 1 and not sides.is_superseded then sides.overlap_share end) as share_after,
        max(sides.staleness_days) as older_staleness_days,
        {{ agg_array_union(
            'case when sides.counted_usd is not null and not sides.is_superseded then sides.fact_ids else ' ~ no_ids() ~ ' end'
        ) }} as fact_ids
    from days
    left join sides
        on
            days.calendar_quarter = sides.calendar_quarter
            and days.company = sides.company
            and days.ai_revenue_basis = sides.ai_revenue_basis
            and {{ in_force('sides', 'days.known_from') }}
    group by days.calendar_quarter, days.company, days.ai_revenue_basis, days.known_from
),

comparable as (
    select
        *,
        case
            when before_usd is not null and after_usd is not null
                then gross_before_usd - {{ multiply_usd('gross_before_usd', 'share_after') }}
        end as comparable_before_usd,
        before_usd is not null and after_usd is not null and older_staleness_days <= 100 as is_fresh
    from paired
),

as_known as (
    select
        calendar_quarter,
        ai_revenue_basis,
        company,
        known_from,
        coalesce(before_usd, 0) as before_usd,
        coalesce(case when is_fresh then after_usd - comparable_before_usd end, 0) as growth_usd,
        coalesce(case when not is_fresh then after_usd - comparable_before_usd end, 0) as catch_up_usd,
        case when before_usd is null then coalesce(after_usd, 0) else 0 end as entrant_usd,
        case when after_usd is null then -1 * coalesce(before_usd, 0) else 0 end as exit_usd,
        coalesce(comparable_before_usd - before_usd, 0) as netting_usd,
        coalesce(after_usd, 0) as after_usd,
        is_fresh,
        coalesce(comparable_before_usd, 0) as comparable_before_usd,
        fact_ids
    from comparable
),

{%- set columns = [
    'calendar_quarter', 'ai_revenue_basis', 'company', 'before_usd', 'growth_usd', 'catch_up_usd', 'entrant_usd', 'exit_usd',
    'netting_usd', 'after_usd', 'is_fresh', 'comparable_before_usd', 'fact_ids',
] %}

final as (
    {{ versions_of(
        'as_known',
        key=['calendar_quarter', 'ai_revenue_basis', 'company'],
        state=columns[3:],
        columns=columns,
        present='fact_ids <> ' ~ no_ids(),
    ) }}
)

select * from final
order by calendar_quarter, ai_revenue_basis, company, known_from
