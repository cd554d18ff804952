{#- True where a filed fact is a line of the watch list: concept and dimensions of that company's metric, in the years and the
    filings in which it is stated so. -#}
{% macro is_line(fact, line) -%}
    (
        {{ fact }}.cik = {{ line }}.cik
        and {{ fact }}.concept = {{ line }}.concept
        and {{ fact }}.dimensions = {{ line }}.dimensions
        and {{ fact }}.period_end between {{ line }}.valid_from and {{ line }}.valid_to
        and {{ fact }}.filed_on between {{ line }}.filed_from and {{ line }}.filed_to
    )
{%- endmacro %}
