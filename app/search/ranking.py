"""Ranking by words: a bounded number of candidates from the index, then an exact score for each.

Whatever a store holds, a search reads at most MOST_POSTINGS entries of the index and scores at most
MOST_CANDIDATES items. Rare words are followed wholly. Of a common word the heaviest entries are
read, the newest first among equals; pairs of neighbouring words have entries of their own, so that
common words which stand together are found together. How common a word is, samples in the index
tell. All of this is the same code over the same tokens for every store, and so is the result.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import chain, pairwise
from typing import Final, NamedTuple, Protocol

from .fusion import Range, weigh_cosine
from .keywords import MOST_COMPLETIONS, Keywords
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

IMPACT_WEIGHTS: Final = {3: 1.6, 2: 1.2, 1: 0.8, 0: 0.4}
"""What an entry of an impact is taken to weigh before its item is scored."""

GUESSED_WEIGHT: Final = 0.4
"""The same of an entry of a common word's guessed stem."""

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


class Look(NamedTuple):
    """One look into the index: at up to ``limit`` items that have any of the tokens."""

    tokens: Sequence[str]
    limit: int


class TermIndex(Protocol):
    """The index of one kind of items under one mark, as a store reads it; filters are applied.

    Looks that do not depend on each other are asked for together, since a database far away answers all of
    them at once.
    """

    is_filtered: bool
    """Whether there are filters, so that a walk may find fewer items than have a token."""

    def count(self, looks: Sequence[Look]) -> list[int]:
        """How many items each look has, filters left aside."""

    def walk(self, looks: Sequence[Look], *, oldest: bool = False) -> list[list[Ref]]:
        """The newest, or oldest, items of each look, in that order."""

    def complete(self, beginning: str, limit: int) -> list[str]:
        """The first tokens in their order that begin so."""

    def read(self, refs: Sequence[Ref]) -> Iterable[Candidate]:
        """Those of the items that exist and pass the filters, in any order."""


class Frequencies(NamedTuple):
    """How many items there are, and how many have each word of a query; how near any are by meaning.

    ``newest`` is the largest number of a candidate's vectors: what was embedded later is left to other
    searches. None while no bound is known.
    """

    items: int
    words: tuple[int, ...]
    nearness: Range = Range()
    newest: int | None = None


class Scored(NamedTuple):
    """An item with its score by words, and what its cosine counts if it is a candidate by meaning."""

    candidate: Candidate
    score: Score
    cosine: float | None = None


