"""What the operator and the process need: schema, readiness, sweeping, walking everything."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from ...domain.records import DialogueListQuery, MemoryListQuery, Order, Page, Scope, Tombstone
from .catalog import MongoCatalog
from .documents import DIALOGUE_FIELDS, MEMORY_FIELDS, dialogue_from, memory_from
from .erasure import sweep_tombstones
from .lookups import in_scope
from .paging import Source, beyond, read_page, walk
from .reads import MongoReads, listed
from .schema import (
    VERSION,
    not_migrated,
    require_known,
    require_transactions,
    stored_version,
    upgrade,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...domain.records import Dialogue, Memory, ScopeFilter

DIALOGUES = 100
"""How many whole dialogues, of up to 2 MiB each, are read at once; a batch also ends at 8 MiB."""

ROWS = 500
MIGRATION_SECONDS = 3600.0
"""How long an index may take to build on the data of an upgrade."""

TOMBSTONE_FIELDS = ["project", "namespace", "dialogueId", "uid", "purged"]


class MongoMaintenance(MongoReads, MongoCatalog):
    """Implements ``app.stores.Maintenance``."""

    def migrate(self) -> int:
        """Create or upgrade schema and indexes, once however many start together; the version.

        Raises ServiceUnavailable when the server has no transactions or the schema is newer.
        """
        self._require_transactions()
        with self._db.bounded():
            version = stored_version(self._db)
        if version == VERSION:
            return version
        with self._lease_lock.hold(), self._db.bounded(MIGRATION_SECONDS):
            return upgrade(self._db)

    def check_ready(self) -> None:
        """Return if the store answers, is migrated and can be written; else ServiceUnavailable."""
        self._require_transactions()
        with self._db.bounded():
            version = stored_version(self._db)
            require_known(version)
            if version < VERSION:
                raise not_migrated()
            self._db.meta.update_one({"_id": "ready"}, {"$inc": {"checks": 1}}, upsert=True)

    def _require_transactions(self) -> None:
        if self._db.transactional:
            with self._db.bounded():
                require_transactions(self._db.database.command("hello"))

    def cursor_secret(self) -> bytes:
        """The random secret, made with the store, that signs list cursors."""
        with self._db.bounded():
            found = self._db.meta.find_one({"_id": "cursor"})
        if found is None:
            raise not_migrated()
        return bytes(found["secret"])

    def sweep(self, rows: int = 1000) -> int:
        """Remove up to ``rows`` rows that purges have hidden; how many were removed (0: done)."""
        return sweep_tombstones(self._db, rows) or self.sweep_projects(rows)

    def iterate_dialogues(self, scope_filter: ScopeFilter) -> Iterator[Dialogue]:
        """Every dialogue by (created, namespace, id), a batch at a time."""
        listing = DialogueListQuery(scope_filter, DIALOGUES, Order.ASC)
        source = Source(self._db.dialogues, DIALOGUE_FIELDS, dialogue_from)

        def read(last: Dialogue | None) -> Page[Dialogue]:
            position = None if last is None else (last.created, last.namespace, last.id)
            query, sort = listed(replace(listing, after=position))
            with self._db.bounded():
                return read_page(source, query, sort, DIALOGUES)

        return walk(read)

    def iterate_tombstones(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, Tombstone]]:
        """Every tombstone by (namespace, dialogue id, uid), a batch at a time."""
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
                return read_page(source, query, sort, ROWS)

        return walk(read)

    def iterate_memories(self, scope_filter: ScopeFilter) -> Iterator[Memory]:
        """Every memory by (created, namespace, id), a batch at a time."""
        listing = MemoryListQuery(scope_filter, ROWS, Order.ASC)
        source = Source(self._db.memories, MEMORY_FIELDS, memory_from)

        def read(last: Memory | None) -> Page[Memory]:
            position = None if last is None else (last.created, last.namespace, last.id)
            query, sort = listed(replace(listing, after=position))
            with self._db.bounded():
                return read_page(source, query, sort, ROWS)

        return walk(read)

    def start_up_lock(self) -> AbstractContextManager[None]:
        """Hold the lock that start-up work is done under, across processes."""
        return self._lease_lock.hold()

    def close(self) -> None:
        """Give back connections; the store may not be used after it."""
        self._db.client.close()


def _tombstone_from(document: dict[str, str]) -> tuple[Scope, Tombstone]:
    scope = Scope(document["project"], document["namespace"])
    return scope, Tombstone(document["dialogueId"], document["uid"], bool(document["purged"]))
