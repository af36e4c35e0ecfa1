"""Pages of lists: where their rows come from, and where a page ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...domain.list_queries import Page
from ..bounds import take_page
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
        return take_page(batch.documents, limit, source.large, source.record, more=not batch.is_last)
    with source.rows.find(query, source.fields, sort=sort, limit=limit + 1, batch_size=limit + 1) as cursor:
        return take_page(cursor, limit, source.large, source.record)
