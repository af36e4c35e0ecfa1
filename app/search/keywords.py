"""What the words of a search ask for.

    query    = { phrase | exclusion | word }
    phrase   = '"' words '"'        must be there, side by side
    exclusion = '-' word | '-' phrase    must not be there; a letter follows the dash, a space may precede it
    word     = anything else        any of them may match, more and rarer ones count more

No other character has a meaning. A word is looked for by its plain form, its stem in the language of
the query, and, where the query does not tell its language, the stems that several languages give it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from unicodedata import normalize

from .forms import forms_of, pair_form
from .languages import BY_FUNCTION_WORD, Languages, find_languages, guess_stems, script_of
from .words import CHUNK, IS_UNSPACED, LONGEST_WORD, fold, words_in

MOST_KEYWORDS: Final = 64
"""How many distinct words of a query count: the first; they bound the work of a search."""

PLAIN, STEM, GUESS = 1.0, 0.9, 0.4
"""How much the match of a form counts: as written, by its stem, by the stem of another language.

The first two are shares of an occurrence, the last one of the weight of all occurrences.
"""

MOST_COMPLETIONS: Final = 32
"""How many words the beginning of one is looked for as."""

FOLDED_FUNCTION_WORDS: Final = frozenset(map(fold, BY_FUNCTION_WORD))
"""The function words of all languages, as they stand in an index."""

_PHRASE: Final = re.compile(r'(?:(?<=\s)|^)(-?)"([^"]*)"|"([^"]*)"')
_EXCLUSION: Final = re.compile(r"(?:(?<=\s)|^)-(?=[^\W\d_])(\S+)")


@dataclass(frozen=True, slots=True)
class Keyword:
    """One word of a query: the forms it is found by, and how much each counts."""

    plain: str
    forms: Mapping[str, float]
    is_function_word: bool = False
    paired: str = ""
    """How the word stands in the index's pairs of neighbours; nothing if it does not."""

    @property
    def own_forms(self) -> list[str]:
        """The forms that are no guesses."""
        return [form for form, share in self.forms.items() if share > GUESS]

    @property
    def guesses(self) -> list[str]:
        """The stems that it has in languages which the query need not be in."""
        return [form for form, share in self.forms.items() if share == GUESS]


@dataclass(frozen=True, slots=True)
class Keywords:
    """The words of a query; ``phrases`` and ``excluded`` are plain forms in their order."""

    words: tuple[Keyword, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    excluded_forms: frozenset[str] = frozenset()
    """Forms that no word of a hit may have."""
    prefix: str | None = None
    """The beginning of a word that may go on: the plain form of the last of ``words``."""

    def complete(self, endings: Iterable[str]) -> Keywords:
        """Return the same with the last word found by what it may become, too."""
        last = self.words[-1]
        forms = dict.fromkeys(endings, STEM) | dict(last.forms)
        return replace(self, words=(*self.words[:-1], replace(last, forms=forms, is_function_word=False)))


@dataclass(slots=True)
class _Collected:
    words: dict[str, Keyword] = field(default_factory=dict)
    phrases: list[tuple[str, ...]] = field(default_factory=list)
    excluded: list[tuple[str, ...]] = field(default_factory=list)
    excluded_forms: set[str] = field(default_factory=set)


def read_keywords(text: str, *, prefix: bool = False) -> Keywords:
    """Return what a query asks for, its first 64 distinct words."""
    languages, told = find_languages(text)
    found = _Collected()
    rest = _PHRASE.sub(lambda match: _take_phrase(match, found, languages), text)
    rest = _EXCLUSION.sub(lambda match: _exclude(match[1], found, languages), rest)
    loose = list(_keywords(rest, languages, told=told))
    last = loose[-1].plain if prefix and loose and not text[-1:].isspace() else None
    for word in loose:
        found.words.setdefault(word.plain, word)
    words = tuple(found.words.values())[:MOST_KEYWORDS]
    if last is not None and last in found.words:
        words = (*(word for word in words if word.plain != last), found.words[last])
    excluded = tuple(found.excluded), frozenset(found.excluded_forms)
    return Keywords(words, tuple(found.phrases), *excluded, last)


def said_in(text: str) -> str:
    """Return what a query says, without what it excludes and without quotes."""
    rest = _PHRASE.sub(lambda match: " " if match[1] else f" {match[2] or match[3] or ''} ", text)
    return _EXCLUSION.sub(" ", rest).strip()


def _take_phrase(match: re.Match[str], found: _Collected, languages: Languages) -> str:
    inside = match[2] if match[2] is not None else match[3]
    if match[1]:
        return _exclude(inside, found, languages)
    plain = plain_forms(words_in(inside, languages))
    if plain:
        found.phrases.append(plain)
    for word in _keywords(inside, languages, told=True):
        found.words.setdefault(word.plain, word)
    return " "


def _exclude(text: str, found: _Collected, languages: Languages) -> str:
    words = words_in(text, languages)
    plain = plain_forms(words)
    if len(plain) == 1:
        found.excluded_forms.update(_own_forms(words[0]))
    elif plain:
        found.excluded.append(plain)
    return " "


def _own_forms(word: str) -> tuple[str, ...]:
    """Return the forms that stand for a word; the first character of a pair does not."""
    plain, *others = forms_of(word)
    return (plain,) if IS_UNSPACED.match(plain) else (plain, *others)


def plain_forms(words: Iterable[str]) -> tuple[str, ...]:
    """Return the plain forms of written words that have a place of their own."""
    return tuple(forms_of(word)[0] for word in words if word[0] != "=")


def _keywords(text: str, languages: Languages, *, told: bool) -> Iterator[Keyword]:
    for chunk in CHUNK.findall(text):
        words = words_in(chunk, languages)
        for before, word in zip(["", *words], words, strict=False):
            is_end_of_run = len(word) == 1 < len(before) and IS_UNSPACED.match(before)
            if not is_end_of_run:  # the last pair has the character already
                yield _keyword(word, chunk, told=told)


def _keyword(word: str, chunk: str, *, told: bool) -> Keyword:
    plain, *stems = _own_forms(word)
    forms = {} if told else dict.fromkeys(_guesses(plain, chunk), GUESS)
    forms |= {**dict.fromkeys(stems, STEM), plain: PLAIN}
    function = plain in BY_FUNCTION_WORD
    return Keyword(plain, forms, function, pair_form(word))


def _guesses(plain: str, chunk: str) -> Iterator[str]:
    """Give the stems of a word in other languages; but for Latin ones, with its accents.

    Not those that are letters or function words, which mean something else in most texts ("area", "are").
    """
    # What is longer than a word cannot be this one with its accents, and folding it for each word adds up.
    raw = normalize("NFC", chunk[: 2 * LONGEST_WORD].lower())
    has_accents = raw.isalpha() and fold(raw) == plain and script_of(plain[0]) != "latin"
    if plain.isalpha() and plain not in BY_FUNCTION_WORD:
        stems = map(fold, guess_stems(raw if has_accents else plain))
        yield from (found for found in stems if len(found) > 1 and found not in FOLDED_FUNCTION_WORDS)
