"""Where a page of a list ends."""

from __future__ import annotations

import sqlite3
from typing import TypeVar

from ...domain.list_queries import Page
from ..bounds import take_page
from .mapping import Columns

T = TypeVar("T")


def cut_page(cursor: sqlite3.Cursor, limit: int, columns: Columns[T]) -> Page[T]:
    """Read up to ``limit`` items, fewer if their large columns exceed PAGE_BYTES, but one at least."""
    return take_page(cursor, limit, columns.large, columns.read)
