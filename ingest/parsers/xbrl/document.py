"""What an XBRL document says, whichever form it came in: records, contexts, units, duplicates.

Belongs here: everything an extracted instance and an inline document have in common. Does not
belong here: finding the facts (instance.py, inline.py), text to number (transforms.py), tables
(table.py).

Longer than 400 lines because every check that a fact must pass is shared by both forms, and they pass in one order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context as DecimalContext
from decimal import Decimal, Inexact, InvalidOperation
from functools import cached_property, lru_cache
from typing import NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from ingest.aside import MOST
from ingest.parsers.xbrl.names import Names
from ingest.payload import check_xml
from ingest.records import DECIMAL, FACTS, PayloadError

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


class Unreadable(Exception):
    """One fact cannot be read; its document can. The message says why, not which."""


class Rejected(NamedTuple):
    """A fact that cannot be read, be true or be kept as it stands, with the reason and the text as received.

    Dimensions and period are null where its context does not say them.
    """

    concept: str
    context: str
    reason: str
    dimensions: str | None = None
    period_start: date | None = None
    period_end: date | None = None
    stated: str = ""


class Context(NamedTuple):
    """Where a fact applies. `problem` says why no fact of it can be kept, None if it is sound."""

    dimensions: str
    period_start: date | None
    period_end: date | None
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
_NOT_A_DIMENSION = (
    "name((xbrli:entity/xbrli:segment|xbrli:scenario)/*[not(self::xbrldi:explicitMember or self::xbrldi:typedMember)])"
)
_not_a_dimension = _xpath(_NOT_A_DIMENSION)
_holds_another = _xpath(
    _NOT_A_DIMENSION.replace("xbrli:entity", "xbrli:context/xbrli:entity").replace("|", "|xbrli:context/")
)
_entities = _xpath("xbrli:context/xbrli:entity/xbrli:identifier/text()")
_own_entities = _xpath("xbrli:entity/xbrli:identifier/text()")
#: A day, or midnight at either end of one; XML Schema allows a zone, which EDGAR's days do not have.
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T(00|24):00:00(?:\.0+)?)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
)


@lru_cache(maxsize=4096)  # a filing has some 20 different dates in 500 places
def _day(text: str, is_end: bool) -> date:
    """A period boundary as a day. An end at T00:00:00 is the end of the day before (XBRL 2.1, 4.7.2), T24:00:00 is
    T00:00:00 of the day after."""
    match = _DATE.fullmatch(text.strip())
    if not match:
        raise ValueError(text)
    midnight = {None: 0, "00": -1, "24": 0}[match[2]] if is_end else {None: 0, "00": 0, "24": 1}[match[2]]
    return date.fromisoformat(match[1]) + timedelta(days=midnight)


def _context(pairs: list[tuple[str, str]], period: dict[str, str]) -> Context:
    """A context from its axis-member pairs and the parts of its period by tag.

    :raises ValueError: saying what is missing or not readable.
    """
    if len(pairs) > 1:
        pairs.sort()  # so that the order in the document does not matter
        if len(dict(pairs)) < len(pairs):
            raise ValueError("an axis stands twice")
    if not all(axis and member for axis, member in pairs):
        raise ValueError("a dimension has no axis or no member, or one whose prefix is not declared")
    dimensions = ";".join([f"{axis}={member}" for axis, member in pairs])
    if _INSTANT in period:
        return Context(dimensions, None, _day(period[_INSTANT], True), None)
    if _FOREVER in period:
        return Context(dimensions, None, None, "period is forever")
    if _START not in period or _END not in period:
        raise ValueError("no complete period")
    start, end = _day(period[_START], False), _day(period[_END], True)
    return Context(dimensions, start, end, f"period starts {start}, after its end {end}" if start > end else None)


_Parts = tuple[str, list[tuple[str, str]], dict[str, str]]


def _context_parts(parent: etree._Element, names: Names) -> Iterator[_Parts]:
    """Id, axis-member pairs and period of each context in `parent`.

    One walk over the parts that matter, in document order: visiting every element of 300 contexts
    took three times as long.
    """
    parts: _Parts | None = None
    known = names.known
    for element in parent.iter(_CONTEXT, _EXPLICIT, _TYPED, _INSTANT, _START, _END, _FOREVER):
        tag = element.tag
        if tag == _CONTEXT:
            if parts:
                yield parts
            parts = (element.get("id") or "?").strip(), [], {}
        elif parts is None:
            continue  # not a part of any context
        elif tag == _EXPLICIT:
            axis, member = element.get("dimension"), element.text
            pair = known.get(axis) or names.of_text(axis, element), known.get(member) or names.of_text(member, element)
            parts[1].append(pair)
        elif tag == _TYPED:
            member = "~" + " ".join(str(element.xpath("string()")).split())
            parts[1].append((names.of_text(element.get("dimension"), element), member))
        else:
            parts[2][tag] = element.text or ""
    if parts:
        yield parts


def _odd_contexts(parent: etree._Element, entity: str) -> dict[str, str]:
    """The contexts whose facts cannot be told apart from others or are not of this entity, by id, with the reason."""
    found = {}
    for context in parent.iterchildren(_CONTEXT):
        named = [text.strip() for text in cast("list[str]", _own_entities(context))]
        if named != [entity]:
            problem = f"speaks of entity {named}, the document of {entity}"
        elif strange := str(_not_a_dimension(context)):
            problem = f"holds {strange}, which is not a dimension: its facts cannot be told apart"
        else:
            continue
        found[(context.get("id") or "?").strip()] = problem
    return found


def read_contexts(
    parents: list[etree._Element], root: etree._Element, body: bytes
) -> tuple[dict[str, Context], str, Names]:
    """The contexts among the children of `parents` by id, the entity that most of them speak of, and the names that the
    document `root` (`body`) uses. Equal contexts are one object.

    A context that cannot be read, or is of another entity, has a `problem`, and so has an id with two meanings.

    :raises PayloadError: there is no context that names an entity.
    """
    entities = Counter(entity.strip() for parent in parents for entity in cast("list[str]", _entities(parent)))
    if not entities:
        raise PayloadError("no context names an entity: no fact in it can be placed")
    entity = entities.most_common(1)[0][0]
    names = Names(root, body, entity.zfill(10))
    contexts: dict[str, Context] = {}
    distinct: dict[Context, Context] = {}
    count = 0
    for parent in parents:
        for name, pairs, period in _context_parts(parent, names):
            try:
                context = _context(pairs, period)
            except (ValueError, OverflowError) as error:
                context = Context("", None, None, f"context {name} cannot be read: {error}")
            context = distinct.setdefault(context, context)
            if contexts.setdefault(name, context) is not context:
                contexts[name] = Context("", None, None, f"context id {name} stands for two different contexts")
            count += 1
    is_one = len(entities) == 1 and entities[entity] == count
    for parent in parents:
        if not is_one or _holds_another(parent):
            for name, problem in _odd_contexts(parent, entity).items():
                contexts[name] = contexts[name]._replace(problem=f"context {name} {problem}")
    return contexts, entity, names


# --- units ----------------------------------------------------------------------------------------


def _measures(element: etree._Element) -> str:
    """Local names, as company facts spells units: iso4217:USD is USD, nvda:segment is segment."""
    names = sorted((m.text or "").strip().rpartition(":")[2] for m in element.findall(XBRLI + "measure"))
    return "*".join(names)


def read_units(parents: list[etree._Element]) -> tuple[dict[str, str], dict[str, str]]:
    """The units among the children of `parents` by id ("USD", "shares", "pure", "USD/shares"), and the ids that name
    none, with the reason."""
    units: dict[str, str] = {}
    problems: dict[str, str] = {}
    for element in (unit for parent in parents for unit in parent.iterchildren(XBRLI + "unit")):
        name = (element.get("id") or "?").strip()
        divide = element.find(XBRLI + "divide")
        if divide is None:
            parts = [_measures(element)]
        else:
            sides = (divide.find(XBRLI + "unitNumerator"), divide.find(XBRLI + "unitDenominator"))
            parts = ["" if side is None else _measures(side) for side in sides]
        unit = "/".join(parts)
        if not all(parts):
            problems[name] = f"unit {name}: a measure is missing"
        elif units.setdefault(name, unit) != unit:
            problems[name] = f"unit id {name} stands for two different units"
    return {name: unit for name, unit in units.items() if name not in problems}, problems


# --- facts ----------------------------------------------------------------------------------------

_DECIMALS = re.compile(r"[+-]?[0-9]{1,3}")
_PLAIN_DECIMALS = re.compile(r"0|-?[1-9][0-9]{0,2}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]{1,4})?")
#: Texts that Arrow converts to DECIMAL exactly or refuses. Above 28 whole digits its conversion wraps
#: around, without an error for many values, so anything longer is read one by one.
_SAFE = r"^[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(?:E-?[0-9]|E-?1[0-2])?$"
#: As much of a text as a message repeats.
_SHOWN = 80
_Statement = tuple[Decimal | None, str | None]


def exact_number(text: str) -> Decimal:
    """The decimal a text stands for.

    :raises Unreadable: it is not one, or longer than any number.
    """
    if len(text) > 80 or not _NUMBER.fullmatch(text):
        raise Unreadable(f"{text[:_SHOWN]!r} is not a number")
    return Decimal(text)


def is_true(text: str | None) -> bool:
    """Whether an attribute of XML Schema's type boolean says true."""
    return text is not None and text.strip() in ("true", "1")


