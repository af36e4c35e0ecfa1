"""The file: a connection for each thread of each process, reads, and shared commits."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from ...domain.errors import ServiceUnavailable
from ...domain.list_queries import Page
from ...waiting import blocking
from . import checksums, facets, filters
from .commit import GroupCommit
from .failures import translate
from .mapping import Columns, Row
from .paging import cut_page

T = TypeVar("T")
R = TypeVar("R")

CACHED_STATEMENTS: Final = 256
STEPS: Final = 20_000
"""After how many steps of its machine, about a millisecond, SQLite asks whether to go on."""

CACHE_KIBIBYTES: Final = 1000
"""How much of the file a connection, of which each thread has one, keeps in memory; by default 2,000.

What it does not keep the system does: requests and searches cost the same, and a worker takes 20 MB less.
"""

JOURNAL_BYTES: Final = 64 * 1024 * 1024
"""What the write-ahead log may keep on disk after a checkpoint."""


LARGE_BYTES: Final = 256 * 1024
"""A value of so many bytes is not left bound to a statement."""


class _Connection(sqlite3.Connection):
    """A connection that weak references may point to.

    ``holds_large``: one of its statements has a large value bound, and keeps it until it is run again.
    """

    holds_large = False


def note_size(connection: sqlite3.Connection, size: int) -> None:
    """Note that a value of so many bytes was bound to a statement of a connection."""
    if size >= LARGE_BYTES and isinstance(connection, _Connection):
        connection.holds_large = True


class _ThreadConnection(threading.local):
    """The connection of the thread at hand, and the process and file that it was opened in."""

    connection: _Connection | None = None
    inherited: _Connection | None = None
    process: int = 0
    file: tuple[int, int] = (0, 0)
    deadline: float = math.inf


class SqliteDatabase:
    """The open file. Each method raises ServiceUnavailable for a failure of the file or the disk.

    ``timeout`` (seconds) bounds the wait for the file and for a place in a shared commit;
    ``commit_delay`` (seconds, for tests) is slept before each commit.
    """

    def __init__(self, path: Path, timeout: float, commit_delay: float) -> None:
        self.path = path
        self._timeout = timeout
        self._thread = _ThreadConnection()
        self._opened: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._opening = threading.Lock()
        self._closed = False
        self.commits = GroupCommit(self.connection, self._renew, timeout, commit_delay)

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Return the row of a query by primary key, which is too short a wait to let another thread serve."""
        try:
            rows = self.connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise translate(error) from error
        return rows[0] if rows else None

    def all(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return every row of a query; raises ServiceUnavailable at the request's deadline, too."""
        with self._in_time():
            try:
                return self.connection().execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise translate(error) from error

    def each(self, sql: str, values: Sequence[object] = ()) -> Iterator[Row]:
        """Yield the rows of a query as they are read."""
        try:
            yield from self.connection().execute(sql, values)
        except sqlite3.Error as error:
            raise translate(error) from error

    def page(self, sql: str, values: Sequence[object], limit: int, columns: Columns[T]) -> Page[T]:
        """Return up to ``limit`` items, fewer if their large columns exceed PAGE_BYTES."""
        return self.read(sql, (*values, limit + 1), lambda rows: cut_page(rows, limit, columns))

    def read(self, sql: str, values: Sequence[object], take: Callable[[sqlite3.Cursor], R]) -> R:
        """Return what is taken of the rows of a query, which are fetched one at a time, as they are needed.

        Raises ServiceUnavailable at the request's deadline, too.
        """
        with self._in_time():
            try:
                with contextlib.closing(self.connection().execute(sql, values)) as cursor:
                    return take(cursor)
            except sqlite3.Error as error:
                raise translate(error) from error

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        """End the statements inside when the request's time is up."""
        with blocking(math.inf) as seconds:
            self._thread.deadline = time.monotonic() + seconds
            try:
                yield
            finally:
                self._thread.deadline = math.inf

    def _is_late(self) -> bool:
        """Whether the statement that this thread runs has to end; SQLite asks now and then."""
        return time.monotonic() > self._thread.deadline

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let several reads of this thread see the same state."""
        self.all("BEGIN")
        try:
            yield
        finally:
            self.all("COMMIT")

    def connection(self) -> sqlite3.Connection:
        """Return the calling thread's connection, opened if need be."""
        mine = self._thread
        try:
            status = os.stat(self.path)  # noqa: PTH116 - three times as fast, on the way of every call
        except OSError as error:
            raise _unopenable(error) from error
        file = (status.st_dev, status.st_ino)
        connection = mine.connection
        if connection is None or mine.process != os.getpid():
            # A connection inherited through fork would share file locks with the parent. It is
            # left open: closing it here would drop locks that the parent still relies on.
            mine.inherited = connection
        elif mine.file == file:
            return connection
        else:
            # The file was replaced, by a backup for example. What is written to the old one would be lost.
            connection.close()
        mine.connection = connection = self._open()
        mine.process, mine.file = os.getpid(), file
        return connection

    def _renew(self, connection: sqlite3.Connection) -> None:
        """Close the calling thread's connection if it holds large values; the next call opens another."""
        if connection is self._thread.connection and self._thread.connection.holds_large:
            self._thread.connection = None
            connection.close()

    def close(self) -> None:
        """Close the connections of this process; whoever still uses one gets an error."""
        with self._opening:
            self._closed = True
            for connection in list(self._opened):
                connection.close()
            self._opened.clear()

    def _open(self) -> _Connection:
        with self._opening:
            if self._closed:
                raise ServiceUnavailable("The store is closed.")
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
                cached_statements=CACHED_STATEMENTS,
            )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
            connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
            connection.set_progress_handler(self._is_late, STEPS)
            filters.add_functions(connection)
            facets.add_functions(connection)
            checksums.add_functions(connection)
            self._opened.add(connection)
            return connection


def _unopenable(error: OSError) -> ServiceUnavailable:
    """Return the error for a file that cannot be opened; one that is gone keeps no promise of durability."""
    if isinstance(error, FileNotFoundError):
        return ServiceUnavailable(
            "The store's file is not there: the store is not migrated, or its file got lost."
        )
    return ServiceUnavailable("The store's file cannot be opened.")


def prepare_file(path: Path) -> None:
    """Create a missing file (0600) and its folder (0700); raises OSError where that is not possible.

    An existing file is not touched: closing a second descriptor of it would drop SQLite's locks.
    """
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Another process may make it at this moment.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
