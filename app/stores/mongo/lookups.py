"""Reads that need the tombstones, used inside and outside transactions alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...domain.records import Message, Scope, ScopeFilter, Summary
from .documents import (
    MESSAGE_FIELDS,
    SUMMARY_FIELDS,
    key_of,
    message_from,
    place,
    summary_from,
)

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

    from .connection import Connection, Document

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


def is_purged(
    connection: Connection, session: ClientSession | None, scope: Scope, dialogue_id: str, uid: str
) -> bool:
    """Whether a generation is deleted with all its messages and summaries."""
    query = {**in_dialogue(scope, dialogue_id, uid), "purged": True}
    return connection.tombstones.find_one(query, ["_id"], session=session) is not None


def find_message(
    connection: Connection,
    session: ClientSession | None,
    scope: Scope,
    dialogue_id: str,
    message_id: str,
) -> Message | None:
    """Return a message by id, of the newest generation that has it and is not purged."""
    query = {**in_dialogue(scope, dialogue_id), "messageId": message_id}
    newest_first = [("uid", -1)]
    with connection.messages.find(
        query, MESSAGE_FIELDS, sort=newest_first, batch_size=2, session=session
    ) as cursor:
        for document in cursor:
            if not is_purged(connection, session, scope, dialogue_id, document["uid"]):
                return message_from(document)
    return None


def find_summary(
    connection: Connection, session: ClientSession | None, scope: Scope, summary_id: str
) -> Summary | None:
    """Return a summary by id, unless its dialogue is purged."""
    query = {"_id": key_of(scope, summary_id)}
    document = connection.summaries.find_one(query, SUMMARY_FIELDS, session=session)
    if document is None:
        return None
    summary = summary_from(document)
    purged = is_purged(connection, session, scope, summary.dialogue_id, summary.uid)
    return None if purged else summary


def hidden_uids(
    connection: Connection, session: ClientSession | None, scope_filter: ScopeFilter
) -> dict[str, Any]:
    """Return the filter that leaves out rows which are purged and wait for the sweeper."""
    query = {**in_scope(scope_filter), "pending": True}
    tombstones = connection.tombstones.find(query, ["uid"], limit=MOST_HIDDEN, session=session)
    uids = [tombstone["uid"] for tombstone in tombstones]
    return {"uid": {"$nin": uids}} if uids else {}
