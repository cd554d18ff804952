-- The raw tables of the build file, and the meta tables that go into the published one.
--
-- Belongs here: definitions and their comments. Does not belong here: marts (dbt_project), reader macros.
-- The build file is disposable: change a definition, and the next refresh makes the file anew.

create schema raw;
create schema meta;

create table raw.build_file (
    schema_fingerprint varchar not null
);
comment on table raw.build_file is 'Which version of these definitions the file was made with; another version is rebuilt, not migrated.';
comment on column raw.build_file.schema_fingerprint is 'SHA-256 of the definitions (schema.sql).';

create table raw.xbrl_facts (
    -- Unique, held by load.py: an index here costs as much time as the rest of the load.
    fact_id varchar not null,
    cik varchar not null,
    accession varchar not null,
    form varchar,
    filed_on date,
    concept varchar not null,
    dimensions varchar not null,
    unit varchar not null,
    period_start date,
    period_end date not null,
    value decimal(38, 10),
    decimals varchar,
    source_kind varchar not null,
    source_url varchar,
    sha256 varchar,
    frame varchar,
    fy integer,
    fp varchar
);
comment on table raw.xbrl_facts is 'Every numeric XBRL fact as one filing states it, a row each; a restatement is a later filing. Rows go only with the payload they were read from.';
comment on column raw.xbrl_facts.fact_id is '''x'' and 20 hex digits of the MD5 of cik|accession|concept|dimensions|unit|period_start|period_end.';
comment on column raw.xbrl_facts.cik is 'Central Index Key of the filer, ten digits.';
comment on column raw.xbrl_facts.accession is 'Accession number of the filing that states the fact.';
comment on column raw.xbrl_facts.form is 'Form of that filing, such as 10-Q.';
comment on column raw.xbrl_facts.filed_on is 'Day the filing was filed with the SEC.';
comment on column raw.xbrl_facts.concept is 'XBRL concept with its prefix, such as us-gaap:Revenues.';
comment on column raw.xbrl_facts.dimensions is 'axis=member pairs sorted by axis, joined with '';''; a typed member as axis=~text; '''' for none.';
comment on column raw.xbrl_facts.unit is 'Unit as canonical text, such as USD or USD/shares.';
comment on column raw.xbrl_facts.period_start is 'First day of the period; null for an instant.';
comment on column raw.xbrl_facts.period_end is 'Last day of the period, or the day of an instant.';
comment on column raw.xbrl_facts.value is 'The value in whole units; null where the filing says nil.';
comment on column raw.xbrl_facts.decimals is 'Stated precision, such as -6 or INF; null where the source carries none.';
comment on column raw.xbrl_facts.source_kind is 'xbrl_instance, inline_xbrl or companyfacts.';
comment on column raw.xbrl_facts.source_url is 'EDGAR address of the payload the fact was read from.';
comment on column raw.xbrl_facts.sha256 is 'SHA-256 of that payload.';
comment on column raw.xbrl_facts.frame is 'As received from company facts; it moves between filings, nothing may be derived from it.';
comment on column raw.xbrl_facts.fy is 'As received: fiscal year of the filing, not of the fact, and at times wrong.';
comment on column raw.xbrl_facts.fp is 'As received: fiscal period of the filing, not of the fact.';

create table raw.fact_conflicts (
    fact_id varchar not null,
    kept_value decimal(38, 10),
    other_value decimal(38, 10),
    kept_source_kind varchar not null,
    other_source_kind varchar not null,
    other_sha256 varchar not null
);
comment on table raw.fact_conflicts is 'Two sources gave two values for one fact. One holds, the filing''s own document before company facts; this row keeps the other.';
comment on column raw.fact_conflicts.fact_id is 'The fact, as in raw.xbrl_facts.';
comment on column raw.fact_conflicts.kept_value is 'The value that stays.';
comment on column raw.fact_conflicts.other_value is 'The value that was not taken.';
comment on column raw.fact_conflicts.kept_source_kind is 'Source of the value that stays.';
comment on column raw.fact_conflicts.other_source_kind is 'Source of the other value.';
comment on column raw.fact_conflicts.other_sha256 is 'SHA-256 of the payload with the other value.';