def _precision(decimals: str) -> str:
    """`decimals` in its one form.

    :raises Unreadable: it is not a whole number or INF.
    """
    text = decimals.strip()
    if text == "INF":
        return text
    if not _DECIMALS.fullmatch(text):
        raise Unreadable(f"decimals is {decimals[:_SHOWN]!r}, not a number or INF")
    return str(int(text))


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
    time that Decimal takes one by one. What is wrong with one fact rejects that fact.
    """

    def __init__(self, contexts: dict[str, Context], units: dict[str, str], unit_problems: dict[str, str]) -> None:
        # A missing reference is looked up like any other, and not found.
        self._contexts = cast("Mapping[str | None, Context]", contexts)
        self._units = cast("Mapping[str | None, str]", units)
        self._unit_problems = unit_problems
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
        #: Places of rejected facts.
        self._dropped: set[int] = set()
        self.cover: dict[str, str] = {}
        self.count = 0

    def reject(self, concept: str, context_ref: str | None, reason: str, stated: str | None = None) -> None:
        """Note a fact that cannot be read."""
        self.count += 1
        self._reject(concept, context_ref or "?", reason, stated)

    def _reject(self, concept: str, reference: str, reason: str, stated: str | None) -> None:
        where = self._contexts.get(reference.strip(), Context("", None, None, None))
        if len(self._rejected) >= MOST:
            raise PayloadError(f"more than {MOST} facts cannot be read; the last, {concept}, {reference}: {reason}")
        fact = Rejected(concept, reference, reason, stated=(stated or "").strip()[:_SHOWN])
        if where.period_end:
            fact = fact._replace(
                dimensions=where.dimensions, period_start=where.period_start, period_end=where.period_end
            )
        self._rejected.append(fact)

    def add(
        self, concept: str, context_ref: str | None, unit_ref: str | None, decimals: str | None, value: str | None
    ) -> None:
        """Take one stated fact; its value is the text of a decimal, None for xsi:nil."""
        self.count += 1
        context, unit = self._contexts.get(context_ref), self._units.get(unit_ref)
        if context is None or unit is None:
            # XML Schema takes blanks around a reference.
            context = self._contexts.get((context_ref or "").strip())
            unit = self._units.get((unit_ref or "").strip())
        if context is None or unit is None or context.problem or (value is not None and decimals is None):
            self._reject(concept, context_ref or "?", self._problem(context, context_ref, unit, unit_ref), value)
            return
        if value is None:
            decimals = None
        key = concept, id(context), unit
        place = self._places.get(key)
        if place is not None:
            self._again.setdefault(place, []).append((value, decimals))
            return
        self._places[key] = len(self._concept)
        self._concept.append(concept)
        self._reference.append(context_ref or "?")
        self._context.append(context)
        self._unit.append(unit)
        self._value.append(value)
        self._decimals.append(decimals)

    def _problem(self, context: Context | None, context_ref: str | None, unit: str | None, unit_ref: str | None) -> str:
        """Why a fact cannot be taken."""
        if context is None:
            return f"context {context_ref!r} is not in the document"
        if context.problem:
            return context.problem
        if unit is None:
            missing = f"unit {unit_ref!r} is not in the document"
            return self._unit_problems.get((unit_ref or "").strip(), missing)
        return "a value without decimals, how exact is not known"

    def add_cover(self, concept: str, context_ref: str | None, text: Callable[[], str]) -> None:
        """Keep a dei cover fact of the filing as a whole; the first statement stays."""
        prefix, _, local = concept.partition(":")
        if prefix != "dei" or local not in COVER or local in self.cover:
            return
        context = self._contexts.get((context_ref or "").strip())
        try:
            if context is None:
                raise Unreadable(f"context {context_ref!r} is not in the document")
            if not context.dimensions:
                self.cover[local] = text()
        except Unreadable as error:
            self.reject(concept, context_ref, str(error))

    def finish(self) -> tuple[pa.Table, tuple[Rejected, ...]]:
        """Every fact once, in document order of first statement (schema STATED), and what was rejected: among others
        a fact that is stated with values which cannot all be roundings of one number."""
        self._resolve()
        value = self._numbers()
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
        if self._dropped:
            table = table.filter(pa.array([place not in self._dropped for place in range(table.num_rows)]))
        return table, tuple(self._rejected)

    def _resolve(self) -> None:
        """Of a fact stated more than once, keep the most precise statement; give decimals their one form."""
        stated = {*self._decimals, *(decimals for again in self._again.values() for _, decimals in again)} - {None}
        is_plain = all(text == "INF" or _PLAIN_DECIMALS.fullmatch(text or "") for text in stated)
        for place in self._again if is_plain else range(len(self._concept)):
            first = self._value[place], self._decimals[place]
            again = self._again.get(place, [])
            if not is_plain or any(statement != first for statement in again):
                self._settle(place, [first, *again])

    def _settle(self, place: int, statements: list[tuple[str | None, str | None]]) -> None:
        """One fact from its statements, or none: what cannot be read goes, then values that contradict each other."""
        texts: list[str | None] = []
        stated: list[_Statement] = []
        for text, decimals in statements:
            try:
                number = None if text is None else exact_number(text)
                stated.append((number, None if decimals is None else _precision(decimals)))
                texts.append(text)
            except Unreadable as error:
                self._reject(self._concept[place], self._reference[place], str(error), text)
        best = most_precise(stated) if stated else None
        if best is not None:
            self._value[place], self._decimals[place] = texts[best], stated[best][1]
            return
        if stated:
            values = dict.fromkeys("nil" if v is None else f"{v:f} (decimals {d})"[:_SHOWN] for v, d in stated)
            said = f"{self._unit[place]} {' and '.join(values)}"
            reason = f"is stated with different values in one filing: {said}; read the filing by hand"
            self._reject(self._concept[place], self._reference[place], reason, said)
        self._drop(place)

    def _drop(self, place: int) -> None:
        self._dropped.add(place)
        self._value[place] = self._decimals[place] = None

    def _numbers(self) -> pa.Array:
        """The value column; what is no number or does not fit its type is rejected."""
        texts = pa.array(self._value, pa.string())
        if pc.all(pc.match_substring_regex(texts, _SAFE)).as_py() is not False:
            try:
                return texts.cast(DECIMAL)
            except pa.ArrowInvalid:
                pass  # more than ten fractional digits: find out whose
        values: list[Decimal | None] = []
        for place, text in enumerate(self._value):
            values.append(None)
            if text is None:
                continue
            try:
                values[-1] = storable(exact_number(text))
                problem = f"{text} does not fit: 28 whole and 10 fractional digits are kept"
            except Unreadable as error:
                problem = str(error)
            if values[-1] is None:
                self._reject(self._concept[place], self._reference[place], problem, text)
                self._drop(place)
        return pa.array(values, DECIMAL)


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
