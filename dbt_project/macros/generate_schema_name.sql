{#- A model lives in the schema of its folder, as `schema.table`, in every target: the name seen in
    the Dagster UI is the name typed in SQL. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
