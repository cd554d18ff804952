{#- A range with a method, never a fact. What NVIDIA discloses binds: one end customer's share of the quarter, what follows from
    a longer period, and that nobody reached 10 %; where those clash the customer that it quantifies holds, and the method
    says so. Inside those bounds: the centre is NVIDIA's own figure, else a published estimate, NULL where that is older
    than four quarters; low is the lowest point that is not older, 0 where there is none; without NVIDIA's word, what
    Microsoft spends caps the range. -#}
with estimates as (
    select * from {{ ref('int_microsoft_share_as_known') }}
),

fresh_points as (
    select * from estimates
    where kind = 'point' and staleness_days <= 366
),

best_points as (
    select * from estimates
    where kind = 'point'
),

centre as (
    {{ latest_of(
        'best_points',
        key=['calendar_quarter', 'known_from'],
        order=[
            "case method when 'nvidia_disclosure_quarter' then 1 when 'nvidia_equation' then 2 when 'third_party' then 3 "
            ~ 'else 4 end',
            'share desc',
            'estimator',
        ],
    ) }}
),

points as (
    select
        calendar_quarter,
        known_from,
        min(low_share) as lowest_share,
        max(high_share) as highest_share,
        min(case when method in ('nvidia_disclosure_quarter', 'nvidia_equation') then low_share end) as nvidia_low_share,
        min(case when method in ('nvidia_disclosure_quarter', 'nvidia_equation') then high_share end) as nvidia_high_share
    from fresh_points
    group by calendar_quarter, known_from
),

bounds as (
    select
        calendar_quarter,
        known_from,
        min(case when method = 'nvidia_nobody_at_10' then share end) as nobody_share,
        min(case when method like 'nvidia%' and kind = 'bound' and method <> 'nvidia_nobody_at_10' then share end) as bound_share,
        min(case when method = 'capex_ceiling' then share end) as ceiling_share,
        {{ agg_array_union('fact_ids') }} as fact_ids
    from estimates
    group by calendar_quarter, known_from
),

capped as (
    select
        bounds.calendar_quarter,
        bounds.known_from,
        coalesce(bounds.nobody_share < points.nvidia_low_share, false) as is_clash,
        least(
            coalesce(points.nvidia_high_share, 1),
            coalesce(bounds.bound_share, 1),
            coalesce(case when bounds.nobody_share < points.nvidia_low_share then null else bounds.nobody_share end, 1)
        ) as nvidia_cap,
        points.nvidia_high_share is not null or bounds.bound_share is not null or bounds.nobody_share is not null as has_cap,
        bounds.ceiling_share,
        points.lowest_share,
        points.highest_share,
        centre.method as centre_method,
        centre.estimator as centre_estimator,
        centre.share as centre_share,
        centre.staleness_days,
        bounds.fact_ids
    from bounds
    left join points on bounds.calendar_quarter = points.calendar_quarter and bounds.known_from = points.known_from
    left join centre on bounds.calendar_quarter = centre.calendar_quarter and bounds.known_from = centre.known_from
),

ranges as (
    select
        calendar_quarter,
        known_from,
        cast(least(coalesce(lowest_share, 0), nvidia_cap) as decimal(18, 6)) as low_share,
        cast(case when staleness_days <= 366 then least(centre_share, nvidia_cap) end as decimal(18, 6)) as central_share,
        cast(
            least(
                nvidia_cap,
                case
                    when centre_method like 'nvidia%' then 1
                    when ceiling_share is null then 1
                    else greatest(ceiling_share, coalesce(highest_share, 0))
                end
            ) as decimal(18, 6)
        ) as high_share,
        concat(
            case
                when centre_method is null then 'centre: none'
                when staleness_days > 366
                    then concat(
                        'centre: none, the last published estimate (', centre_estimator, ', ',
                        cast(centre_share as string), ') is ', cast(staleness_days as string), ' days old'
                    )
                else concat(
                    'centre: ', replace(centre_method, '_', ' '), ' (', centre_estimator, ')',
                    case when staleness_days > 0 then concat(', ', cast(staleness_days as string), ' days old') else '' end
                )
            end,
            case
                when is_clash
                    then concat(
                        '; range: the customer NVIDIA quantifies, ',
                        'which clashes with its word in the 10-Q of the quarter that no customer reached 10 %: not taken'
                    )
                when has_cap then '; range: fresh points, capped by what NVIDIA discloses'
                else '; range: fresh points and the capex ceiling'
            end,
            case when lowest_share is null then '; no lower bound known' else '' end
        ) as method,
        staleness_days,
        fact_ids
    from capped
),

{%- set columns = ['calendar_quarter', 'low_share', 'central_share', 'high_share', 'method', 'staleness_days', 'fact_ids'] %}

versions as (
    {{ versions_of('ranges', key=['calendar_quarter'], state=columns[1:], columns=columns) }}
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
        known_to,
        fact_ids
    from versions
)

select * from final
order by calendar_quarter, known_from
