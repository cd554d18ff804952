"""Small XBRL documents for tests, in both forms, around the same contexts and units."""

from __future__ import annotations

IX = "http://www.xbrl.org/2013/inlineXBRL"
NAMESPACES = (
    'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:xbrldi="http://xbrl.org/2006/xbrldi"'
    ' xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:iso4217="http://www.xbrl.org/2003/iso4217" xmlns:us-gaap="http://fasb.org/us-gaap/2025"'
    ' xmlns:dei="http://xbrl.sec.gov/dei/2025" xmlns:srt="http://fasb.org/srt/2025"'
    ' xmlns:nvda="http://www.nvidia.com/20250727"'
)
TRANSFORMS = (
    'xmlns:ixt="http://www.xbrl.org/inlineXBRL/transformation/2020-02-12"'
    ' xmlns:ixt-sec="http://www.sec.gov/inlineXBRL/transformation/2015-08-31"'
)


def context(name: str, period: str, dimensions: str = "", *, cik: str = "0001045810", scenario: str = "") -> str:
    """A context; `period` is one day (instant), two days joined by "/" (duration), or "forever"."""
    start, _, end = period.partition("/")
    if period == "forever":
        inner = "<xbrli:forever/>"
    elif end:
        inner = f"<xbrli:startDate>{start}</xbrli:startDate><xbrli:endDate>{end}</xbrli:endDate>"
    else:
        inner = f"<xbrli:instant>{start}</xbrli:instant>"
    segment = f"<xbrli:segment>{dimensions}</xbrli:segment>" if dimensions else ""
    scenario = f"<xbrli:scenario>{scenario}</xbrli:scenario>" if scenario else ""
    return (
        f'<xbrli:context id="{name}"><xbrli:entity><xbrli:identifier scheme="http://www.sec.gov/CIK">{cik}'
        f"</xbrli:identifier>{segment}</xbrli:entity><xbrli:period>{inner}</xbrli:period>{scenario}</xbrli:context>"
    )


def explicit(axis: str, member: str) -> str:
    """An explicit dimension."""
    return f'<xbrldi:explicitMember dimension="{axis}">{member}</xbrldi:explicitMember>'


def typed(axis: str, text: str) -> str:
    """A typed dimension."""
    return f'<xbrldi:typedMember dimension="{axis}"><nvda:domain>{text}</nvda:domain></xbrldi:typedMember>'


def unit(name: str, *measures: str, per: str = "") -> str:
    """A unit; `per` makes it a quotient."""
    over = "".join(f"<xbrli:measure>{m}</xbrli:measure>" for m in measures)
    if per:
        over = (
            f"<xbrli:divide><xbrli:unitNumerator>{over}</xbrli:unitNumerator><xbrli:unitDenominator>"
            f"<xbrli:measure>{per}</xbrli:measure></xbrli:unitDenominator></xbrli:divide>"
        )
    return f'<xbrli:unit id="{name}">{over}</xbrli:unit>'


#: c1: the quarter ended 2025-07-27; i1: its last day; usd, shares, pure.
CONTEXTS = context("c1", "2025-04-28/2025-07-27") + context("i1", "2025-07-27")
UNITS = (
    unit("usd", "iso4217:USD")
    + unit("shares", "xbrli:shares")
    + unit("pure", "xbrli:pure")
    + unit("usdPerShare", "iso4217:USD", per="xbrli:shares")
)


def instance(facts: str, resources: str = CONTEXTS + UNITS, *, namespaces: str = "") -> bytes:
    """An XBRL instance with these facts."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<xbrli:xbrl {NAMESPACES} {namespaces}>{resources}{facts}</xbrli:xbrl>'
    ).encode()


def inline(
    body: str,
    resources: str = CONTEXTS + UNITS,
    *,
    hidden: str = "",
    transforms: str = TRANSFORMS,
    namespaces: str = "",
) -> bytes:
    """An inline XBRL document with this body and, optionally, hidden facts."""
    hidden = f"<ix:hidden>{hidden}</ix:hidden>" if hidden else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="{IX}"'
        f' {NAMESPACES} {transforms} {namespaces}><body><div style="display:none"><ix:header>{hidden}'
        f"<ix:resources>{resources}</ix:resources></ix:header></div>{body}</body></html>"
    ).encode()


def non_fraction(text: str, name: str = "us-gaap:Revenues", **attributes: str) -> str:
    """An ix:nonFraction; contextRef, unitRef and decimals have defaults, an underscore stands for a colon."""
    given = {"contextRef": "c1", "unitRef": "usd", "decimals": "-6", "name": name, **attributes}
    written = " ".join(f'{key.replace("_", ":")}="{value}"' for key, value in given.items() if value is not None)
    return f"<ix:nonFraction {written}>{text}</ix:nonFraction>"


def fact(text: str, name: str = "us-gaap:Revenues", **attributes: str) -> str:
    """A numeric fact of an instance, with the same defaults as non_fraction."""
    given = {"contextRef": "c1", "unitRef": "usd", "decimals": "-6", **attributes}
    written = " ".join(f'{key.replace("_", ":")}="{value}"' for key, value in given.items() if value is not None)
    return f"<{name} {written}>{text}</{name}>"
