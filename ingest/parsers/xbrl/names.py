"""Names by namespace: a prefix is only a spelling, what a concept, axis or member is called stands in its namespace.

Belongs here: namespace and local name to the one name that the watch list, the bundle and company facts use. Does not
belong here: what a name means.

A standard taxonomy is named by its own address (http://fasb.org/us-gaap/2026 is us-gaap). A company's own namespace has
no such name (NVIDIA's is http://www.nvidia.com/20260726): it is called as the watch list calls it, and where the watch
list uses no name of that company, as the document does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from lxml import etree

from ingest.companies import watch_list

#: Whose namespaces are not a company's own.
_AUTHORITY = re.compile(
    r"https?://(?:www\.)?(?:fasb\.org|xbrl\.us|sec\.gov|xbrl\.sec\.gov|xbrl\.ifrs\.org|xbrl\.org|w3\.org)/"
)
_DATE = re.compile(r"[0-9]{4}(?:q[1-4]|-[0-9]{2}-[0-9]{2})?")
_BLANKS = ("", ":", " ", "\t", "\r", "\n")
_XHTML = "http://www.w3.org/1999/xhtml"
_STANDARD = frozenset({"us-gaap", "srt", "dei", "ifrs-full"})


@cache
def _usual_prefix(cik: str) -> str | None:
    """What the watch list calls this company's own namespace; None where it does not, or not in one way."""
    names = " ".join(f"{m.concept} {m.dimensions}" for c in watch_list() if c.cik == cik for m in c.metrics)
    own = set(re.findall(r"([A-Za-z0-9_.-]+):", names)) - _STANDARD
    return own.pop() if len(own) == 1 else None


def _undated(uri: str) -> str:
    """A company's namespace without its date: the same one from filing to filing."""
    return re.sub("[0-9]+", "", uri)


class Names:
    """The names of one document.

    A class because names are remembered: a document says some hundred of them ten thousand times.

    :ivar known: texts like "us-gaap:Revenues", as written, to names. Empty where `is_nested`.
    :ivar is_nested: prefixes may also be declared below the root, so that one text can stand for two names.
    """

    def __init__(self, root: etree._Element, body: bytes, cik: str) -> None:
        self.known: dict[str | None, str] = {}
        self._prefixes: dict[str, str] = {}
        #: Prefixes that the document writes as they are called: all of them, in all but odd documents.
        self._as_written: set[str] = set()
        self._at_root: Mapping[str | None, str] = root.nsmap
        # Where prefixes stand below the root as well, or the text of a note says so, each element is asked for its own.
        self.is_nested = body.rfind(b"xmlns") > body.find(b">", body.find(b"xmlns"))
        self._usual = _usual_prefix(cik)
        self._own = self._own_namespace()

    def _own_namespace(self) -> str | None:
        """The company's own namespace as the root declares it: None if it declares none, "" if it leaves a choice."""
        named = self._at_root.get(self._usual) if self._usual else None
        declared = [named] if named else self._at_root.values()
        own = {_undated(uri) for uri in declared if not _AUTHORITY.match(uri)}
        return None if not own else own.pop() if len(own) == 1 else ""

    def _new_prefix(self, uri: str, declared: str | None) -> str:
        if _AUTHORITY.match(uri):
            parts = [part for part in uri.split("/")[3:] if part and not _DATE.fullmatch(part)]
            return parts[-1] if parts else uri
        if uri and self._usual and self._own in (None, _undated(uri)):
            self._own = _undated(uri)
            return self._usual
        if declared and declared not in _STANDARD and declared != self._usual:
            return declared
        return "_" + re.sub("[^A-Za-z0-9.]+", "-", uri)

    def namespace(self, prefix: str, element: etree._Element) -> str | None:
        """What a prefix stands for in `element`; "" is the default namespace."""
        return (element.nsmap if self.is_nested else self._at_root).get(prefix or None)

    def of(self, uri: str, local: str, declared: str | None) -> str:
        """The name of what a namespace holds under `local`; `declared` is its prefix in the document."""
        prefix = self._prefixes.get(uri)
        if prefix is None:
            prefix = self._prefixes[uri] = self._new_prefix(uri, declared)
        return f"{prefix}:{local}"

    def of_element(self, element: etree._Element) -> str:
        """The name that an element's own tag is."""
        name = etree.QName(element)
        return self.of(name.namespace or "", name.localname, element.prefix)

    def of_text(self, text: str | None, element: etree._Element) -> str:
        """The name that a text in `element` stands for ("us-gaap:Revenues"), "" if it stands for none."""
        text = text or ""
        if text[-1:] not in _BLANKS and text.partition(":")[0] in self._as_written:
            self.known[text] = text
            return text
        prefix, _, local = text.strip().rpartition(":")
        uri = self.namespace(prefix, element)
        if not uri or not local or uri == _XHTML:
            return ""
        name = self.of(uri, local, prefix or None)
        if not self.is_nested:
            self.known[text] = name
            if prefix and name == f"{prefix}:{local}":
                self._as_written.add(prefix)
        return name
