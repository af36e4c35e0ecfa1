"""The analyser: from text to the terms that both stores index and that a query asks for.

A term is an English Snowball stem of a folded word. Folding takes away case, compatibility forms
and accents (NFKD, then no combining marks), so that "Résumé" is found by "resume"; words are runs of
letters and digits of any script. Scripts that are written without spaces (Chinese, Japanese,
Thai ...) give each character and each pair of neighbours. The same text always gives the same terms
in every store, because the stores neither fold nor stem by themselves.

Each term is exactly one token of SQLite's ``unicode61`` tokenizer. That knows fewer characters than
Python does, and splits words at the vowel signs of Indian scripts; such a character is spelt in
ASCII inside the term, as ``z`` and the decimal number of its code point.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from operator import add
from typing import Any, Final
from unicodedata import category, combining, normalize, ucd_3_2_0
from unicodedata import name as name_of

import orjson
import Stemmer

from ..domain.records import JsonText

MOST_TERMS: Final = 20_000
"""How many distinct words of one item are read, and terms indexed; what comes later in it is not."""

LONGEST_TEXT: Final = 1024 * 1024
"""How many characters of decomposed text are read: a few characters decompose into up to 18."""

LONGEST_WORD: Final = 64
"""Words are cut to this many characters."""

DEEPEST: Final = 64
"""How deep text is looked for in JSON; requests cannot nest deeper."""

IMAGE_TYPES: Final = frozenset({"image", "image_url", "input_image"})
"""The ``type`` of blocks that hold an image, as the model APIs name them."""

# A possessive 's is no word of its own; any other apostrophe separates (l'avion).
_POSSESSIVE: Final = re.compile(r"['\u2019\u02bc][sS](?!\w)")
_ASCII_WORD: Final = re.compile("[a-z0-9]+")
_CHUNK: Final = re.compile("[a-z0-9\u0080-\U0010ffff]+")

# Written without spaces between words. Ranges of code points after NFKD.
_UNSPACED: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3021-\u3029\u3038-\u303b"  # marks and numerals among ideographs
    "\u3041-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs
)
_RUNS: Final = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")

# Soft hyphen, joiners and the like stand inside a word without being part of its spelling.
_INVISIBLE: Final = frozenset("\u00ad\u034f\u200c\u200d\u2060\ufeff")


class _Folding(dict[int, str | None]):
    """What ``str.translate`` makes of each character; filled as characters are met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        folded = _fold(character)
        if category(character) != "Cn":  # what is assigned is bounded, and worth remembering
            self[code] = folded
        return folded


class _Stemmers(threading.local):
    """One stemmer for each thread, since a stemmer works in a buffer of its own."""

    def __init__(self) -> None:
        self.english = Stemmer.Stemmer("english", 0)  # 0: no cache inside, it stands around


_folding: Final = _Folding()
_stemmers: Final = _Stemmers()


def stem_words(text: str) -> list[str]:
    """Return the distinct terms of a text in order of first appearance, of its first 20,000 words."""
    text = _POSSESSIVE.sub(" ", text) if _has_possessive(text) else text
    if text.isascii():
        words = islice(dict.fromkeys(_ASCII_WORD.findall(text.lower())), MOST_TERMS)
        return list(dict.fromkeys(map(_stem, words)))
    terms: dict[str, None] = {}
    for chunk in islice(dict.fromkeys(_CHUNK.findall(text.lower())), MOST_TERMS):
        if chunk.isascii():
            terms[_stem(chunk)] = None
        else:
            terms.update(dict.fromkeys(_read(chunk)))
    return list(terms)


def dialogue_terms(label: str | None, tags: Sequence[str], metadata: JsonText) -> str:
    """Return the terms of a dialogue's label, tags and metadata values, separated by spaces."""
    return _join([label or "", *tags, *_values(orjson.loads(metadata), DEEPEST)])


def message_terms(content: object) -> str:
    """Return the terms of a message's content, separated by spaces.

    Structured content gives the text of its text parts, the names and arguments of tool calls and
    the text of tool results, in the shapes of the OpenAI and Anthropic APIs; other blocks give none.
    """
    if isinstance(content, str):
        return _join((content,))
    return _join(_texts(content, DEEPEST))


def body_terms(body: JsonText) -> str | None:
    """Return the terms of a stored message; None when its JSON is damaged or has no content."""
    try:
        content = orjson.loads(body).get("content")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    return message_terms(content) if content else None


def memory_terms(label: str | None, description: str | None, value: object) -> str:
    """Return the terms of a memory's label, description and all texts in it, separated by spaces."""
    return _join([label or "", description or "", *_values(value, DEEPEST)])


