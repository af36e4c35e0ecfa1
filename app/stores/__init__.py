"""The store as the services see it: Protocols that SQLite and MongoDB both implement.

Rules live in the services, once. A store gives them reads, and ``write``: a unit of work that runs
in one transaction and may be run again when the store reports a passing conflict. Inside it the
rule locks the dialogue first, decides on what it then sees, and writes; raising undoes everything.

Every method takes a ``Scope`` or ``ScopeFilter``, or is bound to one, so that no call can leave its
project by omission. ``Catalog`` (projects and keys) and ``Maintenance`` serve the operator and the
authentication, never a client's request for data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..domain.list_items import DialogueItem, MemoryItem, MessageItem
from ..domain.records import (
    Dialogue,
    DialogueListQuery,
    IdempotencyRecord,
    Key,
    Memory,
    MemoryListQuery,
    Message,
    MessageListQuery,
    Page,
    Project,
    Scope,
    ScopeFilter,
    Summary,
    SummaryListQuery,
    Timestamp,
    Tombstone,
)
from ..search.query import Hit, SearchQuery

T = TypeVar("T")

PAGE_BYTES = 8 * 1024 * 1024
"""A page of a list ends early at this many bytes of JSON, but always has one item."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Which uid a dialogue id stands for: the living dialogue's, else the last deleted one's."""

    uid: str
    alive: bool


@dataclass(frozen=True, slots=True)
class Erased:
    """How much an erasure removed."""

    dialogues: int
    messages: int
    memories: int
    summaries: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What GET /stats answers."""

    active: int
    ended: int
    archived: int
    messages: int
    memories: int
    summaries: int


class Transaction(Protocol):
    """One transaction in one Scope. Lock the dialogue first; write message rows last."""

    scope: Scope

    def is_immutable(self) -> bool:
        """Whether the project forbids deleting."""

    def lock_dialogue(self, dialogue_id: str) -> Dialogue | None:
        """Read a dialogue and keep every other writer of it out until this transaction ends."""

    def lock_tombstone(self, dialogue_id: str) -> Tombstone | None:
        """Read and lock the newest tombstone of an id, so that re-creation and thread counts agree."""

    def insert_dialogue(self, dialogue: Dialogue) -> None:
        """Add a new dialogue. If another writer just took the id, the whole work is run again."""

    def save_dialogue(self, dialogue: Dialogue) -> None:
        """Replace the locked dialogue of the same uid; never creates one."""

    def remove_dialogue(self, dialogue: Dialogue, *, purge: bool) -> None:
        """Delete the locked dialogue and leave a tombstone; ``purge`` hides messages and summaries too."""

    def count_threads(self, dialogue_id: str) -> int:
        """How many living dialogues of the scope have this ``thread_of``."""

    def find_messages(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, Message]:
        """The given messages of this generation, by id; missing ones are left out."""

    def find_message(self, dialogue_id: str, message_id: str) -> Message | None:
        """One message by id, of the newest generation that has it and is not purged."""

    def messages_below(self, dialogue: Dialogue, seq: int) -> list[Message]:
        """The messages of this generation whose seq is below the given one, by seq."""

    def newest_messages(self, dialogue: Dialogue, limit: int) -> list[Message]:
        """The last messages in (created, seq) order, oldest first."""

    def messages_through(
        self, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        """The first messages in (created, seq) order through one; ``limit``, and ``take_bytes``, cut."""

    def insert_messages(self, messages: Sequence[Message]) -> None:
        """Add messages to the dialogue that was locked or inserted in this transaction."""

    def save_message(self, message: Message) -> None:
        """Replace one message (its tags, modified, body)."""

    def remove_message(self, message: Message) -> None:
        """Delete one message."""

    def lock_memory(self, memory_id: str) -> Memory | None:
        """Read a memory and keep other writers of it out."""

    def insert_memory(self, memory: Memory) -> None:
        """Add a new memory."""

    def save_memory(self, memory: Memory) -> None:
        """Replace the locked memory."""

    def remove_memory(self, memory_id: str) -> None:
        """Delete the locked memory."""

    def find_summary(self, summary_id: str) -> Summary | None:
        """A summary by id, of any dialogue of the scope that is not purged."""

    def insert_summary(self, summary: Summary) -> None:
        """Add a new summary."""

    def stale_summaries(self, uid: str, seq: int) -> None:
        """Mark every summary of this uid that accounts for the given seq as stale."""

    def erase_namespace(self) -> Erased:
        """Remove everything of the scope's namespace; rows of messages go later, hidden at once."""

    def find_idempotency(self, request: str) -> IdempotencyRecord | None:
        """The unexpired record of an earlier request, and lock its place."""

    def save_idempotency(self, record: IdempotencyRecord) -> None:
        """Keep the answer; replaces an expired record of the same request."""


