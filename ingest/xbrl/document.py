"""What an XBRL document says, whichever form it came in: records, contexts, units, duplicates.

Belongs here: everything an extracted instance and an inline document have in common. Does not
belong here: finding the facts (instance.py, inline.py), text to number (transforms.py), tables
(table.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from lxml import etree

from ingest.payload import check_xml
from ingest.records import ConflictError, PayloadError

XBRLI = "{http://www.xbrl.org/2003/instance}"
XBRLDI = "{http://xbrl.org/2006/xbrldi}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

#: Cover facts, kept as text because they say what the filing is.
COVER = ("DocumentType", "DocumentPeriodEndDate", "AmendmentFlag", "EntityCentralIndexKey")

#: DECIMAL(38, 10), the type every stored value has.
_INTEGER_DIGITS, _FRACTION_DIGITS = 28, 10


class Fact(NamedTuple):
    """One numeric fact. `value` is None where the document states xsi:nil, which is not zero."""

    concept: str
    dimensions: str
    unit: str
    period_start: date | None
    period_end: date
    value: Decimal | None
    decimals: str | None


class Rejected(NamedTuple):
    """A fact that is well-formed but cannot be true or kept, with the reason."""

    concept: str
    context: str
    reason: str


class Context(NamedTuple):
    """Where a fact applies. `problem` says why no fact of it can be kept, None if it is sound."""

    dimensions: str
    period_start: date | None
    period_end: date
    problem: str | None


@dataclass(frozen=True)
class Document:
    """The numeric facts of one XBRL document, each stated once, and what its cover says.

    `cover` has the keys of COVER that the document states without dimensions, as plain text:
    dates as YYYY-MM-DD, AmendmentFlag as "true" or "false". `entity` is the identifier that every
    context carries (EDGAR: the CIK, ten digits).
    """

    source_kind: str
    entity: str
    facts: tuple[Fact, ...]
    rejected: tuple[Rejected, ...]
    cover: dict[str, str]
    context_count: int
    unit_count: int
    stated_count: int
    other_target_count: int = 0


def read_xml(data: bytes) -> etree._Element:
    """The root element of strictly well-formed XML.

    No entities, no network, libxml2's default limits on depth and text size, and never recovery:
    a lenient parser returns part of a cut-off filing without an error.

    :raises PayloadError: a DOCTYPE, an odd encoding, or XML that is not well-formed.
    """
    check_xml(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise PayloadError(f"payload is not well-formed XML ({error}); fetch it again from EDGAR") from error
    return root


# --- contexts -------------------------------------------------------------------------------------

_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T00:00:00)?")


def _day(text: str | None, context: str, end: bool) -> date:
    """A period boundary as a day. An end at T00:00:00 is the end of the day before (XBRL 2.1, 4.7.2)."""
    match = _DATE.fullmatch((text or "").strip())
    if not match:
        raise PayloadError(f"context {context}: {text!r} is not a date")
    try:
        day = date.fromisoformat(match[1])
    except ValueError as error:
        raise PayloadError(f"context {context}: {text!r} is not a date") from error
    return day - timedelta(days=1) if end and match[2] else day


def _members(container: etree._Element, context: str) -> Iterator[tuple[str, str]]:
    for element in container:
        axis = (element.get("dimension") or "").strip()
        if element.tag == XBRLDI + "explicitMember":
            member = (element.text or "").strip()
        elif element.tag == XBRLDI + "typedMember":
            member = "~" + " ".join("".join(element.itertext()).split())
        else:
            raise PayloadError(f"context {context}: {element.tag} is not a dimension; its facts cannot be told apart")
        if not axis or not member:
            raise PayloadError(f"context {context}: a dimension without axis or member")
        yield axis, member


def read_context(element: etree._Element) -> tuple[str, str, Context]:
    """The id, entity identifier and content of one xbrli:context.

    :raises PayloadError: a period, entity or dimension is missing or not readable.
    """
    name = element.get("id") or "?"
    entity = element.find(XBRLI + "entity")
    period = element.find(XBRLI + "period")
    if entity is None or period is None:
        raise PayloadError(f"context {name}: no entity or no period")
    identifier = (entity.findtext(XBRLI + "identifier") or "").strip()
    pairs: list[tuple[str, str]] = []
    for container in (entity.find(XBRLI + "segment"), element.find(XBRLI + "scenario")):
        if container is not None:
            pairs.extend(_members(container, name))
    pairs.sort()
    if len({axis for axis, _ in pairs}) < len(pairs):
        raise PayloadError(f"context {name}: an axis stands twice")
    dimensions = ";".join(f"{axis}={member}" for axis, member in pairs)

    instant = period.findtext(XBRLI + "instant")
    if instant is not None:
        return name, identifier, Context(dimensions, None, _day(instant, name, True), None)
    if period.find(XBRLI + "forever") is not None:
        return name, identifier, Context(dimensions, None, date.max, "period is forever")
    start = _day(period.findtext(XBRLI + "startDate"), name, False)
    end = _day(period.findtext(XBRLI + "endDate"), name, True)
    problem = f"period starts {start}, after its end {end}" if start > end else None
    return name, identifier, Context(dimensions, start, end, problem)


def read_contexts(elements: Iterable[etree._Element]) -> tuple[dict[str, Context], str]:
    """All contexts by id, and the one entity they speak of.

    :raises PayloadError: no context, several entities, or one id with two meanings.
    """
    contexts: dict[str, Context] = {}
    entities = set()
    for element in elements:
        name, entity, context = read_context(element)
        if contexts.setdefault(name, context) != context:
            raise PayloadError(f"context id {name} stands for two different contexts")
        entities.add(entity)
    if len(entities) != 1:
        raise PayloadError(f"contexts speak of {len(entities)} entities ({sorted(entities)[:3]}), expected one")
    return contexts, entities.pop()


# --- units ----------------------------------------------------------------------------------------


def _measures(element: etree._Element) -> str:
    """Local names, as company facts spells units: iso4217:USD is USD, nvda:segment is segment."""
    names = sorted((m.text or "").strip().rpartition(":")[2] for m in element.findall(XBRLI + "measure"))
    return "*".join(names)


def read_units(elements: Iterable[etree._Element]) -> dict[str, str]:
    """All units by id: "USD", "shares", "pure", "USD/shares".

    :raises PayloadError: a unit without measures, or one id with two meanings.
    """
    units: dict[str, str] = {}
    for element in elements:
        name = element.get("id") or "?"
        divide = element.find(XBRLI + "divide")
        if divide is None:
            parts = [_measures(element)]
        else:
            sides = (divide.find(XBRLI + "unitNumerator"), divide.find(XBRLI + "unitDenominator"))
            parts = ["" if side is None else _measures(side) for side in sides]
        if not all(parts):
            raise PayloadError(f"unit {name}: a measure is missing")
        unit = "/".join(parts)
        if units.setdefault(name, unit) != unit:
            raise PayloadError(f"unit id {name} stands for two different units")
    return units


# --- facts ----------------------------------------------------------------------------------------


def fits(value: Decimal) -> bool:
    """Whether DECIMAL(38, 10) holds the value exactly."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return False
    if not any(digits):
        return True
    while exponent < -_FRACTION_DIGITS and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return exponent >= -_FRACTION_DIGITS and len(digits) + exponent <= _INTEGER_DIGITS


