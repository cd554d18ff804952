{#- What part of each company's revenue another's already holds, and the same again with the user's own figures among the
    revenues, for the scenarios that count them (macros/netted_shares.sql has the rule). -#}
with shipped as (
    {{ netted_shares('estimated_run_rate') }}
),

with_own as (
    {{ netted_shares('own:estimated_run_rate') }}
),

final as (
    select *, false as counts_own from shipped
    union all
    select *, true as counts_own from with_own
)

select
    company,
    calendar_quarter,
    share,
    least_share,
    most_share,
    method,
    fact_ids,
    range_fact_ids,
    known_from,
    known_to,
    counts_own
from final
