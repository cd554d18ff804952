{#- Everything DuckDB and Spark spell differently, in one place. Model SQL uses nothing else
    that only one of them accepts. -#}

{#- Whole days from `first` to `last` (BIGINT). -#}
{% macro days_between(first, last) %}{{ return(adapter.dispatch('days_between', 'ai_revenue_gap')(first, last)) }}{% endmacro %}
{% macro default__days_between(first, last) %}({{ last }} - {{ first }}){% endmacro %}
{% macro spark__days_between(first, last) %}cast(datediff({{ last }}, {{ first }}) as bigint){% endmacro %}

{#- A date `days` later. -#}
{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days', 'ai_revenue_gap')(day, days)) }}{% endmacro %}
{% macro default__add_days(day, days) %}({{ day }} + cast({{ days }} as integer)){% endmacro %}
{% macro spark__add_days(day, days) %}date_add({{ day }}, cast({{ days }} as int)){% endmacro %}

{#- Columns of a row as one text, which changes when one of them does. NULL is written as '': concat of a NULL is
    NULL in Spark, and nothing differs from NULL. -#}
{% macro state_of(columns) -%}
    concat(
        {%- for column in columns %}coalesce(cast({{ column }} as string), ''){% if not loop.last %}, '|', {% endif %}{% endfor -%}
    )
{%- endmacro %}

{#- Text[] of one value; sorted distinct union of arrays; sorted distinct aggregate. -#}
{% macro array_of(value) %}{{ return(adapter.dispatch('array_of', 'ai_revenue_gap')(value)) }}{% endmacro %}
{% macro default__array_of(value) %}[{{ value }}]{% endmacro %}
{% macro spark__array_of(value) %}array({{ value }}){% endmacro %}

{% macro no_ids() %}{{ return(adapter.dispatch('no_ids', 'ai_revenue_gap')()) }}{% endmacro %}
{% macro default__no_ids() %}cast([] as varchar []){% endmacro %}
{% macro spark__no_ids() %}cast(array() as array<string>){% endmacro %}

{% macro array_union_sorted(left, right) %}{{ return(adapter.dispatch('array_union_sorted', 'ai_revenue_gap')(left, right)) }}{% endmacro %}
{% macro default__array_union_sorted(left, right) %}list_sort(list_distinct(list_concat({{ left }}, {{ right }}))){% endmacro %}
{% macro spark__array_union_sorted(left, right) %}array_sort(array_union(coalesce({{ left }}, array()), coalesce({{ right }}, array()))){% endmacro %}

{#- Sorted distinct union of an array column over a group. -#}
{% macro agg_array_union(column) %}{{ return(adapter.dispatch('agg_array_union', 'ai_revenue_gap')(column)) }}{% endmacro %}
{% macro default__agg_array_union(column) %}list_sort(list_distinct(flatten(list({{ column }})))){% endmacro %}
{% macro spark__agg_array_union(column) %}array_sort(array_distinct(flatten(collect_list({{ column }})))){% endmacro %}

{#- One row per element of an array column: use as `from t {{ explode_ids('t.fact_ids', 'fact_id') }}`. -#}
{% macro explode_ids(column, name) %}{{ return(adapter.dispatch('explode_ids', 'ai_revenue_gap')(column, name)) }}{% endmacro %}
{% macro default__explode_ids(column, name) %}cross join unnest({{ column }}) as exploded ({{ name }}){% endmacro %}
{% macro spark__explode_ids(column, name) %}lateral view explode({{ column }}) exploded as {{ name }}{% endmacro %}

{#- Whole dollars: `numerator / divisor`, rounded half up, for a non-negative BIGINT numerator and a
    DECIMAL divisor of at most six places. Integer arithmetic: DuckDB divides DECIMALs in floating point,
    Spark rounds a quotient to six places before anything can round it to whole dollars. -#}
{% macro divide_usd(numerator, divisor) %}{{ return(adapter.dispatch('divide_usd', 'ai_revenue_gap')(numerator, divisor)) }}{% endmacro %}
{% macro default__divide_usd(numerator, divisor) -%}
    cast(
        (2 * cast({{ numerator }} as hugeint) * 1000000 + cast({{ divisor }} * 1000000 as hugeint))
        // nullif(2 * cast({{ divisor }} * 1000000 as hugeint), 0)
        as bigint
    )
{%- endmacro %}
{% macro spark__divide_usd(numerator, divisor) -%}
    (2 * cast({{ numerator }} as decimal(19, 0)) * 1000000 + cast({{ divisor }} * 1000000 as decimal(12, 0)))
    div nullif(2 * cast({{ divisor }} * 1000000 as decimal(12, 0)), 0)
{%- endmacro %}

{#- Whole dollars: `amount * share`, rounded half up; same bounds. -#}
{% macro multiply_usd(amount, share) %}{{ return(adapter.dispatch('multiply_usd', 'ai_revenue_gap')(amount, share)) }}{% endmacro %}
{% macro default__multiply_usd(amount, share) -%}
    cast((2 * cast({{ amount }} as hugeint) * cast({{ share }} * 1000000 as hugeint) + 1000000) // 2000000 as bigint)
{%- endmacro %}
{% macro spark__multiply_usd(amount, share) -%}
    (2 * cast({{ amount }} as decimal(19, 0)) * cast({{ share }} * 1000000 as decimal(12, 0)) + 1000000) div 2000000
{%- endmacro %}

{#- DECIMAL(18, 6): `part / whole`, rounded half up, NULL where the whole is 0. -#}
{% macro share_of(part, whole) %}{{ return(adapter.dispatch('share_of', 'ai_revenue_gap')(part, whole)) }}{% endmacro %}
{% macro default__share_of(part, whole) -%}
    cast(
        cast(
            (2 * cast({{ part }} as hugeint) * 1000000 + cast({{ whole }} as hugeint))
            // nullif(2 * cast({{ whole }} as hugeint), 0)
            as decimal(12, 0)
        ) * cast(0.000001 as decimal(6, 6))
        as decimal(18, 6)
    )
{%- endmacro %}
{% macro spark__share_of(part, whole) -%}
    cast(
        (
            (2 * cast({{ part }} as decimal(19, 0)) * 1000000 + cast({{ whole }} as decimal(19, 0)))
            div nullif(2 * cast({{ whole }} as decimal(19, 0)), 0)
        ) * cast(0.000001 as decimal(6, 6))
        as decimal(18, 6)
    )
{%- endmacro %}

{#- Whole dollars on the log-linear line from `first` to `last`, `days` after the first of `of_days` days: exactly the one and the
    other at the ends, and never outside them. The only floats of the project, rounded at once to thousands, so that the last bit of
    a platform's exp() decides nothing. -#}
{% macro log_linear_usd(first, last, days, of_days) -%}
    case
        when {{ days }} = 0 then {{ first }}
        when {{ days }} = {{ of_days }} then {{ last }}
        else least(
            greatest({{ first }}, {{ last }}),
            greatest(
                least({{ first }}, {{ last }}),
                1000 * cast(round(exp(ln({{ first }}) + (ln({{ last }}) - ln({{ first }})) * {{ days }} / {{ of_days }}) / 1000) as bigint)
            )
        )
    end
{%- endmacro %}

{#- Whole dollars `days` after a value that has grown from `previous` over `of_days` days, if it goes on so for at most as long. -#}
{% macro grown_usd(value, previous, days, of_days) -%}
    case
        when {{ days }} > 0 and {{ value }} > {{ previous }}
            then 1000 * cast(
                round(exp(ln({{ value }}) + (ln({{ value }}) - ln({{ previous }})) * least({{ days }}, {{ of_days }}) / {{ of_days }}) / 1000)
                as bigint
            )
        else {{ value }}
    end
{%- endmacro %}

{#- The parts of a text between '; ', as an array. -#}
{% macro listed(text) %}split({{ text }}, '; '){% endmacro %}

{#- Integers from 0 to `last`, as an array. -#}
{% macro counted_to(last) %}{{ return(adapter.dispatch('counted_to', 'ai_revenue_gap')(last)) }}{% endmacro %}
{% macro default__counted_to(last) %}range(0, {{ last }} + 1){% endmacro %}
{% macro spark__counted_to(last) %}sequence(0, {{ last }}){% endmacro %}

{#- The same union over a named window. -#}
{% macro collect_array_union_over(column, window_name) %}{{ return(adapter.dispatch('collect_array_union_over', 'ai_revenue_gap')(column, window_name)) }}{% endmacro %}
{% macro default__collect_array_union_over(column, window_name) %}list_sort(list_distinct(flatten(list({{ column }}) over {{ window_name }}))){% endmacro %}
{% macro spark__collect_array_union_over(column, window_name) %}array_sort(array_distinct(flatten(collect_list({{ column }}) over {{ window_name }}))){% endmacro %}

{#- The member a canonical dimension text carries on an axis ('' where it carries none). -#}
{% macro member_of(dimensions, axis) -%}
    regexp_extract({{ dimensions }}, '(^|;){{ axis }}=([^;]+)', 2)
{%- endmacro %}

{#- The accession number of the filing whose folder an EDGAR address leads into; null for any other address. -#}
{% macro accession_of(url) -%}
    {%- set digits = "regexp_extract(" ~ url ~ ", '[.]sec[.]gov/Archives/edgar/data/[0-9]+/([0-9]{18})', 1)" -%}
    case
        when {{ digits }} <> ''
            then concat(substr({{ digits }}, 1, 10), '-', substr({{ digits }}, 11, 2), '-', substr({{ digits }}, 13, 6))
    end
{%- endmacro %}

{#- A text literal with apostrophes in it. Before Spark 4, '' joins two literals there and the apostrophe is lost. -#}
{% macro quoted(text) %}{{ return(adapter.dispatch('quoted', 'ai_revenue_gap')(text)) }}{% endmacro %}
{% macro default__quoted(text) %}'{{ text | replace("'", "''") }}'{% endmacro %}
{% macro spark__quoted(text) %}'{{ text | replace("'", "\\'") }}'{% endmacro %}

{#- Subscript of an array's first element. -#}
{% macro first_index() %}{{ return(adapter.dispatch('first_index', 'ai_revenue_gap')()) }}{% endmacro %}
{% macro default__first_index() %}1{% endmacro %}
{% macro spark__first_index() %}0{% endmacro %}

{#- The row that dbt compares a model with to hold it to its contract. Contracts name types as DuckDB does; Spark wants a length
    with varchar, and writes an array otherwise. -#}
{% macro spark__get_empty_schema_sql(columns) -%}
    {%- set spark_types = {'varchar': 'string', 'varchar[]': 'array<string>'} -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ spark_types.get(column.data_type, column.data_type) }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