_DECIMALS = re.compile(r"INF|-?[0-9]{1,3}")


class FactCollector:
    """Gathers stated facts of one document and gives each fact once.

    A class because both readers feed it while they walk, and it alone knows contexts and units.
    """

    def __init__(self, contexts: dict[str, Context], units: dict[str, str]) -> None:
        self._contexts = contexts
        self._units = units
        self._stated: dict[tuple[str, Context, str], list[tuple[Decimal | None, str | None]]] = {}
        self.rejected: list[Rejected] = []
        self.count = 0

    def context(self, concept: str, reference: str | None) -> Context:
        """:raises PayloadError: no such context."""
        try:
            return self._contexts[reference or ""]
        except KeyError:
            raise PayloadError(f"{concept}: context {reference!r} is not in the document") from None

    def add(
        self,
        concept: str,
        context_ref: str | None,
        unit_ref: str | None,
        decimals: str | None,
        value: Decimal | None,
    ) -> None:
        """Take one stated fact; None as value is xsi:nil.

        :raises PayloadError: its context or unit is not in the document, or decimals is not one.
        """
        self.count += 1
        context = self.context(concept, context_ref)
        unit = self._units.get(unit_ref or "")
        if unit is None:
            raise PayloadError(f"{concept}, context {context_ref}: unit {unit_ref!r} is not in the document")
        if context.problem:
            self.rejected.append(Rejected(concept, context_ref or "", context.problem))
            return
        if value is None:
            decimals = None
        elif decimals is None or not _DECIMALS.fullmatch(decimals):
            raise PayloadError(f"{concept}, context {context_ref}: decimals is {decimals!r}, not a number or INF")
        elif not fits(value):
            self.rejected.append(Rejected(concept, context_ref or "", f"{value} does not fit DECIMAL(38, 10)"))
            return
        self._stated.setdefault((concept, context, unit), []).append((value, decimals))

    def facts(self) -> tuple[Fact, ...]:
        """Every fact once, in document order of first statement.

        :raises ConflictError: a fact is stated with values that cannot both be roundings of one
            number; the message lists each (concept, period, dimensions, unit, values).
        """
        conflicts = []
        facts = []
        for (concept, context, unit), stated in self._stated.items():
            value, decimals = stated[0]
            if len(stated) > 1:
                chosen = most_precise(stated)
                if chosen is None:
                    conflicts.append(_conflict(concept, context, unit, stated))
                    continue
                value, decimals = chosen
            dimensions, start, end, _ = context
            facts.append(Fact(concept, dimensions, unit, start, end, value, decimals))
        if conflicts:
            raise ConflictError(
                f"{len(conflicts)} facts stand with different values in one filing; set it aside and read it by hand: "
                + "; ".join(conflicts[:10])
            )
        return tuple(facts)


