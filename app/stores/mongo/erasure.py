"""The part of a transaction that erases the scope's namespace, some of it at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from ...domain.erasure import Erasure, Reach
from ...domain.records import Scope
from ..erasure import Hidden, NamespaceErasure, Removed
from .administration import MongoAdministration
from .database import Document, MongoDatabase, Rows
from .expiry import ERASED, REMOVED_FIELDS, bury, release_tombstones
from .mapping import ERASURE, ERASURE_FIELDS, erasure_from, place, plain
from .queries import Reader
from .statements import lock_document
from .vectors import drop_vectors


class MongoErasure(MongoAdministration, NamespaceErasure):
    """Erases the namespace of a transaction."""

    scope: Scope
    _db: MongoDatabase
    _session: ClientSession | None
    _reader: Reader

    def lock_erasure(self) -> Erasure | None:
        found = lock_document(self._db.erasures, {"_id": self._erasure}, ERASURE_FIELDS, self._session)
        return None if found is None else erasure_from(found)

    def save_erasure(self, erasure: Erasure) -> None:
        document = {"_id": self._erasure, **place(self.scope), **plain(erasure, ERASURE)}
        query = {"_id": self._erasure}
        self._db.erasures.replace_one(query, document, upsert=True, session=self._session)

    def remove_erasure(self) -> None:
        self._db.erasures.delete_one({"_id": self._erasure}, session=self._session)

    @property
    def _erasure(self) -> Document:
        return {"p": self.scope.project, "n": self.scope.namespace}

    def erase_dialogues(self, reach: Reach, most: int) -> tuple[list[Removed], int]:
        query = {**place(self.scope), "uid": {"$lte": reach.uid}}
        removed = bury(self._reader, self._some(self._db.dialogues, query, most, REMOVED_FIELDS))
        return removed, self._count(self._db.summaries, {"uid": _among([one.uid for one in removed])})

    def erase_tombstones(self, reach: Reach, most: int) -> Hidden:
        query = {**place(self.scope), "erased": None, "uid": {"$lte": reach.uid}}
        found = self._some(self._db.tombstones, query, most, ["dialogueId", "uid", "purged"])
        if not found:
            return Hidden(0, 0, 0)
        here = {"_id": _among([one["_id"] for one in found])}
        self._db.tombstones.update_many(here, {"$set": ERASED}, session=self._session)
        names = _among([one["dialogueId"] for one in found])
        release_tombstones(self._reader, names)
        uids = {"uid": _among([one["uid"] for one in found if not one["purged"]])}
        messages = self._count(self._db.messages, {"dialogueId": names, **uids})
        return Hidden(len(found), messages, self._count(self._db.summaries, uids))

    def erase_memories(self, reach: Reach, most: int) -> int:
        query = {**place(self.scope), "created": {"$lte": reach.created}}
        gone = self._erase(self._db.memories, query, most)
        if gone:
            drop_vectors(self._db, self._session, "memories", place(self.scope), gone)
        return len(gone)

    def erase_answers(self, reach: Reach, most: int) -> int:
        query = {**place(self.scope), "expireAt": {"$lte": datetime.fromisoformat(reach.expires)}}
        return len(self._erase(self._db.idempotency, query, most))

    def _erase(self, rows: Rows, query: Document, most: int) -> list[Any]:
        """Delete documents, and return their keys."""
        gone = [found["_id"] for found in self._some(rows, query, most, ["_id"])]
        if gone:
            rows.delete_many({"_id": _among(gone)}, session=self._session)
        return gone

    def _some(self, rows: Rows, query: Document, most: int, fields: Sequence[str]) -> list[Document]:
        """Return up to ``most`` documents; a limit of 0 would be none to MongoDB."""
        return list(rows.find(query, fields, limit=most, session=self._session)) if most else []

    def _count(self, rows: Rows, query: Document) -> int:
        if not query["uid"]["$in"]:
            return 0
        return rows.count_documents({**place(self.scope), **query}, session=self._session)


def _among(values: Sequence[Any]) -> Document:
    return {"$in": list(values)}
