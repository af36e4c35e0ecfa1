"""Filters and orders, and the reads that are the same inside and outside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from ...domain.expiry import NEVER, DialogueHorizon, Expiry, Lifetime, MemoryHorizon
from ...domain.list_queries import MemoryListQuery
from ...domain.records import (
    Dialogue,
    IdempotencyRecord,
    Message,
    Order,
    Scope,
    ScopeFilter,
    Summary,
    TimeRange,
)
from ..bounds import take_bytes
from .database import Document, MongoDatabase, Projection
from .mapping import (
    MESSAGE_FIELDS,
    SUMMARY_FIELDS,
    idempotency_from,
    key_of,
    message_from,
    place,
    summary_from,
)

IN_ORDER = [("created", 1), ("seq", 1)]
DIRECTION = {Order.ASC: 1, Order.DESC: -1}


def in_scope(scope_filter: ScopeFilter) -> Document:
    """Return the filter that keeps to a project, and to a namespace when one is named."""
    if scope_filter.namespace is None:
        return {"project": scope_filter.project}
    return {"project": scope_filter.project, "namespace": scope_filter.namespace}


def in_dialogue(scope: Scope, dialogue_id: str, uid: str | None = None) -> Document:
    """Return the filter for the rows of a dialogue id, of one generation or of all."""
    rows = {**place(scope), "dialogueId": dialogue_id}
    return rows if uid is None else {**rows, "uid": uid}


def within(times: TimeRange) -> Document:
    """Return the comparisons that a half-open range means; empty when it is open on both sides."""
    bounds: Document = {}
    if times.start is not None:
        bounds["$gte"] = times.start
    if times.before is not None:
        bounds["$lt"] = times.before
    return bounds


def beyond(
    names: Sequence[str], position: Sequence[Any] | None, order: Order, times: TimeRange = TimeRange()
) -> Document:
    """Return the filter for what comes after a position, by several fields, within a range.

    The first name is that of the range. It is bounded on its own as well, so that an index
    scan starts at the position rather than at the beginning of the list.
    """
    bounds = within(times)
    if position is None:
        return {names[0]: bounds} if bounds else {}
    if order is Order.ASC:
        bounds["$gte"] = max(bounds.get("$gte", position[0]), position[0])
    else:
        bounds["$lte"] = position[0]
    step = "$gt" if order is Order.ASC else "$lt"
    choices = [
        {**dict(zip(names[:depth], position, strict=False)), name: {step: position[depth]}}
        for depth, name in enumerate(names)
    ]
    return {names[0]: bounds, "$or": choices}


def memory_list(query: MemoryListQuery) -> tuple[Document, list[tuple[str, int]]]:
    """Return filter and order of a list of memories."""
    names, position = listed_by("created", query.scope_filter, query.after)
    criteria = in_scope(query.scope_filter) | beyond(names, position, query.order, query.times)
    return criteria | tagged(query.tags), [(name, DIRECTION[query.order]) for name in names]


def listed_by(
    key: str, scope_filter: ScopeFilter, after: tuple[str, str, str] | None
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Return what a list is ordered by, and a position in it; within one namespace that is left out."""
    if scope_filter.namespace is None:
        return (key, "namespace", "id"), after
    return (key, "id"), after and (after[0], after[2])


def tagged(tags: Sequence[str]) -> Document:
    """Return the filter for what carries all of the given tags."""
    return {"tags": {"$all": list(tags)}} if tags else {}


def expired_dialogues(horizon: DialogueHorizon) -> list[Document]:
    """Return the filters one of which a dialogue meets that has expired."""
    idle = [{"status": status, "modified": {"$lte": time}} for status, time in horizon.idle.items()]
    return [_ended(horizon.moment), *idle]


def expired_memories(horizon: MemoryHorizon) -> list[Document]:
    """Return the filters one of which a memory meets that has expired."""
    idle = [] if horizon.idle == NEVER else [{"modified": {"$lte": horizon.idle}}]
    return [_ended(horizon.moment), *idle]


