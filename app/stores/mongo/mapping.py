"""Records as documents, and back.

A field of a record has the same name in its document, in camel case; a message's own id is
``messageId``. Absent optional fields are left out. What a client named (the keys of metadata) is
only ever a value: metadata is stored as the JSON text that came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any

from ...domain.erasure import Erasure
from ...domain.list_items import DialogueItem, ExpiringItem, MemoryItem, MessageItem
from ...domain.records import (
    Action,
    AuditEntry,
    Dialogue,
    IdempotencyRecord,
    JsonText,
    Key,
    Memory,
    Message,
    Project,
    Rights,
    Scope,
    Status,
    Summary,
)
from ...domain.retention import Retention
from ...search.analysis import dialogue_terms
from ..policies import read_retention, write_retention
from .database import Document, Projection
from .facets import facets
from .indexing import searched, written_terms
from .recent_sizes import SIZES, sizes_of

Names = Mapping[str, str]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _names(record: type, **special: str) -> Names:
    return {name: special.get(name) or _camel(name) for name in record.__annotations__}


DIALOGUE = _names(Dialogue)
MESSAGE = _names(Message, id="messageId")
MEMORY = _names(Memory)
SUMMARY = _names(Summary)
PROJECT = _names(Project, name="_id")
KEY = _names(Key, id="_id")
AUDIT = _names(AuditEntry, id="_id")
ERASURE = _names(Erasure)
IDEMPOTENCY = _names(IdempotencyRecord, request="_id")

LAST = DIALOGUE["last_message_created"]
"""A dialogue without messages has its own ``created`` in it, which lists place it by."""

DIALOGUE_ITEM = tuple(_names(DialogueItem).values())
MESSAGE_ITEM = tuple(_names(MessageItem, id="messageId").values())
MEMORY_ITEM = tuple(_names(MemoryItem).values())


def _projection(names: Iterable[str]) -> Projection:
    """Return these fields alone, in the form that the driver need not work out for each command."""
    return {"_id": 0, **dict.fromkeys(names, 1)}


DIALOGUE_FIELDS = _projection(DIALOGUE.values())
MESSAGE_FIELDS = _projection(MESSAGE.values())
MEMORY_FIELDS = _projection(MEMORY.values())
SUMMARY_FIELDS = _projection(SUMMARY.values())
DIALOGUE_ITEM_FIELDS = _projection(DIALOGUE_ITEM)
MESSAGE_ITEM_FIELDS = _projection(MESSAGE_ITEM)
MEMORY_ITEM_FIELDS = _projection(MEMORY_ITEM)
PROJECT_FIELDS: Projection = dict.fromkeys(PROJECT.values(), 1)
KEY_FIELDS: Projection = dict.fromkeys(KEY.values(), 1)
AUDIT_FIELDS: Projection = dict.fromkeys(AUDIT.values(), 1)
ERASURE_FIELDS = _projection(ERASURE.values())


def key_of(scope: Scope, identifier: str) -> Document:
    """Return the primary key of a dialogue, memory or summary; the order of its fields matters."""
    return {"p": scope.project, "n": scope.namespace, "i": identifier}


def place(scope: Scope) -> Document:
    """Return what every document of a scope carries and every filter begins with."""
    return {"project": scope.project, "namespace": scope.namespace}


def native(value: object) -> Any:
    """Return a field's value as BSON keeps it."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Retention):
        return write_retention(value)
    return value.value if isinstance(value, Enum) else value


def plain(record: object, names: Names) -> Document:
    """Return the fields of a record that have a value."""
    pairs = ((name, getattr(record, field)) for field, name in names.items())
    return {name: native(value) for name, value in pairs if value is not None}


def _read(document: Document, names: Names) -> dict[str, Any]:
    return {field: document.get(name) for field, name in names.items()}


def dialogue_document(dialogue: Dialogue) -> Document:
    """Return a new dialogue's document."""
    scope = Scope(dialogue.project, dialogue.namespace)
    return {
        "_id": key_of(scope, dialogue.id),
        **plain(dialogue, DIALOGUE),
        **({"isThread": True} if dialogue.thread_of is not None else {}),
        LAST: dialogue.last_message_created or dialogue.created,
        SIZES: sizes_of(dialogue.rev, dialogue.recent),
        **_dialogue_terms(dialogue),
        "facets": facets(dialogue.metadata),
    }


def _dialogue_terms(dialogue: Dialogue) -> Document:
    terms = dialogue_terms(dialogue.label, dialogue.tags, dialogue.metadata)
    return searched(Scope(dialogue.project, dialogue.namespace), terms, dialogue.id)


SEARCHED = {"label", "tags", "metadata"}
"""The fields of a dialogue that its search terms come from."""


