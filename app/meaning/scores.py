"""How near items are to a query, and the nearest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from .blocks import Floats, Numbers

DIGITS: Final = 5
"""To how many decimal digits a cosine is rounded: half precision gives no more."""

SORTED_AT_ONCE: Final = 2000
"""How many of the nearest are put in order before the others are."""


class Scores:
    """How near the items of a set of vectors are to a query: the cosine of the nearest piece of each."""

    def __init__(self, seqs: Numbers, scores: Floats) -> None:
        self._seqs = seqs
        self._scores = scores

    @property
    def count(self) -> int:
        """How many items there are."""
        return len(self._seqs)

    def among(self, seqs: Sequence[int]) -> Scores:
        """Return the scores of those of the items that are given; others may be, too."""
        given = np.isin(self._seqs, np.array(seqs, np.int64))
        return Scores(self._seqs[given], self._scores[given])

    def until(self, seq: int) -> Scores:
        """Return the scores of the items up to a number."""
        early = self._seqs <= seq
        return Scores(self._seqs[early], self._scores[early])

    def nearest_first(self, step: int) -> Iterator[list[tuple[int, float]]]:
        """Yield items by number with their scores, about ``step`` at a time, equal ones together."""
        seqs, scores = self._seqs, self._scores
        while len(scores):
            least = _nth_largest(scores, SORTED_AT_ONCE)
            first = scores >= least
            yield from _batches(seqs[first], scores[first], step)
            seqs, scores = seqs[~first], scores[~first]


def _nth_largest(scores: Floats, count: int) -> np.float32:
    if len(scores) <= count:
        return np.float32(scores.min())
    place = len(scores) - count
    return np.float32(np.partition(scores, place)[place])


def _batches(seqs: Numbers, scores: Floats, step: int) -> Iterator[list[tuple[int, float]]]:
    order = np.lexsort((-seqs, -scores))
    pairs = list(
        zip(seqs[order].tolist(), np.round(scores[order].astype(np.float64), DIGITS).tolist(), strict=True)
    )
    start = 0
    while start < len(pairs):
        end = min(start + step, len(pairs))
        while end < len(pairs) and pairs[end][1] == pairs[end - 1][1]:
            end += 1
        yield pairs[start:end]
        start = end
