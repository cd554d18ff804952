{#- What somebody has to look at, and what somebody has decided: statements set aside because they cannot be right as they
    stand, filings whose facts are still to come, payloads and entries that could not be read. -#}
with companies as (
    select * from {{ ref('stg_watch_list__companies') }}
),

observations as (
    select * from {{ ref('int_metric_observations') }}
),

screens as (
    select * from {{ ref('int_observation_screens') }}
),

candidates as (
    select * from {{ ref('int_quarter_candidates') }}
),

stated_quarters as (
    select distinct cik, metric, calendar_quarter from candidates
    where value_kind = 'reported' and source_kind = 'xbrl'
),

-- A difference is nothing to look at where the filings state the quarter itself.
doubtful as (
    select candidates.*
    from candidates
    left join stated_quarters
        on
            candidates.cik = stated_quarters.cik
            and candidates.metric = stated_quarters.metric
            and candidates.calendar_quarter = stated_quarters.calendar_quarter
    where candidates.reason is not null and stated_quarters.cik is null
),

decisions as (
    select * from {{ ref('stg_operator__decisions') }}
),

set_aside as (
    select * from {{ ref('stg_edgar__set_aside') }}
),

pending as (
    select * from {{ ref('stg_edgar__pending_filings') }}
),

payloads as (
    select * from {{ ref('stg_edgar__payloads') }}
),

conflicts as (
    select * from {{ ref('stg_edgar__fact_conflicts') }}
),

facts as (
    select * from {{ ref('stg_edgar__facts') }}
),

watched as (
    select distinct cik, concept from {{ ref('stg_watch_list__metric_concepts') }}
),

statements as (
    select
        concat(observations.accession, '/', observations.metric, '/', cast(observations.period_end as string)) as target,
        'statement' as kind,
        observations.cik,
        observations.metric,
        observations.period_start,
        observations.period_end,
        observations.accession,
        observations.form,
        observations.known_from as filed_on,
        concat(coalesce(cast(observations.value_usd as string), 'beyond any amount'), ' USD, ', observations.span) as stated,
        screens.reason
    from observations
    inner join screens on observations.observation_id = screens.observation_id
    union all
    select
        concat(doubtful.accession, '/', doubtful.metric, '/', cast(doubtful.period_end as string)) as target,
        'difference' as kind,
        doubtful.cik,
        doubtful.metric,
        doubtful.period_start,
        doubtful.period_end,
        doubtful.accession,
        cast(null as string) as form,
        doubtful.known_from as filed_on,
        concat(cast(doubtful.value_usd as string), ' USD, ', doubtful.formula) as stated,
        doubtful.reason
    from doubtful
),

decided_ranked as (
    select
        statements.target,
        statements.kind,
        decisions.verdict,
        decisions.decided_by,
        decisions.decided_on,
        decisions.why,
        statements.stated,
        row_number() over (
            partition by statements.target, statements.kind, statements.stated
            order by decisions.number desc
        ) as place
    from statements
    inner join decisions on {{ decided('statements', 'decisions') }}
),

decided as (
    select * from decided_ranked
    where place = 1
),

-- One row a target: a filing may state one period under two tags, and each difference of it may be doubtful.
of_statements as (
    select
        statements.*,
        decided.verdict,
        decided.decided_by,
        decided.decided_on,
        decided.why,
        row_number() over (
            partition by statements.target
            order by case when statements.reason is null then 2 else 1 end, statements.kind desc, statements.stated
        ) as place
    from statements
    left join decided
        on
            statements.target = decided.target
            and statements.kind = decided.kind
            and statements.stated = decided.stated
    where statements.reason is not null or decided.verdict in ('accept', 'reject')
),

entries as (
    select
        target,
        case verdict when 'accept' then 'accepted' when 'reject' then 'rejected' else 'set_aside' end as state,
        kind,
        cik,
        metric,
        case
            when period_start is not null
                then {{ calendar_quarter_of(period_midpoint(add_days('period_end', -90), 'period_end')) }}
        end as calendar_quarter,
        period_end,
        accession,
        form,
        filed_on,
        stated,
        coalesce(reason, 'nothing is wrong with it by itself') as reason,
        decided_by,
        decided_on,
        why,
        case
            when verdict in ('accept', 'reject') then 'decided; aigap review withdraw takes it back'
            else 'open the filing: if it is right, aigap review accept; if it is wrong, reject, and a correction replaces it'
        end as what_to_do
    from of_statements
    where place = 1
    union all
    select
        coalesce(set_aside.accession, set_aside.item_id) as target,
        'set_aside' as state,
        set_aside.kind,
        set_aside.cik,
        set_aside.concept as metric,
        cast(null as string) as calendar_quarter,
        set_aside.period_end,
        set_aside.accession,
        cast(null as string) as form,
        cast(null as date) as filed_on,
        set_aside.stated,
        set_aside.reason,
        cast(null as string) as decided_by,
        cast(null as date) as decided_on,
        cast(null as string) as why,
        'nothing but this is left out; a better parser or an amended filing brings it in' as what_to_do
    from set_aside
    left join watched on set_aside.cik = watched.cik and set_aside.concept = watched.concept
    where set_aside.kind <> 'fact' or watched.concept is not null
    union all
    select
        accession as target,
        'pending' as state,
        'filing' as kind,
        cik,
        cast(null as string) as metric,
        cast(null as string) as calendar_quarter,
        cast(null as date) as period_end,
        accession,
        form,
        filed_on,
        cast(null as string) as stated,
        reason,
        cast(null as string) as decided_by,
        cast(null as date) as decided_on,
        cast(null as string) as why,
        'aigap fetch asks for it again' as what_to_do
    from pending
    union all
    select
        accession as target,
        'set_aside' as state,
        'fact' as kind,
        cik,
        concept as metric,
        cast(null as string) as calendar_quarter,
        period_end,
        accession,
        form,
        known_from as filed_on,
        concat(cast(value as string), ' for ', dimensions) as stated,
        'a share beyond 0 to 1' as reason,
        cast(null as string) as decided_by,
        cast(null as date) as decided_on,
        cast(null as string) as why,
        'nothing but this is left out; an amended filing brings it in' as what_to_do
    from facts
    where concept like 'us-gaap:ConcentrationRiskPercentage%' and cik = '0001045810' and not value between 0 and 1
    union all
    select
        coalesce(accession, url) as target,
        'set_aside' as state,
        'payload' as kind,
        cast(null as string) as cik,
        cast(null as string) as metric,
        cast(null as string) as calendar_quarter,
        cast(null as date) as period_end,
        accession,
        cast(null as string) as form,
        cast(null as date) as filed_on,
        url as stated,
        error as reason,
        cast(null as string) as decided_by,
        cast(null as date) as decided_on,
        cast(null as string) as why,
        'look at the reason; aigap fetch gets it again where EDGAR has it otherwise' as what_to_do
    from payloads
    union all
    select
        facts.accession as target,
        'set_aside' as state,
        'conflict' as kind,
        facts.cik,
        facts.concept as metric,
        cast(null as string) as calendar_quarter,
        facts.period_end,
        facts.accession,
        facts.form,
        facts.filed_on,
        concat(cast(conflicts.other_value as string), ', against ', cast(conflicts.kept_value as string)) as stated,
        concat(conflicts.other_source_kind, ' says otherwise than ', conflicts.kept_source_kind, ', which is used') as reason,
        cast(null as string) as decided_by,
        cast(null as date) as decided_on,
        cast(null as string) as why,
        'open the filing: if what is used is wrong, aigap review reject' as what_to_do
    from conflicts
    inner join facts on conflicts.fact_id = facts.fact_id
    inner join watched on facts.cik = watched.cik and facts.concept = watched.concept
),

final as (
    select
        entries.target,
        entries.state,
        entries.kind,
        companies.company,
        companies.ticker,
        entries.metric,
        entries.calendar_quarter,
        entries.period_end,
        entries.accession,
        entries.form,
        entries.filed_on,
        entries.stated,
        entries.reason,
        entries.decided_by,
        entries.decided_on,
        entries.why,
        entries.what_to_do
    from entries
    left join companies on entries.cik = companies.cik
)

select * from final
order by state, target, kind, metric, period_end, stated
