"""Removing what is hidden already, a batch at a time: what deleted dialogues left, and removed projects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ...domain.records import Scope
from .database import Document, MongoDatabase, Rows
from .mapping import place
from .start_up_lock import LeaseLock
from .vectors import drop_vectors

BATCH = 1000
"""How many documents of a removed project are deleted at a time."""

TOGETHER = 25
"""Of how many dialogues what is left is removed together: one by one each would take nine commands."""

LATE = timedelta(hours=1)
"""For how long after its removal a project is watched for writes that were still on their way."""

OPEN = {"removed": None}
"""A project that is not removed. A removed one stays as a mark until nothing of it can follow."""


def sweep_tombstones(db: MongoDatabase, rows: int) -> int:
    """Remove up to ``rows`` messages and summaries of purged dialogues; how many were found.

    A tombstone stays as the memory of a uid; those of an erased namespace go. Every step stands
    alone and may be repeated, by several sweepers at once too. Rows count that were found, for another
    sweeper that found the same may be the one who deletes them.
    """
    removed = 0
    while removed < rows:
        with db.bounded():
            pending = list(db.tombstones.find({"pending": True}, limit=TOGETHER))
            if not pending:
                break
            scope = Scope(pending[0]["project"], pending[0]["namespace"])
            here = [one for one in pending if Scope(one["project"], one["namespace"]) == scope]
            count = _empty_tombstones(db, scope, here, rows - removed)
        removed += count
    return removed


def _empty_tombstones(db: MongoDatabase, scope: Scope, tombstones: list[Document], rows: int) -> int:
    """Remove up to ``rows`` rows of purged dialogues, and close their tombstones when none is left."""
    query = _left_by(scope, tombstones)
    count = delete_messages(db, query, place(scope), rows)
    if count < rows:
        count += delete_some(db.summaries, query, rows - count)
    if count < rows:
        _close_tombstones(db, scope, tombstones)
    return count


def _close_tombstones(db: MongoDatabase, scope: Scope, tombstones: list[Document]) -> None:
    erased = [one for one in tombstones if one.get("erased", False)]
    needed = _needed(db, scope, erased)
    if staying := [one for one in tombstones if one not in erased or one in needed]:
        # An erasure may have come to one meanwhile, which has to go with its namespace then.
        as_seen = [{"_id": one["_id"], "erased": one.get("erased")} for one in staying]
        db.tombstones.update_many({"$or": as_seen}, {"$unset": {"pending": ""}})
    # Asked again: the last thread may have gone in between.
    needed = _needed(db, scope, erased)
    if leaving := [one for one in erased if one not in needed]:
        db.tombstones.delete_many({"_id": _all(leaving, "_id")})


def _needed(db: MongoDatabase, scope: Scope, tombstones: list[Document]) -> list[Document]:
    """Return the tombstones that must stay.

    They are what a re-created parent counts its threads by, and hide messages of the id's earlier dialogues.
    """
    if not tombstones:
        return []
    names = _all(tombstones, "dialogueId")
    parents = db.dialogues.aggregate(
        [{"$match": {**place(scope), "threadOf": names}}, {"$group": {"_id": "$threadOf"}}]
    )
    earliest = db.tombstones.aggregate(
        [
            {"$match": {**place(scope), "dialogueId": names, "purged": False}},
            {"$group": {"_id": "$dialogueId", "uid": {"$min": "$uid"}}},
        ]
    )
    has_threads = {found["_id"] for found in parents}
    first = {found["_id"]: found["uid"] for found in earliest}
    return [
        one
        for one in tombstones
        if one["dialogueId"] in has_threads or first.get(one["dialogueId"], one["uid"]) < one["uid"]
    ]


def sweep_again(db: MongoDatabase, project: str) -> None:
    """Let those purged dialogues of a project await the sweep again that have left messages or summaries."""
    behind: Document = {}
    while True:
        query = {"project": project, "purged": True, **behind}
        with db.bounded():
            batch = list(db.tombstones.find(query, sort=[("_id", 1)], limit=BATCH))
        for namespace in dict.fromkeys(one["namespace"] for one in batch):
            _reopen_tombstones(db, [one for one in batch if one["namespace"] == namespace])
        if len(batch) < BATCH:
            return
        behind = {"_id": {"$gt": batch[-1]["_id"]}}


def _reopen_tombstones(db: MongoDatabase, tombstones: list[Document]) -> None:
    """Let those tombstones of one place await the sweep again that hide something."""
    scope = Scope(tombstones[0]["project"], tombstones[0]["namespace"])
    query = _left_by(scope, tombstones)
    with db.bounded():
        left = {*db.messages.distinct("uid", query), *db.summaries.distinct("uid", query)}
        hiding = [one for one in tombstones if one["uid"] in left]
        if hiding:
            db.tombstones.update_many({"_id": _all(hiding, "_id")}, {"$set": {"pending": True}})


def _left_by(scope: Scope, tombstones: list[Document]) -> Document:
    """Return the query for the messages or summaries that deleted dialogues of a place have left."""
    return {**place(scope), "dialogueId": _all(tombstones, "dialogueId"), "uid": _all(tombstones, "uid")}


def _all(documents: list[Document], field: str) -> Document:
    """Return the comparison with any of the values of a field."""
    return {"$in": [document[field] for document in documents]}


def delete_some(rows: Rows, query: Document, limit: int) -> int:
    """Delete up to ``limit`` documents that match; how many were found, which are gone now."""
    found = [document["_id"] for document in rows.find(query, ["_id"], limit=limit)]
    if found:
        rows.delete_many({**query, "_id": {"$in": found}})
    return len(found)


def delete_messages(db: MongoDatabase, query: Document, place: Document, limit: int) -> int:
    """Delete up to ``limit`` messages of one place with their vectors; how many were found, and are gone.

    Their vectors go before them, for nobody would look for them later, and once more behind them: a
    transaction that was replacing entries by vectors when the first command came has committed since.
    """
    found = [document["_id"] for document in db.messages.find(query, ["_id"], limit=limit)]
    if found:
        drop_vectors(db, None, "messages", place, found)
        db.messages.delete_many({**query, "_id": {"$in": found}})
        drop_vectors(db, None, "messages", place, found)
    return len(found)


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
