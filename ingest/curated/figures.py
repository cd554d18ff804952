"""Curated figures: the hand-entered CSV files of `ingest/curated/` as checked tables.

Belongs here: reading those files, refusing what cannot be right (named by file and line), and naming
what may be wrong. Metrics, their units and plausible ranges are data too (`metrics.csv`). Does not belong
here: deriving anything from the figures, choosing between two sources, DuckDB.

Every rule below answers a mistake a hand makes: millions typed for dollars, a day and a month
swapped, a row pasted twice, a source left out, a figure dated before it could be known.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from ingest.curated.corrections import CORRECTIONS_FILE, apply_corrections, parse_corrections
from ingest.records import DECIMAL, FIGURES, CuratedError
from ingest.rules import SPANS

#: The one header of every figures file: FIGURES without what the loader adds.
_ADDED = ("figure_id", "is_citable", "stated_on", "withdrawn_on", "file", "line")
COLUMNS = tuple(n for n in FIGURES.names if n not in _ADDED)

#: The files that ship; reading the shipped folder without one of them is an error, not a smaller table.
FIGURE_FILES = (
    "accelerators.csv",
    "ai_revenue.csv",
    "capex_guidance.csv",
    "clouds.csv",
    "commitments.csv",
    "customer_concentration.csv",
    "depreciation_lives.csv",
    "funding_rounds.csv",
    "fx_rates.csv",
    "golden_cases.csv",
    "gpu_hardware.csv",
    "gpu_list_prices.csv",
    "gpu_rental_h100.csv",
    "gross_margins.csv",
    "hyperscaler_capex.csv",
    "lab_costs.csv",
    "memo_claims.csv",
    "microsoft_share.csv",
    "nvidia_forecasts.csv",
    "nvidia_revenue.csv",
    "nvidia_supply.csv",
    "requirement_benchmarks.csv",
    "tco_share.csv",
)
METRICS_FILE = "metrics.csv"
SCENARIO_FILE = "scenarios.csv"
ROLES_FILE = "ai_revenue_roles.csv"
EDGES_FILE = "ai_revenue_edges.csv"

#: Files of the folder that have columns of their own: no figures.
OTHER_FILES = (METRICS_FILE, SCENARIO_FILE, ROLES_FILE, EDGES_FILE, CORRECTIONS_FILE)

SCENARIOS = pa.schema(
    [
        ("fact_id", pa.string()),
        ("scenario", pa.string()),
        ("parameter", pa.string()),
        ("value", DECIMAL),
        ("text_value", pa.string()),
        ("known_on", pa.date32()),
        ("source_title", pa.string()),
        ("source_url", pa.string()),
        ("note", pa.string()),
    ]
)
AI_REVENUE_ROLES = pa.schema(
    [
        ("company", pa.string()),
        ("role", pa.string()),
        ("superseded_by", pa.string()),
        ("superseded_from", pa.date32()),
        ("canonical", pa.string()),
        ("convention", pa.string()),
        ("region", pa.string()),
        ("note", pa.string()),
    ]
)
REFUSED = pa.schema([("file", pa.string()), ("line", pa.int32()), ("reason", pa.string())])

#: How a company's rows in ai_revenue.csv count toward the measured total.
#: not_disclosed: sells AI and states nothing usable; it has no rows there.
ROLES = ("counted", "memo", "benchmark", "netting", "subset", "not_disclosed")
#: Whether revenue is stated before (gross) or after (net) what partners keep of a resale. Empty: nothing is resold, or
#: the company does not say.
CONVENTIONS = ("", "gross", "net")
#: Where the company sits, ISO 3166 alpha-2; empty where that means nothing (benchmarks, sums).
_REGION = re.compile(r"([A-Z]{2})?")

CONFIDENCES = ("high", "medium", "low")
SOURCE_KINDS = (
    "company_filing",
    "press_release",
    "company_statement",
    "press_report",
    "price_list",
    "estimate",
    "assumption",
)
#: same_day: the source says "now" of the day it is from, so the day it speaks of and the day it became known are one.
KNOWN_ON_BASES = ("published", "url_date", "as_of", "same_day", "period_end_plus_lag", "collected", "estimated")
LAYERS = ("", "application", "model", "cloud_infrastructure", "all", "overlap")
QUALIFIERS = (
    "exact",
    "approximate",
    "at_least",
    "at_most",
    "derived",
    "rounded_10m",
    "rounded_100m",
    "range",
    "as_stated",
    "estimated",
    "assumed",
    "at_or_above_10_not_quantified",
    "none_at_or_above_10",
    "verified",
    "partly_verified",
    "unverified",
)
#: Qualifiers under which a figure may lack a number.
_WITHOUT_VALUE = ("at_or_above_10_not_quantified", "none_at_or_above_10")

#: Days a period of each type may span, both ends included. None: the figure speaks of one day and has no start.
PERIOD_DAYS: dict[str, tuple[int, int] | None] = {
    "quarter": SPANS["quarter"],
    "month": (28, 31),
    "half": SPANS["half"],
    "year_to_date": (SPANS["half"][0], SPANS["nine_months"][1]),
    "year": SPANS["year"],
    "trailing_12m": SPANS["year"],
    "multi_year": (700, 2200),
    "instant": None,
    "run_rate": None,
    "forecast": None,
}


@dataclass(frozen=True)
class MetricRule:
    """What a metric's figure may be: its units with the smallest and largest believable value.

    :param units: unit -> (lowest, highest), both included. No figure here, typed in millions or
        billions instead of whole units, stays within its range.
    :param is_forward: true when the figure may speak of days after it became known (forecasts,
        guidance, announced policies); false demands known_on on or after period_end.
    """

    units: dict[str, tuple[Decimal, Decimal]]
    is_forward: bool = False


_NUMBER = re.compile(r"-?[0-9]{1,28}(\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST_KNOWN = date(2016, 1, 1)  # nothing here is older; catches a year typed with a digit off
_LAST_KNOWN = date(2050, 1, 1)

#: What makes a row that row: two rows alike in these are one figure entered twice. The value is
#: not among them, so a figure keeps its id when a typing mistake in it is put right.
_KEY = (
    "company",
    "metric",
    "series",
    "basis",
    "estimator",
    "unit",
    "period_type",
    "period_start",
    "period_end",
    "period_label",
    "known_on",
    "source_url",
)


@dataclass(frozen=True)
class RefusedRow:
    """A row that was left out: where it stands and why. `line` counts from 1, the header included."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class FigureSet:
    """What a folder of figures gave: `table` with schema FIGURES, the rows refused, and the rows it holds whose day is
    in doubt (see :func:`doubtful_dates`)."""

    table: pa.Table
    refused: list[RefusedRow] = field(default_factory=list)
    doubtful: list[RefusedRow] = field(default_factory=list)


