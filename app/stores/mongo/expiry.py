"""Removing what has expired, with a tombstone that the sweeper removes as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...domain.expiry import Expiry
from ..erasure import Removed
from .mapping import place, project_from
from .queries import Reader, expired_dialogues, expired_memories, in_dialogue
from .vectors import drop_vectors

if TYPE_CHECKING:
    from .database import Document

REMOVED_FIELDS = ["id", "uid", "threadOf", "total"]
ERASED = {"purged": True, "pending": True, "erased": True}
"""The tombstone of what the sweeper removes whole."""


def remove_dialogues(reader: Reader, keys: list[Document]) -> list[Removed]:
    """Delete those of the dialogues that have expired."""
    query = {"_id": {"$in": keys}, "$or": expired_dialogues(_current(reader).dialogues())}
    return bury(reader, list(reader.db.dialogues.find(query, REMOVED_FIELDS, session=reader.session)))


def bury(reader: Reader, found: list[Document]) -> list[Removed]:
    """Delete dialogues that were found, with their vectors, and leave tombstones."""
    db, session, scope = reader.db, reader.session, reader.scope
    if found:
        gone = [document["_id"] for document in found]
        db.dialogues.delete_many({"_id": {"$in": gone}}, session=session)
        drop_vectors(db, session, "dialogues", place(scope), gone)
        tombstones = [{**in_dialogue(scope, one["id"], one["uid"]), **ERASED} for one in found]
        db.tombstones.insert_many(tombstones, session=session)
    return [Removed(one["id"], one["uid"], one.get("threadOf"), one["total"]) for one in found]


def remove_memories(reader: Reader, keys: list[Document]) -> int:
    """Delete those of the memories that have expired; how many they were."""
    db, session = reader.db, reader.session
    query = {"_id": {"$in": keys}, "$or": expired_memories(_current(reader).memories())}
    gone = [document["_id"] for document in db.memories.find(query, ["_id"], session=session)]
    if gone:
        db.memories.delete_many({"_id": {"$in": gone}}, session=session)
        drop_vectors(db, session, "memories", place(reader.scope), gone)
    return len(gone)


def release_tombstones(reader: Reader, dialogue_id: str | Document) -> None:
    """Let the sweeper see whether tombstones that were kept for threads, of some ids, are still needed."""
    query = {**place(reader.scope), "dialogueId": dialogue_id, "erased": True}
    reader.db.tombstones.update_many(query, {"$set": {"pending": True}}, session=reader.session)


def _current(reader: Reader) -> Expiry:
    """Return what expires now: what the policy of a few seconds ago lets go may be kept by now."""
    found = reader.db.projects.find_one(
        {"_id": reader.scope.project, "removed": None}, session=reader.session
    )
    return Expiry.of(None if found is None else project_from(found))
