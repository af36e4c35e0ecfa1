"""Where the words of a search stand in what it found, so that a page can mark them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .forms import forms_of
from .keywords import Keywords
from .languages import Languages, find_languages
from .words import CHUNK, IS_UNSPACED, PARTS, fold, inner_parts, words_in

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
        languages = find_languages(text)[0]
        return [
            (match.start() + start, match.start() + end)
            for match in CHUNK.finditer(text)
            for start, end in self._in_chunk(match[0], languages)
        ]

    def _in_chunk(self, chunk: str, languages: Languages) -> Iterator[Range]:
        words = words_in(chunk, languages)
        if not any(map(self._matches, words)):
            return
        if any(word[0] == "=" and self._matches(word) for word in words):
            yield 0, len(chunk)
            return
        for run in PARTS.finditer(chunk):
            place = run.start()
            for part in inner_parts(run[0]):
                yield from self._in_part(part, place, languages)
                place += len(part)

    def _in_part(self, part: str, place: int, languages: Languages) -> Iterator[Range]:
        if IS_UNSPACED.search(part):
            yield from self._in_unspaced(part, place)
        elif any(map(self._matches, words_in(part, languages))):
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
