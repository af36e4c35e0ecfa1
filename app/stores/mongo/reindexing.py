"""Checking what searches match and filter by against what it was derived from, and deriving it anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from ...domain.records import JsonText
from ...search.analysis import body_terms, dialogue_terms, memory_terms
from .database import Document, MongoDatabase
from .indexing import facets, stems

BATCH: Final = 200
"""How many documents are read at once; each is held to the time limit by itself."""


def _of_dialogue(document: Document) -> str:
    return dialogue_terms(document.get("label"), document["tags"], document["metadata"])


def _of_message(document: Document) -> str:
    terms = body_terms(document["body"])
    return " ".join(document.get("terms", ())) if terms is None else terms


def _of_memory(document: Document) -> str:
    value = orjson.loads(document["value"])
    return memory_terms(document.get("label"), document.get("description"), value)


INDEXED: Final[dict[str, tuple[Callable[[Document], str], str, tuple[str, ...]]]] = {
    # Each collection: its terms, what tells that a document was changed meanwhile, its other fields.
    "dialogues": (_of_dialogue, "rev", ("id", "label", "tags", "metadata")),
    "messages": (_of_message, "body", ("messageId", "dialogueId", "metadata")),
    "memories": (_of_memory, "modified", ("id", "label", "description", "value", "metadata")),
}


def find_problems(db: MongoDatabase, project: str) -> list[str]:
    """Return what of a project the search index does not hold as it is stored, in words."""
    wrong = [_name(document) for name in INDEXED for document, _ in _wrong(db, name, {"project": project})]
    return [f"{name} is not indexed by what it says" for name in wrong]


def reindex(db: MongoDatabase) -> int:
    """Derive the search fields anew where they are wrong; how many documents that were."""
    count = 0
    for name, (_, version, _) in INDEXED.items():
        rows = db.database[name]
        for document, derived in _wrong(db, name, {}):
            same = {"_id": document["_id"], version: document[version]}
            with db.bounded():
                count += rows.update_one(same, {"$set": derived}).modified_count
    return count


def _wrong(db: MongoDatabase, name: str, query: Document) -> Iterator[tuple[Document, Document]]:
    """Yield each document that is not as it ought to be, with what it ought to have."""
    derive, version, fields = INDEXED[name]
    rows = db.database[name]
    wanted = [*fields, version, "terms", "size", "facets"]
    last: list[Any] = []
    while True:
        behind = {"_id": {"$gt": last[0]}} if last else {}
        with db.bounded():
            batch = list(rows.find({**query, **behind}, wanted, sort=[("_id", 1)], limit=BATCH))
        for document in batch:
            metadata = JsonText(document["metadata"])
            derived = {**stems(derive(document)), "facets": facets(metadata)}
            if any(document.get(field) != value for field, value in derived.items()):
                yield document, derived
        if len(batch) < BATCH:
            return
        last = [batch[-1]["_id"]]


def _name(document: Document) -> str:
    if "messageId" in document:
        return f"message {document['messageId']} of dialogue {document['dialogueId']}"
    return f"{'memory' if 'value' in document else 'dialogue'} {document['id']}"
