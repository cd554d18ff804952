"""Leads: sentences of an earnings exhibit that state an AI run rate, AI revenue, a backlog or capex guidance.

Belongs here: the rules that tell such a sentence from its neighbours. Does not belong here: what a person decides of a
lead, archive, network. A lead is for a person to read; nothing here enters a number.

The rules look at each amount of a sentence and ask two questions: what is measured (the word that the amount belongs
to: revenue, run rate, backlog, capital expenditures, or something else such as income or a purchase), and whose it is
(the nearest name before it). A company's own words for what it sells as AI come with the watch list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from ingest.money import Money, amounts_in
from ingest.parsers.exhibit_text import Sentence, decode, end_of, sentences

KINDS = ("ai_run_rate", "ai_revenue", "backlog", "capex_guidance")
#: In a company's list of names: all of its revenue is AI (a pure play).
WHOLE_COMPANY = "*"


class Span(NamedTuple):
    """Words of a sentence, and where in the document they stand."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Amount:
    """An amount of money as stated: `low` and `high` in whole units (equal unless it is a range).

    Both are None for an amount in words alone ("multi-billion"). `role`: what the sentence is about (stated), what it
    replaces or is compared with (prior), a difference (change), or another figure beside them (other).
    """

    text: str
    currency: str
    low: Decimal | None
    high: Decimal | None
    role: str
    start: int
    end: int


@dataclass(frozen=True)
class Lead:
    """A sentence worth a person's look. Offsets count letters of the decoded document (exhibit_text.decode)."""

    kind: str
    sentence: str
    heading: str
    amounts: tuple[Amount, ...]
    periods: tuple[Span, ...]
    is_forward: bool
    start: int
    end: int

    def id(self, accession: str) -> str:
        """The same lead has the same id at every run: it hangs on the filing and the words alone."""
        words = f"{accession}\x1f{self.kind}\x1f{self.heading}\x1f{self.sentence}"
        return "l" + sha256(words.encode()).hexdigest()[:12]


def find_leads(data: bytes, ai_names: Iterable[str] = ()) -> list[Lead]:
    """The leads of one exhibit, in its order; a sentence that stands twice under one heading is one lead.

    :param data: HTML or plain text as received.
    :param ai_names: what this company calls its AI business, beside the words everybody uses; WHOLE_COMPANY for one
        that sells nothing else.
    """
    words = _Words(frozenset(ai_names))
    document = decode(data)
    found: dict[tuple[str, str, str], Lead] = {}
    for sentence in sentences(document):
        if lead := words.lead(sentence, document):
            found.setdefault((lead.kind, lead.heading, lead.sentence), lead)
    return list(found.values())


_ENDED = re.compile(
    r"(?:quarter|months|year|period)\W+(?:of\s+[\w\s]{0,30})?(?:that\s+)?ended\s+"
    r"(?P<day>[A-Z][a-z]+\s+[0-9]{1,2},\s+20[0-9]{2})"
)


def reported_day(data: bytes) -> date | None:
    """The last day of the period that an exhibit reports on, as it says first; None where it says none."""
    for sentence in sentences(decode(data)):
        if match := _ENDED.search(sentence.text):
            with suppress(ValueError):
                return datetime.strptime(match["day"], "%B %d, %Y").date()
    return None


_LONGEST = 5000  # letters; what is longer is a table that lost its cells


# --- what is measured -----------------------------------------------------------------------------

