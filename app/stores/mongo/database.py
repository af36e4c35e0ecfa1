"""The client and the database: how durable a write is, and how long a call may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote, urlsplit

import pymongo
from pymongo import MongoClient, ReadPreference
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from ...domain.errors import ServiceUnavailable
from ...waiting import blocking
from .failures import unavailable
from .in_doubt import InDoubtTransactions
from .presence import Presence

Document = dict[str, Any]
Rows = Collection[Document]
Projection = Mapping[str, int]

DATABASE = "colloquy"
"""The database of a URL that names none."""

in_snapshot: ContextVar[bool] = ContextVar("in_snapshot", default=False)
"""Whether the driver lends its reads a session of a transaction, so that each is of one moment."""

DURABLE = WriteConcern(w="majority", j=True)
COMMITTED = ReadConcern("majority")


class MongoDatabase:
    """A client, its database and its time limit; nothing is connected before the first command."""

    def __init__(
        self, url: str, *, timeout: float, pool_size: int, client: MongoClient[Document] | None
    ) -> None:
        self.timeout = timeout
        self.client = client if client is not None else _connect(url, timeout, pool_size)
        self.transactional = isinstance(self.client, MongoClient)
        """Whether this is MongoDB; mongomock has neither sessions nor concerns."""
        self.database = self._open(unquote(urlsplit(url).path[1:]) or DATABASE)
        self.dialogues = self.database["dialogues"]
        self.messages = self.database["messages"]
        self.tombstones = self.database["graves"]
        self.memories = self.database["memories"]
        self.summaries = self.database["summaries"]
        self.projects = self.database["projects"]
        self.keys = self.database["keys"]
        self.audit = self.database["audit"]
        self.idempotency = self.database["idempotency"]
        self.erasures = self.database["erasures"]
        self.vectors = self.database["vectors"]
        self.meta = self.database["meta"]
        self.in_doubt = InDoubtTransactions(self.client, self.meta)
        self.presence = Presence(lambda: self.database.command("ping"), patience=timeout / 2)

    def _open(self, name: str) -> Database[Document]:
        if not self.transactional:
            return self.client[name]
        return self.client.get_database(
            name,
            read_preference=ReadPreference.PRIMARY,
            write_concern=DURABLE,
            read_concern=COMMITTED,
        )

    @contextmanager
    def bounded(self, seconds: float | None = None) -> Iterator[None]:
        """Hold everything inside to the time limit, and answer its failures as ServiceUnavailable."""
        with self.waiting(self.timeout if seconds is None else seconds) as left:
            try:
                with pymongo.timeout(left):
                    yield
            except PyMongoError as error:
                raise self.failed(error, left) from error

    @contextmanager
    def waiting(self, limit: float) -> Iterator[float]:
        """Wait for the store inside, as ``blocking`` says; raises ServiceUnavailable while it is away."""
        with blocking(limit) as left:
            yield max(0.001, left - self.presence.require(left))

    def failed(self, error: Exception, seconds: float) -> ServiceUnavailable:
        """Return what a client is told of a failure, and keep in mind what it says of the store.

        ``seconds`` is how long the call might take.
        """
        self.presence.note(error, seconds)
        return unavailable(error)


def aggregate_together(
    db: MongoDatabase, rows: Rows, pipelines: Sequence[list[Document]], most: int
) -> list[list[Document]]:
    """Return what each pipeline over a collection gives, ``most`` documents in all, in any order.

    They are one command, and so one journey to the server and back.
    """
    if not db.transactional:
        # mongomock has no $unionWith.
        return [list(rows.aggregate(pipeline)) for pipeline in pipelines]
    found: list[list[Document]] = [[] for _ in pipelines]
    numbered = [[*pipeline, {"$set": {"of": {"$literal": n}}}] for n, pipeline in enumerate(pipelines)]
    if numbered:
        others = [{"$unionWith": {"coll": rows.name, "pipeline": one}} for one in numbered[1:]]
        for document in rows.aggregate([*numbered[0], *others], batchSize=most):
            found[document.pop("of")].append(document)
    return found


def _connect(url: str, timeout: float, pool_size: int) -> MongoClient[Document]:
    """Return a client that has not connected yet; raises ValueError for a URL it cannot read."""
    milliseconds = round(timeout * 1000)
    try:
        return MongoClient(
            url,
            connect=False,
            appname="colloquy",
            maxPoolSize=pool_size,
            retryReads=True,
            retryWrites=True,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            socketTimeoutMS=milliseconds,
            waitQueueTimeoutMS=milliseconds,
        )
    except (PyMongoError, ValueError) as error:
        # The driver's text may quote the password, so it is left out of this one and its trace.
        kind = type(error).__name__
        raise ValueError(f"The store URL is not one that MongoDB's driver reads ({kind}).") from None
