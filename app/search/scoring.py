"""How well an item answers the words of a search: BM25 over its words, more for words side by side.

    score = sum of idf(word) * max(weight(own occurrences, length), GUESS * weight(all occurrences, length))
          + sum of NEARNESS * mean idf(two neighbours of the query) * nearness(of them in the item)
          + WHOLE * sum of idf(word), where the item has the query as it is asked

It is computed from the written words of an item alone, so that every store gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Final, NamedTuple

from .forms import beginnings_of, forms_of, make_forms
from .keywords import GUESS, Keywords
from .tokens import HEADING_END, HEADING_WEIGHT, weight
from .words import NOTHING_KEPT

NEARNESS: Final = 0.75
"""How much two neighbours of the query count when they are neighbours in the item, too."""

WHOLE: Final = 0.25
"""How much all words of the query count when they stand side by side in the item, in their order."""

NEAR: Final = (0.0, 1.0, 0.6, 0.4, 0.25)
"""How near two words are that stand so many words apart, the second behind the first."""

FUNCTION_WORD_IDF: Final = 0.15
"""What a function word weighs beside words that say more."""

HEADING_OFFSET: Final = -1_000_000
"""Where label and tags stand, so that they are near no word of the text."""

LITTLE_MORE: Final = 2
"""How many words more than the query an item may have whose relevance is 1."""

MOST_PLACES: Final = 64
"""How many places of one word in an item are looked at for nearness."""

Match = tuple[tuple[int, float], ...]
"""The numbers of the keywords that a word matches, each with how much it counts."""


def idf(frequency: int, items: int) -> float:
    """Return BM25's weight of a word that so many of the items have."""
    items = max(items, frequency)
    return log(1 + (items - frequency + 0.5) / (frequency + 0.5))


class _Matches(dict[str, Match]):
    """Which keywords the written words of items match; worked out once for each word that is asked about."""

    def __init__(self, keywords: Keywords) -> None:
        super().__init__()
        self._by_form: dict[str, list[tuple[int, float]]] = {}
        for number, keyword in enumerate(keywords.words):
            for form, share in keyword.forms.items():
                self._by_form.setdefault(form, []).append((number, share))
        self._beginnings = beginnings_of(self._by_form)
        self._first_two = frozenset(form[:2] for form in self._by_form)

    def among(self, words: Sequence[str], *, all_keep: bool) -> list[tuple[str, Match]]:
        """Return those of the words that match, in alphabetical order, with what they match.

        The order is fixed because sums of floats depend on it in their last bits. ``all_keep`` says that the
        stem of each word begins as the word does: then most words are told by their first letter.
        """
        beginnings = self._beginnings
        asked = {word for word in words if word[0] in beginnings} if all_keep else set(words)
        return sorted([(word, match) for word in asked if (match := self[word])])

    def __missing__(self, word: str) -> Match:
        self[word] = found = self._match(word) if self._may_match(word) else ()
        return found

    def _may_match(self, word: str) -> bool:
        """Whether a word can match, by its first two letters where its stem has at least these."""
        if word[:2] in self._first_two or word[0] == "=" or not word.isascii():
            return True
        return "/0" in word or "/1" in word

    def _match(self, word: str) -> Match:
        best: dict[int, float] = {}
        for form in make_forms(word):
            for number, share in self._by_form.get(form, ()):
                best[number] = max(share, best.get(number, 0.0))
        return tuple(best.items())


class _Part(NamedTuple):
    """The heading of an item or its text: its words, those that match, where they stand, what each counts."""

    words: Sequence[str]
    matches: Sequence[tuple[str, Match]]
    offset: int
    each: int


class Score(NamedTuple):
    """The score of an item, and what each keyword adds to it."""

    total: float
    parts: Mapping[int, float]
    nearness: float


NO_SCORE: Final = Score(0.0, {}, 0.0)
"""The score of an item without any word of the query."""


