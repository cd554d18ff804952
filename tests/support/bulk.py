"""SEC's bulk zips, written from facts at hand.

Belongs here: a writer of companyfacts.zip and of data sets in both layouts. Does not belong here: assertions.
"""

import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from ingest.bundle import read_bundle
from ingest.companies import watch_list


def companyfacts(rows: Iterable[Mapping[str, Any]], cik: str, name: str) -> bytes:
    """A member of companyfacts.zip, compact as the SEC serves it, from undimensioned facts (rows of FACTS)."""
    facts: dict[str, dict[str, Any]] = {}
    numbers: list[str] = []
    for row in rows:
        taxonomy, _, tag = row["concept"].partition(":")
        units = facts.setdefault(taxonomy, {}).setdefault(tag, {"label": tag, "description": None, "units": {}})[
            "units"
        ]
        numbers.append(f"{row['value'].normalize():f}")
        stated = {"start": row["period_start"] and str(row["period_start"]), "end": str(row["period_end"])}
        stated |= {"val": f"@{len(numbers) - 1}@", "accn": row["accession"], "form": row["form"]}
        stated |= {"filed": str(row["filed_on"])}
        units.setdefault(row["unit"], []).append({k: v for k, v in stated.items() if v is not None})
    text = json.dumps({"cik": int(cik), "entityName": name, "facts": facts}, separators=(",", ":"))
    return re.sub('"@([0-9]+)@"', lambda found: numbers[int(found[1])], text).encode()


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, body in members.items():
            file.writestr(name, body)
    return path


SUB = ["adsh", "cik", "name", "sic", "fye", "form", "period", "filed"]
NUM = {
    "old": ["adsh", "tag", "version", "coreg", "ddate", "qtrs", "uom", "value", "footnote"],
    "new": ["adsh", "tag", "version", "ddate", "qtrs", "uom", "segments", "coreg", "value", "footnote"],
}


def write_data_set(path: Path, layout: str, filings: list[dict], numbers: list[dict], encoding: str = "utf-8") -> Path:
    """A Financial Statement Data Set; what a row leaves out is empty."""

    def text(columns: list[str], rows: list[dict]) -> bytes:
        lines = [columns, *([str(row.get(column, "")) for column in columns] for row in rows)]
        return "".join("\t".join(line) + "\n" for line in lines).encode(encoding)

    members = {"sub.txt": text(SUB, filings), "num.txt": text(NUM[layout], numbers), "readme.htm": b"<html></html>"}
    return write_zip(path, members)


def bundle_zip(path: Path) -> Path:
    """companyfacts.zip of the filers whose facts ship with the project: what is undimensioned, one statement a key."""
    facts = read_bundle().facts
    by_filer: dict[str, dict[tuple, dict]] = {}
    for row in facts.filter(pc.equal(facts["dimensions"], "")).to_pylist():
        key = tuple(row[name] for name in ("accession", "concept", "unit", "period_start", "period_end"))
        by_filer.setdefault(row["cik"], {}).setdefault(key, row)
    names = {company.cik: company.name for company in watch_list()}
    members = {
        f"CIK{cik}.json": companyfacts(rows.values(), cik, names.get(cik, cik)) for cik, rows in by_filer.items()
    }
    return write_zip(path, members)


#: As EDGAR has them.
SIC = {
    "NVDA": "3674", "AMD": "3674", "AVGO": "3674", "MSFT": "7372", "ORCL": "7372", "GOOGL": "7370", "META": "7370",
    "CRWV": "7370", "AMZN": "5961", "AAPL": "3571", "TSLA": "3711",
}  # fmt: skip


def sic_data_set(path: Path) -> Path:
    """A data set that names the companies of the watch list and has no numbers."""
    filings = [
        dict(adsh=f"{company.cik}-26-000001", cik=int(company.cik), name=company.name, sic=SIC.get(company.ticker, ""))
        | dict(form="10-Q", filed="20260101")
        for company in watch_list()
    ]
    return write_data_set(path, "new", filings, [])
