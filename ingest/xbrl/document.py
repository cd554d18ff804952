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
from decimal import Context as DecimalContext
from decimal import Decimal, Inexact, InvalidOperation
from typing import NamedTuple

from lxml import etree

from ingest.payload import check_xml
from ingest.records import ConflictError, PayloadError

XBRLI = "{http://www.xbrl.org/2003/instance}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

#: Cover facts, kept as text because they say what the filing is.
COVER = ("DocumentType", "DocumentPeriodEndDate", "AmendmentFlag", "EntityCentralIndexKey")

#: DECIMAL(38, 10), the type every stored value has: more digits raise, on either side of the point.
_quantize, _QUANTUM = DecimalContext(prec=38, traps=[Inexact, InvalidOperation]).quantize, Decimal("1e-10")


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

_CONTEXT, _IDENTIFIER, _INSTANT, _START, _END, _FOREVER = (
    XBRLI + name for name in ("context", "identifier", "instant", "startDate", "endDate", "forever")
)
_EXPLICIT, _TYPED = (f"{{http://xbrl.org/2006/xbrldi}}{kind}Member" for kind in ("explicit", "typed"))
_NAMESPACES = {"xbrli": XBRLI[1:-1], "xbrldi": "http://xbrl.org/2006/xbrldi"}
#: The name of what a segment or scenario holds besides dimensions, "" if nothing. Ignoring it would
#: merge facts that differ.
_not_a_dimension = etree.XPath(
    "name((.//xbrli:segment|.//xbrli:scenario)/*[not(self::xbrldi:explicitMember or self::xbrldi:typedMember)])",
    namespaces=_NAMESPACES,
)
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T00:00:00)?")


def _day(text: str, is_end: bool) -> date:
    """A period boundary as a day. An end at T00:00:00 is the end of the day before (XBRL 2.1, 4.7.2)."""
    match = _DATE.fullmatch(text.strip())
    if not match:
        raise ValueError(text)
    day = date.fromisoformat(match[1])
    return day - timedelta(days=1) if is_end and match[2] else day


def _context(pairs: list[tuple[str, str]], period: dict[str, str]) -> Context:
    """A context from its axis-member pairs and the parts of its period by tag.

    :raises ValueError: saying what is missing or not readable.
    """
    if len(pairs) > 1:
        pairs.sort()  # so that the order in the document does not matter
        if len(dict(pairs)) < len(pairs):
            raise ValueError("an axis stands twice")
    if not all(axis and member for axis, member in pairs):
        raise ValueError("a dimension has no axis or no member")
    dimensions = ";".join([f"{axis}={member}" for axis, member in pairs])
    if _INSTANT in period:
        return Context(dimensions, None, _day(period[_INSTANT], True), None)
    if _FOREVER in period:
        return Context(dimensions, None, date.max, "period is forever")
    if _START not in period or _END not in period:
        raise ValueError("no complete period")
    start, end = _day(period[_START], False), _day(period[_END], True)
    return Context(dimensions, start, end, f"period starts {start}, after its end {end}" if start > end else None)


_Parts = tuple[str, list[tuple[str, str]], dict[str, str]]


def _context_parts(root: etree._Element) -> Iterator[_Parts]:
    """Id, axis-member pairs and period of each context; the entity stands with the period.

    One walk over the parts that matter, in document order: visiting every element of 300 contexts
    took three times as long.
    """
    parts: _Parts | None = None
    for element in root.iter(_CONTEXT, _IDENTIFIER, _EXPLICIT, _TYPED, _INSTANT, _START, _END, _FOREVER):
        tag = element.tag
        if tag == _CONTEXT:
            if parts:
                yield parts
            parts = element.get("id") or "?", [], {}
        elif parts is None:
            raise PayloadError(f"{tag} stands outside a context")
        elif tag == _EXPLICIT:
            parts[1].append(((element.get("dimension") or "").strip(), (element.text or "").strip()))
        elif tag == _TYPED:
            member = "~" + " ".join(str(element.xpath("string()")).split())
            parts[1].append(((element.get("dimension") or "").strip(), member))
        else:
            parts[2][tag] = element.text or ""
    if parts:
        yield parts


def read_contexts(root: etree._Element) -> tuple[dict[str, Context], str]:
    """All contexts under `root` by id, and the one entity they speak of. Equal contexts are one object.

    :raises PayloadError: a context that cannot be read, none at all, several entities, one id with
        two meanings, or a segment with anything but dimensions in it.
    """
    if strange := str(_not_a_dimension(root)):
        raise PayloadError(f"a context holds {strange}, which is not a dimension; its facts cannot be told apart")
    contexts: dict[str, Context] = {}
    distinct: dict[Context, Context] = {}
    entities = set()
    for name, pairs, period in _context_parts(root):
        try:
            context = _context(pairs, period)
        except ValueError as error:
            raise PayloadError(f"context {name} cannot be read: {error}") from error
        context = distinct.setdefault(context, context)
        if contexts.setdefault(name, context) is not context:
            raise PayloadError(f"context id {name} stands for two different contexts")
        entities.add(period.get(_IDENTIFIER, "").strip())
    if len(entities) != 1 or "" in entities:
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


