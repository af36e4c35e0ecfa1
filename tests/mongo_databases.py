"""Databases for tests on the server that ``MONGODB_URI`` names: migrated once, emptied after each use.

To make all indexes of a new database takes a third of a second of the processor, which a thousand tests would
each pay.
"""

from __future__ import annotations

import atexit
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pymongo
from pymongo.database import Database
from pymongo.errors import PyMongoError

PATIENCE_SECONDS: Final = 10.0
"""How long emptying may take; a test may have left a transaction that holds what it wrote."""

WITHOUT_INDEX: Final = "projects"
"""The collection that the migration leaves to come with its first document."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a database is like before anything is stored: its collections, and what the migration wrote."""

    collections: list[str]
    indexes: int
    meta: list[Document]

    @classmethod
    def of(cls, database: Database[Document]) -> Migrated:
        """Look at a database that was migrated just now."""
        database.create_collection(WITHOUT_INDEX)
        return cls(
            sorted(database.list_collection_names()),
            database.command("dbStats")["indexes"],
            list(database.meta.find()),
        )

    def still_holds(self, database: Database[Document]) -> bool:
        """Whether a test left collections and indexes as they were: one command asks for their numbers."""
        stats = database.command("dbStats")
        return (stats["collections"], stats["indexes"]) == (len(self.collections), self.indexes)

    def filled(self, database: Database[Document]) -> list[str]:
        """Return the collections that hold something, which one command asks for too."""
        first, *others = self.collections
        union = [{"$unionWith": {"coll": name, "pipeline": _sample(name)}} for name in others]
        return [found["name"] for found in database[first].aggregate([*_sample(first), *union])]


class MongoDatabases:
    """The databases of one server that nobody uses at the moment."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._migrated: dict[str, Migrated] = {}
        self._free: list[str] = []
        atexit.register(self.close)

    def take(self) -> str:
        """Return the URL of an empty database; it may not be migrated yet."""
        name = self._free.pop() if self._free else "test_" + secrets.token_hex(6)
        return urlunsplit(urlsplit(self._server)._replace(path="/" + name))

    def note(self, database: Database[Document]) -> None:
        """Remember what a database is like that was migrated just now."""
        if database.name not in self._migrated:
            self._migrated[database.name] = Migrated.of(database)

    def give_back(self, database: Database[Document]) -> None:
        """Empty a database for the next user, or drop it when it is not what it was."""
        try:
            with pymongo.timeout(PATIENCE_SECONDS):
                if self._empty(database, self._migrated[database.name]):
                    self._free.append(database.name)
                    return
        except PyMongoError:
            pass  # what cannot be emptied, or not with a client that the test closed, is dropped
        del self._migrated[database.name]
        with self._connect() as client:
            client.drop_database(database.name)

    @staticmethod
    def _empty(database: Database[Document], migrated: Migrated) -> bool:
        if not migrated.still_holds(database):
            return False
        for name in migrated.filled(database):
            database[name].delete_many({})
        database.meta.insert_many(migrated.meta)
        return True

    def close(self) -> None:
        """Drop what is left."""
        with self._connect() as client:
            for name in self._migrated:
                client.drop_database(name)
        self._migrated.clear()
        self._free.clear()

    def _connect(self) -> pymongo.MongoClient[Document]:
        # Not kept: tests that replace time.sleep would meet the threads of a client.
        return pymongo.MongoClient(self._server)


@cache
def databases_at(server: str) -> MongoDatabases:
    """Return the databases of a server, which this process shares."""
    return MongoDatabases(server)


def _sample(collection: str) -> list[Document]:
    return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": collection}}}]
