"""What counts and searches leave out, because it awaits the sweeper, and counts by namespace."""

from __future__ import annotations

from collections.abc import Iterator

from pymongo.client_session import ClientSession

from ...domain.expiry import DialogueHorizon, MemoryHorizon
from ...domain.list_queries import NamespaceListQuery
from ...domain.records import DEFAULT_NAMESPACE, ScopeFilter
from ..namespaces import Tally, end_of
from . import queries
from .database import Document, MongoDatabase, Rows
from .queries import in_scope

MOST_HIDDEN = 100_000
"""How many unswept purges one search or count takes into account; the sweeper keeps it near none."""


def hidden_rows(
    db: MongoDatabase, session: ClientSession | None, scope_filter: ScopeFilter, horizon: DialogueHorizon
) -> Document:
    """Return the filter that leaves out messages and summaries whose dialogue is purged or has expired."""
    query = {**in_scope(scope_filter), "pending": True}
    tombstones = db.tombstones.find(query, ["uid"], limit=MOST_HIDDEN, session=session)
    expired = _expired(db.dialogues, scope_filter, queries.expired_dialogues(horizon), session)
    uids = [document["uid"] for document in (*tombstones, *expired)]
    return {"uid": {"$nin": uids}} if uids else {}


def hidden_dialogues(db: MongoDatabase, scope_filter: ScopeFilter, horizon: DialogueHorizon) -> Document:
    """Return the filter that leaves out dialogues which have expired and await the sweeper."""
    expired = _expired(db.dialogues, scope_filter, queries.expired_dialogues(horizon), None)
    uids = [document["uid"] for document in expired]
    return {"uid": {"$nin": uids}} if uids else {}


def hidden_memories(db: MongoDatabase, scope_filter: ScopeFilter, horizon: MemoryHorizon) -> Document:
    """Return the same for memories."""
    expired = _expired(db.memories, scope_filter, queries.expired_memories(horizon), None)
    identifiers = [document["_id"] for document in expired]
    return {"_id": {"$nin": identifiers}} if identifiers else {}


def _expired(
    rows: Rows, scope_filter: ScopeFilter, filters: list[Document], session: ClientSession | None
) -> Iterator[Document]:
    """Yield what one of the filters finds, each by an index of its own."""
    for one in filters:
        query = {**in_scope(scope_filter), **one}
        yield from rows.find(query, ["_id", "uid"], limit=MOST_HIDDEN, session=session)


def count_begun(rows: Rows, criteria: Document) -> dict[str, int]:
    """Return how many rows were created on each day, counted on an index."""
    pipeline: list[Document] = [
        {"$match": criteria},
        {"$project": {"_id": 0, "created": 1}},
        {"$group": {"_id": {"$substr": ["$created", 0, 10]}, "count": {"$sum": 1}}},
    ]
    return {found["_id"]: found["count"] for found in rows.aggregate(pipeline)}


def tally_namespaces(rows: Rows, query: NamespaceListQuery, visible: Document) -> list[Tally]:
    """Return how many rows each namespace of a page has, and one namespace more, counted on an index.

    ``visible`` leaves out what is hidden. Which namespaces these are is found first, one by one, so that no
    others are walked.
    """
    names: list[str] = []
    place = {"project": query.scope_filter.project}
    bounds: Document = {"$gte": query.prefix, "$gt": query.after[0] if query.after else DEFAULT_NAMESPACE}
    if query.prefix:
        bounds["$lt"] = end_of(query.prefix)
    fields = {"_id": 0, "namespace": 1}
    while len(names) <= query.limit:
        here = {**place, "namespace": bounds, **visible}
        found = rows.find_one(here, fields, sort=[("namespace", 1)])
        if found is None:
            break
        names.append(found["namespace"])
        bounds = {**bounds, "$gt": names[-1]}
    if not names:
        return []
    pipeline: list[Document] = [
        {"$match": {**place, "namespace": {"$gte": names[0], "$lte": names[-1]}, **visible}},
        {"$group": {"_id": "$namespace", "count": {"$sum": 1}, "changed": {"$max": "$modified"}}},
    ]
    return [(found["_id"], found["count"], found["changed"]) for found in rows.aggregate(pipeline)]
