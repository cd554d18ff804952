"""Epoch AI's published table of AI companies' revenue reports: bytes to figures, its vintages to versions.

Belongs here: reading one vintage of the CSV, telling an edited row from a new one, and which rows repeat a statement
that is curated already. Does not belong here: HTTP (epoch_fetch.py), what counts (dbt_project).

Epoch overwrites the file and says nothing of what changed: columns and words were renamed between vintages, rows edited
or taken out, older ones filled in, a company renamed. So a row is known from the day we first saw it, to the day we no
longer did. Columns are found by their known names, and words that are not known leave their row out by name, never by
guess. The columns of notes quote the press: they are not read.

The data are CC BY 4.0; every row names "Epoch AI, Data on AI Companies".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit

from ingest.curated.figures import COLUMNS, parse_figure
from ingest.curated.files import RefusedRow, row_id
from ingest.records import PayloadError

ATTRIBUTION = "Epoch AI, Data on AI Companies (CC BY 4.0)"
PAGE = "https://epoch.ai/data/ai-companies"
CSV_ADDRESS = "https://epoch.ai/data/ai_companies_revenue_reports.csv"
#: Marks Epoch's rows in the column `series`, and their vintage in `file`.
SERIES = "epoch"

#: What a column has been called. One of each is required; any other column is left alone.
_NAMES = {
    "company": ("Company",),
    "day": ("Date",),
    "annualized": ("Annualized revenue (USD)",),
    "amount": ("Revenue amount (normalize to annual)",),
    "type": ("Annualized revenue type", "Type"),
    "confidence": ("Confidence",),
    "source": ("Source 1",),
    "source_type": ("Source type",),
    "report_day": ("Report date",),
}
#: Since the vintage of September 2026; before, all but "Product/division revenue" was of the full company.
_SCOPE, _PERIOD_TYPE = "Scope", "Period type"
_FULL = "full company"

#: Word of the type column -> (metric, qualifier, is it a year's own revenue).
_TYPES = {
    "annualized revenue": ("annualized_run_rate", "approximate"),
    "annualized run rate": ("annualized_run_rate", "approximate"),
    "annual recurring revenue": ("annualized_run_rate", "approximate"),
    "annual recurring revenue (arr)": ("annualized_run_rate", "approximate"),
    # A period's revenue as a yearly pace: the same number under both words.
    "quarterly revenue": ("annualized_run_rate", "derived"),
    "period interpolation": ("annualized_run_rate", "derived"),
    "yearly revenue": ("annual_revenue", "approximate"),
}
_PARTS = ("product/division revenue",)
#: States something that is no pace and no year: told in words that no rule can read.
_NO_TYPE = ("", "other")
#: Of two kinds in one cell the weaker holds: kinds stand from strong to weak.
_SOURCE_KINDS = {"company disclosure": "company_statement", "media report": "press_report", "other": "estimate"}
_CONFIDENCE = {"confident": "medium", "likely": "medium", "uncertain": "low", "speculative": "low", "": "low"}
_PLAIN_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,4})?")
_ISO, _US = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")

#: A statement of the same company is the same one within these.
SAME_DAYS, SAME_SHARE = 45, Decimal("0.02")
#: Curated metric -> times a year: Epoch states a quarter as its yearly pace.
_PACE = {"annualized_run_rate": 1, "quarterly_revenue": 4, "half_year_revenue": 2}
_YEAR = {"annual_revenue": 1}


@dataclass(frozen=True)
class Report:
    """One row of a vintage that states a company's revenue.

    `day`: the day it speaks of (a year's last, for annual_revenue). `report_day`: when it was reported, None where the
    cell holds no day that can be. `line` counts from 1, the header included.
    """

    company: str
    metric: str
    day: date
    value: Decimal
    qualifier: str
    source_kind: str
    source_url: str
    confidence: str
    report_day: date | None
    line: int


class Vintage(NamedTuple):
    """The file as it was on a day: its reports, the rows that state none (a product's revenue, no amount), and those
    refused because a word or number in them is not one we know. `line` is where a row ends."""

    seen_on: date
    reports: list[Report]
    left_out: list[RefusedRow]
    refused: list[RefusedRow]


class Statements(NamedTuple):
    """What the vintages together say: figures (rows of FIGURES), the rows of the newest vintage that were refused, and
    per figure id the curated figure that it repeats (those are not among the figures)."""

    figures: list[dict]
    refused: list[RefusedRow]
    repeated: dict[str, str]


class _NotStated(Exception):
    """A row that states no revenue of a whole company; it says so itself."""


# --- one vintage ----------------------------------------------------------------------------------


def parse_epoch(data: bytes, seen_on: date) -> Vintage:
    """Read one vintage.

    :raises PayloadError: it is no table with the columns we know, or not one of its rows can be used: the schema has
        changed. Says which columns are missing and which are new.
    """
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header = [name or "" for name in rows.fieldnames or ()]
        cells = [(rows.line_num, row) for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise PayloadError(f"Epoch's table of {seen_on} cannot be read as CSV: {error}") from error
    columns = {ours: next((name for name in names if name in header), None) for ours, names in _NAMES.items()}
    if missing := [" or ".join(_NAMES[ours]) for ours, name in columns.items() if name is None]:
        raise PayloadError(
            f"Epoch's table of {seen_on} has no column {', '.join(missing)}; it has {', '.join(header)[:400]}. "
            "Its schema has changed: the last good table stays; add the new name to _NAMES in ingest/curated/epoch.py"
        )
    found = {ours: name for ours, name in columns.items() if name is not None}
    reports: list[Report] = []
    left_out: list[RefusedRow] = []
    refused: list[RefusedRow] = []
    for line, row in cells:
        get = {ours: (row.get(name) or "").strip() for ours, name in found.items()}
        scope = (row.get(_SCOPE) or "").strip().lower() if _SCOPE in header else _FULL
        try:
            reports.append(_report(get, scope, seen_on, line))
        except _NotStated as error:
            left_out.append(RefusedRow(_file(seen_on), line, str(error)))
        except ValueError as error:
            refused.append(RefusedRow(_file(seen_on), line, str(error)))
    if not reports:
        why = f", as in line {refused[0].line}: {refused[0].reason}" if refused else ""
        raise PayloadError(f"not one row of Epoch's table of {seen_on} can be used{why}; the last good table stays")
    return Vintage(seen_on, reports, left_out, refused)


def _file(seen_on: date) -> str:
    return f"{SERIES}:{seen_on}"


def _report(cells: Mapping[str, str], scope: str, seen_on: date, line: int) -> Report:
    """One row.

    :raises _NotStated: it states no revenue of a whole company.
    :raises ValueError: it states one in words or numbers that are not known.
    """
    company, kind = cells["company"], cells["type"].lower()
    if not company or not company.isprintable():
        raise ValueError("it names no company")
    if kind in _PARTS or scope != _FULL:
        raise _NotStated(f"{company}: {cells['type'] or scope!r} is of a part of the company")
    if kind in _NO_TYPE or not (cells["annualized"] or cells["amount"]):
        raise _NotStated(f"{company}: it states no amount that a rule can read")
    if kind not in _TYPES:
        raise ValueError(f"{company}: the type {cells['type']!r} is not known")
    metric, qualifier = _TYPES[kind]
    stated = cells["annualized"] or cells["amount"] if metric == "annualized_run_rate" else cells["amount"]
    if not _PLAIN_NUMBER.fullmatch(stated):
        raise ValueError(f"{company}: the amount {stated[:40]!r} is no number")
    day = _day(cells["day"])
    if day is None or day > seen_on:
        raise ValueError(f"{company}: the day {cells['day'][:40]!r} is none, or is still to come")
    if cells["confidence"].lower() not in _CONFIDENCE:
        raise ValueError(f"{company}: the confidence {cells['confidence']!r} is not known")
    report_day = _day(cells["report_day"])
    return Report(
        company=company,
        metric=metric,
        day=day,
        value=Decimal(stated).normalize(),
        qualifier=qualifier,
        source_kind=_source_kind(company, cells["source_type"]),
        source_url=cells["source"] if _is_link(cells["source"]) else "",
        confidence=_CONFIDENCE[cells["confidence"].lower()],
        report_day=report_day if report_day and day <= report_day <= seen_on else None,
        line=line,
    )


def _day(text: str) -> date | None:
    match = _ISO.fullmatch(text)
    us = None if match else _US.fullmatch(text)
    try:
        if match:
            return date(int(match[1]), int(match[2]), int(match[3]))
        return date(int(us[3]), int(us[1]), int(us[2])) if us else None
    except ValueError:
        return None


def _source_kind(company: str, text: str) -> str:
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    if unknown := [word for word in words if word not in _SOURCE_KINDS]:
        raise ValueError(f"{company}: the source type {unknown[0]!r} is not known")
    strong_to_weak = list(_SOURCE_KINDS)
    return _SOURCE_KINDS[max(words, key=strong_to_weak.index)] if words else "estimate"


def _is_link(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("http", "https") and " " not in text and text.isprintable()
    except ValueError:
        return False


# --- all vintages ---------------------------------------------------------------------------------


def renamed(before: Iterable[Report], after: Iterable[Report]) -> dict[str, str]:
    """Companies that are gone under their name and stand under another: name then -> name now.

    A company is renamed when it is in no row any more, and one company that was in none before states at least half of
    its days and amounts.
    """
    then, now = _by_company(before), _by_company(after)
    found = {}
    for old in sorted(then.keys() - now.keys()):
        for new in sorted(now.keys() - then.keys()):
            if 2 * len(then[old] & now[new]) >= len(then[old]):
                found[old] = new
                break
    return found


def _by_company(reports: Iterable[Report]) -> dict[str, set[tuple]]:
    found: dict[str, set[tuple]] = {}
    for report in reports:
        found.setdefault(report.company, set()).add((report.metric, report.day, report.value))
    return found


@dataclass
class _Version:
    """A report from the day it was first seen to the day it was not; `report` is as last seen."""

    report: Report
    known_on: date
    file: str
    withdrawn_on: date | None = None


def versions(vintages: Sequence[Vintage]) -> list[_Version]:
    """Every report of all vintages, each once per time that it was there without a break.

    What says which report it is: company (under its newest name), metric, day and amount. An edited amount or day is
    therefore another report, and the one before is withdrawn.
    """
    open_: dict[tuple, _Version] = {}
    closed: list[_Version] = []
    earlier: list[Report] = []
    for vintage in sorted(vintages, key=lambda v: v.seen_on):
        names = renamed(earlier, vintage.reports)
        if names:
            for version in [*open_.values(), *closed]:
                company = version.report.company
                version.report = replace(version.report, company=names.get(company, company))
            open_ = {_key(version.report): version for version in open_.values()}
        there = {_key(report): report for report in vintage.reports}
        for key in [key for key in open_ if key not in there]:
            gone = open_.pop(key)
            gone.withdrawn_on = vintage.seen_on
            closed.append(gone)
        for key, report in there.items():
            if key in open_:
                open_[key].report = report
            else:
                open_[key] = _Version(report, vintage.seen_on, _file(vintage.seen_on))
        earlier = vintage.reports
    return sorted([*closed, *open_.values()], key=lambda v: (_key(v.report), v.known_on))


def _key(report: Report) -> tuple:
    return report.company, report.metric, report.day, report.value


# --- against what is curated ----------------------------------------------------------------------


def repeats(report: Report, curated: Iterable[Mapping]) -> str | None:
    """The id of the curated figure that states the same thing, None if there is none.

    The same: of one company, both a pace (a quarter's revenue times four is one) or both a year, days at most 45 apart,
    amounts at most 2 % apart. Of several the nearest day counts.
    """
    times = _PACE if report.metric in _PACE else _YEAR
    near = []
    for figure in curated:
        if figure["company"] != report.company or figure["metric"] not in times or figure["unit"] != "USD":
            continue
        days = abs((figure["period_end"] - report.day).days)
        if days > SAME_DAYS or figure["value"] is None:
            continue
        value = figure["value"] * times[figure["metric"]]
        if abs(value - report.value) <= SAME_SHARE * max(value, report.value):
            near.append((days, str(figure["figure_id"])))
    return min(near)[1] if near else None


def statements(vintages: Sequence[Vintage], curated: Sequence[Mapping], layers: Mapping[str, str | None]) -> Statements:
    """The vintages as figures beside the curated ones.

    :param curated: rows of FIGURES, those of the shipped files.
    :param layers: every company of which a person said how it counts (ai_revenue_roles.csv): the layer of one that is
        counted, None for any other. A company that is not among them is refused by name.
    """
    newest = max((v.seen_on for v in vintages), default=None)
    refused = [row for v in vintages if v.seen_on == newest for row in v.refused]
    figures: list[dict] = []
    repeated: dict[str, str] = {}
    for version in versions(vintages):
        report = version.report
        if report.company not in layers:
            if version.withdrawn_on is None:
                reason = f"{report.company} has no line in ai_revenue_roles.csv, so nobody said how it counts"
                refused.append(RefusedRow(version.file, report.line, reason))
            continue
        layer = layers[report.company]
        if layer is None:
            continue
        figure = parse_figure(version.file, report.line, _cells(version, layer))
        if isinstance(figure, RefusedRow):
            refused.append(figure)
            continue
        key = (*map(str, _key(report)), version.known_on.isoformat())
        row = figure | {
            "figure_id": row_id("c", (SERIES, *key)),
            "stated_on": report.report_day or version.known_on,
            "withdrawn_on": version.withdrawn_on,
        }
        if same := repeats(report, curated):
            repeated[str(row["figure_id"])] = same
        else:
            figures.append(row)
    return Statements(figures, refused, repeated)


def _cells(version: _Version, layer: str) -> dict[str, str]:
    """A version as a row of a figures file, so that it passes what every figure must pass."""
    report = version.report
    is_year = report.metric == "annual_revenue"
    return dict.fromkeys(COLUMNS, "") | {
        "company": report.company,
        "metric": report.metric,
        "value": f"{report.value:f}",
        "unit": "USD",
        "qualifier": report.qualifier,
        "period_type": "year" if is_year else "run_rate",
        "period_start": _year_before(report.day).isoformat() if is_year else "",
        "period_end": report.day.isoformat(),
        "period_label": str(report.day.year) if is_year else report.day.isoformat(),
        "known_on": version.known_on.isoformat(),
        "known_on_basis": "collected",
        "series": SERIES,
        "source_kind": report.source_kind,
        "estimator": "Epoch AI",
        "layer": layer,
        "source_title": ATTRIBUTION,
        "source_url": PAGE,
        "source_url_2": report.source_url,
        "confidence": report.confidence,
    }


def _year_before(day: date) -> date:
    """The first day of the year that ends on `day`."""
    after = day + timedelta(days=1)
    return after.replace(year=after.year - 1) if (after.month, after.day) != (2, 29) else date(after.year - 1, 3, 1)
