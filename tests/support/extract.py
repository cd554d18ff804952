"""An inline document as the instance EDGAR would extract from it, made without any code of ours.

edgartools reads instances, not the scaled numbers of inline documents, and most filings at hand are
inline. This extractor uses the standard library only and its own reading of scale, sign and format,
so that what edgartools then reads owes nothing to ingest.parsers.xbrl. test_parsers_edgartools.py holds it
against the instances EDGAR itself extracted.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

XBRLI = "{http://www.xbrl.org/2003/instance}"
IX = "{http://www.xbrl.org/2013/inlineXBRL}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
#: Every number the filings at hand write in words.
_UP_TO_TWELVE = "no one two three four five six seven eight nine ten eleven twelve"
WORDS = {word: number for number, word in enumerate(_UP_TO_TWELVE.split())}
WORDS |= {"none": 0, "zero": 0, "fifteen": 15, "eighteen": 18, "twenty": 20, "thirty": 30, "fifty": 50}


def _number(element: ET.Element) -> str:
    text = "".join(element.itertext()).strip()
    form = (element.get("format") or "").rpartition(":")[2]
    if form in ("fixed-zero", "zerodash"):
        value = Decimal(0)
    elif form == "numwordsen":
        value = Decimal(sum(WORDS[word] for word in re.split("[ -]", text.lower())))
    elif form in ("num-dot-decimal", "numdotdecimal", ""):
        value = Decimal(re.sub("[^0-9.]", "", text))
    else:
        raise ValueError(f"the extractor does not know {form}")
    value *= Decimal(10) ** int(element.get("scale") or 0)
    return f"{-value if element.get('sign') == '-' else value:f}"


def extract_instance(document: bytes) -> bytes:
    """The numeric facts of an inline document's main target as an XBRL instance."""
    root = ET.fromstring(document)
    prefixes = dict(re.findall(rb'xmlns:([A-Za-z0-9_.-]+)="([^"]+)"', document))
    declared = " ".join(f"xmlns:{p.decode()}={quoteattr(u.decode())}" for p, u in prefixes.items())
    for prefix, uri in prefixes.items():
        if not re.fullmatch(rb"ns[0-9]+", prefix):
            ET.register_namespace(prefix.decode(), uri.decode())
    lines = [f'<?xml version="1.0" encoding="utf-8"?>\n<xbrli:xbrl {declared}>']
    for tag in ("context", "unit"):
        # A fragment written by itself declares what its tags need; QNames in its text need the root's.
        lines += [ET.tostring(element, encoding="unicode") for element in root.iter(XBRLI + tag)]
    for element in root.iter(IX + "nonFraction"):
        if element.get("target"):
            continue
        name = element.get("name")
        if element.get(NIL) == "true":
            value, extra = "", 'xsi:nil="true"'
        else:
            value, extra = _number(element), f'decimals="{element.get("decimals")}"'
        where = f'contextRef="{element.get("contextRef")}" unitRef="{element.get("unitRef")}"'
        lines.append(f"<{name} {where} {extra}>{escape(value)}</{name}>")
    return ("\n".join(lines) + "\n</xbrli:xbrl>").encode()
