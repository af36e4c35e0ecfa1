"""Databases for tests on the server that ``MONGODB_URI`` names: migrated once, emptied after each use.

To make all indexes of a new database takes a quarter of a second, which a thousand tests would each pay.
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

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a database is like before anything is stored: its indexes, and what the migration wrote."""

    indexes: Document
    meta: list[Document]

    @classmethod
    def of(cls, database: Database[Document]) -> Migrated:
        """Look at a database that was migrated just now."""
        return cls(_indexes(database), list(database.meta.find()))


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

    def note(self, url: str) -> None:
        """Remember what a database is like that was migrated just now."""
        name = _name(url)
        if name not in self._migrated:
            with self._connect() as client:
                self._migrated[name] = Migrated.of(client[name])

    def give_back(self, url: str) -> None:
        """Empty a database for the next user, or drop it when it is not what it was."""
        name = _name(url)
        with self._connect() as client:
            try:
                with pymongo.timeout(PATIENCE_SECONDS):
                    if self._empty(client[name], self._migrated[name]):
                        self._free.append(name)
                        return
            except PyMongoError:
                pass  # what cannot be emptied is dropped
            del self._migrated[name]
            client.drop_database(name)

    @staticmethod
    def _empty(database: Database[Document], migrated: Migrated) -> bool:
        if _indexes(database) != migrated.indexes:
            return False
        for collection in migrated.indexes:
            database[collection].delete_many({})
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


def _name(url: str) -> str:
    return urlsplit(url).path[1:]


def _indexes(database: Database[Document]) -> Document:
    return {name: database[name].index_information() for name in sorted(database.list_collection_names())}
