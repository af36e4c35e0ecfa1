"""One transaction: the primitives that rules are written with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pymongo import ReturnDocument

from ...domain.errors import ProjectNotFound
from ...domain.records import (
    Dialogue,
    IdempotencyRecord,
    Memory,
    Scope,
    Summary,
    Tombstone,
)
from . import lookups
from .documents import (
    DIALOGUE_FIELDS,
    IDEMPOTENCY,
    MEMORY_FIELDS,
    dialogue_changes,
    dialogue_document,
    dialogue_from,
    idempotency_from,
    key_of,
    memory_document,
    memory_from,
    place,
    plain,
    summary_document,
)
from .erasure import erase_namespace
from .messages import MessageRows
from .retry import WriteConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo.client_session import ClientSession

    from .. import Erased
    from .connection import Connection, Document, Rows
    from .striped_locks import LockHolder


class MongoTransaction(MessageRows):
    """Implements ``app.stores.Transaction``; ``session`` and ``locks`` are None on mongomock."""

    def __init__(
        self,
        connection: Connection,
        scope: Scope,
        session: ClientSession | None,
        locks: LockHolder | None,
    ) -> None:
        super().__init__(connection, scope, session)
        self._locks = locks
        self._seen: dict[str, Dialogue] = {}

    def is_immutable(self) -> bool:
        """Whether the project forbids deleting."""
        query = {"_id": self.scope.project, "immutable": True}
        return self._db.projects.find_one(query, ["_id"], session=self._session) is not None

    def lock_dialogue(self, dialogue_id: str) -> Dialogue | None:
        """Read a dialogue and keep every other writer of it out until this transaction ends."""
        self._acquire("dialogue", self.scope.namespace, dialogue_id)
        key = {"_id": key_of(self.scope, dialogue_id)}
        document = self._lock(self._db.dialogues, key, DIALOGUE_FIELDS)
        if document is None:
            return None
        self._seen[dialogue_id] = dialogue_from(document)
        return self._seen[dialogue_id]

    def lock_tombstone(self, dialogue_id: str) -> Tombstone | None:
        """Read and lock the newest tombstone of an id."""
        query = lookups.in_dialogue(self.scope, dialogue_id)
        fields = ["uid", "purged"]
        document = self._lock(self._db.tombstones, query, fields, sort=[("uid", -1)])
        return None if document is None else Tombstone(dialogue_id, document["uid"], document["purged"])

    def insert_dialogue(self, dialogue: Dialogue) -> None:
        """Add a new dialogue; a taken key makes the whole work run again."""
        self._require_project()
        self._db.dialogues.insert_one(dialogue_document(dialogue), session=self._session)
        self._seen[dialogue.id] = dialogue

    def save_dialogue(self, dialogue: Dialogue) -> None:
        """Replace the locked dialogue of the same uid; never creates one."""
        query = {"_id": key_of(self.scope, dialogue.id), "uid": dialogue.uid}
        changes = dialogue_changes(self._seen.get(dialogue.id), dialogue)
        result = self._db.dialogues.update_one(query, changes, session=self._session)
        if result.matched_count == 0:
            raise WriteConflict
        self._seen[dialogue.id] = dialogue

    def remove_dialogue(self, dialogue: Dialogue, *, purge: bool) -> None:
        """Delete the locked dialogue and leave a tombstone; ``purge`` hides messages and summaries too."""
        query = {"_id": key_of(self.scope, dialogue.id), "uid": dialogue.uid}
        if self._db.dialogues.delete_one(query, session=self._session).deleted_count == 0:
            raise WriteConflict
        self._seen.pop(dialogue.id, None)
        tombstone = {**lookups.in_dialogue(self.scope, dialogue.id, dialogue.uid), "purged": purge}
        if purge:
            tombstone["pending"] = True
        self._db.tombstones.insert_one(tombstone, session=self._session)

    def count_threads(self, dialogue_id: str) -> int:
        """How many living dialogues of the scope have this ``thread_of``."""
        query = {**place(self.scope), "threadOf": dialogue_id}
        return self._db.dialogues.count_documents(query, session=self._session)

    def lock_memory(self, memory_id: str) -> Memory | None:
        """Read a memory and keep other writers of it out."""
        self._acquire("memory", self.scope.namespace, memory_id)
        key = {"_id": key_of(self.scope, memory_id)}
        document = self._lock(self._db.memories, key, MEMORY_FIELDS)
        return None if document is None else memory_from(document)

    def insert_memory(self, memory: Memory) -> None:
        """Add a new memory; a taken key makes the whole work run again."""
        self._require_project()
        self._db.memories.insert_one(memory_document(self.scope, memory), session=self._session)

    def save_memory(self, memory: Memory) -> None:
        """Replace the locked memory."""
        document = memory_document(self.scope, memory)
        key = {"_id": document["_id"]}
        if self._db.memories.replace_one(key, document, session=self._session).matched_count == 0:
            raise WriteConflict

    def remove_memory(self, memory_id: str) -> None:
        """Delete the locked memory."""
        self._db.memories.delete_one({"_id": key_of(self.scope, memory_id)}, session=self._session)

    def find_summary(self, summary_id: str) -> Summary | None:
        """A summary by id, of any dialogue of the scope that is not purged."""
        return lookups.find_summary(self._db, self._session, self.scope, summary_id)

    def insert_summary(self, summary: Summary) -> None:
        """Add a new summary, in place of one that is purged; a taken key makes the whole work run again."""
        document = summary_document(self.scope, summary)
        self._db.summaries.replace_one({"_id": document["_id"]}, document, upsert=True, session=self._session)

    def stale_summaries(self, uid: str, seq: int) -> None:
        """Mark every summary of this uid that accounts for the given seq as stale."""
        query = {**place(self.scope), "uid": uid, "throughSeq": {"$gte": seq}}
        self._db.summaries.update_many(query, {"$set": {"stale": True}}, session=self._session)

    def erase_namespace(self) -> Erased:
        """Remove everything of the scope's namespace; rows of messages go later, hidden at once."""
        return erase_namespace(self._db, self._session, self.scope)

    def find_idempotency(self, request: str) -> IdempotencyRecord | None:
        """The unexpired record of an earlier request.

        Its place needs no lock in the database: of two that save one record, the second meets
        the first one's key, runs again and finds it.
        """
        self._acquire("request", request)
        query = {"_id": request, "expireAt": {"$gt": datetime.now(UTC)}}
        document = self._db.idempotency.find_one(query, session=self._session)
        return None if document is None else idempotency_from(document)

    def save_idempotency(self, record: IdempotencyRecord) -> None:
        """Keep the answer; replaces an expired record of the same request."""
        document = {
            **place(self.scope),
            **plain(record, IDEMPOTENCY),
            "expireAt": datetime.fromisoformat(record.expires),
        }
        query = {"_id": record.request, "expireAt": {"$lte": datetime.now(UTC)}}
        self._db.idempotency.replace_one(query, document, upsert=True, session=self._session)

    def _acquire(self, *name: str) -> None:
        if self._locks is not None:
            self._locks.acquire("\n".join((self.scope.project, *name)))

    def _lock(
        self,
        rows: Rows,
        query: Document,
        fields: Sequence[str],
        sort: Sequence[tuple[str, int]] | None = None,
    ) -> Document | None:
        """Read a document by an update that every other writer of it conflicts with."""
        if self._session is None:
            return rows.find_one(query, list(fields), sort=sort)
        return rows.find_one_and_update(
            query,
            {"$inc": {"locks": 1}},
            projection=list(fields),
            sort=sort,
            return_document=ReturnDocument.AFTER,
            session=self._session,
        )

    def _require_project(self) -> None:
        """Refuse what would be new in a project that is gone; what exists goes with the project."""
        query = {"_id": self.scope.project, "removed": {"$ne": None}}
        if self._db.projects.find_one(query, ["_id"], session=self._session) is not None:
            raise ProjectNotFound("The project of this key was removed.")