def refused_table(refused: Iterable[RefusedRow]) -> pa.Table:
    """Refused or doubtful rows as a table, schema REFUSED."""
    return pa.Table.from_pylist([vars(row) for row in refused], REFUSED)


def curated_dir() -> Traversable:
    """The folder of curated files that ships with the package."""
    return files(__package__)


def is_citable(source_url: str, source_title: str = "") -> bool:
    """Whether a reader can open the source: a public http(s) page, not a site's front page.

    A title that names a "file id" says the figure was seen in a stored copy, not on the page.
    """
    try:
        parts = urlsplit(source_url)
    except ValueError:  # "http://[": no address at all
        return False
    if parts.scheme not in ("http", "https") or "." not in parts.netloc or " " in source_url:
        return False
    if "file id" in source_title.lower():
        return False
    return bool(parts.path.strip("/") or parts.query)


def to_decimal(text: str, column: str) -> Decimal | None:
    """A cell as a number, None when empty; anything but plain digits is refused."""
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise CuratedError(f"{column} {text[:40]!r} must be a plain number: digits, one point, no exponent, no commas")
    return Decimal(text)


def to_date(text: str, column: str) -> date | None:
    """A cell as a day, None when empty; anything but YYYY-MM-DD is refused."""
    if not text:
        return None
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise CuratedError(f"{column} {text[:40]!r} must be a day written YYYY-MM-DD") from None


