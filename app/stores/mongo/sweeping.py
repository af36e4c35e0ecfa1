"""Removing what is hidden already, a batch at a time: what deleted dialogues left, and removed projects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ...domain.records import Scope
from .database import Document, MongoDatabase, Rows
from .mapping import place
from .queries import in_dialogue
from .start_up_lock import LeaseLock
from .vectors import drop_vectors

BATCH = 1000
"""How many documents of a removed project are deleted at a time."""

LATE = timedelta(hours=1)
"""For how long after its removal a project is watched for writes that were still on their way."""

OPEN = {"removed": None}
"""A project that is not removed. A removed one stays as a mark until nothing of it can follow."""


def sweep_tombstones(db: MongoDatabase, rows: int) -> int:
    """Remove up to ``rows`` messages and summaries of purged dialogues; how many were removed.

    A tombstone stays as the memory of a uid; those of an erased namespace go. Every step stands
    alone and may be repeated, by several sweepers at once too.
    """
    removed = 0
    while removed < rows:
        with db.bounded():
            tombstone = db.tombstones.find_one({"pending": True})
            if tombstone is None:
                break
            count = _empty_tombstone(db, tombstone, rows - removed)
        removed += count
    return removed


def _empty_tombstone(db: MongoDatabase, tombstone: Document, rows: int) -> int:
    """Remove up to ``rows`` rows of a purged dialogue, and close its tombstone when none is left."""
    scope = Scope(tombstone["project"], tombstone["namespace"])
    query = in_dialogue(scope, tombstone["dialogueId"], tombstone["uid"])
    count = delete_messages(db, query, place(scope), rows)
    if count < rows:
        count += delete_some(db.summaries, query, rows - count)
    if count < rows:
        _close_tombstone(db, tombstone)
    return count


def _close_tombstone(db: MongoDatabase, tombstone: Document) -> None:
    query = {"_id": tombstone["_id"]}
    is_erased = tombstone.get("erased", False)
    if not is_erased or _is_needed(db, tombstone):
        db.tombstones.update_one(query, {"$unset": {"pending": ""}})
    # Asked again: the last thread may have gone in between.
    if is_erased and not _is_needed(db, tombstone):
        db.tombstones.delete_one(query)


def _is_needed(db: MongoDatabase, tombstone: Document) -> bool:
    """Whether a tombstone must stay.

    It is what a re-created parent counts its threads by, and hides messages of the id's earlier dialogues.
    """
    scope = Scope(tombstone["project"], tombstone["namespace"])
    threads = {**place(scope), "threadOf": tombstone["dialogueId"]}
    if db.dialogues.find_one(threads, ["_id"]) is not None:
        return True
    earlier = {
        **in_dialogue(scope, tombstone["dialogueId"]),
        "uid": {"$lt": tombstone["uid"]},
        "purged": False,
    }
    return db.tombstones.find_one(earlier, ["_id"]) is not None


def delete_some(rows: Rows, query: Document, limit: int) -> int:
    """Delete up to ``limit`` documents that match; how many were deleted."""
    found = [document["_id"] for document in rows.find(query, ["_id"], limit=limit)]
    if not found:
        return 0
    return rows.delete_many({**query, "_id": {"$in": found}}).deleted_count


def delete_messages(db: MongoDatabase, query: Document, place: Document, limit: int) -> int:
    """Delete up to ``limit`` messages of one place with their vectors; how many messages were deleted.

    Their vectors go before them, for nobody would look for them later, and once more behind them: a
    transaction that was replacing entries by vectors when the first command came has committed since.
    """
    found = [document["_id"] for document in db.messages.find(query, ["_id"], limit=limit)]
    if not found:
        return 0
    drop_vectors(db, None, "messages", place, found)
    deleted = db.messages.delete_many({**query, "_id": {"$in": found}}).deleted_count
    drop_vectors(db, None, "messages", place, found)
    return deleted


def erase_project(db: MongoDatabase, lock: LeaseLock, name: str, *, forget: bool) -> None:
    """Delete all documents of a removed project, and with ``forget`` its mark."""
    while erase_some(db, lock, name, BATCH):
        pass
    if forget:
        forget_project(db, name)


def forget_project(db: MongoDatabase, name: str) -> None:
    """Delete the mark of a removed project, so that the name may be used again."""
    with db.bounded():
        db.projects.delete_one({"_id": name, "removed": {"$ne": None}})


def sweep_projects(db: MongoDatabase, lock: LeaseLock, rows: int) -> int:
    """Delete up to ``rows`` documents of removed projects; how many were deleted."""
    with db.bounded():
        marks = list(db.projects.find({"removed": {"$ne": None}}))
    removed = 0
    for mark in marks:
        if removed < rows:
            count = erase_some(db, lock, mark["_id"], rows - removed)
            removed += count
            if count == 0 and mark["removed"] < datetime.now(UTC).replace(tzinfo=None) - LATE:
                erase_project(db, lock, mark["_id"], forget=True)
    return removed


def erase_some(db: MongoDatabase, lock: LeaseLock, name: str, rows: int) -> int:
    """Delete up to ``rows`` documents, unless the name was given to a new project meanwhile."""
    with lock.hold():
        with db.bounded():
            mark = db.projects.find_one({"_id": name, "removed": {"$ne": None}})
        return 0 if mark is None else _erase_documents(db, name, rows)


def _erase_documents(db: MongoDatabase, project: str, rows: int) -> int:
    """Delete up to ``rows`` documents of a removed project; how many were deleted."""
    everything = (
        db.vectors,
        db.dialogues,
        db.messages,
        db.memories,
        db.summaries,
        db.idempotency,
        db.tombstones,
        db.erasures,
    )
    removed = 0
    for collection in everything:
        if removed < rows:
            with db.bounded():
                removed += delete_some(collection, {"project": project}, rows - removed)
    return removed
