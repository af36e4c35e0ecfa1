"""Upkeep: migration, readiness, the sweep, walks through everything, the search index."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Final

from ...domain.errors import ServiceUnavailable
from ...domain.list_items import ExpiringItem
from ...domain.list_queries import DialogueListQuery, ExpiryQuery, MemoryListQuery, Page
from ...domain.records import (
    Dialogue,
    IdempotencyRecord,
    Memory,
    Order,
    Scope,
    ScopeFilter,
    Timestamp,
    Tombstone,
)
from ..bounds import MOST_PENDING
from ..contents import Contents
from ..maintenance import INDEX_ROWS, SWEEP_ROWS, Maintenance, ignore
from ..paging import walk
from ..policies import Policies
from . import (
    contents,
    counts,
    dialogue_lists,
    index_checks,
    mapping,
    queries,
    reindexing,
    schema,
    statements,
    sweeping,
)
from .database import SqliteDatabase, prepare_file
from .erasure import LIST_ERASURES
from .start_up_lock import FileLock
from .store import BATCH_ROWS

SPARE_BYTES: Final = 8 * 1024 * 1024
"""Readiness wants this much room on the disk."""

_COUNT_CHECK: Final = (
    "INSERT INTO meta (name, value) VALUES ('ready', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
)


_TAKE_LEASE: Final = (
    "INSERT INTO meta (name, value) VALUES (?1, json_object('owner', ?2, 'until', ?4)) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE json_extract(value, '$.owner') = ?2 OR json_extract(value, '$.until') <= ?3"
)


class SqliteMaintenance(Maintenance):
    """What the operator and the process need."""

    _db: SqliteDatabase
    _policies: Policies
    _start_up_lock: FileLock

    def migrate(self) -> int:
        # Nothing else makes the file: one that got lost is not replaced.
        with self._start_up_lock.hold():
            try:
                prepare_file(self._db.path)
            except OSError as error:
                raise ServiceUnavailable("The store's file cannot be made.") from error
            self._db.all("PRAGMA journal_mode = WAL")
            return self._db.commits.run(schema.upgrade)

    def check_ready(self) -> None:
        version = self._db.all("PRAGMA user_version")[0][0]
        if version < schema.VERSION:
            raise ServiceUnavailable("The store is not migrated to this version.")
        schema.require_known(version, self._db.all)
        disk = os.statvfs(self._db.path.parent)
        if disk.f_bavail * disk.f_frsize < SPARE_BYTES:
            raise ServiceUnavailable("The store's disk is full.")
        self._db.commits.run(_count_check)

    def cursor_secret(self) -> bytes:
        secret: bytes = self._db.all("SELECT value FROM meta WHERE name = 'cursor_secret'")[0][0]
        return secret

    def sweep(self, rows: int = SWEEP_ROWS) -> int:
        # Expired recorded answers and removed projects go too.
        removed, more = 0, True
        while more and removed < rows:
            step = partial(sweeping.sweep_step, rows=rows - removed)
            count, more = self._db.commits.run(step)
            removed += count
        while removed < rows and (closing := self._db.one(sweeping.CLOSING_PROJECT)) is not None:
            clear = partial(sweeping.clear_step, project=closing[0], rows=rows - removed)
            removed += self._db.commits.run(clear)
        return removed

    def sweep_again(self, project: str) -> None:
        self._db.commits.run(partial(sweeping.sweep_again, project=project))

    def list_erasures(self, before: Timestamp) -> list[Scope]:
        return [Scope(*row) for row in self._db.all(LIST_ERASURES, (before,))]

    def count_pending(self) -> int:
        count: int = self._db.all(sweeping.COUNT_PENDING, (MOST_PENDING,))[0][0]
        return count

    def list_expiring(self, query: ExpiryQuery) -> Page[ExpiringItem]:
        sql, values = counts.list_expiring(query)
        return self._db.page(sql, values, query.limit, mapping.EXPIRING_ITEM)

    def take_lease(self, name: str, owner: str, seconds: float) -> bool:
        # By the clock of this machine, which all processes of a file share.
        values = ("lease:" + name, owner, time.time(), time.time() + seconds)
        return self._db.commits.run(lambda connection: connection.execute(_TAKE_LEASE, values).rowcount) > 0

    def iterate_dialogues(self, scope_filter: ScopeFilter) -> Iterator[Dialogue]:
        query = DialogueListQuery(scope_filter, BATCH_ROWS, Order.ASC)
        horizon = self._policies.of(scope_filter.project).dialogues()

        def read(last: Dialogue | None) -> Page[Dialogue]:
            after = None if last is None else (last.created, last.namespace, last.id)
            here = replace(query, after=after)
            return dialogue_lists.list_dialogues(self._db, here, mapping.DIALOGUE, horizon)

        return walk(read)

    def iterate_tombstones(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, Tombstone]]:
        def read(last: tuple[Scope, Tombstone] | None) -> Page[tuple[Scope, Tombstone]]:
            after = ("", "", "")
            if last is not None:
                scope, tombstone = last
                after = (scope.namespace, tombstone.dialogue_id, tombstone.uid)
            sql, values = queries.list_tombstones(scope_filter, after)
            return self._db.page(sql, values, BATCH_ROWS, mapping.TOMBSTONE)

        return walk(read)

    def iterate_memories(self, scope_filter: ScopeFilter) -> Iterator[Memory]:
        query = MemoryListQuery(scope_filter, BATCH_ROWS, Order.ASC)
        horizon = self._policies.of(scope_filter.project).memories()

        def read(last: Memory | None) -> Page[Memory]:
            after = None if last is None else (last.created, last.namespace, last.id)
            sql, values = queries.list_memories(replace(query, after=after), mapping.MEMORY, horizon)
            return self._db.page(sql, values, BATCH_ROWS, mapping.MEMORY)

        return walk(read)

    def iterate_answers(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, IdempotencyRecord]]:
        def read(last: tuple[Scope, IdempotencyRecord] | None) -> Page[tuple[Scope, IdempotencyRecord]]:
            after = ("", "") if last is None else (last[0].namespace, last[1].request)
            values = (scope_filter.project, scope_filter.namespace, *after)
            return self._db.page(statements.LIST_IDEMPOTENCY, values, BATCH_ROWS, mapping.ANSWER)

        return walk(read)

    def iterate_contents(self, scope_filter: ScopeFilter) -> Iterator[Contents]:
        horizon = self._policies.of(scope_filter.project).dialogues()
        return contents.iterate_contents(self._db, scope_filter, horizon)

    def snapshot(self) -> AbstractContextManager[None]:
        return self._db.snapshot()

    def index_problems(
        self, project: str, tick: Callable[[int], None] = ignore, *, thorough: bool = False
    ) -> list[str]:
        return index_checks.find_problems(self._db, project, tick, thorough=thorough)

    def index_step(self, rows: int = INDEX_ROWS) -> int:
        return self._db.commits.run(partial(reindexing.index_step, rows=rows))

    def reindex(self) -> int:
        # In steps, between which others write; searches find less until the last one.
        self._db.commits.run(reindexing.forget)
        count = 0
        while done := self.index_step():
            count += done
        return count

    def start_up_lock(self) -> AbstractContextManager[None]:
        return self._start_up_lock.hold()

    def close(self) -> None:
        self._db.close()


def _count_check(connection: sqlite3.Connection) -> None:
    """Write something: a disk that turned read-only still lets the file be taken for writing."""
    connection.execute(_COUNT_CHECK)
