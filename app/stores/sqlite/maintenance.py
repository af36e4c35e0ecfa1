"""Upkeep: migration, readiness, the sweep, iteration over everything, the start-up lock."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from ...domain.errors import ServiceUnavailable
from ...domain.records import (
    Dialogue,
    DialogueListQuery,
    Memory,
    MemoryListQuery,
    Order,
    Scope,
    ScopeFilter,
    Tombstone,
)
from . import erasure, rows
from .connection import Connection, prepare_file
from .reads import (
    BATCH_ROWS,
    Reads,
    list_dialogues_query,
    list_memories_query,
    scope_clauses,
)
from .schema import MIGRATIONS, VERSION, statements

SPARE_BYTES: Final = 8 * 1024 * 1024
"""Readiness wants this much room on the disk."""

_COUNT_CHECK: Final = (
    "INSERT INTO meta (name, value) VALUES ('ready', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
)

POLL_SECONDS: Final = 0.02
"""How often a waiting process tries for the start-up lock."""


class StartLock:
    """A lock across processes on a file beside the database; one thread may take it repeatedly."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._thread = threading.RLock()
        self._depth = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock, or raise ServiceUnavailable when it is not free in time."""
        with self._thread:
            self._depth += 1
            try:
                if self._depth > 1:
                    yield
                    return
                descriptor = self._acquire()
                try:
                    yield
                finally:
                    os.close(descriptor)
            finally:
                self._depth -= 1

    def _acquire(self) -> int:
        try:
            prepare_file(self._path)
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ServiceUnavailable("The store's folder cannot be written.") from error
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise ServiceUnavailable("Another process is still preparing the store.") from error
                time.sleep(POLL_SECONDS)
            else:
                return descriptor


class Maintenance(Reads):
    """See ``app.stores.Maintenance``."""

    def __init__(self, path: Path, timeout: float, commit_delay: float) -> None:
        super().__init__(path, timeout, commit_delay)
        self._start = StartLock(path.with_name(path.name + ".lock"), timeout)

    def migrate(self) -> int:
        """See ``Maintenance``. Nothing else makes the file: one that got lost is not replaced."""
        with self._start.hold():
            try:
                prepare_file(self._path)
            except OSError as error:
                raise ServiceUnavailable("The store's file cannot be made.") from error
            self.all("PRAGMA journal_mode = WAL")
            return self.run(_migrate)

    def check_ready(self) -> None:
        """See ``Maintenance``."""
        if self.all("PRAGMA user_version")[0][0] != VERSION:
            raise ServiceUnavailable("The store is not migrated to this version.")
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize < SPARE_BYTES:
            raise ServiceUnavailable("The store's disk is full.")
        self.run(_count_check)

    def cursor_secret(self) -> bytes:
        """See ``Maintenance``."""
        secret: bytes = self.all("SELECT value FROM meta WHERE name = 'cursor_secret'")[0][0]
        return secret

    def sweep(self, rows: int = 1000) -> int:
        """See ``Maintenance``. Expired recorded answers and removed projects go too."""
        removed, more = 0, True
        while more and removed < rows:
            wanted = rows - removed
            step = partial(erasure.sweep_step, rows=wanted)
            count, more = self.run(step)
            removed += count
        while removed < rows and (closing := self.one(erasure.CLOSING_PROJECT)) is not None:
            wanted = rows - removed
            clear = partial(erasure.clear_step, project=closing[0], rows=wanted)
            removed += self.run(clear)
        return removed

    def iterate_dialogues(self, scope_filter: ScopeFilter) -> Iterator[Dialogue]:
        """See ``Maintenance``."""
        after = None
        while True:
            listing = DialogueListQuery(scope_filter, 0, Order.ASC, after)
            sql, values = list_dialogues_query(listing, rows.DIALOGUE)
            page = self.page(sql, values, BATCH_ROWS, rows.read_dialogue, large=(10, 15, 16))
            yield from page.items
            if not page.more:
                return
            last = page.items[-1]
            after = (last.created, last.namespace, last.id)

    def iterate_tombstones(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, Tombstone]]:
        """See ``Maintenance``."""
        after = ("", "", "")
        while True:
            sql, values = tombstones_query(scope_filter, after)
            page = self.page(sql, values, BATCH_ROWS, _read_tombstone, large=())
            yield from page.items
            if not page.more:
                return
            scope, tombstone = page.items[-1]
            after = (scope.namespace, tombstone.dialogue_id, tombstone.uid)

    def iterate_memories(self, scope_filter: ScopeFilter) -> Iterator[Memory]:
        """See ``Maintenance``."""
        after = None
        while True:
            sql, values = list_memories_query(MemoryListQuery(scope_filter, 0, Order.ASC, after), rows.MEMORY)
            page = self.page(sql, values, BATCH_ROWS, rows.read_memory, large=(2, 4))
            yield from page.items
            if not page.more:
                return
            last = page.items[-1]
            after = (last.created, last.namespace, last.id)

    @contextmanager
    def start_up_lock(self) -> Iterator[None]:
        """See ``Maintenance``."""
        with self._start.hold():
            yield

    def close(self) -> None:
        """See ``Maintenance``."""
        self._connections.close()


def tombstones_query(scope_filter: ScopeFilter, after: tuple[str, str, str]) -> tuple[str, list[object]]:
    """Return the query of one batch; its last value, the limit, is left to the caller."""
    clauses = scope_clauses(scope_filter)
    if scope_filter.namespace is None:
        clauses.add("(namespace, dialogue_id, uid) > (?, ?, ?)", *after)
    else:
        clauses.add("(dialogue_id, uid) > (?, ?)", *after[1:])
    columns = "project, namespace, dialogue_id, uid, fate"
    order = "namespace, dialogue_id, uid"
    return f"SELECT {columns} FROM grave WHERE {clauses} ORDER BY {order} LIMIT ?", clauses.values


def _read_tombstone(row: rows.Row) -> tuple[Scope, Tombstone]:
    return Scope(row[0], row[1]), Tombstone(row[2], row[3], row[4] > 0)


def _migrate(connection: Connection) -> int:
    done: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if done > VERSION:
        raise ServiceUnavailable("The store was made by a newer version of this program.")
    for script in MIGRATIONS[done:]:
        for statement in statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    return VERSION


def _count_check(connection: Connection) -> None:
    """Write something: a disk that turned read-only still lets the file be taken for writing."""
    connection.execute(_COUNT_CHECK)
