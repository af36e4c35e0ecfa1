"""What a check of the whole store reads: each dialogue, living or deleted, with its messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from ..domain.json_text import compact_json
from ..domain.list_queries import DialogueListQuery
from ..domain.records import Dialogue, JsonText, Message, Scope, ScopeFilter, Timestamp, Tombstone

if TYPE_CHECKING:
    from .store import Store

THREADS_PAGE: Final = 500


class StoredMessage(NamedTuple):
    """The JSON of a message, and what is stored beside it of the same; tags are JSON, too."""

    id: str
    seq: int
    role: str
    tags: JsonText
    metadata: JsonText
    created: Timestamp
    modified: Timestamp
    body: JsonText


@dataclass(frozen=True, slots=True)
class Contents:
    """A dialogue, or what remains of a deleted one, how many threads it has, and its messages by ``seq``."""

    scope: Scope
    owner: Dialogue | Tombstone
    threads: int
    messages: Iterator[StoredMessage]

    @property
    def dialogue_id(self) -> str:
        """The id of the dialogue, living or deleted."""
        return self.owner.id if isinstance(self.owner, Dialogue) else self.owner.dialogue_id


def contents_of(store: Store, scope: Scope, owner: Dialogue | Tombstone) -> Contents:
    """Return what a dialogue has, read now and as it is walked through."""
    if isinstance(owner, Tombstone):
        messages = store.messages_since(scope, owner.dialogue_id, owner.uid, -1)
        return Contents(scope, owner, 0, map(_stored, messages))
    threads = count_threads(store, scope, owner.id)
    return Contents(scope, owner, threads, map(_stored, store.messages_since(scope, owner.id, owner.uid, -1)))


def _stored(message: Message) -> StoredMessage:
    tags = JsonText(compact_json(list(message.tags)))
    stored = (message.role, tags, message.metadata, message.created, message.modified, message.body)
    return StoredMessage(message.id, message.seq, *stored)


def count_threads(store: Store, scope: Scope, dialogue_id: str) -> int:
    """Return how many dialogues of the scope are threads of one, those included that await the sweeper."""
    scope_filter = ScopeFilter(scope.project, scope.namespace)
    count, after = 0, None
    while True:
        query = DialogueListQuery(
            scope_filter, THREADS_PAGE, after=after, thread_of=dialogue_id, with_expired=True
        )
        page = store.list_dialogues(query)
        count += len(page.items)
        if not page.more:
            return count
        last = page.items[-1]
        after = (last.created, last.namespace, last.id)
