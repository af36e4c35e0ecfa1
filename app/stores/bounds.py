"""How many bytes a store reads for one answer; both stores apply the same bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ..domain.list_items import DialogueItem, MemoryItem, MessageItem
from ..domain.list_queries import Page
from ..domain.records import Message
from ..search.query import Found, Hit
from ..search.results import Ranked, Ranking

T = TypeVar("T")

PAGE_BYTES = 8 * 1024 * 1024
"""A page of a list ends early at this many bytes of JSON, but always has one item."""


MOST_FILTERED: Final = 10_000
"""To how many items that have a word a search applies its filters, the newest or heaviest first."""


MOST_PENDING: Final = 10_000
"""To how many dialogues the sweeper's backlog is counted."""


@dataclass(frozen=True, slots=True)
class Results:
    """The ranking of a page, and how many results the page may have."""

    ranking: Ranking
    limit: int

    @property
    def page(self) -> Sequence[Ranked]:
        """The results of this page, if their items are not too large."""
        return self.ranking.results[: self.limit]

    def found(self, hits: list[Hit]) -> Found:
        """Return the page, of which ``hits`` are the ones that were taken."""
        more = len(hits) < len(self.ranking.results)
        last = self.ranking.results[len(hits) - 1].position if more else None
        return Found(hits, self.ranking.frequencies, last)


def take_page(
    rows: Iterable[Any], limit: int, large: Iterable[Any], read: Callable[[Any], T], *, more: bool = False
) -> Page[T]:
    """Read up to ``limit`` items, fewer if their large texts exceed PAGE_BYTES, but one at least.

    ``large`` are the keys of those texts in a row; ``more`` says that there are rows behind these.
    """
    items: list[T] = []
    size = 0
    for row in rows:
        for key in large:  # a function for each text would take 4 % of a page
            text = row[key]
            size += len(text) if text.isascii() else len(text.encode())
        if len(items) == limit or (items and size > PAGE_BYTES):
            return Page(items, more=True)
        items.append(read(row))
    return Page(items, more=more)


def take_bytes(messages: Iterable[Message], most_bytes: int | None) -> list[Message]:
    """Return messages up to and including the one with which their bodies exceed so many bytes, if any."""
    if most_bytes is None:
        return list(messages)
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
    return 2 * _bytes_of(hit.item) + sum(_bytes_of(match.item) for match in hit.matches)


def _bytes_of(item: DialogueItem | MessageItem | MemoryItem) -> int:
    if isinstance(item, MessageItem):
        return len(item.body.encode())
    value = item.value if isinstance(item, MemoryItem) else ""
    return len(value.encode()) + len(item.metadata.encode())