create table raw.filings (
    cik varchar not null,
    accession varchar not null,
    form varchar,
    filed_on date,
    accepted_at_received varchar,
    report_date date,
    primary_document varchar,
    source_url varchar,
    sha256 varchar,
    known_at varchar,
    known_from date,
    known_from_basis varchar,
    primary key (cik, accession)
);
comment on table raw.filings is 'One filing as the submissions API lists it, or as its own cover states it.';
comment on column raw.filings.cik is 'Central Index Key of the filer, ten digits.';
comment on column raw.filings.accession is 'Accession number.';
comment on column raw.filings.form is 'Form, such as 10-K.';
comment on column raw.filings.filed_on is 'Day it was filed with the SEC.';
comment on column raw.filings.accepted_at_received is 'Acceptance time exactly as served; its Z is not always UTC.';
comment on column raw.filings.report_date is 'Last day of the period reported on.';
comment on column raw.filings.primary_document is 'File name of the main document.';
comment on column raw.filings.source_url is 'EDGAR address this row was read from.';
comment on column raw.filings.sha256 is 'SHA-256 of the payload it was read from.';
comment on column raw.filings.known_at is 'Moment it was public, New York time with its offset; null where no acceptance time is known.';
comment on column raw.filings.known_from is 'First New York day on which a reader who asks by date has it.';
comment on column raw.filings.known_from_basis is 'header, new_york_clock, utc_clock, filing_date, contradiction (later reading taken), or unreadable_time (none: the filing date counts).';

create table raw.payloads (
    sha256 varchar not null,
    url varchar not null,
    accession varchar,
    kind varchar not null,
    bytes bigint,
    retrieved_at timestamptz,
    status varchar not null,
    error varchar,
    primary key (sha256, url)
);
comment on table raw.payloads is 'Every payload that was parsed, or set aside with the reason.';
comment on column raw.payloads.sha256 is 'SHA-256 of the bytes.';
comment on column raw.payloads.url is 'EDGAR address it answers.';
comment on column raw.payloads.accession is 'Accession number; null for the company-wide lists.';
comment on column raw.payloads.kind is 'submissions, companyfacts, xbrl_instance, inline_xbrl, ...';
comment on column raw.payloads.bytes is 'Size before compression.';
comment on column raw.payloads.retrieved_at is 'When it was received; null where that is not known.';
comment on column raw.payloads.status is 'parsed, kept (nothing to parse) or quarantined.';
comment on column raw.payloads.error is 'Why it was quarantined.';

create table raw.companies (
    cik varchar primary key,
    ticker varchar not null,
    company varchar not null,
    role varchar not null,
    fiscal_year_end_month integer not null
);
comment on table raw.companies is 'The watch list.';
comment on column raw.companies.cik is 'Central Index Key, ten digits.';
comment on column raw.companies.ticker is 'Ticker symbol.';
comment on column raw.companies.company is 'Company name.';
comment on column raw.companies.role is 'accelerator_vendor, hyperscaler or reference.';
comment on column raw.companies.fiscal_year_end_month is 'Month (1 to 12) in which the fiscal year ends.';

create table raw.metric_concepts (
    cik varchar not null,
    metric varchar not null,
    concept varchar not null,
    dimensions varchar not null,
    priority integer not null,
    is_required boolean not null,
    same_as varchar not null,
    valid_from date,
    valid_to date,
    filed_from date,
    filed_to date,
    part_of varchar not null,
    max_step integer not null
);
comment on table raw.metric_concepts is 'Which concept and dimensions state which metric of a company, in order of preference.';
comment on column raw.metric_concepts.cik is 'Central Index Key, ten digits.';
comment on column raw.metric_concepts.metric is 'Metric name, such as data_center_revenue.';
comment on column raw.metric_concepts.concept is 'XBRL concept with its prefix.';
comment on column raw.metric_concepts.dimensions is 'Exact dimensions, as in raw.xbrl_facts.';
comment on column raw.metric_concepts.priority is '1 is taken first.';
comment on column raw.metric_concepts.is_required is 'The newest filing must state it, else a check fails.';
comment on column raw.metric_concepts.same_as is 'Concepts with one value here are the same line under other tags: year-to-date statements may be subtracted across them.';
comment on column raw.metric_concepts.valid_from is 'First period end it holds for; null for always.';
comment on column raw.metric_concepts.valid_to is 'Last period end it holds for; null for still.';
comment on column raw.metric_concepts.filed_from is 'First filing date it holds for; null for always.';
comment on column raw.metric_concepts.filed_to is 'Last filing date it holds for; null for still.';
comment on column raw.metric_concepts.part_of is 'Metric of which it is a part and which it cannot exceed; empty for none.';
comment on column raw.metric_concepts.max_step is 'How many times its neighbours in time a statement may be before it is set aside; 0 for any.';

