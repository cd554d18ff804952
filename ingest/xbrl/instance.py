"""XBRL 2.1 instance documents (`*_htm.xml`, and the plain `.xml` of older filings).

Belongs here: finding the facts in an instance. Does not belong here: what a fact is (document.py).
"""

from __future__ import annotations

from lxml import etree

from ingest.payload import check_payload
from ingest.records import PayloadError
from ingest.xbrl.document import (
    NIL,
    XBRLI,
    Document,
    FactCollector,
    add_cover,
    exact_number,
    read_contexts,
    read_units,
    read_xml,
)
from ingest.xbrl.transforms import exact_quotient

_LINK = "{http://www.xbrl.org/2003/linkbase}"


def _concept(element: etree._Element) -> str:
    local = etree.QName(element).localname
    if element.prefix is None:
        raise PayloadError(f"{element.tag}: a fact in the default namespace has no prefix to name its concept by")
    return f"{element.prefix}:{local}"


def _special_value(element: etree._Element, concept: str, context: str | None) -> str | None:
    """The value of a fact that is not plain text: nil, or a fraction."""
    if element.get(NIL) in ("true", "1"):
        return None
    parts = [element.findtext(XBRLI + name) for name in ("numerator", "denominator")]
    if None in parts:
        raise PayloadError(f"{concept}, context {context}: a numeric fact is empty or has child elements")
    over, under = (exact_number((part or "").strip(), concept, context) for part in parts)
    return exact_quotient(over, under, concept)


def parse_instance(data: bytes) -> Document:
    """Read an XBRL instance.

    :param data: the document, gzip or plain.
    :raises PayloadError: it is not a well-formed XBRL instance, or a fact in it cannot be read.
    :raises ConflictError: one fact stands with irreconcilable values.
    """
    root = read_xml(check_payload(data, "xbrl_instance"))
    if root.tag != XBRLI + "xbrl":
        raise PayloadError(f"payload is not an XBRL instance: its root is {root.tag}")
    contexts, entity = read_contexts([root])
    units = read_units([root])
    collector = FactCollector(contexts, units)
    cover: dict[str, str] = {}
    concepts: dict[tuple[str, str | None], str] = {}
    skipped = (XBRLI, _LINK)
    for element in root.iterchildren(tag=etree.Element):
        get = element.get
        context_ref, unit_ref = get("contextRef"), get("unitRef")
        if context_ref is None:
            if not element.tag.startswith(skipped):
                raise PayloadError(f"{element.tag} has no context; tuples are not supported and EDGAR forbids them")
        elif unit_ref is not None:
            key = (element.tag, element.prefix)
            concept = concepts.get(key)
            if concept is None:
                concept = concepts[key] = _concept(element)
            text = None if len(element) else element.text
            value = text.strip() if text else _special_value(element, concept, context_ref)
            collector.add(concept, context_ref, unit_ref, get("decimals"), value)
        elif element.prefix == "dei":
            name = _concept(element)
            add_cover(cover, name, collector.context(name, context_ref), (element.text or "").strip)
    stated, rejected = collector.finish()
    return Document(
        source_kind="xbrl_instance",
        entity=entity,
        stated=stated,
        rejected=rejected,
        cover=cover,
        context_count=len(contexts),
        unit_count=len(units),
        stated_count=collector.count,
    )
