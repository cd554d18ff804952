{#- Every way to know a discrete quarter: as reported, or as the difference of two year-to-date statements of one vintage
    that share company, metric, line, source and start. One vintage: the shorter one as it was known when the longer one
    was filed. A filing that recasts only one of the two changes nothing, until the other is recast as well. A residual
    that is not a quarter long is no quarter, and one that cannot be right is set aside. -#}
with versions as (
    select * from {{ ref('int_observation_versions') }}
),

observations as (
    select * from {{ ref('int_usable_observations') }}
),

companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

concepts as (
    select * from {{ ref('stg_watch_list__metric_concepts') }}
),

decisions as (
    select * from {{ ref('stg_operator__decisions') }}
),

a_quarter as (
    select * from {{ ref('stg_rules__spans') }}
    where span = 'quarter'
),

longer_and_shorter as (
    select
        longer.*,
        shorter.period_end as shorter_end,
        shorter.value_usd as shorter_usd,
        shorter.fact_ids as shorter_fact_ids,
        shorter.known_from as shorter_from,
        shorter.known_to as shorter_to,
        shorter.withdrawn_on as shorter_withdrawn_on,
        shorter.follows_withdrawal as shorter_follows_withdrawal,
        shorter.previous_from as shorter_previous_from,
        min(shorter.known_from) over (partition by longer.version_id, shorter.period_end) as shorter_first_from
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
    inner join a_quarter
        on
            {{ days_between('shorter.period_end', 'longer.period_end') }}
            between a_quarter.shortest_days and a_quarter.longest_days
),

restated as (
    select distinct accession, metric, line, period_start, period_end from observations
),

-- The first day after it on which anything of its fiscal year was recast.
next_recasts as (
    select
        longer.version_id,
        min(recast.known_from) as recast_on
    from versions as longer
    inner join versions as recast
        on
            longer.cik = recast.cik
            and longer.metric = recast.metric
            and longer.line = recast.line
            and longer.source_kind = recast.source_kind
            and longer.period_start = recast.period_start
            and longer.known_from < recast.known_from
    where recast.previous_from is not null
    group by longer.version_id
),

of_their_times as (
    select
        pair.*,
        restated.accession is not null as is_in_one_filing,
        coalesce(next_recasts.recast_on <= pair.shorter_from, false) as is_recast_between
    from longer_and_shorter as pair
    left join next_recasts on pair.version_id = next_recasts.version_id
    left join restated
        on
            pair.accession = restated.accession
            and pair.metric = restated.metric
            and pair.line = restated.line
            and pair.period_start = restated.period_start
            and pair.shorter_end = restated.period_end
),

one_vintage as (
    select
        *,
        greatest(known_from, shorter_from) as pair_from
    from of_their_times
    where
        (
            -- in force when the longer one was filed; or, where nothing was, the first that came, if nothing that both of
            -- their times know was recast in between
            (shorter_from <= known_from and (shorter_to is null or shorter_to > known_from))
            or (shorter_first_from > known_from and shorter_from = shorter_first_from and not is_recast_between)
            or (shorter_follows_withdrawal and shorter_from > known_from)
        )
        and (
            previous_from is null
            or follows_withdrawal
            or is_in_one_filing
            or (shorter_previous_from is not null and shorter_from > previous_from)
        )
),

differences as (
    select
        concat(version_id, ' - ', cast(shorter_from as string)) as row_id,
        version_id,
        known_from as filed_from,
        cik,
        metric,
        concept,
        priority,
        source_kind,
        accession,
        {{ add_days('shorter_end', 1) }} as period_start,
        period_end,
        value_usd - shorter_usd as value_usd,
        'derived' as value_kind,
        case span
            when 'half' then 'half year - first quarter'
            when 'nine_months' then 'nine months - half year'
            else 'fiscal year - nine months'
        end
        || case when value_kind = 'derived' then concat(' of (', formula, ')') else '' end as formula,
        pair_from as known_from,
        least(
            withdrawn_on,
            shorter_withdrawn_on,
            lead(pair_from) over (
                partition by cik, metric, line, source_kind, period_end, shorter_end
                order by pair_from, known_from
            )
        ) as known_to,
        {{ array_union_sorted('fact_ids', 'shorter_fact_ids') }} as fact_ids
    from one_vintage
),

-- Where no shorter year-to-date statement was at hand, the quarters that were make it up.
parts_ranked as (
    select
        longer.version_id,
        longer.span,
        part.period_start,
        part.period_end,
        part.value_usd,
        part.fact_ids,
        part.withdrawn_on,
        row_number() over (
            partition by longer.version_id, part.period_end
            order by case part.source_kind when 'xbrl' then 1 else 2 end, part.priority, part.version_id
        ) as place
    from versions as longer
    inner join versions as part
        on
            longer.cik = part.cik
            and longer.metric = part.metric
            and part.span = 'quarter'
            and part.period_start >= longer.period_start
            and part.period_end < longer.period_end
            and part.known_from <= longer.known_from
            and (part.known_to is null or part.known_to > longer.known_from)
            -- rounded press figures of the time make up what was filed at that time, nothing later
            and (part.source_kind = 'xbrl' or {{ days_between('longer.period_end', 'longer.known_from') }} <= 120)
    where
        longer.span in ('nine_months', 'year')
        and longer.source_kind = 'xbrl'
        and (longer.previous_from is null or longer.follows_withdrawal)
        and longer.version_id not in (
            select differences.version_id from differences
            where differences.known_from = differences.filed_from
        )
),

parts as (
    select
        version_id,
        span,
        min(period_start) as first_start,
        max(period_end) as last_end,
        count(*) as quarters_known,
        sum({{ days_between('period_start', 'period_end') }} + 1) as days_known,
        cast(sum(value_usd) as bigint) as value_usd,
        min(withdrawn_on) as withdrawn_on,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from parts_ranked
    where place = 1
    group by version_id, span
),

remainders as (
    select
        concat(longer.version_id, ' - quarters') as row_id,
        longer.cik,
        longer.metric,
        longer.concept,
        longer.priority,
        longer.source_kind,
        longer.accession,
        {{ add_days('parts.last_end', 1) }} as period_start,
        longer.period_end,
        longer.value_usd - parts.value_usd as value_usd,
        'derived' as value_kind,
        case longer.span
            when 'nine_months' then 'nine months - first two quarters' else 'fiscal year - first three quarters'
        end as formula,
        longer.known_from,
        least(longer.withdrawn_on, parts.withdrawn_on) as known_to,
        {{ array_union_sorted('longer.fact_ids', 'parts.fact_ids') }} as fact_ids
    from versions as longer
    inner join parts on longer.version_id = parts.version_id
    inner join a_quarter
        on {{ days_between('parts.last_end', 'longer.period_end') }} between a_quarter.shortest_days and a_quarter.longest_days
    where
        parts.quarters_known = case parts.span when 'nine_months' then 2 else 3 end
        and parts.first_start = longer.period_start
        and parts.days_known = {{ days_between('longer.period_start', 'parts.last_end') }} + 1
),

quarters as (
    select
        version_id as row_id,
        cik,
        metric,
        concept,
        priority,
        source_kind,
        accession,
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
    union all
    select
        row_id, cik, metric, concept, priority, source_kind, accession, period_start, period_end, value_usd, value_kind,
        formula, known_from, known_to, fact_ids
    from differences
    where known_to is null or known_from < known_to
    union all
    select * from remainders
),

labelled as (
    select
        quarters.*,
        companies.ticker,
        {{ calendar_quarter_of(period_midpoint('quarters.period_start', 'quarters.period_end')) }} as calendar_quarter,
        {{ fiscal_quarter_of(
            period_midpoint('quarters.period_start', 'quarters.period_end'), 'companies.fiscal_year_end_month'
        ) }} as fiscal_quarter
    from quarters
    inner join companies on quarters.cik = companies.cik
),

-- A difference meets its neighbours as the statements it is made of have met theirs.
limits as (
    select cik, metric, max(max_step) as max_step from concepts
    group by cik, metric
),

usual as (
    select min(max_step) as max_step from concepts
    where max_step > 0
),

comparable as (
    select
        labelled.*,
        labelled.calendar_quarter as document,
        coalesce(limits.max_step, usual.max_step) as max_step,
        true as may_vouch
    from labelled
    cross join usual
    left join limits on labelled.cik = limits.cik and labelled.metric = limits.metric
),

compared as (
    {{ steps('comparable') }}
),

screened as (
    select
        labelled.*,
        case
            when labelled.source_kind <> 'xbrl' or labelled.value_kind <> 'derived' then null
            when labelled.value_usd < 0 then concat('the difference (', labelled.formula, ') is negative')
            when {{ is_apart('compared') }}
                then concat('the difference (', labelled.formula, ') ', {{ how_apart('compared') }})
        end as reason
    from labelled
    left join compared on labelled.row_id = compared.row_id
),

judged as (
    select
        *,
        reason is null as is_sound
    from screened
    where reason is not null
),

used as (
    {{ used_when('judged') }}
),

final as (
    select
        screened.cik,
        screened.ticker,
        screened.metric,
        screened.calendar_quarter,
        screened.fiscal_quarter,
        screened.concept,
        screened.priority,
        screened.source_kind,
        screened.accession,
        screened.period_start,
        screened.period_end,
        screened.value_usd,
        screened.value_kind,
        screened.formula,
        screened.reason,
        screened.reason is null or used.row_id is not null as is_used,
        greatest(screened.known_from, coalesce(used.used_from, screened.known_from)) as known_from,
        least(screened.known_to, used.used_to) as known_to,
        screened.fact_ids
    from screened
    left join used on screened.row_id = used.row_id
    where
        used.row_id is null
        or screened.known_to is null
        or used.used_from < screened.known_to
)

select * from final
