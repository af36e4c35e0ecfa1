"""The writing half: one transaction in one scope.

SQLite lets one writer in at a time (BEGIN IMMEDIATE), so that whatever is read here is locked.
Each change of a searched row changes the index beside it, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

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
from ...search.analysis import dialogue_terms
from .. import Erased
from ..bounds import take_bytes
from . import erasure, reads, rows, statements
from .connection import Connection
from .indexing import Entry, add_terms, count_terms, drop_terms


class SqliteTransaction:
    """A transaction that the group commit has begun; see ``Transaction`` for each method."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.scope = scope
        self._connection = connection
        self._key = (scope.project, scope.namespace)
        self._locked: dict[str, Dialogue] = {}
        row = connection.execute(statements.FIND_PROJECT, (scope.project,)).fetchone()
        self._immutable = row is not None and bool(row[0])
        if row is not None and row[1]:
            raise ProjectNotFound("The project of this key was removed.")

    def is_immutable(self) -> bool:
        """See ``Transaction``."""
        return self._immutable

    # Dialogues

    def lock_dialogue(self, dialogue_id: str) -> Dialogue | None:
        """See ``Transaction``."""
        row = self._connection.execute(reads.GET_DIALOGUE, (*self._key, dialogue_id)).fetchone()
        if row is None:
            return None
        dialogue = self._locked[dialogue_id] = rows.read_dialogue(row)
        return dialogue

    def lock_tombstone(self, dialogue_id: str) -> Tombstone | None:
        """See ``Transaction``."""
        row = self._connection.execute(statements.LOCK_TOMBSTONE, (*self._key, dialogue_id)).fetchone()
        return None if row is None else Tombstone(row[0], row[1], row[2] > 0)

    def insert_dialogue(self, dialogue: Dialogue) -> None:
        """See ``Transaction``."""
        terms = dialogue_terms(dialogue.label, dialogue.tags, dialogue.metadata)
        values = (*rows.dialogue_row(dialogue), count_terms(terms), terms)
        number = self._connection.execute(statements.INSERT_DIALOGUE, values).lastrowid or 0
        self._add_terms("dialogue", [(number, self.scope.namespace, terms)])
        self._locked[dialogue.id] = dialogue

    def save_dialogue(self, dialogue: Dialogue) -> None:
        """See ``Transaction``. The indexed columns are written only when they have changed."""
        key = (*self._key, dialogue.id, dialogue.uid)
        values = (
            dialogue.rev,
            dialogue.next_seq,
            dialogue.total,
            dialogue.thread_count,
            dialogue.modified,
            dialogue.last_message_created,
            dialogue.state,
            dialogue.recent,
            dialogue.recent_count,
        )
        saved = self._connection.execute(statements.SAVE_COUNTERS, (*values, *key)).rowcount
        if not saved:
            return
        before = self._locked.get(dialogue.id)
        if before is None or _heading(before) != _heading(dialogue):
            self._save_heading(dialogue, key)
        self._locked[dialogue.id] = dialogue

    def _save_heading(self, dialogue: Dialogue, key: tuple[str, ...]) -> None:
        entry = self._connection.execute(statements.FIND_TERMS, key).fetchone()
        terms = dialogue_terms(dialogue.label, dialogue.tags, dialogue.metadata)
        status, tags, *rest = _heading(dialogue)
        values = (status, rows.write_tags(tags), *rest, count_terms(terms), terms, entry[0])
        self._connection.execute(statements.SAVE_HEADING, values)
        if terms != entry[2]:
            self._drop_terms("dialogue", [entry])
            self._add_terms("dialogue", [(entry[0], entry[1], terms)])

    def remove_dialogue(self, dialogue: Dialogue, *, purge: bool) -> None:
        """See ``Transaction``."""
        key = (*self._key, dialogue.id, dialogue.uid)
        removed = self._connection.execute(statements.REMOVE_DIALOGUE, key).fetchall()
        self._drop_terms("dialogue", removed)
        self._connection.execute(
            statements.INSERT_TOMBSTONE, (*key, erasure.PURGED if purge else erasure.KEPT)
        )
        self._locked.pop(dialogue.id, None)

    def count_threads(self, dialogue_id: str) -> int:
        """See ``Transaction``."""
        count: int = self._connection.execute(statements.COUNT_THREADS, (*self._key, dialogue_id)).fetchone()[
            0
        ]
        return count

    # Messages

    def find_messages(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, Message]:
        """See ``Transaction``."""
        found = self._messages(statements.FIND_MESSAGES, dialogue, orjson.dumps(message_ids).decode())
        return {message.id: message for message in found}

    def find_message(self, dialogue_id: str, message_id: str) -> Message | None:
        """See ``Transaction``."""
        key = (*self._key, dialogue_id, message_id)
        row = self._connection.execute(reads.GET_MESSAGE, key).fetchone()
        return None if row is None else rows.read_message(row)

    def messages_below(self, dialogue: Dialogue, seq: int) -> list[Message]:
        """See ``Transaction``."""
        return self._messages(statements.MESSAGES_BELOW, dialogue, seq)

    def newest_messages(self, dialogue: Dialogue, limit: int) -> list[Message]:
        """See ``Transaction``."""
        return self._messages(statements.NEWEST_MESSAGES, dialogue, limit)[::-1]

    def messages_through(
        self, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        """See ``Transaction``."""
        key = (*self._key, dialogue.id, dialogue.uid, message.created, message.seq, limit)
        cursor = self._connection.execute(statements.MESSAGES_THROUGH, key)
        try:
            return take_bytes(map(rows.read_message, cursor), most_bytes)
        finally:
            cursor.close()

    def _messages(self, sql: str, dialogue: Dialogue, *values: object) -> list[Message]:
        key = (*self._key, dialogue.id, dialogue.uid)
        return [rows.read_message(row) for row in self._connection.execute(sql, (*key, *values))]

    def insert_messages(self, messages: Sequence[Message]) -> None:
        """See ``Transaction``."""
        entries = []
        for message in messages:
            values = (*rows.message_row(message), *self._key, count_terms(message.terms))
            number = self._connection.execute(statements.INSERT_MESSAGE, values).lastrowid or 0
            entries.append((number, self.scope.namespace, message.terms))
        self._add_terms("message", entries)

    def save_message(self, message: Message) -> None:
        """See ``Transaction``."""
        values = (rows.write_tags(message.tags), message.modified, message.body)
        self._connection.execute(statements.SAVE_MESSAGE, (*values, *self._message_key(message)))

    def remove_message(self, message: Message) -> None:
        """See ``Transaction``."""
        removed = self._connection.execute(statements.REMOVE_MESSAGE, self._message_key(message)).fetchall()
        self._drop_terms("message", removed)

    def _message_key(self, message: Message) -> tuple[str, ...]:
        return (*self._key, message.dialogue_id, message.id, message.uid)

    # Memories

    def lock_memory(self, memory_id: str) -> Memory | None:
        """See ``Transaction``."""
        row = self._connection.execute(reads.GET_MEMORY, (*self._key, memory_id)).fetchone()
        return None if row is None else rows.read_memory(row)

    def insert_memory(self, memory: Memory) -> None:
        """See ``Transaction``."""
        values = (*rows.memory_row(memory), self.scope.project, count_terms(memory.terms))
        number = self._connection.execute(statements.INSERT_MEMORY, values).lastrowid or 0
        self._add_terms("memory", [(number, memory.namespace, memory.terms)])

    def save_memory(self, memory: Memory) -> None:
        """See ``Transaction``."""
        key = (*self._key, memory.id)
        for entry in self._connection.execute(statements.FIND_MEMORY_TERMS, key).fetchall():
            values = (
                memory.value,
                rows.write_tags(memory.tags),
                memory.modified,
                memory.terms,
                memory.label,
                memory.description,
                count_terms(memory.terms),
                entry[0],
            )
            self._connection.execute(statements.SAVE_MEMORY, values)
            self._drop_terms("memory", [entry])
            self._add_terms("memory", [(entry[0], entry[1], memory.terms)])

    def remove_memory(self, memory_id: str) -> None:
        """See ``Transaction``."""
        removed = self._connection.execute(statements.REMOVE_MEMORY, (*self._key, memory_id)).fetchall()
        self._drop_terms("memory", removed)

    # Summaries, erasure, recorded answers

    def find_summary(self, summary_id: str) -> Summary | None:
        """See ``Transaction``."""
        row = self._connection.execute(reads.GET_SUMMARY, (*self._key, summary_id)).fetchone()
        return None if row is None else rows.read_summary(row)

    def insert_summary(self, summary: Summary) -> None:
        """See ``Transaction``."""
        self._connection.execute(statements.INSERT_SUMMARY, (*rows.summary_row(summary), *self._key))

    def stale_summaries(self, uid: str, seq: int) -> None:
        """See ``Transaction``."""
        self._connection.execute(statements.STALE_SUMMARIES, (*self._key, uid, seq))

    def erase_namespace(self) -> Erased:
        """See ``Transaction``."""
        self._locked.clear()
        return erasure.erase_namespace(self._connection, self.scope)

    def find_idempotency(self, request: str) -> IdempotencyRecord | None:
        """See ``Transaction``."""
        row = self._connection.execute(statements.FIND_IDEMPOTENCY, (request,)).fetchone()
        return None if row is None else IdempotencyRecord(*row)

    def save_idempotency(self, record: IdempotencyRecord) -> None:
        """See ``Transaction``."""
        self._connection.execute(statements.SAVE_IDEMPOTENCY, rows.idempotency_row(record, self.scope))

    def _add_terms(self, table: str, entries: Sequence[Entry]) -> None:
        add_terms(self._connection, table, self.scope.project, entries)

    def _drop_terms(self, table: str, entries: Sequence[Entry]) -> None:
        drop_terms(self._connection, table, self.scope.project, entries)


def _heading(dialogue: Dialogue) -> tuple[Any, ...]:
    """Return what changes seldom and is indexed or searched."""
    return dialogue.status.value, dialogue.tags, dialogue.label, dialogue.ended_at, dialogue.archived_at
