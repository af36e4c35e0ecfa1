"""Checking what searches match and filter by against what it is derived from."""

from __future__ import annotations

from collections.abc import Callable

from .database import Document, MongoDatabase
from .reindexing import INDEXED, find_wrong


def find_problems(db: MongoDatabase, project: str, tick: Callable[[int], None]) -> list[str]:
    """Return what of a project is not indexed by what it says; ``tick`` is told how many were read."""
    query = {"project": project}
    wrong = [_name(document) for name in INDEXED for document, _ in find_wrong(db, name, query, tick)]
    return [f"{name} is not indexed by what it says" for name in wrong]


def _name(document: Document) -> str:
    if "messageId" in document:
        return f"message {document['messageId']} of dialogue {document['dialogueId']}"
    return f"{'memory' if 'value' in document else 'dialogue'} {document['id']}"
