"""Payloads as EDGAR would serve them, written out of facts and filings: the parsers run backwards.

Belongs here: FACTS and FILINGS tables to company facts, submissions, XBRL instances and inline XBRL, and an
EDGAR-shaped folder of a whole bundle for `FakeEdgar(root=...)`. Does not belong here: assertions.

What is written parses back to the same facts (tests/unit/test_render.py), so a test plays with real numbers
where no real payloads are at hand. A document holds what the bundle kept of it, no prose.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingest.companies import watch_list
from ingest.edgar.fetch import DOCUMENT_KINDS
from ingest.shipping import Bundle
from support import xbrl

Row = dict[str, Any]

#: What FakeEdgar's manifest calls the two kinds of documents.
MANIFEST_KIND = {"inline_xbrl": "ixbrl", "xbrl_instance": "xbrl-instance"}
MANIFEST_COLUMNS = ("path", "cik", "accession", "kind", "filed", "form", "period_end", "bytes")

_BETWEEN_DIMENSIONS = re.compile(r";(?=[A-Za-z][\w.-]*:[\w.-]+=)")


def _plain(value: Decimal) -> str:
    """All digits, no exponent, no trailing zeros; nothing rounded, as Decimal.normalize would."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- the company-wide APIs ------------------------------------------------------------------------


def company_facts(facts: pa.Table) -> bytes:
    """Company facts of one company, from its rows of source_kind companyfacts (schema FACTS)."""
    taxonomies: dict[str, dict[str, Any]] = {}
    for row in facts.to_pylist():
        taxonomy, _, name = row["concept"].partition(":")
        empty = {"label": name, "description": None, "units": {}}
        concept = taxonomies.setdefault(taxonomy, {}).setdefault(name, empty)
        start = {"start": row["period_start"]} if row["period_start"] else {}
        frame = {"frame": row["frame"]} if row["frame"] else {}
        stated = {**start, "end": row["period_end"], "val": orjson.Fragment(_plain(row["value"]))}
        stated |= {"accn": row["accession"], "fy": row["fy"], "fp": row["fp"], "form": row["form"]}
        concept["units"].setdefault(row["unit"], []).append(stated | {"filed": row["filed_on"]} | frame)
    cik = facts["cik"][0].as_py()
    return orjson.dumps({"cik": int(cik), "entityName": cik, "facts": taxonomies})


def submissions(cik: str, filings: Iterable[Row]) -> bytes:
    """A company's list of filings, newest first, from rows of FILINGS."""
    rows = sorted(filings, key=lambda row: (row["filed_on"], row["accession"]), reverse=True)
    recent = {
        "accessionNumber": [row["accession"] for row in rows],
        "filingDate": [row["filed_on"] for row in rows],
        "reportDate": [row["report_date"] or "" for row in rows],
        "acceptanceDateTime": [row["accepted_at_received"] or "" for row in rows],
        "form": [row["form"] for row in rows],
        "primaryDocument": [row["primary_document"] or "" for row in rows],
    }
    return orjson.dumps({"cik": cik, "name": cik, "filings": {"recent": recent, "files": []}})


# --- documents ------------------------------------------------------------------------------------


class _Resources:
    """Contexts and units of one document, each once, by the id that facts refer to."""

    def __init__(self, cik: str) -> None:
        self._cik = cik
        self._ids: dict[tuple[str, ...], str] = {}
        self._written: list[str] = []

    def context(self, start: date | None, end: date, dimensions: str) -> str:
        period = f"{start}/{end}" if start else str(end)
        if (key := ("context", period, dimensions)) not in self._ids:
            self._ids[key] = f"c{len(self._ids)}"
            members = "".join(map(_member, filter(None, _BETWEEN_DIMENSIONS.split(dimensions))))
            self._written.append(xbrl.context(self._ids[key], period, members, cik=self._cik))
        return self._ids[key]

    def unit(self, unit: str) -> str:
        if (key := ("unit", unit)) not in self._ids:
            self._ids[key] = f"u{len(self._ids)}"
            over, _, per = unit.partition("/")
            measures = [_measure(name) for name in over.split("*")]
            self._written.append(xbrl.unit(self._ids[key], *measures, per=_measure(per) if per else ""))
        return self._ids[key]

    def __str__(self) -> str:
        return "\n".join(self._written)


def _member(pair: str) -> str:
    axis, _, member = pair.partition("=")
    if member.startswith("~"):
        return xbrl.typed(axis, escape(member[1:]))
    return xbrl.explicit(axis, member)


def _measure(name: str) -> str:
    if name in ("shares", "pure"):
        return f"xbrli:{name}"
    return f"iso4217:{name}" if re.fullmatch("[A-Z]{3}", name) else f"custom:{name}"


def _namespaces(facts: list[Row]) -> str:
    """Declarations of the prefixes in use that the documents of support.xbrl do not have."""
    names = " ".join(f"{row['concept']} {row['dimensions']}" for row in facts)
    used = {"custom", *re.findall(r"(?:^|[ ;=])([A-Za-z][\w.-]*):", names)}
    declared = set(re.findall(r"xmlns:([\w.-]+)=", xbrl.NAMESPACES + xbrl.TRANSFORMS))
    return " ".join(f'xmlns:{prefix}="http://example.org/{prefix}"' for prefix in sorted(used - declared))


