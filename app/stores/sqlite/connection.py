"""Connections to the file: one for each thread of each process, made on first use."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from pathlib import Path
from typing import Final

from ...domain.errors import ServiceUnavailable

CACHED_STATEMENTS: Final = 256
JOURNAL_BYTES: Final = 64 * 1024 * 1024
"""What the write-ahead log may keep on disk after a checkpoint."""


class Connection(sqlite3.Connection):
    """A connection that can be remembered without being kept alive."""


class Connections:
    """Gives each thread its own connection; a forked child gets fresh ones."""

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        self._timeout = timeout
        self._mine = threading.local()
        self._opened: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._opening = threading.Lock()
        self._closed = False

    def get(self) -> Connection:
        """Return the calling thread's connection, opened if need be."""
        mine = self._mine
        there = self._identify()
        if getattr(mine, "process", None) != os.getpid():
            # A connection inherited through fork would share file locks with the parent. It is
            # left open: closing it here would drop locks that the parent still relies on.
            mine.inherited = getattr(mine, "connection", None)
            mine.connection = self._open()
            mine.process = os.getpid()
            mine.file = there
        elif mine.file != there:
            # Put back from a backup, say. What is written to the old file now would be lost.
            mine.connection.close()
            mine.connection = self._open()
            mine.file = there
        connection: Connection = mine.connection
        return connection

    def _identify(self) -> tuple[int, int]:
        """Return which file is at the path; a file that is gone keeps no promise of durability."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - three times as fast, on the way of every call
        except FileNotFoundError as error:
            raise ServiceUnavailable(
                "The store's file is not there: the store is not migrated, or its file got lost."
            ) from error
        except OSError as error:
            raise ServiceUnavailable("The store's file cannot be opened.") from error
        return status.st_dev, status.st_ino

    def close(self) -> None:
        """Close the connections of this process; whoever still uses one gets an error."""
        with self._opening:
            self._closed = True
            for connection in list(self._opened):
                connection.close()
            self._opened.clear()

    def _open(self) -> Connection:
        with self._opening:
            if self._closed:
                raise ServiceUnavailable("The store is closed.")
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
                factory=Connection,
                cached_statements=CACHED_STATEMENTS,
            )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
            connection.execute("PRAGMA temp_store = MEMORY")
            self._opened.add(connection)
            return connection


def prepare_file(path: Path) -> None:
    """Create a missing file (0600) and its folder (0700).

    An existing file is not touched: closing a second descriptor of it would drop SQLite's locks.
    """
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Another process may make it at this moment.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
