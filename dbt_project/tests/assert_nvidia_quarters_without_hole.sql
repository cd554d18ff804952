{{ config(severity='warn') }}
-- The headline series has one row for every quarter from its first to its last: where one is missing, coverage says why.
with numbered as (
    select
        calendar_quarter,
        {{ quarter_number('calendar_quarter') }} as number,
        lag({{ quarter_number('calendar_quarter') }}) over (order by calendar_quarter) as previous_number,
        period_start,
        lag(period_end) over (order by calendar_quarter) as previous_end
    from {{ ref('nvidia_data_center_revenue') }}
)

select * from numbered
where
    number - previous_number <> 1
    or {{ days_between('previous_end', 'period_start') }} <> 1
