with source as (
    select * from {{ source('raw', 'curated_figures') }}
),

final as (
    select
        figure_id as fact_id,
        company,
        ticker,
        metric,
        value,
        low_value,
        high_value,
        unit,
        qualifier,
        period_type,
        period_start,
        period_end,
        period_label,
        known_on,
        known_on_basis,
        stated_on,
        withdrawn_on,
        coalesce(series, '') as series,
        basis,
        source_kind,
        estimator,
        layer,
        overlaps_with,
        source_title,
        source_url,
        {{ accession_of('source_url') }} as accession,
        confidence,
        is_citable,
        file like 'own:%' as is_own,
        -- A row may feed a headline only from a public address and above low confidence, and never if it is the user's own.
        is_citable and confidence in ('high', 'medium') and file not like 'own:%' as is_headline_grade,
        note
    from source
)

select * from final
