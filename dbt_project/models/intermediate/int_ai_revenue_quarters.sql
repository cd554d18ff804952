{#- The quarters of AI revenue. One opens on the day the first statement that speaks of it, or of a later one, is public, or
    NVIDIA reports it: before that day nobody could have listed it, and a value carried into it would be a look ahead. -#}
with speaking as (
    select {{ calendar_quarter_of('speaks_on') }} as calendar_quarter, known_on as known_from
    from {{ ref('int_ai_revenue_statements') }}
    where confidence_rank <= 2 and not is_own
    union
    select calendar_quarter, known_from
    from {{ ref('int_metric_quarters') }}
    where metric = 'data_center_revenue' and calendar_quarter >= '2022Q4'
),

span as (
    select
        min({{ quarter_number('calendar_quarter') }}) as first_number,
        max({{ quarter_number('calendar_quarter') }}) as last_number
    from speaking
),

-- Without a hole: a quarter of which nobody speaks lies between two of which somebody does.
names as (
    select {{ quarter_name('span.first_number + exploded.passed') }} as calendar_quarter
    from span {{ explode_ids(counted_to('(span.last_number - span.first_number)'), 'passed') }}
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
