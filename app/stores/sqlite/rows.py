"""Records as rows and back: for each table the columns, in the order of the record's fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from ...domain.list_items import DialogueItem, MemoryItem, MessageItem
from ...domain.records import (
    Dialogue,
    IdempotencyRecord,
    Key,
    Memory,
    Message,
    Project,
    Rights,
    Scope,
    Status,
    Summary,
)

Row = tuple[Any, ...]

DIALOGUE: Final = (
    "project, namespace, id, uid, rev, next_seq, total, thread_count, status, tags, metadata, created, "
    "modified, create_hash, created_count, state, recent, recent_count, thread_of, label, "
    "last_message_created, ended_at, archived_at"
)
DIALOGUE_ITEM: Final = ", ".join(DialogueItem._fields)
MESSAGE: Final = (
    "uid, id, dialogue_id, seq, role, tags, metadata, created, modified, body, hash, terms, has_image"
)
MESSAGE_ITEM: Final = ", ".join(MessageItem._fields)
MEMORY: Final = "namespace, id, value, tags, metadata, created, modified, hash, terms, label, description"
MEMORY_ITEM: Final = ", ".join(MemoryItem._fields)
SUMMARY: Final = "uid, id, dialogue_id, created, through_seq, ranged, completed, stale, hash, body"
KEY: Final = "id, hash, project, rights, created, namespace, label, expires, revoked, last_used"
IDEMPOTENCY: Final = "request, fingerprint, body, etag, expires"


def insertion(table: str, columns: str) -> str:
    """Return the statement that adds one row."""
    marks = ", ".join("?" * len(columns.split(", ")))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks})"


def qualify(columns: str, table: str) -> str:
    """Return columns with a table's name before each."""
    return ", ".join(f"{table}.{column}" for column in columns.split(", "))


def write_tags(tags: Sequence[str]) -> str:
    """Return tags as a JSON array."""
    return orjson.dumps(tags).decode() if tags else "[]"


def read_tags(text: str) -> tuple[str, ...]:
    """Return stored tags."""
    return () if text == "[]" else tuple(orjson.loads(text))


def dialogue_row(dialogue: Dialogue) -> Row:
    """Return the values of DIALOGUE."""
    return (
        dialogue.project,
        dialogue.namespace,
        dialogue.id,
        dialogue.uid,
        dialogue.rev,
        dialogue.next_seq,
        dialogue.total,
        dialogue.thread_count,
        dialogue.status.value,
        write_tags(dialogue.tags),
        dialogue.metadata,
        dialogue.created,
        dialogue.modified,
        dialogue.create_hash,
        dialogue.created_count,
        dialogue.state,
        dialogue.recent,
        dialogue.recent_count,
        dialogue.thread_of,
        dialogue.label,
        dialogue.last_message_created,
        dialogue.ended_at,
        dialogue.archived_at,
    )


def read_dialogue(row: Row) -> Dialogue:
    """Return the record of a row of DIALOGUE."""
    values = list(row)
    values[8] = Status(values[8])
    values[9] = read_tags(values[9])
    return Dialogue(*values)


def message_row(message: Message) -> Row:
    """Return the values of MESSAGE."""
    return (
        message.uid,
        message.id,
        message.dialogue_id,
        message.seq,
        message.role,
        write_tags(message.tags),
        message.metadata,
        message.created,
        message.modified,
        message.body,
        message.hash,
        message.terms,
        message.has_image,
    )


def read_message(row: Row) -> Message:
    """Return the record of a row of MESSAGE."""
    values = list(row)
    values[5] = read_tags(values[5])
    values[12] = bool(values[12])
    return Message(*values)


def memory_row(memory: Memory) -> Row:
    """Return the values of MEMORY."""
    return (
        memory.namespace,
        memory.id,
        memory.value,
        write_tags(memory.tags),
        memory.metadata,
        memory.created,
        memory.modified,
        memory.hash,
        memory.terms,
        memory.label,
        memory.description,
    )


def read_memory(row: Row) -> Memory:
    """Return the record of a row of MEMORY."""
    values = list(row)
    values[3] = read_tags(values[3])
    return Memory(*values)


def summary_row(summary: Summary) -> Row:
    """Return the values of SUMMARY."""
    return (
        summary.uid,
        summary.id,
        summary.dialogue_id,
        summary.created,
        summary.through_seq,
        summary.ranged,
        summary.completed,
        summary.stale,
        summary.hash,
        summary.body,
    )


def read_summary(row: Row) -> Summary:
    """Return the record of a row of SUMMARY."""
    values = list(row)
    values[5:8] = map(bool, values[5:8])
    return Summary(*values)


def read_project(row: Row) -> Project:
    """Return the record of a row of name, immutable, created."""
    return Project(row[0], bool(row[1]), row[2])


def key_row(key: Key) -> Row:
    """Return the values of KEY."""
    return (
        key.id,
        key.hash,
        key.project,
        key.rights.value,
        key.created,
        key.namespace,
        key.label,
        key.expires,
        key.revoked,
        key.last_used,
    )


def read_key(row: Row) -> Key:
    """Return the record of a row of KEY."""
    values = list(row)
    values[3] = Rights(values[3])
    return Key(*values)


def idempotency_row(record: IdempotencyRecord, scope: Scope) -> Row:
    """Return the values of IDEMPOTENCY, then project and namespace."""
    values = (record.request, record.fingerprint, record.body, record.etag, record.expires)
    return (*values, scope.project, scope.namespace)
