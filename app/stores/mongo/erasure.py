"""Removing what is large: hidden in one transaction, removed afterwards in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...domain.records import Scope, ScopeFilter
from .. import Erased
from .documents import place
from .lookups import hidden_uids, in_dialogue

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

    from .connection import Connection, Document, Rows


def erase_namespace(connection: Connection, session: ClientSession | None, scope: Scope) -> Erased:
    """Hide all of a namespace and count it; dialogues, memories and summaries go at once."""
    here = place(scope)
    scope_filter = ScopeFilter(scope.project, scope.namespace)
    visible = {**here, **hidden_uids(connection, session, scope_filter)}
    messages = connection.messages.count_documents(visible, session=session)
    summaries = connection.summaries.count_documents(visible, session=session)
    dialogues = _end_dialogues(connection, session, scope)
    connection.tombstones.update_many(
        here, {"$set": {"purged": True, "pending": True, "erased": True}}, session=session
    )
    connection.summaries.delete_many(here, session=session)
    memories = connection.memories.delete_many(here, session=session).deleted_count
    connection.idempotency.delete_many(here, session=session)
    return Erased(dialogues, messages, memories, summaries)


def _end_dialogues(connection: Connection, session: ClientSession | None, scope: Scope) -> int:
    """Turn every dialogue of a namespace into a tombstone; how many there were."""
    here = place(scope)
    living = list(connection.dialogues.find(here, ["id", "uid"], session=session))
    tombstones = [in_dialogue(scope, found["id"], found["uid"]) for found in living]
    if tombstones:
        connection.tombstones.insert_many(tombstones, session=session)
        connection.dialogues.delete_many(here, session=session)
    return len(living)


def sweep_tombstones(connection: Connection, rows: int) -> int:
    """Remove up to ``rows`` messages and summaries of purged dialogues; how many were removed.

    A tombstone stays as the memory of a uid; those of an erased namespace go. Every step stands
    alone and may be repeated, by several sweepers at once too.
    """
    removed = 0
    while removed < rows:
        with connection.bounded():
            tombstone = connection.tombstones.find_one({"pending": True})
            if tombstone is None:
                break
            count = _empty_tombstone(connection, tombstone, rows - removed)
        removed += count
    return removed


def _empty_tombstone(connection: Connection, tombstone: Document, rows: int) -> int:
    """Remove up to ``rows`` rows of a purged dialogue, and close its tombstone when none is left."""
    scope = Scope(tombstone["project"], tombstone["namespace"])
    query = in_dialogue(scope, tombstone["dialogueId"], tombstone["uid"])
    count = delete_some(connection.messages, query, rows)
    if count < rows:
        count += delete_some(connection.summaries, query, rows - count)
    if count < rows:
        _close_tombstone(connection, tombstone)
    return count


def _close_tombstone(connection: Connection, tombstone: Document) -> None:
    query = {"_id": tombstone["_id"]}
    if tombstone.get("erased"):
        connection.tombstones.delete_one(query)
    else:
        connection.tombstones.update_one(query, {"$unset": {"pending": ""}})


def delete_some(rows: Rows, query: Document, limit: int) -> int:
    """Delete up to ``limit`` documents that match; how many were deleted."""
    found = [document["_id"] for document in rows.find(query, ["_id"], limit=limit)]
    if not found:
        return 0
    return rows.delete_many({**query, "_id": {"$in": found}}).deleted_count


def empty_project(connection: Connection, project: str, rows: int) -> int:
    """Delete up to ``rows`` documents of a removed project; how many were deleted."""
    everything = (
        connection.dialogues,
        connection.messages,
        connection.memories,
        connection.summaries,
        connection.idempotency,
        connection.tombstones,
    )
    removed = 0
    for collection in everything:
        if removed < rows:
            with connection.bounded():
                removed += delete_some(collection, {"project": project}, rows - removed)
    return removed
