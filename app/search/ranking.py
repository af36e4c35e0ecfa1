"""Ranking by words: a bounded number of candidates from the index, then an exact score for each.

Whatever a store holds, a search reads at most MOST_POSTINGS entries of the index and scores at most
MOST_CANDIDATES items. Rare words are followed wholly. Of a common word the heaviest entries are
read, the newest first among equals; pairs of neighbouring words have entries of their own, so that
common words which stand together are found together. How common a word is, samples in the index
tell. All of this is the same code over the same tokens for every store, and so is the result.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from .fusion import Range
from .keywords import MOST_COMPLETIONS, Keyword, Keywords
from .scoring import NO_SCORE, Score, Scoring, idf
from .tokens import IMPACTS, LEVELS

MOST_CANDIDATES: Final = 1000
"""How many items are scored, and so how many results a search can have in all its pages."""

MOST_POSTINGS: Final = 10_000
"""How many entries of the index a search reads for its candidates."""

COMMON: Final = 1000
"""Of a word with more items than this, only so many are candidates; fewer are all."""

MOST_PAIRED: Final = 400
"""How many items with one pair of neighbours are candidates."""

SAMPLE: Final = 400
"""How many entries of a sample are counted before the next, smaller sample is asked."""

LEAST_SAMPLE: Final = 64
"""Fewer entries than this in the largest sample: the word is rare enough to be counted."""

MOST_COUNTED: Final = 4096
"""How many items are counted one by one, or entries of the smallest sample."""

IMPACT_WEIGHTS: Final = {3: 1.6, 2: 1.2, 1: 0.8, 0: 0.4}
"""What an entry of an impact is taken to weigh before its item is scored."""

Ref = Hashable
"""How a store names an item in its index."""


class Candidate(NamedTuple):
    """What is needed of an item to score and order it."""

    ref: Ref
    written: str
    created: str
    modified: str
    ids: tuple[str, ...]
    parent: Ref = None
    """The dialogue that a message is in; None if that is gone."""


class TermIndex(Protocol):
    """The index of one kind of items under one mark, as a store reads it; filters are applied."""

    def count(self, tokens: Sequence[str], limit: int) -> int:
        """How many items have any of the tokens, filters left aside; counted up to ``limit``."""

    def walk(self, tokens: Sequence[str], limit: int, *, oldest: bool = False) -> list[Ref]:
        """The newest, or oldest, ``limit`` items that have any of the tokens."""

    def complete(self, beginning: str, limit: int) -> list[str]:
        """The first tokens in their order that begin so."""

    def read(self, refs: Sequence[Ref]) -> Iterable[Candidate]:
        """Those of the items that exist and pass the filters, in any order."""


class Frequencies(NamedTuple):
    """How many items there are, and how many have each word of a query; how near any are by meaning."""

    items: int
    words: tuple[int, ...]
    nearness: Range = Range()


@dataclass(frozen=True, slots=True)
class Scored:
    """An item with its score by words, and how near it is by meaning if it is a candidate by that."""

    candidate: Candidate
    score: Score
    cosine: float | None = None


@dataclass(slots=True)
class _Budget:
    """How many entries may still be read."""

    left: int = MOST_POSTINGS

    def take(self, wanted: int) -> int:
        return max(0, min(wanted, self.left))


@dataclass(slots=True)
class Gathering:
    """Collects candidates, each word's with what its entries are taken to weigh."""

    index: TermIndex
    keywords: Keywords
    frequencies: Frequencies
    budget: _Budget = field(default_factory=_Budget)

    def best(self) -> list[Ref]:
        """Return the candidates that promise most."""
        words = self.keywords.words
        weights: list[dict[Ref, float]] = [{} for _ in words]
        for number in self._by_rarity():
            self._follow(number, weights[number])
        for first, second in pairwise(number for number, word in enumerate(words) if word.paired):
            self._follow_pair(first, second, weights)
        return self._most_promising(weights)

    def newest(self, *, oldest: bool = False) -> list[Ref]:
        """Return the newest, or oldest, candidates, whatever they weigh."""
        numbers = self._by_rarity()
        found: dict[Ref, None] = {}
        for number in numbers:
            tokens = _tokens(self.keywords.words[number], IMPACTS)
            each = max(MOST_PAIRED, MOST_CANDIDATES // len(numbers))
            found.update(dict.fromkeys(self._walk(tokens, each, oldest=oldest)))
        return list(found)

    def _by_rarity(self) -> list[int]:
        """Return the numbers of the words to follow, the rarest first; function words only if alone."""
        words = self.keywords.words
        numbers = [number for number, word in enumerate(words) if not word.is_function_word]
        return sorted(numbers or range(len(words)), key=self.frequencies.words.__getitem__)

    def _follow(self, number: int, weights: dict[Ref, float]) -> None:
        word = self.keywords.words[number]
        if self.frequencies.words[number] <= COMMON:
            weights.update(dict.fromkeys(self._walk(_tokens(word, IMPACTS), COMMON), 1.0))
            return
        for impact in IMPACTS:
            wanted = COMMON - len(weights)
            if wanted > 0:
                for ref in self._walk(_tokens(word, (impact,)), wanted):
                    weights.setdefault(ref, IMPACT_WEIGHTS[impact])

    def _follow_pair(self, first: int, second: int, weights: list[dict[Ref, float]]) -> None:
        """Add the items with a pair of neighbours, unless one of them is rare: those are there already."""
        one, other = self.keywords.words[first], self.keywords.words[second]
        rarer = min(self.frequencies.words[first], self.frequencies.words[second])
        if rarer > COMMON:
            for ref in self._walk([f"p{one.paired}_{other.paired}"], MOST_PAIRED):
                weights[first].setdefault(ref, 1.0)
                weights[second].setdefault(ref, 1.0)

    def _walk(self, tokens: Sequence[str], limit: int, *, oldest: bool = False) -> list[Ref]:
        limit = self.budget.take(limit)
        found = self.index.walk(tokens, limit, oldest=oldest) if limit else []
        self.budget.left -= len(found)
        return found

    def _most_promising(self, weights: Iterable[Mapping[Ref, float]]) -> list[Ref]:
        totals: dict[Ref, float] = {}
        for frequency, items in zip(self.frequencies.words, weights, strict=True):
            share = idf(frequency, self.frequencies.items)
            for ref, weight in items.items():
                totals[ref] = totals.get(ref, 0.0) + share * weight
        return nlargest(MOST_CANDIDATES, totals, key=totals.__getitem__)


def _tokens(word: Keyword, impacts: Iterable[int]) -> list[str]:
    return [f"t{form}!{impact}" for form in word.forms for impact in impacts]


def count_frequencies(indexes: Sequence[TermIndex], keywords: Keywords) -> Frequencies:
    """Return how many items there are and how many have each word, together in some indexes.

    Function words are not counted unless there are no others.
    """
    alone = all(word.is_function_word for word in keywords.words)
    words = tuple(
        sum(_count(index, word.forms) for index in indexes) if alone or not word.is_function_word else 0
        for word in keywords.words
    )
    return Frequencies(sum(_count(index, [""]) for index in indexes), words)


def _count(index: TermIndex, forms: Iterable[str]) -> int:
    """Return how many items have any of the forms, from the largest sample that need not be cut."""
    forms = list(forms)
    largest, one_in = LEVELS[0]
    found = index.count([largest + form for form in forms], SAMPLE)
    if found < LEAST_SAMPLE:
        impacts = IMPACTS if any(forms) else (0,)
        return index.count([f"t{form}!{impact}" for form in forms for impact in impacts], MOST_COUNTED)
    for letter, in_so_many in LEVELS[1:]:
        if found < SAMPLE:
            break
        limit = MOST_COUNTED if letter == LEVELS[-1][0] else SAMPLE
        found, one_in = index.count([letter + form for form in forms], limit), in_so_many
    return found * one_in


def complete(index: TermIndex, keywords: Keywords) -> Keywords:
    """Return the words of a search with what the beginning of its last one may become.

    The commonest words, those that the samples have, come before the others.
    """
    if keywords.prefix is None:
        return keywords
    endings: dict[str, None] = {}
    for letter in [*(letter for letter, _ in reversed(LEVELS)), "t"]:
        left = MOST_COMPLETIONS - len(endings)
        if left > 0:
            found = index.complete(letter + keywords.prefix, left)
            endings.update(dict.fromkeys(token[1:].partition("!")[0] for token in found))
    return keywords.complete(endings)


def score_all(
    index: TermIndex, refs: Sequence[Ref], near: Mapping[Ref, float], scoring: Scoring
) -> Iterator[Scored]:
    """Yield the candidates by words and by meaning that are hits, with their scores."""
    for candidate in index.read(list(dict.fromkeys([*refs, *near]))):
        score = scoring.score(candidate.written)
        cosine = near.get(candidate.ref)
        if score is not None:
            yield Scored(candidate, score, cosine)
        elif cosine is not None and scoring.admits(candidate.written):
            yield Scored(candidate, NO_SCORE, cosine)
