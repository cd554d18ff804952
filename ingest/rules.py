"""Rules that more than one room goes by: which forms count, how long a period is, whose cover fits its filing.

Belongs here: each such rule once, and the small tables that take it to SQL (raw.forms, raw.spans). Does not belong
here: applying them to tables or documents, rules that one module alone knows.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa

#: Reports of a whole company with all its statements, each with its amendments; a T marks one of a transition period.
_WHOLE_REPORTS = ("10-K", "10-KT", "10-Q", "10-QT")
#: Forms whose facts are kept. An 8-K may recast earlier periods: a later vintage, so it stays.
#: Proxy statements and prospectuses (DEF 14A, 424B) carry figures off by a factor: never.
PERIODIC_FORMS = tuple(
    form + suffix for form in (*_WHOLE_REPORTS, "20-F", "40-F", "6-K", "8-K") for suffix in ("", "/A")
)
#: Of the forms whose facts are kept, those that are reports of their own and therefore fetched.
FETCHED_FORMS = frozenset(form for form in PERIODIC_FORMS if form.startswith((*_WHOLE_REPORTS, "20-F")))
#: From this filing day on a report of that form always holds XBRL: an index without any is not complete yet.
#: An amendment may replace a part without figures.
ALWAYS_XBRL = dict.fromkeys(_WHOLE_REPORTS, date(2011, 7, 1)) | {"20-F": date(2019, 1, 1)}

#: Days a period may last, both ends counted, to be one of these: 52/53-week years and 14-week quarters fit. What lies
#: between is none of them, whoever states it.
SPANS = {"quarter": (80, 100), "half": (165, 200), "nine_months": (255, 290), "year": (350, 380)}

FORMS_TABLE = pa.schema([("form", pa.string()), ("is_whole_report", pa.bool_())])
SPANS_TABLE = pa.schema([("span", pa.string()), ("shortest_days", pa.int32()), ("longest_days", pa.int32())])


def span_of(days: int) -> str | None:
    """What a period of so many days is, one of SPANS; None for none of them."""
    return next((span for span, (shortest, longest) in SPANS.items() if shortest <= days <= longest), None)


def _kind(form: str) -> str:
    """10-K for 10-K, 10-K/A, 10-KT, 10-KT/A: a cover may leave the rest out."""
    return form.removesuffix("/A").removesuffix("T")


def why_refused(form: str, cover: str) -> str | None:
    """Why a filing's document is not read, whichever way it came; None where it is.

    :param form: as EDGAR lists it; :param cover: its own DocumentType.
    """
    if form not in PERIODIC_FORMS:
        return f"is filed as {form}, a form whose figures are never read"
    if _kind(cover) != _kind(form):
        return f"is filed as {form}, but its cover says {cover!r}"
    return None


def forms_table() -> pa.Table:
    """The forms whose facts are kept, schema FORMS_TABLE."""
    rows = [dict(form=form, is_whole_report=form in _WHOLE_REPORTS) for form in PERIODIC_FORMS]
    return pa.Table.from_pylist(rows, FORMS_TABLE)


def spans_table() -> pa.Table:
    """How long a period of each name lasts, schema SPANS_TABLE."""
    rows = [dict(span=s, shortest_days=shortest, longest_days=longest) for s, (shortest, longest) in SPANS.items()]
    return pa.Table.from_pylist(rows, SPANS_TABLE)
