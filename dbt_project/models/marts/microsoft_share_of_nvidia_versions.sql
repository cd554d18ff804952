{#- A range with a method, never a fact. Centre: NVIDIA's own figure for one unnamed cloud customer of the quarter, else a
    published estimate that covers the quarter, else NVIDIA's for the year, else the latest published one. The range spans
    every point and the capex floor and ceiling; a cloud customer that NVIDIA quantifies for the quarter caps it instead. -#}
with estimates as (
    select * from {{ ref('int_microsoft_share_as_known') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by calendar_quarter, known_from
            order by
                case method
                    when 'nvidia_disclosure_quarter' then 1
                    when 'third_party' then 2
                    when 'nvidia_disclosure_year' then 3
                    else 4
                end,
                share desc, estimator
        ) as place
    from estimates
    where method not in ('capex_floor', 'capex_ceiling')
),

bounds as (
    select
        calendar_quarter,
        known_from,
        min(share) as lowest_share,
        max(case when method not in ('capex_floor', 'capex_ceiling') then share end) as highest_point,
        max(case when method = 'capex_ceiling' then share end) as ceiling_share,
        max(case when method = 'nvidia_disclosure_quarter' then 1 else 0 end) as has_cap,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from estimates
    group by calendar_quarter, known_from
),

ranges as (
    select
        bounds.calendar_quarter,
        bounds.known_from,
        least(bounds.lowest_share, ranked.share) as low_share,
        ranked.share as central_share,
        case
            when bounds.has_cap = 1 then bounds.highest_point
            else least(
                cast(1 as decimal(9, 6)),
                greatest(bounds.highest_point, coalesce(bounds.ceiling_share, bounds.highest_point))
            )
        end as high_share,
        concat(
            'centre: ', replace(ranked.method, '_', ' '), ' (', ranked.estimator, ')',
            case when ranked.staleness_days > 0 then concat(', ', cast(ranked.staleness_days as string), ' days old') else '' end,
            '; range: all points and ',
            case
                when bounds.has_cap = 1 then 'capex floor, capped by the cloud customer NVIDIA quantifies'
                else 'capex floor and ceiling'
            end
        ) as method,
        ranked.staleness_days,
        bounds.fact_ids
    from bounds
    inner join ranked on bounds.calendar_quarter = ranked.calendar_quarter and bounds.known_from = ranked.known_from
    where ranked.place = 1
),

compared as (
    select
        *,
        {{ state_of(['low_share', 'high_share', 'method', 'fact_ids']) }} as state,
        lag({{ state_of(['low_share', 'high_share', 'method', 'fact_ids']) }})
            over (partition by calendar_quarter order by known_from) as previous_state
    from ranges
),

final as (
    select
        calendar_quarter,
        low_share,
        central_share,
        high_share,
        method,
        'estimated' as value_kind,
        staleness_days,
        known_from,
        lead(known_from) over (partition by calendar_quarter order by known_from) as known_to,
        fact_ids
    from compared
    where previous_state is null or previous_state <> state
)

select * from final
order by calendar_quarter, known_from