create table raw.forms (
    form varchar primary key,
    is_whole_report boolean not null
);
comment on table raw.forms is 'The forms whose facts are read (ingest/rules.py).';
comment on column raw.forms.form is 'Form as EDGAR lists it, such as 10-QT/A.';
comment on column raw.forms.is_whole_report is 'A report with all statements of its period: no amendment, no recast in passing.';

create table raw.spans (
    span varchar primary key,
    shortest_days integer not null,
    longest_days integer not null
);
comment on table raw.spans is 'How long a period must last to be a quarter, half, nine months or year (ingest/rules.py).';
comment on column raw.spans.span is 'quarter, half, nine_months or year.';
comment on column raw.spans.shortest_days is 'Days at least, both ends counted.';
comment on column raw.spans.longest_days is 'Days at most, both ends counted.';

create table raw.ai_revenue_roles (
    company varchar primary key,
    role varchar not null,
    superseded_by varchar,
    superseded_from date,
    canonical varchar,
    convention varchar,
    region varchar,
    note varchar
);
comment on table raw.ai_revenue_roles is 'How each company''s rows of AI revenue count toward the measured total.';
comment on column raw.ai_revenue_roles.company is 'Company as the figures name it.';
comment on column raw.ai_revenue_roles.role is 'counted, memo, benchmark, netting, subset, or not_disclosed: sells AI and states nothing usable.';
comment on column raw.ai_revenue_roles.superseded_by is 'Company that carries this business on.';
comment on column raw.ai_revenue_roles.superseded_from is 'Day from which it does.';
comment on column raw.ai_revenue_roles.canonical is 'Company as the watch list names it.';
comment on column raw.ai_revenue_roles.convention is 'gross or net of what partners keep of a resale; empty where nothing is resold or nothing is said.';
comment on column raw.ai_revenue_roles.region is 'Country of the company, two letters; empty for sums and benchmarks.';
comment on column raw.ai_revenue_roles.note is 'Why.';

create table raw.ai_revenue_edges (
    edge_id varchar primary key,
    payer varchar not null,
    payer_layer varchar not null,
    payee varchar not null,
    payee_layer varchar not null,
    value decimal(38, 10) not null,
    low_value decimal(38, 10),
    high_value decimal(38, 10),
    unit varchar not null,
    share_of varchar,
    qualifier varchar,
    period_type varchar not null,
    period_start date,
    period_end date not null,
    known_on date not null,
    known_on_basis varchar,
    source_kind varchar,
    source_title varchar not null,
    source_url varchar not null,
    confidence varchar not null,
    is_citable boolean not null,
    note varchar
);
comment on table raw.ai_revenue_edges is 'Payments between companies whose AI revenue is counted: what netting takes out at the payee.';
comment on column raw.ai_revenue_edges.edge_id is 'e and 20 hex digits over what says which payment it is.';
comment on column raw.ai_revenue_edges.payer is 'Company that pays, as in raw.ai_revenue_roles; (any) for the default of a layer.';
comment on column raw.ai_revenue_edges.payer_layer is 'application, model or cloud_infrastructure.';
comment on column raw.ai_revenue_edges.payee is 'Company that is paid; (any) for the default of a layer.';
comment on column raw.ai_revenue_edges.payee_layer is 'application, model or cloud_infrastructure.';
comment on column raw.ai_revenue_edges.value is 'Dollars of the period (a run rate: a year), or a part of 1.';
comment on column raw.ai_revenue_edges.low_value is 'Lower end where sourced.';
comment on column raw.ai_revenue_edges.high_value is 'Upper end where sourced.';
comment on column raw.ai_revenue_edges.unit is 'USD or share.';
comment on column raw.ai_revenue_edges.share_of is 'payee_revenue or payer_revenue; empty for dollars.';
comment on column raw.ai_revenue_edges.qualifier is 'exact, approximate, at_least, estimated, assumed, ...';
comment on column raw.ai_revenue_edges.period_type is 'year, half, quarter, month, run_rate (one day), instant (a share from that day on).';
comment on column raw.ai_revenue_edges.period_start is 'First day paid for; null for run_rate and instant.';
comment on column raw.ai_revenue_edges.period_end is 'Last day paid for.';
comment on column raw.ai_revenue_edges.known_on is 'Day on which it was public.';
comment on column raw.ai_revenue_edges.known_on_basis is 'How that day is known.';
comment on column raw.ai_revenue_edges.source_kind is 'company_filing, company_statement, press_report, estimate, assumption, ...';
comment on column raw.ai_revenue_edges.source_title is 'Title of the source.';
comment on column raw.ai_revenue_edges.source_url is 'Address of the source.';
comment on column raw.ai_revenue_edges.confidence is 'high, medium or low.';
comment on column raw.ai_revenue_edges.is_citable is 'The source is a public page with an address of its own.';
comment on column raw.ai_revenue_edges.note is 'What else a reader must know.';

