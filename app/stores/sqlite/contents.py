"""Reading each dialogue with its messages in one pass: what is ordered alike is read side by side."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Final, Generic, TypeVar

from ...domain.expiry import DialogueHorizon
from ...domain.records import Dialogue, Scope, ScopeFilter, Tombstone
from ..contents import Contents, StoredMessage
from . import mapping, sweeping
from .database import SqliteDatabase
from .queries import scope_clauses
from .statements import dialogue_expired

Key = tuple[str, ...]
"""Namespace and id of a dialogue, and where it matters its uid; SQLite orders text as Python does."""

V = TypeVar("V")

DIALOGUES: Final = (
    f"SELECT {mapping.DIALOGUE} FROM dialogue WHERE {{0}} AND NOT {dialogue_expired('dialogue')} "
    "ORDER BY namespace, id"
)
KEPT_TOMBSTONES: Final = (
    f"SELECT namespace, dialogue_id, uid FROM grave WHERE {{0}} AND fate = {sweeping.KEPT} "
    "ORDER BY namespace, dialogue_id, uid"
)
MESSAGES: Final = (
    f"SELECT namespace, dialogue_id, uid, {', '.join(StoredMessage._fields)} FROM message WHERE {{0}} "
    "ORDER BY namespace, dialogue_id, uid, seq"
)
THREADS: Final = (
    "SELECT namespace, thread_of, count(*) FROM dialogue WHERE {0} AND thread_of IS NOT NULL "
    "GROUP BY namespace, thread_of ORDER BY namespace, thread_of"
)


class Ordered(Generic[V]):
    """Values by ascending keys, which are looked up by keys that ascend as well."""

    def __init__(self, pairs: Iterator[tuple[Key, V]]) -> None:
        self._pairs = pairs
        self._pair = next(pairs, None)

    def at(self, key: Key) -> V | None:
        """Return the value of a key, if there is one."""
        while self._pair is not None and self._pair[0] < key:
            self._pair = next(self._pairs, None)
        return self._pair[1] if self._pair is not None and self._pair[0] == key else None


def iterate_contents(
    db: SqliteDatabase, scope_filter: ScopeFilter, horizon: DialogueHorizon
) -> Iterator[Contents]:
    """Yield what ``Maintenance.iterate_contents`` promises; everything is read in one snapshot."""
    place = scope_clauses(scope_filter)

    def each(query: str, *values: object) -> Iterator[mapping.Row]:
        return db.each(query.format(place), (*place.values, *values))

    with db.snapshot():
        messages = Ordered(groupby(each(MESSAGES), key=itemgetter(0, 1, 2)))
        threads = Ordered((row[:2], row[2]) for row in each(THREADS))
        living = map(_dialogue, each(DIALOGUES, *horizon))
        deleted = map(_tombstone, each(KEPT_TOMBSTONES))
        for key, owner in merge(living, deleted, key=itemgetter(0)):
            count = threads.at(key[:2]) if isinstance(owner, Dialogue) else None
            rows = messages.at(key) or ()
            stored = map(StoredMessage._make, map(itemgetter(slice(3, None)), rows))
            yield Contents(Scope(scope_filter.project, key[0]), owner, count or 0, stored)


def _dialogue(row: mapping.Row) -> tuple[Key, Dialogue | Tombstone]:
    dialogue = mapping.DIALOGUE.read(row)
    return (dialogue.namespace, dialogue.id, dialogue.uid), dialogue


def _tombstone(row: mapping.Row) -> tuple[Key, Dialogue | Tombstone]:
    _, dialogue_id, uid = row
    return row, Tombstone(dialogue_id, uid, purged=False)
