"""Where a page of a list ends."""

from __future__ import annotations

import sqlite3
from typing import TypeVar

from ...domain.list_queries import Page
from ..bounds import PAGE_BYTES
from .mapping import Columns

T = TypeVar("T")


def cut_page(cursor: sqlite3.Cursor, limit: int, columns: Columns[T]) -> Page[T]:
    """Read up to ``limit`` items, fewer if their large columns exceed PAGE_BYTES, but one at least."""
    items: list[T] = []
    size = 0
    for row in cursor:
        size += sum([_bytes_of(row[column]) for column in columns.large])
        if len(items) == limit or (items and size > PAGE_BYTES):
            return Page(items, more=True)
        items.append(columns.read(row))
    return Page(items, more=False)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
