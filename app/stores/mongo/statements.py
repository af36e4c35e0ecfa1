"""Commands for one document, sent as they are.

The driver's own methods prepare retries and batches around each command, which takes a fifth of what it
costs this process. Inside a transaction nothing is retried, and one document is no batch. mongomock, where
there is no session, knows the driver's methods alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError, PyMongoError, WriteError

from .database import Document, MongoDatabase, Projection, Rows, in_snapshot
from .failures import release

Sort = Sequence[tuple[str, int]]

DUPLICATE: Final = 11000
"""The server's code for a key that is taken."""


def get_document(db: MongoDatabase, rows: Rows, key: Document, fields: Projection) -> Document | None:
    """Read a document by its key, outside a transaction."""
    if db.transactional and not in_snapshot.get():
        command = _find(rows, key, fields)
        try:
            return _first(rows, {**command, "readConcern": rows.read_concern.document})
        except PyMongoError as error:
            # What fails in passing is read again below, where the driver repeats it while there is time.
            release(error)
    return rows.find_one(key, fields)


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, which of its fields, in which order, and how many documents at most."""

    filter: Document
    fields: Projection
    sort: Sort
    most: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents of one answer, and whether the query finds no more."""

    documents: list[Document]
    is_last: bool


def find_batch(db: MongoDatabase, rows: Rows, query: Query) -> Batch | None:
    """Read what fits one answer, outside a transaction: 16 MiB, and one document at least.

    None where the driver has to read: on mongomock, in a snapshot, and what failed in passing.
    """
    if not db.transactional or in_snapshot.get():
        return None
    command = {
        "find": rows.name,
        "filter": query.filter,
        "projection": query.fields,
        "sort": dict(query.sort),
        "limit": query.most,
        "batchSize": query.most + 1,  # some servers keep a cursor open where it is the limit
        "readConcern": rows.read_concern.document,
    }
    try:
        cursor = rows.database.command(command)["cursor"]
        if cursor["id"]:
            rows.database.command({"killCursors": rows.name, "cursors": [cursor["id"]]})
    except PyMongoError as error:
        release(error)
        return None
    return Batch(cursor["firstBatch"], is_last=not cursor["id"])


def read_document(
    rows: Rows, key: Document, fields: Projection, session: ClientSession | None
) -> Document | None:
    """Read a document by its key, inside a transaction."""
    if session is None:
        return rows.find_one(key, fields)
    return _first(rows, _find(rows, key, fields), session)


def lock_document(
    rows: Rows,
    query: Document,
    fields: Projection,
    session: ClientSession | None,
    sort: Mapping[str, int] | None = None,
) -> Document | None:
    """Read a document by an update that every other writer of it conflicts with."""
    if session is None:
        return rows.find_one(query, fields, sort=sort)
    command: Document = {
        "findAndModify": rows.name,
        "query": query,
        "update": LOCK,
        "fields": fields,
        "new": True,
    }
    if sort is not None:
        command["sort"] = sort
    found: Document | None = rows.database.command(command, session=session)["value"]
    return found


def change_document(
    rows: Rows, query: Document, update: Any, fields: Projection, session: ClientSession
) -> Document | None:
    """Change the document that a query finds, and return some fields of it as they were before."""
    command = {"findAndModify": rows.name, "query": query, "update": update, "fields": fields}
    found: Document | None = rows.database.command(command, session=session)["value"]
    return found


LOCK: Final = {"$inc": {"locks": 1}}
"""The change that makes other writers of a document conflict."""


def update_document(rows: Rows, query: Document, changes: Document, session: ClientSession | None) -> bool:
    """Change the document that a query finds, inside a transaction; whether there is one."""
    if session is None:
        return rows.update_one(query, changes).matched_count > 0
    command = {"update": rows.name, "updates": [{"q": query, "u": changes}]}
    return bool(_write(rows, command, session)["n"])


def insert_document(rows: Rows, document: Document, session: ClientSession | None) -> None:
    """Insert a document inside a transaction, which gets an ``_id`` if it has none.

    Raises DuplicateKeyError for a key that is taken.
    """
    if session is None:
        rows.insert_one(document)
        return
    document.setdefault("_id", ObjectId())
    _write(rows, {"insert": rows.name, "documents": [document]}, session)


def _find(rows: Rows, key: Document, fields: Projection) -> Document:
    return {"find": rows.name, "filter": key, "projection": fields, "limit": 1, "singleBatch": True}


def _first(rows: Rows, command: Document, session: ClientSession | None = None) -> Document | None:
    found: list[Document] = rows.database.command(command, session=session)["cursor"]["firstBatch"]
    return found[0] if found else None


def _write(rows: Rows, command: Document, session: ClientSession) -> Mapping[str, Any]:
    """Return the answer to a write; the driver looks for errors of the command alone."""
    answer = rows.database.command(command, session=session)
    for error in answer.get("writeErrors", ()):
        kind = DuplicateKeyError if error["code"] == DUPLICATE else WriteError
        raise kind(error["errmsg"], error["code"], error)
    return answer
