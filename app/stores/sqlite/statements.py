"""The SQL of single resources, with fixed text: what reads and transactions run."""

from __future__ import annotations

from typing import Final

from . import mapping
from .checksums import KEPT_TOKENS
from .indexing import INDEXED_ROW

NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

NOT_PURGED: Final = (
    "NOT EXISTS (SELECT 1 FROM grave WHERE grave.project = {0}.project AND grave.namespace = "
    "{0}.namespace AND grave.dialogue_id = {0}.dialogue_id AND grave.uid = {0}.uid AND grave.fate > 0)"
)
"""A tombstone's fate: 0 keeps its rows; 1 and 2 hide them and await the sweep; 3 and 4 are swept."""


def dialogue_expired(table: str, marks: str = "? ? ? ?") -> str:
    """Return the condition that a dialogue has expired; its values are those of a DialogueHorizon."""
    moment, active, ended, archived = marks.split()
    return (
        f"(coalesce({table}.expires_at <= {moment}, FALSE) OR {table}.modified <= CASE {table}.status "
        f"WHEN 'active' THEN {active} WHEN 'ended' THEN {ended} ELSE {archived} END)"
    )


MEMORY_EXPIRED: Final = "(coalesce({0}.expires_at <= ?, FALSE) OR {0}.modified <= ?)"
"""That a memory has expired; its values are those of a MemoryHorizon."""

NOT_EXPIRED: Final = (
    "NOT EXISTS (SELECT 1 FROM dialogue WHERE dialogue.project = {0}.project AND dialogue.namespace = "
    "{0}.namespace AND dialogue.id = {0}.dialogue_id AND dialogue.uid = {0}.uid AND "
    f"{dialogue_expired('dialogue')})"
)
"""That the dialogue of a message or summary has not expired; its values are those of a DialogueHorizon."""

_KEY: Final = "project = ? AND namespace = ? AND id = ?"
_AMONG: Final = "project = ? AND namespace = ? AND id IN (SELECT value FROM json_each(?))"
_GENERATION: Final = "project = ? AND namespace = ? AND dialogue_id = ? AND uid = ?"


def insertion(table: str, columns: str, verb: str = "INSERT") -> str:
    """Return the statement that adds one row; as ``REPLACE`` it takes the place of one with its key."""
    marks = ", ".join("?" * len(columns.split(", ")))
    return f"{verb} INTO {table} ({columns}) VALUES ({marks})"


# Dialogues

GET_DIALOGUE: Final = f"SELECT {mapping.DIALOGUE} FROM dialogue WHERE {_KEY}"
GET_DIALOGUES: Final = f"SELECT {mapping.DIALOGUE} FROM dialogue WHERE {_AMONG}"
GET_DIALOGUE_ITEMS: Final = f"SELECT {mapping.DIALOGUE_ITEM} FROM dialogue WHERE {_AMONG}"
FIND_GENERATION: Final = f"""
    SELECT uid, 1, {dialogue_expired("dialogue", "?4 ?5 ?6 ?7")} FROM dialogue
    WHERE project = ?1 AND namespace = ?2 AND id = ?3
    UNION ALL SELECT * FROM (
        SELECT uid, 0, fate FROM grave WHERE project = ?1 AND namespace = ?2 AND dialogue_id = ?3
        ORDER BY uid DESC LIMIT 1)
    LIMIT 1"""
INSERT_DIALOGUE: Final = insertion("dialogue", mapping.DIALOGUE_FIELDS.columns + ", size, terms")
SAVE_COUNTED: Final = f"UPDATE dialogue SET {mapping.COUNTED_FIELDS.assignments} WHERE {_KEY} AND uid = ?"
SAVE_INDEXED: Final = (
    f"UPDATE dialogue SET {mapping.INDEXED_FIELDS.assignments}, size = ?, terms = ? WHERE number = ?"
)
FIND_TERMS: Final = f"SELECT {INDEXED_ROW['dialogue']} FROM dialogue WHERE {_KEY} AND uid = ?"
REMOVED: Final = f"{INDEXED_ROW['dialogue']}, uid, thread_of, total, created, id, metadata"
"""What is still needed of dialogues that are deleted whole."""
REMOVE_EXPIRED: Final = (
    f"DELETE FROM dialogue WHERE {_AMONG} AND {dialogue_expired('dialogue')} RETURNING {REMOVED}"
)
REMOVE_DIALOGUE: Final = f"DELETE FROM dialogue WHERE {_KEY} AND uid = ? RETURNING {INDEXED_ROW['dialogue']}"
COUNT_THREADS: Final = "SELECT count(*) FROM dialogue WHERE project = ? AND namespace = ? AND thread_of = ?"
INSERT_TOMBSTONE: Final = insertion("grave", "project, namespace, dialogue_id, uid, fate")
LOCK_TOMBSTONE: Final = (
    f"SELECT {mapping.TOMBSTONE} FROM grave WHERE project = ?1 AND namespace = ?2 "
    "AND dialogue_id = ?3 AND (?4 IS NULL OR uid = ?4) ORDER BY uid DESC LIMIT 1"
)

# Messages

