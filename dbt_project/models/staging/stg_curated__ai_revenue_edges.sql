with source as (
    select * from {{ source('raw', 'ai_revenue_edges') }}
),

final as (
    select
        edge_id as fact_id,
        payer,
        payer_layer,
        payee,
        payee_layer,
        case when unit = 'USD' then cast(value as bigint) end as amount_usd,
        case when unit = 'USD' then cast(low_value as bigint) end as low_usd,
        case when unit = 'USD' then cast(high_value as bigint) end as high_usd,
        case when unit = 'share' then cast(value as decimal(9, 6)) end as share,
        case when unit = 'share' then cast(low_value as decimal(9, 6)) end as low_share,
        case when unit = 'share' then cast(high_value as decimal(9, 6)) end as high_share,
        share_of,
        payer = '(any)' or payee = '(any)' as is_default,
        qualifier,
        period_type,
        period_start,
        period_end,
        known_on,
        known_on_basis,
        source_kind,
        source_title,
        source_url,
        {{ accession_of('source_url') }} as accession,
        confidence,
        is_citable,
        -- An edge may move the headline only from a public address and above low confidence; else the default applies.
        is_citable and confidence in ('high', 'medium') as is_headline_grade,
        note
    from source
)

select * from final