create table raw.curated_figures (
    figure_id varchar primary key,
    company varchar,
    ticker varchar,
    metric varchar,
    value decimal(38, 10),
    low_value decimal(38, 10),
    high_value decimal(38, 10),
    unit varchar,
    qualifier varchar,
    period_type varchar,
    period_start date,
    period_end date,
    period_label varchar,
    known_on date,
    known_on_basis varchar,
    series varchar,
    basis varchar,
    source_kind varchar,
    estimator varchar,
    layer varchar,
    overlaps_with varchar,
    source_title varchar,
    source_url varchar,
    source_url_2 varchar,
    confidence varchar,
    is_citable boolean,
    note varchar,
    stated_on date,
    withdrawn_on date,
    file varchar,
    line integer
);
comment on table raw.curated_figures is 'Hand-entered figures, each with source, date and confidence.';
comment on column raw.curated_figures.figure_id is '''c'' and 20 hex digits of a hash of what identifies the figure.';
comment on column raw.curated_figures.company is 'Company the figure speaks of.';
comment on column raw.curated_figures.ticker is 'Its ticker on the watch list.';
comment on column raw.curated_figures.metric is 'What is stated.';
comment on column raw.curated_figures.value is 'The value in whole units (money in whole USD, shares 0..1).';
comment on column raw.curated_figures.low_value is 'Low end of a range.';
comment on column raw.curated_figures.high_value is 'High end of a range.';
comment on column raw.curated_figures.unit is 'USD, CNY, share, multiple, years, USD/hour, ...';
comment on column raw.curated_figures.qualifier is 'exact, approximate, at_least, ...';
comment on column raw.curated_figures.period_type is 'quarter, half, year, trailing_12m, year_to_date, instant, run_rate or forecast.';
comment on column raw.curated_figures.period_start is 'First day of the period.';
comment on column raw.curated_figures.period_end is 'The day the figure speaks of.';
comment on column raw.curated_figures.period_label is 'The period in the words of the source.';
comment on column raw.curated_figures.known_on is 'The day from which tables show it: the day it was public, or of the correction that put it right.';
comment on column raw.curated_figures.known_on_basis is 'published, url_date, as_of, period_end_plus_lag or collected.';
comment on column raw.curated_figures.series is 'Which line of the same metric.';
comment on column raw.curated_figures.basis is 'On which basis it is stated.';
comment on column raw.curated_figures.source_kind is 'company_filing, press_release, company_statement, press_report, price_list, estimate or assumption.';
comment on column raw.curated_figures.estimator is 'Who estimated it.';
comment on column raw.curated_figures.layer is 'application, model, cloud_infrastructure, all or overlap.';
comment on column raw.curated_figures.overlaps_with is 'Whose revenue it counts again.';
comment on column raw.curated_figures.source_title is 'Title of the source.';
comment on column raw.curated_figures.source_url is 'Public address of the source.';
comment on column raw.curated_figures.source_url_2 is 'A second source.';
comment on column raw.curated_figures.confidence is 'high, medium or low.';
comment on column raw.curated_figures.is_citable is 'The source can be opened by anyone.';
comment on column raw.curated_figures.note is 'What a reader should know.';
comment on column raw.curated_figures.stated_on is 'The day the statement itself was public.';
comment on column raw.curated_figures.withdrawn_on is 'The day from which it is no longer said (corrected here); null while it is.';
comment on column raw.curated_figures.file is 'Curated file.';
comment on column raw.curated_figures.line is 'Line in that file.';

create table raw.refused_rows (
    file varchar not null,
    line integer not null,
    reason varchar not null
);
comment on table raw.refused_rows is 'Curated rows that were left out, and why.';
comment on column raw.refused_rows.file is 'Curated file.';
comment on column raw.refused_rows.line is 'Line in that file, the header being 1.';
comment on column raw.refused_rows.reason is 'What is wrong with it.';

create table raw.doubtful_rows (
    file varchar not null,
    line integer not null,
    reason varchar not null
);
comment on table raw.doubtful_rows is 'Curated rows that may speak of another day than they say. They are used as they stand.';
comment on column raw.doubtful_rows.file is 'Curated file.';
comment on column raw.doubtful_rows.line is 'Line in that file, the header being 1.';
comment on column raw.doubtful_rows.reason is 'Why, and what to do.';

create table raw.set_aside (
    item_id varchar primary key,
    kind varchar not null,
    cik varchar,
    accession varchar,
    concept varchar,
    dimensions varchar,
    period_start date,
    period_end date,
    stated varchar,
    reason varchar not null,
    source_url varchar,
    sha256 varchar
);
comment on table raw.set_aside is 'What was received and cannot be used as it stands, with the reason; everything beside it goes on.';
comment on column raw.set_aside.item_id is '''a'' and 20 hex digits of a hash of what identifies the row.';
comment on column raw.set_aside.kind is 'fact (a line of a document), entry (a line of a list of filings) or filing (a whole document).';
comment on column raw.set_aside.cik is 'Central Index Key, ten digits.';
comment on column raw.set_aside.accession is 'Accession number; null where the entry does not give one.';
comment on column raw.set_aside.concept is 'XBRL concept of a fact.';
comment on column raw.set_aside.dimensions is 'Dimensions of a fact, as in raw.xbrl_facts.';
comment on column raw.set_aside.period_start is 'First day of a fact''s period.';
comment on column raw.set_aside.period_end is 'Last day of a fact''s period.';
comment on column raw.set_aside.stated is 'The text as received, shortened.';
comment on column raw.set_aside.reason is 'Why it cannot be used, and what to do.';
comment on column raw.set_aside.source_url is 'EDGAR address of the payload it stands in.';
comment on column raw.set_aside.sha256 is 'SHA-256 of that payload.';

