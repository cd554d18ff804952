"""What an XBRL document says, whichever form it came in: records, contexts, units, duplicates.

Belongs here: everything an extracted instance and an inline document have in common. Does not
belong here: finding the facts (instance.py, inline.py), text to number (transforms.py), tables
(table.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context as DecimalContext
from decimal import Decimal, Inexact, InvalidOperation
from functools import cached_property, lru_cache
from typing import NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from ingest.payload import check_xml
from ingest.records import DECIMAL, FACTS, ConflictError, PayloadError

XBRLI = "{http://www.xbrl.org/2003/instance}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

#: Cover facts, kept as text because they say what the filing is.
COVER = ("DocumentType", "DocumentPeriodEndDate", "AmendmentFlag", "EntityCentralIndexKey")

#: More than 28 digits before the point or 10 after it raise.
_quantize, _QUANTUM = DecimalContext(prec=38, traps=[Inexact, InvalidOperation]).quantize, Decimal("1e-10")

#: What a document states: the fact columns of FACTS. `value` is null where the document says
#: xsi:nil, which is not zero.
STATED = pa.schema(
    [FACTS.field(name) for name in ("concept", "dimensions", "unit", "period_start", "period_end", "value", "decimals")]
)


class Fact(NamedTuple):
    """One row of STATED. `value` is None where the document says xsi:nil."""

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

    `stated` has the schema STATED, in document order. `cover` has the keys of COVER that the
    document states without dimensions, as plain text: dates as YYYY-MM-DD, AmendmentFlag as "true"
    or "false". `entity` is the identifier that every context carries (EDGAR: the CIK, ten digits).
    """

    source_kind: str
    entity: str
    stated: pa.Table
    rejected: tuple[Rejected, ...]
    cover: dict[str, str]
    context_count: int
    unit_count: int
    stated_count: int
    other_target_count: int = 0

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """The rows of `stated` as records."""
        return tuple(map(Fact._make, zip(*(column.to_pylist() for column in self.stated.columns), strict=True)))


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

_CONTEXT, _INSTANT, _START, _END, _FOREVER = (
    XBRLI + name for name in ("context", "instant", "startDate", "endDate", "forever")
)
_EXPLICIT, _TYPED = (f"{{http://xbrl.org/2006/xbrldi}}{kind}Member" for kind in ("explicit", "typed"))
_NAMESPACES = {"xbrli": XBRLI[1:-1], "xbrldi": "http://xbrl.org/2006/xbrldi"}


def _xpath(expression: str) -> etree.XPath:
    return etree.XPath(expression, namespaces=_NAMESPACES, smart_strings=False)


#: The name of what a segment or scenario holds besides dimensions, "" if nothing. Ignoring it would
#: merge facts that differ.
_not_a_dimension = _xpath(
    "name((xbrli:context/xbrli:entity/xbrli:segment|xbrli:context/xbrli:scenario)"
    "/*[not(self::xbrldi:explicitMember or self::xbrldi:typedMember)])"
)
_entities = _xpath("xbrli:context/xbrli:entity/xbrli:identifier/text()")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T00:00:00)?")


@lru_cache(maxsize=4096)  # a filing has some 20 different dates in 500 places
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


def _context_parts(parent: etree._Element) -> Iterator[_Parts]:
    """Id, axis-member pairs and period of each context in `parent`.

    One walk over the parts that matter, in document order: visiting every element of 300 contexts
    took three times as long.
    """
    parts: _Parts | None = None
    for element in parent.iter(_CONTEXT, _EXPLICIT, _TYPED, _INSTANT, _START, _END, _FOREVER):
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


def read_contexts(parents: list[etree._Element]) -> tuple[dict[str, Context], str]:
    """The contexts among the children of `parents` by id, and the one entity they speak of.

    Equal contexts are one object.

    :raises PayloadError: a context that cannot be read, none at all, several entities, one id with
        two meanings, or a segment with anything but dimensions in it.
    """
    contexts: dict[str, Context] = {}
    distinct: dict[Context, Context] = {}
    entities: list[str] = []
    count = 0
    for parent in parents:
        if strange := str(_not_a_dimension(parent)):
            raise PayloadError(f"a context holds {strange}, which is not a dimension; its facts cannot be told apart")
        for name, pairs, period in _context_parts(parent):
            try:
                context = _context(pairs, period)
            except (ValueError, OverflowError) as error:
                raise PayloadError(f"context {name} cannot be read: {error}") from error
            context = distinct.setdefault(context, context)
            if contexts.setdefault(name, context) is not context:
                raise PayloadError(f"context id {name} stands for two different contexts")
            count += 1
        entities += [entity.strip() for entity in cast("list[str]", _entities(parent))]
    named = sorted(set(entities))
    if len(named) != 1 or len(entities) != count:
        raise PayloadError(f"{count} contexts speak of {len(named)} entities ({named[:3]}), expected one in each")
    return contexts, entities[0]


