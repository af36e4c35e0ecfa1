"""Removing what has expired, with a tombstone that the sweeper removes as well."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

import orjson

from ...domain.expiry import DialogueHorizon, MemoryHorizon
from ...domain.records import Scope
from ..erasure import Removed
from . import facets, statements, sweeping
from .indexing import drop_terms
from .mapping import Row


def remove_dialogues(
    connection: Connection, scope: Scope, dialogue_ids: Sequence[str], horizon: DialogueHorizon
) -> list[Removed]:
    """Delete those of the dialogues that have expired."""
    values = (scope.project, scope.namespace, orjson.dumps(dialogue_ids).decode(), *horizon)
    return bury(connection, scope, connection.execute(statements.REMOVE_EXPIRED, values).fetchall())


def bury(connection: Connection, scope: Scope, rows: Sequence[Row]) -> list[Removed]:
    """Leave tombstones of dialogues that were deleted, and take them from the index and the facets."""
    drop_terms(connection, "dialogue", scope.project, [row[:4] for row in rows])
    for row in rows:
        facets.drop_rows(connection, scope, *row[7:])
    removed = [Removed(*row[3:7]) for row in rows]
    tombstones = [(scope.project, scope.namespace, one.id, one.uid, sweeping.ERASED) for one in removed]
    connection.executemany(statements.INSERT_TOMBSTONE, tombstones)
    return removed


def remove_memories(
    connection: Connection, scope: Scope, memory_ids: Sequence[str], horizon: MemoryHorizon
) -> int:
    """Delete those of the memories that have expired; how many they were."""
    values = (scope.project, scope.namespace, orjson.dumps(memory_ids).decode(), *horizon)
    removed = connection.execute(statements.REMOVE_EXPIRED_MEMORIES, values).fetchall()
    drop_terms(connection, "memory", scope.project, removed)
    return len(removed)
