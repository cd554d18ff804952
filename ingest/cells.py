"""What a cell of a file that people write may be, and the one form in which a refusal is said.

Belongs here: numbers, days and texts as types for pydantic's models, an address that can be cited, the sentence made of
a model's error. Does not belong here: the models of the files (ingest/curated, companies.py), reading a file.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, field_validator
from pydantic_core import PydanticCustomError

_NUMBER = re.compile(r"-?[0-9]{1,28}(\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _there(cell: Any) -> Any:
    if cell == "":
        raise PydanticCustomError("missing", "is missing")
    return cell


# pydantic's own reading would take 5e9 for a number and 20251026 for a day of 1970.
def _number(cell: Any) -> Any:
    if isinstance(cell, str) and cell and not _NUMBER.fullmatch(cell):
        raise ValueError("must be a plain number: digits, one point, no exponent, no commas")
    return Decimal(cell) if cell else None


def _day(cell: Any) -> date | None:
    try:
        if cell and not _DATE.fullmatch(cell):
            raise ValueError
        return date.fromisoformat(cell) if cell else None
    except (TypeError, ValueError):
        raise ValueError("must be a day written YYYY-MM-DD") from None


Text = Annotated[str, AfterValidator(_there)]
Number = Annotated[Decimal, BeforeValidator(_number), BeforeValidator(_there)]
NumberOrNone = Annotated[Decimal | None, BeforeValidator(_number)]
Day = Annotated[date, BeforeValidator(_day), BeforeValidator(_there)]
DayOrNone = Annotated[date | None, BeforeValidator(_day)]


class Row(BaseModel):
    """A row of a file that people write: every column is there, and no other."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _is_plain(cls, cell: Any) -> Any:
        if isinstance(cell, str) and (cell != cell.strip() or not cell.isprintable()):
            raise ValueError("has stray spaces or control characters")
        return cell

    @classmethod
    def header(cls) -> tuple[str, ...]:
        """The names of its columns, in the order in which they stand."""
        return tuple(cls.model_fields)


Model = TypeVar("Model", bound=Row)


def refusal(error: ValidationError) -> str:
    """The first thing that is wrong: field, what stands there, what is allowed."""
    first = error.errors(include_url=False)[0]
    field = " ".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
    words = first["msg"].removeprefix("Value error, ")
    if first["type"] in ("missing", "missing_argument"):
        return f"{field} is missing"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{field} is not known here"
    words = re.sub(r"^(Input|String) should", "must", words)
    return f"{field} {str(first['input'])[:40]!r} {words}" if field else words


def is_citable(source_url: str, source_title: str = "") -> bool:
    """Whether a reader can open the source: a public http(s) page, not a site's front page.

    A title that names a "file id" says the figure was seen in a stored copy, not on the page.
    """
    try:
        parts = urlsplit(source_url)
    except ValueError:  # "http://[": no address at all
        return False
    if parts.scheme not in ("http", "https") or "." not in parts.netloc or " " in source_url:
        return False
    if "file id" in source_title.lower():
        return False
    return bool(parts.path.strip("/") or parts.query)
