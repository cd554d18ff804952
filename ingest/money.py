"""Amounts of money in the words of a text.

Belongs here: signs, scales, ranges. Does not belong here: what an amount is of (leads.py).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_SCALES = {
    "thousand": 3,
    "million": 6,
    "mm": 6,
    "mn": 6,
    "m": 6,
    "billion": 9,
    "bn": 9,
    "b": 9,
    "trillion": 12,
    "t": 12,
}
_SIGNS = {"$": "USD", "US$": "USD", "USD": "USD", "U.S. $": "USD", "€": "EUR", "EUR": "EUR", "£": "GBP", "GBP": "GBP"}
_SIGNS |= {"¥": "JPY", "JPY": "JPY", "RMB": "CNY", "CNY": "CNY", "HK$": "HKD", "NT$": "TWD", "C$": "CAD", "A$": "AUD"}
_SIGNS |= {"AUD $": "AUD", "CAD $": "CAD", "AUD": "AUD", "CAD": "CAD", "₩": "KRW", "KRW": "KRW"}
_SIGN = r"(?:AUD \$|CAD \$|U\.S\. \$|US\$|HK\$|NT\$|C\$|A\$|\$|€|£|¥|₩|\b(?:USD|EUR|GBP|JPY|RMB|CNY|KRW|AUD|CAD)\b)"
_NUMBER = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
_SCALE = r"(?:thousand|million|billion|trillion|mm|mn|bn|[MBT])\b"
_AMOUNT = re.compile(
    rf"(?P<sign>{_SIGN})\s?(?P<low>{_NUMBER})(?:[\s-]?(?P<scale>{_SCALE}))?"
    rf"(?:\s?(?:-|–|—|to|(?P<and>and))\s?(?:{_SIGN})?\s?(?P<high>{_NUMBER})(?:[\s-]?(?P<scale2>{_SCALE}))?"
    r"(?![0-9%]|\.[0-9]))?",
)
_IN_WORDS = re.compile(
    r"\b(?:multi|several|tens of|hundreds of|half[\s-]an?)[\s-]+(?:million|billion|trillion)s?(?:[\s-]dollars?)?\b",
    re.I,
)
_LEAST = Decimal(1_000_000)  # a smaller amount is a price or an amount a share


class Money(NamedTuple):
    """An amount by its place in a sentence; low and high are None for one in words."""

    start: int
    end: int
    currency: str
    low: Decimal | None
    high: Decimal | None


def amounts_in(text: str) -> list[Money]:
    """Every amount of a text, in order."""
    found: list[Money] = []
    place = 0
    while match := _AMOUNT.search(text, place):
        low, scale = match["low"], match["scale"]
        place = match.end("scale") if scale else match.end("low")
        values = (_scaled(low, scale),) * 2
        if match["high"] and (match["scale2"] or not scale):
            ends = _scaled(low, scale or match["scale2"]), _scaled(match["high"], match["scale2"])
            if ends[0] < ends[1] and _is_range(text[: match.start()], bool(match["and"])):
                place, values = match.end(), ends
        if values[1] >= _LEAST:
            found.append(Money(match.start(), place, _SIGNS[match["sign"]], *values))
    found += [Money(m.start(), m.end(), "USD", None, None) for m in _IN_WORDS.finditer(text)]
    return sorted(found, key=lambda money: money.start)


def _is_range(before: str, is_and: bool) -> bool:
    """Whether two amounts are the ends of one: "between 5 and 6", but not "from 5 to 6" of what has grown."""
    if is_and:
        return bool(re.search(r"\bbetween\W*$", before))
    return not re.search(r"(?<!range )(?<!ranging )\bfrom\W*$", before)


def _scaled(number: str, scale: str | None) -> Decimal:
    return Decimal(number.replace(",", "")).scaleb(_SCALES[scale.lower()] if scale else 0)