def dialogue_changes(before: Dialogue | None, after: Dialogue) -> Document:
    """Return the update that turns one version of a dialogue into the next, only what differs.

    An append to a dialogue with a large state does not send that state again.
    """
    absent = object()
    pairs = ((field, name, getattr(after, field)) for field, name in DIALOGUE.items())
    changed = {name: value for field, name, value in pairs if value != getattr(before, field, absent)}
    values = {name: native(value) for name, value in changed.items() if value is not None}
    if changed.keys() & SEARCHED:
        values |= _dialogue_terms(after)
    if "metadata" in changed:
        values["facets"] = facets(after.metadata)
    gone = {name: "" for name, value in changed.items() if value is None}
    if gone.pop(LAST, None) is not None:
        values[LAST] = after.created
    return {"$set": {"rev": after.rev, **values}, **({"$unset": gone} if gone else {})}


def dialogue_from(document: Document) -> Dialogue:
    """Return a dialogue."""
    values = _read(document, DIALOGUE)
    values["status"] = Status(values["status"])
    values["tags"] = tuple(values["tags"])
    if not values["total"]:
        values["last_message_created"] = None
    return Dialogue(**values)


def dialogue_item_from(document: Document) -> DialogueItem:
    """Return a dialogue as lists show it."""
    if not document["total"]:
        document[LAST] = None
    return DialogueItem._make(map(document.get, DIALOGUE_ITEM))


def message_document(scope: Scope, message: Message, tokens: str | None = None) -> Document:
    """Return a message's document; its tokens, in one text, may be known."""
    return {
        **place(scope),
        **plain(message, MESSAGE),
        **searched(scope, message.terms, f"{message.dialogue_id}/{message.id}", tokens),
        "facets": facets(message.metadata),
    }


def message_from(document: Document) -> Message:
    """Return a message."""
    return Message(**_term_values(document, MESSAGE))


def message_item_from(document: Document) -> MessageItem:
    """Return a message as lists show it."""
    return MessageItem._make(map(document.get, MESSAGE_ITEM))


def memory_document(scope: Scope, memory: Memory) -> Document:
    """Return a memory's document."""
    return {
        "_id": key_of(scope, memory.id),
        **place(scope),
        **plain(memory, MEMORY),
        **searched(scope, memory.terms, memory.id),
        "facets": facets(memory.metadata),
    }


def memory_from(document: Document) -> Memory:
    """Return a memory."""
    return Memory(**_term_values(document, MEMORY))


def memory_item_from(document: Document) -> MemoryItem:
    """Return a memory as lists show it."""
    return MemoryItem._make(map(document.get, MEMORY_ITEM))


def _term_values(document: Document, names: Names) -> dict[str, Any]:
    values = _read(document, names)
    values["tags"] = tuple(values["tags"])
    values["terms"] = written_terms(document)
    return values


def memory_changes(scope: Scope, memory: Memory) -> Document:
    """Return the update that replaces a memory; its place in the search index stays."""
    document = memory_document(scope, memory)
    del document["_id"]
    gone = {name: "" for name in MEMORY.values() if name not in document}
    return {"$set": document, **({"$unset": gone} if gone else {})}


def expiring_item_from(document: Document, time: str) -> ExpiringItem:
    """Return what may have expired; ``time`` is the field that decides."""
    place = (document["namespace"], document["id"], document.get("status", ""))
    return ExpiringItem(document[time], *place)


def summary_document(scope: Scope, summary: Summary) -> Document:
    """Return a summary's document."""
    return {"_id": key_of(scope, summary.id), **place(scope), **plain(summary, SUMMARY)}


def summary_from(document: Document) -> Summary:
    """Return a summary."""
    return Summary(**_read(document, SUMMARY))


def project_from(document: Document) -> Project:
    """Return a project."""
    values = _read(document, PROJECT)
    return Project(**{**values, "retention": read_retention(values["retention"])})


def key_from(document: Document) -> Key:
    """Return a key."""
    values = _read(document, KEY)
    return Key(**{**values, "rights": Rights(values["rights"])})


def audit_from(document: Document) -> AuditEntry:
    """Return an entry of the audit."""
    values = _read(document, AUDIT)
    return AuditEntry(**{**values, "action": Action(values["action"])})


def erasure_from(document: Document) -> Erasure:
    """Return the record of an erasure."""
    return Erasure(**_read(document, ERASURE))


def idempotency_documents(scope: Scope, record: IdempotencyRecord) -> list[Document]:
    """Return the documents of a recorded answer: one, and more where its body would not fit one."""
    starts = range(0, max(1, len(record.body)), PIECE)
    pieces = [record.body[start : start + PIECE] for start in starts]
    common = {**place(scope), "expireAt": datetime.fromisoformat(record.expires)}
    first = {**common, **plain(record, IDEMPOTENCY), "body": pieces[0], "pieces": len(pieces)}
    rest = [
        {**common, "_id": f"{record.request}/{number}", "body": piece}
        for number, piece in enumerate(pieces[1:], 1)
    ]
    return [first, *rest]


def idempotency_from(document: Document, rest: Iterable[Document] = ()) -> IdempotencyRecord:
    """Return a recorded answer, ``rest`` having the further pieces of its body."""
    record = IdempotencyRecord(**_read(document, IDEMPOTENCY))
    return replace(record, body=JsonText(record.body + "".join(piece["body"] for piece in rest)))


PIECE = 3 * 1024 * 1024
"""How many characters of a body one document takes, of the 16 MiB that it may have."""
