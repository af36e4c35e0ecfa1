"""The items whose vectors are nearest to that of a query, exactly.

How near everything is that a search covers is worked out from vectors in memory. Then the store is asked
for items, nearest first, until enough of them exist and pass the filters.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from ..domain.records import Scope, ScopeFilter
from .keywords import Keywords
from .query import DialogueRef, QueryVector, SearchObject, SearchQuery
from .ranking import Ref, TermIndex
from .results import kinds_of

if TYPE_CHECKING:
    from ..meaning.matrices import Matrices
    from ..meaning.scores import Scores

STEP: Final = 1000
"""About how many items the store is asked for at once."""

MOST_WALKED: Final = 10_000
"""How many of the nearest items the store is asked for at most: to these the filters are applied.

Where filters that an index serves leave no more items than this, to all of them.
"""


class VectorIndex(TermIndex, Protocol):
    """The index of one kind of items, with their vectors by the model of the search."""

    @property
    def place(self) -> Hashable | None:
        """What names its vectors, the reach of the search, the kind and the model; None for few of them."""

    def vectors_after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """The first vectors whose number is larger, by number, all pieces of an item in a row."""

    def refs_of(self, seqs: Sequence[int]) -> Mapping[int, Ref]:
        """The items that have these vectors still; None for those that do not pass the filters."""

    def narrowed(self, limit: int) -> Sequence[int] | None:
        """The vectors of all items of the project that the filters leave, maybe of others.

        None without a filter that has an index, and where each of these leaves more items than ``limit``.
        """


class VectorIndexes(Protocol):
    """The indexes of a store with their vectors."""

    def index(self, kind: SearchObject, *, filtered: bool) -> VectorIndex:
        """The index of a kind, within the reach of the search; its filters apply if ``filtered``."""


class Nearness:
    """How near all that a search covers is to it; see ``search.results.Vectors``.

    It is worked out before the items are read: what is gone by then has been removed meanwhile. Vectors whose
    number is larger than ``until`` are passed over: they were made after the first page of a search.
    """

    def __init__(self, matrices: Matrices, indexes: VectorIndexes, query: SearchQuery, vector: bytes) -> None:
        self._matrices = matrices
        self._indexes = indexes
        self._has_filters = query.has_filters
        self.newest = 0
        until = None if query.frequencies is None else query.frequencies.newest
        opened = {kind: indexes.index(kind, filtered=False) for kind in kinds_of(query)}
        scores = {kind: matrices.scores(index.place, index, vector) for kind, index in opened.items()}
        self._scores: dict[SearchObject, Scores] = (
            scores if until is None else {kind: found.until(until) for kind, found in scores.items()}
        )

    def nearest(self, kind: SearchObject, limit: int, *, filtered: bool) -> dict[Ref, float]:
        """Return about ``limit`` items of a kind, those that are equally near together.

        Messages that are searched for the sake of their dialogues pass the filters where these do.
        """
        index = self._indexes.index(kind, filtered=filtered)
        scores = self._scores[kind]
        for_dialogues = self._has_filters and not filtered
        found = self._walk(index, scores, limit, for_dialogues=for_dialogues)
        if len(found) < limit and scores.count > MOST_WALKED:
            narrowed = index.narrowed(MOST_WALKED)
            if narrowed is not None:
                found = self._walk(index, scores.among(narrowed), limit, for_dialogues=for_dialogues)
        return found

    def _walk(
        self, index: VectorIndex, scores: Scores, limit: int, *, for_dialogues: bool
    ) -> dict[Ref, float]:
        """Return about ``limit`` of the first MOST_WALKED items that pass."""
        found: dict[Ref, float] = {}
        walked = 0
        for batch in scores.nearest_first(STEP):
            cosines = dict(batch)
            refs = index.refs_of(list(cosines))
            self._matrices.forget(index.place, cosines.keys() - refs.keys())
            passing = {seq: ref for seq, ref in refs.items() if ref is not None}
            if for_dialogues:
                passing = self._of_passing_dialogues(index, passing)
            found |= {ref: cosines[seq] for seq, ref in passing.items()}
            self.newest = max(self.newest, *passing, 0)
            walked += len(cosines)
            if len(found) >= limit or walked >= MOST_WALKED:
                break
        return found

    def _of_passing_dialogues(self, messages: VectorIndex, refs: Mapping[int, Ref]) -> dict[int, Ref]:
        parents = {one.ref: one.parent for one in messages.read(list(refs.values()))}
        asked = [parent for parent in dict.fromkeys(parents.values()) if parent is not None]
        dialogues = self._indexes.index(SearchObject.DIALOGUE, filtered=True)
        passing = {one.ref for one in dialogues.read(asked)}
        return {seq: ref for seq, ref in refs.items() if parents.get(ref) in passing}


def mean_vector(matrices: Matrices, indexes: VectorIndexes, dimensions: int) -> bytes | None:
    """Return the direction of the dialogue that a search is kept to: of itself and its messages together."""
    kinds = (SearchObject.DIALOGUE, SearchObject.MESSAGE)
    return matrices.mean([indexes.index(kind, filtered=False) for kind in kinds], dimensions)


def of_dialogue(scope: Scope, dialogue: DialogueRef, model: str) -> SearchQuery:
    """Return the search that is kept to the vectors of a dialogue."""
    scope_filter = ScopeFilter(scope.project, scope.namespace)
    vector = QueryVector(model, b"")
    return SearchQuery(scope_filter, SearchObject.MESSAGE, Keywords(), 1, vector=vector, dialogue=dialogue)
