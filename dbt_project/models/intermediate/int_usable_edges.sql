{#- Payments between companies, and from when to when each is used: not while an operator rejects the filing that it was read
    from. -#}
with edges as (
    select * from {{ ref('stg_curated__ai_revenue_edges') }}
),

decisions as (
    select * from {{ ref('stg_operator__decisions') }}
),

judged as (
    select
        fact_id as row_id,
        accession,
        'ai_revenue_payment' as metric,
        period_end,
        known_on as known_from,
        true as is_sound
    from edges
),

used as (
    {{ used_when('judged') }}
),

final as (
    select
        edges.fact_id,
        edges.payer,
        edges.payer_layer,
        edges.payee,
        edges.payee_layer,
        edges.amount_usd,
        edges.low_usd,
        edges.high_usd,
        edges.share,
        edges.low_share,
        edges.high_share,
        edges.share_of,
        edges.is_default,
        edges.period_type,
        edges.period_start,
        edges.period_end,
        used.used_from as known_on,
        used.used_to as withdrawn_on,
        edges.source_kind,
        edges.confidence,
        edges.is_citable,
        edges.is_headline_grade
    from edges
    inner join used on edges.fact_id = used.row_id
)

select * from final
