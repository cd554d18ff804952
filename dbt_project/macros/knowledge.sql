{#- What was known when, in four words. A version of a row holds in [known_from, known_to): from the New York day it became
    public until the day a newer one replaced it, open while it stands. Nothing else in the models compares those days. -#}

{#- True where `row` (a relation of versions) is what was known on `day`. Statements have other names for the same two days:
    in_force('figures', 'days.known_from', 'known_on', 'withdrawn_on'). -#}
{% macro in_force(row, day, since='known_from', until='known_to') -%}
    ({{ day }} >= {{ row }}.{{ since }} and ({{ row }}.{{ until }} is null or {{ day }} < {{ row }}.{{ until }}))
{%- endmacro %}

{#- Of the rows of `relation` that share `key`, the first by `order`. All its columns come along, and one named after the
    relation, so that a ranking of what was ranked before reads its own. -#}
{% macro latest_of(relation, key, order) -%}
    select * from (
        select
            *,
            row_number() over (partition by {{ key | join(', ') }} order by {{ order | join(', ') }}) as {{ relation }}_place
        from {{ relation }}
    ) as ranked
    where {{ relation }}_place = 1
{%- endmacro %}

{#- Versions of each `key` from `relation`, which holds its state on each day (`known_from`) something about it changed. A day
    on which none of `state` changed, values and sources, is folded into the version before. A row may also say that nothing
    is known any more: it ends the version before and is none itself, where `present` is false of it. -#}
{% macro versions_of(relation, key, state, columns, present='true') -%}
    {%- set history = 'over (partition by ' ~ key | join(', ') ~ ' order by known_from)' -%}
    select * from (
        select
            {% for column in columns %}{{ column }}, {% endfor %}
            known_from,
            lead(known_from) {{ history }} as known_to
        from (
            select
                *,
                {{ state_of(state) }} as state_of_row,
                lag({{ state_of(state) }}) {{ history }} as previous_state_of_row
            from {{ relation }}
        ) as compared
        where previous_state_of_row is null or previous_state_of_row <> state_of_row
    ) as versions
    where {{ present }}
{%- endmacro %}

{#- A current mart: the open versions of `versions`, in the columns that the mart's own yml names. -#}
{% macro current_of(versions, order) -%}
    select {{ model.columns.keys() | join(', ') }}
    from {{ ref(versions) }}
    where known_to is null
    order by {{ order | join(', ') }}
{%- endmacro %}
