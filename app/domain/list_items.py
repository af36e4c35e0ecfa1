"""List items: what lists and searches read of a resource, which is what they answer and its position.

The fields have the names of the records' own. They are named tuples, since a page makes a hundred of
them at a time; tags are the JSON array that is answered, or the list of its items, as the store keeps them.
"""

from __future__ import annotations

from typing import NamedTuple

from .list_queries import SortKey
from .records import JsonText, Timestamp


class DialogueItem(NamedTuple):
    """A dialogue without its state and its messages."""

    project: str
    namespace: str
    id: str
    total: int
    thread_count: int
    status: str
    tags: JsonText | list[str]
    metadata: JsonText
    created: Timestamp
    modified: Timestamp
    thread_of: str | None
    label: str | None
    last_message_created: Timestamp | None
    ended_at: Timestamp | None
    archived_at: Timestamp | None
    expires_at: Timestamp | None

    def position(self, sort_key: SortKey) -> tuple[str, str, str]:
        """Return where it stands in a list."""
        keys = {
            SortKey.CREATED: self.created,
            SortKey.MODIFIED: self.modified,
            SortKey.LAST_MESSAGE: self.last_message_created or self.created,
        }
        return keys[sort_key], self.namespace, self.id


class MessageItem(NamedTuple):
    """A message: ``body`` is all that is answered."""

    id: str
    seq: int
    created: Timestamp
    body: JsonText


class MemoryItem(NamedTuple):
    """A memory."""

    namespace: str
    id: str
    value: JsonText
    tags: JsonText | list[str]
    metadata: JsonText
    created: Timestamp
    modified: Timestamp
    label: str | None
    description: str | None
    expires_at: Timestamp | None


class ExpiringItem(NamedTuple):
    """A dialogue or memory that may have expired: the time that decides, and the status of a dialogue."""

    time: Timestamp
    namespace: str
    id: str
    status: str


class NamespaceItem(NamedTuple):
    """A namespace: how much is in it, and when any of that was last changed."""

    name: str
    dialogues: int
    memories: int
    last_activity: Timestamp
