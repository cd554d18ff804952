{#- A range with a method, never a fact. Centre: NVIDIA's own figure for one unnamed cloud customer of the quarter, else a
    published estimate that covers the quarter, else NVIDIA's for the year, else the latest published one. The range spans
    every point and the capex floor and ceiling; a cloud customer that NVIDIA quantifies for the quarter caps it instead. -#}
with estimates as (
    select * from {{ ref('microsoft_share_estimates') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by calendar_quarter
            order by
                case method
                    when 'nvidia_disclosure_quarter' then 1
                    when 'third_party' then 2
                    when 'nvidia_disclosure_year' then 3
                    when 'third_party_carried_forward' then 4
                    else 5
                end,
                share desc, estimator
        ) as place
    from estimates
    where method not in ('capex_floor', 'capex_ceiling')
),

bounds as (
    select
        calendar_quarter,
        min(share) as lowest_share,
        max(case when method not in ('capex_floor', 'capex_ceiling') then share end) as highest_point,
        max(case when method = 'capex_ceiling' then share end) as ceiling_share,
        max(case when method = 'nvidia_disclosure_quarter' then 1 else 0 end) as has_cap,
        max(known_from) as known_from,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from estimates
    group by calendar_quarter
),

final as (
    select
        bounds.calendar_quarter,
        least(bounds.lowest_share, ranked.share) as low_share,
        ranked.share as central_share,
        case
            when bounds.has_cap = 1 then bounds.highest_point
            else least(cast(1 as decimal(9, 6)), greatest(bounds.highest_point, coalesce(bounds.ceiling_share, bounds.highest_point)))
        end as high_share,
        concat(
            'centre: ', replace(ranked.method, '_', ' '), ' (', ranked.estimator, ')',
            case when ranked.staleness_days > 0 then concat(', ', cast(ranked.staleness_days as string), ' days old') else '' end,
            '; range: all points and ',
            case when bounds.has_cap = 1 then 'capex floor, capped by the cloud customer NVIDIA quantifies' else 'capex floor and ceiling' end
        ) as method,
        'estimated' as value_kind,
        ranked.staleness_days,
        bounds.known_from,
        bounds.fact_ids
    from bounds
    inner join ranked on bounds.calendar_quarter = ranked.calendar_quarter
    where ranked.place = 1
)

select * from final
order by calendar_quarter
