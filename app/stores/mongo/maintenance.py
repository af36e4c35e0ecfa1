"""Upkeep: migration, readiness, the sweep, walks through everything, the search index."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

from pymongo.errors import DuplicateKeyError

from ...domain.list_items import ExpiringItem
from ...domain.list_queries import DialogueListQuery, ExpiryQuery, MemoryListQuery, Page
from ...domain.records import (
    Dialogue,
    IdempotencyRecord,
    Memory,
    Order,
    Scope,
    ScopeFilter,
    TimeRange,
    Timestamp,
    Tombstone,
)
from ...domain.retention import Kept
from ..bounds import MOST_PENDING
from ..maintenance import INDEX_ROWS, SWEEP_ROWS, Maintenance, ignore
from ..paging import walk
from ..policies import Policies
from . import index_checks, queries, reindexing
from .backups import require_restored
from .commit import read_snapshot
from .database import Document, MongoDatabase
from .dialogue_lists import dialogue_list
from .mapping import DIALOGUE_FIELDS, MEMORY_FIELDS, dialogue_from, expiring_item_from, memory_from
from .paging import Source, read_page
from .queries import beyond, find_idempotency, in_scope, memory_list
from .schema import (
    MIGRATION_SECONDS,
    VERSION,
    known_version,
    not_migrated,
    require_transactions,
    upgrade,
)
from .start_up_lock import LeaseLock
from .sweeping import sweep_again, sweep_projects, sweep_tombstones

DIALOGUES = 100
"""How many whole dialogues, of up to 2 MiB each, are read at once; a batch also ends at 8 MiB."""

ROWS = 500

TOMBSTONE_FIELDS = dict.fromkeys(("project", "namespace", "dialogueId", "uid", "purged"), 1)


class MongoMaintenance(Maintenance):
    """What the operator and the process need."""

    _db: MongoDatabase
    _policies: Policies
    _start_up_lock: LeaseLock

    def migrate(self) -> int:
        self._require_transactions()
        with self._db.bounded():
            require_restored(self._db)
            version = known_version(self._db)
        if version >= VERSION:
            return version
        with self._start_up_lock.hold(), self._db.bounded(MIGRATION_SECONDS):
            return upgrade(self._db)

    def check_ready(self) -> None:
        self._require_transactions()
        with self._db.bounded():
            require_restored(self._db)
            if known_version(self._db) < VERSION:
                raise not_migrated()
            self._db.meta.update_one({"_id": "ready"}, {"$inc": {"checks": 1}}, upsert=True)

    def _require_transactions(self) -> None:
        if self._db.transactional:
            with self._db.bounded():
                require_transactions(self._db.database.command("hello"))

    def cursor_secret(self) -> bytes:
        with self._db.bounded():
            found = self._db.meta.find_one({"_id": "cursor"})
        if found is None:
            raise not_migrated()
        return bytes(found["secret"])

    def sweep(self, rows: int = SWEEP_ROWS) -> int:
        return sweep_tombstones(self._db, rows) or sweep_projects(self._db, self._start_up_lock, rows)

    def sweep_again(self, project: str) -> None:
        sweep_again(self._db, project)

    def list_erasures(self, before: Timestamp) -> list[Scope]:
        with self._db.bounded():
            found = self._db.erasures.find({"touched": {"$lt": before}}, ["project", "namespace"])
            return [Scope(one["project"], one["namespace"]) for one in found]

    def count_pending(self) -> int:
        with self._db.bounded():
            return self._db.tombstones.count_documents({"pending": True}, limit=MOST_PENDING)

    def list_expiring(self, query: ExpiryQuery) -> Page[ExpiringItem]:
        rows = self._db.dialogues if query.kind is Kept.DIALOGUE else self._db.memories
        time = "modified" if query.by_age else "expiresAt"
        names = (time, "namespace", "id")
        times = TimeRange(before=query.before)
        fields = dict.fromkeys((*names, "status"), 1)
        source = Source(rows, fields, partial(expiring_item_from, time=time))
        criteria = {"project": query.project, **beyond(names, query.after, Order.ASC, times)}
        with self._db.bounded():
            return read_page(self._db, source, criteria, [(name, 1) for name in names], query.limit)

    def take_lease(self, name: str, owner: str, seconds: float) -> bool:
        # By the clocks of the processes: two holders for a moment do no harm.
        now = time.time()
        free = {"_id": "lease:" + name, "$or": [{"owner": owner}, {"until": {"$lte": now}}]}
        changes = {"$set": {"owner": owner, "until": now + seconds}}
        with self._db.bounded():
            try:
                self._db.meta.update_one(free, changes, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    def iterate_dialogues(self, scope_filter: ScopeFilter) -> Iterator[Dialogue]:
        query = DialogueListQuery(scope_filter, DIALOGUES, Order.ASC)
        source = Source(self._db.dialogues, DIALOGUE_FIELDS, dialogue_from, ("metadata", "state", "recent"))
        expired = queries.expired_dialogues(self._policies.of(scope_filter.project).dialogues())

        def read(last: Dialogue | None) -> Page[Dialogue]:
            position = None if last is None else (last.created, last.namespace, last.id)
            criteria, sort = dialogue_list(replace(query, after=position))
            criteria["$nor"] = expired
            with self._db.bounded():
                return read_page(self._db, source, criteria, sort, DIALOGUES)

        return walk(read)

    def iterate_tombstones(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, Tombstone]]:
        names = (
            ("namespace", "dialogueId", "uid") if scope_filter.namespace is None else ("dialogueId", "uid")
        )
        source = Source(self._db.tombstones, TOMBSTONE_FIELDS, _tombstone_from)
        sort = [(name, 1) for name in names]

        def read(last: tuple[Scope, Tombstone] | None) -> Page[tuple[Scope, Tombstone]]:
            position = None
            if last is not None:
                position = (last[0].namespace, last[1].dialogue_id, last[1].uid)[-len(names) :]
            query = in_scope(scope_filter) | beyond(names, position, Order.ASC)
            with self._db.bounded():
                return read_page(self._db, source, query, sort, ROWS)

        return walk(read)

    def iterate_memories(self, scope_filter: ScopeFilter) -> Iterator[Memory]:
        query = MemoryListQuery(scope_filter, ROWS, Order.ASC)
        source = Source(self._db.memories, MEMORY_FIELDS, memory_from, ("value", "metadata"))
        expired = queries.expired_memories(self._policies.of(scope_filter.project).memories())

        def read(last: Memory | None) -> Page[Memory]:
            position = None if last is None else (last.created, last.namespace, last.id)
            criteria, sort = memory_list(replace(query, after=position))
            criteria["$nor"] = expired
            with self._db.bounded():
                return read_page(self._db, source, criteria, sort, ROWS)

        return walk(read)

    def iterate_answers(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, IdempotencyRecord]]:
        source = Source(self._db.idempotency, {"namespace": 1}, dict)

        def read(last: Document | None) -> Page[Document]:
            # Further pieces of an answer stand in documents of their own.
            query = in_scope(scope_filter) | {"pieces": {"$exists": True}}
            if last is not None:
                query["_id"] = {"$gt": last["_id"]}
            with self._db.bounded():
                return read_page(self._db, source, query, [("_id", 1)], ROWS)

        for found in walk(read):
            scope = Scope(scope_filter.project, found["namespace"])
            with self._db.bounded():
                answer = find_idempotency(self._db, None, scope, found["_id"])
            if answer is not None:
                yield scope, answer

    def snapshot(self) -> AbstractContextManager[None]:
        return read_snapshot(self._db) if self._db.transactional else nullcontext()

    def index_problems(
        self,
        project: str,
        tick: Callable[[int], None] = ignore,
        *,
        thorough: bool = False,  # noqa: ARG002 - a document has its tokens in it: each is derived anew
    ) -> list[str]:
        return index_checks.find_problems(self._db, project, tick)

    def index_step(self, rows: int = INDEX_ROWS) -> int:
        return reindexing.index_step(self._db, rows)

    def reindex(self) -> int:
        return reindexing.reindex(self._db)

    def start_up_lock(self) -> AbstractContextManager[None]:
        return self._start_up_lock.hold()

    def close(self) -> None:
        self._db.client.close()


def _tombstone_from(document: dict[str, str]) -> tuple[Scope, Tombstone]:
    scope = Scope(document["project"], document["namespace"])
    return scope, Tombstone(document["dialogueId"], document["uid"], bool(document["purged"]))
