"""The facts in a piece of text: ids, amounts, dates, times, names and numbers.

A fact is what a later turn is likely to need word for word. Facts are found by shape, without a
dictionary; ``key`` is the same for spellings that mean the same (``$1,859.00`` and ``1859``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .stopwords import COMMON

MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
DAY = r"\d{1,2}(?:st|nd|rd|th)?"
SPELLED = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|fifty"
LOWER = "[a-z\u00df-\u00f6\u00f8-\u00ff]"
FUNCTION_WORDS = (
    "am|an|and|are|as|at|but|by|for|from|has|if|in|is|it|of|on|or|so|than|that|the|to|was|we|with"
)
ADDRESS_SIGN = re.compile(r"[/@.](?=\S)")
"""Without one of these inside a word there is no address or path: most sentences have none."""

ADDRESS = re.compile(
    r"(?P<address>https?://[^\s)>\]\"']+|(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<path>(?<![\w./-])[\w.-]*/[\w./-]+\w|(?<![\w.])\w+(?:\.\w+)*\.(?:py|js|ts|md|json|ya?ml|toml|sql|csv|go|rs)\b)"
)
FACT = re.compile(
    r"(?<!\w)(?=[A-Z0-9$€£¥#]|[a-z_-]*\d|to[mn])(?:"
    r"(?P<date>\d{4}-\d{2}-\d{2}(?!\d)"
    rf"|{MONTH}\s{DAY}(?:,?\s\d{{4}})?\b|{DAY}\s(?:of\s)?{MONTH}(?:\s\d{{4}})?(?!\w)"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:tomorrow|tonight)\b)"
    r"|(?P<time>\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\b)?|\d{1,2}\s?[ap]\.?m\b)"
    r"|(?P<amount>[$€£¥]\s?\d[\d,]*(?:\.\d+)?|\d[\d,]*(?:\.\d+)?\s?(?:%|(?:USD|EUR|dollars|euros)\b))"
    r"|(?P<id>(?=[A-Za-z_.-]{0,60}\d)(?=[\d_.-]{0,60}[A-Za-z])[A-Za-z0-9][\w-]{2,}\b|#\d+\b|[A-Z]{5,}\b)"
    rf"|(?P<quantity>\d[\d,]*(?:\.\d+)?\s(?!(?:{FUNCTION_WORDS})\b)[a-z]{{2,14}}\b)"
    r"|(?P<number>\d[\d,]*(?:\.\d+)?\b)"
    r"|(?P<term>[A-Z][a-z]+[A-Z]\w*)"
    rf"|(?P<name>[A-Z]{LOWER}+(?:[\s-][A-Z]{LOWER}+)*\b)"
    r"|(?P<code>[A-Z]{2,4}\b))"
)

WEIGHTS = {
    "address": 2.0,
    "date": 2.0,
    "time": 1.5,
    "amount": 2.5,
    "id": 3.0,
    "path": 2.0,
    "term": 1.5,
    "name": 0.9,
    "code": 0.3,
}
LONG_NUMBER, SHORT_NUMBER = 1.0, 2
"""A number counts for itself only when it has more digits than that: one or two hardly ever matter."""

QUANTITY = 1.2
"""One or two digits, and what there are so many of."""

NUMBERED_WORD = re.compile(r"[a-z]+\d")
"""``address1``, ``step2``: a word with a counter, not an id."""

# These three are for text in lower case: to ignore case costs a pattern several times as much.
DECISION = re.compile(
    r"\b(?:decid\w+|agreed?|we(?:'ll| will)|let'?s (?:go|use|do|keep)|confirm\w*|chosen?|choose|approved?"
    r"|booked|cancell?ed|refund\w*|upgraded?|downgraded?|changed? to|instead of|must|deadline|due|owner"
    r"|prefers?|allerg\w+|root cause|because|fixed|shipped|signed|go(?:ing)? with|never|always|transferred"
    r"|successful\w*|reserved?|scheduled|rejected|declined|not (?:possible|allowed|available|eligible))\b",
)
OPEN = re.compile(
    r"\b(?:tbd|to be decided|open question|still (?:need|open|unclear|waiting)|waiting (?:for|on)"
    r"|not sure yet|unresolved|pending|need to (?:check|find out|decide)|get back to)\b",
)
IDLE = re.compile(
    r"(?:[a-z]\w{1,20}: )?(?:thanks?|good (?:morning|afternoon|evening)|you'?re welcome|of course|i see\b"
    r"|great|sure|ok|okay|hi|hello|hey|perfect|have a (?:great|nice|good)|i understand|understood|all right"
    r"|feel free|let me know|if you (?:have|need)|is there anything else|how can i (?:help|assist)"
    r"|i'?m sorry|fine|good|yes|no|oh|agreed|wonderful|lovely|that must be|one moment"
    r"|it was a pleasure|glad)\b",
)

WORD = re.compile(
    rf"(?<![\w/.-])(?:(?:{SPELLED})\s[a-z]{{3,14}}"
    rf"|[a-z]{LOWER}*(?:[-_][a-z0-9]+)+|[a-z]{LOWER}{{2,30}})(?!\w)"
)
WORD_WEIGHT, COMPOUND_WEIGHT = 0.2, 0.8
"""What a sentence is about, where no fact says so; common words are left out."""


CACHED = 8_192
"""The same words come up again and again: so many are looked up instead of being taken apart."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: what identifies it, how it was written, and how much its kind matters."""

    key: str
    shown: str
    weight: float