def _conflict(concept: str, context: Context, unit: str, stated: list[tuple[Decimal | None, str | None]]) -> str:
    period = f"{context.period_start} to {context.period_end}" if context.period_start else f"{context.period_end}"
    values = " and ".join(
        dict.fromkeys("nil" if v is None else f"{v:f} (decimals {d})" for v, d in stated)
    )
    where = f" [{context.dimensions}]" if context.dimensions else ""
    return f"{concept}{where}, {period}, {unit}: {values}"


def _bounds(value: Decimal, decimals: str | None) -> tuple[Decimal, Decimal]:
    if decimals is None or decimals == "INF":
        return value, value
    half = Decimal((0, (5,), -int(decimals) - 1))
    return value - half, value + half


def most_precise(stated: list[tuple[Decimal | None, str | None]]) -> tuple[Decimal | None, str | None] | None:
    """The statement with the most decimals, if all can be roundings of one number; else None.

    Two different values at the highest precision are a conflict even where their intervals touch.
    """
    first = stated[0]
    if all(s == first for s in stated):
        return first
    known = [(v, d) for v, d in stated if v is not None]
    if len(known) < len(stated):
        return None
    bounds = [_bounds(v, d) for v, d in known]
    if max(low for low, _ in bounds) > min(high for _, high in bounds):
        return None

    def precision(statement: tuple[Decimal, str | None]) -> float:
        return float("inf") if statement[1] in (None, "INF") else int(statement[1] or 0)

    best = max(known, key=precision)
    if any(v != best[0] for v, d in known if precision((v, d)) == precision(best)):
        return None
    return best


# --- cover ----------------------------------------------------------------------------------------


def add_cover(cover: dict[str, str], name: str, context: Context, text: Callable[[], str]) -> None:
    """Keep a dei cover fact of the filing as a whole; the first statement stays."""
    prefix, _, local = name.partition(":")
    if prefix == "dei" and local in COVER and not context.dimensions and local not in cover:
        cover[local] = text()
