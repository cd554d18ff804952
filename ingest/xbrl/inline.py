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
    """Text to Decimal for one document; remembers which transform each format name stands for."""

    def __init__(self) -> None:
        self._transforms: dict[str | None, Callable[[str], str]] = {None: numeric_transform(None, None)}

    def _transform(self, element: etree._Element) -> Callable[[str], str]:
        name = element.get("format")
        transform = self._transforms.get(name)
        if transform is None:
            # nsmap walks to the root, so it is asked once a format, not once a fact.
            namespace = element.nsmap.get((name or "").partition(":")[0])
            transform = self._transforms[name] = numeric_transform(name, namespace)
        return transform

    def read(self, element: etree._Element, text: str) -> Decimal:
        sign = element.get("sign")
        if sign not in (None, "-"):
            raise PayloadError(f"{element.get('name')}: sign is {sign!r}, only '-' is allowed")
        scale = (element.get("scale") or "0").strip()
        if not _SCALE.fullmatch(scale):
            raise PayloadError(f"{element.get('name')}: scale is {scale!r}, not a small whole number")
        if len(text) > 400:
            raise PayloadError(f"{element.get('name')}: {text[:40]!r}... is too long for a number")
        try:
            return Decimal(f"{sign or ''}{self._transform(element)(text)}E{scale}")
        except ValueError:
            raise PayloadError(
                f"{element.get('name')}, context {element.get('contextRef')}: {text.strip()!r} does not follow "
                f"{element.get('format') or 'the plain number form'}"
            ) from None


def _fraction(element: etree._Element, numbers: _Numbers) -> Decimal:
    parts = [element.find(IX + name) for name in ("numerator", "denominator")]
    if None in parts:
        raise PayloadError(f"{element.get('name')}: a fraction without numerator or denominator")
    numerator, denominator = (numbers.read(part, part.text or "") for part in parts if part is not None)
    return exact_quotient(numerator, denominator, element.get("name") or "?")


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
    return Document(
        source_kind="inline_xbrl",
        entity=entity,
        facts=collector.facts(),
        rejected=tuple(collector.rejected),
        cover=_cover(root, collector, target),
        context_count=len(contexts),
        unit_count=len(units),
        stated_count=collector.count,
        other_target_count=other_targets,
    )
