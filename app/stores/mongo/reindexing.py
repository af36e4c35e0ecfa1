"""Deriving anew what searches match and filter by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import orjson
from bson import ObjectId

from ...domain.records import JsonText, Scope
from ...search.analysis import body_terms, dialogue_terms, memory_terms
from ..maintenance import ignore
from .database import Document, MongoDatabase
from .facets import facets
from .indexing import searched, written_terms

BATCH: Final = 200
"""How many documents are read at once; each is held to the time limit by itself."""

NANOSECONDS: Final = 1_000_000_000


def _of_dialogue(document: Document) -> str:
    return dialogue_terms(document.get("label"), document["tags"], document["metadata"])


def _of_message(document: Document) -> str:
    terms = body_terms(document["body"])
    return written_terms(document) if terms is None else terms


def _of_memory(document: Document) -> str:
    value = orjson.loads(document["value"])
    return memory_terms(document.get("label"), document.get("description"), document["tags"], value)


INDEXED: Final[dict[str, tuple[Callable[[Document], str], str, tuple[str, ...]]]] = {
    # Each collection: its words, what tells that a document was changed meanwhile, its other fields.
    "dialogues": (_of_dialogue, "rev", ("id", "label", "tags", "metadata", "created")),
    "messages": (_of_message, "body", ("messageId", "dialogueId", "metadata", "created")),
    "memories": (
        _of_memory,
        "modified",
        ("id", "label", "description", "tags", "value", "metadata", "created"),
    ),
}


DERIVED_FROM: Final = ("project", "namespace", "created", "metadata", "terms", "tokens", "facets", "number")
"""The fields that all of them have."""


def reindex(db: MongoDatabase) -> int:
    """Derive the search fields anew where they are wrong; how many documents that were."""
    return sum(
        _mend(db, name, document, derived)
        for name in INDEXED
        for document, derived in find_wrong(db, name, {}, ignore)
    )


def index_step(db: MongoDatabase, rows: int) -> int:
    """Index up to ``rows`` items that an earlier release stored; how many were looked at (0: all are).

    The newest messages come first. Several processes may do this at once: each step can be repeated. A
    collection of a later release is left to its servers.
    """
    with db.bounded():
        state = db.meta.find_one({"_id": "reindexing"})
    if state is None or state["pending"][0] not in INDEXED:
        return 0
    name = state["pending"][0]
    before = {"_id": {"$lt": state["last"]}} if "last" in state else {}
    batch = _batch(db, name, before, -1, rows)
    for document in batch:
        derived = _derived(name, document)
        if any(document.get(field) != value for field, value in derived.items()):
            _mend(db, name, document, derived)
    _advance(db, state, batch[-1]["_id"] if batch else None)
    return len(batch) or 1


def _advance(db: MongoDatabase, state: Document, last: Any) -> None:
    """Note what has been done, unless another process has gone on from there already."""
    rest = state["pending"][1:]
    with db.bounded():
        if last is not None:
            db.meta.update_one(state, {"$set": {"last": last}})
        elif rest:
            db.meta.update_one(state, {"$set": {"pending": rest}, "$unset": {"last": ""}})
        else:
            db.meta.delete_one(state)


def _mend(db: MongoDatabase, name: str, document: Document, derived: Document) -> int:
    """Write derived fields; how many documents changed."""
    rows, version = db.database[name], INDEXED[name][1]
    with db.bounded():
        same = {"_id": document["_id"], version: document[version]}
        changed = rows.update_one(same, {"$set": derived}).modified_count
        if not changed and "number" not in document:
            # It was rewritten meanwhile, with all but a place in the order of the index.
            unplaced = {"_id": document["_id"], "number": {"$exists": False}}
            changed = rows.update_one(unplaced, {"$set": {"number": derived["number"]}}).modified_count
    return changed


def find_wrong(
    db: MongoDatabase, name: str, query: Document, tick: Callable[[int], None]
) -> Iterator[tuple[Document, Document]]:
    """Yield each document that is not as it ought to be, with what it ought to have."""
    behind: Document = {}
    while True:
        batch = _batch(db, name, {**query, **behind}, 1, BATCH)
        for document in batch:
            derived = _derived(name, document)
            if any(document.get(field) != value for field, value in derived.items()):
                yield document, derived
        tick(len(batch))
        if len(batch) < BATCH:
            return
        behind = {"_id": {"$gt": batch[-1]["_id"]}}


def _batch(db: MongoDatabase, name: str, query: Document, direction: int, limit: int) -> list[Document]:
    _, version, fields = INDEXED[name]
    wanted = [*fields, *DERIVED_FROM, version]
    with db.bounded():
        order = [("_id", direction)]
        return list(db.database[name].find(query, wanted, sort=order, limit=limit))


def _derived(name: str, document: Document) -> Document:
    """Return the fields that a document ought to have for searches."""
    derive, _, _ = INDEXED[name]
    scope = Scope(document["project"], document["namespace"])
    identity = document["id"] if "id" in document else f"{document['dialogueId']}/{document['messageId']}"
    return {
        **searched(scope, derive(document), identity),
        "facets": facets(JsonText(document["metadata"])),
        "number": document.get("number") or _number_of(document),
    }


def _number_of(document: Document) -> int:
    """Return a place in the order of the index for a document that was stored without one."""
    identifier = document["_id"]
    if isinstance(identifier, ObjectId):  # seconds, a random part, a counter
        seconds, counter = identifier.binary[:4], identifier.binary[9:]
        return int.from_bytes(seconds) * NANOSECONDS + int.from_bytes(counter)
    return int(datetime.fromisoformat(document["created"]).timestamp() * NANOSECONDS)
