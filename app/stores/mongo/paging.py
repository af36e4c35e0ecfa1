"""Pages of lists: where their rows come from, and where a page ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...domain.list_queries import Page
from .. import PAGE_BYTES
from .database import Document, Projection, Rows

T = TypeVar("T")
Sort = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """Where rows come from: a collection, the fields that are fetched, the record made of them.

    ``large`` are the texts by which a page may end early.
    """

    rows: Rows
    fields: Projection
    record: Callable[[Document], T]
    large: tuple[str, ...] = ()


def read_page(source: Source[T], query: Document, sort: Sort, limit: int) -> Page[T]:
    """Read one page, cut by its limit and by PAGE_BYTES, never empty when something is left.

    One command as a rule: the whole page is asked for in one batch, which the server itself ends
    at 16 MiB.
    """
    items: list[T] = []
    size = 0
    with source.rows.find(query, source.fields, sort=sort, limit=limit + 1, batch_size=limit + 1) as cursor:
        for document in cursor:
            size += sum([_bytes_of(document[name]) for name in source.large])
            if len(items) == limit or (items and size > PAGE_BYTES):
                return Page(items, more=True)
            items.append(source.record(document))
    return Page(items, more=False)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
