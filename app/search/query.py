"""What a search asks of a store, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..domain.list_items import DialogueItem, MemoryItem, MessageItem
from ..domain.records import Order, ScopeFilter, TimeRange


class SearchObject(StrEnum):
    """What is searched."""

    DIALOGUE = "dialogue"
    MESSAGE = "message"
    MEMORY = "memory"


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


Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class MetadataCondition:
    """One comparison of one top-level metadata field; ``operand`` is a tuple for $in and $nin."""

    field: str
    operator: Operator
    operand: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search, resolved: ``terms`` are stems, any of which may match."""

    scope_filter: ScopeFilter
    object: SearchObject
    terms: tuple[str, ...]
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


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: its relevance (0 to 1) and, for a dialogue, the messages that matched."""

    item: DialogueItem | MessageItem | MemoryItem
    relevance: float
    matches: tuple[MessageItem, ...] = ()
