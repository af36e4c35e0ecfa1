"""The Protocol of the queue of what is still to be embedded, and of the vectors that were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from ..meaning.matrices import Matrices

MOST_CHARACTERS: Final = 1_000_000
"""With how many characters a batch of texts ends."""

MOST_ORPHANS: Final = 1000
"""How many vectors without an item one step removes."""


class Queued(NamedTuple):
    """An item that is to be embedded: what its entry is taken out with, and its text."""

    ticket: Any
    text: str


class Progress(NamedTuple):
    """How far the items of a project are embedded by a model."""

    waiting: int
    """How many have an entry in the queue."""
    unqueued: int
    """How many have neither vectors nor an entry: those to which the walk through everything will come."""
    orphans: int
    """How many vectors are of items that do not exist."""
    is_walked: bool
    """Whether that walk has ended, so that none may be unqueued."""


def take_texts(entries: Iterable[Queued]) -> list[Queued]:
    """Return the first entries, at least one, whose texts have no more than MOST_CHARACTERS together."""
    taken: list[Queued] = []
    size = 0
    for entry in entries:
        taken.append(entry)
        size += len(entry.text)
        if size > MOST_CHARACTERS:
            break
    return taken


class VectorQueue(Protocol):
    """Upkeep of vectors, for all projects. An item has at most one entry or vectors of a model.

    A change of what an item says removes its vectors of every model, and its removal does, in the same
    transaction. Every method raises ServiceUnavailable when the store is away or too slow.
    """

    def queue_for(self, model: str | None, matrices: Matrices | None = None) -> None:
        """From now on queue what this process writes for a model, or with None nothing.

        Searches by meaning keep vectors in the ``matrices``, without which they find nothing.
        """

    def queues_for(self) -> str | None:
        """The model that this process queues for."""

    def claim_queue(self, model: str, holder: str, seconds: float) -> bool:
        """Whether the holder may embed for so many seconds: nobody else has claimed the model's queue."""

    def queued(self, model: str, limit: int) -> list[Queued]:
        """The first entries with the texts of their items; entries of items that are gone are removed."""

    def save_vectors(self, made: Sequence[tuple[Any, bytes]]) -> int:
        """Replace entries by vectors, all pieces of an item in a row; how many were.

        An entry that is not there any more has been removed with its item, or replaced since that changed.
        """

    def begin_filling(self, model: str) -> None:
        """Walk through everything, for what has neither vectors nor an entry, unless that is under way."""

    def fill_queue(self, model: str, rows: int = 500) -> int:
        """Walk past up to ``rows`` items; how many were looked at (0: the walk has ended)."""

    def drop_other_vectors(self, model: str, rows: int = 1000) -> int:
        """Remove up to ``rows`` vectors and entries of models that no server has claimed for an hour.

        Nothing is removed before everything is embedded by ``model``.
        """

    def count_queued(self, model: str) -> int:
        """How many entries there are."""

    def embedding_progress(self, project: str, model: str) -> Progress:
        """How far a project is embedded, counted one by one; what changes meanwhile counts as right."""

    def drop_orphans(self) -> int:
        """Remove up to MOST_ORPHANS vectors of items that do not exist; how many were."""


class QueuedModel:
    """What a store of either kind remembers of ``VectorQueue.queue_for``."""

    _model: str | None = None
    _matrices: Matrices | None = None

    def queue_for(self, model: str | None, matrices: Matrices | None = None) -> None:
        """See ``VectorQueue``."""
        self._model = model
        self._matrices = matrices

    def queues_for(self) -> str | None:
        """See ``VectorQueue``."""
        return self._model