def one_of(row: dict, column: str, allowed: Iterable[str]) -> None:
    """Refuse a row whose `column` is not one of `allowed`."""
    if row[column] not in allowed:
        raise CuratedError(f"{column} {row[column]!r} is not one of {', '.join(map(repr, allowed))}")


def _check_value(row: dict) -> None:
    rule = METRICS.get(row["metric"])
    if rule is None:
        raise CuratedError(f"metric {row['metric']!r} is not known; add it to metrics.csv")
    if row["unit"] not in rule.units:
        raise CuratedError(f"unit {row['unit']!r} does not fit {row['metric']}: {', '.join(rule.units)}")
    low, high = rule.units[row["unit"]]
    numbers = {c: row[c] for c in ("value", "low_value", "high_value") if row[c] is not None}
    for column, number in numbers.items():
        if not low <= number <= high:
            raise CuratedError(
                f"{column} {number} {row['unit']} is not a plausible {row['metric']} ({low:f} to {high:f}); "
                "values are whole units, shares 0 to 1"
            )
    if not numbers and row["qualifier"] not in _WITHOUT_VALUE:
        raise CuratedError("no value, low_value or high_value")
    if numbers and row["qualifier"] in _WITHOUT_VALUE:
        raise CuratedError(f"qualifier {row['qualifier']} goes with an empty value")
    ordered = [numbers[c] for c in ("low_value", "value", "high_value") if c in numbers]
    if ordered != sorted(ordered):
        raise CuratedError(f"low_value, value, high_value must rise: {', '.join(map(str, ordered))}")


def check_span(row: dict) -> None:
    """Refuse a row whose period is not what its period_type says, or that lacks period_end or known_on."""
    one_of(row, "period_type", PERIOD_DAYS)
    start, end, known = row["period_start"], row["period_end"], row["known_on"]
    if end is None or known is None:
        raise CuratedError("period_end and known_on are required")
    span = PERIOD_DAYS[row["period_type"]]
    if span is None and start is not None:
        raise CuratedError(f"period_type {row['period_type']} speaks of one day: leave period_start empty")
    if span is not None:
        if start is None:
            raise CuratedError(f"period_type {row['period_type']} needs a period_start")
        days = (end - start).days + 1
        if not span[0] <= days <= span[1]:
            raise CuratedError(f"{start} to {end} is {days} days, not a {row['period_type']} ({span[0]} to {span[1]})")


def _check_period(row: dict, not_after: date) -> None:
    check_span(row)
    end, known = row["period_end"], row["known_on"]
    if not METRICS[row["metric"]].is_forward and known < end:
        raise CuratedError(f"known_on {known} is before period_end {end}: an actual cannot be known in advance")
    if not _FIRST_KNOWN <= known <= not_after:
        raise CuratedError(f"known_on {known} is outside {_FIRST_KNOWN} to {not_after}")


def _check_source(row: dict) -> None:
    if not row["source_title"]:
        raise CuratedError("source_title is missing")
    if not row["source_url"] and row["qualifier"] != "unverified":
        raise CuratedError("source_url is missing; only an unverified claim may have none")
    if not row["is_citable"] and row["confidence"] != "low":
        raise CuratedError(f"source {row['source_url']!r} cannot be cited, so confidence must be low")


