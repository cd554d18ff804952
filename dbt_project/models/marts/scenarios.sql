with versions as (
    select * from {{ ref('scenarios_versions') }}
),

final as (
    select
        scenario,
        parameter,
        value,
        text_value,
        known_from,
        source_title,
        source_url,
        note,
        fact_id
    from versions
    where known_to is null
)

select * from final
order by scenario, parameter
