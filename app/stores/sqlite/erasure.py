"""The part of a transaction that erases the scope's namespace, some of it at a time."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Final

import orjson

from ...domain.erasure import Erasure, Reach
from ...domain.records import Scope
from ..erasure import Hidden, NamespaceErasure, Removed
from . import mapping, statements, sweeping
from .expiry import bury
from .indexing import INDEXED_ROW, drop_terms

_HERE: Final = "project = ? AND namespace = ?"

LOCK_ERASURE: Final = f"SELECT {mapping.ERASURE} FROM erasure WHERE {_HERE}"
SAVE_ERASURE: Final = statements.insertion(
    "erasure", mapping.ERASURE_FIELDS.columns + ", project, namespace", "REPLACE"
)
REMOVE_ERASURE: Final = f"DELETE FROM erasure WHERE {_HERE}"
LIST_ERASURES: Final = "SELECT project, namespace FROM erasure WHERE touched < ? ORDER BY touched"

ERASE_DIALOGUES: Final = (
    f"DELETE FROM dialogue WHERE number IN (SELECT number FROM dialogue WHERE {_HERE} AND uid <= ? LIMIT ?) "
    f"RETURNING {statements.REMOVED}"
)
ERASE_MEMORIES: Final = (
    f"DELETE FROM memory WHERE number IN (SELECT number FROM memory WHERE {_HERE} AND created <= ? LIMIT ?) "
    f"RETURNING {INDEXED_ROW['memory']}"
)
ERASABLE_TOMBSTONES: Final = (
    f"SELECT dialogue_id, uid, fate FROM grave INDEXED BY grave_erasable WHERE {_HERE} "
    f"AND fate IN ({sweeping.KEPT}, {sweeping.PURGED}, {sweeping.SWEPT}) AND uid <= ? LIMIT ?"
)
ERASE_ANSWERS: Final = (
    "DELETE FROM idempotency WHERE request IN "
    f"(SELECT request FROM idempotency WHERE {_HERE} AND expires <= ? LIMIT ?)"
)
COUNT_MESSAGES: Final = f"SELECT count(*) FROM message WHERE {_HERE} AND dialogue_id = ? AND uid = ?"
COUNT_SUMMARIES: Final = (
    f"SELECT count(*) FROM summary WHERE {_HERE} AND uid IN (SELECT value FROM json_each(?))"
)


class SqliteErasure(NamespaceErasure):
    """Erases the namespace of a transaction."""

    scope: Scope
    _connection: Connection
    _key: tuple[str, str]

    def lock_erasure(self) -> Erasure | None:
        row = self._connection.execute(LOCK_ERASURE, self._key).fetchone()
        return None if row is None else mapping.ERASURE.read(row)

    def save_erasure(self, erasure: Erasure) -> None:
        self._connection.execute(SAVE_ERASURE, (*mapping.ERASURE_FIELDS.values(erasure), *self._key))

    def remove_erasure(self) -> None:
        self._connection.execute(REMOVE_ERASURE, self._key)

    def erase_dialogues(self, reach: Reach, most: int) -> tuple[list[Removed], int]:
        rows = self._connection.execute(ERASE_DIALOGUES, (*self._key, reach.uid, most)).fetchall()
        removed = bury(self._connection, self.scope, rows)
        return removed, self._count_summaries([one.uid for one in removed])

    def erase_tombstones(self, reach: Reach, most: int) -> Hidden:
        rows = self._connection.execute(ERASABLE_TOMBSTONES, (*self._key, reach.uid, most)).fetchall()
        erased = [(sweeping.ERASED, *self._key, dialogue_id, uid) for dialogue_id, uid, _ in rows]
        self._connection.executemany(sweeping.CLOSE_TOMBSTONE, erased)
        ids = {dialogue_id for dialogue_id, _, _ in rows}
        self._connection.executemany(sweeping.RELEASE_TOMBSTONES, [(*self._key, one) for one in ids])
        seen = [(dialogue_id, uid) for dialogue_id, uid, fate in rows if fate == sweeping.KEPT]
        messages = sum(map(self._count_messages, seen))
        return Hidden(len(rows), messages, self._count_summaries([uid for _, uid in seen]))

    def _count_messages(self, generation: tuple[str, str]) -> int:
        count: int = self._connection.execute(COUNT_MESSAGES, (*self._key, *generation)).fetchone()[0]
        return count

    def _count_summaries(self, uids: list[str]) -> int:
        values = (*self._key, orjson.dumps(uids).decode())
        count: int = self._connection.execute(COUNT_SUMMARIES, values).fetchone()[0]
        return count

    def erase_memories(self, reach: Reach, most: int) -> int:
        rows = self._connection.execute(ERASE_MEMORIES, (*self._key, reach.created, most)).fetchall()
        drop_terms(self._connection, "memory", self.scope.project, rows)
        return len(rows)

    def erase_answers(self, reach: Reach, most: int) -> int:
        return self._connection.execute(ERASE_ANSWERS, (*self._key, reach.expires, most)).rowcount
