"""What all parts of the store share: reading rows, cutting pages, writing in transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ...domain.records import Order, Page, TimeRange
from ...waiting import blocking
from .. import PAGE_BYTES
from .commit import GroupCommit
from .connection import Connection, Connections
from .faults import translate
from .rows import Row

T = TypeVar("T")


class Database:
    """The open file. Every failure of SQLite is translated here or in the group commit."""

    def __init__(self, path: Path, timeout: float, commit_delay: float) -> None:
        self._path = path
        self._timeout = timeout
        self._connections = Connections(path, timeout)
        self._commits = GroupCommit(self._connections, timeout, commit_delay)

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one durable transaction, shared with whoever writes at the same time."""
        return self._commits.run(work)

    def all(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return every row of a query."""
        with blocking():
            return self._rows_of(sql, values)

    def each(self, sql: str, values: Sequence[object] = ()) -> Iterator[Row]:
        """Yield the rows of a query as they are read."""
        try:
            yield from self._connections.get().execute(sql, values)
        except sqlite3.Error as error:
            raise translate(error) from error

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Return the row of a query by primary key: no time for another thread to serve meanwhile."""
        rows = self._rows_of(sql, values)
        return rows[0] if rows else None

    def _rows_of(self, sql: str, values: Sequence[object]) -> list[Row]:
        try:
            return self._connections.get().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise translate(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let several reads see the same state."""
        self.all("BEGIN")
        try:
            yield
        finally:
            self.all("COMMIT")

    def page(
        self,
        sql: str,
        values: Sequence[object],
        limit: int,
        read: Callable[[Row], T],
        large: tuple[int, ...],
    ) -> Page[T]:
        """Return up to ``limit`` records, fewer if their ``large`` columns fill a page.

        The rows are fetched one at a time, so that no more is read than a page holds.
        """
        try:
            with blocking(), closing(self._connections.get().execute(sql, (*values, limit + 1))) as cursor:
                return _cut(cursor, limit, read, large)
        except sqlite3.Error as error:
            raise translate(error) from error


def _cut(cursor: sqlite3.Cursor, limit: int, read: Callable[[Row], T], large: tuple[int, ...]) -> Page[T]:
    items: list[T] = []
    size = 0
    for row in cursor:
        size += sum([_bytes_of(row[column]) for column in large])
        if len(items) == limit or (items and size > PAGE_BYTES):
            return Page(items, more=True)
        items.append(read(row))
    return Page(items, more=False)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


class Clauses:
    """The conditions of a query and their values, in order."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: object) -> None:
        """Add a condition that has to hold too."""
        self._conditions.append(condition)
        self.values += values

    def span(self, column: str, times: TimeRange) -> None:
        """Keep a column within a time range."""
        if times.start is not None:
            self.add(f"{column} >= ?", times.start)
        if times.before is not None:
            self.add(f"{column} < ?", times.before)

    def seek(
        self, columns: Sequence[str], order: Order, after: Sequence[object] | None, times: TimeRange
    ) -> None:
        """Keep to a time range on the first column and behind a position.

        Only the stricter of the two bounds of a side is given to SQLite, which uses one.
        """
        start, before = times.start, times.before
        if after is not None:
            bound = start if order is Order.ASC else before
            sign = ">" if order is Order.ASC else "<"
            if bound is None or (after[0] >= bound) == (order is Order.ASC):  # type: ignore[operator]
                marks = ", ".join("?" * len(columns))
                self.add(f"({', '.join(columns)}) {sign} ({marks})", *after)
                start, before = (None, before) if order is Order.ASC else (start, None)
        self.span(columns[0], TimeRange(start, before))

    def tags(self, column: str, tags: Sequence[str]) -> None:
        """Keep what carries all of the given tags."""
        for tag in tags:
            self.add(f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ?)", tag)

    def __str__(self) -> str:
        return " AND ".join(self._conditions)


def sort(columns: Sequence[str], order: Order) -> str:
    """Return the ORDER BY terms of columns that all go the same way."""
    return ", ".join(f"{column} {order.value}" for column in columns)
