"""One transaction in one scope.

A tombstone is locked by an update, with which every other writer of the document conflicts; for dialogues
and memories see ``locked_dialogues`` and ``locked_memories``. A write that finds its document changed raises
WriteConflict, and then the whole work runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from ...domain.errors import ProjectNotFound
from ...domain.records import (
    Dialogue,
    IdempotencyRecord,
    Memory,
    Message,
    Scope,
    Summary,
    Tombstone,
)
from ..erasure import Removed
from ..transaction import NOTHING_KNOWN, Transaction
from . import expiry, queries
from .administration import Surroundings
from .commit import WriteConflict
from .database import Document, MongoDatabase
from .erasure import MongoErasure
from .indexing import numbered
from .locked_dialogues import LockedDialogues
from .locked_memories import LockedMemories
from .mapping import (
    dialogue_document,
    idempotency_documents,
    key_of,
    memory_document,
    message_document,
    native,
    place,
    summary_document,
)
from .newest import PLACE_FIELDS, takes_newest, with_newest
from .queries import Reader, read_messages, read_messages_through
from .statements import change_document, insert_document, lock_document
from .striped_locks import LockHolder
from .vectors import drop_vectors, enqueue

NEWEST_FIRST = [("created", -1), ("seq", -1)]


class MongoTransaction(MongoErasure, Transaction):
    """A transaction of a session, which is None on mongomock, and so are the locks."""

    def __init__(
        self,
        db: MongoDatabase,
        scope: Scope,
        session: ClientSession | None,
        locks: LockHolder | None,
        surroundings: Surroundings,
    ) -> None:
        self.scope = scope
        self._expiry, self._saved, self._model = surroundings
        self._db = db
        self._session = session
        self._locks = locks
        self._dialogues = LockedDialogues(db.dialogues, scope, session)
        self._memories = LockedMemories(db.memories, scope, session)
        self._expired: dict[str, Dialogue] = {}
        self._reader = Reader(db, session, scope, self._expiry)

    def is_immutable(self) -> bool:
        query = {"_id": self.scope.project, "immutable": True}
        return self._db.projects.find_one(query, ["_id"], session=self._session) is not None

    def lock_dialogue(self, dialogue_id: str) -> Dialogue | None:
        self._acquire("dialogue", self.scope.namespace, dialogue_id)
        dialogue = self._dialogues.read(dialogue_id)
        if dialogue is None:
            return None
        if self._expiry.hides_dialogue(dialogue):
            self._expired[dialogue_id] = dialogue
            return None
        return dialogue

    def find_expired(self, dialogue_id: str) -> Dialogue | None:
        return self._expired.get(dialogue_id)

    def remove_expired(self, dialogue_ids: Sequence[str]) -> list[Removed]:
        keys = [key_of(self.scope, dialogue_id) for dialogue_id in dialogue_ids]
        return expiry.remove_dialogues(self._reader, keys)

    def lock_tombstone(self, dialogue_id: str, uid: str | None = None) -> Tombstone | None:
        query = queries.in_dialogue(self.scope, dialogue_id, uid)
        fields, newest = {"uid": 1, "purged": 1}, {"uid": -1}
        document = lock_document(self._db.tombstones, query, fields, self._session, newest)
        return None if document is None else Tombstone(dialogue_id, document["uid"], document["purged"])

    def release_tombstone(self, dialogue_id: str) -> None:
        expiry.release_tombstones(self._reader, dialogue_id)

    def insert_dialogue(self, dialogue: Dialogue) -> None:
        self._require_project()
        document = numbered(dialogue_document(dialogue))
        insert_document(self._db.dialogues, document, self._session)
        self._enqueue("dialogues", [document])
        self._dialogues.insert(dialogue)

    def save_dialogue(self, dialogue: Dialogue) -> None:
        if "terms" in self._dialogues.save(dialogue):
            self.embed_dialogue_again(dialogue.id, dialogue.uid)

    def finish(self) -> None:
        """Do what is left to do before the commit."""
        self._dialogues.touch_unwritten()
        self._memories.touch_unwritten()

    def embed_newest(self, dialogue_id: str, make: Callable[[], Message]) -> Message | None:
        if self._session is None:
            # mongomock knows no updates by a pipeline.
            return None
        self._acquire("dialogue", self.scope.namespace, dialogue_id)
        message = make()
        query = takes_newest(self.scope, message, self._expiry)
        found = change_document(self._db.dialogues, query, with_newest(message), PLACE_FIELDS, self._session)
        return None if found is None else replace(message, uid=found["uid"], seq=found["nextSeq"])

    def remove_dialogue(self, dialogue: Dialogue, *, purge: bool) -> None:
        self._dialogues.remove(dialogue)
        self._drop_vectors("dialogues", key_of(self.scope, dialogue.id))
        self._expired.pop(dialogue.id, None)
        self.insert_tombstone(Tombstone(dialogue.id, dialogue.uid, purge))

    def insert_tombstone(self, tombstone: Tombstone) -> None:
        named = queries.in_dialogue(self.scope, tombstone.dialogue_id, tombstone.uid)
        document = {**named, "purged": tombstone.purged}
        if tombstone.purged:
            document["pending"] = True
        self._db.tombstones.insert_one(document, session=self._session)

    def count_threads(self, dialogue_id: str) -> int:
        query = {**place(self.scope), "threadOf": dialogue_id}
        return self._db.dialogues.count_documents(query, session=self._session)

    def find_messages(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, Message]:
        """The given messages of this generation, by id; missing ones are left out."""
        query = {**self._rows(dialogue), "messageId": {"$in": list(message_ids)}}
        return {found.id: found for found in read_messages(self._reader, query)}

    def find_message(self, dialogue_id: str, message_id: str) -> Message | None:
        return queries.find_message(self._reader, dialogue_id, message_id)

    def find_seqs(self, dialogue: Dialogue, seqs: Sequence[int]) -> set[int]:
        query = {**self._rows(dialogue), "seq": {"$in": list(seqs)}}
        return {found["seq"] for found in self._db.messages.find(query, ["seq"], session=self._session)}

    def messages_below(self, dialogue: Dialogue, seq: int) -> list[Message]:
        return read_messages(self._reader, {**self._rows(dialogue), "seq": {"$lt": seq}}, [("seq", 1)])

    def message_hashes(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, str]:
        query = {**self._rows(dialogue), "messageId": {"$in": list(message_ids)}}
        found = self._db.messages.find(query, ["messageId", "hash"], session=self._session)
        return {document["messageId"]: document["hash"] for document in found}

    def newest_messages(self, dialogue: Dialogue, limit: int, most_bytes: int | None = None) -> list[Message]:
        return read_messages(self._reader, self._rows(dialogue), NEWEST_FIRST, limit, most_bytes)[::-1]

    def messages_through(
        self, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        return read_messages_through(self._reader, dialogue, message, limit, most_bytes)

    def insert_messages(self, messages: Sequence[Message], known: Mapping[str, str] = NOTHING_KNOWN) -> None:
        documents = [
            numbered(message_document(self.scope, message, known.get(message.id))) for message in messages
        ]
        if len(documents) == 1:
            insert_document(self._db.messages, documents[0], self._session)
        elif documents:
            self._db.messages.insert_many(documents, session=self._session)
        if documents:
            self._enqueue("messages", documents)

    def save_message(self, message: Message) -> None:
        names = ("tags", "modified", "body")
        changes = {"$set": {name: native(getattr(message, name)) for name in names}}
        result = self._db.messages.update_one(self._row(message), changes, session=self._session)
        if result.matched_count == 0:
            raise WriteConflict

    def remove_message(self, message: Message) -> None:
        found = self._db.messages.find_one_and_delete(self._row(message), ["_id"], session=self._session)
        if found is None:
            raise WriteConflict
        self._drop_vectors("messages", found["_id"])

    def lock_memory(self, memory_id: str) -> Memory | None:
        self._acquire("memory", self.scope.namespace, memory_id)
        memory = self._memories.read(memory_id)
        if memory is not None and self._expiry.hides_memory(memory):
            self.remove_memory(memory_id)
            return None
        return memory

    def insert_memory(self, memory: Memory) -> None:
        self._require_project()
        document = numbered(memory_document(self.scope, memory))
        self._db.memories.insert_one(document, session=self._session)
        self._enqueue("memories", [document])

    def save_memory(self, memory: Memory) -> None:
        self._memories.save(memory)
        key = key_of(self.scope, memory.id)
        self._drop_vectors("memories", key)
        self._enqueue("memories", [{"_id": key, **place(self.scope)}])

    def remove_memory(self, memory_id: str) -> None:
        self._memories.remove(memory_id)
        self._drop_vectors("memories", key_of(self.scope, memory_id))

    def remove_expired_memories(self, memory_ids: Sequence[str]) -> int:
        keys = [key_of(self.scope, memory_id) for memory_id in memory_ids]
        return expiry.remove_memories(self._reader, keys)

    def find_summary(self, summary_id: str) -> Summary | None:
        return queries.find_summary(self._reader, summary_id)

    def insert_summary(self, summary: Summary) -> None:
        document = summary_document(self.scope, summary)
        self._db.summaries.replace_one({"_id": document["_id"]}, document, upsert=True, session=self._session)
        if summary.completed and not summary.ranged:
            self.embed_dialogue_again(summary.dialogue_id, summary.uid)

    def embed_dialogue_again(self, dialogue_id: str, uid: str) -> None:
        key = key_of(self.scope, dialogue_id)
        self._drop_vectors("dialogues", key)
        self._enqueue("dialogues", [{"_id": key, **place(self.scope), "uid": uid}])

    def _enqueue(self, kind: str, documents: Sequence[Document]) -> None:
        enqueue(self._db, self._session, kind, documents, self._model)

    def _drop_vectors(self, kind: str, identifier: Any) -> None:
        drop_vectors(self._db, self._session, kind, place(self.scope), [identifier])

    def stale_summaries(self, uid: str, seq: int) -> bool:
        query = {**place(self.scope), "uid": uid, "throughSeq": {"$gte": seq}, "stale": False}
        stale = {"$set": {"stale": True}}
        return self._db.summaries.update_many(query, stale, session=self._session).modified_count > 0

    def find_idempotency(self, request: str) -> IdempotencyRecord | None:
        # Its place needs no lock in the database: of two that save one record, the second meets
        # the first one's key, runs again and finds it.
        self._acquire("request", request)
        return queries.find_idempotency(self._db, self._session, self.scope, request)

    def forget_idempotency(self, request: str) -> None:
        self._acquire("request", request)
        query = {"_id": request, "project": self.scope.project}
        self._db.idempotency.delete_one(query, session=self._session)

    def save_idempotency(self, record: IdempotencyRecord) -> None:
        for document in idempotency_documents(self.scope, record):
            query = {"_id": document["_id"], "expireAt": {"$lte": datetime.now(UTC)}}
            self._db.idempotency.replace_one(query, document, upsert=True, session=self._session)

    def _acquire(self, *name: str) -> None:
        if self._locks is not None:
            self._locks.acquire("\n".join((self.scope.project, *name)))

    def _require_project(self) -> None:
        """Refuse what would be new in a project that is gone; what exists goes with the project."""
        query = {"_id": self.scope.project, "removed": {"$ne": None}}
        if self._db.projects.find_one(query, ["_id"], session=self._session) is not None:
            raise ProjectNotFound("The project of this key was removed.")

    def _rows(self, dialogue: Dialogue) -> Document:
        return queries.in_dialogue(self.scope, dialogue.id, dialogue.uid)

    def _row(self, message: Message) -> Document:
        rows = queries.in_dialogue(self.scope, message.dialogue_id, message.uid)
        return {**rows, "messageId": message.id}
