"""One gap as a footnote, ready to paste: the number, its day, the filings behind it, its doubt.

Belongs here: what a footnote must say, and three ways to write it. Does not belong here: finding the sources
(explain.py), arithmetic.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import duckdb

from warehouse.formats import markdown_text, one_line, usd
from warehouse.readers.explain import explain
from warehouse.readers.read import query
from warehouse.readers.review import decided
from warehouse.readers.words import read_evidence, sentences

STYLES = ("plain", "markdown", "bibtex")
_ON_EDGAR = re.compile(r"https://www\.sec\.gov/Archives/edgar/data/\d+/(\d{10})(\d{2})(\d{6})(?:/|$)")


class Source(NamedTuple):
    """What a number stands on, as a reader would look it up."""

    company: str | None
    title: str
    periods: list[str]
    filed_on: date
    accession: str | None
    url: str | None


class Footnote(NamedTuple):
    """All that the footnote says; texts are plain.

    :ivar number: the finding, with the exact amount in whole USD.
    :ivar sources: of the run rate, of the two shares, and of an AI revenue that is one assumption.
    :ivar further: the statements behind a measured AI revenue, counted; '' where there are none.
    :ivar filings: accessions among those.
    """

    key: str
    number: str
    known_from: date
    built_on: date
    product: str
    sources: list[Source]
    further: str
    filings: list[str]
    doubt: str


def footnote(
    connection: duckdb.DuckDBPyConnection, quarter: str, scenario: str = "measured", as_of: date | None = None
) -> Footnote:
    """What is to be said of one gap.

    :param quarter: as a person types it.
    :param as_of: as known at the end of this day.
    :raises Mistake: no such quarter or scenario; lists those there are.
    """
    tree = explain(connection, quarter, scenario, as_of)
    build = query(connection, "select generation, aigap_version, built_at, content_hash from meta.build").as_dicts()[0]
    label = tree["calendar_quarter"]
    named: list[dict[str, Any]] = []
    counted: list[dict[str, Any]] = []
    for component in tree["components"]:
        # A measured AI revenue adds up two dozen statements: they are counted. An assumed one comes from one essay.
        many = component["component"].startswith("ai_revenue") and tree["ai_revenue_basis"] != "assumed"
        (counted if many else named).extend(component["citations"])
    return Footnote(
        key=f"aigap-{label.lower()}-{scenario.replace('_', '-')}" + (f"-as-of-{as_of}" if as_of else ""),
        number=_number(tree),
        known_from=tree["known_from"],
        built_on=build["built_at"].date(),
        product=f"ai-revenue-gap {build['aigap_version']}, generation {build['generation']}, "
        f"content hash {build['content_hash'][:12]}",
        sources=_sources(named),
        further=_counted(counted, tree),
        filings=sorted({accession for citation in counted if (accession := _accession(citation))}),
        doubt=_doubt(connection, tree),
    )


def _number(tree: dict[str, Any]) -> str:
    then = f", as known on {tree['as_of']}" if tree["as_of"] else ""
    label = f"AI revenue gap of {tree['calendar_quarter']} (scenario {tree['scenario']}{then})"
    required = f"required AI revenue {usd(tree['required_revenue_usd'])} ({tree['required_revenue_usd']:,} USD)"
    if tree["gap_usd"] is None:
        return f"{label}: not known, for want of AI revenue; {required}"
    earned = usd(tree["ai_revenue_usd"])
    return f"{label}: {usd(tree['gap_usd'])} ({tree['gap_usd']:,} USD) = {required} - AI revenue {earned}"


def _accession(citation: dict[str, Any]) -> str | None:
    """Of the filing a statement is in; an exhibit's is in its address."""
    match = _ON_EDGAR.match(citation["source_url"] or "")
    return citation["accession"] or ("-".join(match.groups()) if match else None)


def _sources(citations: list[dict[str, Any]]) -> list[Source]:
    """Each document once, with all periods it is cited for."""
    found: dict[tuple[str | None, ...], Source] = {}
    for citation in citations:
        periods = [" to ".join(str(day) for day in (citation["period_start"], citation["period_end"]) if day)]
        by = None if citation["source_kind"] == "assumption" else citation["company"]
        title = citation["source_title"] or citation["form"] or citation["metric"]
        key = (title, str(citation["filed_on"]), citation["source_url"])
        if key in found:
            periods = found[key].periods + [period for period in periods if period not in found[key].periods]
        found[key] = Source(by, title, periods, citation["filed_on"], _accession(citation), citation["source_url"])
    return list(found.values())


