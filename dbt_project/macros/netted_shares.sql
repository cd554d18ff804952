{#- What part of each company's revenue of a quarter another counted company's revenue already holds, in every knowledge
    interval. At a payee: what its payers are known to pay, or the stated default of its layer where that is more (a payment
    that is known is a floor of what all payers pay). At a payer of which only the layer's default is known: that, less what
    is netted at its payees. Weak edges move the ends of the range, never the centre. -#}

{#- :param basis: the estimated run rates that are netted, of which those of `own:` have the user's figures among them. -#}
{% macro netted_shares(basis) %}
{%- set counts_own = 'true' if basis.startswith('own:') else 'false' %}
with pairs as (
    select * from {{ ref('int_ai_revenue_edge_shares') }}
    where counts_own = {{ counts_own }}
),

defaults as (
    select
        *,
        coalesce(period_start, period_end) as first_day
    from {{ ref('int_usable_edges') }}
    where is_default and is_headline_grade
),

gross as (
    select * from {{ ref('int_ai_revenue_gross') }}
    where ai_revenue_basis = '{{ basis }}'
),

statements as (
    select * from {{ ref('int_ai_revenue_statements') }}
    where {{ counts_own }} or not is_own
),

roles as (
    select * from {{ ref('stg_curated__ai_revenue_roles') }}
    where role = 'counted'
),

quarters as (
    select * from {{ ref('int_ai_revenue_quarters') }}
),

superseding as (
    select
        roles.company,
        roles.superseded_by,
        roles.superseded_from,
        min(statements.known_on) as superseded_known_on
    from roles
    inner join statements on roles.superseded_by = statements.company and statements.confidence_rank <= 2
    group by roles.company, roles.superseded_by, roles.superseded_from
),

days as (
    select distinct known_from from pairs
    union
    select known_from from gross
    union
    select known_on from defaults
    union
    select withdrawn_on from defaults
    where withdrawn_on is not null
    union
    select superseded_known_on from superseding
),

companies as (
    select
        days.known_from,
        gross.company,
        gross.calendar_quarter,
        gross.layer,
        quarters.quarter_start,
        quarters.quarter_end
    from days
    inner join gross on {{ in_force('gross', 'days.known_from') }}
    inner join quarters on gross.calendar_quarter = quarters.calendar_quarter
),

declared as (
    select distinct
        days.known_from,
        statements.company
    from days
    inner join statements on {{ in_force('statements', 'days.known_from', 'known_on', 'withdrawn_on') }}
    where statements.has_overlap
),

layers as (
    select
        days.known_from,
        gross.calendar_quarter,
        gross.layer,
        cast(sum(gross.gross_usd) as bigint) as gross_usd
    from days
    inner join gross on {{ in_force('gross', 'days.known_from') }}
    where gross.gross_usd is not null
    group by days.known_from, gross.calendar_quarter, gross.layer
),

-- A default says what part of the payee's dollar, or of the payer's, goes from one layer to the next. At a cloud the second
-- kind is a part of what all labs earn, over what all clouds do. What was found out about a layer comes before what was
-- assumed, the period nearest to the quarter before others, the newest first.
default_candidates as (
    select
        companies.known_from,
        companies.company,
        companies.calendar_quarter,
        companies.layer = defaults.payer_layer as is_at_payer,
        case
            when companies.layer = defaults.payer_layer or defaults.share_of = 'payee_revenue' then defaults.share
            else least(1, {{ share_of(multiply_usd('payers.gross_usd', 'defaults.share'), 'payees.gross_usd') }})
        end as share,
        case defaults.source_kind when 'assumption' then 2 else 1 end as source_rank,
        defaults.known_on,
        defaults.fact_id,
        case
            when defaults.first_day > companies.quarter_end then {{ days_between('companies.quarter_end', 'defaults.first_day') }}
            when defaults.period_type = 'instant' or defaults.period_end >= companies.quarter_start then 0
            else {{ days_between('defaults.period_end', 'companies.quarter_start') }}
        end as days_away
    from companies
    inner join declared on companies.known_from = declared.known_from and companies.company = declared.company
    inner join defaults
        on
            {{ in_force('defaults', 'companies.known_from', 'known_on', 'withdrawn_on') }}
            and (
                (companies.layer = 'application' and defaults.payer_layer = companies.layer)
                or (companies.layer = 'cloud_infrastructure' and defaults.payee_layer = companies.layer)
            )
    left join layers as payers
        on
            companies.known_from = payers.known_from
            and companies.calendar_quarter = payers.calendar_quarter
            and defaults.payer_layer = payers.layer
    left join layers as payees
        on
            companies.known_from = payees.known_from
            and companies.calendar_quarter = payees.calendar_quarter
            and companies.layer = payees.layer
),

default_of as (
    {{ latest_of(
        'default_candidates',
        key=['known_from', 'company', 'calendar_quarter'],
        order=['source_rank', 'days_away', 'known_on desc', 'fact_id'],
    ) }}
),

default_range as (
    select
        known_from,
        company,
        calendar_quarter,
        min(share) as low_share,
        max(share) as high_share,
        {{ agg_array_union(array_of('fact_id')) }} as fact_ids
    from default_candidates
    group by known_from, company, calendar_quarter
),

-- A pair with a firm and a weak figure takes each end from whichever reaches further.
widest as (
    select
        *,
        row_number() over (partition by known_from, payee, payer, calendar_quarter order by low_share) as low_place,
        row_number() over (partition by known_from, payee, payer, calendar_quarter order by high_share desc) as high_place
    from pairs
),

received as (
    select
        known_from,
        payee as company,
        calendar_quarter,
        sum(case when is_headline_grade then share else 0 end) as share,
        sum(case when low_place = 1 then low_share else 0 end) as low_share,
        sum(case when high_place = 1 then high_share else 0 end) as high_share,
        {{ agg_array_union('case when is_headline_grade then fact_ids else ' ~ no_ids() ~ ' end') }} as fact_ids,
        max(case when is_headline_grade then 1 else 0 end) = 1 as is_sourced,
        {{ agg_array_union('fact_ids') }} as range_fact_ids
    from widest
    group by known_from, payee, calendar_quarter
),

-- Of a payment of several together, each has the part that its revenue is of theirs.
paid as (
    select
        pairs.known_from,
        exploded.payer as company,
        pairs.calendar_quarter,
        sum({{ share_of(multiply_usd('pairs.payee_usd', 'pairs.share'), 'pairs.payer_usd') }}) as share,
        {{ agg_array_union('pairs.fact_ids') }} as fact_ids
    from pairs {{ explode_ids(listed('pairs.payer'), 'payer') }}
    where pairs.is_headline_grade and pairs.payer_usd > 0
    group by pairs.known_from, exploded.payer, pairs.calendar_quarter
),

shares as (
    select
        companies.known_from,
        companies.company,
        companies.calendar_quarter,
        companies.layer,
        superseding.superseded_by,
        declared.company is not null as has_overlap,
        coalesce(default_of.is_at_payer, false) as is_at_payer,
        coalesce(received.share, 0) as received_share,
        coalesce(received.low_share, 0) as received_low_share,
        coalesce(received.high_share, 0) as received_high_share,
        coalesce(received.is_sourced, false) as is_sourced,
        received.company is not null as has_edges,
        default_of.share as default_share,
        default_range.low_share as default_low_share,
        default_range.high_share as default_high_share,
        coalesce(paid.share, 0) as paid_share,
        default_of.fact_id as default_fact_id,
        coalesce(received.fact_ids, {{ no_ids() }}) as received_fact_ids,
        coalesce(paid.fact_ids, {{ no_ids() }}) as paid_fact_ids,
        {{ array_union_sorted(
            array_union_sorted(
                'coalesce(received.range_fact_ids, ' ~ no_ids() ~ ')', 'coalesce(paid.fact_ids, ' ~ no_ids() ~ ')'
            ),
            'coalesce(default_range.fact_ids, ' ~ no_ids() ~ ')',
        ) }} as range_fact_ids
    from companies
    left join superseding
        on
            companies.company = superseding.company
            and companies.quarter_end >= superseding.superseded_from
            and companies.known_from >= superseding.superseded_known_on
    left join declared on companies.known_from = declared.known_from and companies.company = declared.company
    left join default_of
        on
            companies.known_from = default_of.known_from
            and companies.company = default_of.company
            and companies.calendar_quarter = default_of.calendar_quarter
    left join default_range
        on
            companies.known_from = default_range.known_from
            and companies.company = default_range.company
            and companies.calendar_quarter = default_range.calendar_quarter
    left join received
        on
            companies.known_from = received.known_from
            and companies.company = received.company
            and companies.calendar_quarter = received.calendar_quarter
    left join paid
        on
            companies.known_from = paid.known_from
            and companies.company = paid.company
            and companies.calendar_quarter = paid.calendar_quarter
),

netted as (
    select
        known_from,
        company,
        calendar_quarter,
        case
            when superseded_by is not null then 1
            when is_at_payer then least(1, received_share + greatest(0, default_share - paid_share))
            else least(1, greatest(received_share, coalesce(default_share, 0)))
        end as share,
        case
            when superseded_by is not null then 1
            when is_at_payer then least(1, received_low_share + greatest(0, default_low_share - paid_share))
            when is_sourced then received_low_share
            when has_edges then least(received_low_share, coalesce(default_low_share, 1))
            else coalesce(default_low_share, 0)
        end as least_share,
        case
            when superseded_by is not null then 1
            when is_at_payer then least(1, received_high_share + greatest(0, default_high_share - paid_share))
            else least(1, greatest(received_high_share, coalesce(default_high_share, 0)))
        end as most_share,
        case
            when superseded_by is not null then concat('counted within ', superseded_by)
            when is_at_payer and paid_share > 0 then 'netted where it pays (sourced), the rest of the assumed share here'
            when is_at_payer then {{ quoted("assumed share of the layer's dollar (no amount disclosed)") }}
            when received_share > 0 and received_share >= coalesce(default_share, 0)
                then 'what counted companies pay it (sourced)'
            when default_share is not null then {{ quoted("assumed share of the layer's dollar (no larger amount disclosed)") }}
            when has_overlap then 'overlap declared, no amount or share known yet: nothing netted'
            when layer = 'model' then 'none: what a lab pays its cloud is netted at the cloud'
            else 'none declared'
        end as method,
        case
            when superseded_by is not null then {{ no_ids() }}
            when is_at_payer
                then {{ array_union_sorted(
                    array_union_sorted('received_fact_ids', 'paid_fact_ids'), array_of('default_fact_id')
                ) }}
            when received_share > 0 and received_share >= coalesce(default_share, 0) then received_fact_ids
            when default_fact_id is not null then {{ array_of('default_fact_id') }}
            else {{ no_ids() }}
        end as fact_ids,
        case when superseded_by is not null then {{ no_ids() }} else range_fact_ids end as range_fact_ids
    from shares
),

bounded as (
    select
        known_from,
        company,
        calendar_quarter,
        cast(share as decimal(9, 6)) as share,
        cast(least(share, least_share) as decimal(9, 6)) as least_share,
        cast(greatest(share, most_share) as decimal(9, 6)) as most_share,
        method,
        fact_ids,
        range_fact_ids
    from netted
),

final as (
    {{ versions_of(
        'bounded',
        key=['company', 'calendar_quarter'],
        state=['share', 'least_share', 'most_share', 'method', 'fact_ids', 'range_fact_ids'],
        columns=['company', 'calendar_quarter', 'share', 'least_share', 'most_share', 'method', 'fact_ids', 'range_fact_ids'],
    ) }}
)

select * from final
{% endmacro %}
