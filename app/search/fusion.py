"""One order of what words and meaning find.

    value = (nearness + WORDS * share * relevance) / (1 + WORDS)

Nearness is how near an item is by meaning, from that of the last candidate (0) to that of the nearest (1).
Words add to it as far as an item has what the query says, which is its coverage: all of the words almost
always mean what is looked for, and some of a long question say nothing. So the share that words have
grows from 0 for the least coverage that counts to 1 for all of the query. Reciprocal rank fusion knows no
such difference: it lets any item in that has a common word of the question. Below the least coverage words
keep only a trace: of items that have no vectors, or are equally near, those with the best words come first.

A message of few words is near many questions because it says little ("Any preferred one?"). So the distance
of a message grows the more, the fewer words it has; one that says the same as the query stays nearest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

WORDS: Final = 5.0
"""How much words count, beside meaning, for an item that says what is asked and hardly more."""

LEAST_COVERAGE: Final = 0.5
"""An item that has less of a query counts by its meaning alone: questions in other words share some, too."""

FEW_WORDS: Final = 2
LEAST_OF_FEW: Final = 0.3
"""The same of a query of up to so many words: one of two may be misspelt, and then weighs the most."""

TRACE: Final = 1e-6
"""The share of words below that, for each part of a query: less than what a vector is exact to."""

BREVITY: Final = 1.5
"""By how much a single word is farther away than many words; by half of it two, by a third of it three."""


def weigh_cosine(cosine: float, words: int) -> float:
    """Return what the cosine of a message of so many words counts: the same for 1, else less; down to -4."""
    return 1 - (1 - cosine) * (1 + BREVITY / words)


class Range(NamedTuple):
    """The cosines of the last and of the nearest candidate by meaning, between which an item is placed."""

    last: float = 1.0
    nearest: float = 1.0

    def place(self, cosine: float | None) -> float:
        """Return where a cosine is in the range, from 0 to 1; None is that of an item without vectors."""
        if cosine is None or cosine < self.last:
            return 0.0
        width = self.nearest - self.last
        return min(1.0, (cosine - self.last) / width) if width else 1.0


def range_of(cosines: Iterable[float]) -> Range:
    """Return the range of all candidates; of none, nothing is near."""
    found = list(cosines)
    return Range(min(found), max(found)) if found else Range()


def least_coverage(words: int) -> float:
    """Return the least coverage that counts, of a query in which so many words say something."""
    return LEAST_COVERAGE if words > FEW_WORDS else LEAST_OF_FEW


class Finding(NamedTuple):
    """What is known of an item: by words its relevance and coverage, from 0 to 1, by meaning its cosine."""

    relevance: float
    coverage: float
    cosine: float | None


def fuse(finding: Finding, nearness: Range, least: float) -> float:
    """Return the value of an item, from 0 to 1; it grows with each of what is known.

    Words count above the ``least`` coverage.
    """
    share = max(TRACE * finding.coverage, (finding.coverage - least) / (1 - least))
    return (nearness.place(finding.cosine) + WORDS * share * finding.relevance) / (1 + WORDS)
