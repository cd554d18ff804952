{#- What part of a payee's revenue each payer is known to pay, and the same again with the user's own figures among the
    revenues, for the scenarios that count them (macros/edge_shares.sql has the rule). -#}
with shipped as (
    {{ edge_shares('estimated_run_rate') }}
),

with_own as (
    {{ edge_shares('own:estimated_run_rate') }}
),

final as (
    select *, false as counts_own from shipped
    union all
    select *, true as counts_own from with_own
)

select
    known_from,
    payee,
    payer,
    calendar_quarter,
    is_headline_grade,
    payee_usd,
    payer_usd,
    share,
    low_share,
    high_share,
    days_away,
    fact_ids,
    counts_own
from final