create table raw.pending_filings (
    cik varchar not null,
    accession varchar not null,
    form varchar not null,
    filed_on date not null,
    reason varchar not null,
    primary key (cik, accession)
);
comment on table raw.pending_filings is 'Filings that EDGAR lists and whose facts are still to come: every fetch asks for them again.';
comment on column raw.pending_filings.cik is 'Central Index Key, ten digits.';
comment on column raw.pending_filings.accession is 'Accession number.';
comment on column raw.pending_filings.form is 'Form, such as 10-Q.';
comment on column raw.pending_filings.filed_on is 'Day it was filed.';
comment on column raw.pending_filings.reason is 'Why its facts are not here yet.';

create table raw.held_back (
    target varchar primary key,
    cik varchar not null,
    since timestamptz not null,
    reason varchar not null
);
comment on table raw.held_back is 'Answers of EDGAR that are not used as yet, because they go back behind an earlier one.';
comment on column raw.held_back.target is 'What a decision on it names, such as submissions/0001045810.';
comment on column raw.held_back.cik is 'Central Index Key, ten digits.';
comment on column raw.held_back.since is 'When it was first refused.';
comment on column raw.held_back.reason is 'What goes back, and until when it is held to be a stale copy.';

create table raw.decisions (
    number integer primary key,
    target varchar not null,
    verdict varchar not null,
    why varchar not null,
    decided_by varchar not null,
    decided_at timestamptz not null,
    decided_on date not null
);
comment on table raw.decisions is 'What an operator decided about something set aside or doubtful (aigap review); never edited, the newest word on a target holds.';
comment on column raw.decisions.number is 'Order of the decisions, from 1.';
comment on column raw.decisions.target is 'accession, accession/metric or accession/metric/period end: what it speaks of.';
comment on column raw.decisions.verdict is 'accept (use it as filed), reject (do not use it) or withdraw (no decision after all).';
comment on column raw.decisions.why is 'The reason, in the words of who decided.';
comment on column raw.decisions.decided_by is 'Who decided.';
comment on column raw.decisions.decided_at is 'When.';
comment on column raw.decisions.decided_on is 'The New York day from which it holds: as-of tables of earlier days are as they were.';

