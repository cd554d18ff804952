{#- Numbers in the sentences of marts.standing_statements. Everything else is worded where it is shown. -#}

{#- '6.5 %' of a share 0..1. -#}
{% macro percent_text(share) -%}
    concat(cast(cast(100 * {{ share }} as decimal(18, 1)) as string), ' %')
{%- endmacro %}

{#- '383.2 billion dollars' of whole dollars. -#}
{% macro billions_text(usd) -%}
    concat(cast(cast({{ share_of(usd, 'cast(1000000000 as bigint)') }} as decimal(18, 1)) as string), ' billion dollars')
{%- endmacro %}