_RUN_RATE = (
    r"run[\s-]rate|annual(?:ized|ised)?\s+(?:recurring\s+|contract\s+)?(?:revenue|value)|annualized\s+pace|"
    r"\bARR\b|\bACV\b"
)
_REVENUE = r"\brevenues?\b|\bsales\b"
_BACKLOG = r"\bbacklog\b|remaining\s+performance\s+obligations?|\bc?RPO\b"
_CAPEX = r"capital\s+(?:expenditures?|spending|investments?|outlays?)|\bcap(?:ital\s+)?ex\b"
#: An amount that belongs to one of these is none of ours.
_ELSE = (
    rf"(?:{_CAPEX})\s+(?:reductions?|cuts?|savings)|"
    r"\b(?:income|profits?|earnings|EPS|EBITDA|loss(?:es)?|margins?|expenses?|costs?|charges?|cash|flows?|inventor(?:y|ies)|"
    r"obligations?|commitments?|commit(?:ted)?|purchas(?:e|es|ed|ing)|invest(?:ed|ing|s|ments?)?|acqui(?:re|res|red|ring|sitions?)|"
    r"valuation|fund(?:s|ed|ing)?|donat(?:ed|ions?)|prices?|repurchas(?:e|es|ed|ing)|buybacks?|dividends?|debt|notes|"
    r"loans?|borrow(?:ed|ings?)|opportunit(?:y|ies)|TAM|market(?:\s+size)?|savings?|saved?|receivables?|assets|liabilit(?:y|ies)|"
    r"bookings?|booked|book\s+of\s+business|pipeline|signings?|orders?|taxes|tax|transactions?|contracts?|"
    r"awards?|financing|proceeds|grants?|depreciation|amortization|compensation|spend(?:ing)?|spent|partnerships?|deals?|"
    r"assets|facilit(?:y|ies)|impairments?|deferred|leases?|volume|GMV|payments?|shares?|stock)\b"
)
_MEASURE = re.compile(
    rf"(?P<other>{_ELSE})|(?P<backlog>{_BACKLOG})|(?P<run_rate>{_RUN_RATE})|(?P<capex>{_CAPEX})|(?P<revenue>{_REVENUE})"
    rf"|(?P<business>\bbusiness(?:es)?\b)",
    re.IGNORECASE,
)
#: Words that may stand between an amount and its measure after it: "$11.0 billion of Blackwell architecture revenue".
_AFTER = re.compile(
    r"[\s-]*(?:dollars?\s+|plus\s+)?(?:(?:of|in|worth\s+of|from)\s+)?(?:(?!(?:of|in|for|from|to|by|with|at|on|and|or|as)\b)[\w’'&/.+-]+\s+){0,6}?$",
    re.I,
)
_FORWARD = re.compile(
    r"\b(?:expects?|expected|expecting|anticipat\w+|forecast\w*|project(?:s|ed|ing|ions?)?|estimat\w+|plans?|planned|planning|intends?|"
    r"outlook|guidance|guid(?:e|es|ed|ing)|target(?:s|ed|ing)?|will|to\s+be|on\s+track|see|should|"
    r"(?:increas|rais|lower|reduc|updat|narrow)ing|driv(?:e|ing)\s+to|would|budget(?:s|ed)?)\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:was|were|totaled|totalled|grew|increased|decreased|delivered|generated|reported|exceeded|spent)\b", re.I
)
_PRIOR = re.compile(
    r"\b(?:from|versus|vs\.?|prior|previous(?:ly)?|earlier|compared\s+(?:with|to)|against)\b"
    r"(?:(?!\b(?:exceed\w*|reach\w*|surpass\w*|was|were|is|to|grew|increased|rose|total\w+|in|and)\b)[^$€£,;:(])*$",
    re.IGNORECASE,
)
_CHANGE_BEFORE = re.compile(
    r"\b(?:up|down|higher|lower|increas\w+|decreas\w+|grew|rais\w+|by)\s+(?:by\s+)?(?:about|approximately|nearly|over|more\s+than|roughly|a)?\s*$",
    re.I,
)
_CHANGE_AFTER = re.compile(
    r"\s+(?:increase|decrease|reduction|raise|more|less|higher|lower|sequentially|improvement)\b", re.I
)


#: "capital expenditures, including principal payments on finance leases, will be": says what is counted, not what.
_ASIDE = re.compile(
    r",\s+(?:including|excluding|inclusive\s+of|exclusive\s+of|net\s+of|which\s+includes?)\b[^,;$€£]*(?=,)",
    re.IGNORECASE,
)

# --- whose it is ----------------------------------------------------------------------------------

