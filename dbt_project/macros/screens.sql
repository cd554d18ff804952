{#- What is set aside, and how an operator's decision changes that. -#}

{#- How each row of `statements` stands to its neighbours in time, as known when the row was: the other documents'
    statements of the same company and metric within 400 days, the newest of each period. One row for each that has any.
    Expects columns row_id, cik, metric, document, known_from, period_start, period_end, value_usd, max_step, may_vouch (it
    counts as a neighbour). -#}
{% macro steps(statements) %}
    select
        row_id,
        max(case when place = 1 then other_per_day_usd end) as neighbour_per_day_usd,
        max(per_day_usd) as per_day_usd,
        max(case when place = 1 and is_apart then 1 else 0 end) as is_apart_from_nearest,
        sum(case when is_apart then 1 else 0 end) as apart_from,
        count(*) as neighbours
    from (
        select
            *,
            per_day_usd > max_step * other_per_day_usd or max_step * per_day_usd < other_per_day_usd as is_apart,
            row_number() over (partition by row_id order by distance_days, other_end desc, other_start desc) as place
        from (
            select
                rated.row_id,
                rated.max_step,
                rated.per_day_usd,
                neighbour.per_day_usd as other_per_day_usd,
                neighbour.period_start as other_start,
                neighbour.period_end as other_end,
                abs(neighbour.middle - rated.middle) as distance_days,
                row_number() over (
                    partition by rated.row_id, neighbour.period_start, neighbour.period_end
                    order by neighbour.known_from desc, neighbour.row_id
                ) as newest
            from ({{ per_day(statements) }}) as rated
            inner join ({{ per_day(statements) }}) as neighbour
                on
                    rated.cik = neighbour.cik
                    and rated.metric = neighbour.metric
                    and rated.document <> neighbour.document
                    and rated.known_from >= neighbour.known_from
                    and abs(neighbour.middle - rated.middle) <= 400
            where neighbour.may_vouch and rated.max_step > 0
        ) as pairs
        where newest = 1
    ) as placed
    where place <= 3
    group by row_id
{% endmacro %}

{% macro per_day(statements) %}
    select
        *,
        {{ days_between("cast('1970-01-01' as date)", period_midpoint('period_start', 'period_end')) }} as middle,
        {{ divide_usd('abs(value_usd)', 'cast(' ~ days_between('period_start', 'period_end') ~ ' + 1 as decimal(6, 0))') }}
            as per_day_usd
    from {{ statements }}
    where value_usd is not null
{% endmacro %}

{#- `statements` with may_vouch anew: whoever stood apart at a look vouches for nobody, unless an operator accepted it. -#}
{% macro witnesses(statements, look) %}
    select
        statement.row_id,
        statement.cik,
        statement.metric,
        statement.document,
        statement.known_from,
        statement.period_start,
        statement.period_end,
        statement.value_usd,
        statement.max_step,
        statement.is_accepted or not coalesce({{ is_apart('look') }}, false) as may_vouch
    from {{ statements }} as statement
    left join {{ look }} as look on statement.row_id = look.row_id
{% endmacro %}

{#- A row of `steps` that stands apart: more than max_step times the nearest and most of the nearest three, or less than
    that part of them. -#}
{% macro is_apart(steps) -%}
    ({{ steps }}.is_apart_from_nearest = 1 and ({{ steps }}.apart_from >= 2 or {{ steps }}.neighbours = 1))
{%- endmacro %}

{% macro how_apart(steps) -%}
    {%- set larger = 'greatest(' ~ steps ~ '.per_day_usd, ' ~ steps ~ '.neighbour_per_day_usd)' -%}
    {%- set smaller = 'greatest(1, least(' ~ steps ~ '.per_day_usd, ' ~ steps ~ '.neighbour_per_day_usd))' -%}
    {%- set is_larger = steps ~ '.per_day_usd > ' ~ steps ~ '.neighbour_per_day_usd' -%}
    concat(
        'stands apart from its neighbours in time: a day of ',
        case when {{ is_larger }} then 'it' else 'the nearest other statement' end,
        ' is ',
        cast(
            cast({{ share_of('least(' ~ larger ~ ', 100000 * ' ~ smaller ~ ')', smaller) }} as decimal(18, 3)) as string
        ),
        ' times a day of ',
        case when {{ is_larger }} then 'the nearest other statement' else 'it' end
    )
{%- endmacro %}

{#- Decisions that speak of a row: of its document, of the metric in it, or of one period of that. -#}
{% macro decided(row, decision) -%}
    {{ row }}.accession = {{ decision }}.accession
    and ({{ decision }}.metric is null or {{ row }}.metric = {{ decision }}.metric)
    and ({{ decision }}.period_end is null or {{ row }}.period_end = {{ decision }}.period_end)
{%- endmacro %}

{#- From when to when each row of `statements` is used: from its day on if it is sound, else from the day an operator
    accepts it; not from the day one rejects it. The newest word holds. Expects columns row_id, accession, metric,
    period_end, is_sound, known_from, and a CTE `decisions`. -#}
{% macro used_when(statements) %}
    select
        row_id,
        used_from,
        used_to
    from (
        select
            *,
            lead(used_from) over (partition by row_id order by used_from, number) as used_to
        from (
            select
                row_id,
                known_from as used_from,
                is_sound as is_used,
                0 as number
            from {{ statements }}
            union all
            select
                statement.row_id,
                greatest(statement.known_from, decisions.decided_on) as used_from,
                case decisions.verdict when 'accept' then true when 'reject' then false else statement.is_sound end as is_used,
                decisions.number
            from {{ statements }} as statement
            inner join decisions on {{ decided('statement', 'decisions') }}
        ) as words
    ) as intervals
    where is_used and (used_to is null or used_from < used_to)
{% endmacro %}

{#- The rows of `relation` all of whose statements of filings and press are used today: what rests on one that was rejected or
    corrected since is left out, also where a version of it stood once. -#}
{% macro resting_on_used_statements(relation) %}
    select {{ relation }}.*
    from {{ relation }}
    left join (
        select distinct cast(parts.fact_ids as string) as fact_ids
        from (
            select {{ relation }}.fact_ids, exploded.fact_id
            from {{ relation }} {{ explode_ids(relation ~ '.fact_ids', 'fact_id') }}
        ) as parts
        left join (
            select distinct exploded.fact_id
            from (
                select fact_ids from {{ ref('int_usable_observations') }}
                where used_to is null
            ) as observations {{ explode_ids('observations.fact_ids', 'fact_id') }}
        ) as used on parts.fact_id = used.fact_id
        where used.fact_id is null
    ) as out_of_use on cast({{ relation }}.fact_ids as string) = out_of_use.fact_ids
    where out_of_use.fact_ids is null
{% endmacro %}

{#- The order of statements made on one day, the last word first: an amendment after the report, a report after a recast in
    passing, then by acceptance. Accession numbers of different filer agents have no order. -#}
{% macro later_word_first(row) -%}
    case when {{ row }}.form like '%/A' then 1 when {{ row }}.form like '8-K%' or {{ row }}.form like '6-K%' then 3 else 2 end,
    coalesce({{ row }}.known_at, '') desc,
    {{ row }}.accession desc,
    {{ row }}.priority,
    case when {{ row }}.is_implied then 2 else 1 end,
    cast({{ row }}.fact_ids as string)
{%- endmacro %}
