"""Pages of lists: where one begins, how many bytes it may have, and where it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ...domain.records import Order, Page, TimeRange
from .. import PAGE_BYTES
from .connection import Document, Rows

T = TypeVar("T")
Sort = Sequence[tuple[str, int]]

DIRECTION = {Order.ASC: 1, Order.DESC: -1}


def within(times: TimeRange) -> Document:
    """Return the comparisons that a half-open range means; empty when it is open on both sides."""
    bounds: Document = {}
    if times.start is not None:
        bounds["$gte"] = times.start
    if times.before is not None:
        bounds["$lt"] = times.before
    return bounds


def beyond(
    names: Sequence[str], position: Sequence[Any] | None, order: Order, times: TimeRange = TimeRange()
) -> Document:
    """Return the filter for what comes after a position, by several fields, within a range.

    The first name is that of the range. It is bounded on its own as well, so that an index
    scan starts at the position rather than at the beginning of the list.
    """
    bounds = within(times)
    if position is None:
        return {names[0]: bounds} if bounds else {}
    if order is Order.ASC:
        bounds["$gte"] = max(bounds.get("$gte", position[0]), position[0])
    else:
        bounds["$lte"] = position[0]
    step = "$gt" if order is Order.ASC else "$lt"
    choices = [
        {**dict(zip(names[:depth], position, strict=False)), name: {step: position[depth]}}
        for depth, name in enumerate(names)
    ]
    return {names[0]: bounds, "$or": choices}


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """Where rows come from: a collection, the fields that are fetched, the record made of them."""

    rows: Rows
    fields: Sequence[str]
    record: Callable[[Document], T]


def read_page(source: Source[T], query: Document, sort: Sort, limit: int) -> Page[T]:
    """Read one page, cut by its limit and by PAGE_BYTES, never empty when something is left.

    One command as a rule: the whole page is asked for in one batch, which the server itself ends
    at 16 MiB.
    """
    items: list[T] = []
    size = 0
    with source.rows.find(
        query, list(source.fields), sort=sort, limit=limit + 1, batch_size=limit + 1
    ) as cursor:
        for document in cursor:
            size += json_bytes(document)
            if len(items) == limit or (items and size > PAGE_BYTES):
                return Page(items, more=True)
            items.append(source.record(document))
    return Page(items, more=False)


def walk(read: Callable[[T | None], Page[T]]) -> Iterator[T]:
    """Yield every item of a list; ``read`` gives the page after an item, or the first one."""
    last = None
    while True:
        page = read(last)
        yield from page.items
        if not page.more:
            return
        last = page.items[-1]


def json_bytes(document: Document) -> int:
    """Return about how many bytes of JSON a document is answered as: its texts, counted in UTF-8."""
    texts = (value for value in document.values() if isinstance(value, str))
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