_AI = (
    r"\b(?:(?i:gen(?:erative)?[\s-]?)?AI|A\.I\.|(?i:artificial[\s-]intelligence|generative|agentic|GPUs?|accelerators?|"
    r"accelerated\s+computing|data[\s-]?cent(?:er|re)s?|LLMs?|large\s+language\s+models?|machine\s+learning|inference))\b"
)
#: Said of AI, but nothing one is paid for: "the appeal of its AI capabilities".
_NOT_SOLD = re.compile(
    r"[\s-]*(?:(?:is|are)\s+\w+ing|continues|transforms)\b|"
    r"[\s-]*(?:(?!revenue|business|sales|ARR|run)[\w’'-]+\s+){0,2}?(?:capabilit(?:y|ies)|demand|era|invest\w*|features?|PCs?|adoption|efforts?|opportunit(?:y|ies)|roadmap|"
    r"leadership|innovations?|strategy|momentum|talent|training|use|usage|users?|customers?|compan(?:y|ies)|startups?|"
    r"labs?|spend\w*|build\w*|transformation|revolution|trends?|experiences?|expertise|skills|research|initiatives?|"
    r"transition|wave|boom|market|world|economy|assistants?|agents?)\b",
    re.IGNORECASE,
)
#: Between the name and the amount one of these begins another statement, with a subject of its own.
_NEW_SUBJECT = re.compile(
    r"[;:]|\.\s|\b(?:we|it|they|our|its|their|total|consolidated|overall|company(?:['’]s)?|net|cloud|advertising|subscription)\b",
    re.I,
)
#: "AI revenue of Example's cloud" is AI's: whose AI it is does not matter once the measure is named.
_MEASURED = re.compile(rf"[\s-]*(?:[a-z]+\s+){{0,2}}?(?:{_RUN_RATE}|{_REVENUE})", re.IGNORECASE)
_OF_WHOM = re.compile(
    r"\b(?:of|at|for|within|in)\s+(?:our\s+|its\s+|the\s+)?(?:[A-Z][\w’'&-]*\s+)*(?:[A-Z][\w’'&-]*|cloud)\b"
)
#: What drove a figure is not whose it is.
_DRIVER = re.compile(
    r"\b(?:driven|led|fuel?led|supported|helped|boosted|aided|offset)\s+(?:\w+\s+){0,2}?by\b|\bdue\s+to\b|\breflect(?:ing|s|ed)\b|"
    r"\bstrength\s+(?:of|in)\b|\bas\s+a\s+result\s+of\b|\bthanks\s+to\b|\bbecause\s+of\b|\bto\s+(?:support|meet|fund)\b|"
    r"\bassociated\s+with\b|\bdemand\s+for\b|\bramp\s+of\b",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(r"[,”\"]*\s*\bsaid\s+[^“\"]*[“\"]?")
_PROPER = re.compile(r"(?<![.!?“\"•]\s)(?<!^)\b[A-Z][\w&-]*(?:['’]s)?")
_PLAIN_CAPITALS = re.compile(
    r"(?:Q[1-4]|FY\d*|H[12]|GAAP|Non-GAAP|YoY|Y/Y|QoQ|CY\d*|ARR|RPO|cRPO|ACV|Record|Quarter\w*|Fiscal|Year|First|Second|Third|Fourth|"
    r"January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|"
    r"Oct|Nov|Dec|US|USD|U|S|B|M|T|Revenues?|Sales|Annual\w*|Run|Rate|Recurring|Business|Segment|Total|The|A|An|In|For|Of)$"
)
#: Left of a heading's or a bare sentence's own words, nothing but these: then the heading says whose revenue it is.
_BARE = re.compile(
    r"(?:\b(?:first|second|third|fourth|quarter(?:ly)?|fiscal|full|year|half|annual|record|gaap|non-gaap|q[1-4]|fy|\d{2,4}|revenues?|segment|net|"
    r"sales|was|were|is|of|for|the|a|an|in|our|its|this|reported|total(?:ed|led)?|grew|increased|rose|up|down|decreased|by|to|and|another|"
    r"approximately|about|over|more|than|nearly|\d+(?:\.\d+)?|compared|with|from|year-over-year|sequentially|ended|period)\b|[\s,%’'‑–—-])*$",
    re.IGNORECASE,
)
_HEADING_FILLER = re.compile(
    r"\b(?:segment|business|revenues?|results?|solutions?|infrastructure|platforms?|services?|products?|group|systems?|highlights?|"
    r"update|performance|the|and|of|for|our|computing|compute|networking|servers?|semiconductors?|cloud)\b|[^\w]",
    re.IGNORECASE,
)

_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_PERIOD = re.compile(
    rf"\b(?:(?:as\s+of|at|ended|ending)\s+)?{_MONTH}\s+[0-9]{{1,2}},\s+20[0-9]{{2}}|\bQ[1-4](?:\s*(?:of\s+)?(?:fiscal\s+|FY\s*)?(?:20)?[0-9]{{2}})?\b|"
    r"\b(?:first|second|third|fourth)[\s-](?:(?:fiscal\s+)?quarter|half)(?:\s+(?:of\s+)?(?:fiscal\s+(?:year\s+)?)?20[0-9]{2}|\s+of\s+fiscal(?:\s+year)?\s+[0-9]{2,4})?|"
    rf"\b(?:full[\s-]year|fiscal(?:\s+year)?|calendar(?:\s+year)?|FY|CY)[\s-]?(?:20)?[0-9]{{2}}\b|\b{_MONTH}\s+20[0-9]{{2}}\b|"
    r"\b(?:trailing|next|last)\s+(?:twelve|12)\s+months\b|\b(?:in|for|exited|during|by|end\s+of)\s+20[0-9]{2}\b|\b20[0-9]{2}\b|"
    r"\b(?:this|next|the|full|fiscal)\s+(?:quarter|year)\b|\bannual(?:ized|ised)?\b",
    re.IGNORECASE,
)


class _Words:
    """The rules, with one company's names for its AI business."""

    def __init__(self, ai_names: frozenset[str]) -> None:
        self._is_pure_play = WHOLE_COMPANY in ai_names
        names = sorted(ai_names - {WHOLE_COMPANY}, key=lambda name: (-len(name), name))
        own = "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names)
        self._own = re.compile(own or r"(?!)")
        self._ai = re.compile(f"{own}|{_AI}" if own else _AI)

    def lead(self, sentence: Sentence, document: str) -> Lead | None:
        """The lead a sentence is, if it is one; of several kinds the one of its first amount that has any."""
        text = sentence.text
        if len(text) > _LONGEST:
            return None
        amounts = amounts_in(text)
        plain = _ASIDE.sub(lambda aside: " " * len(aside[0]), text)
        kinds = [self._kind(plain, sentence.heading, amounts, i) for i in range(len(amounts))]
        kind = next((k for k in kinds if k), None)
        if kind is None:
            return None

        def place(start: int, end: int) -> tuple[int, int]:
            return sentence.at[start], end_of(document, sentence.at[end - 1])

        stated = tuple(
            Amount(text[start:end], currency, low, high, _role(text, start, end, k == kind), *place(start, end))
            for (start, end, currency, low, high), k in zip(amounts, kinds, strict=True)
        )
        periods = tuple(Span(m[0], *place(*m.span())) for m in _PERIOD.finditer(text))
        is_forward = kind == "capex_guidance" or _is_forward(text)
        return Lead(kind, text, sentence.heading, stated, periods, is_forward, *place(0, len(text)))

    def _kind(self, text: str, heading: str, amounts: list[Money], i: int) -> str | None:
        """What amount number i of a sentence states, None if nothing we look for."""
        start, end, _, low, _ = amounts[i]
        measure, is_after, measured_at = _measure(text, start, end)
        if measure == "backlog":
            return "backlog"
        if measure == "capex":
            before, after = f"{heading}. {text[:start]}", text[end:]
            is_guidance = _is_forward(before) or (_is_forward(after) and not _PAST.search(text[:start]))
            return "capex_guidance" if is_guidance else None
        if measure not in ("run_rate", "revenue", "business"):
            return None
        subject = text[end:measured_at] if is_after else ""
        is_ai = bool(subject and self._names_ai(subject)) or self._is_left_ai(text[:start])
        if not is_ai and measure != "business":
            is_ai = self._is_heading_ai(text[:start], heading)
        if not is_ai and self._is_pure_play and measure != "business":
            is_ai = bool(_BARE.match(_last_clause(text[:start])))
        if not is_ai or (measure == "business" and low is not None and not is_after):
            return None
        return "ai_run_rate" if measure == "run_rate" or _is_annualized(text, end) else "ai_revenue"

    def _names_ai(self, words: str) -> bool:
        return any(not _NOT_SOLD.match(words, match.end()) for match in self._ai.finditer(words))

    def _is_left_ai(self, left: str) -> bool:
        """Whether the nearest name before the amount is AI's."""
        left = _ATTRIBUTION.sub(" ", left)
        names = [
            m for m in self._ai.finditer(left) if self._own.match(left, m.start()) or not _NOT_SOLD.match(left, m.end())
        ]
        driver = max((m.start() for m in _DRIVER.finditer(left)), default=-1)
        if not names:
            return False
        last = names[-1]
        between = left[last.end() :]
        if 0 <= driver < last.start() and "," not in left[driver : last.start()]:
            return False
        if _MEASURED.match(between):
            between = _OF_WHOM.sub(" ", between)
        if _NEW_SUBJECT.search(between) or re.search(_ELSE, between, re.IGNORECASE):
            return False
        others = [m for m in _PROPER.finditer(between) if not _PLAIN_CAPITALS.match(m[0])]
        joined = re.compile(r"\s*(?:and|&|,)\s*$")
        return all(joined.match(between[: m.start()]) or _is_in_chain(between, m.start()) for m in others)

    def _is_heading_ai(self, left: str, heading: str) -> bool:
        """Whether a sentence without a subject of its own stands under a heading that is AI's and nobody else's."""
        if not _BARE.match(left) or not self._ai.search(heading):
            return False
        return not _HEADING_FILLER.sub("", self._ai.sub("", heading))


def _is_in_chain(between: str, position: int) -> bool:
    """Whether all before `position` is names joined by "and": "Agentforce and Data 360"."""
    return bool(re.fullmatch(r"\s*(?:and|&|,)\s+(?:[A-Z][\w’'-]*\s+)*", between[:position]))


def _last_clause(left: str) -> str:
    return re.split(r"[;:—]|\.\s", left)[-1]


def _belongs(between: str, measure: re.Match[str]) -> bool:
    if measure.lastgroup == "capex":  # "$5 billion on capital expenditures", but income of 5 on revenue of 9
        between = re.sub(r"^\s*on\b", "", between)
    return bool(_AFTER.match(between))


def _measure(text: str, start: int, end: int) -> tuple[str | None, bool, int]:
    """Which measure an amount belongs to, whether it stands after the amount, and where it ends."""
    measures = [m for m in _MEASURE.finditer(text, end) if _belongs(text[end : m.start()], m)]
    if measures:
        last = measures[-1] if all(m.lastgroup != "other" for m in measures) else measures[0]
        chosen = next((m for m in measures if m.lastgroup not in ("business", "revenue")), last)
        return chosen.lastgroup, True, chosen.end()
    before = list(_MEASURE.finditer(text, 0, start))
    nearest = [m for m in before if m.lastgroup != "business"][-1:] or before[-1:]
    return (nearest[0].lastgroup, False, nearest[0].end()) if nearest else (None, False, 0)


def _is_annualized(text: str, end: int) -> bool:
    return bool(re.match(r"[\s-]*(?:annual(?:ized|ised)?\s+)?run[\s-]rate", text[end:], re.IGNORECASE))


def _is_forward(text: str) -> bool:
    return bool(_FORWARD.search(text))


def _role(text: str, start: int, end: int, is_of_kind: bool) -> str:
    if not is_of_kind:
        return "other"
    before = text[:start]
    if _CHANGE_AFTER.match(text, end) or (_CHANGE_BEFORE.search(before) and not re.search(r"\bto\s*$", before)):
        return "change"
    if _PRIOR.search(before):
        return "prior"
    return "stated"
