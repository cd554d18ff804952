"""Is a payload what its address says it is? Decided on the bytes, before any parser sees them.

Belongs here: decompression under a size cap and the recognition of error pages, cut-off bodies
and documents of another kind. Does not belong here: parsing, HTTP status handling, storage.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from ingest.records import PayloadError

#: What a caller may expect. `xbrl_instance`, `inline_xbrl` and `exhibit` are a filing's own documents.
KINDS = ("companyfacts", "submissions", "submissions_page", "filing_index", "xbrl_instance", "inline_xbrl", "exhibit")

#: Largest body accepted, compressed and decompressed. The largest real one here is 4.7 MB; the
#: decompressed cap bounds memory when a body is built to explode (1000:1 and more).
MAX_COMPRESSED = 32 * 1024 * 1024
MAX_BYTES = 64 * 1024 * 1024
#: Where a document's namespaces stand, and an error page says what it is.
_HEAD = 64 * 1024

INLINE_NAMESPACE = b"http://www.xbrl.org/2013/inlineXBRL"
INSTANCE_NAMESPACE = b"http://www.xbrl.org/2003/instance"

_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
#: ASCII-compatible encodings only: in any other, the byte search for a DOCTYPE could be evaded.
_ENCODINGS = {b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1", b"windows-1252"}

#: First match wins, so the specific pages stand before the general ones.
_ERROR_PAGES = (
    (b"Undeclared Automated Tool", "EDGAR's 403 page 'Undeclared Automated Tool'; set SEC_USER_AGENT, fetch again"),
    (b"Request Rate Threshold Exceeded", "EDGAR's page 'Request Rate Threshold Exceeded'; wait ten minutes"),
    (b"<Code>NoSuchKey</Code>", "EDGAR's 404 answer (NoSuchKey); the address names nothing"),
    (b"<Code>AccessDenied</Code>", "EDGAR's 403 answer (AccessDenied); check the address, then fetch it again"),
    (b"<ownershipDocument", "an ownership form (3, 4 or 5)"),
)


def gunzip(data: bytes) -> bytes:
    """`data` decompressed if it is gzip, else unchanged.

    :raises PayloadError: over MAX_BYTES, damaged, cut short, or followed by other bytes.
    """
    if len(data) > MAX_COMPRESSED and data[:2] == b"\x1f\x8b":
        raise PayloadError(f"payload has {len(data)} compressed bytes, more than {MAX_COMPRESSED}; not read")
    if data[:2] != b"\x1f\x8b":
        if len(data) > MAX_BYTES:
            raise PayloadError(f"payload has {len(data)} bytes, more than {MAX_BYTES}; not read")
        return data
    stream = zlib.decompressobj(wbits=31)
    try:
        body = stream.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise PayloadError(f"payload is damaged gzip ({error}); fetch it again") from error
    if len(body) > MAX_BYTES:
        raise PayloadError(f"payload decompresses to more than {MAX_BYTES} bytes; not read")
    if not stream.eof:
        raise PayloadError("payload is gzip cut short; fetch it again")
    if stream.unused_data:
        raise PayloadError("payload has bytes after its gzip stream; fetch it again")
    return body


def check_payload(data: bytes, expected_kind: str) -> bytes:
    """The decompressed bytes of a payload that looks like what is expected.

    :param data: the body as received or archived, gzip or not.
    :param expected_kind: one of KINDS.
    :raises PayloadError: it is an error page, another kind of document, cut short or too large.
        The message says what it is instead and what to do.
    :raises ValueError: `expected_kind` is not one of KINDS.
    """
    if expected_kind not in KINDS:
        raise ValueError(f"expected_kind must be one of {KINDS}, not {expected_kind!r}")
    body = gunzip(data)
    if not body or body.isspace():
        raise PayloadError(f"payload is empty where {expected_kind} was expected; fetch it again")
    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"<SEC-DOCUMENT>", b"-----BEGIN PRIVACY-ENHANCED MESSAGE-----")):
        raise PayloadError(f"payload is not {expected_kind} but a full submission text file; fetch the document itself")
    # Markers count only where a real document cannot hold them: JSON and XBRL text may quote anything.
    if not head.startswith(b"{") and INLINE_NAMESPACE not in body[:_HEAD] and INSTANCE_NAMESPACE not in body[:_HEAD]:
        for marker, what in _ERROR_PAGES:
            if marker in body[:_HEAD]:
                raise PayloadError(f"payload is not {expected_kind} but {what}")
    _EXPECT[expected_kind](body, head)
    return body


_Check = Callable[[bytes, bytes], None]


#: Blanks, comments and processing instructions: what may stand around the root. The repetition is possessive: a comment
#: that could also be read as ending later would make a tail of n comments 2^n ways to fail.
_AROUND = rb"(?:\s|<!--.*?-->|<\?.*?\?>)*+"
_BEFORE_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?" + _AROUND, re.DOTALL)


def _ends_with(element: bytes) -> Callable[[bytes], object]:
    """Whether a body ends with the end tag of its root and what may stand after it. Almost all end with the tag."""
    end = re.compile(rb"</(?:[A-Za-z0-9_.-]+:)?" + element + rb"\s*>" + _AROUND + rb"\Z", re.DOTALL)
    return lambda body: end.search(body[-4096:]) or end.search(body[-_HEAD:])


_is_whole_instance, _is_whole_inline = _ends_with(b"xbrl"), _ends_with(b"html")


def _json(kind: str, keys: tuple[bytes, ...]) -> _Check:
    def check(body: bytes, head: bytes) -> None:
        if not head.startswith(b"{"):
            raise PayloadError(f"payload is not {kind}: expected a JSON object, it starts with {head[:40]!r}")
        if not body.rstrip().endswith(b"}"):
            raise PayloadError(f"payload is {kind} cut short ({len(body)} bytes); fetch it again")
        if missing := [k.decode() for k in keys if b'"' + k + b'"' not in body]:
            raise PayloadError(f"payload is not {kind}: JSON without {', '.join(missing)}")

    return check


def check_xml(body: bytes) -> None:
    """Refuse what must not reach an XML parser: a DOCTYPE, an entity, an encoding that could hide one.

    :raises PayloadError: naming which.
    """
    if b"\x00" in body[:1024] or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise PayloadError("payload is XML in an encoding other than UTF-8, ASCII, Latin-1 or Windows-1252; refused")
    declared = _ENCODING.match(body[3:] if body[:3] == b"\xef\xbb\xbf" else body)
    if declared and declared[1].lower() not in _ENCODINGS:
        raise PayloadError(f"payload is XML in the encoding {declared[1].decode()}; refused")
    before = _BEFORE_ROOT.match(body)
    if before and body[before.end() : before.end() + 2] == b"<!":  # the only place where XML can have one
        raise PayloadError("payload is XML with a DOCTYPE; no EDGAR filing has one, so it is refused unread")


def _xbrl_instance(body: bytes, head: bytes) -> None:
    if INLINE_NAMESPACE in body[:_HEAD]:
        raise PayloadError("payload is an inline XBRL document, not the extracted instance; read it as inline_xbrl")
    if not head.startswith(b"<") or INSTANCE_NAMESPACE not in body[:_HEAD]:
        raise PayloadError(f"payload is not an XBRL instance: it starts with {head[:60]!r}")
    if not _is_whole_instance(body):
        raise PayloadError(f"payload is an XBRL instance cut short ({len(body)} bytes); fetch it again")


def _inline_xbrl(body: bytes, head: bytes) -> None:
    if INLINE_NAMESPACE not in body[:_HEAD]:
        what = "HTML without inline XBRL" if b"<html" in body[:_HEAD].lower() else f"it starts with {head[:60]!r}"
        raise PayloadError(f"payload is not an inline XBRL document: {what}")
    if not _is_whole_inline(body):
        raise PayloadError(f"payload is an inline XBRL document cut short ({len(body)} bytes); fetch it again")


def _filing_index(body: bytes, head: bytes) -> None:
    if head.startswith(b"{"):
        if b'"directory"' not in body:
            raise PayloadError("payload is not a filing index: JSON without directory")
    elif b"<html" not in body[:_HEAD].lower() or b"/Archives/edgar/data/" not in body:
        raise PayloadError("payload is not a filing index: no links into /Archives/edgar/data/")


def _exhibit(body: bytes, head: bytes) -> None:
    if head.startswith((b"{", b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8")) or b"\x00" in body[:1024]:
        raise PayloadError(f"payload is not an exhibit in words: it starts with {head[:40]!r}")


_EXPECT: dict[str, _Check] = {
    "companyfacts": _json("companyfacts", (b"cik", b"facts")),
    "submissions": _json("submissions", (b"filings", b"accessionNumber")),
    "submissions_page": _json("submissions_page", (b"accessionNumber", b"filingDate")),
    "filing_index": _filing_index,
    "xbrl_instance": _xbrl_instance,
    "inline_xbrl": _inline_xbrl,
    "exhibit": _exhibit,
}
