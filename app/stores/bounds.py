"""How many bytes a store reads for one answer; both stores apply the same bounds."""

from __future__ import annotations

from collections.abc import Iterable

from ..domain.list_items import DialogueItem, MemoryItem, MessageItem
from ..domain.records import Message
from ..search.query import Hit

PAGE_BYTES = 8 * 1024 * 1024
"""A page of a list ends early at this many bytes of JSON, but always has one item."""


def take_bytes(messages: Iterable[Message], most_bytes: int) -> list[Message]:
    """Return messages up to and including the one with which their bodies exceed so many bytes."""
    taken: list[Message] = []
    size = 0
    for message in messages:
        taken.append(message)
        size += len(message.body.encode())
        if size > most_bytes:
            break
    return taken


def take_hits(hits: Iterable[Hit]) -> list[Hit]:
    """Return the first hits, at least one, whose answer takes no more than PAGE_BYTES."""
    taken: list[Hit] = []
    size = 0
    for hit in hits:
        size += _answered_bytes(hit)
        if taken and size > PAGE_BYTES:
            break
        taken.append(hit)
    return taken


def _answered_bytes(hit: Hit) -> int:
    """Return about how much of an answer a hit takes: the item is in it twice, the evidence once."""
    return 2 * _bytes_of(hit.item) + sum(map(_bytes_of, hit.matches))


def _bytes_of(item: DialogueItem | MessageItem | MemoryItem) -> int:
    if isinstance(item, MessageItem):
        return len(item.body.encode())
    value = item.value if isinstance(item, MemoryItem) else ""
    return len(value.encode()) + len(item.metadata.encode())
