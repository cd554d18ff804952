{#- Fiscal and calendar labels from a period's own dates (docs/method.md, "Quarters"): both from the day in
    its middle. Never from fy/fp, which describe the filing. -#}

{% macro period_midpoint(period_start, period_end) -%}
    {{ add_days(period_start, 'floor(' ~ days_between(period_start, period_end) ~ ' / 2)') }}
{%- endmacro %}

{#- '2026Q2' -#}
{% macro calendar_quarter_of(day) -%}
    concat(cast(year({{ day }}) as string), 'Q', cast(quarter({{ day }}) as string))
{%- endmacro %}

{#- 'FY27Q2': the fiscal year is named after the calendar year it ends in. -#}
{% macro fiscal_quarter_of(day, fiscal_year_end_month) -%}
    concat(
        'FY',
        right(cast(year({{ day }}) + case when month({{ day }}) > {{ fiscal_year_end_month }} then 1 else 0 end as string), 2),
        'Q',
        cast(cast(floor(mod(month({{ day }}) - {{ fiscal_year_end_month }} - 1 + 12, 12) / 3) as integer) + 1 as string)
    )
{%- endmacro %}

{#- First day of a calendar quarter such as '2026Q2'. -#}
{% macro calendar_quarter_start(quarter) -%}
    cast(concat(substr({{ quarter }}, 1, 4), '-', case substr({{ quarter }}, 6, 1) when '1' then '01' when '2' then '04' when '3' then '07' else '10' end, '-01') as date)
{%- endmacro %}

{#- Last day of a calendar quarter such as '2026Q2'. -#}
{% macro calendar_quarter_end(quarter) -%}
    last_day(cast(concat(substr({{ quarter }}, 1, 4), '-', case substr({{ quarter }}, 6, 1) when '1' then '03' when '2' then '06' when '3' then '09' else '12' end, '-01') as date))
{%- endmacro %}

{#- Quarters since year 0, so that neighbours differ by 1. -#}
{% macro quarter_number(quarter) -%}
    (cast(substr({{ quarter }}, 1, 4) as integer) * 4 + cast(substr({{ quarter }}, 6, 1) as integer))
{%- endmacro %}

{#- The quarter of such a number: '2026Q2'. -#}
{% macro quarter_name(number) -%}
    concat(cast(cast(floor(({{ number }} - 1) / 4) as integer) as string), 'Q', cast(mod({{ number }} - 1, 4) + 1 as string))
{%- endmacro %}
