"""The record types that leave ingest, and the errors it raises.

Belongs here: the column contract of every table that ingest hands to the warehouse, and the
error classes a caller may catch. Does not belong here: parsing, I/O, SQL.

A table leaves ingest as a `pyarrow.Table` with one of the schemas below. Money is whole
currency units in DECIMAL(38, 10) (never float); dates are `date32`.
"""

from __future__ import annotations

import pyarrow as pa

DECIMAL = pa.decimal128(38, 10)

#: One numeric XBRL fact as one filing states it. Natural key: cik, accession, concept,
#: dimensions, unit, period_start, period_end. `dimensions` is canonical text: "axis=member"
#: pairs sorted by axis and joined with ";", a typed member as "axis=~<text>", "" for none.
#: `period_start` is null for an instant. `decimals` is as stated ("-6", "INF"), null where the
#: source does not carry it. frame, fy and fp are *as received* from company facts; they
#: describe the filing, not the fact, and nothing may be derived from them.
FACTS = pa.schema(
    [
        ("cik", pa.string()),
        ("accession", pa.string()),
        ("form", pa.string()),
        ("filed_on", pa.date32()),
        ("concept", pa.string()),
        ("dimensions", pa.string()),
        ("unit", pa.string()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("value", DECIMAL),
        ("decimals", pa.string()),
        ("source_kind", pa.string()),  # xbrl_instance | inline_xbrl | companyfacts; in bulk: financial_data_set
        ("source_url", pa.string()),
        ("sha256", pa.string()),
        ("frame", pa.string()),
        ("fy", pa.int32()),
        ("fp", pa.string()),
    ]
)

#: One filing as the submissions API lists it (or as a document's own cover states it).
#: `accepted_at_received` is text exactly as served: its "Z" is not always UTC.
FILINGS = pa.schema(
    [
        ("cik", pa.string()),
        ("accession", pa.string()),
        ("form", pa.string()),
        ("filed_on", pa.date32()),
        ("accepted_at_received", pa.string()),
        ("report_date", pa.date32()),
        ("primary_document", pa.string()),
        ("source_url", pa.string()),
        ("sha256", pa.string()),
    ]
)

#: One hand-entered figure, or a former version of one. See ingest/curated/README.md for the columns. `known_on` is the
#: day from which tables show it: the day it was public, or, for what was put right later, the day of the correction.
FIGURES = pa.schema(
    [
        ("figure_id", pa.string()),
        ("company", pa.string()),
        ("ticker", pa.string()),
        ("metric", pa.string()),
        ("value", DECIMAL),
        ("low_value", DECIMAL),
        ("high_value", DECIMAL),
        ("unit", pa.string()),  # USD, CNY, share, multiple, years, USD/hour, ...
        ("qualifier", pa.string()),  # exact, approximate, at_least, at_or_above_10_percent, ...
        ("period_type", pa.string()),  # quarter, half, year, trailing_12m, year_to_date, instant, run_rate, forecast
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),  # the day the figure speaks of
        ("period_label", pa.string()),
        ("known_on", pa.date32()),
        ("known_on_basis", pa.string()),  # published, url_date, as_of, period_end_plus_lag
        ("series", pa.string()),  # which line of the same metric: a customer label, a basis, a scope
        ("basis", pa.string()),
        # company_filing, press_release, company_statement, press_report, estimate, assumption
        ("source_kind", pa.string()),
        ("estimator", pa.string()),
        ("layer", pa.string()),
        ("overlaps_with", pa.string()),
        ("source_title", pa.string()),
        ("source_url", pa.string()),
        ("source_url_2", pa.string()),
        ("confidence", pa.string()),  # high, medium, low
        ("is_citable", pa.bool_()),
        ("note", pa.string()),
        ("stated_on", pa.date32()),  # the day the statement itself was public
        ("withdrawn_on", pa.date32()),  # from this day on it is no longer said; null while it is
        ("file", pa.string()),
        ("line", pa.int32()),
    ]
)

#: One payment from a company whose revenue is counted to another one: what netting takes out at the payee. `unit` USD:
#: value, low_value and high_value are dollars of the period (a run rate: dollars a year); `unit` share: parts of the
#: payee's or the payer's revenue of the period, as `share_of` says. Payer or payee "(any)": the stated default of a
#: layer for pairs of which nothing is disclosed; payers of which only the sum is stated stand joined by "; ".
EDGES = pa.schema(
    [
        ("edge_id", pa.string()),  # "e" and 20 hex digits over what says which payment it is, not over its amount
        ("payer", pa.string()),
        ("payer_layer", pa.string()),
        ("payee", pa.string()),
        ("payee_layer", pa.string()),
        ("value", DECIMAL),
        ("low_value", DECIMAL),
        ("high_value", DECIMAL),
        ("unit", pa.string()),  # USD, share
        ("share_of", pa.string()),  # payee_revenue, payer_revenue; empty for USD
        ("qualifier", pa.string()),
        (
            "period_type",
            pa.string(),
        ),  # year, year_to_date, half, quarter, month, run_rate, instant
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("known_on", pa.date32()),
        ("known_on_basis", pa.string()),
        ("source_kind", pa.string()),
        ("source_title", pa.string()),
        ("source_url", pa.string()),
        ("confidence", pa.string()),
        ("is_citable", pa.bool_()),
        ("note", pa.string()),
    ]
)

#: What was received and cannot be used as it stands, one row each, with the reason. `kind`: fact (one line of a
#: document), entry (one line of a list of filings), filing (a whole document). `stated` is the text as received.
SET_ASIDE = pa.schema(
    [
        ("item_id", pa.string()),  # "a" and 20 hex digits of a hash of all other columns but sha256
        ("kind", pa.string()),
        ("cik", pa.string()),
        ("accession", pa.string()),
        ("concept", pa.string()),
        ("dimensions", pa.string()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("stated", pa.string()),
        ("reason", pa.string()),
        ("source_url", pa.string()),
        ("sha256", pa.string()),
    ]
)

#: One payload that was read, or that could not be, and why. `accession` is null for the company-wide APIs,
#: `retrieved_at` where nobody noted it.
PAYLOADS = pa.schema(
    [
        ("sha256", pa.string()),
        ("url", pa.string()),
        ("accession", pa.string()),
        ("kind", pa.string()),
        ("bytes", pa.int64()),
        ("retrieved_at", pa.timestamp("us", tz="UTC")),
        ("status", pa.string()),  # parsed, kept (nothing to parse), quarantined
        ("error", pa.string()),
    ]
)

#: Filings that EDGAR lists and whose facts are still to come: asked for again at every fetch.
PENDING = pa.schema(
    [
        ("cik", pa.string()),
        ("accession", pa.string()),
        ("form", pa.string()),
        ("filed_on", pa.date32()),
        ("reason", pa.string()),
    ]
)

#: One answer of EDGAR that is held back because it goes back behind an earlier one. `target` is what a decision names.
HELD_BACK = pa.schema(
    [("target", pa.string()), ("cik", pa.string()), ("since", pa.timestamp("us", "UTC")), ("reason", pa.string())]
)


class IngestError(Exception):
    """Base of every error ingest raises on purpose; the message says what, where, what next."""


class PayloadError(IngestError):
    """A payload is not what its address says, is cut short, or cannot be parsed."""


class ConflictError(IngestError):
    """Two different values at the same precision for one fact in one filing."""


class CuratedError(IngestError):
    """A curated row is refused; names file and line."""


class FetchError(IngestError):
    """EDGAR could not be reached or refused; says what was tried and when to try again."""


class BundleError(IngestError):
    """The shipped facts are missing, incomplete or do not match their manifest."""