create table raw.scenario_parameters (
    fact_id varchar primary key,
    scenario varchar not null,
    parameter varchar not null,
    value decimal(38, 10),
    text_value varchar,
    known_on date not null,
    source_title varchar,
    source_url varchar,
    note varchar
);
comment on table raw.scenario_parameters is 'What each scenario assumes, each value with its source.';
comment on column raw.scenario_parameters.fact_id is '''s'' and 20 hex digits of a hash of what identifies the parameter.';
comment on column raw.scenario_parameters.scenario is 'Scenario name.';
comment on column raw.scenario_parameters.parameter is 'Parameter name.';
comment on column raw.scenario_parameters.value is 'Value of a numeric parameter: whole USD, or a share 0..1.';
comment on column raw.scenario_parameters.text_value is 'Value of a textual parameter.';
comment on column raw.scenario_parameters.known_on is 'The day it was public.';
comment on column raw.scenario_parameters.source_title is 'Title of the source.';
comment on column raw.scenario_parameters.source_url is 'Public address of the source.';
comment on column raw.scenario_parameters.note is 'What a reader should know; for a list member, its name.';

create table meta.build (
    generation bigint primary key,
    schema_version integer not null,
    aigap_version varchar not null,
    dagster_version varchar,
    dbt_version varchar,
    duckdb_version varchar not null,
    built_at timestamptz not null,
    newest_filing_on date,
    newest_accession varchar,
    bundle_hash varchar,
    curated_hash varchar,
    content_hash varchar not null,
    structure_hash varchar not null,
    accessions_hash varchar not null,
    checks_passed integer not null,
    warnings varchar[] not null
);
comment on table meta.build is 'How the published file was made: one row.';
comment on column meta.build.generation is 'Number of this publish; grows by at least one.';
comment on column meta.build.schema_version is 'Version of the published tables; a reader of another version is told so.';
comment on column meta.build.aigap_version is 'Version of this project.';
comment on column meta.build.dagster_version is 'Version of Dagster that ran the build.';
comment on column meta.build.dbt_version is 'Version of dbt-core that built the marts.';
comment on column meta.build.duckdb_version is 'Version of DuckDB that wrote the file.';
comment on column meta.build.built_at is 'When it was published (UTC). The only column that differs between two builds of the same inputs, besides generation.';
comment on column meta.build.newest_filing_on is 'Day the newest filing among the inputs was filed.';
comment on column meta.build.newest_accession is 'Accession number of that filing.';
comment on column meta.build.bundle_hash is 'Hash of the shipped bundle.';
comment on column meta.build.curated_hash is 'Hash of the curated figures.';
comment on column meta.build.content_hash is 'SHA-256 over the sorted rows of every table of marts.';
comment on column meta.build.structure_hash is 'SHA-256 over the definitions and comments of marts, and the reader macros.';
comment on column meta.build.accessions_hash is 'SHA-256 over meta.processed_accessions.';
comment on column meta.build.checks_passed is 'How many checks passed before this was published.';
comment on column meta.build.warnings is 'Checks that warned: the numbers stand, with these reservations.';

create table meta.processed_accessions (
    accession varchar not null,
    sha256 varchar not null,
    status varchar not null,
    primary key (accession, sha256)
);
comment on table meta.processed_accessions is 'The filings that were read, so that state and numbers move together.';
comment on column meta.processed_accessions.accession is 'Accession number.';
comment on column meta.processed_accessions.sha256 is 'SHA-256 of the payload read.';
comment on column meta.processed_accessions.status is 'parsed, or quarantined with its reason in the log.';
