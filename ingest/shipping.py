"""What of a replay ships: the tables of the bundle and the sources that its manifest names.

Belongs here: which facts and filings are kept beside what shipped before, and the account of every payload. Does not
belong here: files, hashes and their proof (bundle.py), parsing (replay.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ingest.folder import UNDATED_BEFORE, Taken
from ingest.records import FACTS, FILINGS, SET_ASIDE, ConflictError
from ingest.replay import Place, Replay, superseded

#: From a filing's own document the bundle keeps every fact, dimensional or not, whose concept
#: (without prefix) matches one of these. Everything undimensioned and standard is in company facts
#: anyway; the subjects are what the marts and their citations need.
SUBJECTS = {
    "revenue": r"Revenue|Sales",
    "capital expenditure and its assets": r"ProductiveAssets|PropertyPlantAndEquipment|PropertyAndEquipment"
    r"|CapitalExpenditure",
    "leases": r"Lease",
    "inventory": r"Inventor",
    "commitments": r"Commitment|Obligation|Guarantee",
    "customer concentration": r"Concentration",
    "depreciation": r"Depreciation|UsefulLi",
}
_SUBJECT = "|".join(SUBJECTS.values())

_DOCUMENT_ORDER = ("cik", "accession", "concept", "dimensions", "unit", "period_end", "period_start")
_COMPANYFACTS_KEY = ("cik", "accession", "concept", "unit", "period_start", "period_end")
_COMPANYFACTS_ORDER = ("cik", "concept", "unit", "period_end", "period_start", "accession")


@dataclass(frozen=True)
class Bundle:
    """What read_bundle gives: facts (filing documents first, company facts after), filings, the payloads they came
    from, what of these was set aside, the manifest, and one hash that stands for all of it."""

    facts: pa.Table
    filings: pa.Table
    payloads: pa.Table
    manifest: dict[str, Any]
    content_hash: str
    set_aside: pa.Table = field(default_factory=SET_ASIDE.empty_table)

    def parsed(self) -> set[str]:
        """SHA-256 of the payloads whose records it holds."""
        return set(self.payloads.filter(pc.equal(self.payloads["status"], "parsed"))["sha256"].to_pylist())


class _Part(NamedTuple):
    """One table of the bundle, how many rows of it each payload gave, and how many of its own were left out."""

    table: pa.Table
    rows: Counter[Place]
    left_out: Counter[Place]


def _of_places(table: pa.Table) -> Counter[Place]:
    return Counter(zip(table["sha256"].to_pylist(), table["source_url"].to_pylist(), strict=True))


def _sorted(tables: list[pa.Table], order: tuple[str, ...]) -> pa.Table:
    table = pa.concat_tables([FACTS.empty_table(), *tables])
    return table.sort_by([(name, "ascending") for name in order])


def _documents(facts: pa.Table, before: pa.Table) -> _Part:
    """Of filings' own documents the facts on the SUBJECTS."""
    own = facts.filter(pc.not_equal(facts["source_kind"], "companyfacts"))
    taken = own.filter(pc.match_substring_regex(own["concept"], rf":.*(?:{_SUBJECT})"))
    shipped = before.filter(pc.not_equal(before["source_kind"], "companyfacts"))
    rows = _of_places(taken)
    return _Part(_sorted([shipped, taken], _DOCUMENT_ORDER), rows, _of_places(own) - rows)


def _company_facts(facts: pa.Table, before: pa.Table, taken: Taken) -> _Part:
    """Of company facts each statement once, by whichever payload made it first. Where two differ both ship, and the
    load says which holds; a copy that others made has no say.

    :raises ConflictError: such a copy differs.
    """
    shipped, stated = (t.filter(pc.equal(t["source_kind"], "companyfacts")) for t in (before, facts))
    # 150,000 keys in a dict take 0.5 s; a join would not match the null start of an instant.
    names = (*_COMPANYFACTS_KEY, "value", "sha256", "source_url")
    said: dict[tuple[Any, ...], set[Any]] = {}
    is_new = []
    for *key, value, digest, url in zip(
        *([*shipped[name].to_pylist(), *stated[name].to_pylist()] for name in names), strict=True
    ):
        values = said.setdefault(tuple(key), set())
        is_new.append(value not in values)
        if values and value not in values and (digest, url) in taken.altered:
            path = taken.paths[digest, url]
            raise ConflictError(f"{path}: {key} is {value} here and {min(values)} in a payload taken before")
        values.add(value)
    new = stated.filter(pa.array(is_new[shipped.num_rows :], pa.bool_()))
    rows = _of_places(new)
    return _Part(_sorted([shipped, new], _COMPANYFACTS_ORDER), rows, _of_places(stated) - rows)


