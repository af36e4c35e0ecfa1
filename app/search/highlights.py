"""Where the words of a search stand in what it found, so that a page can mark them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_letters
from typing import Any, Final

from .forms import beginnings_of, forms_of
from .keywords import Keywords
from .languages import TAKE_BEGINNINGS, Languages, find_languages
from .words import (
    CHUNK,
    IS_UNSPACED,
    PARTS,
    chunks_in,
    fold,
    inner_parts,
    is_plain_word,
    words_in,
)

MOST_HIGHLIGHTS: Final = 3
"""How many pieces of text a hit shows."""

LONGEST_PIECE: Final = 200
"""How many characters a piece of text has about its first mark, at most."""

LEAD: Final = 40
"""How many characters of a piece stand before its first mark."""

READ_CHARACTERS: Final = 20_000
"""How much of one text is looked at."""

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Piece:
    field: str
    text: str
    ranges: list[Range]

    def as_json(self) -> dict[str, Any]:
        return {"field": self.field, "text": self.text, "ranges": self.ranges}


class Highlighter:
    """Finds the words of one search in texts."""

    def __init__(self, keywords: Keywords) -> None:
        words = [word for word in keywords.words if not word.is_function_word] or keywords.words
        self._forms = frozenset(form for word in words for form in word.forms)
        self._prefix = keywords.prefix
        self._marks: dict[Languages, _Marks] = {}

    def mark(self, texts: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
        """Return pieces of (field, text) pairs with the ranges of what matched, in characters of the piece.

        A range is where it starts and where it ends, the end left out.
        """
        pieces: list[_Piece] = []
        for field, text in texts:
            found = self._ranges(text[:READ_CHARACTERS])
            if found:
                pieces.append(_cut(field, text, found))
            if len(pieces) == MOST_HIGHLIGHTS:
                break
        return [piece.as_json() for piece in pieces]

    def _ranges(self, text: str) -> list[Range]:
        """Return the ranges of what matches in a text, as far as a piece about the first one may reach."""
        languages = find_languages(text)[0]
        marks = self._marks.get(languages)
        if marks is None:
            marks = self._marks[languages] = _Marks(self._forms, self._prefix, languages)
        others = marks.others
        found: list[Range] = []
        for match in CHUNK.finditer(text):
            chunk = match[0]
            if chunk[0] in others and is_plain_word(chunk):  # most are
                continue
            if inside := marks[chunk]:
                place = match.start()
                found += [(place + start, place + end) for start, end in inside]
            if found and match.end() > found[0][0] + LONGEST_PIECE:
                break
        return found


class _Marks(dict[str, tuple[Range, ...]]):
    """The ranges in what texts of some languages have without spaces: most of it comes again and again."""

    def __init__(self, forms: frozenset[str], prefix: str | None, languages: Languages) -> None:
        super().__init__()
        self._forms = forms
        self._prefix = prefix
        self._languages = languages
        self._words = chunks_in(languages)
        beginnings = beginnings_of(forms if prefix is None else forms | {prefix})
        letters = "" if languages.latin in TAKE_BEGINNINGS else ascii_letters
        self.others = frozenset(letter for letter in letters if letter.lower() not in beginnings)
        """The letters with which no plain word begins that matches."""

    def __missing__(self, chunk: str) -> tuple[Range, ...]:
        if is_plain_word(chunk):
            found: tuple[Range, ...] = ((0, len(chunk)),) if self._matches(self._words[chunk]) else ()
        else:
            found = tuple(self._in_chunk(chunk))
        self[chunk] = found
        return found

    def _in_chunk(self, chunk: str) -> Iterator[Range]:
        words = words_in(chunk, self._languages)
        if not any(map(self._matches, words)):
            return
        if any(word[0] == "=" and self._matches(word) for word in words):
            yield 0, len(chunk)
            return
        for run in PARTS.finditer(chunk):
            place = run.start()
            for part in inner_parts(run[0]):
                yield from self._in_part(part, place)
                place += len(part)

    def _in_part(self, part: str, place: int) -> Iterator[Range]:
        if IS_UNSPACED.search(part):
            yield from self._in_unspaced(part, place)
        elif any(map(self._matches, words_in(part, self._languages))):
            yield place, place + len(part)

    def _in_unspaced(self, part: str, place: int) -> Iterator[Range]:
        end = 0
        for start in range(len(part)):
            for length in (2, 1):
                if start >= end and fold(part[start : start + length]) in self._forms:
                    end = start + length
                    yield place + start, place + end

    def _matches(self, word: str) -> bool:
        forms = forms_of(word)
        begins = self._prefix is not None and forms[0].startswith(self._prefix)
        return begins or not self._forms.isdisjoint(forms)


def _cut(field: str, text: str, ranges: Sequence[Range]) -> _Piece:
    """Return the piece of a text about its first mark, cut between words where there are spaces."""
    first = ranges[0][0]
    start = 0 if first <= LEAD else text.rfind(" ", first - LEAD, first) + 1 or first - LEAD
    end = min(len(text), start + LONGEST_PIECE)
    if end < len(text):
        end = max(text.rfind(" ", start, end), *(stop for _, stop in ranges if stop <= end))
    inside = [(low - start, high - start) for low, high in ranges if start <= low and high <= end]
    return _Piece(field, text[start:end], inside)
