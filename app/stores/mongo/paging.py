"""Pages of lists: where their rows come from, and where a page ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...domain.list_queries import Page
from .. import PAGE_BYTES
from .database import Document, MongoDatabase, Projection, Rows
from .statements import Query, Sort, find_batch

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """Where rows come from: a collection, the fields that are fetched, the record made of them.

    ``large`` are the texts by which a page may end early.
    """

    rows: Rows
    fields: Projection
    record: Callable[[Document], T]
    large: tuple[str, ...] = ()


def read_page(db: MongoDatabase, source: Source[T], query: Document, sort: Sort, limit: int) -> Page[T]:
    """Read one page, cut by its limit and by PAGE_BYTES, never empty when something is left.

    One command as a rule: the whole page is asked for in one batch, which the server itself ends
    at 16 MiB.
    """
    batch = find_batch(db, source.rows, Query(query, source.fields, sort, limit + 1))
    if batch is not None:
        return _cut(source, batch.documents, limit, more=not batch.is_last)
    with source.rows.find(query, source.fields, sort=sort, limit=limit + 1, batch_size=limit + 1) as cursor:
        return _cut(source, cursor, limit, more=False)


def _cut(source: Source[T], documents: Iterable[Document], limit: int, *, more: bool) -> Page[T]:
    items: list[T] = []
    size = 0
    for document in documents:
        size += sum([_bytes_of(document[name]) for name in source.large])
        if len(items) == limit or (items and size > PAGE_BYTES):
            return Page(items, more=True)
        items.append(source.record(document))
    return Page(items, more=more)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
