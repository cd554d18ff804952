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
from ingest.xbrl.document import NIL, XBRLI, Document, FactCollector, add_cover, read_contexts, read_units, read_xml
from ingest.xbrl.transforms import cover_value, exact_quotient, numeric_transform

IX = "{http://www.xbrl.org/2013/inlineXBRL}"
_NON_FRACTION, _FRACTION, _NON_NUMERIC = IX + "nonFraction", IX + "fraction", IX + "nonNumeric"
_SCALE = re.compile(r"[+-]?[0-9]{1,2}")


def _text(element: etree._Element) -> str:
    """The number as shown. The only child a numeric fact may have is another numeric fact, whose text it shares."""
    if not len(element):
        return element.text or ""
    for child in element.iterdescendants():
        if child.tag != _NON_FRACTION:
            raise PayloadError(f"{element.get('name')}, context {element.get('contextRef')}: holds {child.tag}")
    return str(element.xpath("string()"))


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
    text, seen = _shown(element), set()
    while (following := element.get("continuedAt")) is not None:
        found = [e for e in root.iter(IX + "continuation") if e.get("id") == following]
        if len(found) != 1 or following in seen:
            raise PayloadError(f"continuation {following!r} is missing, repeated or circular")
        seen.add(following)
        element = found[0]
        text += _shown(element)
    return text


def _cover(root: etree._Element, collector: FactCollector, target: str | None) -> dict[str, str]:
    cover: dict[str, str] = {}
    for element in root.iter(_NON_NUMERIC):
        name = element.get("name") or ""
        if name.startswith("dei:") and element.get("target") == target and element.get(NIL) not in ("true", "1"):
            context = collector.context(name, element.get("contextRef"))
            local = name.partition(":")[2]

            def text(e: etree._Element = element, local: str = local) -> str:
                return cover_value(local, _continued(e, root), e.get("format"))

            add_cover(cover, name, context, text)
    return cover


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
    contexts, entity = read_contexts(root)
    units = read_units(root.iter(XBRLI + "unit"))
    collector = FactCollector(contexts, units)
    numbers = _Numbers()
    other_targets = 0
    value: str | None
    for element in root.iter(_NON_FRACTION, _FRACTION):
        get = element.get
        if get("target") != target:
            other_targets += 1
            continue
        name = get("name") or ""
        if ":" not in name:
            raise PayloadError(f"a numeric fact in context {get('contextRef')} has no concept name")
        if get(NIL) in ("true", "1"):
            value, decimals = None, None
        elif element.tag == _FRACTION:
            value, decimals = _fraction(element, numbers), "INF"
        else:
            value, decimals = numbers.read(element, _text(element)), get("decimals")
        collector.add(name, get("contextRef"), get("unitRef"), decimals, value)
    stated, rejected = collector.finish()
    return Document(
        source_kind="inline_xbrl",
        entity=entity,
        stated=stated,
        rejected=rejected,
        cover=_cover(root, collector, target),
        context_count=len(contexts),
        unit_count=len(units),
        stated_count=collector.count,
        other_target_count=other_targets,
    )