def _cover(resources: _Resources, form: str, report_date: date | None) -> tuple[str, dict[str, str]]:
    """The context of the cover, and what it states: concept to text."""
    stated = {"dei:DocumentType": form}
    if report_date:
        stated["dei:DocumentPeriodEndDate"] = str(report_date)
    return resources.context(None, report_date or date(2000, 1, 1), ""), stated


def _where(resources: _Resources, row: Row) -> dict[str, str]:
    context = resources.context(row["period_start"], row["period_end"], row["dimensions"])
    return dict(contextRef=context, unitRef=resources.unit(row["unit"]), decimals=row["decimals"])


def instance(facts: pa.Table, *, cik: str, form: str, report_date: date | None) -> bytes:
    """An XBRL instance that states these facts (schema FACTS) in this order."""
    rows, resources = facts.to_pylist(), _Resources(cik)
    context, cover = _cover(resources, form, report_date)
    lines = [f'<{name} contextRef="{context}">{text}</{name}>' for name, text in cover.items()]
    lines += [xbrl.fact(_plain(row["value"]), row["concept"], **_where(resources, row)) for row in rows]
    return xbrl.instance("\n".join(lines), str(resources), namespaces=_namespaces(rows))


def _shown(value: Decimal, decimals: str) -> tuple[str, dict[str, str]]:
    """A number as a filing shows it: in thousands or millions where it is precise to them, its sign apart."""
    if not value:
        return "—", {"format": "ixt:fixed-zero"}
    scale = min(9, max(0, -int(decimals))) if decimals != "INF" else 0
    _, digits, exponent = value.as_tuple()
    shown = Decimal((0, digits, int(exponent) - scale))
    sign = {"sign": "-"} if value < 0 else {}
    return f"{Decimal(_plain(shown)):,f}", {"format": "ixt:num-dot-decimal", "scale": str(scale), **sign}


def inline(facts: pa.Table, *, cik: str, form: str, report_date: date | None) -> bytes:
    """An inline XBRL document that states these facts (schema FACTS) in this order."""
    rows, resources = facts.to_pylist(), _Resources(cik)
    context, cover = _cover(resources, form, report_date)
    lines = [
        f'<p><ix:nonNumeric name="{name}" contextRef="{context}">{text}</ix:nonNumeric></p>'
        for name, text in cover.items()
    ]
    for row in rows:
        text, how = _shown(row["value"], row["decimals"])
        lines.append(f"<p>{xbrl.non_fraction(text, row['concept'], **how, **_where(resources, row))}</p>")
    return xbrl.inline("\n".join(lines), str(resources), namespaces=_namespaces(rows))


WRITERS = {"xbrl_instance": instance, "inline_xbrl": inline}


# --- a whole bundle -------------------------------------------------------------------------------


def _documents(bundle: Bundle) -> Iterator[tuple[Row, bytes]]:
    """Every document the bundle was built from (its row of the manifest), rendered from the facts kept of it."""
    filings = {row["accession"]: row for row in bundle.filings.to_pylist()}
    own = bundle.facts.filter(pc.is_in(bundle.facts["source_kind"], pa.array(DOCUMENT_KINDS)))
    for source in bundle.manifest["sources"]:
        if source["kind"] in WRITERS:
            facts = own.filter(pc.equal(own["accession"], source["accession"]))
            report_date = filings[source["accession"]]["report_date"]
            write = WRITERS[source["kind"]]
            yield source, write(facts, cik=source["cik"], form=source["form"], report_date=report_date)


def edgar_folder(bundle: Bundle, root: Path) -> Path:
    """An EDGAR-shaped folder that holds what the bundle was built from; returns `root`.

    `build_bundle(root)` gives the bundle's facts and filings again, and `FakeEdgar(root=root)` serves it by day.
    """
    api = root / "data.sec.gov"
    for folder in (api / "api/xbrl/companyfacts", api / "submissions"):
        folder.mkdir(parents=True, exist_ok=True)
    from_api = bundle.facts.filter(pc.equal(bundle.facts["source_kind"], "companyfacts"))
    for cik in from_api["cik"].unique().to_pylist():
        body = company_facts(from_api.filter(pc.equal(from_api["cik"], cik)))
        (api / f"api/xbrl/companyfacts/CIK{cik}.json").write_bytes(body)
    listed = [row for row in bundle.filings.to_pylist() if "/submissions/" in row["source_url"]]
    # A company that has filed nothing yet, as far as the bundle knows, has an empty list.
    for cik in sorted({row["cik"] for row in listed} | {company.cik for company in watch_list()}):
        body = submissions(cik, [row for row in listed if row["cik"] == cik])
        (api / f"submissions/CIK{cik}.json").write_bytes(body)
    filings = {row["accession"]: row for row in bundle.filings.to_pylist()}
    with (root / "MANIFEST.csv").open("w", newline="", encoding="utf-8") as file:
        manifest = csv.writer(file)
        manifest.writerow(MANIFEST_COLUMNS)
        for source, body in _documents(bundle):
            path = root / source["url"].removeprefix("https://")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            end = filings[source["accession"]]["report_date"]
            about = (MANIFEST_KIND[source["kind"]], source["filed_on"], source["form"], end or "", len(body))
            manifest.writerow((path.relative_to(root), int(source["cik"]), source["accession"], *about))
    return root
