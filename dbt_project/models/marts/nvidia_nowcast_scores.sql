{#- How each method of the nowcast has done: over all quarters since it is made, and over those that have a consensus as well, so
    that two methods are compared on the same quarters. -#}
with nowcasts as (
    select * from {{ ref('nvidia_nowcast') }}
    where actual_usd is not null
),

samples as (
    select calendar_quarter, 'all quarters' as sample from nowcasts
    where method = 'guidance_beat'
    union all
    select calendar_quarter, 'quarters with a consensus' from nowcasts
    where method = 'consensus'
),

scored as (
    select
        samples.sample,
        nowcasts.*,
        row_number() over (
            partition by samples.sample, nowcasts.method order by nowcasts.error_share, nowcasts.calendar_quarter
        ) as place,
        count(*) over (partition by samples.sample, nowcasts.method) as quarters
    from samples
    inner join nowcasts on samples.calendar_quarter = nowcasts.calendar_quarter
    where samples.sample <> 'all quarters' or nowcasts.method <> 'consensus'
),

final as (
    select
        method,
        sample,
        quarters,
        {{ share_of('cast(sum(error_share) * 1000000 as bigint)', 'cast(quarters * 1000000 as bigint)') }} as mean_error_share,
        {{ share_of(
            'cast(sum(case when 2 * place between quarters and quarters + 2 then error_share else 0 end) * 1000000 as bigint)',
            'cast(case when mod(quarters, 2) = 0 then 2000000 else 1000000 end as bigint)'
        ) }} as median_error_share,
        cast(sum(case when is_within then 1 else 0 end) as bigint) as quarters_within,
        count(is_within) as quarters_with_interval,
        max(reported_on) as known_from,
        {{ array_union_sorted(agg_array_union('fact_ids'), agg_array_union('actual_fact_ids')) }} as fact_ids
    from scored
    group by method, sample, quarters
)

select * from final
order by sample, method
