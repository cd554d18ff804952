{#- Where a filing and a press figure state the same quarter of the same metric: both, and the difference. The filing is the
    number; it is never averaged. A press figure is compared with what the filings said in its own time: a later recast is
    no disagreement. -#}
with all_candidates as (
    select * from {{ ref('int_quarter_candidates') }}
    where is_used
),

-- What was corrected or rejected agrees and disagrees with nothing.
candidates as (
    {{ resting_on_used_statements('all_candidates') }}
),

figures as (
    select fact_id, qualifier from {{ ref('stg_curated__figures') }}
),

roundings as (
    select
        fact_id,
        qualifier,
        case
            when qualifier = 'rounded_10m' then 10000000
            when qualifier in ('rounded_100m', 'approximate') then 100000000
            else 1000000
        end as tolerance_usd
    from figures
),

-- One press figure a quarter: as stated before as a difference, then the newest.
press_stated as (
    select
        candidates.cik,
        candidates.metric,
        candidates.calendar_quarter,
        candidates.value_kind,
        candidates.value_usd,
        candidates.known_from,
        candidates.known_to,
        candidates.fact_ids,
        sum(roundings.tolerance_usd) as tolerance_usd,
        max(roundings.qualifier) as qualifier
    from (
        select candidates.*, exploded.fact_id
        from candidates {{ explode_ids('candidates.fact_ids', 'fact_id') }}
        where candidates.source_kind = 'press_release'
    ) as candidates
    inner join roundings on candidates.fact_id = roundings.fact_id
    group by
        candidates.cik, candidates.metric, candidates.calendar_quarter, candidates.value_kind, candidates.value_usd,
        candidates.known_from, candidates.known_to, candidates.fact_ids
),

press_ranked as (
    select
        *,
        row_number() over (
            partition by cik, metric, calendar_quarter
            order by
                case when known_to is null then 1 else 2 end,
                case value_kind when 'reported' then 1 else 2 end,
                known_from desc,
                cast(fact_ids as string)
        ) as place
    from press_stated
),

press as (
    select * from press_ranked
    where place = 1
),

filings_ranked as (
    select
        candidates.ticker,
        candidates.value_usd as filing_usd,
        press.*,
        candidates.fact_ids as filing_fact_ids,
        row_number() over (
            partition by press.cik, press.metric, press.calendar_quarter
            order by
                -- in force on the press figure's day, else the first that came after it
                case when candidates.known_from <= press.known_from then 1 else 2 end,
                case when candidates.known_from > press.known_from then candidates.known_from end,
                case candidates.value_kind when 'reported' then 1 else 2 end,
                candidates.priority,
                candidates.known_from desc,
                cast(candidates.fact_ids as string)
        ) as filing_place
    from candidates
    inner join press
        on
            candidates.cik = press.cik
            and candidates.metric = press.metric
            and candidates.calendar_quarter = press.calendar_quarter
    where
        candidates.source_kind = 'xbrl'
        and (candidates.known_to is null or candidates.known_to > press.known_from)
),

final as (
    select
        ticker,
        metric,
        calendar_quarter,
        filing_usd,
        value_usd as press_usd,
        value_usd - filing_usd as difference_usd,
        cast(tolerance_usd as integer) as tolerance_usd,
        qualifier,
        {{ array_union_sorted('filing_fact_ids', 'fact_ids') }} as fact_ids
    from filings_ranked
    where filing_place = 1
)

select * from final
order by ticker, metric, calendar_quarter
