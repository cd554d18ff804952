{#- NVIDIA's data-center revenue on a yearly footing, by basis and knowledge interval: 4 x the quarter reported, or the sum of
    the last four quarters; and 4 x the quarter of all accelerators that are stated, NVIDIA's among them. A forecast x 4 belongs to a scenario and comes from its parameters. -#}
with quarters as (
    select * from {{ ref('int_metric_quarters') }}
    where ticker = 'NVDA' and metric = 'data_center_revenue'
),

actual as (
    select
        calendar_quarter,
        'actual_run_rate' as run_rate_basis,
        4 * value_usd as run_rate_usd,
        value_kind,
        concat('4 x data-center revenue (', formula, ')') as formula,
        known_from,
        known_to,
        fact_ids
    from quarters
),

changes as (
    select calendar_quarter, known_from from quarters
    union
    select calendar_quarter, known_to as known_from from quarters
    where known_to is not null
),

-- Every day one of the four quarters changed.
days as (
    select distinct
        target.calendar_quarter,
        source.known_from
    from quarters as target
    inner join changes as source
        on {{ quarter_number('target.calendar_quarter') }} - {{ quarter_number('source.calendar_quarter') }} between 0 and 3
),

trailing_known as (
    select
        days.calendar_quarter,
        days.known_from,
        cast(sum(quarters.value_usd) as bigint) as run_rate_usd,
        count(quarters.value_usd) as quarters_known,
        {{ agg_array_union('quarters.fact_ids') }} as fact_ids
    from days
    left join quarters
        on
            {{ quarter_number('days.calendar_quarter') }} - {{ quarter_number('quarters.calendar_quarter') }} between 0 and 3
            and {{ in_force('quarters', 'days.known_from') }}
    group by days.calendar_quarter, days.known_from
),

trailing_versions as (
    {{ versions_of(
        'trailing_known',
        key=['calendar_quarter'],
        state=['run_rate_usd', 'quarters_known', 'fact_ids'],
        columns=['calendar_quarter', 'run_rate_usd', 'fact_ids', 'quarters_known'],
        present='quarters_known = 4',
    ) }}
),

trailing_complete as (
    select
        calendar_quarter,
        'trailing_12m' as run_rate_basis,
        run_rate_usd,
        'derived' as value_kind,
        'sum of the last four quarters of data-center revenue' as formula,
        known_from,
        known_to,
        fact_ids
    from trailing_versions
),

vendors as (
    select * from {{ ref('int_accelerator_revenue') }}
),

vendor_changes as (
    select calendar_quarter, known_from from vendors
    union
    select calendar_quarter, known_to from vendors
    where known_to is not null
),

accelerators_known as (
    select
        vendor_changes.calendar_quarter,
        vendor_changes.known_from,
        4 * cast(sum(vendors.revenue_usd) as bigint) as run_rate_usd,
        count(vendors.vendor) as vendors_stated,
        coalesce(max(case when vendors.vendor = 'NVIDIA' then 1 else 0 end), 0) as has_nvidia,
        {{ agg_array_union('vendors.fact_ids') }} as fact_ids
    from vendor_changes
    left join vendors
        on
            vendor_changes.calendar_quarter = vendors.calendar_quarter
            and {{ in_force('vendors', 'vendor_changes.known_from') }}
    group by vendor_changes.calendar_quarter, vendor_changes.known_from
),

accelerators as (
    {{ versions_of(
        'accelerators_known',
        key=['calendar_quarter'],
        state=['run_rate_usd', 'vendors_stated', 'has_nvidia', 'fact_ids'],
        columns=['calendar_quarter', 'run_rate_usd', 'fact_ids', 'vendors_stated', 'has_nvidia'],
        present='has_nvidia = 1 and vendors_stated > 1',
    ) }}
),

all_accelerators as (
    select
        calendar_quarter,
        'all_accelerators' as run_rate_basis,
        run_rate_usd,
        'derived' as value_kind,
        concat('4 x what ', cast(vendors_stated as string), ' vendors of accelerators state of the quarter') as formula,
        known_from,
        known_to,
        fact_ids
    from accelerators
),

final as (
    select * from actual
    union all
    select * from trailing_complete
    union all
    select * from all_accelerators
)

select * from final