_DECIMALS = re.compile(r"INF|-?[0-9]{1,3}")
_Statement = tuple[Decimal | None, str | None]


class FactCollector:
    """Gathers stated facts of one document and gives each fact once.

    A class because both readers feed it while they walk, and it alone knows contexts and units.
    """

    def __init__(self, contexts: dict[str, Context], units: dict[str, str]) -> None:
        self._contexts = contexts
        self._units = units
        self._facts: list[Fact] = []
        #: Where in _facts a fact stands, by concept, id() of its context and unit: equal contexts are
        #: one object, and hashing their dates for every fact would cost more than reading the fact.
        self._places: dict[tuple[str, int, str], int] = {}
        #: Further statements of a fact, by its place.
        self._again: dict[int, list[_Statement]] = {}
        self._decimals: set[str | None] = set()
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
        context = self._contexts.get(context_ref or "") or self.context(concept, context_ref)
        unit = self._units.get(unit_ref or "")
        if unit is None:
            raise PayloadError(f"{concept}, context {context_ref}: unit {unit_ref!r} is not in the document")
        if context.problem:
            self.rejected.append(Rejected(concept, context_ref or "", context.problem))
            return
        if value is None:
            decimals = None
        else:
            if decimals not in self._decimals:
                if decimals is None or not _DECIMALS.fullmatch(decimals):
                    raise PayloadError(
                        f"{concept}, context {context_ref}: decimals is {decimals!r}, not a number or INF"
                    )
                self._decimals.add(decimals)
            try:
                _quantize(value, _QUANTUM)
            except (Inexact, InvalidOperation):
                self.rejected.append(Rejected(concept, context_ref or "", f"{value} does not fit DECIMAL(38, 10)"))
                return
        key = concept, id(context), unit
        place = self._places.get(key)
        if place is None:
            self._places[key] = len(self._facts)
            dimensions, start, end, _ = context
            self._facts.append(Fact(concept, dimensions, unit, start, end, value, decimals))
        else:
            self._again.setdefault(place, []).append((value, decimals))

    def facts(self) -> tuple[Fact, ...]:
        """Every fact once, in document order of first statement.

        :raises ConflictError: a fact is stated with values that cannot all be roundings of one
            number; the message lists each (concept, dimensions, period, unit, values).
        """
        facts = list(self._facts)
        conflicts = []
        for place, again in self._again.items():
            fact = facts[place]
            stated = [(fact.value, fact.decimals), *again]
            chosen = most_precise(stated)
            if chosen is None:
                conflicts.append(_conflict(fact, stated))
            else:
                facts[place] = fact._replace(value=chosen[0], decimals=chosen[1])
        if conflicts:
            raise ConflictError(
                f"{len(conflicts)} facts stand with different values in one filing; set it aside and read it by hand: "
                + "; ".join(conflicts[:10])
            )
        return tuple(facts)


def _conflict(fact: Fact, stated: list[_Statement]) -> str:
    period = f"{fact.period_start} to {fact.period_end}" if fact.period_start else f"{fact.period_end}"
    values = " and ".join(dict.fromkeys("nil" if v is None else f"{v:f} (decimals {d})" for v, d in stated))
    where = f" [{fact.dimensions}]" if fact.dimensions else ""
    return f"{fact.concept}{where}, {period}, {fact.unit}: {values}"


def _bounds(value: Decimal, decimals: str | None) -> tuple[Decimal, Decimal]:
    """The closed interval of numbers that round to `value`."""
    if decimals is None or decimals == "INF":
        return value, value
    half = Decimal((0, (5,), -int(decimals) - 1))
    return value - half, value + half


def most_precise(stated: list[_Statement]) -> _Statement | None:
    """The statement with the most decimals, if all can be roundings of one number; else None.

    Two different values at the highest precision are a conflict even where their intervals touch,
    and so are nil and a value.
    """
    first = stated[0]
    if all(statement == first for statement in stated):
        return first
    known = [(value, decimals) for value, decimals in stated if value is not None]
    if len(known) < len(stated):
        return None
    bounds = [_bounds(value, decimals) for value, decimals in known]
    if max(low for low, _ in bounds) > min(high for _, high in bounds):
        return None
    places = [float("inf") if decimals in (None, "INF") else int(decimals or 0) for _, decimals in known]
    best = [statement for statement, place in zip(known, places, strict=True) if place == max(places)]
    return best[0] if len({value for value, _ in best}) == 1 else None


# --- cover ----------------------------------------------------------------------------------------


def add_cover(cover: dict[str, str], name: str, context: Context, text: Callable[[], str]) -> None:
    """Keep a dei cover fact of the filing as a whole; the first statement stays."""
    prefix, _, local = name.partition(":")
    if prefix == "dei" and local in COVER and not context.dimensions and local not in cover:
        cover[local] = text()