class Store(Protocol):
    """Reads, and the one way to write."""

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one durable transaction; returns only when it is on disk.

        ``work`` may run more than once and must touch nothing but the transaction. Raises
        ServiceUnavailable when the store is away, read-only, full or too slow.
        """

    def get_dialogue(self, scope: Scope, dialogue_id: str) -> Dialogue | None:
        """One dialogue with its state and embedded messages, in one read."""

    def get_dialogues(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[Dialogue]:
        """Those of the given dialogues that exist, in any order; each is whole, so ask for few."""

    def get_dialogue_items(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[DialogueItem]:
        """The same as lists show them."""

    def list_dialogues(self, listing: DialogueListQuery) -> Page[DialogueItem]:
        """One page of dialogues; threads of the default namespace when thread_of has no namespace."""

    def find_generation(self, scope: Scope, dialogue_id: str) -> Generation | None:
        """Which uid the id stands for now; None if it never existed or was purged."""

    def list_messages(self, scope: Scope, dialogue_id: str, listing: MessageListQuery) -> Page[MessageItem]:
        """One page of the messages of one generation."""

    def get_message(self, scope: Scope, dialogue_id: str, message_id: str) -> Message | None:
        """One message by id, of the newest generation that has it and is not purged."""

    def messages_since(self, scope: Scope, dialogue_id: str, uid: str, after_seq: int) -> Iterator[Message]:
        """The messages of a generation accepted after ``after_seq``, by seq, a batch at a time."""

    def get_memory(self, scope: Scope, memory_id: str) -> Memory | None:
        """One memory."""

    def list_memories(self, listing: MemoryListQuery) -> Page[MemoryItem]:
        """One page of memories."""

    def get_summary(self, scope: Scope, summary_id: str) -> Summary | None:
        """One summary that is not purged."""

    def list_summaries(self, scope: Scope, dialogue_id: str, listing: SummaryListQuery) -> Page[Summary]:
        """One page of the summaries of one generation."""

    def latest_summary(self, scope: Scope, dialogue_id: str, uid: str) -> Summary | None:
        """The newest completed, unranged summary (stale or not) to build on."""

    def search(self, query: SearchQuery) -> list[Hit]:
        """The best hits, best first; the store applies filters, order, limit and ``take_hits``."""

    def stats(self, scope_filter: ScopeFilter) -> Counts:
        """Counts by kind and status."""


class Catalog(Protocol):
    """Projects and keys."""

    def create_project(self, project: Project) -> bool:
        """Add a project; False when the name is taken."""

    def get_project(self, name: str) -> Project | None:
        """One project, unless it is gone or being removed."""

    def list_projects(self) -> list[Project]:
        """All projects by name."""

    def set_immutable(self, name: str, *, immutable: bool) -> bool:
        """Set the flag; False when there is no such project."""

    def delete_project(self, name: str) -> bool:
        """Close a project at once, then remove all its data; its keys stay and answer 404."""

    def create_key(self, key: Key) -> None:
        """Add a key."""

    def list_keys(self, project: str | None = None) -> list[Key]:
        """The keys of one project or of all, oldest first."""

    def revoke_key(self, key_id: str, when: Timestamp) -> bool:
        """Revoke from ``when`` on, or from an earlier revocation on; False when there is no such key."""

    def find_key(self, key_hash: str) -> tuple[Key, Project | None] | None:
        """A key by the hash of its text, with its project (None: removed)."""

    def touch_key(self, key_id: str, when: Timestamp) -> None:
        """Note that the key was used."""

    def is_empty(self) -> bool:
        """Whether there is neither a project nor a key yet."""


class Maintenance(Protocol):
    """What the operator and the process need."""

    def migrate(self) -> int:
        """Create or upgrade schema and indexes, once however many start together; the version."""

    def check_ready(self) -> None:
        """Return if the store answers, is migrated and can be written; else ServiceUnavailable."""

    def cursor_secret(self) -> bytes:
        """The random secret, made with the store, that signs list cursors."""

    def sweep(self, rows: int = 1000) -> int:
        """Remove up to ``rows`` rows that purges have hidden; how many were removed (0: done)."""

    def iterate_dialogues(self, scope_filter: ScopeFilter) -> Iterator[Dialogue]:
        """Every dialogue by (created, namespace, id), a batch at a time."""

    def iterate_tombstones(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, Tombstone]]:
        """Every tombstone."""

    def iterate_memories(self, scope_filter: ScopeFilter) -> Iterator[Memory]:
        """Every memory."""

    def index_problems(self, project: str) -> list[str]:
        """What of a project the search index does not hold as it is stored, in words."""

    def reindex(self) -> int:
        """Make the search index anew from what is stored, for all projects; how many entries."""

    def start_up_lock(self) -> AbstractContextManager[None]:
        """Hold the lock that start-up work is done under, across processes."""

    def close(self) -> None:
        """Give back connections; the store may not be used after it."""


class Backend(Store, Catalog, Maintenance, Protocol):
    """All three roles in one object, as ``app/__init__`` opens it."""
