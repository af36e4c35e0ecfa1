"""Removing what is hidden already, a batch at a time: what deleted dialogues left, and removed projects."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Final

from . import mapping, statements
from .indexing import INDEXED_ROW, drop_terms

KEPT: Final = 0
"""The fate of a tombstone whose messages and summaries stay readable."""
PURGED: Final = 1
"""They are hidden and await the sweep; the tombstone stays, so that the id's last uid is known."""
ERASED: Final = 2
"""They are hidden and await the sweep; the tombstone goes too, unless it is needed."""
SWEPT: Final = 3
"""They are gone."""
NEEDED: Final = 4
"""They are gone; the tombstone would go too, but is still needed."""

TOMBSTONES_PER_STEP: Final = 100

PENDING_TOMBSTONES: Final = (
    f"SELECT {mapping.TOMBSTONE} FROM grave WHERE fate IN ({PURGED}, {ERASED}) LIMIT {TOMBSTONES_PER_STEP}"
)
COUNT_PENDING: Final = (
    f"SELECT count(*) FROM (SELECT 1 FROM grave WHERE fate IN ({PURGED}, {ERASED}) LIMIT ?)"
)
_OF_TOMBSTONE: Final = "WHERE project = ? AND namespace = ? AND dialogue_id = ? AND uid = ?"
SWEEP_MESSAGES: Final = (
    f"DELETE FROM message WHERE number IN (SELECT number FROM message {_OF_TOMBSTONE} LIMIT ?) "
    f"RETURNING {INDEXED_ROW['message']}"
)
SWEEP_SUMMARIES: Final = (
    f"DELETE FROM summary WHERE number IN (SELECT number FROM summary {_OF_TOMBSTONE} LIMIT ?)"
)
CLOSE_TOMBSTONE: Final = f"UPDATE grave SET fate = ? {_OF_TOMBSTONE}"
RELEASE_TOMBSTONES: Final = (
    f"UPDATE grave SET fate = {ERASED} WHERE project = ? AND namespace = ? AND dialogue_id = ? "
    f"AND fate = {NEEDED}"
)
_LEFT: Final = (
    "(SELECT 1 FROM {table} AS row WHERE row.project = grave.project AND row.namespace = grave.namespace "
    "AND row.dialogue_id = grave.dialogue_id AND row.uid = grave.uid)"
)
SWEEP_AGAIN: Final = (
    f"UPDATE grave SET fate = CASE fate WHEN {SWEPT} THEN {PURGED} ELSE {ERASED} END "
    f"WHERE project = ? AND fate IN ({SWEPT}, {NEEDED}) "
    f"AND (EXISTS {_LEFT.format(table='message')} OR EXISTS {_LEFT.format(table='summary')})"
)
DROP_TOMBSTONE: Final = f"DELETE FROM grave {_OF_TOMBSTONE}"
IS_NEEDED: Final = (
    "SELECT EXISTS (SELECT 1 FROM dialogue WHERE project = ?1 AND namespace = ?2 AND thread_of = ?3) OR "
    "EXISTS (SELECT 1 FROM grave WHERE project = ?1 AND namespace = ?2 AND dialogue_id = ?3 AND uid < ?4 "
    f"AND fate = {KEPT})"
)
"""Whether a tombstone must stay: a re-created parent counts its threads by it, or it hides older messages."""
SWEEP_ANSWERS: Final = (
    "DELETE FROM idempotency WHERE request IN (SELECT request FROM idempotency "
    f"WHERE expires <= {statements.NOW} LIMIT ?)"
)

CLOSING_PROJECT: Final = "SELECT name FROM project WHERE closed = 1 LIMIT 1"
CLOSE_PROJECT: Final = "UPDATE project SET closed = 2 WHERE name = ?"
CLEAR_INDEXED: Final = {
    table: f"DELETE FROM {table} WHERE number IN (SELECT number FROM {table} WHERE project = ? LIMIT ?) "
    f"RETURNING {INDEXED_ROW[table]}"
    for table in ("dialogue", "message", "memory")
}
CLEAR_SUMMARIES: Final = (
    "DELETE FROM summary WHERE number IN (SELECT number FROM summary WHERE project = ? LIMIT ?)"
)
CLEAR_FACETS: Final = (
    "DELETE FROM dialogue_facet WHERE (project, digest, created, namespace, id) IN "
    "(SELECT project, digest, created, namespace, id FROM dialogue_facet WHERE project = ? LIMIT ?)"
)
CLEAR_TOMBSTONES: Final = (
    "DELETE FROM grave WHERE (project, namespace, dialogue_id, uid) IN "
    "(SELECT project, namespace, dialogue_id, uid FROM grave WHERE project = ? LIMIT ?)"
)
CLEAR_ANSWERS: Final = (
    "DELETE FROM idempotency WHERE request IN (SELECT request FROM idempotency WHERE project = ? LIMIT ?)"
)
CLEAR_ERASURES: Final = (
    "DELETE FROM erasure WHERE (project, namespace) IN "
    "(SELECT project, namespace FROM erasure WHERE project = ? LIMIT ?)"
)


def sweep_step(connection: Connection, rows: int) -> tuple[int, bool]:
    """Remove up to ``rows`` hidden rows; how many, and whether there may be more."""
    removed = 0
    tombstones = connection.execute(PENDING_TOMBSTONES).fetchall()
    for project, namespace, dialogue_id, uid, fate in tombstones:
        key = (project, namespace, dialogue_id, uid)
        swept = connection.execute(SWEEP_MESSAGES, (*key, rows - removed)).fetchall()
        drop_terms(connection, "message", project, swept)
        removed += len(swept)
        removed += connection.execute(SWEEP_SUMMARIES, (*key, rows - removed)).rowcount
        if removed == rows:
            return removed, True
        _close_tombstone(connection, key, fate)
    removed += connection.execute(SWEEP_ANSWERS, (rows - removed,)).rowcount
    return removed, bool(tombstones)


def _close_tombstone(connection: Connection, key: tuple[str, ...], fate: int) -> None:
    if fate == PURGED:
        connection.execute(CLOSE_TOMBSTONE, (SWEPT, *key))
    elif connection.execute(IS_NEEDED, key).fetchone()[0]:
        connection.execute(CLOSE_TOMBSTONE, (NEEDED, *key))
    else:
        connection.execute(DROP_TOMBSTONE, key)


def sweep_again(connection: Connection, project: str) -> None:
    """Let those purged dialogues of a project await the sweep again that have left messages or summaries."""
    connection.execute(SWEEP_AGAIN, (project,))


def clear_step(connection: Connection, project: str, rows: int) -> int:
    """Remove up to ``rows`` rows of a closed project; 0 when none is left and its name is free."""
    for table, sql in CLEAR_INDEXED.items():
        cleared = connection.execute(sql, (project, rows)).fetchall()
        drop_terms(connection, table, project, cleared)
        if cleared:
            return len(cleared)
    for sql in (CLEAR_FACETS, CLEAR_SUMMARIES, CLEAR_TOMBSTONES, CLEAR_ANSWERS, CLEAR_ERASURES):
        count = connection.execute(sql, (project, rows)).rowcount
        if count:
            return count
    connection.execute(CLOSE_PROJECT, (project,))
    return 0