def find_facts(text: str) -> tuple[Fact, ...]:
    """Return the distinct facts of a text in the order of their first appearance."""
    found: dict[str, Fact] = {}
    if ADDRESS_SIGN.search(text):
        for match in ADDRESS.finditer(text):
            _note(found, match)
        text = ADDRESS.sub(" ", text) if found else text
    for match in FACT.finditer(text):
        _note(found, match)
    return tuple(found.values())


def find_words(text: str) -> tuple[Fact, ...]:
    """Return the distinct telling words of a sentence: what it is about, where no fact says so."""
    return tuple(_as_word(word) for word in dict.fromkeys(WORD.findall(text)) if word not in COMMON)


@lru_cache(CACHED)
def _as_word(word: str) -> Fact:
    """Return a word as a fact; ``two rooms`` and ``check-in`` tell more than a plain one."""
    return Fact(word, word, WORD_WEIGHT if word.isalpha() else COMPOUND_WEIGHT)


def _note(found: dict[str, Fact], match: re.Match[str]) -> None:
    fact = _as_fact(match.lastgroup or "", match.group())
    if fact is not None:
        found.setdefault(fact.key, fact)


@lru_cache(CACHED)
def _as_fact(kind: str, shown: str) -> Fact | None:
    if kind in {"amount", "number", "quantity"}:
        return _as_number(kind, shown)
    if kind == "name":
        shown = _without_common(shown)
    if not shown or NUMBERED_WORD.fullmatch(shown):
        return None
    return Fact(shown.lower(), shown, WEIGHTS[kind])


def _as_number(kind: str, shown: str) -> Fact | None:
    number, _, unit = shown.partition(" ")
    key = re.sub(r"[^\d.]", "", number if kind == "quantity" else shown)
    key = key.removesuffix(".00").removesuffix(".0").rstrip(".")
    if kind == "amount":
        return Fact(key, shown, WEIGHTS[kind])
    if len(key) > SHORT_NUMBER:
        return Fact(key, shown, LONG_NUMBER)
    return Fact(f"{key} {unit}", shown, QUANTITY) if kind == "quantity" else None


def _without_common(name: str) -> str:
    """Drop the common words that a sentence may start with: ``Your Porto`` names Porto."""
    words = name.split(" ")
    while words and words[0].lower() in COMMON:
        del words[0]
    return " ".join(words)
