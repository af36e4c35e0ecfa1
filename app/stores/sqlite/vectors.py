"""Vectors beside the rows they were made from, and the queue: rows of ``vector`` without pieces."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from sqlite3 import Connection
from typing import Any, Final

from ...search.passages import dialogue_passage, memory_passage, message_passage
from ..vectors import MOST_ORPHANS, Progress, Queued, QueuedModel, VectorQueue, take_texts
from .database import SqliteDatabase
from .indexing import ENQUEUE
from .mapping import read_tags

KINDS: Final = ("memory", "dialogue", "message")
"""The tables whose rows are embedded, in the order in which they are walked through."""

FIRST: Final = 2**62
"""Above every number: where a walk through a table begins."""

UNCLAIMED_SECONDS: Final = 3600
"""A model that no server has claimed for so long is not in use."""

_FILL: Final = ENQUEUE.replace("INSERT", "INSERT OR IGNORE", 1)
_CLAIM: Final = (
    "INSERT INTO embedding (model, holder, until) VALUES (?1, ?2, ?3 + ?4) ON CONFLICT (model) "
    "DO UPDATE SET holder = excluded.holder, until = excluded.until "
    "WHERE holder IS NULL OR holder = excluded.holder OR until < ?3"
)
_BEGIN: Final = (
    f"INSERT INTO embedding (model, kind, below) VALUES (?1, '{KINDS[0]}', {FIRST}) ON CONFLICT (model) "
    "DO UPDATE SET kind = excluded.kind, below = excluded.below WHERE kind IS NULL"
)
_UNUSED: Final = (
    "SELECT model FROM embedding WHERE model <> ?1 AND coalesce(until, 0) < ?2 AND EXISTS "
    "(SELECT 1 FROM embedding WHERE model = ?1 AND kind IS NULL) AND NOT EXISTS "
    "(SELECT 1 FROM vector WHERE model = ?1 AND pieces IS NULL) LIMIT 1"
)
_TAKE: Final = (
    "DELETE FROM vector WHERE seq = ? AND pieces IS NULL RETURNING kind, number, model, project, namespace"
)
_KEEP: Final = ENQUEUE.replace("namespace)", "namespace, pieces)").replace("?)", "?, ?)")
_QUEUED: Final = (
    "SELECT seq, kind, number FROM vector WHERE model = ? AND pieces IS NULL ORDER BY seq LIMIT ?"
)
_WAITING: Final = "FROM vector WHERE model = ? AND pieces IS NULL"
_TEXTS: Final = {
    "memory": "SELECT label, description, tags, value FROM memory",
    "message": "SELECT body FROM message",
    "dialogue": (
        "SELECT label, tags, (SELECT body FROM summary WHERE summary.project = dialogue.project AND "
        "summary.namespace = dialogue.namespace AND dialogue_id = dialogue.id AND summary.uid = dialogue.uid "
        "AND completed = 1 AND ranged = 0 AND stale = 0 "
        "ORDER BY summary.created DESC, summary.id DESC LIMIT 1) "
        "FROM dialogue"
    ),
}
_ORPHANS: Final = (
    "FROM vector WHERE kind = ? AND NOT EXISTS (SELECT 1 FROM {0} AS item WHERE item.number = vector.number "
    "AND item.project = vector.project AND item.namespace = vector.namespace)"
)


class SqliteVectors(QueuedModel, VectorQueue):
    """The queue and the vectors, in one table."""

    _db: SqliteDatabase

    def claim_queue(self, model: str, holder: str, seconds: float) -> bool:
        return self._db.commits.run(
            lambda connection: connection.execute(_CLAIM, (model, holder, time.time(), seconds)).rowcount == 1
        )

    def queued(self, model: str, limit: int) -> list[Queued]:
        with self._db.snapshot():
            return take_texts(self._read(self._db.all(_QUEUED, (model, limit))))

    def _read(self, entries: Iterable[Sequence[Any]]) -> Iterator[Queued]:
        for ticket, kind, number in entries:
            row = self._db.one(f"{_TEXTS[kind]} WHERE number = ?", (number,))
            if row is not None:
                yield Queued(ticket, _passage(kind, *row))

    def save_vectors(self, made: Sequence[tuple[Any, bytes]]) -> int:
        return self._db.commits.run(partial(_save, made=made))

    def begin_filling(self, model: str) -> None:
        self._db.commits.run(lambda connection: connection.execute(_BEGIN, (model,)))

    def fill_queue(self, model: str, rows: int = 500) -> int:
        if not self._db.all("SELECT 1 FROM embedding WHERE model = ? AND kind IS NOT NULL", (model,)):
            return 0
        return self._db.commits.run(partial(_fill, model=model, rows=rows))

    def drop_other_vectors(self, model: str, rows: int = 1000) -> int:
        others = self._db.all(_UNUSED, (model, time.time() - UNCLAIMED_SECONDS))
        return self._db.commits.run(partial(_forget, model=others[0][0], rows=rows)) if others else 0

    def count_queued(self, model: str) -> int:
        return self._count(_WAITING, model)

    def embedding_progress(self, project: str, model: str) -> Progress:
        with self._db.snapshot():
            waiting = self._count(
                "FROM vector WHERE model = ? AND pieces IS NULL AND project = ?", model, project
            )
            unqueued = sum(self._count(_unqueued(kind), project, model) for kind in KINDS)
            orphans = sum(
                self._count(_ORPHANS.format(kind) + " AND project = ?", kind, project) for kind in KINDS
            )
            walk = self._db.all("SELECT kind FROM embedding WHERE model = ?", (model,))
        return Progress(waiting, unqueued, orphans, is_walked=walk == [(None,)])

    def _count(self, of: str, *values: object) -> int:
        count: int = self._db.all(f"SELECT count(*) {of}", values)[0][0]
        return count

    def drop_orphans(self) -> int:
        return self._db.commits.run(_drop_orphans)


def _unqueued(kind: str) -> str:
    return (
        f"FROM {kind} AS item WHERE project = ? AND NOT EXISTS (SELECT 1 FROM vector "
        f"WHERE kind = '{kind}' AND vector.number = item.number AND model = ?)"
    )


def _passage(kind: str, *columns: Any) -> str:
    if kind == "message":
        return message_passage(*columns)
    if kind == "memory":
        label, description, tags, value = columns
        return memory_passage(label, description, read_tags(tags), value)
    label, tags, summary = columns
    return dialogue_passage(label, read_tags(tags), summary)


def _save(connection: Connection, made: Iterable[tuple[Any, bytes]]) -> int:
    saved = 0
    for ticket, pieces in made:
        entry = connection.execute(_TAKE, (ticket,)).fetchone()
        if entry is not None:
            # A number of its own: those who know the vectors before a number find this one behind it.
            connection.execute(_KEEP, (*entry, pieces))
            saved += 1
    return saved


def _fill(connection: Connection, model: str, rows: int) -> int:
    kind, below = connection.execute("SELECT kind, below FROM embedding WHERE model = ?", (model,)).fetchone()
    if kind is None:
        return 0
    sql = f"SELECT number, project, namespace FROM {kind} WHERE number < ? ORDER BY number DESC LIMIT ?"
    found = connection.execute(sql, (below, rows)).fetchall()
    connection.executemany(_FILL, [(kind, number, model, *place) for number, *place in found])
    if found:
        following, below = kind, found[-1][0]
    else:
        following, below = dict(pairwise((*KINDS, None)))[kind], FIRST
    connection.execute("UPDATE embedding SET kind = ?, below = ? WHERE model = ?", (following, below, model))
    return len(found) or int(following is not None)


def _forget(connection: Connection, model: str, rows: int) -> int:
    """Remove rows of a model that is not in use, and with the last of them what is known of it."""
    sql = "DELETE FROM vector WHERE seq IN (SELECT seq FROM vector WHERE model = ? LIMIT ?)"
    count = connection.execute(sql, (model, rows)).rowcount
    if not count:
        connection.execute("DELETE FROM embedding WHERE model = ?", (model,))
    return count


def _drop_orphans(connection: Connection) -> int:
    count = 0
    for kind in KINDS:
        sql = f"DELETE FROM vector WHERE seq IN (SELECT seq {_ORPHANS.format(kind)} LIMIT ?)"
        count += connection.execute(sql, (kind, MOST_ORPHANS)).rowcount
    return count
