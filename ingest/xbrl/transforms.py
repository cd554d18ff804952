"""Inline XBRL transformations: the text a reader sees to the value the fact has.

Belongs here: the numeric transforms of the registries EDGAR accepts (2010 to 2022 and the SEC's
own), and the few date and boolean ones a cover uses. Does not belong here: scale and sign, which
are attributes of the fact (inline.py).

Every numeric transform gives the digits of a non-negative decimal as text ("1234.5"), so that the
one conversion to Decimal, scale included, is exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal, Inexact

from ingest.records import PayloadError

_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_SPACE = "\u00a0\u2009\u202f \t\r\n"
_DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")
_UNIT_DECIMAL = re.compile(r"([0-9]+(?:[.,'\s\u00a0][0-9]+)*)[^0-9]+([0-9]{1,2})[^0-9]*")


def _separated(separators: str, point: str) -> Callable[[str], str]:
    """A reader of grouped digits: drops `separators` before the decimal `point`, spaces anywhere."""
    group = dict.fromkeys(map(ord, separators + _SPACE))
    space = dict.fromkeys(map(ord, _SPACE))

    def read(text: str) -> str:
        whole, mark, fraction = text.partition(point)
        digits = whole.translate(group) + ("." + fraction.translate(space) if mark else "")
        if not _PLAIN.fullmatch(digits):
            raise ValueError
        return digits

    return read


def _plain(text: str) -> str:
    stripped = text.strip()
    if not _PLAIN.fullmatch(stripped):
        raise ValueError
    return stripped


def _zero(_: str) -> str:
    return "0"


def _zero_dash(text: str) -> str:
    stripped = text.strip(_SPACE)
    if not stripped or not _DASHES.issuperset(stripped):
        raise ValueError
    return "0"


def _unit_decimal(text: str) -> str:
    """'12 dollars 5 cents' is 12.05: what follows the unit are hundredths."""
    match = _UNIT_DECIMAL.fullmatch(text.strip(_SPACE))
    if not match:
        raise ValueError
    return re.sub("[^0-9]", "", match[1]) + "." + match[2].zfill(2)


_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
_ONES = {word: number for number, word in enumerate(_SMALL.split())}
_ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * number for number, word in enumerate(_ROUND.split(), 2)}
_THOUSANDS = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def _below_thousand(words: list[str]) -> int:
    """'two hundred and twenty one' is 221; anything out of order is refused."""
    total = 0
    if "hundred" in words:
        at = words.index("hundred")
        if at != 1 or not 1 <= _ONES.get(words[0], 0) <= 9:
            raise ValueError
        total, words = 100 * _ONES[words[0]], words[2:]
    if words and words[0] in _TENS:
        total, words = total + _TENS[words[0]], words[1:]
        if words and not 1 <= _ONES.get(words[0], 0) <= 9:
            raise ValueError
    if words:
        total, words = total + _ONES[words[0]], words[1:]
    if words:
        raise ValueError
    return total


def _number_words(text: str) -> str:
    """'no' and 'none' are 0, 'twenty-one' is 21, 'two thousand, one hundred and six' is 2106."""
    words = [w for w in re.split(r"[\s\u00a0,\-\u2010\u2011\u2013]+", text.strip().lower()) if w and w != "and"]
    if words in (["no"], ["none"]):
        return "0"
    total, group, last = 0, [], 10**15
    try:
        for word in words:
            size = _THOUSANDS.get(word)
            if size is None:
                group.append(word)
                continue
            if not group or size >= last:
                raise ValueError
            total, group, last = total + _below_thousand(group) * size, [], size
        if not words:
            raise ValueError
        return str(total + _below_thousand(group))
    except KeyError:
        raise ValueError from None


_DOT = _separated(",", ".")
_DOT_APOSTROPHE = _separated(",'`\u00b4\u2019\u2032", ".")
_COMMA = _separated(".", ",")
_COMMA_APOSTROPHE = _separated(".'`\u00b4\u2019\u2032", ",")

_IXT = re.compile(
    r"http://www\.xbrl\.org/(?:2008/inlineXBRL/transformation"
    r"|inlineXBRL/transformation/(?:2010-04-20|2011-07-31|2015-02-26|2020-02-12|2022-02-16))"
)
_IXT_SEC = "http://www.sec.gov/inlineXBRL/transformation/2015-08-31"

#: Names never changed meaning between registry versions, so one table serves them all.
_NUMERIC: dict[str, Callable[[str], str]] = {
    "num-dot-decimal": _DOT,
    "num-dot-decimal-apos": _DOT_APOSTROPHE,
    "numdotdecimal": _DOT,
    "numdotdecimalin": _DOT,
    "numcommadot": _DOT,
    "numspacedot": _DOT,
    "num-comma-decimal": _COMMA,
    "num-comma-decimal-apos": _COMMA_APOSTROPHE,
    "numcommadecimal": _COMMA,
    "numdotcomma": _COMMA,
    "numspacecomma": _COMMA,
    "numcomma": _COMMA,
    "num-unit-decimal": _unit_decimal,
    "num-unit-decimal-apos": _unit_decimal,
    "numunitdecimal": _unit_decimal,
    "numunitdecimalin": _unit_decimal,
    "fixed-zero": _zero,
    "zerodash": _zero_dash,
    "numdash": _zero_dash,
}
_NUMERIC_SEC: dict[str, Callable[[str], str]] = {"numwordsen": _number_words}


def numeric_transform(name: str | None, namespace: str | None) -> Callable[[str], str]:
    """The transform of a numeric fact: text to plain digits, raising ValueError on other text.

    :param name: the format attribute, e.g. "ixt:num-dot-decimal"; None if there is none.
    :param namespace: what its prefix stands for in the document.
    :raises PayloadError: the registry or the transform is not known, or it gives no number.
    """
    if name is None:
        return _plain
    local = name.rpartition(":")[2]
    known = _NUMERIC if _IXT.fullmatch(namespace or "") else _NUMERIC_SEC if namespace == _IXT_SEC else {}
    if local not in known:
        raise PayloadError(f"transform {name} ({namespace}) is not known for a numeric fact")
    return known[local]


_MONTH_NAMES = (
    "jan january", "feb february", "mar march", "apr april", "may", "jun june",
    "jul july", "aug august", "sep sept september", "oct october", "nov november", "dec december",
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_MONTH_DAY_YEAR = {"date-monthname-day-year-en", "datemonthdayyearen", "datelongus", "dateshortus"}
_DAY_MONTH_YEAR = {"date-day-monthname-year-en", "datedaymonthyearen", "datelonguk", "dateshortuk"}
_BALLOT_BOXES = {"\u2610": "false", "\u2611": "true", "\u2612": "true"}
_FIXED = {"fixed-true": "true", "booleantrue": "true", "fixed-false": "false", "booleanfalse": "false"}


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def cover_value(local_name: str, text: str, format_name: str | None) -> str:
    """A cover fact as the extracted instance states it: dates YYYY-MM-DD, flags true or false.

    :raises PayloadError: the transform is not known or the text does not follow it.
    """
    if format_name is None:
        return text.strip()
    transform = format_name.rpartition(":")[2]
    if transform in _FIXED:
        return _FIXED[transform]
    if transform == "boolballotbox" and text.strip() in _BALLOT_BOXES:
        return _BALLOT_BOXES[text.strip()]
    words = re.findall(r"[0-9]+|[A-Za-z]+", text)
    try:
        if transform in _MONTH_DAY_YEAR:
            return date(_year(words[2]), _MONTHS[words[0].lower()], int(words[1])).isoformat()
        if transform in _DAY_MONTH_YEAR:
            return date(_year(words[2]), _MONTHS[words[1].lower()], int(words[0])).isoformat()
        if transform in ("date-month-day-year", "datemonthdayyear", "dateslashus"):
            return date(_year(words[2]), int(words[0]), int(words[1])).isoformat()
        if transform in ("date-year-month-day", "dateyearmonthday"):
            return date(int(words[0]), int(words[1]), int(words[2])).isoformat()
    except (IndexError, KeyError, ValueError, OverflowError) as error:
        raise PayloadError(f"dei:{local_name}: {text!r} does not follow {format_name}") from error
    raise PayloadError(
        f"dei:{local_name}: {format_name} is not known for a cover fact, or not for {text.strip()[:40]!r}"
    )


_EXACT = Context(prec=60, traps=[Inexact])


def exact_quotient(numerator: Decimal, denominator: Decimal, concept: str) -> str:
    """A fraction as the text of a decimal.

    :raises PayloadError: it has no exact decimal form, or the denominator is zero.
    """
    try:
        if denominator:
            return str(_EXACT.divide(numerator, denominator))
    except Inexact:
        pass
    raise PayloadError(f"{concept}: the fraction {numerator}/{denominator} has no exact decimal form")
