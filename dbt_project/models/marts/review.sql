{#- What somebody has to look at, and what somebody has decided: statements set aside because they cannot be right as they
    stand, filings whose facts are still to come, payloads and entries that could not be read. -#}
{%- set ask_again = 'aigap fetch asks for it again; aigap review reject, if it need not any more' %}
{%- set left_out = 'nothing but this is left out, and no decision brings it in: an amended filing does, or a figure of your own '
    ~ '(aigap figures check); aigap review accept takes note, for all of the filing' %}

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

held_back as (
    select * from {{ ref('stg_edgar__held_back') }}
),

conflicts as (
    select * from {{ ref('stg_edgar__fact_conflicts') }}
),

facts as (
    select * from {{ ref('stg_edgar__facts') }}
),

metrics as (
    select distinct cik, metric, concept, dimensions, valid_from, valid_to, filed_from, filed_to
    from {{ ref('stg_watch_list__metric_concepts') }}
),

watched as (
    select distinct cik, concept from metrics
),

statements as (
    select
        concat(
            coalesce(observations.decided_as, observations.accession), '/', observations.metric, '/',
            cast(observations.period_end as string)
        ) as target,
        'statement' as kind,
        observations.cik,
        observations.metric,
        observations.period_start,
        observations.period_end,
        observations.decided_as as accession,
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
        decisions.number,
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
        decided.number,
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

others as (
    select
        coalesce(set_aside.accession, set_aside.item_id) as target,
        'set_aside' as state,
        set_aside.kind,
        set_aside.cik,
        set_aside.concept as metric,
        set_aside.period_end,
        set_aside.accession,
        cast(null as string) as form,
        cast(null as date) as filed_on,
        set_aside.stated,
        set_aside.reason,
        case
            when set_aside.accession is null then 'nothing to decide: aigap fetch asks for the list again'
            when set_aside.kind = 'entry'
                then 'aigap fetch asks for the list again; aigap review accept takes note, for all of the filing'
            when set_aside.kind = 'filing' then {{ quoted(ask_again) }}
            else {{ quoted(left_out) }}
        end as what_to_do,
        cast(null as timestamp) as since
    from set_aside
    left join watched on set_aside.cik = watched.cik and set_aside.concept = watched.concept
    left join pending on set_aside.accession = pending.accession
    where (set_aside.kind <> 'fact' or watched.concept is not null) and (set_aside.kind <> 'filing' or pending.accession is null)
    union all
    select
        pending.accession as target,
        'pending' as state,
        'filing' as kind,
        pending.cik,
        cast(null as string) as metric,
        cast(null as date) as period_end,
        pending.accession,
        pending.form,
        pending.filed_on,
        cast(null as string) as stated,
        pending.reason,
        {{ quoted(ask_again) }} as what_to_do,
        cast(null as timestamp) as since
    from pending
    union all
    select
        target,
        'set_aside' as state,
        'answer' as kind,
        cik,
        cast(null as string) as metric,
        cast(null as date) as period_end,
        cast(null as string) as accession,
        cast(null as string) as form,
        cast(null as date) as filed_on,
        cast(null as string) as stated,
        reason,
        'look at EDGAR: if it is right, aigap review accept, and the next aigap fetch takes it at once' as what_to_do,
        since
    from held_back
    union all
    select
        accession as target,
        'set_aside' as state,
        'fact' as kind,
        cik,
        concept as metric,
        period_end,
        accession,
        form,
        known_from as filed_on,
        concat(cast(value as string), ' for ', dimensions) as stated,
        'a share beyond 0 to 1' as reason,
        {{ quoted(left_out) }} as what_to_do,
        cast(null as timestamp) as since
    from facts
    where concept like 'us-gaap:ConcentrationRiskPercentage%' and cik = '0001045810' and not value between 0 and 1
    union all
    -- A document of a filing stands above, with its company.
    select
        coalesce(payloads.accession, payloads.url) as target,
        'set_aside' as state,
        'payload' as kind,
        cast(null as string) as cik,
        cast(null as string) as metric,
        cast(null as date) as period_end,
        payloads.accession,
        cast(null as string) as form,
        cast(null as date) as filed_on,
        payloads.url as stated,
        payloads.error as reason,
        case
            when payloads.accession is null then 'nothing to decide: aigap fetch asks for this address again'
            else {{ quoted(ask_again) }}
        end as what_to_do,
        cast(null as timestamp) as since
    from payloads
    left join set_aside on payloads.sha256 = set_aside.sha256 and set_aside.kind = 'filing'
    where set_aside.sha256 is null
    union all
    select
        concat(facts.accession, '/', metrics.metric, '/', cast(facts.period_end as string)) as target,
        'set_aside' as state,
        'conflict' as kind,
        facts.cik,
        metrics.metric,
        facts.period_end,
        facts.accession,
        facts.form,
        facts.filed_on,
        concat(cast(conflicts.other_value as string), ', against ', cast(conflicts.kept_value as string)) as stated,
        concat(conflicts.other_source_kind, ' says otherwise than ', conflicts.kept_source_kind, ', which is used') as reason,
        'open the filing: if what is used is right, aigap review accept; if it is wrong, reject' as what_to_do,
        cast(null as timestamp) as since
    from conflicts
    inner join facts on conflicts.fact_id = facts.fact_id
    inner join metrics
        on
            facts.cik = metrics.cik
            and facts.concept = metrics.concept
            and facts.dimensions = metrics.dimensions
            and facts.period_end between metrics.valid_from and metrics.valid_to
            and facts.filed_on between metrics.filed_from and metrics.filed_to
),

others_ranked as (
    select
        others.*,
        decisions.number,
        decisions.verdict,
        decisions.decided_by,
        decisions.decided_on,
        decisions.why,
        row_number() over (
            partition by
                others.target, others.state, others.kind, others.metric, others.period_end, others.stated, others.reason
            order by decisions.number desc
        ) as place
    from others
    left join decisions
        on
            (others.target = decisions.target and (others.since is null or decisions.decided_at >= others.since))
            or {{ decided('others', 'decisions') }}
),

found as (
    select
        target,
        'set_aside' as state,
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
        number,
        verdict,
        decided_by,
        decided_on,
        why,
        'open the filing: if it is right, aigap review accept; if it is wrong, reject, and a correction replaces it' as what_to_do
    from of_statements
    where place = 1
    union all
    select
        target, state, kind, cik, metric, cast(null as string) as calendar_quarter, period_end, accession, form, filed_on,
        stated, reason, number, verdict, decided_by, decided_on, why, what_to_do
    from others_ranked
    where place = 1
),

-- What was decided on something of which nothing stands above: a decision is never out of sight.
last_words as (
    {{ latest_of('decisions', key=['target'], order=['number desc']) }}
),

shown as (
    select distinct number from found
),

ciks as (
    select
        accession,
        max(cik) as cik
    from facts
    group by accession
),

entries as (
    select * from found
    union all
    select
        last_words.target,
        'set_aside' as state,
        'decision' as kind,
        coalesce(ciks.cik, last_words.guard_cik) as cik,
        last_words.metric,
        cast(null as string) as calendar_quarter,
        last_words.period_end,
        last_words.accession,
        cast(null as string) as form,
        cast(null as date) as filed_on,
        cast(null as string) as stated,
        'nothing is wrong with it by itself, or nothing of it is at hand' as reason,
        last_words.number,
        last_words.verdict,
        last_words.decided_by,
        last_words.decided_on,
        last_words.why,
        '' as what_to_do
    from last_words
    left join ciks on last_words.accession = ciks.accession
    left join shown on last_words.number = shown.number
    where last_words.verdict in ('accept', 'reject') and shown.number is null
),

final as (
    select
        entries.target,
        case entries.verdict when 'accept' then 'accepted' when 'reject' then 'rejected' else entries.state end as state,
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
        case when entries.verdict in ('accept', 'reject') then entries.decided_by end as decided_by,
        case when entries.verdict in ('accept', 'reject') then entries.decided_on end as decided_on,
        case when entries.verdict in ('accept', 'reject') then entries.why end as why,
        case
            when entries.verdict in ('accept', 'reject') then 'decided; aigap review withdraw takes it back'
            else entries.what_to_do
        end as what_to_do
    from entries
    left join companies on entries.cik = companies.cik
)

select * from final
order by state, target, kind, metric, period_end, stated
