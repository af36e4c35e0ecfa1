"""The SQL of a transaction, apart from what reads and erasures share."""

from __future__ import annotations

from typing import Final

from . import rows

NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

INSERT_DIALOGUE: Final = rows.insertion("dialogue", rows.DIALOGUE + ", size, terms")
SAVE_COUNTERS: Final = (
    "UPDATE dialogue SET rev = ?, next_seq = ?, total = ?, thread_count = ?, modified = ?, "
    "last_message_created = ?, state = ?, recent = ?, recent_count = ? "
    "WHERE project = ? AND namespace = ? AND id = ? AND uid = ?"
)
SAVE_HEADING: Final = (
    "UPDATE dialogue SET status = ?, tags = ?, label = ?, ended_at = ?, archived_at = ?, size = ?, "
    "terms = ? WHERE number = ?"
)
FIND_TERMS: Final = (
    "SELECT number, namespace, terms FROM dialogue WHERE project = ? AND namespace = ? AND id = ? AND uid = ?"
)
REMOVE_DIALOGUE: Final = (
    "DELETE FROM dialogue WHERE project = ? AND namespace = ? AND id = ? AND uid = ? "
    "RETURNING number, namespace, terms"
)
INSERT_TOMBSTONE: Final = rows.insertion("grave", "project, namespace, dialogue_id, uid, fate")
COUNT_THREADS: Final = "SELECT count(*) FROM dialogue WHERE project = ? AND namespace = ? AND thread_of = ?"
LOCK_TOMBSTONE: Final = (
    "SELECT dialogue_id, uid, fate FROM grave WHERE project = ? AND namespace = ? "
    "AND dialogue_id = ? ORDER BY uid DESC LIMIT 1"
)
_OF_GENERATION: Final = (
    f"SELECT {rows.MESSAGE} FROM message WHERE project = ? AND namespace = ? AND dialogue_id = ? AND uid = ?"
)
FIND_MESSAGES: Final = _OF_GENERATION + " AND id IN (SELECT value FROM json_each(?))"
MESSAGES_BELOW: Final = _OF_GENERATION + " AND seq < ? ORDER BY seq"
NEWEST_MESSAGES: Final = _OF_GENERATION + " ORDER BY created DESC, seq DESC LIMIT ?"
MESSAGES_THROUGH: Final = _OF_GENERATION + " AND (created, seq) <= (?, ?) ORDER BY created, seq LIMIT ?"
INSERT_MESSAGE: Final = rows.insertion("message", rows.MESSAGE + ", project, namespace, size")
_MESSAGE_KEY: Final = "WHERE project = ? AND namespace = ? AND dialogue_id = ? AND id = ? AND uid = ?"
SAVE_MESSAGE: Final = "UPDATE message SET tags = ?, modified = ?, body = ? " + _MESSAGE_KEY
REMOVE_MESSAGE: Final = f"DELETE FROM message {_MESSAGE_KEY} RETURNING number, namespace, terms"
INSERT_MEMORY: Final = rows.insertion("memory", rows.MEMORY + ", project, size")
_MEMORY_KEY: Final = "WHERE project = ? AND namespace = ? AND id = ?"
FIND_MEMORY_TERMS: Final = f"SELECT number, namespace, terms FROM memory {_MEMORY_KEY}"
SAVE_MEMORY: Final = (
    "UPDATE memory SET value = ?, tags = ?, modified = ?, terms = ?, label = ?, description = ?, "
    "size = ? WHERE number = ?"
)
REMOVE_MEMORY: Final = f"DELETE FROM memory {_MEMORY_KEY} RETURNING number, namespace, terms"
# What is replaced is purged, or find_summary would have seen it, and only waits for the sweeper.
INSERT_SUMMARY: Final = rows.insertion("summary", rows.SUMMARY + ", project, namespace").replace(
    "INSERT", "INSERT OR REPLACE", 1
)
STALE_SUMMARIES: Final = (
    "UPDATE summary SET stale = 1 WHERE project = ? AND namespace = ? AND uid = ? AND through_seq >= ?"
)
FIND_IDEMPOTENCY: Final = f"SELECT {rows.IDEMPOTENCY} FROM idempotency WHERE request = ? AND expires > {NOW}"
SAVE_IDEMPOTENCY: Final = "REPLACE" + rows.insertion(
    "idempotency", rows.IDEMPOTENCY + ", project, namespace"
).removeprefix("INSERT")
FIND_PROJECT: Final = "SELECT immutable, closed FROM project WHERE name = ?"