GET_MESSAGE: Final = (
    f"SELECT {mapping.MESSAGE} FROM message WHERE project = ? AND namespace = ? AND dialogue_id = ? "
    f"AND id = ? AND {NOT_PURGED.format('message')} AND {NOT_EXPIRED.format('message')} "
    "ORDER BY uid DESC LIMIT 1"
)
_MESSAGES: Final = f"SELECT {mapping.MESSAGE} FROM message WHERE {_GENERATION}"
MESSAGES_SINCE: Final = f"{_MESSAGES} AND seq > ? AND {NOT_PURGED.format('message')} ORDER BY seq LIMIT ?"
FIND_MESSAGES: Final = f"{_MESSAGES} AND id IN (SELECT value FROM json_each(?))"
MESSAGE_HASHES: Final = (
    f"SELECT id, hash FROM message WHERE {_GENERATION} AND id IN (SELECT value FROM json_each(?))"
)
FIND_SEQS: Final = f"SELECT seq FROM message WHERE {_GENERATION} AND seq IN (SELECT value FROM json_each(?))"
MESSAGES_BELOW: Final = f"{_MESSAGES} AND seq < ? ORDER BY seq"
NEWEST_MESSAGES: Final = f"{_MESSAGES} ORDER BY created DESC, seq DESC LIMIT ?"
MESSAGES_THROUGH: Final = f"{_MESSAGES} AND (created, seq) <= (?, ?) ORDER BY created, seq LIMIT ?"
INSERT_MESSAGE: Final = insertion(
    "message", mapping.MESSAGE_FIELDS.columns + ", project, namespace, size, checksum"
)
_MESSAGE_KEY: Final = "project = ? AND namespace = ? AND dialogue_id = ? AND id = ? AND uid = ?"
SAVE_MESSAGE: Final = (
    f"UPDATE message SET {mapping.RETAGGED_FIELDS.assignments}, checksum = {KEPT_TOKENS} WHERE {_MESSAGE_KEY}"
)
REMOVE_MESSAGE: Final = f"DELETE FROM message WHERE {_MESSAGE_KEY} RETURNING {INDEXED_ROW['message']}"

# Memories

GET_MEMORY: Final = f"SELECT {mapping.MEMORY} FROM memory WHERE {_KEY}"
INSERT_MEMORY: Final = insertion("memory", mapping.MEMORY_FIELDS.columns + ", project, size")
FIND_MEMORY_TERMS: Final = f"SELECT {INDEXED_ROW['memory']} FROM memory WHERE {_KEY}"
SAVE_MEMORY: Final = f"UPDATE memory SET {mapping.REPLACED_FIELDS.assignments}, size = ? WHERE number = ?"
REMOVE_EXPIRED_MEMORIES: Final = (
    f"DELETE FROM memory WHERE {_AMONG} AND {MEMORY_EXPIRED.format('memory')} "
    f"RETURNING {INDEXED_ROW['memory']}"
)
REMOVE_MEMORY: Final = f"DELETE FROM memory WHERE {_KEY} RETURNING {INDEXED_ROW['memory']}"

# Summaries

GET_SUMMARY: Final = (
    f"SELECT {mapping.SUMMARY} FROM summary WHERE {_KEY} AND {NOT_PURGED.format('summary')} "
    f"AND {NOT_EXPIRED.format('summary')}"
)
LATEST_SUMMARY: Final = (
    f"SELECT {mapping.SUMMARY} FROM summary WHERE {_GENERATION} AND completed = 1 AND ranged = 0 "
    f"AND {NOT_PURGED.format('summary')} ORDER BY created DESC, id DESC LIMIT 1"
)
# What is replaced is purged, or find_summary would have seen it, and only waits for the sweeper.
INSERT_SUMMARY: Final = insertion("summary", mapping.SUMMARY_FIELDS.columns + ", project, namespace").replace(
    "INSERT", "INSERT OR REPLACE", 1
)
STALE_SUMMARIES: Final = (
    "UPDATE summary SET stale = 1 WHERE project = ? AND namespace = ? AND uid = ? AND through_seq >= ? "
    "AND stale = 0"
)

# Recorded answers, and the project

FIND_IDEMPOTENCY: Final = (
    f"SELECT {mapping.IDEMPOTENCY} FROM idempotency WHERE request = ? AND project = ? AND expires > {NOW}"
)
LIST_IDEMPOTENCY: Final = (
    f"SELECT {mapping.ANSWER} FROM idempotency WHERE project = ?1 AND (?2 IS NULL OR namespace = ?2) "
    f"AND (namespace, request) > (?3, ?4) AND expires > {NOW} ORDER BY namespace, request LIMIT ?5"
)
FORGET_IDEMPOTENCY: Final = "DELETE FROM idempotency WHERE request = ? AND project = ?"
SAVE_IDEMPOTENCY: Final = insertion(
    "idempotency", mapping.IDEMPOTENCY_FIELDS.columns + ", project, namespace"
).replace("INSERT", "REPLACE", 1)
FIND_PROJECT: Final = "SELECT immutable, closed, retention FROM project WHERE name = ?"
