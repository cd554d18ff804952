{#- Where a filing and a press figure state the same quarter of the same metric: both, and the difference. The filing is the
    number; a disagreement beyond the figure's rounding fails a check, it is never averaged. -#}
with candidates as (
    select * from {{ ref('int_quarter_candidates') }}
    where known_to is null
),

figures as (
    select fact_id, qualifier from {{ ref('stg_curated__figures') }}
),

filings_ranked as (
    select
        *,
        row_number() over (
            partition by cik, metric, calendar_quarter
            order by case value_kind when 'reported' then 1 else 2 end, priority, known_from desc, cast(fact_ids as string)
        ) as place
    from candidates
    where source_kind = 'xbrl'
),

press as (
    select candidates.*, figures.qualifier
    from candidates
    inner join figures on candidates.fact_ids[{{ first_index() }}] = figures.fact_id
    where candidates.source_kind = 'press_release'
),

final as (
    select
        filings_ranked.ticker,
        filings_ranked.metric,
        filings_ranked.calendar_quarter,
        filings_ranked.value_usd as filing_usd,
        press.value_usd as press_usd,
        press.value_usd - filings_ranked.value_usd as difference_usd,
        case
            when press.qualifier = 'rounded_10m' then 10000000
            when press.qualifier in ('rounded_100m', 'approximate') then 100000000
            else 1000000
        end as tolerance_usd,
        press.qualifier,
        {{ array_union_sorted('filings_ranked.fact_ids', 'press.fact_ids') }} as fact_ids
    from filings_ranked
    inner join press
        on
            filings_ranked.cik = press.cik
            and filings_ranked.metric = press.metric
            and filings_ranked.calendar_quarter = press.calendar_quarter
    where filings_ranked.place = 1
)

select * from final
order by ticker, metric, calendar_quarter
