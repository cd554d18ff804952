-- Children of the Data Center platform sum to it (rounded press figures within their rounding), and it never exceeds the total.
select
    calendar_quarter,
    data_center_usd,
    compute_usd,
    networking_usd,
    hyperscale_usd,
    ai_clouds_industrial_enterprise_usd,
    total_revenue_usd
from {{ ref('nvidia_data_center_revenue') }}
where
    abs(compute_usd + networking_usd - data_center_usd) > 100000000
    or hyperscale_usd + ai_clouds_industrial_enterprise_usd <> data_center_usd
    or data_center_usd > total_revenue_usd