class Scoring:
    """Scores items for one query."""

    def __init__(self, keywords: Keywords, frequencies: Sequence[int], items: int) -> None:
        self._keywords = keywords
        self._matches = _Matches(keywords)
        says_little = all(word.is_function_word for word in keywords.words)
        self.idfs = [
            FUNCTION_WORD_IDF if word.is_function_word and not says_little else idf(frequency, items)
            for word, frequency in zip(keywords.words, frequencies, strict=True)
        ]
        self._asks_for_more = bool(keywords.phrases or keywords.excluded or keywords.excluded_forms)
        self._together = sum(self.idfs)
        self.telling = sum(says_little or not word.is_function_word for word in keywords.words)
        """How many words of the query say something: all of them where there are function words only."""
        asked = [word.plain for word in keywords.words]
        self.best = self._score([], [*asked, *[HEADING_END] * LITTLE_MORE]).total
        """The score of an item that says what is asked and hardly more."""

    def score(self, written: str) -> Score | None:
        """Return the score of an item by its written words; None when it is no hit."""
        if self._asks_for_more and not self.admits(written):
            return None
        heading, _, text = written.rpartition(HEADING_END)
        found = self._score(heading.split(), text.split(), all_keep=NOTHING_KEPT not in written)
        return found if found.parts else None

    def admits(self, written: str) -> bool:
        """Whether an item has every phrase of the query and nothing that it excludes."""
        return not self.excludes(written) and self._has_phrases(written)

    def coverage(self, score: Score) -> float:
        """Return how much of the query an item has, from 0 to 1: its words, each by how much it says."""
        return sum(map(self.idfs.__getitem__, score.parts)) / self._together if score.parts else 0.0

    def relevance(self, score: float) -> float:
        """Return a score as a share of that of an item that says what is asked and hardly more, up to 1."""
        return min(1.0, score / self.best) if self.best else 1.0

    def excludes(self, written: str) -> bool:
        """Whether an item has a word or phrase that the query excludes."""
        keywords = self._keywords
        if not (keywords.excluded or keywords.excluded_forms):
            return False
        words = written.split()
        if any(not keywords.excluded_forms.isdisjoint(forms_of(word)) for word in words):
            return True
        return _has_any(words, keywords.excluded)

    def _has_phrases(self, written: str) -> bool:
        """Whether an item has every phrase of the query."""
        words = written.split() if self._keywords.phrases else []
        return all(_has_any(words, [phrase]) for phrase in self._keywords.phrases)

    def _score(self, above: Sequence[str], below: Sequence[str], *, all_keep: bool = False) -> Score:
        parts = [_Part(below, self._matches.among(below, all_keep=all_keep), 0, 1)]
        if above:  # a message has none
            matches = self._matches.among(above, all_keep=all_keep)
            parts.insert(0, _Part(above, matches, HEADING_OFFSET, HEADING_WEIGHT))
        weights = self._weigh(*_count(parts), len(above) + len(below))
        has_neighbours = any(number + 1 in weights for number in weights)
        nearness = self._nearness(_places(parts)) if has_neighbours else 0.0
        return Score(sum(weights.values()) + nearness, weights, nearness)

    def _weigh(self, own: Mapping[int, float], guessed: Mapping[int, float], length: int) -> dict[int, float]:
        """Return what each keyword adds; however often a guess occurs, it stays a guess."""
        weights = {number: self.idfs[number] * weight(count, length) for number, count in own.items()}
        for number, count in guessed.items():
            guess = GUESS * self.idfs[number] * weight(count + own.get(number, 0.0), length)
            weights[number] = max(guess, weights.get(number, 0.0))
        return weights

    def _nearness(self, places: Mapping[int, list[int]]) -> float:
        total = 0.0
        for number in sorted(places):
            following = places.get(number + 1)
            if following is not None:
                near = _nearest(places[number], following)
                total += NEARNESS * (self.idfs[number] + self.idfs[number + 1]) / 2 * near
        return total + WHOLE * self._together if self._has_all_together(places) else total

    def _has_all_together(self, places: Mapping[int, Sequence[int]]) -> bool:
        """Whether all words of the query stand side by side, in their order."""
        if len(places) < len(self.idfs):
            return False
        starts = set(places[0])
        for number in range(1, len(self.idfs)):
            starts.intersection_update([place - number for place in places[number]])
        return bool(starts)


def _count(parts: Iterable[_Part]) -> tuple[dict[int, float], dict[int, float]]:
    """Return how often an item has each keyword in its own forms, and how often by a guess."""
    own: dict[int, float] = {}
    guessed: dict[int, float] = {}
    for words, matches, _, each in parts:
        for word, match in matches:
            times = each * words.count(word)
            for number, share in match:
                if share == GUESS:
                    guessed[number] = guessed.get(number, 0.0) + times
                else:
                    own[number] = own.get(number, 0.0) + share * times
    return own, guessed


def _places(parts: Iterable[_Part]) -> dict[int, list[int]]:
    """Return where the words of an item stand that match each keyword."""
    places: dict[int, list[int]] = {}
    for words, matches, offset, _ in parts:
        for word, match in matches:
            found = _places_of(words, word, offset)[:MOST_PLACES]
            for number, _ in match:
                places.setdefault(number, []).extend(found)
    return places


def _places_of(words: Sequence[str], word: str, offset: int) -> list[int]:
    """Return where a word stands that is among the words."""
    first = words.index(word)
    if words.count(word) == 1:
        return [offset + first]
    return [offset + place for place, one in enumerate(words) if one == word]


def _nearest(first: Iterable[int], second: Sequence[int]) -> float:
    """Return how near any place of the second word is behind one of the first."""
    behind = set(second)
    gaps = range(1, len(NEAR))
    return max((NEAR[gap] for place in first for gap in gaps if place + gap in behind), default=0.0)


def _has_any(words: Iterable[str], phrases: Iterable[Sequence[str]]) -> bool:
    """Whether the plain forms of any phrase stand side by side among written words."""
    plain = f" {' '.join(forms_of(word)[0] for word in words if word[0] != '=')} "
    return any(f" {' '.join(phrase)} " in plain for phrase in phrases)
