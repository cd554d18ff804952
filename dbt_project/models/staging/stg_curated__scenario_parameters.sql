with source as (
    select * from {{ source('raw', 'scenario_parameters') }}
),

final as (
    select
        fact_id,
        scenario,
        parameter,
        value,
        text_value,
        known_on,
        source_title,
        source_url,
        note
    from source
)

select * from final
