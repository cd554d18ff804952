{#- What part of a payee's revenue each payer is known to pay, and the same again with the user's own figures among the
    revenues, for the scenarios that count them (macros/edge_shares.sql has the rule). -#}
select
    shipped.*,
    false as counts_own
from (
    {{ edge_shares('estimated_run_rate') }}
) as shipped
union all
select
    own.*,
    true
from (
    {{ edge_shares('own:estimated_run_rate') }}
) as own
