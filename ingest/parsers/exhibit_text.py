"""An exhibit's HTML (or plain text) as sentences, each with its place in the document and the heading above it.

Belongs here: what is a block, a heading, a sentence. Does not belong here: what a sentence says (leads.py).

Filers' HTML is any HTML: unclosed tags, layout by tables, headings that are bold paragraphs. So this reads tags in
one pass and never builds a tree; a letter of a sentence knows where in the document it stood.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

_BLOCK_TAGS = frozenset(
    """address article blockquote body center dd div dl dt h1 h2 h3 h4 h5 h6
    hr li ol p pre section table tbody td tfoot th thead tr ul""".split()  # noqa: SIM905
)
_HEADING_TAGS = frozenset(("b", "strong", "u", "th", "h1", "h2", "h3", "h4", "h5", "h6"))
_SKIPPED_TAGS = frozenset(("script", "style", "title"))
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9:]*)")
_LOUD_STYLE = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)|text-decoration\s*:\s*underline", re.IGNORECASE)
_QUIET_STYLE = re.compile(r"font-weight\s*:\s*(?:normal|[1-5]00)", re.IGNORECASE)
_DEEPEST = 400  # of open tags; a hostile document may open any number
_LONGEST_HEADING = 160
_BULLET = re.compile(r"[\s•·●▪◦‣∙○■➢–—*-]*")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
#: A sentence ends at a full stop, unless that is one of an abbreviation.
_STOP = re.compile(r"[.!?][\"'”’)\]]*(?=\s+[\"'“‘(\[]*[A-Z0-9$€£•])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Inc|Corp|Co|Ltd|vs|No|approx|est|incl|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec|Calif|Mass|"
    r"Tex|Wash|Conn|Ill|Del)|\b[A-Z](?:\.[A-Z])*)\.$"
)


class Sentence(NamedTuple):
    """A sentence with single spaces; letter i of it stands in the decoded document (:func:`decode`) at `at[i]`."""

    text: str
    heading: str
    at: list[int]


class _Block(NamedTuple):
    """A run of text between block tags. `at[i]` is where in the document letter i stood."""

    text: str
    at: list[int]
    is_loud: bool  # all of it bold or underlined
    is_alone: bool  # no other text in its table row (true outside tables)


def decode(data: bytes) -> str:
    """The document's text: UTF-8 where it is, else Windows-1252, as old filings are. Every byte gives something."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def sentences(document: str) -> Iterator[Sentence]:
    """All sentences in the order of the document; a list item, a table cell or a heading is one of its own."""
    heading = ""
    for block in _blocks(document):
        lead_in = _BULLET.match(block.text)
        start = lead_in.end() if lead_in else 0
        if not block.text[start:].strip():
            continue
        if block.is_loud and block.is_alone and _is_heading(block.text[start:]):
            heading = " ".join(block.text[start:].split())
        for first, last in _spans(block.text, start):
            kept = [i for i in range(first, last) if not block.text[i].isspace() or not block.text[i - 1].isspace()]
            text = "".join(" " if block.text[i].isspace() else block.text[i] for i in kept)
            yield Sentence(text, heading, [block.at[i] for i in kept])


def end_of(document: str, place: int) -> int:
    """Where the letter at `place` ends: an entity is one letter."""
    entity = _ENTITY.match(document, place)
    return entity.end() if entity else place + 1


def _is_heading(text: str) -> bool:
    text = text.strip()
    return 0 < len(text) <= _LONGEST_HEADING and not text.endswith((".", ";", ",")) and any(c.isalpha() for c in text)


def _spans(text: str, start: int) -> Iterator[tuple[int, int]]:
    """First letter and end of each sentence of a block."""
    for stop in _STOP.finditer(text, start):
        if text[stop.start()] == "." and _ABBREVIATION.search(text, max(start, stop.start() - 12), stop.start() + 1):
            continue
        yield from _trimmed(text, start, stop.end())
        start = stop.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    inner = text[start:end]
    first, last = start + len(inner) - len(inner.lstrip()), start + len(inner.rstrip())
    if first < last:
        yield first, last


