"""What a search asks of a store, and what it gets back."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ..domain.list_items import DialogueItem, MemoryItem, MessageItem
from ..domain.records import Order, Scalar, ScopeFilter, TimeRange
from .keywords import Keywords
from .ranking import Frequencies


class SearchObject(StrEnum):
    """What is searched."""

    DIALOGUE = "dialogue"
    MESSAGE = "message"
    MEMORY = "memory"


class Mode(StrEnum):
    """What decides which items are found, and how they are ranked."""

    KEYWORD = "keyword"
    MEANING = "meaning"
    HYBRID = "hybrid"


class OrderBy(StrEnum):
    """What hits are ordered by."""

    RELEVANCE = "relevance"
    CREATED = "created"
    MODIFIED = "modified"


class Operator(StrEnum):
    """How a metadata field is compared."""

    EQ = "$eq"
    NE = "$ne"
    IN = "$in"
    NIN = "$nin"
    GT = "$gt"
    GTE = "$gte"
    LT = "$lt"
    LTE = "$lte"


@dataclass(frozen=True, slots=True)
class MetadataCondition:
    """One comparison of one top-level metadata field; ``operand`` is a tuple for $in and $nin."""

    field: str
    operator: Operator
    operand: Scalar | tuple[Scalar, ...]


class DialogueRef(NamedTuple):
    """One generation of a dialogue."""

    id: str
    uid: str


class QueryVector(NamedTuple):
    """The vector of what is looked for, in the form of ``meaning.embedder``, and the model that made it."""

    model: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search, resolved.

    ``after`` is the position behind which its results begin, and ``frequencies`` what the words
    were weighed by on the first page, so that all pages are in one order; see ``results``.
    """

    scope_filter: ScopeFilter
    object: SearchObject
    keywords: Keywords
    limit: int
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    created: TimeRange = TimeRange()
    modified: TimeRange = TimeRange()
    has_image: bool | None = None
    metadata: tuple[MetadataCondition, ...] = ()
    order_by: OrderBy = OrderBy.RELEVANCE
    order: Order = Order.DESC
    after: tuple[float | int | str, ...] | None = None
    frequencies: Frequencies | None = None
    mode: Mode = Mode.KEYWORD
    vector: QueryVector | None = None
    """What is looked for by meaning; None for KEYWORD."""
    dialogue: DialogueRef | None = None
    """Keeps a search for messages to those of one dialogue."""

    @property
    def has_filters(self) -> bool:
        """Whether there are conditions beside the words and the scope."""
        tags = self.tags_any or self.tags_all or self.tags_none
        times = self.created != TimeRange() or self.modified != TimeRange()
        others = self.has_image is not None or self.dialogue is not None
        return bool(tags or times or self.metadata or others)

    def vectors_place(self, kind: SearchObject) -> Hashable | None:
        """Return what names the vectors of a kind that are compared; None for those of one dialogue."""
        if self.vector is None or self.dialogue is not None:
            return None
        return kind, self.scope_filter, self.vector.model


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: its relevance (0 to 1) and, for a dialogue, the messages that matched."""

    item: DialogueItem | MessageItem | MemoryItem
    relevance: float
    matches: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits, best first, and what the next page is asked with."""

    hits: list[Hit]
    frequencies: Frequencies
    last: tuple[float | int | str, ...] | None = None
    """The position of the last hit, when there are more behind it."""
