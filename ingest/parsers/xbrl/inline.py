"""Inline XBRL 1.1: facts tagged inside the HTML of a filing.

Belongs here: finding the facts in an inline document and computing their values from text, format,
scale and sign. Does not belong here: what a fact is (document.py), the transforms (transforms.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from ingest.parsers.xbrl.document import (
    NIL,
    Document,
    FactCollector,
    Unreadable,
    exact_number,
    is_true,
    read_contexts,
    read_units,
    read_xml,
)
from ingest.parsers.xbrl.names import Names
from ingest.parsers.xbrl.transforms import cover_value, exact_quotient, numeric_transform
from ingest.payload import check_payload

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
            raise Unreadable(f"holds {child.tag}")
    text = str(element.xpath("string()"))
    if len(text) > _LONGEST:
        raise Unreadable(f"{len(text)} characters are no number")
    return text


class _Numbers:
    """Shown text to the text of a decimal, for one document; remembers each format and scale it met."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._transforms: dict[str | None, Callable[[str], str]] = {None: numeric_transform(None, None)}
        self._exponents: dict[str | None, str] = {None: "", "0": ""}

    def _transform(self, element: etree._Element, name: str | None) -> Callable[[str], str]:
        prefix, _, local = (name or "").strip().rpartition(":")
        transform = numeric_transform(local, self._names.namespace(prefix, element))
        if not self._names.is_nested:
            self._transforms[name] = transform
        return transform

    def _exponent(self, scale: str) -> str:
        if not _SCALE.fullmatch(scale.strip()):
            raise Unreadable(f"scale is {scale[:80]!r}, not a small whole number")
        exponent = self._exponents[scale] = f"E{scale.strip()}"
        return exponent

    def read(self, element: etree._Element, text: str) -> str:
        """What the element states, shown as `text`: digits by its format, its scale as exponent, its sign.

        :raises Unreadable: it states no number.
        """
        get = element.get
        sign, form, scale = get("sign"), get("format"), get("scale")
        if sign is not None and sign != "-":
            raise Unreadable(f"sign is {sign[:80]!r}, only '-' is allowed")
        exponent = self._exponents.get(scale)
        if exponent is None:
            exponent = self._exponent(scale or "")
        transform = self._transforms.get(form) or self._transform(element, form)
        try:
            return f"{sign or ''}{transform(text)}{exponent}"
        except ValueError:
            raise Unreadable(f"{text.strip()[:80]!r} does not follow {form or 'the plain number form'}") from None


def _fraction(element: etree._Element, numbers: _Numbers) -> str:
    parts = [element.find(IX + part) for part in ("numerator", "denominator")]
    if None in parts:
        raise Unreadable("a fraction without numerator or denominator")
    over, under = (exact_number(numbers.read(part, part.text or "")) for part in parts if part is not None)
    return exact_quotient(over, under)


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
            raise Unreadable(f"continuation {following!r} is missing, repeated or circular")
        text, following = text + _shown(found[0]), found[0].get("continuedAt")
        if len(text) > _LONGEST:
            raise Unreadable(f"a cover fact of more than {_LONGEST} characters")
    return text


def _take_non_numeric(concept: str, element: etree._Element, root: etree._Element, collector: FactCollector) -> None:
    """Keep the cover facts; other text is not read."""
    if concept.startswith("dei:") and not is_true(element.get(NIL)):
        collector.add_cover(
            concept, element.get("contextRef"), lambda: cover_value(_continued(element, root), element.get("format"))
        )


def _take_numeric(concept: str, element: etree._Element, numbers: _Numbers, collector: FactCollector) -> None:
    get = element.get
    decimals = get("decimals")
    value: str | None = None
    text = ""
    try:
        if not concept:
            raise Unreadable(f"{get('name')!r} names no concept: it has no prefix, or one that is not declared")
        nil = get(NIL)
        if nil is None or not is_true(nil):
            if decimals is None and element.tag == _FRACTION:
                value, decimals = _fraction(element, numbers), "INF"
            else:
                text = _text(element)
                value = numbers.read(element, text)
    except Unreadable as error:
        collector.reject(concept or get("name") or "?", get("contextRef"), str(error), text)
    else:
        collector.add(concept, get("contextRef"), get("unitRef"), decimals, value)


def parse_inline(data: bytes, target: str | None = None) -> Document:
    """Read an inline XBRL document.

    :param data: the document, gzip or plain.
    :param target: which target document's facts; None is the main one, which EDGAR extracts as
        `*_htm.xml`. Facts of other targets are counted, not returned.
    :raises PayloadError: it is not well-formed inline XBRL, or speaks of no entity.
    """
    body = check_payload(data, "inline_xbrl")
    root = read_xml(body)
    resources = list(root.iter(IX + "resources"))
    contexts, entity, names = read_contexts(resources, root, body)
    units, unit_problems = read_units(resources)
    collector = FactCollector(contexts, units, unit_problems)
    numbers = _Numbers(names)
    known = names.known
    other_targets = 0
    for element in root.iter(_NON_FRACTION, _FRACTION, _NON_NUMERIC):
        # tag costs more than all attributes together, and only numeric facts have a unit.
        is_text = element.get("unitRef") is None and element.tag == _NON_NUMERIC
        if element.get("target") != target:
            other_targets += not is_text
            continue
        name = element.get("name")
        concept = known.get(name) or names.of_text(name, element)
        if is_text:
            _take_non_numeric(concept, element, root, collector)
        else:
            _take_numeric(concept, element, numbers, collector)
    stated, rejected = collector.finish()
    return Document(
        source_kind="inline_xbrl",
        entity=entity,
        stated=stated,
        rejected=rejected,
        cover=collector.cover,
        context_count=len(contexts),
        unit_count=len(units),
        stated_count=collector.count,
        other_target_count=other_targets,
    )
