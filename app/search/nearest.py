"""The items whose vectors are nearest to that of a query, exactly.

How near everything is that a search covers is worked out from vectors in memory. Then the store is asked
for items, nearest first, until enough of them exist and pass the filters.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from ..domain.records import Scope, ScopeFilter
from .keywords import Keywords
from .query import DialogueRef, QueryVector, SearchObject, SearchQuery
from .ranking import Ref, TermIndex

if TYPE_CHECKING:
    from ..meaning.matrices import Matrices
    from ..meaning.scores import Scores

STEP: Final = 1000
"""About how many items the store is asked for at once."""

MOST_WALKED: Final = 10_000
"""How many of the nearest items the store is asked for at most: to these the filters are applied."""


class VectorIndex(TermIndex, Protocol):
    """The index of one kind of items, with their vectors by the model of the search."""

    @property
    def place(self) -> Hashable | None:
        """What names its vectors, the reach of the search, the kind and the model; None for few of them."""

    def vectors_after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """The first vectors whose number is larger, by number, all pieces of an item in a row."""

    def refs_of(self, seqs: Sequence[int]) -> Mapping[int, Ref]:
        """The items that have these vectors still; None for those that do not pass the filters."""


class VectorIndexes(Protocol):
    """The indexes of a store with their vectors."""

    def index(self, kind: SearchObject, *, filtered: bool) -> VectorIndex:
        """The index of a kind, within the reach of the search; its filters apply if ``filtered``."""


class Nearness:
    """How near all that a search covers is to it; see ``search.results.Vectors``.

    It is worked out before the items are read: what is gone by then has been removed meanwhile. Vectors whose
    number is larger than ``until`` are passed over: they were made after the first page of a search.
    """

    def __init__(
        self,
        matrices: Matrices,
        indexes: VectorIndexes,
        kinds: Iterable[SearchObject],
        vector: bytes,
        until: int | None = None,
    ) -> None:
        self._matrices = matrices
        self._indexes = indexes
        self.newest = 0
        opened = {kind: indexes.index(kind, filtered=False) for kind in kinds}
        scores = {kind: matrices.scores(index.place, index, vector) for kind, index in opened.items()}
        self._scores: dict[SearchObject, Scores] = (
            scores if until is None else {kind: found.until(until) for kind, found in scores.items()}
        )

    def nearest(self, kind: SearchObject, limit: int, *, filtered: bool) -> dict[Ref, float]:
        """Return about ``limit`` items of a kind, those that are equally near together."""
        index = self._indexes.index(kind, filtered=filtered)
        found: dict[Ref, float] = {}
        walked = 0
        for batch in self._scores[kind].nearest_first(STEP):
            scores = dict(batch)
            refs = index.refs_of(list(scores))
            self._matrices.forget(index.place, scores.keys() - refs.keys())
            passing = {seq: ref for seq, ref in refs.items() if ref is not None}
            found |= {ref: scores[seq] for seq, ref in passing.items()}
            self.newest = max(self.newest, *passing, 0)
            walked += len(scores)
            if len(found) >= limit or walked >= MOST_WALKED:
                break
        return found


def mean_vector(matrices: Matrices, indexes: VectorIndexes, dimensions: int) -> bytes | None:
    """Return the direction of the dialogue that a search is kept to: of itself and its messages together."""
    kinds = (SearchObject.DIALOGUE, SearchObject.MESSAGE)
    return matrices.mean([indexes.index(kind, filtered=False) for kind in kinds], dimensions)


def of_dialogue(scope: Scope, dialogue: DialogueRef, model: str) -> SearchQuery:
    """Return the search that is kept to the vectors of a dialogue."""
    scope_filter = ScopeFilter(scope.project, scope.namespace)
    vector = QueryVector(model, b"")
    return SearchQuery(scope_filter, SearchObject.MESSAGE, Keywords(), 1, vector=vector, dialogue=dialogue)