def _blocks(document: str) -> Iterator[_Block]:
    """Every run of text between block tags, table cells apart; plain text in paragraphs if there are no tags."""
    letters: list[str] = []
    at: list[int] = []
    loud: list[bool] = []
    row: list[_Block] = []  # cells of the open table row, held back until it is known how many there are
    rows_open = 0

    def block() -> Iterator[_Block]:
        text = "".join(letters)
        if text.strip():
            is_loud = all(mark for mark, letter in zip(loud, text, strict=True) if not letter.isspace())
            made = _Block(text, at[:], is_loud, True)
            if rows_open:
                row.append(made)
            else:
                yield made
        for kept in (letters, at, loud):
            kept.clear()

    def add(letter: str, where: int, is_loud: bool) -> None:
        letters.append(letter)
        at.append(where)
        loud.append(is_loud)

    def close_row() -> Iterator[_Block]:
        is_alone = sum(1 for cell in row if _BULLET.sub("", cell.text, count=1).strip()) < 2
        yield from (cell._replace(is_alone=is_alone) for cell in row)
        row.clear()

    is_plain = "</" not in document
    for piece, place, is_loud, tag in _pieces(document):
        if tag in ("tr", "/tr", "/table"):
            yield from block()
            yield from close_row()
            rows_open = int(tag == "tr")
        elif tag == "br" or (tag is None and is_plain and re.fullmatch(r"\s*\n\s*\n\s*", piece)):
            if not _goes_on(document, place + len(piece)):
                yield from block()
            else:
                add(" ", place, is_loud)
        elif tag is not None:
            yield from block()
        else:
            for letter, where in _letters(piece, place):
                add(letter, where, is_loud)
    yield from block()
    yield from close_row()


def _goes_on(document: str, place: int) -> bool:
    """Whether the text after a line break goes on with the sentence before it: it begins with a small letter."""
    while place < len(document) and (document[place].isspace() or document[place] == "<"):
        if document[place] == "<":
            end = document.find(">", place)
            if end < 0 or not document[place : place + 6].lower().startswith(("<font", "<span", "</font", "</span")):
                return False
            place = end
        place += 1
    return place < len(document) and document[place].islower()


def _letters(piece: str, place: int) -> Iterator[tuple[str, int]]:
    """The letters of raw text, entities decoded, each with its place."""
    done = 0
    for entity in _ENTITY.finditer(piece):
        yield from ((piece[i], place + i) for i in range(done, entity.start()))
        yield from ((letter, place + entity.start()) for letter in html.unescape(entity[0]))
        done = entity.end()
    yield from ((piece[i], place + i) for i in range(done, len(piece)))


def _pieces(document: str) -> Iterator[tuple[str, int, bool, str | None]]:
    """Raw text and block tags in order: (text, place, is it loud, None) or ("", place, ..., tag name)."""
    open_tags: list[tuple[str, bool]] = []
    place, size = 0, len(document)
    while place < size:
        tag_at = document.find("<", place)
        tag_at = size if tag_at < 0 else tag_at
        is_loud = open_tags[-1][1] if open_tags else False
        if tag_at > place:
            yield from ((part, where, is_loud, None) for part, where in _paragraphs(document, place, tag_at))
        if tag_at == size:
            return
        if document.startswith("<!--", tag_at):
            place = _after(document, "-->", tag_at)
            continue
        match = _TAG.match(document, tag_at)
        if match is None:
            if document.startswith(("<!", "<?", "</"), tag_at):
                place = _after(document, ">", tag_at)
            else:  # a "less than"
                yield "<", tag_at, is_loud, None
                place = tag_at + 1
            continue
        name, is_end = match[1].lower(), document[tag_at + 1] == "/"
        place = _after(document, ">", tag_at)
        if name in _SKIPPED_TAGS and not is_end:
            ending = re.compile(f"</{name}", re.IGNORECASE).search(document, place)
            place = ending.start() if ending else size
            continue
        if is_end:
            _close(open_tags, name)
        elif name not in ("br", "hr", "img", "meta", "link", "input", "col") and len(open_tags) < _DEEPEST:
            open_tags.append((name, _is_loud(name, document[tag_at:place], is_loud)))
        if name in _BLOCK_TAGS or name == "br":
            yield "", place, is_loud, ("/" if is_end else "") + name


def _paragraphs(document: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    """Raw text, cut so that each empty line is a piece of its own."""
    for gap in re.finditer(r"[ \t\r]*\n[ \t\r]*\n\s*", document[start:end]):
        first, last = start + gap.start(), start + gap.end()
        if first > start:
            yield document[start:first], start
        yield document[first:last], first
        start = last
    if start < end:
        yield document[start:end], start


def _after(document: str, mark: str, place: int) -> int:
    found = document.find(mark, place)
    return len(document) if found < 0 else found + len(mark)


def _is_loud(name: str, tag: str, outer: bool) -> bool:
    if _QUIET_STYLE.search(tag):
        return False
    return outer or name in _HEADING_TAGS or bool(_LOUD_STYLE.search(tag))


def _close(open_tags: list[tuple[str, bool]], name: str) -> None:
    """Close the innermost open tag of that name and what stands open inside it; nothing if there is none."""
    for i in range(len(open_tags) - 1, -1, -1):
        if open_tags[i][0] == name:
            del open_tags[i:]
            return
