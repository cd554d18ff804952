{#- The quarters of AI revenue. One opens on the day the first statement that speaks of it, or of a later one, is public, or
    NVIDIA reports it: before that day nobody could have listed it, and a value carried into it would be a look ahead. -#}
with speaking as (
    select {{ calendar_quarter_of('speaks_on') }} as calendar_quarter, known_on as known_from
    from {{ ref('int_ai_revenue_statements') }}
    where confidence_rank <= 2
    union
    select calendar_quarter, known_from
    from {{ ref('int_metric_quarters') }}
    where metric = 'data_center_revenue' and calendar_quarter >= '2022Q4'
),

names as (
    select distinct calendar_quarter from speaking
),

final as (
    select
        names.calendar_quarter,
        {{ calendar_quarter_start('names.calendar_quarter') }} as quarter_start,
        {{ calendar_quarter_end('names.calendar_quarter') }} as quarter_end,
        min(speaking.known_from) as opened_on
    from names
    inner join speaking on names.calendar_quarter <= speaking.calendar_quarter
    group by names.calendar_quarter
)

select * from final
