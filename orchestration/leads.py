"""`aigap leads`: what the archived exhibits state, for a person to accept or dismiss.

Belongs here: reading the archive's exhibits, remembering a person's verdicts in the home, writing an accepted lead as a
row of the user's own figures. Does not belong here: what a lead is (ingest.leads), what a figure may be
(ingest.curated.figures).

A lead enters no number by itself: accepting one writes a row to AIGAP_HOME/figures/leads.csv, the user's own figures.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ingest.archive import Archive, Entry
from ingest.companies import Company, watch_list
from ingest.curated.figures import COLUMNS, parse_figure, parse_figures
from ingest.curated.files import RefusedRow
from ingest.edgar.exhibits import KIND
from ingest.leads import Amount, Lead, find_leads, reported_day
from ingest.records import IngestError
from warehouse.errors import Mistake, WarehouseError
from warehouse.store.home import Home, replace_file

FILE = "leads.csv"
_AT_LEAST = re.compile(r"\b(?:over|more than|above|exceed\w*|surpass\w*|at least)(?: an? [\w\s-]+ of)?$", re.IGNORECASE)
_ABOUT = re.compile(r"\b(?:approximately|about|around|roughly|nearly|almost)$", re.IGNORECASE)
_OPEN, _ACCEPTED, _DISMISSED = "open", "accepted", "dismissed"


class Found(NamedTuple):
    """A lead with where it stands and what a person said of it."""

    id: str
    company: Company
    entry: Entry
    lead: Lead
    reported_on: date | None
    state: str
    why: str

    def as_row(self) -> tuple[object, ...]:
        """The cells of HEADER."""
        amounts = "; ".join(a.text if a.role == "stated" else f"{a.text} ({a.role})" for a in self.lead.amounts)
        periods = "; ".join(period.text for period in self.lead.periods)
        return (
            *(self.id, self.state, self.company.ticker, self.entry.filed_on, self.lead.kind, amounts, periods),
            *(self.reported_on, self.lead.heading, self.lead.sentence, self.entry.accession, self.entry.url),
            *(self.lead.start, self.lead.end, self.why),
        )


HEADER = (
    *("lead", "state", "ticker", "filed_on", "kind", "amounts", "periods", "reported_on", "heading", "sentence"),
    *("accession", "source_url", "first_letter", "last_letter", "why"),
)


def leads(home: Home) -> list[Found]:
    """All leads of the archived exhibits, newest filing first, with their verdicts."""
    companies = {company.cik: company for company in watch_list() if company.reads_exhibits}
    verdicts = _verdicts(home)
    archive = Archive(home.archive)
    found: dict[str, Found] = {}
    for entry in archive.entries():
        company = companies.get(entry.cik or "")
        if entry.kind != KIND or company is None or entry.accession is None:
            continue
        try:
            data = archive.get(entry.sha256)
        except IngestError:  # damaged on disk: the next fetch gets it again
            continue
        day = reported_day(data)
        for lead in find_leads(data, company.ai_names):
            key = lead.id(entry.accession)
            verdict = verdicts.get(key, {})
            state, why = str(verdict.get("state", _OPEN)), str(verdict.get("why", ""))
            found.setdefault(key, Found(key, company, entry, lead, day, state, why))
    ordered = sorted(found.values(), key=lambda f: (f.company.ticker, f.entry.accession or "", f.lead.start))
    return sorted(ordered, key=lambda f: f.entry.filed_on or "", reverse=True)


def dismiss(home: Home, lead_id: str, why: str) -> Found:
    """Remember that a lead is none.

    :raises Mistake: no such lead, no reason, or it was accepted.
    """
    found = _one(home, lead_id)
    if not why.strip():
        raise Mistake("say why, as in --why 'the cloud as a whole, not its AI'")
    if found.state == _ACCEPTED:
        raise Mistake(f"{lead_id} was accepted: take its row out of {home.figures / FILE} first")
    _remember(home, lead_id, _DISMISSED, why.strip())
    return found


def accept(home: Home, lead_id: str, cells: Mapping[str, str]) -> tuple[dict[str, str], Path]:
    """Write a lead as a row of the user's own figures.

    :param cells: columns of the row that the person gives, in place of what was read from the sentence.
    :return: the row, and the file it stands in now.
    :raises Mistake: no such lead, no such column, or the row cannot be right as it is; says what to give.
    """
    found = _one(home, lead_id)
    if unknown := sorted(set(cells) - set(COLUMNS)):
        raise Mistake(f"{', '.join(unknown)}: no column of a figure; they are {', '.join(COLUMNS)}")
    if found.state == _ACCEPTED:
        raise Mistake(f"{lead_id} was accepted before: its row is in {home.figures / FILE}")
    row = {**dict.fromkeys(COLUMNS, ""), **proposal(found), **cells}
    path = home.figures / FILE
    before = path.read_text("utf-8-sig") if path.is_file() else ""
    text = before if before.endswith("\n") or not before else before + "\n"
    text += _as_csv(row, with_header=not before)
    old, _ = parse_figures(FILE, before.encode()) if before else ([], [])
    alone = parse_figure(FILE, 0, row)
    if isinstance(alone, RefusedRow):
        raise Mistake(
            f"{lead_id} is no figure as it is: {alone.reason}. Give what is right, as in "
            "--set period_end=2026-03-31 (any column of a figure)"
        )
    if alone["figure_id"] in {figure["figure_id"] for figure in old}:
        raise Mistake(f"{path} holds that figure")
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text.encode())
    _remember(home, lead_id, _ACCEPTED, "")
    return row, path


# --- from a sentence to a row ---------------------------------------------------------------------


def proposal(found: Found) -> dict[str, str]:
    """What a sentence says as columns of a figure; what it does not say stays empty, for the person to give."""
    lead, company, entry = found.lead, found.company, found.entry
    amount = next((a for a in lead.amounts if a.role == "stated" and a.low is not None), None)
    row = {
        "company": company.name,
        "ticker": company.ticker,
        "known_on": entry.filed_on or "",
        "known_on_basis": "published",
        "source_kind": "press_release",
        "source_title": f"{company.name} 8-K {entry.accession}, {entry.url.rpartition('/')[2]}",
        "source_url": entry.url,
        "confidence": "high",
        "note": f"{found.id}: " + "".join(c for c in lead.sentence if c.isprintable())[:500].strip(),
    }
    if amount is not None:
        row |= _value(amount, lead.sentence)
    return row | _what(found)


def _value(amount: Amount, sentence: str) -> dict[str, str]:
    assert amount.low is not None
    assert amount.high is not None
    if amount.low != amount.high:
        low, high = _whole(amount.low), _whole(amount.high)
        return {"unit": amount.currency, "low_value": low, "high_value": high, "qualifier": "range"}
    before = sentence[: sentence.find(amount.text)].rstrip()
    qualifier = "as_stated"
    if re.search(
        r"\b(?:over|more than|above|exceed\w*|surpass\w*|at least)(?: an? [\w\s-]+ of)?$", before, re.IGNORECASE
    ):
        qualifier = "at_least"
    elif re.search(r"\b(?:approximately|about|around|roughly|nearly|almost)$", before, re.IGNORECASE):
        qualifier = "approximate"
    return {"unit": amount.currency, "value": _whole(amount.low), "qualifier": qualifier}


def _whole(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _what(found: Found) -> dict[str, str]:
    """Metric and period."""
    lead, day = found.lead, found.reported_on
    if lead.kind == "capex_guidance":
        years = [match[0] for period in lead.periods if (match := re.search(r"20[0-9]{2}", period.text))]
        row = {"metric": "capex_guidance", "period_type": "year", "basis": "company_definition"}
        return row | (_fiscal_year(int(years[0]), found.company) if years else {})
    if lead.kind == "backlog":
        is_rpo = re.search(r"performance\s+obligation|RPO", lead.sentence)
        metric = "remaining_performance_obligation" if is_rpo else "revenue_backlog"
        return {"metric": metric, "period_type": "instant"} | _ending(day)
    if lead.kind == "ai_run_rate":
        return {"metric": "annualized_run_rate", "period_type": "run_rate"} | _ending(day)
    speaks_of_more = any(
        re.search(r"year|fiscal|20[0-9]{2}|half", period.text, re.IGNORECASE) for period in lead.periods
    )
    if lead.is_forward or speaks_of_more or day is None:
        return {}  # of which period is for the person to say
    return {
        "metric": "quarterly_revenue",
        "period_type": "quarter",
        "period_start": _quarter_start(day).isoformat(),
    } | (_ending(day))


def _ending(day: date | None) -> dict[str, str]:
    return {"period_end": day.isoformat(), "period_label": day.isoformat()} if day else {}


def _quarter_start(end: date) -> date:
    """Three months where the quarter ends with a month, else thirteen weeks."""
    if (end + timedelta(days=1)).day != 1:
        return end - timedelta(weeks=13) + timedelta(days=1)
    months = end.year * 12 + end.month - 3
    return date(months // 12, months % 12 + 1, 1)


def _fiscal_year(year: int, company: Company) -> dict[str, str]:
    after = year * 12 + company.fiscal_year_end_month  # the month after the year's last, counted from zero
    first, end = (date(month // 12, month % 12 + 1, 1) for month in (after - 12, after))
    label = f"CY{year}" if company.fiscal_year_end_month == 12 else f"FY{year}"
    last = end - timedelta(days=1)
    return {"period_start": first.isoformat(), "period_end": last.isoformat(), "period_label": label}


def _as_csv(row: Mapping[str, str], *, with_header: bool) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if with_header:
        writer.writeheader()
    writer.writerow(row)
    return text.getvalue()


# --- verdicts -------------------------------------------------------------------------------------


def _one(home: Home, lead_id: str) -> Found:
    for found in leads(home):
        if found.id == lead_id:
            return found
    raise Mistake(f"there is no lead {lead_id[:40]!r}; aigap leads --all lists them")


def _lines(home: Home) -> Iterator[tuple[int, str]]:
    if home.lead_verdicts.is_file():
        yield from enumerate(home.lead_verdicts.read_text("utf-8").splitlines(), start=1)


def _verdicts(home: Home) -> dict[str, dict[str, str]]:
    """Lead -> its last verdict.

    :raises WarehouseError: a line of the file is none; names it.
    """
    found: dict[str, dict[str, str]] = {}
    for number, line in _lines(home):
        try:
            verdict = json.loads(line)
            found[verdict["lead"]] = {"state": verdict["state"], "why": verdict["why"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            raise WarehouseError(
                f"{home.lead_verdicts}, line {number} is no verdict on a lead; put the line right or take it out"
            ) from None
    return found


def _remember(home: Home, lead_id: str, state: str, why: str) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"lead": lead_id, "state": state, "why": why, "at": at}, ensure_ascii=False)
    text = "".join(f"{old}\n" for _, old in _lines(home)) + line + "\n"
    replace_file(home.lead_verdicts, text.encode())
