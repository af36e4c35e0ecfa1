"""One transaction in one scope.

SQLite lets one writer in at a time (BEGIN IMMEDIATE), so that whatever is read here is locked.
Each change of a searched row changes the search index in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from sqlite3 import Connection

import orjson

from ...domain.errors import ProjectNotFound
from ...domain.expiry import Expiry
from ...domain.records import (
    Dialogue,
    IdempotencyRecord,
    Memory,
    Message,
    Scope,
    Summary,
    Tombstone,
)
from ...search.analysis import dialogue_terms
from ...search.tokens import index_text, marked_text
from ..bounds import take_bytes
from ..erasure import Removed
from ..policies import read_retention
from ..transaction import NOTHING_KNOWN, Transaction
from . import expiry, facets, mapping, statements, sweeping
from .administration import SqliteAdministration
from .checksums import checksum_of
from .database import note_size
from .erasure import SqliteErasure
from .indexing import IndexedRow, add_terms, add_texts, count_terms, drop_terms, drop_vectors, enqueue


class SqliteTransaction(SqliteAdministration, SqliteErasure, Transaction):
    """A transaction that the group commit has begun."""

    def __init__(self, connection: Connection, scope: Scope, saved: set[str], model: str | None) -> None:
        self.scope = scope
        self._model = model
        self._connection = connection
        self._saved = saved
        self._key = (scope.project, scope.namespace)
        self._locked: dict[str, Dialogue] = {}
        self._expired: dict[str, Dialogue] = {}
        row = connection.execute(statements.FIND_PROJECT, (scope.project,)).fetchone()
        self._immutable = row is not None and bool(row[0])
        self._expiry = Expiry() if row is None else Expiry(read_retention(row[2]), self._immutable)
        if row is not None and row[1]:
            raise ProjectNotFound("The project of this key was removed.")

    def is_immutable(self) -> bool:
        return self._immutable

    # Dialogues

    def lock_dialogue(self, dialogue_id: str) -> Dialogue | None:
        row = self._connection.execute(statements.GET_DIALOGUE, (*self._key, dialogue_id)).fetchone()
        if row is None:
            return None
        dialogue = self._locked[dialogue_id] = mapping.DIALOGUE.read(row)
        if self._expiry.hides_dialogue(dialogue):
            self._expired[dialogue_id] = dialogue
            return None
        return dialogue

    def find_expired(self, dialogue_id: str) -> Dialogue | None:
        return self._expired.get(dialogue_id)

    def remove_expired(self, dialogue_ids: Sequence[str]) -> list[Removed]:
        return expiry.remove_dialogues(self._connection, self.scope, dialogue_ids, self._expiry.dialogues())

    def lock_tombstone(self, dialogue_id: str, uid: str | None = None) -> Tombstone | None:
        values = (*self._key, dialogue_id, uid)
        row = self._connection.execute(statements.LOCK_TOMBSTONE, values).fetchone()
        return None if row is None else mapping.TOMBSTONE.read(row)[1]

    def insert_tombstone(self, tombstone: Tombstone) -> None:
        fate = sweeping.PURGED if tombstone.purged else sweeping.KEPT
        values = (*self._key, tombstone.dialogue_id, tombstone.uid, fate)
        self._connection.execute(statements.INSERT_TOMBSTONE, values)

    def release_tombstone(self, dialogue_id: str) -> None:
        self._connection.execute(sweeping.RELEASE_TOMBSTONES, (*self._key, dialogue_id))

    def insert_dialogue(self, dialogue: Dialogue) -> None:
        terms = dialogue_terms(dialogue.label, dialogue.tags, dialogue.metadata)
        values = (*mapping.DIALOGUE_FIELDS.values(dialogue), count_terms(terms), terms)
        number = self._connection.execute(statements.INSERT_DIALOGUE, values).lastrowid or 0
        row = (number, self.scope.namespace, terms, dialogue.id)
        self._index("dialogue", [row])
        facets.add_rows(self._connection, dialogue)
        self._locked[dialogue.id] = dialogue

    def save_dialogue(self, dialogue: Dialogue) -> None:
        # Indexed columns are written only when they have changed.
        key = (*self._key, dialogue.id, dialogue.uid)
        values = mapping.COUNTED_FIELDS.values(dialogue)
        if not self._connection.execute(statements.SAVE_COUNTED, (*values, *key)).rowcount:
            return
        before = self._locked.get(dialogue.id)
        indexed = mapping.INDEXED_FIELDS
        if before is None or indexed.of(before) != indexed.of(dialogue):
            self._save_indexed(dialogue, key)
        self._locked[dialogue.id] = dialogue

    def _save_indexed(self, dialogue: Dialogue, key: tuple[str, ...]) -> None:
        row = self._connection.execute(statements.FIND_TERMS, key).fetchone()
        number, namespace, before, identity = row
        terms = dialogue_terms(dialogue.label, dialogue.tags, dialogue.metadata)
        values = (*mapping.INDEXED_FIELDS.values(dialogue), count_terms(terms), terms, number)
        self._connection.execute(statements.SAVE_INDEXED, values)
        if terms != before:
            drop_terms(self._connection, "dialogue", self.scope.project, [row])
            self._index("dialogue", [(number, namespace, terms, identity)])

    def embed_newest(
        self,
        dialogue_id: str,  # noqa: ARG002 - to read a dialogue is no journey here that could be saved
        make: Callable[[], Message],  # noqa: ARG002 - the same
    ) -> Message | None:
        return None

    def remove_dialogue(self, dialogue: Dialogue, *, purge: bool) -> None:
        key = (*self._key, dialogue.id, dialogue.uid)
        removed = self._connection.execute(statements.REMOVE_DIALOGUE, key).fetchall()
        drop_terms(self._connection, "dialogue", self.scope.project, removed)
        facets.drop_rows(self._connection, self.scope, dialogue.created, dialogue.id, dialogue.metadata)
        self.insert_tombstone(Tombstone(dialogue.id, dialogue.uid, purge))
        self._locked.pop(dialogue.id, None)
        self._expired.pop(dialogue.id, None)

    def count_threads(self, dialogue_id: str) -> int:
        cursor = self._connection.execute(statements.COUNT_THREADS, (*self._key, dialogue_id))
        count: int = cursor.fetchone()[0]
        return count

    # Messages

    def find_messages(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, Message]:
        found = self._messages(statements.FIND_MESSAGES, dialogue, orjson.dumps(message_ids).decode())
        return {message.id: message for message in found}

    def find_message(self, dialogue_id: str, message_id: str) -> Message | None:
        key = (*self._key, dialogue_id, message_id, *self._expiry.dialogues())
        row = self._connection.execute(statements.GET_MESSAGE, key).fetchone()
        return None if row is None else mapping.MESSAGE.read(row)

    def find_seqs(self, dialogue: Dialogue, seqs: Sequence[int]) -> set[int]:
        key = (*self._key, dialogue.id, dialogue.uid)
        found = self._connection.execute(statements.FIND_SEQS, (*key, orjson.dumps(seqs).decode()))
        return {seq for (seq,) in found}

    def messages_below(self, dialogue: Dialogue, seq: int) -> list[Message]:
        return self._messages(statements.MESSAGES_BELOW, dialogue, seq)

    def message_hashes(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, str]:
        key = (*self._key, dialogue.id, dialogue.uid, orjson.dumps(message_ids).decode())
        return dict(self._connection.execute(statements.MESSAGE_HASHES, key).fetchall())

    def newest_messages(self, dialogue: Dialogue, limit: int, most_bytes: int | None = None) -> list[Message]:
        key = (*self._key, dialogue.id, dialogue.uid, limit)
        return self._take(statements.NEWEST_MESSAGES, key, most_bytes)[::-1]

    def messages_through(
        self, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        key = (*self._key, dialogue.id, dialogue.uid, message.created, message.seq, limit)
        return self._take(statements.MESSAGES_THROUGH, key, most_bytes)

    def _take(self, sql: str, values: tuple[object, ...], most_bytes: int | None) -> list[Message]:
        """Read messages one by one, no further than the bytes go."""
        cursor = self._connection.execute(sql, values)
        try:
            return take_bytes(map(mapping.MESSAGE.read, cursor), most_bytes)
        finally:
            cursor.close()

    def _messages(self, sql: str, dialogue: Dialogue, *values: object) -> list[Message]:
        key = (*self._key, dialogue.id, dialogue.uid)
        return [mapping.MESSAGE.read(row) for row in self._connection.execute(sql, (*key, *values))]

    def insert_messages(self, messages: Sequence[Message], known: Mapping[str, str] = NOTHING_KNOWN) -> None:
        added, texts = [], []
        for message in messages:
            tokens = known.get(message.id) or index_text(message.terms, f"{message.dialogue_id}/{message.id}")
            checksum = checksum_of(count_terms(tokens), message.terms, message.body)
            derived = (count_terms(message.terms), checksum)
            values = (*mapping.MESSAGE_FIELDS.values(message), *self._key, *derived)
            number = self._connection.execute(statements.INSERT_MESSAGE, values).lastrowid or 0
            note_size(self._connection, len(message.body))
            texts.append((number, marked_text(tokens, self.scope)))
            added.append((number, self.scope.namespace))
        add_texts(self._connection, "message", texts)
        enqueue(self._connection, "message", self.scope.project, added, self._model)

    def save_message(self, message: Message) -> None:
        values = (*mapping.RETAGGED_FIELDS.values(message), message.body)
        self._connection.execute(statements.SAVE_MESSAGE, (*values, *self._message_key(message)))

    def remove_message(self, message: Message) -> None:
        removed = self._connection.execute(statements.REMOVE_MESSAGE, self._message_key(message)).fetchall()
        drop_terms(self._connection, "message", self.scope.project, removed)

    def _message_key(self, message: Message) -> tuple[str, ...]:
        return (*self._key, message.dialogue_id, message.id, message.uid)

    # Memories

    def lock_memory(self, memory_id: str) -> Memory | None:
        row = self._connection.execute(statements.GET_MEMORY, (*self._key, memory_id)).fetchone()
        if row is None:
            return None
        memory = mapping.MEMORY.read(row)
        if self._expiry.hides_memory(memory):
            self.remove_memory(memory_id)
            return None
        return memory

    def insert_memory(self, memory: Memory) -> None:
        values = (*mapping.MEMORY_FIELDS.values(memory), self.scope.project, count_terms(memory.terms))
        number = self._connection.execute(statements.INSERT_MEMORY, values).lastrowid or 0
        self._index("memory", [(number, memory.namespace, memory.terms, memory.id)])

    def save_memory(self, memory: Memory) -> None:
        found = self._connection.execute(statements.FIND_MEMORY_TERMS, (*self._key, memory.id)).fetchone()
        if found is None:
            return
        number, namespace, _, identity = found
        values = (*mapping.REPLACED_FIELDS.values(memory), count_terms(memory.terms), number)
        self._connection.execute(statements.SAVE_MEMORY, values)
        drop_terms(self._connection, "memory", self.scope.project, [found])
        self._index("memory", [(number, namespace, memory.terms, identity)])

    def remove_memory(self, memory_id: str) -> None:
        removed = self._connection.execute(statements.REMOVE_MEMORY, (*self._key, memory_id)).fetchall()
        drop_terms(self._connection, "memory", self.scope.project, removed)

    def remove_expired_memories(self, memory_ids: Sequence[str]) -> int:
        return expiry.remove_memories(self._connection, self.scope, memory_ids, self._expiry.memories())

    def _index(self, table: str, rows: Sequence[IndexedRow]) -> None:
        add_terms(self._connection, table, self.scope.project, rows)
        enqueue(self._connection, table, self.scope.project, rows, self._model)

    # Summaries, recorded answers

    def find_summary(self, summary_id: str) -> Summary | None:
        key = (*self._key, summary_id, *self._expiry.dialogues())
        row = self._connection.execute(statements.GET_SUMMARY, key).fetchone()
        return None if row is None else mapping.SUMMARY.read(row)

    def insert_summary(self, summary: Summary) -> None:
        self._connection.execute(
            statements.INSERT_SUMMARY, (*mapping.SUMMARY_FIELDS.values(summary), *self._key)
        )
        if summary.completed and not summary.ranged:
            self.embed_dialogue_again(summary.dialogue_id, summary.uid)

    def stale_summaries(self, uid: str, seq: int) -> bool:
        return self._connection.execute(statements.STALE_SUMMARIES, (*self._key, uid, seq)).rowcount > 0

    def embed_dialogue_again(self, dialogue_id: str, uid: str) -> None:
        rows = self._connection.execute(statements.FIND_TERMS, (*self._key, dialogue_id, uid)).fetchall()
        drop_vectors(self._connection, "dialogue", [row[0] for row in rows])
        enqueue(self._connection, "dialogue", self.scope.project, rows, self._model)

    def find_idempotency(self, request: str) -> IdempotencyRecord | None:
        row = self._connection.execute(statements.FIND_IDEMPOTENCY, (request, self.scope.project)).fetchone()
        return None if row is None else mapping.IDEMPOTENCY.read(row)

    def forget_idempotency(self, request: str) -> None:
        self._connection.execute(statements.FORGET_IDEMPOTENCY, (request, self.scope.project))

    def save_idempotency(self, record: IdempotencyRecord) -> None:
        values = (*mapping.IDEMPOTENCY_FIELDS.values(record), *self._key)
        self._connection.execute(statements.SAVE_IDEMPOTENCY, values)
        note_size(self._connection, len(record.body))
