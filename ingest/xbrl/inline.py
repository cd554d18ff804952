"""Inline XBRL 1.1: facts tagged inside the HTML of a filing.

Belongs here: finding the facts in an inline document and computing their values from text, format,
scale and sign. Does not belong here: what a fact is (document.py), the transforms (transforms.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from lxml import etree

from ingest.payload import check_payload
from ingest.records import PayloadError
from ingest.xbrl.document import NIL, Document, FactCollector, add_cover, read_contexts, read_units, read_xml
from ingest.xbrl.transforms import cover_value, exact_quotient, numeric_transform

IX = "{http://www.xbrl.org/2013/inlineXBRL}"
_NON_FRACTION, _FRACTION, _NON_NUMERIC = IX + "nonFraction", IX + "fraction", IX + "nonNumeric"
_SCALE = re.compile(r"[+-]?[0-9]{1,2}")
#: Longest text of a number or a cover fact, in characters. Nested and continued facts share their text: without a
#: limit a document could say each of its megabytes hundreds of times.
_LONGEST = 10_000


def _text(element: etree._Element) -> str:
    """The number as shown. The only child a numeric fact may have is another numeric fact, whose text it shares."""
    if not len(element):
        return element.text or ""
    for child in element.iterdescendants():
        if child.tag != _NON_FRACTION:
            raise PayloadError(f"{element.get('name')}, context {element.get('contextRef')}: holds {child.tag}")
    text = str(element.xpath("string()"))
    if len(text) > _LONGEST:
        raise PayloadError(f"{element.get('name')}, context {element.get('contextRef')}: {len(text)} characters")
    return text


class _Numbers:
    """Shown text to the text of a decimal, for one document; remembers each format and scale it met."""

    def __init__(self) -> None:
        self._transforms: dict[str | None, Callable[[str], str]] = {None: numeric_transform(None, None)}
        self._exponents: dict[str | None, str] = {None: "", "0": ""}

    def _transform(self, element: etree._Element, name: str | None) -> Callable[[str], str]:
        # nsmap walks to the root, so it is asked once a format, not once a fact.
        namespace = element.nsmap.get((name or "").partition(":")[0])
        transform = self._transforms[name] = numeric_transform(name, namespace)
        return transform

    def _exponent(self, element: etree._Element, scale: str) -> str:
        if not _SCALE.fullmatch(scale.strip()):
            raise PayloadError(f"{element.get('name')}: scale is {scale!r}, not a small whole number")
        exponent = self._exponents[scale] = f"E{scale.strip()}"
        return exponent

    def read(self, element: etree._Element, text: str) -> str:
        """What the element states, shown as `text`: digits by its format, its scale as exponent, its sign."""
        get = element.get
        sign, form, scale = get("sign"), get("format"), get("scale")
        if sign is not None and sign != "-":
            raise PayloadError(f"{get('name')}: sign is {sign!r}, only '-' is allowed")
        exponent = self._exponents.get(scale)
        if exponent is None:
            exponent = self._exponent(element, scale or "")
        transform = self._transforms.get(form) or self._transform(element, form)
        try:
            return f"{sign or ''}{transform(text)}{exponent}"
        except ValueError:
            raise PayloadError(
                f"{get('name')}, context {get('contextRef')}: {text.strip()[:80]!r} does not follow "
                f"{form or 'the plain number form'}"
            ) from None


def _fraction(element: etree._Element, numbers: _Numbers) -> str:
    name = element.get("name") or "?"
    parts = [element.find(IX + part) for part in ("numerator", "denominator")]
    if None in parts:
        raise PayloadError(f"{name}: a fraction without numerator or denominator")
    over, under = (Decimal(numbers.read(part, part.text or "")) for part in parts if part is not None)
    return exact_quotient(over, under, name)


def _shown(element: etree._Element) -> str:
    """All text inside, except what ix:exclude sets apart."""
    parts = [element.text or ""]
    for child in element:
        if child.tag != IX + "exclude":
            parts.append(_shown(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _continued(element: etree._Element, root: etree._Element) -> str:
    """The text of a non-numeric fact with its chain of ix:continuation elements."""
    text, following = _shown(element), element.get("continuedAt")
    if following is None:
        return text
    by_id: dict[str | None, list[etree._Element]] = {}
    for continuation in root.iter(IX + "continuation"):
        by_id.setdefault(continuation.get("id"), []).append(continuation)
    while following is not None:
        found = by_id.pop(following, [])
        if len(found) != 1:
            raise PayloadError(f"continuation {following!r} is missing, repeated or circular")
        text, following = text + _shown(found[0]), found[0].get("continuedAt")
        if len(text) > _LONGEST:
            raise PayloadError(f"{element.get('name')}: a cover fact of more than {_LONGEST} characters")
    return text


def _take_non_numeric(
    element: etree._Element, root: etree._Element, collector: FactCollector, cover: dict[str, str]
) -> None:
    """Keep the cover facts; other text is not read."""
    name = element.get("name") or ""
    if name.startswith("dei:") and element.get(NIL) not in ("true", "1"):
        context = collector.context(name, element.get("contextRef"))
        local = name.partition(":")[2]
        add_cover(cover, name, context, lambda: cover_value(local, _continued(element, root), element.get("format")))


def _take_numeric(element: etree._Element, numbers: _Numbers, collector: FactCollector) -> None:
    get = element.get
    name, decimals = get("name") or "", get("decimals")
    if ":" not in name:
        raise PayloadError(f"a numeric fact in context {get('contextRef')} has no concept name")
    value: str | None
    if get(NIL) in ("true", "1"):
        value = None
    elif decimals is None and element.tag == _FRACTION:
        value, decimals = _fraction(element, numbers), "INF"
    else:
        value = numbers.read(element, _text(element))
    collector.add(name, get("contextRef"), get("unitRef"), decimals, value)


def parse_inline(data: bytes, target: str | None = None) -> Document:
    """Read an inline XBRL document.

    :param data: the document, gzip or plain.
    :param target: which target document's facts; None is the main one, which EDGAR extracts as
        `*_htm.xml`. Facts of other targets are counted, not returned.
    :raises PayloadError: it is not well-formed inline XBRL, or a fact in it cannot be read: the
        message names the concept and context, or the unknown transform.
    :raises ConflictError: one fact stands with irreconcilable values.
    """
    root = read_xml(check_payload(data, "inline_xbrl"))
    resources = list(root.iter(IX + "resources"))
    contexts, entity = read_contexts(resources)
    units = read_units(resources)
    collector = FactCollector(contexts, units)
    numbers = _Numbers()
    cover: dict[str, str] = {}
    other_targets = 0
    for element in root.iter(_NON_FRACTION, _FRACTION, _NON_NUMERIC):
        # tag costs more than all attributes together, and only numeric facts have a unit.
        is_text = element.get("unitRef") is None and element.tag == _NON_NUMERIC
        if element.get("target") != target:
            other_targets += not is_text
        elif is_text:
            _take_non_numeric(element, root, collector, cover)
        else:
            _take_numeric(element, numbers, collector)
    stated, rejected = collector.finish()
    return Document(
        source_kind="inline_xbrl",
        entity=entity,
        stated=stated,
        rejected=rejected,
        cover=cover,
        context_count=len(contexts),
        unit_count=len(units),
        stated_count=collector.count,
        other_target_count=other_targets,
    )