def _counted(citations: list[dict[str, Any]], tree: dict[str, Any]) -> str:
    if not citations:
        return ""
    kinds = Counter(citation["source_kind"].replace("_", " ") for citation in citations)
    listed = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.most_common())
    newest = max(citation["filed_on"] for citation in citations)
    command = f"aigap explain {tree['calendar_quarter']}"
    command += "" if tree["scenario"] == "measured" else f" --scenario {tree['scenario']}"
    command += f" --as-of {tree['as_of']}" if tree["as_of"] else ""
    number = f"{len(citations)} statement{'s' if len(citations) > 1 else ''}"
    return f"{number} ({listed}), the newest of {newest}, all listed by {command}"


def _doubt(connection: duckdb.DuckDBPyConnection, tree: dict[str, Any]) -> str:
    citations = [citation for component in tree["components"] for citation in component["citations"]]
    by_hand = {f"{c['decision']['target']} {decided(c['decision'])}" for c in citations if c["decision"]}
    # The number itself is said already.
    _, *said = sentences(tree, read_evidence(connection, tree["as_of"]))
    return " ".join([*said[:-1], *(f"By hand: {word}." for word in sorted(by_hand)), said[-1]])


# --- the three styles ---------------------------------------------------------------------------


def text(note: Footnote, style: str) -> str:
    """The footnote in one of STYLES."""
    return {"plain": _plain, "markdown": _markdown, "bibtex": _bibtex}[style](note)


def _plain(note: Footnote) -> str:
    def said(source: Source) -> str:
        return f"{_described(source)}, {source.url}" if source.url else _described(source)

    return one_line(_sentences(note, said)) + "\n"


def _markdown(note: Footnote) -> str:
    def linked(source: Source) -> str:
        said = markdown_text(_described(source))
        return f"[{said}](<{_address(source.url)}>)" if source.url else said

    return f"[^{note.key}]: {_sentences(note, linked, markdown_text)}\n"


def _sentences(note: Footnote, of: Callable[[Source], str], words: Callable[[str], str] = str) -> str:
    parts = [
        words(f"{note.number}."),
        words(f"Known from {note.known_from}; computed by {note.product}, published {note.built_on}."),
    ]
    if note.sources:
        parts.append(f"Sources: {'; '.join(map(of, note.sources))}.")
    if note.further:
        filings = f"; filings among them: {', '.join(note.filings)}" if note.filings else ""
        parts.append(words(f"AI revenue: {note.further}{filings}."))
    return " ".join([*parts, words(note.doubt)])


def _described(source: Source) -> str:
    said = source.title
    if source.company and not said.startswith(source.company):
        said = f"{source.company}, {said}"
    if str(source.filed_on) not in said:
        said += f", {'filed' if source.accession else 'published'} {source.filed_on}"
    if any(source.periods):
        said += f", for {' and '.join(filter(None, source.periods))}"
    return f"{said}, accession {source.accession}" if source.accession else said


def _address(url: str) -> str:
    """Safe between < and >, and to look at: plain ASCII without space or angle bracket."""
    return re.sub(r"[^!-~]|[<>\\]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url)


def _bibtex(note: Footnote) -> str:
    further = f"AI revenue: {note.further}. " if note.further else ""
    entries = [
        _entry(
            note.key,
            "ai-revenue-gap",
            note.number,
            note.built_on,
            howpublished=f"{note.product}, published {note.built_on}",
            note=f"Known from {note.known_from}. {further}{note.doubt}",
        )
    ]
    for place, source in enumerate(note.sources, 1):
        periods = f", for {' and '.join(filter(None, source.periods))}" if any(source.periods) else ""
        entries.append(
            _entry(
                f"{note.key}-{source.accession or place}",
                source.company,
                source.title,
                source.filed_on,
                number=source.accession,
                note=f"{'Filed' if source.accession else 'Published'} {source.filed_on}{periods}",
                url=source.url,
            )
        )
    return "\n".join(entries)


def _entry(key: str, author: str | None, title: str, day: date, *, url: str | None = None, **more: str | None) -> str:
    # Two braces: a name is one name, a title keeps its capitals. An address is read verbatim, so it must not hold any.
    fields = {"author": f"{{{{{_latex(author)}}}}}"} if author else {}
    fields |= {"title": f"{{{{{_latex(title)}}}}}", "year": f"{{{day.year}}}", "month": _MONTHS[day.month - 1]}
    fields |= {name: f"{{{_latex(value)}}}" for name, value in more.items() if value}
    if url:
        fields["url"] = "{" + _address(url).replace("{", "%7B").replace("}", "%7D") + "}"
    return f"@misc{{{key},\n" + "".join(f"  {name} = {value},\n" for name, value in fields.items()) + "}\n"


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
} | {c: "\\" + c for c in "{}$&#%_"}


def _latex(value: str) -> str:
    return "".join(_LATEX.get(c, c) for c in one_line(value))