def has_image(content: object, depth: int = DEEPEST) -> bool:
    """Whether an image block stands anywhere in structured content."""
    if not isinstance(content, dict | list) or depth == 0:
        return False
    children: Iterable[object] = content
    if isinstance(content, dict):
        kind = content.get("type")
        if isinstance(kind, str) and kind in IMAGE_TYPES:
            return True
        children = content.values()
    return any(has_image(child, depth - 1) for child in children)


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    stem: str = _stemmers.english.stemWord(word[:LONGEST_WORD])
    return stem


def _has_possessive(text: str) -> bool:
    return "'s" in text or "'S" in text or "\u2019" in text or "\u02bc" in text


def _read(chunk: str) -> Sequence[str]:
    """Return the terms of text without ASCII punctuation; short pieces are remembered."""
    return _read_word(chunk) if len(chunk) <= LONGEST_WORD else _read_text(chunk)


@lru_cache(maxsize=20_000)
def _read_word(chunk: str) -> Sequence[str]:
    return tuple(_read_text(chunk))


def _read_text(text: str) -> list[str]:
    return [
        term
        for word in _fold_text(text).split()
        for run in _RUNS.findall(word)
        for term in (_pairs(run) if _IS_UNSPACED.match(run) else (_cut(run),))
    ]


def _pairs(run: str) -> list[str]:
    """Return each character of an unspaced script, and each with the one after it."""
    spelt = list(map(_spell, run))
    return spelt + list(map(add, spelt, spelt[1:]))


def _cut(word: str) -> str:
    return _stem(word) if word.isascii() else word[:LONGEST_WORD]


def _fold_text(text: str) -> str:
    """Return text without case, compatibility forms and accents; what ends a word is a space.

    Case folding can bring characters that decompose, and decomposing capitals: hence twice.
    """
    decomposed = normalize("NFKD", text)[:LONGEST_TEXT]
    return normalize("NFKD", decomposed.casefold()).casefold().translate(_folding)


def _fold(character: str) -> str | None:
    """Return what a character contributes to a word: itself, a spelling, nothing, or an end of it."""
    kind = category(character)
    if character in _INVISIBLE:
        return None
    if kind[0] == "M":
        return None if _is_accent(character, kind) else f"z{ord(character)}"
    if kind[0] not in "LN":
        return " "
    known = ucd_3_2_0.category(character)[0] in "LN"
    return character if known or _IS_UNSPACED.match(character) else f"z{ord(character)}"


def _is_accent(character: str, kind: str) -> bool:
    """Whether a mark may go: all but the vowel signs that spell words in Indian scripts."""
    return (
        kind == "Me"
        or combining(character) != 0
        or _IS_UNSPACED.match(character) is not None
        or "VARIATION SELECTOR" in name_of(character, "")
    )


@lru_cache(maxsize=20_000)
def _spell(character: str) -> str:
    """Return a character of an unspaced script as the index can hold it."""
    known = ucd_3_2_0.category(character)[0] in "LN"
    return character if known else f"z{ord(character)}"


def _join(texts: Iterable[str]) -> str:
    return " ".join(stem_words(" \n ".join(texts))[:MOST_TERMS])


def _values(value: object, depth: int) -> Iterator[str]:
    """Give every text and number in JSON, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict | list) and depth:
        for child in value.values() if isinstance(value, dict) else value:
            yield from _values(child, depth - 1)


def _texts(content: Any, depth: int) -> Iterator[str]:
    """Give what is said in structured content: a block, a list of them, or a whole message."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list) and depth:
        for block in content:
            yield from _texts(block, depth - 1)
    elif isinstance(content, dict) and depth:
        yield from _block_texts(content, depth - 1)


def _block_texts(block: dict[str, Any], depth: int) -> Iterator[str]:
    for key in ("text", "refusal"):
        if isinstance(block.get(key), str):
            yield block[key]
    for key in ("content", "parts", "output"):
        yield from _texts(block.get(key), depth)
    calls = block.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        yield from _call_texts(call, depth)
    for key in ("function", "function_call"):
        yield from _call_texts(block.get(key), depth)
    yield from _call_texts(block, depth)


def _call_texts(call: Any, depth: int) -> Iterator[str]:
    """Give the name and the arguments of a tool call; OpenAI wraps them in ``function``."""
    if not isinstance(call, dict):
        return
    wrapped = call.get("function")
    function = wrapped if isinstance(wrapped, dict) else call
    arguments = [function[key] for key in ("arguments", "input") if key in function]
    if arguments and isinstance(function.get("name"), str):
        yield function["name"]
    for argument in arguments:
        yield from _values(argument, depth)
