"""XBRL 2.1 instance documents (`*_htm.xml`, and the plain `.xml` of older filings).

Belongs here: finding the facts in an instance. Does not belong here: what a fact is (document.py).
"""

from __future__ import annotations

from lxml import etree

from ingest.parsers.xbrl.document import (
    NIL,
    XBRLI,
    Document,
    FactCollector,
    Unreadable,
    exact_number,
    is_true,
    read_contexts,
    read_units,
    read_xml,
)
from ingest.parsers.xbrl.transforms import exact_quotient
from ingest.payload import check_payload
from ingest.records import PayloadError

_LINK = "{http://www.xbrl.org/2003/linkbase}"


def _special_value(element: etree._Element) -> str | None:
    """The value of a fact that is not plain text: nil, or a fraction."""
    if is_true(element.get(NIL)):
        return None
    parts = [element.findtext(XBRLI + name) for name in ("numerator", "denominator")]
    if None in parts:
        raise Unreadable("a numeric fact is empty or has child elements")
    over, under = (exact_number((part or "").strip()) for part in parts)
    return exact_quotient(over, under)


def parse_instance(data: bytes) -> Document:
    """Read an XBRL instance.

    :param data: the document, gzip or plain.
    :raises PayloadError: it is not a well-formed XBRL instance, or speaks of no entity.
    """
    body = check_payload(data, "xbrl_instance")
    root = read_xml(body)
    if root.tag != XBRLI + "xbrl":
        raise PayloadError(f"payload is not an XBRL instance: its root is {root.tag}")
    contexts, entity, names = read_contexts([root], root, body)
    units, unit_problems = read_units([root])
    collector = FactCollector(contexts, units, unit_problems)
    concepts: dict[str, str] = {}
    skipped = (XBRLI, _LINK)
    for element in root.iterchildren(tag=etree.Element):
        get, tag = element.get, element.tag
        context_ref, unit_ref = get("contextRef"), get("unitRef")
        if context_ref is None and tag.startswith(skipped):
            continue
        concept = concepts.get(tag)
        if concept is None:
            concept = concepts[tag] = names.of_element(element)
        if context_ref is None:
            collector.reject(concept, None, "has no context; tuples are not supported and EDGAR forbids them")
        elif unit_ref is not None:
            text = None if len(element) else element.text
            try:
                value = (text.strip() if text else None) or _special_value(element)
            except Unreadable as error:
                collector.reject(concept, context_ref, str(error), text)
            else:
                collector.add(concept, context_ref, unit_ref, get("decimals"), value)
        elif concept.startswith("dei:"):
            collector.add_cover(concept, context_ref, (element.text or "").strip)
    stated, rejected = collector.finish()
    return Document(
        source_kind="xbrl_instance",
        entity=entity,
        stated=stated,
        rejected=rejected,
        cover=collector.cover,
        context_count=len(contexts),
        unit_count=len(units),
        stated_count=collector.count,
    )
