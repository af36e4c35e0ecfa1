"""Filters and orders, and the reads that are the same inside and outside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from ...domain.list_queries import MemoryListQuery, NamespaceListQuery
from ...domain.records import (
    DEFAULT_NAMESPACE,
    IdempotencyRecord,
    Message,
    Order,
    Scope,
    ScopeFilter,
    Summary,
    TimeRange,
)
from ..namespaces import Tally, end_of
from .database import Document, MongoDatabase, Rows
from .mapping import (
    MESSAGE_FIELDS,
    SUMMARY_FIELDS,
    idempotency_from,
    key_of,
    message_from,
    place,
    summary_from,
)

DIRECTION = {Order.ASC: 1, Order.DESC: -1}

MOST_HIDDEN = 100_000
"""How many unswept purges one search or count takes into account; the sweeper keeps it near none."""


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


def is_purged(
    db: MongoDatabase, session: ClientSession | None, scope: Scope, dialogue_id: str, uid: str
) -> bool:
    """Whether a generation is deleted with all its messages and summaries."""
    query = {**in_dialogue(scope, dialogue_id, uid), "purged": True}
    return db.tombstones.find_one(query, ["_id"], session=session) is not None


def find_message(
    db: MongoDatabase,
    session: ClientSession | None,
    scope: Scope,
    dialogue_id: str,
    message_id: str,
) -> Message | None:
    """Return a message by id, of the newest generation that has it and is not purged."""
    query = {**in_dialogue(scope, dialogue_id), "messageId": message_id}
    newest_first = [("uid", -1)]
    with db.messages.find(query, MESSAGE_FIELDS, sort=newest_first, batch_size=2, session=session) as cursor:
        for document in cursor:
            if not is_purged(db, session, scope, dialogue_id, document["uid"]):
                return message_from(document)
    return None


def find_summary(
    db: MongoDatabase, session: ClientSession | None, scope: Scope, summary_id: str
) -> Summary | None:
    """Return a summary by id, unless its dialogue is purged."""
    query = {"_id": key_of(scope, summary_id)}
    document = db.summaries.find_one(query, SUMMARY_FIELDS, session=session)
    if document is None:
        return None
    summary = summary_from(document)
    purged = is_purged(db, session, scope, summary.dialogue_id, summary.uid)
    return None if purged else summary


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


def hidden_uids(
    db: MongoDatabase, session: ClientSession | None, scope_filter: ScopeFilter
) -> dict[str, Any]:
    """Return the filter that leaves out rows which are purged and wait for the sweeper."""
    query = {**in_scope(scope_filter), "pending": True}
    tombstones = db.tombstones.find(query, ["uid"], limit=MOST_HIDDEN, session=session)
    uids = [tombstone["uid"] for tombstone in tombstones]
    return {"uid": {"$nin": uids}} if uids else {}


def tally_namespaces(rows: Rows, query: NamespaceListQuery) -> list[Tally]:
    """Return how many rows each namespace of a page has, and one namespace more, counted on an index.

    Which namespaces these are is found first, one by one, so that no others are walked.
    """
    names: list[str] = []
    place = {"project": query.scope_filter.project}
    bounds: Document = {"$gte": query.prefix, "$gt": query.after[0] if query.after else DEFAULT_NAMESPACE}
    if query.prefix:
        bounds["$lt"] = end_of(query.prefix)
    fields = {"_id": 0, "namespace": 1}
    while len(names) <= query.limit:
        here = {**place, "namespace": bounds}
        found = rows.find_one(here, fields, sort=[("namespace", 1)])
        if found is None:
            break
        names.append(found["namespace"])
        bounds = {**bounds, "$gt": names[-1]}
    if not names:
        return []
    pipeline: list[Document] = [
        {"$match": {**place, "namespace": {"$gte": names[0], "$lte": names[-1]}}},
        {"$group": {"_id": "$namespace", "count": {"$sum": 1}, "changed": {"$max": "$modified"}}},
    ]
    return [(found["_id"], found["count"], found["changed"]) for found in rows.aggregate(pipeline)]