@dataclass(slots=True)
class Gathering:
    """Collects candidates, each word's with what its entries are taken to weigh."""

    index: TermIndex
    keywords: Keywords
    frequencies: Frequencies
    found: Mapping[int, list[Ref]]
    """All items with some of the words, by their numbers."""
    read: int = 0
    """How many entries have been read."""

    def best(self) -> list[Ref]:
        """Return the candidates that promise most."""
        weights: list[dict[Ref, float]] = [{} for _ in self.keywords.words]
        numbers = self._by_rarity()
        rare = [number for number in numbers if self._is_rare(number)]
        self._follow_rare(rare, weights)
        self._follow_common(numbers[len(rare) :], weights)
        self._follow_pairs(weights)
        return self._most_promising(weights)

    def newest(self, *, oldest: bool = False) -> list[Ref]:
        """Return the newest, or oldest, candidates, whatever they weigh."""
        numbers = self._by_rarity()
        each = max(MOST_PAIRED, MOST_CANDIDATES // len(numbers))
        words = [self.keywords.words[number] for number in numbers]
        looks = [Look(_tokens(word.own_forms, IMPACTS), each) for word in words]
        own = self._walk(looks, oldest=oldest)
        looks = [
            Look(_tokens(word.guesses, IMPACTS), each - len(refs))
            for word, refs in zip(words, own, strict=True)
            if word.guesses and len(refs) < each
        ]
        guessed = self._walk(looks, oldest=oldest)
        return list(dict.fromkeys(chain.from_iterable([*own, *guessed])))

    def _by_rarity(self) -> list[int]:
        """Return the numbers of the words to follow, the rarest first; function words only if alone."""
        words = self.keywords.words
        numbers = [number for number, word in enumerate(words) if not word.is_function_word]
        return sorted(numbers or range(len(words)), key=self.frequencies.words.__getitem__)

    def _is_rare(self, number: int) -> bool:
        return self.frequencies.words[number] <= COMMON

    def _follow_rare(self, rare: Iterable[int], weights: Sequence[dict[Ref, float]]) -> None:
        """Add all items with some rare words; where these were counted one by one, they are known."""
        walked: dict[int, Iterable[str]] = {}
        for number in rare:
            if number in self.found:
                refs = self.found[number][: MOST_POSTINGS - self.read]
                self.read += len(refs)
                weights[number].update(dict.fromkeys(refs, 1.0))
            else:
                walked[number] = self.keywords.words[number].forms
        self._follow(walked, IMPACTS, 1.0, weights)

    def _follow_common(self, numbers: Iterable[int], weights: Sequence[dict[Ref, float]]) -> None:
        """Add the items in which common words weigh most; by guessed stems only where there are too few."""
        words = {number: self.keywords.words[number] for number in numbers}
        own = {number: word.own_forms for number, word in words.items()}
        for impact in IMPACTS:
            self._follow(own, (impact,), IMPACT_WEIGHTS[impact], weights)
        guesses = {number: word.guesses for number, word in words.items() if word.guesses}
        self._follow(guesses, IMPACTS, GUESSED_WEIGHT, weights)

    def _follow(
        self,
        wanted: Mapping[int, Iterable[str]],
        impacts: Sequence[int],
        weight: float,
        weights: Sequence[dict[Ref, float]],
    ) -> None:
        """Add items in which some forms of words have one of the impacts, until there are enough of each."""
        numbers = [number for number in wanted if len(weights[number]) < COMMON]
        looks = [Look(_tokens(wanted[number], impacts), COMMON - len(weights[number])) for number in numbers]
        for number, refs in zip(numbers, self._walk(looks), strict=True):
            for ref in refs:
                weights[number].setdefault(ref, weight)

    def _follow_pairs(self, weights: Sequence[dict[Ref, float]]) -> None:
        """Add the items with pairs of neighbours, unless one of them is rare: those are there already."""
        words = self.keywords.words
        neighbours = pairwise(number for number, word in enumerate(words) if word.paired)
        pairs = [pair for pair in neighbours if not any(map(self._is_rare, pair))]
        looks = [
            Look([f"p{words[first].paired}_{words[second].paired}"], MOST_PAIRED) for first, second in pairs
        ]
        for pair, refs in zip(pairs, self._walk(looks), strict=True):
            for number in pair:
                for ref in refs:
                    weights[number].setdefault(ref, 1.0)

    def _walk(self, looks: Sequence[Look], *, oldest: bool = False) -> list[list[Ref]]:
        """Return what the looks find, together as many of them as the budget covers for certain."""
        found: list[list[Ref]] = []
        while len(found) < len(looks) and self.read < MOST_POSTINGS:
            together: list[Look] = []
            room = MOST_POSTINGS - self.read
            for look in looks[len(found) :]:
                if look.limit > room and together:
                    break
                together.append(look._replace(limit=min(look.limit, room)))
                room -= together[-1].limit
            found += self.index.walk(together, oldest=oldest)
            self.read += sum(map(len, found[-len(together) :]))
        return found + [[] for _ in looks[len(found) :]]

    def _most_promising(self, weights: Iterable[Mapping[Ref, float]]) -> list[Ref]:
        totals: dict[Ref, float] = {}
        for frequency, items in zip(self.frequencies.words, weights, strict=True):
            share = idf(frequency, self.frequencies.items)
            for ref, weight in items.items():
                totals[ref] = totals.get(ref, 0.0) + share * weight
        return nlargest(MOST_CANDIDATES, totals, key=totals.__getitem__)


def _tokens(forms: Iterable[str], impacts: Sequence[int]) -> list[str]:
    return [f"t{form}!{impact}" for form in forms for impact in impacts]


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
    index: TermIndex, refs: Sequence[Ref], near: Mapping[Ref, float], scoring: Scoring, *, said: bool
) -> Iterator[Scored]:
    """Yield the candidates by words and by meaning that are hits; those that are ``said`` are messages."""
    for candidate in index.read(list(dict.fromkeys([*refs, *near]))):
        score = scoring.score(candidate.written)
        cosine = near.get(candidate.ref)
        if said and cosine is not None:
            cosine = weigh_cosine(cosine, candidate.written.count(" ") + 1)
        if score is not None:
            yield Scored(candidate, score, cosine)
        elif cosine is not None and scoring.admits(candidate.written):
            yield Scored(candidate, NO_SCORE, cosine)
