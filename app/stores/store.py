"""The Protocol of the store that services read from and write to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..domain.list_items import DialogueItem, MemoryItem, MessageItem, NamespaceItem
from ..domain.list_queries import (
    DialogueListQuery,
    MemoryListQuery,
    MessageListQuery,
    NamespaceListQuery,
    Page,
    SummaryListQuery,
)
from ..domain.records import (
    Dialogue,
    IdempotencyRecord,
    Memory,
    Message,
    Scope,
    ScopeFilter,
    Summary,
    TimeRange,
)
from ..search.query import DialogueRef, Found, SearchQuery
from .transaction import Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Generation:
    """Which uid a dialogue id stands for: the living dialogue's, else the last deleted one's."""

    uid: str
    alive: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """What GET /stats answers."""

    active: int
    ended: int
    archived: int
    messages: int
    memories: int
    summaries: int


class Store(Protocol):
    """What services read, and the one way to write.

    Every method raises ServiceUnavailable when the store is away, read-only, full or too slow.
    """

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one durable transaction; returns only when it is on disk.

        ``work`` may run more than once and must touch nothing but the transaction. What it raises
        undoes everything and is raised here.
        """

    def get_dialogue(self, scope: Scope, dialogue_id: str) -> Dialogue | None:
        """One dialogue with its state and embedded messages, in one read."""

    def get_dialogues(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[Dialogue]:
        """Those of the given dialogues that exist, in any order; each is whole, so ask for few."""

    def get_dialogue_items(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[DialogueItem]:
        """The same as lists show them."""

    def list_dialogues(self, query: DialogueListQuery) -> Page[DialogueItem]:
        """One page of dialogues; threads of the default namespace when thread_of has no namespace."""

    def find_generation(self, scope: Scope, dialogue_id: str) -> Generation | None:
        """Which uid the id stands for now; None if it never existed or was purged."""

    def list_messages(self, scope: Scope, dialogue_id: str, query: MessageListQuery) -> Page[MessageItem]:
        """One page of the messages of a generation that was just found, so that it need not be looked for."""

    def get_message(self, scope: Scope, dialogue_id: str, message_id: str) -> Message | None:
        """One message by id, of the newest generation that has it and is not purged."""

    def messages_since(self, scope: Scope, dialogue_id: str, uid: str, after_seq: int) -> Iterator[Message]:
        """The messages of a generation accepted after ``after_seq``, by seq, a batch at a time."""

    def messages_through(
        self, scope: Scope, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        """The same as a transaction's."""

    def get_memory(self, scope: Scope, memory_id: str) -> Memory | None:
        """One memory."""

    def list_memories(self, query: MemoryListQuery) -> Page[MemoryItem]:
        """One page of memories."""

    def get_summary(self, scope: Scope, summary_id: str) -> Summary | None:
        """One summary that is not purged."""

    def list_summaries(self, scope: Scope, dialogue_id: str, query: SummaryListQuery) -> Page[Summary]:
        """One page of the summaries of one generation."""

    def latest_summary(self, scope: Scope, dialogue_id: str, uid: str) -> Summary | None:
        """The newest completed, unranged summary (stale or not) to build on."""

    def find_idempotency(self, scope: Scope, request: str) -> IdempotencyRecord | None:
        """The unexpired record of an earlier request, found without locking its place."""

    def search(self, query: SearchQuery) -> Found:
        """One page of hits in order, cut by limit and ``take_hits``; none without words to look for."""

    def mean_vector(self, scope: Scope, dialogue: DialogueRef, model: str, dimensions: int) -> bytes | None:
        """The direction that a dialogue and its messages have together; None if none is embedded."""

    def count_vectors(self, scope_filter: ScopeFilter, model: str) -> int:
        """How many items are embedded by a model."""

    def list_namespaces(self, query: NamespaceListQuery) -> Page[NamespaceItem]:
        """One page of the namespaces that hold a dialogue or a memory."""

    def count_begun(
        self, scope_filter: ScopeFilter, times: TimeRange
    ) -> tuple[dict[str, int], dict[str, int]]:
        """How many dialogues, and messages, were created on each day (UTC) of a time, counted on indexes."""

    def stats(self, scope_filter: ScopeFilter) -> Counts:
        """Counts by kind and status."""
