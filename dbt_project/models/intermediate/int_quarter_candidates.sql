{#- Every way to know a discrete quarter: as reported, or as the difference of two year-to-date statements that share
    company, metric, line, source and start, and that were both current. A residual that is not a quarter long is no
    quarter: a missing leg yields no row. -#}
with versions as (
    select * from {{ ref('int_observation_versions') }}
),

companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

reported as (
    select
        cik,
        metric,
        concept,
        priority,
        source_kind,
        period_start,
        period_end,
        value_usd,
        value_kind,
        formula,
        known_from,
        known_to,
        fact_ids
    from versions
    where span = 'quarter'
),

pairs as (
    select
        longer.cik,
        longer.metric,
        longer.concept,
        longer.priority,
        longer.source_kind,
        {{ add_days('shorter.period_end', 1) }} as period_start,
        longer.period_end,
        longer.value_usd - shorter.value_usd as value_usd,
        'derived' as value_kind,
        case longer.span
            when 'half' then 'half year - first quarter'
            when 'nine_months' then 'nine months - half year'
            else 'fiscal year - nine months'
        end
        || case when longer.value_kind = 'derived' then concat(' of (', longer.formula, ')') else '' end as formula,
        greatest(longer.known_from, shorter.known_from) as known_from,
        least(
            coalesce(longer.known_to, cast('9999-12-31' as date)),
            coalesce(shorter.known_to, cast('9999-12-31' as date))
        ) as known_until,
        {{ array_union_sorted('longer.fact_ids', 'shorter.fact_ids') }} as fact_ids
    from versions as longer
    inner join versions as shorter
        on
            longer.cik = shorter.cik
            and longer.metric = shorter.metric
            and longer.line = shorter.line
            and longer.source_kind = shorter.source_kind
            and longer.period_start = shorter.period_start
            and (
                (longer.span = 'half' and shorter.span = 'quarter')
                or (longer.span = 'nine_months' and shorter.span = 'half')
                or (longer.span = 'year' and shorter.span = 'nine_months')
            )
),

derived as (
    select
        cik,
        metric,
        concept,
        priority,
        source_kind,
        period_start,
        period_end,
        value_usd,
        value_kind,
        formula,
        known_from,
        case when known_until < cast('9999-12-31' as date) then known_until end as known_to,
        fact_ids
    from pairs
    where
        known_from < known_until
        and {{ days_between('period_start', 'period_end') }} + 1 between 80 and 100
),

unioned as (
    select * from reported
    union all
    select * from derived
),

final as (
    select
        unioned.cik,
        companies.ticker,
        unioned.metric,
        {{ calendar_quarter_of(period_midpoint('unioned.period_start', 'unioned.period_end')) }} as calendar_quarter,
        {{ fiscal_quarter_of(period_midpoint('unioned.period_start', 'unioned.period_end'), 'companies.fiscal_year_end_month') }}
            as fiscal_quarter,
        unioned.concept,
        unioned.priority,
        unioned.source_kind,
        unioned.period_start,
        unioned.period_end,
        unioned.value_usd,
        unioned.value_kind,
        unioned.formula,
        unioned.known_from,
        unioned.known_to,
        unioned.fact_ids
    from unioned
    inner join companies on unioned.cik = companies.cik
)

select * from final