def _figure(cells: dict[str, str], not_after: date) -> dict:
    """One checked row of FIGURES, without file and line.

    :raises CuratedError: the row cannot be right; the message says which cell.
    """
    row: dict = dict(cells)
    for column in ("value", "low_value", "high_value"):
        row[column] = to_decimal(row[column], column)
    for column in ("period_start", "period_end", "known_on"):
        row[column] = to_date(row[column], column)
    if not row["company"]:
        raise CuratedError("company is missing")
    one_of(row, "qualifier", QUALIFIERS)
    one_of(row, "known_on_basis", KNOWN_ON_BASES)
    one_of(row, "source_kind", SOURCE_KINDS)
    one_of(row, "confidence", CONFIDENCES)
    one_of(row, "layer", LAYERS)
    _check_value(row)
    _check_period(row, not_after)
    row["is_citable"] = is_citable(row["source_url"], row["source_title"])
    _check_source(row)
    row["figure_id"] = row_id("c", (cells[c] for c in _KEY))
    row["stated_on"], row["withdrawn_on"] = row["known_on"], None
    return row


def row_id(prefix: str, parts: Iterable[str]) -> str:
    """The identity of a row: the prefix and 20 hex digits over the cells that say which row it is."""
    # A unit separator cannot stand in a cell (see _rows), so no two keys run together.
    return prefix + sha256("\x1f".join(parts).encode()).hexdigest()[:20]