def _ended(moment: str) -> Document:
    """Return the filter for what has an end of its own that has come, in the words of the index of those."""
    return {"expiresAt": {"$exists": True, "$lte": moment}}


def is_purged(
    db: MongoDatabase, session: ClientSession | None, scope: Scope, dialogue_id: str, uid: str
) -> bool:
    """Whether a generation is deleted with all its messages and summaries."""
    query = {**in_dialogue(scope, dialogue_id, uid), "purged": True}
    return db.tombstones.find_one(query, ["_id"], session=session) is not None


LIFETIME_FIELDS: Projection = dict.fromkeys(("uid", "status", "modified", "expiresAt"), 1)


def lifetime_from(document: Document) -> Lifetime:
    """Return what decides whether a dialogue has expired."""
    return Lifetime(document["status"], document["modified"], document.get("expiresAt"))


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what hangs on a dialogue, inside a transaction or outside, but for what has expired."""

    db: MongoDatabase
    session: ClientSession | None
    scope: Scope
    expiry: Expiry

    def is_hidden(self, dialogue_id: str, uid: str) -> bool:
        """Whether a generation has expired, or is deleted with all its messages and summaries."""
        key = {"_id": key_of(self.scope, dialogue_id)}
        living = self.db.dialogues.find_one(key, LIFETIME_FIELDS, session=self.session)
        if living is None or living["uid"] != uid:
            return is_purged(self.db, self.session, self.scope, dialogue_id, uid)
        return self.expiry.hides_dialogue(lifetime_from(living))


def read_messages(
    reader: Reader,
    query: Document,
    sort: Sequence[tuple[str, int]] | None = None,
    limit: int = 0,
    most_bytes: int | None = None,
) -> list[Message]:
    """Return messages, up to and including the one with which they exceed so many bytes."""
    with reader.db.messages.find(
        query, MESSAGE_FIELDS, sort=sort, limit=limit, batch_size=limit, session=reader.session
    ) as cursor:
        return take_bytes(map(message_from, cursor), most_bytes)


def read_messages_through(
    reader: Reader, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
) -> list[Message]:
    """Return the first messages of a dialogue through one; ``limit`` and ``most_bytes`` cut."""
    query = {
        **in_dialogue(reader.scope, dialogue.id, dialogue.uid),
        "created": {"$lte": message.created},
        "$or": [
            {"created": {"$lt": message.created}},
            {"created": message.created, "seq": {"$lte": message.seq}},
        ],
    }
    return read_messages(reader, query, IN_ORDER, limit, most_bytes)


def find_message(reader: Reader, dialogue_id: str, message_id: str) -> Message | None:
    """Return a message by id, of the newest generation that has it and is not hidden."""
    scope, session = reader.scope, reader.session
    query = {**in_dialogue(scope, dialogue_id), "messageId": message_id}
    newest_first = [("uid", -1)]
    messages = reader.db.messages
    with messages.find(query, MESSAGE_FIELDS, sort=newest_first, batch_size=2, session=session) as cursor:
        for document in cursor:
            if not reader.is_hidden(dialogue_id, document["uid"]):
                return message_from(document)
    return None


def find_summary(reader: Reader, summary_id: str) -> Summary | None:
    """Return a summary by id, unless its dialogue is hidden."""
    query = {"_id": key_of(reader.scope, summary_id)}
    document = reader.db.summaries.find_one(query, SUMMARY_FIELDS, session=reader.session)
    if document is None:
        return None
    summary = summary_from(document)
    return None if reader.is_hidden(summary.dialogue_id, summary.uid) else summary


def find_idempotency(
    db: MongoDatabase, session: ClientSession | None, scope: Scope, request: str
) -> IdempotencyRecord | None:
    """Return the unexpired record of an earlier request."""
    query = {"_id": request, "project": scope.project, "expireAt": {"$gt": datetime.now(UTC)}}
    document = db.idempotency.find_one(query, session=session)
    if document is None:
        return None
    further = [f"{request}/{number}" for number in range(1, document.get("pieces", 1))]
    pieces = (db.idempotency.find_one({"_id": name}, session=session) for name in further)
    return idempotency_from(document, filter(None, pieces))
