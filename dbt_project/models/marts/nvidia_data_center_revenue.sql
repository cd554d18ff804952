with versions as (
    select * from {{ ref('nvidia_data_center_revenue_versions') }}
),

final as (
    select
        calendar_quarter,
        fiscal_quarter,
        period_start,
        period_end,
        data_center_usd,
        compute_usd,
        networking_usd,
        hyperscale_usd,
        ai_clouds_industrial_enterprise_usd,
        total_revenue_usd,
        value_kind,
        source_kind,
        formula,
        first_known_on,
        known_from,
        fact_ids
    from versions
    where known_to is null
)

select * from final
order by calendar_quarter
