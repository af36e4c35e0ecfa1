"""Keyword search: filtered, ranked, ordered and cut by the server.

Ranks as every store does: more matched terms first, then fewer terms in all, then newer, then by
id. ``size`` is stored with the terms. Needs MongoDB 5.0 or later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo.synchronous.command_cursor import CommandCursor

from ...domain.errors import ServiceUnavailable
from ...domain.list_items import DialogueItem, MemoryItem, MessageItem
from ...domain.records import Order
from ...search.query import Hit, OrderBy, SearchObject, SearchQuery
from ..bounds import take_hits
from .database import Document, MongoDatabase, Rows
from .filters import conditions
from .mapping import (
    DIALOGUE_ITEM_FIELDS,
    MEMORY_ITEM_FIELDS,
    MESSAGE_ITEM_FIELDS,
    dialogue_item_from,
    memory_item_from,
    message_item_from,
)
from .queries import hidden_uids, in_scope

EVIDENCE = 3
"""How many matching messages a found dialogue shows at most."""

BEST_FIRST = {"matched": -1, "size": 1}


def find_hits(db: MongoDatabase, query: SearchQuery) -> list[Hit]:
    """Return the best hits, best first; filters, order and limit are applied by the server.

    A search for dialogues asks for the evidence of each hit in a query of its own. Raises
    ServiceUnavailable when the server does not answer in time, and on mongomock.
    """
    if not query.terms:
        return []
    with db.bounded():
        try:
            return _search(db, query)
        except NotImplementedError as error:
            raise ServiceUnavailable("Search needs a MongoDB server.") from error


def _search(db: MongoDatabase, query: SearchQuery) -> list[Hit]:
    if query.object is SearchObject.DIALOGUE:
        return take_hits(_dialogue_hit(db, query, row) for row in _found_dialogues(db, query))
    if query.object is SearchObject.MEMORY:
        with _ranked(db.memories, query, {}, MEMORY_ITEM_FIELDS) as rows:
            return take_hits(_hit(query, row, memory_item_from(row)) for row in rows)
    hidden = hidden_uids(db, None, query.scope_filter)
    with _ranked(db.messages, query, hidden, MESSAGE_ITEM_FIELDS) as rows:
        return take_hits(_hit(query, row, message_item_from(row)) for row in rows)


def _found_dialogues(db: MongoDatabase, query: SearchQuery) -> list[Document]:
    """Rank dialogues by the best of their own terms and their messages'."""
    pipeline: list[Document] = [
        {"$match": _matching(query)},
        {"$project": {**_score(query), "_id": {"key": _KEY_OF_MESSAGE, "uid": "$uid"}}},
        *_best_of_each(),
        {"$unionWith": {"coll": db.dialogues.name, "pipeline": _own_terms(query)}},
        *_best_of_each(),
        {"$lookup": _dialogues_of(query, db.dialogues.name)},
        {"$unwind": "$head"},
        {"$match": {"$expr": {"$eq": ["$head.uid", "$_id.uid"]}}},
        *_with_image(query, db.messages.name),
        {"$sort": _order(query, "head.")},
        {"$limit": query.limit},
    ]
    return list(db.messages.aggregate(pipeline, allowDiskUse=True))


def _dialogue_hit(db: MongoDatabase, query: SearchQuery, row: Document) -> Hit:
    """Return a found dialogue with its best matching messages."""
    head = row["head"]
    own = {name: head[name] for name in ("project", "namespace", "uid")}
    pipeline: list[Document] = [
        {"$match": {**own, "dialogueId": head["id"], **_matching(query)}},
        {"$addFields": _score(query)},
        {"$sort": {**BEST_FIRST, "created": -1, "messageId": 1}},
        {"$limit": EVIDENCE},
        {"$project": _only(MESSAGE_ITEM_FIELDS)},
    ]
    matches = tuple(message_item_from(found) for found in db.messages.aggregate(pipeline))
    return _hit(query, row, dialogue_item_from(head), matches)


_KEY_OF_MESSAGE = {"p": "$project", "n": "$namespace", "i": "$dialogueId"}