def _listed(read: Replay, before: pa.Table, is_dated: bool) -> _Part:
    """Each filing as the lists give it, in their order. What a later list repeats is left out; what it says otherwise
    is the load's to judge by the day of retrieval, and left out where that is not known."""
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    given: Counter[Place] = Counter()
    for row in [*before.to_pylist(), *read.filings.to_pylist()]:
        said = rows.setdefault((row["cik"], row["accession"]), [])
        if not said or (is_dated and said[-1] | {"sha256": row["sha256"], "source_url": row["source_url"]} != row):
            said.append(row)
            given[row["sha256"], row["source_url"]] += 1
    for (digest, url), account in read.accounts.items() if not is_dated else ():
        if "accession" in account and (key := (account["cik"], account["accession"])) not in rows:
            rows[key] = [_as_its_cover_says(account, url) | {"source_url": url, "sha256": digest}]
    return _Part(pa.Table.from_pylist([row for key in sorted(rows) for row in rows[key]], FILINGS), given, Counter())


def _as_its_cover_says(account: dict[str, Any], url: str) -> dict[str, Any]:
    """The filing of a document that no list names."""
    return dict(
        cik=account["cik"],
        accession=account["accession"],
        form=account["form"],
        filed_on=date.fromisoformat(account["filed_on"]),
        report_date=date.fromisoformat(account["report_date"]) if account["report_date"] else None,
        primary_document=url.rpartition("/")[2].replace("_htm.xml", ".htm"),
    )


def _source(read: Replay, payload: dict[str, Any], taken: Taken, part: _Part, left_out: str) -> dict[str, Any]:
    """The manifest's row of a payload that was read; `altered` marks a copy that others trimmed or re-formatted."""
    place = (payload["sha256"], payload["url"])
    account = dict(read.accounts[place])
    source = {"kind": payload["kind"], "cik": account.pop("cik"), "url": place[1], "sha256": place[0]}
    source |= {"bytes": payload["bytes"], "altered": place in taken.altered}
    if payload["retrieved_at"] >= UNDATED_BEFORE:
        source["retrieved_at"] = payload["retrieved_at"].isoformat(timespec="milliseconds")
    if payload["status"] == "quarantined":
        return source | {k: payload[k] for k in ("accession", "status", "error") if payload[k]}
    unread, _ = account.pop("unread", None), account.pop("report_date", None)
    source |= account | ({left_out: part.left_out[place]} if left_out else {}) | {"rows": part.rows[place]}
    return source | ({"unread": unread} if unread else {})


def _ships(table: pa.Table, replaced: pa.Array) -> pa.Table:
    """Without what an address said that has since said something else."""
    return table.filter(pc.invert(pc.is_in(table["source_url"], replaced)))


def ships(read: Replay, taken: Taken, onto: Bundle) -> tuple[dict[str, pa.Table], list[dict[str, Any]]]:
    """The tables of the bundle by file name, and the sources of its manifest: what `onto` holds, and what was read."""
    is_dated = not taken.paths
    replaced = pa.array(superseded(read), pa.string())
    before, aside = _ships(onto.facts, replaced), _ships(onto.set_aside, replaced)
    documents, company_facts = _documents(read.facts, before), _company_facts(read.facts, before, taken)
    listed = _listed(read, onto.filings, is_dated)
    by_kind = dict.fromkeys(("xbrl_instance", "inline_xbrl"), (documents, "rows_other_subjects"))
    by_kind |= {"companyfacts": (company_facts, "rows_known")}
    sources = {
        (source["url"], source["sha256"]): source
        for source in onto.manifest["sources"]
        if not pc.is_in(pa.scalar(source["url"]), replaced).as_py()
    }
    for payload in read.payloads.to_pylist():
        if payload["status"] != "kept":  # nothing is read from an index
            source = _source(read, payload, taken, *by_kind.get(payload["kind"], (listed, "")))
            sources[source["url"], source["sha256"]] = source
    tables = {
        "facts.parquet": pa.concat_tables([documents.table, company_facts.table]),
        "filings.parquet": listed.table,
    }
    # What a folder sets aside was looked at by whoever made it: the manifest names it.
    if is_dated and aside.num_rows + read.set_aside.num_rows:
        whole = pa.concat_tables([aside, read.set_aside])
        tables["set_aside.parquet"] = whole.sort_by([("source_url", "ascending"), ("item_id", "ascending")])
    return tables, sorted(sources.values(), key=lambda s: (s["kind"], s["url"], s["sha256"]))