def _rows(file: str, data: bytes, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str] | CuratedError]]:
    """The rows of one CSV with their first line; a row with the wrong shape comes as an error.

    :raises CuratedError: the file as a whole cannot be read: not UTF-8, an open quote, another header.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CuratedError(f"{file}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        if tuple(header) != columns:
            missing, extra = [c for c in columns if c not in header], [c for c in header if c not in columns]
            raise CuratedError(
                f"{file}, line 1: the header must be {','.join(columns)}"
                f" (missing: {', '.join(missing) or 'none'}; not known: {', '.join(extra) or 'none'})"
            )
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                yield line, _shaped(cells, columns)
            line = reader.line_num + 1
    except csv.Error as error:
        raise CuratedError(f"{file}, line {line}: not readable as CSV: {error}") from None


def _shaped(cells: list[str], columns: tuple[str, ...]) -> dict[str, str] | CuratedError:
    if len(cells) != len(columns):
        return CuratedError(f"{len(cells)} cells, the header has {len(columns)}: a comma too many or too few?")
    for column, cell in zip(columns, cells, strict=True):
        if cell != cell.strip() or not cell.isprintable():
            return CuratedError(f"{column} {cell[:40]!r} has stray spaces or control characters")
    return dict(zip(columns, cells, strict=True))


def parse_figures(file: str, data: bytes, not_after: date = _LAST_KNOWN) -> tuple[list[dict], list[RefusedRow]]:
    """Read one figures file.

    :param file: its name, for messages and the `file` column.
    :param data: UTF-8 CSV with the header COLUMNS.
    :param not_after: the last believable known_on; pass today to catch a date in the future.
    :return: rows of FIGURES, and the rows refused. Of two rows with one key the first stays.
    :raises CuratedError: the file as a whole cannot be read.
    """
    rows: list[dict] = []
    refused: list[RefusedRow] = []
    for line, cells in _rows(file, data, COLUMNS):
        try:
            if isinstance(cells, CuratedError):
                raise cells
            rows.append(_figure(cells, not_after) | {"file": file, "line": line})
        except CuratedError as error:
            refused.append(RefusedRow(file, line, str(error)))
    return rows, refused


def read_figures(directory: Path | Traversable | None = None, not_after: date = _LAST_KNOWN) -> FigureSet:
    """Read every figures file of a folder, in file and line order.

    A row that cannot be right is left out and named in `refused`; the others stay. The figure ids
    depend on a row's content only, not on its place.

    :param directory: the folder; None for the one that ships, which must then be complete.
    :param not_after: see :func:`parse_figures`.
    :raises CuratedError: no figures there, a shipped file missing, or a file that cannot be read.
    """
    folder: Path | Traversable = curated_dir() if directory is None else directory
    sources = {p.name: p for p in folder.iterdir() if p.name.endswith(".csv")} if folder.is_dir() else {}
    names = sorted(n for n in sources if n not in OTHER_FILES)
    missing = [n for n in FIGURE_FILES if n not in names] if directory is None else []
    if missing or not names:
        raise CuratedError(f"{folder}: no {', '.join(missing) or 'figures'} there; restore from version control")
    rows: list[dict] = []
    refused: list[RefusedRow] = []
    first: dict[str, dict] = {}
    for name in names:
        parsed, bad = parse_figures(name, sources[name].read_bytes(), not_after)
        refused += bad
        for row in parsed:
            before = first.setdefault(row["figure_id"], row)
            if before is row:
                rows.append(row)
            else:
                reason = f"the same figure stands in {before['file']}, line {before['line']}"
                refused.append(RefusedRow(name, row["line"], reason))
    outliers = _out_of_scale(rows)
    refused += outliers
    left_out = {(r.file, r.line) for r in outliers}
    rows = [row for row in rows if (row["file"], row["line"]) not in left_out]
    refused.sort(key=lambda r: (r.file, r.line))
    if CORRECTIONS_FILE in sources:
        rows = apply_corrections(rows, parse_corrections(sources[CORRECTIONS_FILE].read_bytes()))
    return FigureSet(pa.Table.from_pylist(rows, FIGURES), refused, doubtful_dates(rows))


#: Companies that one page gives a run rate of one and the same day: more is a census, and the day is its own.
_CENSUS = 3


def doubtful_dates(rows: Iterable[dict]) -> list[RefusedRow]:
    """Rows that may speak of another day than they say. They stay; a person dates them, or says `same_day`.

    What a business earned is stated about a quarter's end or a month, and a census repeats it later. Looked at is what
    can move a number: above low confidence, not withdrawn, no forecast, no price or balance of one day.
    """
    looked_at = [
        row
        for row in rows
        if row["confidence"] != "low"
        and row["withdrawn_on"] is None
        and row["period_type"] != "instant"
        and not METRICS[row["metric"]].is_forward
    ]
    repeated: dict[tuple, set[str]] = {}
    for row in looked_at:
        if row["period_type"] == "run_rate" and row["layer"] not in ("all", "overlap"):
            repeated.setdefault((row["source_url"], row["period_end"]), set()).add(row["company"])
    found = []
    for row in looked_at:
        if row["known_on_basis"] == "collected":
            reason = "known from the day it was collected; find the day it was public"
        elif len(repeated.get((row["source_url"], row["period_end"]), ())) >= _CENSUS:
            reason = f"one page dates {_CENSUS} or more companies to it; find what it repeats, and the day of that"
        elif row["stated_on"] == row["period_end"] and row["known_on_basis"] != "same_day":
            reason = "the day it became known; date it to what it describes, or write same_day where it says now"
        else:
            continue
        found.append(RefusedRow(row["file"], row["line"], f"{row['company']} {row['period_end']}: {reason}"))
    return found


#: How far a value may lie from its neighbours in time. The steepest true step here is 132 (OpenAI's
#: revenue of 2022 to 2024); a slip between thousands, millions and billions is 1000.
_STEP = 300


def _out_of_scale(rows: list[dict]) -> list[RefusedRow]:
    """Rows a thousandfold off their own series, which the range of the metric is too wide to see.

    Compared is a row with the one before and the one after it in time; a newest or oldest row with
    its one neighbour. Series of fewer than three values say nothing.
    """
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        if row["value"] is not None and row["value"] > 0:
            key = tuple(row[c] for c in ("company", "metric", "series", "basis", "unit", "period_type"))
            groups.setdefault(key, []).append(row)
    found = []
    for group in groups.values():
        if len(group) < 3:
            continue
        group.sort(key=lambda r: (r["period_end"], r["known_on"], r["value"]))
        inner = [
            b for a, b, c in zip(group, group[1:], group[2:], strict=False) if _off(b, a) and _off(b, a) == _off(b, c)
        ]
        kept = [row for row in group if row not in inner]
        ends = [row for row, next_ in ((kept[0], kept[1]), (kept[-1], kept[-2])) if len(kept) > 2 and _off(row, next_)]
        for row in inner + ends:
            reason = f"value {row['value']} is {_STEP} times or more off its neighbours in time: wrong scale?"
            found.append(RefusedRow(row["file"], row["line"], reason))
    return found


def _off(row: dict, other: dict) -> int:
    """1 when row is far above other, -1 when far below, else 0."""
    return int(row["value"] >= _STEP * other["value"]) - int(other["value"] >= _STEP * row["value"])


def whole_file(name: str, directory: Path | Traversable | None, columns: tuple[str, ...]) -> Iterator[tuple[int, dict]]:
    """The rows of a file in which one bad row spoils the rest (half a scenario is no scenario)."""
    folder: Path | Traversable = curated_dir() if directory is None else directory
    source = folder / name
    if not source.is_file():
        raise CuratedError(f"{source}: not there; restore it from version control")
    for line, cells in _rows(name, source.read_bytes(), columns):
        if isinstance(cells, CuratedError):
            raise CuratedError(f"{name}, line {line}: {cells}")
        yield line, cells


def _read_metrics() -> dict[str, MetricRule]:
    rules: dict[str, MetricRule] = {}
    for line, cells in whole_file(METRICS_FILE, None, ("metric", "unit", "lowest", "highest", "is_forward")):
        lowest, highest = to_decimal(cells["lowest"], "lowest"), to_decimal(cells["highest"], "highest")
        is_forward = cells["is_forward"] == "true"
        rule = rules.setdefault(cells["metric"], MetricRule({}, is_forward))
        if lowest is None or highest is None or rule.is_forward != is_forward or cells["unit"] in rule.units:
            raise CuratedError(f"{METRICS_FILE}, line {line}: {cells['metric']} lacks a bound, stands twice or differs")
        rule.units[cells["unit"]] = (lowest, highest)
    return rules


#: The metrics that a figure may state, with their units and believable ranges.
METRICS = _read_metrics()

RUN_RATE_BASES = ("actual_run_rate", "trailing_12m", "forecast_run_rate", "spending_estimate", "all_accelerators")
AI_REVENUE_BASES = ("assumed", "measured_run_rate", "estimated_run_rate", "measured_trailing_12m")
#: Marks what is the user's own: a figure's `file`, a scenario's name, and the basis of one that counts such figures.
OWN = "own:"
_OWN_BASES = tuple(OWN + basis for basis in AI_REVENUE_BASES if basis != "assumed")
_CALENDAR_QUARTER = re.compile(r"20[0-9]{2}Q[1-4]")
#: Scenario parameters: a range for numbers, a tuple of words or a pattern for text.
PARAMETERS: dict[str, tuple[Decimal, Decimal] | tuple[str, ...] | re.Pattern[str]] = {
    "gpu_share_of_tco": (Decimal("0.05"), Decimal(1)),
    "end_user_gross_margin": (Decimal(-2), Decimal("0.99")),
    "run_rate_usd": (Decimal("1e9"), Decimal("1e13")),
    "data_center_spend_usd": (Decimal("1e9"), Decimal("1e13")),
    "ai_revenue_usd": (Decimal("1e9"), Decimal("1e13")),
    "assumed_member_revenue_usd": (Decimal("1e8"), Decimal("1e12")),
    "accelerator_life_years": (Decimal("0.25"), Decimal(20)),
    "building_life_years": (Decimal(1), Decimal(60)),
    "required_return": (Decimal(0), Decimal("0.5")),
    "revenue_lag_quarters": (Decimal(0), Decimal(12)),
    "electricity_usd_per_kwh": (Decimal("0.01"), Decimal(1)),
    "accelerator_usd_per_gw": (Decimal("1e9"), Decimal("1e11")),
    "run_rate_basis": RUN_RATE_BASES,
    "ai_revenue_basis": AI_REVENUE_BASES,
    "ai_revenue_end": ("low", "central", "high"),
    "calendar_quarter": _CALENDAR_QUARTER,
}


def _parameter(cells: dict[str, str], is_own: bool) -> dict:
    row: dict = dict(cells)
    row["value"], row["known_on"] = to_decimal(row["value"], "value"), to_date(row["known_on"], "known_on")
    allowed = PARAMETERS.get(row["parameter"])
    if allowed is None:
        raise CuratedError(f"parameter {row['parameter']!r} is not one of {', '.join(PARAMETERS)}")
    if row["parameter"] == "ai_revenue_basis" and is_own:
        allowed = (*AI_REVENUE_BASES, *_OWN_BASES)
    if isinstance(allowed, re.Pattern):
        fits = row["value"] is None and bool(allowed.fullmatch(row["text_value"]))
    elif isinstance(allowed[0], str):
        fits = row["value"] is None and row["text_value"] in allowed
    else:
        fits = row["value"] is not None and allowed[0] <= row["value"] <= allowed[1]
    if not fits:
        given = row["text_value"] if row["value"] is None else row["value"]
        raise CuratedError(f"{row['parameter']} cannot be {given!s:.40}; whole dollars, shares 0 to 1")
    if not row["scenario"] or row["known_on"] is None or not row["source_title"]:
        raise CuratedError("scenario, known_on and source_title are required")
    if not is_citable(row["source_url"], row["source_title"]):
        raise CuratedError(f"source {row['source_url']!r} cannot be cited; a scenario needs a source one can open")
    key = ("scenario", "parameter", "text_value", "known_on", "source_url")
    row["fact_id"] = row_id("s", (cells[c] for c in key))
    row["text_value"] = row["text_value"] or None
    return row


def read_scenarios(directory: Path | Traversable | None = None, *, is_own: bool = False) -> pa.Table:
    """The scenarios' parameters, schema SCENARIOS: one row a scenario x parameter (x list member).

    Unlike a figure, one bad row refuses the whole file: half a scenario is no scenario.

    :param is_own: they are the user's, and may count the user's own figures.
    :raises CuratedError: a row cannot be right; names file and line.
    """
    rows: dict[str, dict] = {}
    columns = tuple(n for n in SCENARIOS.names if n != "fact_id")
    for line, cells in whole_file(SCENARIO_FILE, directory, columns):
        try:
            row = _parameter(cells, is_own)
            if row["fact_id"] in rows:
                raise CuratedError(f"{row['scenario']}, {row['parameter']} stands twice")
        except CuratedError as error:
            raise CuratedError(f"{SCENARIO_FILE}, line {line}: {error}") from None
        rows[row["fact_id"]] = row
    return pa.Table.from_pylist(list(rows.values()), SCENARIOS)


def read_ai_revenue_roles(directory: Path | Traversable | None = None) -> pa.Table:
    """How each company of ai_revenue.csv counts, schema AI_REVENUE_ROLES, one row a company.

    :raises CuratedError: a row cannot be right, or a successor is not itself listed.
    """
    rows: dict[str, dict] = {}
    for line, cells in whole_file(ROLES_FILE, directory, tuple(AI_REVENUE_ROLES.names)):
        row: dict = dict(cells)
        try:
            one_of(row, "role", ROLES)
            one_of(row, "convention", CONVENTIONS)
            if not _REGION.fullmatch(row["region"]):
                raise CuratedError(f"region {row['region']!r} is not a country's two letters")
            row["superseded_from"] = to_date(row["superseded_from"], "superseded_from")
            if not row["company"] or not row["canonical"]:
                raise CuratedError("company and canonical are required")
            if row["company"] in rows:
                raise CuratedError(f"{row['company']} stands twice")
            if bool(row["superseded_by"]) != bool(row["superseded_from"]):
                raise CuratedError("superseded_by and superseded_from go together")
        except CuratedError as error:
            raise CuratedError(f"{ROLES_FILE}, line {line}: {error}") from None
        rows[row["company"]] = row | {"superseded_by": row["superseded_by"] or None}
    for row in rows.values():
        if row["superseded_by"] and row["superseded_by"] not in rows:
            raise CuratedError(f"{ROLES_FILE}: {row['company']} is superseded by {row['superseded_by']!r}: not listed")
    return pa.Table.from_pylist(list(rows.values()), AI_REVENUE_ROLES)