def _ranked(
    rows: Rows, query: SearchQuery, extra: Document, fields: Sequence[str]
) -> CommandCursor[Document]:
    """Return the best messages or memories, which the server sends 16 MiB at a time at most."""
    filters = [_matching(query), *conditions(query), extra, _has_image(query)]
    pipeline: list[Document] = [
        {"$match": {"$and": [one for one in filters if one]}},
        {"$addFields": _score(query)},
        {"$sort": _order(query)},
        {"$limit": query.limit},
        {"$project": {**_only(fields), "matched": 1, "size": 1}},
    ]
    return rows.aggregate(pipeline, allowDiskUse=True)


def _matching(query: SearchQuery) -> Document:
    return {**in_scope(query.scope_filter), "terms": {"$in": list(query.terms)}}


def _score(query: SearchQuery) -> Document:
    """Return the fields that rank: how many terms of the query a document has, of how many."""
    terms = {"$literal": list(dict.fromkeys(query.terms))}
    found = {"$filter": {"input": terms, "as": "term", "cond": {"$in": ["$$term", "$terms"]}}}
    return {"matched": {"$size": found}, "size": "$size"}


def _only(fields: Sequence[str]) -> Document:
    return dict.fromkeys(fields, 1)


def _order(query: SearchQuery, prefix: str = "") -> Document:
    """Return the order: what was asked for, then the newest, then the ids, so that none is a tie."""
    step = -1 if query.order is Order.DESC else 1
    if query.order_by is OrderBy.RELEVANCE:
        order = {"matched": step, "size": -step, prefix + "created": -1}
    else:
        order = {prefix + query.order_by.value: step}
    ids = ["id", "namespace"]
    if query.object is SearchObject.MESSAGE:
        ids = ["messageId", "namespace", "dialogueId", "uid"]
    return order | {prefix + name: 1 for name in ids}


def _best_of_each() -> list[Document]:
    first: dict[str, Any] = {name: {"$first": f"${name}"} for name in BEST_FIRST}
    return [{"$sort": BEST_FIRST}, {"$group": {"_id": "$_id", **first}}]


def _own_terms(query: SearchQuery) -> list[Document]:
    return [
        {"$match": _matching(query)},
        {"$project": {**_score(query), "_id": {"key": "$_id", "uid": "$uid"}}},
    ]


def _dialogues_of(query: SearchQuery, dialogues: str) -> Document:
    """Return the join with the living dialogues that pass the filters, as lists show them."""
    filters = [{"project": query.scope_filter.project}, *(one for one in conditions(query) if one)]
    return {
        "from": dialogues,
        "localField": "_id.key",
        "foreignField": "_id",
        "pipeline": [{"$match": {"$and": filters}}, {"$project": _only([*DIALOGUE_ITEM_FIELDS, "uid"])}],
        "as": "head",
    }


def _has_image(query: SearchQuery) -> Document:
    if query.has_image is None:
        return {}
    return {"hasImage": True if query.has_image else {"$ne": True}}


def _with_image(query: SearchQuery, messages: str) -> list[Document]:
    """Return the stages that keep dialogues with, or without, a message that has an image."""
    if query.has_image is None:
        return []
    names = {"namespace": "$head.namespace", "dialogueId": "$head.id", "uid": "$head.uid"}
    same = [{"$eq": [f"${name}", f"$${name}"]} for name in names]
    wanted = {"project": query.scope_filter.project, "hasImage": True, "$expr": {"$and": same}}
    inner = [{"$match": wanted}, {"$limit": 1}, {"$project": {"_id": 1}}]
    image = {"from": messages, "let": names, "pipeline": inner, "as": "images"}
    return [
        {"$lookup": image},
        {"$match": {"images": {"$ne": []} if query.has_image else {"$eq": []}}},
    ]


def _hit(
    query: SearchQuery,
    row: Document,
    item: DialogueItem | MessageItem | MemoryItem,
    matches: tuple[MessageItem, ...] = (),
) -> Hit:
    wanted = len(dict.fromkeys(query.terms))
    matched: int = row["matched"]
    relevance = (matched - 0.5 + 0.5 * min(1.0, matched / row["size"])) / wanted
    return Hit(item, relevance, matches)
