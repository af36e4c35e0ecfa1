"""Vectors beside the documents they were made from, and the queue: documents of ``vectors`` without pieces.

A document of ``vectors`` names an item by its collection and ``_id``. Those with pieces have a ``seq`` that
grows in the order in which they are committed: each transaction that makes some moves one counter first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from ...domain.records import JsonText
from ...search.passages import dialogue_passage, memory_passage, message_passage
from ..vectors import MOST_ORPHANS, Progress, Queued, QueuedModel, VectorQueue, take_texts
from .commit import transact
from .database import Document, MongoDatabase
from .statements import DUPLICATE
from .striped_locks import StripedLocks

KINDS: Final = ("memories", "dialogues", "messages")
"""The collections whose documents are embedded, in the order in which they are walked through."""

UNCLAIMED: Final = timedelta(hours=1)
"""A model that no server has claimed for so long is not in use."""

BATCH: Final = 500
QUEUED: Final = {"queued": True}


def entry_of(kind: str, document: Document, model: str) -> Document:
    """Return the entry of a document of a collection; messages and dialogues have a uid, too."""
    entry = {"kind": kind, "item": document["_id"], "model": model, **QUEUED}
    return entry | {name: document[name] for name in ("project", "namespace", "uid") if name in document}


def enqueue(
    db: MongoDatabase,
    session: ClientSession | None,
    kind: str,
    documents: Sequence[Document],
    model: str | None,
) -> None:
    """Queue documents of a collection to be embedded by a model, if there is one."""
    if model is not None and documents:
        entries = [entry_of(kind, document, model) for document in documents]
        db.vectors.insert_many(entries, session=session)


def drop_vectors(
    db: MongoDatabase, session: ClientSession | None, kind: str, place: Document, ids: list[Any]
) -> None:
    """Remove the vectors and entries of documents of a collection, which are all in one place."""
    query = {**place, "kind": kind, "item": ids[0] if len(ids) == 1 else {"$in": ids}}
    db.vectors.delete_many(query, session=session)


class MongoVectors(QueuedModel, VectorQueue):
    """The queue and the vectors, in one collection."""

    _db: MongoDatabase
    _locks: StripedLocks

    def claim_queue(self, model: str, holder: str, seconds: float) -> bool:
        now = datetime.now(UTC)
        changes = {"$set": {"holder": holder, "until": now + timedelta(seconds=seconds)}}
        free = [{"holder": {"$in": [None, holder]}}, {"until": {"$lt": now}}]
        with self._db.bounded():
            try:
                self._db.meta.update_one({**_state_of(model), "$or": free}, changes, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    def queued(self, model: str, limit: int) -> list[Queued]:
        with self._db.bounded():
            entries = list(self._db.vectors.find({"model": model, **QUEUED}, sort=[("_id", 1)], limit=limit))
            return take_texts(self._read(entries))

    def _read(self, entries: Iterable[Document]) -> Iterator[Queued]:
        for entry in entries:
            document = self._db.database[entry["kind"]].find_one(
                {"_id": entry["item"]}, PASSAGES[entry["kind"]][0]
            )
            if document is None:
                self._db.vectors.delete_one({"_id": entry["_id"]})
            else:
                yield Queued(entry["_id"], PASSAGES[entry["kind"]][1](self._db, document))

    def save_vectors(self, made: Sequence[tuple[Any, bytes]]) -> int:
        return transact(self._db, self._locks, lambda session, _: _save(self._db, session, made))

    def begin_filling(self, model: str) -> None:
        with self._db.bounded():
            self._db.meta.update_one(
                _state_of(model), {"$setOnInsert": {"walk": {"kind": KINDS[0]}}}, upsert=True
            )
            self._db.meta.update_one(
                {**_state_of(model), "walk.kind": None}, {"$set": {"walk": {"kind": KINDS[0]}}}
            )

    def fill_queue(self, model: str, rows: int = BATCH) -> int:
        with self._db.bounded():
            state = self._db.meta.find_one(_state_of(model)) or {}
            walk = state.get("walk", {})
            if walk.get("kind") is None:
                return 0
            before = {"_id": {"$lt": walk["last"]}} if "last" in walk else {}
            found = list(self._db.database[walk["kind"]].find(before, PLACE, sort=[("_id", -1)], limit=rows))
            self._add_missing(walk["kind"], found, model)
            following = (
                {"kind": walk["kind"], "last": found[-1]["_id"]}
                if found
                else {"kind": dict(zip(KINDS, (*KINDS[1:], None), strict=True))[walk["kind"]]}
            )
            self._db.meta.update_one({**_state_of(model), "walk": walk}, {"$set": {"walk": following}})
        return len(found) or int(following["kind"] is not None)

    def _add_missing(self, kind: str, documents: Sequence[Document], model: str) -> None:
        if not documents:
            return
        # Another server, or a write, may add some of them at the same time.
        try:
            self._db.vectors.insert_many([entry_of(kind, one, model) for one in documents], ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != DUPLICATE for one in (error.details or {}).get("writeErrors", [])):
                raise

    def drop_other_vectors(self, model: str, rows: int = 1000) -> int:
        old = datetime.now(UTC) - UNCLAIMED
        with self._db.bounded():
            if self._db.meta.find_one({**_state_of(model), "walk": {"kind": None}}) is None:
                return 0
            if self._db.vectors.find_one({"model": model, **QUEUED}, ["_id"]) is not None:
                return 0
            unused = {"embeds": {"$nin": [None, model]}, "until": {"$lt": old}}
            other = self._db.meta.find_one(unused)
            if other is None:
                return 0
            ids = [
                one["_id"] for one in self._db.vectors.find({"model": other["embeds"]}, ["_id"], limit=rows)
            ]
            if not ids:
                self._db.meta.delete_one({"_id": other["_id"]})
            return self._db.vectors.delete_many({"_id": {"$in": ids}}).deleted_count if ids else 0

    def count_queued(self, model: str) -> int:
        with self._db.bounded():
            return self._db.vectors.count_documents({"model": model, **QUEUED})

    def embedding_progress(self, project: str, model: str) -> Progress:
        with self._db.bounded():
            waiting = self._db.vectors.count_documents({"model": model, **QUEUED, "project": project})
            state = self._db.meta.find_one(_state_of(model)) or {}
        unqueued = sum(self._count_unqueued(kind, project, model) for kind in KINDS)
        orphans = sum(1 for _ in self._orphans({"project": project}))
        return Progress(waiting, unqueued, orphans, is_walked=state.get("walk") == {"kind": None})

    def _count_unqueued(self, kind: str, project: str, model: str) -> int:
        count = 0
        for batch in self._batches(self._db.database[kind], {"project": project}, ["_id"]):
            ids = [one["_id"] for one in batch]
            query = {"project": project, "kind": kind, "item": {"$in": ids}, "model": model}
            with self._db.bounded():
                known = {repr(one["item"]) for one in self._db.vectors.find(query, ["item"])}
                missing = [one for one in ids if repr(one) not in known]
                # What was removed since it was read has no vectors any more, and needs none.
                count += self._db.database[kind].count_documents({"_id": {"$in": missing}}) if missing else 0
        return count

    def _orphans(self, query: Document) -> Iterator[Any]:
        for batch in self._batches(self._db.vectors, query, ["kind", "item"]):
            for kind in KINDS:
                items = [one["item"] for one in batch if one["kind"] == kind]
                if not items:
                    continue
                with self._db.bounded():
                    found = self._db.database[kind].find({"_id": {"$in": items}}, ["_id"])
                    known = {repr(one["_id"]) for one in found}
                    lost = [
                        one["_id"] for one in batch if one["kind"] == kind and repr(one["item"]) not in known
                    ]
                    # What was removed since the vectors were read has taken them along.
                    left = list(self._db.vectors.find({"_id": {"$in": lost}}, ["_id"])) if lost else []
                yield from (one["_id"] for one in left)

    def _batches(self, rows: Any, query: Document, fields: list[str]) -> Iterator[list[Document]]:
        behind: Document = {}
        while True:
            with self._db.bounded():
                batch = list(rows.find({**query, **behind}, fields, sort=[("_id", 1)], limit=BATCH))
            if batch:
                yield batch
            if len(batch) < BATCH:
                return
            behind = {"_id": {"$gt": batch[-1]["_id"]}}

    def drop_orphans(self) -> int:
        ids = []
        for identifier in self._orphans({}):
            ids.append(identifier)
            if len(ids) == MOST_ORPHANS:
                break
        with self._db.bounded():
            return self._db.vectors.delete_many({"_id": {"$in": ids}}).deleted_count if ids else 0


PLACE: Final = ["project", "namespace", "uid"]


def _state_of(model: str) -> Document:
    """Return the key of what is known of a model: who embeds by it, and where the walk is."""
    return {"_id": f"embedding {model}", "embeds": model}


def _save(db: MongoDatabase, session: ClientSession | None, made: Sequence[tuple[Any, bytes]]) -> int:
    # The counter is moved first, so that of two transactions the second waits, and numbers follow commits.
    counter = {"$inc": {"seq": len(made)}}
    moved: Any = db.meta.find_one_and_update(
        {"_id": "vectors"}, counter, upsert=True, return_document=ReturnDocument.AFTER, session=session
    )
    pieces_of = dict(made)
    query = {"_id": {"$in": list(pieces_of)}, **QUEUED}
    entries = list(db.vectors.find(query, session=session, batch_size=len(made)))
    db.vectors.delete_many({"_id": {"$in": [entry["_id"] for entry in entries]}}, session=session)
    there = _existing(db, session, entries)
    kept = [entry for entry in entries if _item_of(entry) in there]
    for seq, entry in enumerate(kept, moved["seq"] - len(made) + 1):
        entry |= {"seq": seq, "pieces": pieces_of[entry.pop("_id")]}
        del entry["queued"]
    if kept:
        db.vectors.insert_many(kept, session=session)
    return len(kept)


def _existing(
    db: MongoDatabase, session: ClientSession | None, entries: Sequence[Document]
) -> set[tuple[str, str]]:
    """Return which of the items of some entries there are."""
    there: set[tuple[str, str]] = set()
    for kind in KINDS:
        items = [entry["item"] for entry in entries if entry["kind"] == kind]
        if items:
            rows = db.database[kind]
            found = rows.find({"_id": {"$in": items}}, ["_id"], session=session, batch_size=len(items))
            there.update((kind, repr(one["_id"])) for one in found)
    return there


def _item_of(entry: Document) -> tuple[str, str]:
    return entry["kind"], repr(entry["item"])


def _message(_: MongoDatabase, document: Document) -> str:
    return message_passage(document["body"])


def _memory(_: MongoDatabase, document: Document) -> str:
    label, description = document.get("label"), document.get("description")
    return memory_passage(label, description, document["tags"], document["value"])


def _dialogue(db: MongoDatabase, document: Document) -> str:
    of = {"project": document["project"], "namespace": document["namespace"], "dialogueId": document["id"]}
    query = {**of, "uid": document["uid"], "completed": True, "ranged": False, "stale": False}
    found = db.summaries.find_one(query, ["body"], sort=[("created", -1), ("id", -1)])
    return dialogue_passage(
        document.get("label"), document["tags"], None if found is None else JsonText(found["body"])
    )


PASSAGES: Final[dict[str, tuple[list[str], Callable[[MongoDatabase, Document], str]]]] = {
    "messages": (["body"], _message),
    "memories": (["label", "description", "tags", "value"], _memory),
    "dialogues": (["project", "namespace", "id", "uid", "label", "tags"], _dialogue),
}
"""Of each collection, what a passage is made from."""