# --- units ----------------------------------------------------------------------------------------


def _measures(element: etree._Element) -> str:
    """Local names, as company facts spells units: iso4217:USD is USD, nvda:segment is segment."""
    names = sorted((m.text or "").strip().rpartition(":")[2] for m in element.findall(XBRLI + "measure"))
    return "*".join(names)


def read_units(parents: list[etree._Element]) -> dict[str, str]:
    """The units among the children of `parents` by id: "USD", "shares", "pure", "USD/shares".

    :raises PayloadError: a unit without measures, or one id with two meanings.
    """
    units: dict[str, str] = {}
    for element in (unit for parent in parents for unit in parent.iterchildren(XBRLI + "unit")):
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
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]{1,2})?")
#: Texts that Arrow converts to DECIMAL exactly or refuses. Above 28 whole digits its conversion wraps
#: around, without an error for many values, so anything longer is read one by one.
_SAFE = r"^[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(?:E-?[0-9]|E-?1[0-2])?$"
_Statement = tuple[Decimal | None, str | None]


def exact_number(text: str, concept: str, context: str | None) -> Decimal:
    """The decimal a text stands for.

    :raises PayloadError: it is not one, or longer than any number.
    """
    if len(text) > 80 or not _NUMBER.fullmatch(text):
        raise PayloadError(f"{concept}, context {context}: {text[:80]!r} is not a number")
    return Decimal(text)


def storable(value: Decimal) -> Decimal | None:
    """The value as DECIMAL(38, 10) holds it, None if it cannot hold it exactly."""
    try:
        return _quantize(value, _QUANTUM)
    except (Inexact, InvalidOperation):
        return None


class FactCollector:
    """Gathers stated facts of one document, column by column, and gives each fact once.

    A class because both readers feed it while they walk, and it alone knows contexts and units.
    Values stay text until the end: Arrow turns the whole column into DECIMAL in a fraction of the
    time that Decimal takes one by one.
    """

    def __init__(self, contexts: dict[str, Context], units: dict[str, str]) -> None:
        self._contexts = contexts
        self._units = units
        self._concept: list[str] = []
        self._reference: list[str] = []
        self._context: list[Context] = []
        self._unit: list[str] = []
        self._value: list[str | None] = []
        self._decimals: list[str | None] = []
        #: Where a fact stands in the columns, by concept, id() of its context and unit: equal contexts
        #: are one object, and hashing their dates for every fact would cost more than reading it.
        self._places: dict[tuple[str, int, str], int] = {}
        #: Further statements of a fact, by its place.
        self._again: dict[int, list[tuple[str | None, str | None]]] = {}
        self._rejected: list[Rejected] = []
        self.count = 0

    def context(self, concept: str, reference: str | None) -> Context:
        """:raises PayloadError: no such context."""
        try:
            return self._contexts[reference or ""]
        except KeyError:
            raise PayloadError(f"{concept}: context {reference!r} is not in the document") from None

    def add(
        self, concept: str, context_ref: str | None, unit_ref: str | None, decimals: str | None, value: str | None
    ) -> None:
        """Take one stated fact; its value is the text of a decimal, None for xsi:nil.

        :raises PayloadError: its context or unit is not in the document, or it has no decimals.
        """
        self.count += 1
        reference = context_ref or ""
        context = self._contexts.get(reference) or self.context(concept, context_ref)
        unit = self._units.get(unit_ref or "")
        if unit is None:
            raise PayloadError(f"{concept}, context {context_ref}: unit {unit_ref!r} is not in the document")
        if context.problem:
            self._rejected.append(Rejected(concept, reference, context.problem))
            return
        if value is None:
            decimals = None
        elif decimals is None:
            raise PayloadError(f"{concept}, context {context_ref}: a value without decimals, how exact is not known")
        key = concept, id(context), unit
        place = self._places.get(key)
        if place is not None:
            self._again.setdefault(place, []).append((value, decimals))
            return
        self._places[key] = len(self._concept)
        self._concept.append(concept)
        self._reference.append(reference)
        self._context.append(context)
        self._unit.append(unit)
        self._value.append(value)
        self._decimals.append(decimals)

    def finish(self) -> tuple[pa.Table, tuple[Rejected, ...]]:
        """Every fact once, in document order of first statement (schema STATED), and what was rejected.

        :raises PayloadError: a value or its decimals is not a number.
        :raises ConflictError: a fact is stated with values that cannot all be roundings of one
            number; the message lists each (concept, dimensions, period, unit, values).
        """
        self._check_decimals()
        self._resolve()
        texts = pa.array(self._value, pa.string())
        value = self._numbers(texts)
        table = pa.table(
            [
                pa.array(self._concept, pa.string()),
                pa.array([context.dimensions for context in self._context], pa.string()),
                pa.array(self._unit, pa.string()),
                pa.array([context.period_start for context in self._context], pa.date32()),
                pa.array([context.period_end for context in self._context], pa.date32()),
                value,
                pa.array(self._decimals, pa.string()),
            ],
            schema=STATED,
        )
        if value.null_count > texts.null_count:  # some did not fit
            table = table.filter(pc.or_(pc.is_valid(value), pc.is_null(texts)))
        return table, tuple(self._rejected)

    def _check_decimals(self) -> None:
        stated = {*self._decimals, *(decimals for again in self._again.values() for _, decimals in again)}
        for decimals in stated - {None}:
            if not _DECIMALS.fullmatch(decimals or ""):
                concept = next((c for c, d in zip(self._concept, self._decimals, strict=True) if d == decimals), "?")
                raise PayloadError(f"{concept}: decimals is {decimals!r}, not a number or INF")

    def _numbers(self, texts: pa.Array) -> pa.Array:
        """The value column; what does not fit its type is noted as rejected, and null."""
        if pc.all(pc.match_substring_regex(texts, _SAFE)).as_py() is not False:
            try:
                return texts.cast(DECIMAL)
            except pa.ArrowInvalid:
                pass  # more than ten fractional digits: find out whose
        values: list[Decimal | None] = []
        for concept, reference, text in zip(self._concept, self._reference, self._value, strict=True):
            number = None if text is None else exact_number(text, concept, reference)
            values.append(None if number is None else storable(number))
            if number is not None and values[-1] is None:
                self._rejected.append(Rejected(concept, reference, f"{number} does not fit DECIMAL(38, 10)"))
        return pa.array(values, DECIMAL)

    def _resolve(self) -> None:
        """Of a fact stated more than once, keep the most precise statement."""
        conflicts = []
        for place, again in self._again.items():
            first = self._value[place], self._decimals[place]
            if all(statement == first for statement in again):
                continue
            concept, reference = self._concept[place], self._reference[place]
            texts = [first, *again]
            stated: list[_Statement] = [
                (None if text is None else exact_number(text, concept, reference), decimals) for text, decimals in texts
            ]
            best = most_precise(stated)
            if best is None:
                conflicts.append(_conflict(concept, self._context[place], self._unit[place], stated))
            else:
                self._value[place], self._decimals[place] = texts[best]
        if conflicts:
            raise ConflictError(
                f"{len(conflicts)} facts stand with different values in one filing; set it aside and read it by hand: "
                + "; ".join(conflicts[:10])
            )


