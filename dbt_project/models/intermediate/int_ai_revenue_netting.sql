{#- What part of each company's revenue another's already holds, and the same again with the user's own figures among the
    revenues, for the scenarios that count them (macros/netted_shares.sql has the rule). -#}
select
    shipped.*,
    false as counts_own
from (
    {{ netted_shares('estimated_run_rate') }}
) as shipped
union all
select
    own.*,
    true
from (
    {{ netted_shares('own:estimated_run_rate') }}
) as own
