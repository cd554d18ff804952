"""Inline XBRL transformations: the text a reader sees to the value the fact has.

Belongs here: the numeric transforms of the registries EDGAR accepts (2010 to 2022 and the SEC's
own), and the few date and boolean ones a cover uses. Does not belong here: scale and sign, which
are attributes of the fact (inline.py).

Every numeric transform gives the digits of a non-negative decimal as text ("1234.5"), so that the
one conversion to Decimal, scale included, is exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Context, Decimal, Inexact

from ingest.parsers.xbrl.document import Unreadable

_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_SPACE = "\u00a0\u2009\u202f \t\r\n"
_DASH = "\u058a\u05be\u2010-\u2015\u2212\ufe58\ufe63\uff0d-"
_DASHES = re.compile(f"[{_DASH}]+")
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
    if not _DASHES.fullmatch(text.strip(_SPACE)):
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
_LARGE = "thousand million billion trillion quadrillion quintillion"
_SIZES = {word: 1000**power for power, word in enumerate(_LARGE.split(), 1)}
_NONE = ("no", "none", "nil")


def _any_of(words: Iterable[str]) -> str:
    """A pattern for one of these words, its first letter small or capital."""
    return "(?:" + "|".join(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in words) + ")"


def _number_pattern() -> re.Pattern[str]:
    """What the SEC's registry takes for a number in words, of text whose spaces are single.

    "fifteen hundred and five", "Twenty\u2013one thousand, and six"; "and" stands after hundreds, or after thousands
    before less than a hundred, and nowhere else.
    """
    ones = list(_ONES)[1:]
    tens = f"{_any_of(_TENS)}(?:[ {_DASH}]{_any_of(ones[:9])})?"
    below_hundred = f"(?:{_any_of(ones)}|{tens})"
    hundreds = f"{_any_of(ones)} [Hh]undred(?: (?:and )?{below_hundred})?"
    group = f"(?:{hundreds}|{below_hundred})"
    *_, thousand = sizes = list(reversed(_SIZES))
    then = "(?: ?, ?| |$)"
    large = "".join(f"(?:{group} {_any_of([size])}{then})?" for size in sizes[:-1])
    small = f"{group} {_any_of([thousand])}(?:(?: ?, ?| )(?:{hundreds}|(?:and )?{below_hundred}))?|{group}"
    return re.compile(f"{large}(?:{small})?|{_any_of(['zero', *_NONE])}")


#: The longest number in words has some 500 characters; what is longer need not be tried.
_LONGEST_WORDS = 1000


def _number_words(text: str) -> str:
    """'no', 'none' and 'nil' are 0, 'twenty-one' is 21, 'fifteen hundred' is 1500."""
    words = " ".join(text[:_LONGEST_WORDS].split())
    if not words or len(text) > _LONGEST_WORDS or not _NUMBER_WORDS.fullmatch(words):
        raise ValueError
    total = group = 0
    for word in re.split(f"[ ,{_DASH}]+", words.lower()):
        if word in _SIZES:
            total, group = total + group * _SIZES[word], 0
        elif word == "hundred":
            group *= 100
        else:
            group += _ONES.get(word) or _TENS.get(word, 0)
    return str(total + group)


_NUMBER_WORDS = _number_pattern()
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

    :param name: the format without its prefix, e.g. "num-dot-decimal"; None if there is none.
    :param namespace: what its prefix stands for in the document.
    :raises Unreadable: the registry or the transform is not known, or it gives no number.
    """
    if name is None:
        return _plain
    known = _NUMERIC if _IXT.fullmatch(namespace or "") else _NUMERIC_SEC if namespace == _IXT_SEC else {}
    if name not in known:
        raise Unreadable(f"transform {name} ({namespace}) is not known for a numeric fact")
    return known[name]


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


def cover_value(text: str, format_name: str | None) -> str:
    """A cover fact as the extracted instance states it: dates YYYY-MM-DD, flags true or false.

    :raises Unreadable: the transform is not known or the text does not follow it.
    """
    if format_name is None:
        return text.strip()
    transform = format_name.strip().rpartition(":")[2]
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
        raise Unreadable(f"{text.strip()[:40]!r} does not follow {format_name}") from error
    raise Unreadable(f"{format_name} is not known for a cover fact, or not for {text.strip()[:40]!r}")


_EXACT = Context(prec=60, traps=[Inexact])


def exact_quotient(numerator: Decimal, denominator: Decimal) -> str:
    """A fraction as the text of a decimal.

    :raises Unreadable: it has no exact decimal form, or the denominator is zero.
    """
    try:
        if denominator:
            return str(_EXACT.divide(numerator, denominator))
    except Inexact:
        pass
    raise Unreadable(f"the fraction {numerator}/{denominator} has no exact decimal form")