def _conflict(concept: str, context: Context, unit: str, stated: list[_Statement]) -> str:
    period = f"{context.period_start} to {context.period_end}" if context.period_start else f"{context.period_end}"
    values = " and ".join(dict.fromkeys("nil" if v is None else f"{v:f} (decimals {d})" for v, d in stated))
    where = f" [{context.dimensions}]" if context.dimensions else ""
    return f"{concept}{where}, {period}, {unit}: {values}"


_WIDE = DecimalContext(prec=200)


def _bounds(value: Decimal, decimals: str | None) -> tuple[Decimal, Decimal]:
    """The closed interval of numbers that round to `value`."""
    if decimals is None or decimals == "INF":
        return value, value
    half = Decimal((0, (5,), -int(decimals) - 1))
    return _WIDE.subtract(value, half), _WIDE.add(value, half)


def most_precise(stated: list[_Statement]) -> int | None:
    """Which statement has the most decimals, if all can be roundings of one number; else None.

    Two different values at the highest precision are a conflict even where their intervals touch,
    and so are nil and a value.
    """
    known = [(value, decimals) for value, decimals in stated if value is not None]
    if len(known) < len(stated):
        return None if known else 0
    bounds = [_bounds(value, decimals) for value, decimals in known]
    if max(low for low, _ in bounds) > min(high for _, high in bounds):
        return None
    precision = [float("inf") if decimals in (None, "INF") else int(decimals or 0) for _, decimals in known]
    highest = max(precision)
    best = [place for place, one in enumerate(precision) if one == highest]
    return best[0] if len({known[place][0] for place in best}) == 1 else None


# --- cover ----------------------------------------------------------------------------------------


def add_cover(cover: dict[str, str], name: str, context: Context, text: Callable[[], str]) -> None:
    """Keep a dei cover fact of the filing as a whole; the first statement stays."""
    prefix, _, local = name.partition(":")
    if prefix == "dei" and local in COVER and not context.dimensions and local not in cover:
        cover[local] = text()
